"""How much to hold in which regime, on worlds whose regimes are known."""

import warnings

import numpy as np
import pytest
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.frames import window_of
from strategy.overlays.regime import ENOUGH, Regime, _market, _start

pytestmark = [
    pytest.mark.filterwarnings("error"),  # nothing is printed in normal operation
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

CALM, TURBULENT = (0.0006, 0.006), (-0.001, 0.025)


def world(*spells, seed=0, count=5):
    """Returns of ``count`` tickers over spells (of what, how many sessions), a market and noise."""
    random = np.random.default_rng(seed)
    market = np.concatenate([random.normal(*kind, sessions) for kind, sessions in spells])
    own = random.normal(0, 0.002, (len(market), count))
    return dict(zip("ABCDEFGHIJ", (market[:, None] + own).T, strict=False))


def up_to(by_ticker, session, lookback):
    return window_of({name: r[session - lookback : session] for name, r in by_ticker.items()})


def exposure(by_ticker, **parameters):
    lookback = len(next(iter(by_ticker.values())))
    return Regime(lookback=lookback, **parameters).exposure(window_of(by_ticker))


STORM = world((CALM, 400), (TURBULENT, 104))
STORM_OVER = world((CALM, 250), (TURBULENT, 60), (CALM, 194))


@pytest.mark.parametrize("seed", range(3))
def test_nearly_nothing_is_held_in_turbulence_and_nearly_all_before_and_after(seed):
    stormy = world((CALM, 400), (TURBULENT, 104), seed=seed)
    over = world((CALM, 250), (TURBULENT, 60), (CALM, 194), seed=seed)
    assert exposure(stormy) < 0.05
    assert exposure({name: returns[:400] for name, returns in stormy.items()}) > 0.95
    assert exposure(over) > 0.95


def test_turbulence_that_came_first_is_turbulence_too():
    """States are told apart by their variance, not by which comes first."""
    assert exposure(world((TURBULENT, 250), (CALM, 254))) > 0.95
    assert exposure(world((TURBULENT, 150), (CALM, 250), (TURBULENT, 104))) < 0.05


def test_a_rise_may_be_turbulent():
    """So is the recovery from a crash: what counts is the variance, not the mean."""
    assert exposure(world((CALM, 400), ((0.005, 0.025), 104))) < 0.05


@pytest.mark.parametrize("held", [0.0, 0.3, 1.0])
def test_what_is_held_in_turbulence_is_a_parameter(held):
    out = exposure(STORM)
    assert exposure(STORM, turbulent_exposure=held) == pytest.approx(out + (1 - out) * held)


def test_the_probability_is_filtered_which_what_comes_later_does_not_change():
    """On a second storm's first day: turbulent to those who know what came, calm on the day itself.

    The same parameters, fitted up to that day, see the days after it.
    """
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    by_ticker = world((CALM, 200), (TURBULENT, 60), (CALM, 340), (TURBULENT, 60), seed=4)
    told = Regime(lookback=504).exposure(up_to(by_ticker, 601, 504))
    market = np.column_stack(list(by_ticker.values())).mean(axis=1)[97:]
    scaled = market / market[:504].std()
    known = MarkovRegression(scaled[:504], k_regimes=2, switching_variance=True)
    params = known.fit(_start(scaled[:504]), em_iter=25).params
    later = MarkovRegression(scaled, k_regimes=2, switching_variance=True).smooth(params)
    calm = int(np.argmin(params[-2:]))
    assert later.filtered_marginal_probabilities[503, calm] == pytest.approx(told, abs=1e-6)
    assert told > 0.5
    assert later.smoothed_marginal_probabilities[503, calm] < 0.1


@pytest.mark.parametrize(
    "by_ticker",
    [
        pytest.param({"A": np.zeros(504)}, id="nothing moved"),
        pytest.param({"A": np.full(504, 0.001)}, id="always the same"),
        pytest.param({"A": np.tile([0.01, -0.01], 252)}, id="up and down"),
        pytest.param({"A": np.full(504, np.nan)}, id="nobody has a row"),
        pytest.param({}, id="no member"),
        pytest.param(world((CALM, 504)), id="one regime: a single normal distribution"),
        pytest.param(world((TURBULENT, 504)), id="one regime, if a loud one"),
        pytest.param(
            {
                name: np.where(np.arange(504) < 504 - ENOUGH + 1, np.nan, returns)
                for name, returns in STORM.items()
            },
            id="too few sessions with a member",
        ),
        pytest.param(
            {"A": np.where(np.arange(504) == 300, 0.5, np.zeros(504))}, id="moved only once"
        ),
    ],
)
def test_all_is_held_where_there_is_no_regime_to_speak_of(by_ticker):
    subject = Regime(lookback=504)
    assert subject.exposure(window_of(by_ticker, None if by_ticker else 504)) == 1.0


class Unlucky:
    """A model whose fit goes wrong in some way."""

    def __init__(self, fit):
        self.fit = fit

    def __call__(self, *args, **options):
        return self


def fails(error):
    def fit(*args, **options):
        raise error

    return fit


@pytest.mark.parametrize(
    "error", [np.linalg.LinAlgError("SVD did not converge"), ValueError("NaN"), ZeroDivisionError()]
)
def test_all_is_held_where_the_fit_fails(error, monkeypatch):
    from statsmodels.tsa.regime_switching import markov_regression

    monkeypatch.setattr(markov_regression, "MarkovRegression", Unlucky(fails(error)))
    assert exposure(STORM) == 1.0


def test_all_is_held_where_the_fit_does_not_converge(monkeypatch):
    """And its warning is not shown, since the exposure says what became of it."""
    from statsmodels.tools.sm_exceptions import ConvergenceWarning
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    complete = MarkovRegression.fit

    def hurried(self, *args, **options):
        return complete(self, *args, **{**options, "em_iter": 1, "maxiter": 1})

    monkeypatch.setattr(MarkovRegression, "fit", hurried)
    scaled = _market(np.column_stack(list(STORM.values()))) / 0.01
    model = MarkovRegression(scaled, k_regimes=2, switching_variance=True)
    with pytest.warns(ConvergenceWarning):
        model.fit(_start(scaled))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert exposure(STORM) == 1.0


def test_the_market_is_the_mean_of_those_who_have_a_row():
    nan = np.nan
    returns = np.array([[nan, nan], [0.01, nan], [0.01, 0.03], [0.0, 0.0], [0.0, nan], [0.02, 0.0]])
    assert _market(returns).tolist() == pytest.approx([0.01, 0.02, 0.01])


def test_sessions_without_a_member_or_without_a_move_change_nothing():
    """As on a day on which the members' market was closed."""
    padded = {name: np.concatenate([np.zeros(20), r, np.zeros(3)]) for name, r in STORM.items()}
    unlisted = {name: np.concatenate([np.full(23, np.nan), r]) for name, r in STORM.items()}
    assert exposure(padded) == exposure(STORM)
    assert exposure(unlisted) == exposure(STORM)


def test_a_member_listed_today_changes_nothing():
    """Wherever it stands among the others: not a bit."""
    new = np.full(504, np.nan)
    assert exposure({"0": new} | STORM) == exposure(STORM | {"Z": new}) == exposure(STORM)


def test_a_member_counts_from_its_first_return_on():
    """In front of its listing the market is that of the others."""
    late = np.where(np.arange(504) < 350, np.nan, 3 * STORM["A"])
    assert exposure(STORM | {"Z": late}) != exposure(STORM)
    early = np.column_stack(list(STORM.values()))
    both = _market(np.column_stack([early, late]))
    assert both[:350].tolist() == _market(early)[:350].tolist()


def test_the_order_of_columns_moves_no_bit():
    expected = exposure(STORM_OVER)
    for order in ("EDCBA", "BDACE"):
        assert exposure({name: STORM_OVER[name] for name in order}) == expected


def test_the_same_window_gives_the_same_bits():
    assert exposure(STORM_OVER).hex() == exposure(STORM_OVER).hex()


@pytest.mark.parametrize(
    "wrong",
    [{"lookback": ENOUGH - 1}, {"turbulent_exposure": -0.1}, {"turbulent_exposure": 1.1}, {"k": 3}],
)
def test_a_parameter_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        Regime(**wrong)


def test_the_defaults():
    assert Regime().model_dump() == {"lookback": 504, "turbulent_exposure": 0.0}
