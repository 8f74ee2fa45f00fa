import time

from lab.tour.lag import Lag, measure


def test_an_immediate_refusal_is_no_lag() -> None:
    lag = measure([lambda: 401, lambda: 401], bound_s=0.0)
    assert Lag(0.0, 0.0, still_accepted=False) == lag
    assert lag.kept


def test_the_last_acceptance_by_any_server_counts() -> None:
    began = time.perf_counter()

    def slow_to_hear() -> int:
        return 200 if time.perf_counter() - began < 0.2 else 401

    lag = measure([lambda: 401, slow_to_hear], bound_s=1.0)
    assert lag.lag_ms is not None
    assert 150 < lag.lag_ms < 400
    assert lag.kept


def test_a_lag_beyond_the_promise_is_not_kept() -> None:
    began = time.perf_counter()
    lag = measure([lambda: 200 if time.perf_counter() - began < 0.1 else 401], bound_s=0.0)
    assert not lag.kept
    assert not lag.still_accepted


def test_one_that_never_ends_is_still_accepted_and_not_waited_for_for_ever() -> None:
    lag = measure([lambda: 200], bound_s=0.1)
    assert lag.still_accepted
    assert lag.lag_ms is None
    assert not lag.kept
