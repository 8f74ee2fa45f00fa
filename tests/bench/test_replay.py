"""The replay finds the moment at which a credential stopped working, against a server that stops at a known one."""

import time

import pytest

from bench.generator.corpus import prepare_request
from bench.replay import Change, Replay, Watched
from tests.bench.generator.test_loops import response, serving

REFUSED = response(b"{}", b"401 Unauthorized")


class Door:
    """Lets everybody in until some time after it was told to close."""

    def __init__(self, lag_s: float) -> None:
        self._lag_s = lag_s
        self._closes_at = float("inf")

    def close(self) -> None:
        self._closes_at = time.monotonic() + self._lag_s

    def answer(self, _request: bytes) -> bytes:
        return response(b"{}") if time.monotonic() < self._closes_at else REFUSED


def watched(address: tuple[str, int], change: int = 0) -> Watched:
    return Watched(address, prepare_request("h", "/me", {}, None), change)


@pytest.mark.parametrize("lag_s", [0.0, 0.08, 0.3])
def test_the_lag_is_the_time_from_the_change_to_the_last_200(lag_s: float) -> None:
    door = Door(lag_s)
    with serving(door.answer) as address:
        replay = Replay([watched(address)], [Change(0.05, door.close)], interval_s=0.001)
        (lag_ms,) = replay.lags_ms(give_up_s=5)
    assert lag_ms == pytest.approx(lag_s * 1000, abs=15)
    assert 0 < replay.resolution_ms < 20


def test_each_server_has_a_lag_of_its_own() -> None:
    slow, fast = Door(0.2), Door(0)

    def close_both() -> None:
        slow.close()
        fast.close()

    with serving(slow.answer) as first, serving(fast.answer) as second:
        lags = Replay([watched(first), watched(second)], [Change(0.05, close_both)], interval_s=0.001).lags_ms(5)
    assert lags[0] > 150
    assert lags[1] < 30


def test_each_credential_is_judged_by_its_own_change() -> None:
    early, late = Door(0), Door(0)
    with serving(early.answer) as first, serving(late.answer) as second:
        changes = [Change(0.05, early.close), Change(0.4, late.close)]
        lags = Replay([watched(first), watched(second, 1)], changes, interval_s=0.001).lags_ms(5)
    assert all(lag < 30 for lag in lags)


def test_a_credential_that_never_stops_working_is_an_error() -> None:
    with serving(lambda _: response(b"{}")) as address, pytest.raises(TimeoutError, match="still accepted"):
        Replay([watched(address)], [Change(0, lambda: None)], interval_s=0.001).lags_ms(give_up_s=0.4)


def test_a_change_that_fails_ends_the_watch_with_its_error() -> None:
    def fail() -> None:
        raise ValueError("the logout was refused")

    with serving(lambda _: response(b"{}")) as address, pytest.raises(ValueError, match="the logout was refused"):
        Replay([watched(address)], [Change(0.05, fail)], interval_s=0.001).lags_ms(give_up_s=5)
