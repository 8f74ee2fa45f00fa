from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.intervals import bootstrap, coefficient_of_variation, interval, paired_difference, paired_ratio

costs = st.lists(st.floats(min_value=1, max_value=1000), min_size=1, max_size=30)


@given(costs, st.integers())
def test_the_interval_of_a_median_contains_it_and_stays_within_the_samples(samples: list[float], seed: int) -> None:
    found = interval(samples, seed)
    assert median(samples) == found.median
    assert min(samples) <= found.low <= found.median <= found.high <= max(samples)


def test_the_same_seed_gives_the_same_interval() -> None:
    samples = [Random(1).gauss(50, 5) for _ in range(20)]
    assert interval(samples, 7) == interval(samples, 7)


def test_the_interval_covers_the_truth_about_as_often_as_it_claims() -> None:
    source, covered = Random(3), 0
    for turn in range(200):
        samples = [source.gauss(100, 10) for _ in range(24)]
        covered += not bootstrap(samples, median, turn, resamples=300).excludes(100)
    assert 0.88 < covered / 200 <= 1


def test_what_both_slices_of_a_round_have_in_common_cancels() -> None:
    source = Random(5)
    moods = [source.uniform(0, 100) for _ in range(20)]
    arm = [50 + mood + source.gauss(4, 0.1) for mood in moods]
    control = [50 + mood for mood in moods]
    assert paired_difference(arm, control, 7) == pytest.approx((4, 4, 4), abs=0.2)
    assert paired_ratio([2 * cost for cost in control], control, 7) == pytest.approx((2, 2, 2))


def test_unpaired_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_difference([1, 2], [1], 7)


def test_nothing_has_no_interval() -> None:
    with pytest.raises(ValueError, match="no samples"):
        interval([], 7)


def test_samples_that_are_all_alike_do_not_vary() -> None:
    assert 0 == coefficient_of_variation([4.0, 4.0, 4.0])
