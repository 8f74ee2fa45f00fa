from prometheus_client.parser import text_string_to_metric_families

from core.metrics import Metrics
from core.worker_metrics import sum_of


def samples(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(text: bytes, name: str, **labels: str) -> float:
    return samples(text)[name, frozenset(labels.items())]


def test_requests_are_counted_by_route_and_status() -> None:
    metrics = Metrics()
    route = metrics.route("GET", "/me")
    for status, duration_s in ((200, 0.0002), (200, 0.02), (401, 0.00005)):
        route.observe(status, duration_s)
    text = metrics.text()
    assert 2 == value(text, "authlab_requests_total", method="GET", route="/me", status="200")
    assert 1 == value(text, "authlab_requests_total", method="GET", route="/me", status="401")


def test_durations_are_a_cumulative_histogram() -> None:
    metrics = Metrics()
    route = metrics.route("GET", "/me")
    for duration_s in (0.00005, 0.0001, 0.0002, 0.02, 9.0):
        route.observe(200, duration_s)
    text = metrics.text()
    name = "authlab_request_duration_seconds"
    counts = [
        value(text, f"{name}_bucket", method="GET", route="/me", le=bound)
        for bound in ("0.0001", "0.00025", "0.025", "2.5", "+Inf")
    ]
    assert [2, 3, 4, 4, 5] == counts
    assert 5 == value(text, f"{name}_count", method="GET", route="/me")
    assert abs(9.02035 - value(text, f"{name}_sum", method="GET", route="/me")) < 1e-9


def test_a_route_that_nobody_used_has_no_histogram() -> None:
    metrics = Metrics()
    metrics.route("GET", "/never")
    assert b"/never" not in metrics.text()


def test_refusals_are_counted_by_the_check_that_decided() -> None:
    metrics = Metrics()
    for reason in ("mac", "mac", "time"):
        metrics.refused(reason)
    text = metrics.text()
    assert [2, 1] == [value(text, "authlab_refusals_total", reason=reason) for reason in ("mac", "time")]


def test_gauges_and_counters_are_read_when_asked() -> None:
    metrics, now = Metrics(), [1.0]
    metrics.gauge("authlab_entries", "Entries.", lambda: now[0])
    metrics.counter("authlab_hits", "Hits.", lambda: now[0] * 2)
    for expected in (1.0, 5.0):
        now[0] = expected
        text = metrics.text()
        assert (expected, 2 * expected) == (value(text, "authlab_entries"), value(text, "authlab_hits_total"))


def test_several_workers_are_summed_and_of_an_age_the_worst_counts() -> None:
    texts = []
    for number in (1, 2, 3):
        metrics = Metrics()
        metrics.route("GET", "/me").observe(200, 0.001 * number)
        metrics.gauge("authlab_entries", "Entries.", lambda number=number: number)  # type: ignore[misc]
        metrics.gauge("authlab_lag_seconds", "Age.", lambda number=number: number)  # type: ignore[misc]
        texts.append(metrics.text())
    summed = sum_of([*texts, b""])
    assert 3 == value(summed, "authlab_requests_total", method="GET", route="/me", status="200")
    assert 3 == value(summed, "authlab_request_duration_seconds_count", method="GET", route="/me")
    assert (6, 3) == (value(summed, "authlab_entries"), value(summed, "authlab_lag_seconds"))
