import random

from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from bench.histogram import HIGHEST_US, Histogram

PERCENTILES = (1, 25, 50, 75, 90, 99, 99.9, 99.99, 100)


def both(values: list[int]) -> tuple[Histogram, HdrHistogram]:
    ours, reference = Histogram(), HdrHistogram(1, HIGHEST_US, 3)
    for value in values:
        ours.record(value)
        reference.record_value(value)
    return ours, reference


@given(st.lists(st.integers(min_value=1, max_value=HIGHEST_US), min_size=1, max_size=300))
def test_every_percentile_is_the_one_the_reference_implementation_gives(values: list[int]) -> None:
    ours, reference = both(values)
    assert [reference.get_value_at_percentile(p) for p in PERCENTILES] == [ours.percentile_us(p) for p in PERCENTILES]


def test_a_long_tailed_sample_agrees_with_the_reference_implementation() -> None:
    source = random.Random(7)
    ours, reference = both([1 + int(source.lognormvariate(6, 2)) for _ in range(50_000)])
    assert reference.get_total_count() == ours.total
    assert [reference.get_value_at_percentile(p) for p in PERCENTILES] == [ours.percentile_us(p) for p in PERCENTILES]


@given(st.integers(min_value=1, max_value=HIGHEST_US))
def test_a_value_is_kept_to_three_digits(value: int) -> None:
    histogram = Histogram()
    histogram.record(value)
    assert value <= histogram.percentile_us(50) <= value * 1.001


def test_adding_two_histograms_is_counting_all_their_values() -> None:
    first, second, whole = Histogram(), Histogram(), Histogram()
    for value in range(1, 5000, 7):
        (first if value % 2 else second).record(value)
        whole.record(value)
    first.add(second)
    assert whole.to_pairs() == first.to_pairs()


def test_the_form_in_a_result_file_reads_back_as_the_same_histogram() -> None:
    histogram = Histogram.of_ns([1_500, 900_000, 12_345_678, 12_345_678])
    assert histogram.to_pairs() == Histogram(dict(histogram.to_pairs())).to_pairs()
    assert 4 == histogram.total


def test_an_empty_histogram_has_percentile_zero() -> None:
    assert 0 == Histogram().percentile_us(99)
    assert 0 == Histogram().max_us()
