import pytest

from core import lifecycle
from core.lifecycle import MAX_WAIT_S, Lifecycle


def take(state: Lifecycle, count: int, now_s: float) -> int:
    """Let requests arrive within one turn of the loop; return how many are taken."""
    return sum(state.takes(now_s) for _ in range(count))


def begin(state: Lifecycle, count: int) -> None:
    """Begin handlers, as the frame does."""
    for _ in range(count):
        state.arrived = 0
        state.begun += 1


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Lifecycle:
    """Return a state whose requests cost a millisecond of CPU each."""
    state = Lifecycle()
    monkeypatch.setattr(lifecycle, "thread_time", lambda: state.begun * 0.001)
    return state


def test_a_turn_takes_as_many_as_it_can_answer_in_time(state: Lifecycle) -> None:
    begin(state, 1000)
    assert round(MAX_WAIT_S / 0.001) == take(state, 1000, now_s=10.0)


def test_the_next_turn_takes_as_many_again(state: Lifecycle) -> None:
    begin(state, 1000)
    take(state, 1000, now_s=10.0)
    begin(state, 100)
    assert 90 == take(state, 90, now_s=10.1)


def test_a_small_turn_is_always_taken(state: Lifecycle, monkeypatch: pytest.MonkeyPatch) -> None:
    """However dear a request is, a few at the same moment are no overload."""
    monkeypatch.setattr(lifecycle, "thread_time", lambda: state.begun * 1.0)
    begin(state, 100)
    assert 64 == take(state, 64, now_s=10.0)


def test_garbage_for_which_no_handler_begins_does_not_shut_the_server(state: Lifecycle) -> None:
    take(state, 10_000, now_s=10.0)
    assert 1 == take(state, 1, now_s=10.0 + 2 * MAX_WAIT_S + 0.01)


def test_a_burst_may_wait(state: Lifecycle) -> None:
    state.in_time_s = 10.0
    state.waited_too_long(10.15)
    assert state.takes(10.15)


def test_a_moment_without_the_cpu_is_no_overload(state: Lifecycle) -> None:
    """A machine that shares its processors takes them away for longer than a request may wait."""
    state.in_time_s = 10.0
    for late_s in (10.5, 10.501, 10.502):
        state.waited_too_long(late_s)
        assert state.takes(late_s)
    state.in_time_s = 10.503
    state.waited_too_long(11.0)
    assert state.takes(11.0)


def test_a_queue_that_does_not_go_away_is_shed_and_the_server_recovers_by_itself(state: Lifecycle) -> None:
    state.in_time_s = 10.0
    state.waited_too_long(10.1)
    assert state.takes(10.1)
    state.waited_too_long(10.3)
    assert not state.takes(10.3)
    assert state.takes(10.3 + MAX_WAIT_S)


def test_while_it_is_alert_it_sheds_without_patience(state: Lifecycle) -> None:
    state.in_time_s = 10.0
    state.waited_too_long(10.1)
    state.waited_too_long(10.3)
    state.in_time_s = 10.5
    state.waited_too_long(10.6)
    assert not state.takes(10.6)
    state.in_time_s = 12.0
    state.waited_too_long(12.1)
    assert state.takes(12.1), "a second in which nobody waited ends the alert"
