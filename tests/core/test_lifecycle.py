import pytest

from core import lifecycle
from core.lifecycle import MAX_WAIT_S, Lifecycle


class Server:
    """Takes requests in turns of an event loop, each of which costs so much CPU."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state = Lifecycle()
        self.now_s = self.cpu_s = 10.0
        monkeypatch.setattr(lifecycle, "thread_time", lambda: self.cpu_s)

    def work(self, cpu_s: float) -> None:
        """Spend CPU time, and as much of any time."""
        self.now_s += cpu_s
        self.cpu_s += cpu_s

    def turn(self, count: int, *, each_s: float, later: bool = False, stall_s: float = 0.0) -> int:
        """Read so many requests in one turn, answer each at once or all at its end; return how many are taken."""
        turn, taken = self.state.turn, 0
        turn.began_s = self.now_s
        for number in range(count):
            if number == count // 2:
                self.now_s += stall_s
            if not self.state.takes(self.now_s):
                continue
            taken += 1
            if later:
                turn.waiting += 1
            else:
                self.answer(each_s)
        while turn.waiting:
            turn.waiting -= 1
            self.answer(each_s)
        return taken

    def answer(self, each_s: float) -> None:
        """Answer one."""
        self.state.begun += 1
        self.work(each_s)


@pytest.fixture
def state() -> Lifecycle:
    return Lifecycle()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(monkeypatch)


@pytest.mark.parametrize("later", [False, True])
def test_a_turn_takes_as_many_as_it_can_answer_in_time(server: Server, *, later: bool) -> None:
    """Whether they are answered where they are read or wait for their task."""
    server.turn(100, each_s=0.001)
    taken = [server.turn(1000, each_s=0.001, later=later) for _ in range(3)]
    assert all(abs(count - MAX_WAIT_S / 0.001) <= 1 for count in taken)
    assert [90] * 3 == [server.turn(90, each_s=0.001, later=later) for _ in range(3)]


@pytest.mark.parametrize("later", [False, True])
def test_a_small_turn_is_always_taken(server: Server, *, later: bool) -> None:
    """However dear a request is, a few at the same moment are no overload."""
    server.turn(100, each_s=1.0)
    assert 64 == server.turn(64, each_s=1.0, later=later)


def test_a_stall_in_a_turn_is_no_overload(server: Server) -> None:
    """A machine that shares its processors takes them away for longer than a request may wait."""
    server.turn(100, each_s=0.00005)
    assert 400 == server.turn(400, each_s=0.00005, stall_s=5.0)


def test_pieces_of_requests_are_no_crowd(server: Server) -> None:
    """Many clients that send letter by letter must not have another told to come back."""
    assert 1000 == server.turn(1000, each_s=0.0, stall_s=5.0)


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
