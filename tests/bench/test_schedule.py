from bench.schedule import interleaved

ARMS = [*"abcdefg"]


def test_every_round_has_every_arm_once() -> None:
    assert all(sorted(order) == ARMS for order in interleaved(ARMS, 9, seed=7))


def test_each_order_comes_once_forwards_and_once_backwards() -> None:
    orders = [*interleaved(ARMS, 6, seed=7)]
    assert [order[::-1] for order in orders[::2]] == orders[1::2]


def test_the_order_is_random_but_the_same_for_the_same_seed() -> None:
    first, again, other = ([*interleaved(ARMS, 6, seed)] for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert first[0] != first[2]


def test_a_steady_drift_falls_on_all_arms_alike() -> None:
    """A machine that slows down by the same amount from slice to slice must not favour anybody."""
    moment, sums = 0, dict.fromkeys(ARMS, 0)
    for order in interleaved(ARMS, 8, seed=7):
        for arm in order:
            sums[arm] += moment
            moment += 1
    assert 1 == len({*sums.values()})
