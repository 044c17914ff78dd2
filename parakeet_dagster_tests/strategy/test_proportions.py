"""One whole in proportion, within bounds: by hand, then for any wishes and any bounds."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from strategy.errors import StrategyError
from strategy.proportions import proportional, settled

EXACT = 1e-12


@pytest.mark.parametrize(
    ("wanted", "smallest", "largest", "expected"),
    [
        pytest.param([3, 1], 0, 1, [0.75, 0.25], id="no bound stops anybody"),
        pytest.param([5, 3, 2], 0, 0.4, [0.4, 0.36, 0.24], id="the rest keeps its 3 : 2"),
        pytest.param([90, 6, 3, 1], 0, 0.3, [0.3, 0.3, 0.3, 0.1], id="one stopped after another"),
        pytest.param([8, 1, 1], 0.15, 1, [0.7, 0.15, 0.15], id="a least share"),
        pytest.param([90, 9, 1], 0.1, 0.6, [0.6, 0.3, 0.1], id="both bounds"),
        pytest.param([1, 0, 0], 0, 0.5, [0.5, 0.25, 0.25], id="the rest to those who want none"),
        pytest.param([1, 0, 0], 0, 1, [1, 0, 0], id="nothing to those who want none"),
        pytest.param([9, 1], 0.5, 0.5, [0.5, 0.5], id="no room"),
        pytest.param([9, 1, 1], 1 / 3, 1, [1 / 3] * 3, id="no room above the least"),
        pytest.param([9, 1, 1], 0, 1 / 3, [1 / 3] * 3, id="no room below the greatest"),
        pytest.param([7], 0, 1, [1], id="one"),
    ],
)
def test_by_hand(wanted, smallest, largest, expected):
    shares = proportional(np.array(wanted, dtype=float), smallest, largest)
    assert shares.tolist() == pytest.approx(expected, abs=EXACT)


wishes = st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1e6)), min_size=1, max_size=30).filter(
    any
)
fractions = st.floats(0, 1)


def bounds_for(count, low, high):
    """Bounds that can be met: from 0 to 1/count, and from there to 1."""
    return low / count, 1 / count + high * (1 - 1 / count)


@given(wanted=wishes, low=fractions, high=fractions)
def test_bounds_hold_and_the_sum_is_one(wanted, low, high):
    smallest, largest = bounds_for(len(wanted), low, high)
    shares = proportional(np.array(wanted), smallest, largest)
    assert shares.sum() == pytest.approx(1, abs=EXACT)
    assert shares.min() >= smallest - EXACT
    assert shares.max() <= largest + EXACT
    assert shares.min() >= 0


@given(wanted=wishes, low=fractions, high=fractions)
def test_who_wants_more_gets_no_less_and_the_unbounded_keep_their_proportions(wanted, low, high):
    smallest, largest = bounds_for(len(wanted), low, high)
    wanted = np.array(wanted)
    shares = proportional(wanted, smallest, largest)
    assert (np.diff(shares[np.argsort(wanted, kind="stable")]) >= -EXACT).all()
    free = (shares > smallest + 1e-6) & (shares < largest - 1e-6) & (wanted > 0)
    ratios = shares[free] / wanted[free]
    assert ratios == pytest.approx(np.full(len(ratios), ratios.mean() if len(ratios) else 0))


@given(wanted=wishes, low=fractions, high=fractions, other=st.integers(0, 10_000))
def test_no_other_shares_within_the_bounds_are_nearer(wanted, low, high, other):
    """In relative entropy: sum of s log(s / w)."""
    wanted = np.array(wanted)
    assume((wanted > 0).all())
    smallest, largest = bounds_for(len(wanted), low, high)
    shares = proportional(wanted, smallest, largest)
    random = np.random.default_rng(other).dirichlet(np.ones(len(wanted)))
    rival = proportional(random + 1e-9, smallest, largest)

    def entropy(chosen):
        held = chosen[chosen > 0]
        return (held * np.log(held / wanted[chosen > 0])).sum()

    assert entropy(shares) <= entropy(rival) + 1e-9


@given(wanted=wishes, low=fractions, high=fractions)
def test_what_fits_already_stays_as_it_is(wanted, low, high):
    smallest, largest = bounds_for(len(wanted), low, high)
    shares = proportional(np.array(wanted), smallest, largest)
    assert proportional(shares, smallest, largest) == pytest.approx(shares, abs=1e-9)


noise = st.lists(st.floats(-2e-7, 2e-7), min_size=30, max_size=30)


@given(wanted=wishes, low=fractions, high=fractions, error=noise)
def test_a_solver_s_noise_is_repaired(wanted, low, high, error):
    smallest, largest = bounds_for(len(wanted), low, high)
    exact = proportional(np.array(wanted), smallest, largest)
    weights = settled(exact + error[: len(exact)], smallest, largest)
    assert weights.sum() == pytest.approx(1, abs=EXACT)
    assert weights.min() >= smallest - EXACT
    assert weights.max() <= largest + EXACT
    assert weights == pytest.approx(exact, abs=3e-5)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([0.5, 0.5], [0.5, 0.5]),
        ([1 + 1e-9, -1e-9], [1, 0]),
        ([0.3, 0.7 - 5e-8, 5e-8], [0.3, 0.7, 0]),
        ([0.25, 0.75 - 1e-7], [0.25, 0.75]),
    ],
)
def test_dust_is_swept(weights, expected):
    assert settled(np.array(weights), 0, 1).tolist() == pytest.approx(expected, abs=1e-7)
    assert [weight == 0 for weight in settled(np.array(weights), 0, 1)] == [
        weight == 0 for weight in expected
    ]


def test_weights_that_fit_keep_their_bits():
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    assert settled(weights, 0.05, 0.4).tobytes() == weights.tobytes()


@pytest.mark.parametrize(
    ("weights", "smallest", "largest"),
    [
        ([0.6, 0.4], 0, 0.5),
        ([0.95, 0.05], 0.1, 1),
        ([0.5, 0.4], 0, 1),
        ([np.nan, 1.0], 0, 1),
        ([np.inf, 0.0], 0, 1),
    ],
)
def test_what_is_more_than_noise_is_an_error(weights, smallest, largest):
    with pytest.raises(StrategyError, match="the weights miss their bounds or their sum by"):
        settled(np.array(weights), smallest, largest)
