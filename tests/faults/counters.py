"""What a server counts itself, read from its `/metrics`."""

from prometheus_client.parser import text_string_to_metric_families

from lab.processes import ServerProcess
from tests.attacks.wire import call


def counted(server: ServerProcess, name: str) -> float:
    """Return one number, summed up over its labels; of a counter without its ending `_total`."""
    text = call(server.port, "GET", "/metrics").body.decode()
    families = [family for family in text_string_to_metric_families(text) if family.name == name]
    assert families, f"there is no {name}"
    return sum(sample.value for sample in families[0].samples)
