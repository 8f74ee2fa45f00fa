"""Count requests for next to nothing on the way, and make Prometheus' text when somebody asks.

prometheus-client's counters take a lock for each step; plain integers in one thread need none. So requests are
counted here, and the library renders them.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class RouteMetrics:
    """Requests of one route: how many by status, and how long they took, in seconds."""

    __slots__ = ("buckets", "by_status", "method", "path", "sum_s")

    def __init__(self, method: str, path: str) -> None:
        self.method = method
        self.path = path
        self.by_status: dict[int, int] = {}
        self.buckets = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def observe(self, status: int, duration_s: float) -> None:
        """Count one request."""
        counts = self.by_status
        counts[status] = counts.get(status, 0) + 1
        self.buckets[bisect_left(BUCKETS_S, duration_s)] += 1
        self.sum_s += duration_s


class Metrics(Collector):
    """Everything that one server counts."""

    def __init__(self) -> None:
        self.routes: list[RouteMetrics] = []
        self.refusals: dict[str, int] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._counters: dict[str, tuple[str, Callable[[], float]]] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def route(self, method: str, path: str) -> RouteMetrics:
        """Return the counters of one route, to be bound once."""
        route = RouteMetrics(method, path)
        self.routes.append(route)
        return route

    def refused(self, reason: str) -> None:
        """Count a refused request by the check that refused it."""
        self.refusals[reason] = self.refusals.get(reason, 0) + 1

    def gauge(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Publish a value that is read when Prometheus asks."""
        self._gauges[name] = (documentation, read)

    def counter(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Publish a running total that is read when Prometheus asks."""
        self._counters[name] = (documentation, read)

    def collect(self) -> Iterator[Metric]:
        """Yield all of it for the library."""
        yield CounterMetricFamily("process_cpu_seconds", "CPU time that this process has used.", time.process_time())
        yield from self._requests()
        refusals = CounterMetricFamily("authlab_refusals", "Refused requests by the deciding check.", labels=["reason"])
        for reason, count in sorted(self.refusals.items()):
            refusals.add_metric([reason], count)
        yield refusals
        for name, (documentation, read) in self._gauges.items():
            yield GaugeMetricFamily(name, documentation, read())
        for name, (documentation, read) in self._counters.items():
            yield CounterMetricFamily(name, documentation, read())

    def _requests(self) -> Iterable[Metric]:
        requests = CounterMetricFamily("authlab_requests", "Requests answered.", labels=["method", "route", "status"])
        durations = HistogramMetricFamily(
            "authlab_request_duration_seconds", "From the parsed request to the answer.", labels=["method", "route"]
        )
        for route in self.routes:
            for status, count in sorted(route.by_status.items()):
                requests.add_metric([route.method, route.path, str(status)], count)
            if route.by_status:
                durations.add_metric([route.method, route.path], _cumulative(route.buckets), route.sum_s)
        return requests, durations

    def text(self) -> bytes:
        """Render in Prometheus' text format."""
        return generate_latest(self._registry)


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    total = 0
    pairs = []
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), buckets, strict=True):
        total += count
        pairs.append((bound, float(total)))
    return pairs
