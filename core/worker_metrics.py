"""Sum the metrics of all workers of one server: whichever is asked asks the others."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from core.frame import Frame
from core.workers import Worker

_DEADLINE_S = 1.0


@asynccontextmanager
async def sharing_metrics(frame: Frame, worker: Worker | None) -> AsyncIterator[None]:
    """While open, other workers can read this one's metrics and `/metrics` tells the sum of all."""
    if worker is None:
        yield
        return
    path = worker.directory / f"{worker.number}.metrics"

    async def tell(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame.metrics.text())
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async def summed() -> bytes:
        others = [other for other in worker.directory.glob("*.metrics") if other != path]
        texts = await asyncio.gather(*(_read(other) for other in others))
        return sum_of([frame.metrics.text(), *texts])

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(tell, path)
    frame.metrics_text = summed
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


async def _read(path: Path) -> bytes:
    """Return another worker's metrics; nothing from one that is just gone."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            reader, writer = await asyncio.open_unix_connection(path)
            text = await reader.read()
            writer.close()
    except (OSError, TimeoutError):
        return b""
    return text


class _Summed(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def sum_of(texts: Iterable[bytes]) -> bytes:
    """Add up metrics in Prometheus' text format; of a gauge in seconds, the worst counts."""
    totals: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, frozenset[tuple[str, str]]], float]] = {}
    for text in texts:
        for family in text_string_to_metric_families(text.decode()):
            totals.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            known = values.setdefault(family.name, {})
            worst = family.type == "gauge" and family.name.endswith("_seconds")
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                before = known.get(key, 0.0)
                known[key] = max(before, sample.value) if worst else before + sample.value
    for name, metric in totals.items():
        for (sample_name, labels), value in values[name].items():
            metric.add_sample(sample_name, dict(labels), value)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Summed(totals.values()))
    return generate_latest(registry)
