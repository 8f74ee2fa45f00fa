from core.circuit import Circuit
from tests.support.clock import Clock


def opened(clock: Clock) -> Circuit:
    circuit = Circuit(clock)
    for _ in range(5):
        circuit.failed()
    return circuit


def test_a_closed_circuit_lets_everyone_pass() -> None:
    circuit = Circuit(Clock())
    assert all(circuit.admits() for _ in range(100))
    assert not circuit.is_open


def test_it_opens_after_five_failures_in_a_row() -> None:
    circuit = Circuit(Clock())
    for _ in range(4):
        circuit.failed()
    assert circuit.admits()
    circuit.failed()
    assert circuit.is_open
    assert not circuit.admits()


def test_an_answer_in_between_starts_the_count_anew() -> None:
    circuit = Circuit(Clock())
    for _ in range(20):
        for _ in range(4):
            circuit.failed()
        circuit.succeeded()
    assert not circuit.is_open


def test_an_open_circuit_lets_one_probe_through_at_a_time() -> None:
    clock = Clock()
    circuit = opened(clock)
    passed = 0
    for _ in range(1000):
        clock.move(0.001)
        passed += sum(circuit.admits() for _ in range(50))
    assert 3 <= passed <= 6, "about one in each quarter second, whatever the crowd"


def test_a_probe_that_succeeds_closes_it() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.move(0.4)
    assert circuit.admits()
    circuit.succeeded()
    assert all(circuit.admits() for _ in range(100))


def test_a_probe_that_fails_leaves_it_open() -> None:
    clock = Clock()
    circuit = opened(clock)
    clock.move(0.4)
    assert circuit.admits()
    circuit.failed()
    assert circuit.is_open
    assert not circuit.admits()
