"""What must be true of every allocation with bounds, whatever its method."""

from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from parakeet_dagster_tests.strategy.allocation.worlds import correlated
from parakeet_dagster_tests.strategy.frames import candidates_of
from strategy import allocation, optimisation
from strategy.allocation.base import BoundedAllocation
from strategy.errors import StrategyError

EXACT = 1e-9

pytestmark = [
    pytest.mark.filterwarnings("error"),  # nothing is printed in normal operation
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def bounded_allocations():
    modules = [
        import_module(f"strategy.allocation.{m.name}") for m in iter_modules(allocation.__path__)
    ]
    found = [value for module in modules for value in vars(module).values()]
    return sorted(
        {
            item
            for item in found
            if isinstance(item, type)
            and issubclass(item, BoundedAllocation)
            and item is not BoundedAllocation
        },
        key=lambda item: item.__module__,
    )


ALL = bounded_allocations()


def name_of(method):
    return method.__module__.rpartition(".")[2]


every_method = pytest.mark.parametrize("method", ALL, ids=name_of)


def weigh(method, by_ticker, budget=1.0, **parameters):
    lookback = len(next(iter(by_ticker.values())))
    subject = method(lookback=lookback, **parameters)
    return subject.weigh(candidates_of(by_ticker, budget))


def assert_shared(weights, budget=1.0, smallest=0.0, largest=1.0):
    assert weights.sum() == pytest.approx(budget, abs=EXACT)
    assert weights.min() >= max(smallest - EXACT, 0.0)
    assert weights.max() <= largest + EXACT


def test_these_are_all_of_them():
    assert [name_of(method) for method in ALL] == [
        "hrp",
        "inverse_volatility",
        "max_sharpe",
        "min_variance",
        "nco",
        "risk_parity",
    ]


@every_method
def test_it_says_where_it_is_published(method):
    assert "(" in method.source
    assert method().lookback >= 126


@every_method
@settings(max_examples=8)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(2, 25),
    sessions=st.sampled_from([10, 63, 126]),
    low=st.floats(0, 0.99),
    high=st.floats(0.01, 1),
    budget=st.floats(0.05, 1),
)
def test_bounds_hold(method, seed, count, sessions, low, high, budget):
    smallest, largest = low * budget / count, (1 / count + high * (1 - 1 / count)) * budget
    weights = weigh(
        method, correlated(count, seed, sessions), budget, smallest=smallest, largest=largest
    )
    assert_shared(weights, budget, smallest, largest)


@every_method
def test_the_bounds_bind_in_these_tests(method):
    free = weigh(method, correlated(12))
    assert free.min() < 0.05
    assert free.max() > 0.12
    tight = weigh(method, correlated(12), smallest=0.05, largest=0.12)
    assert_shared(tight, smallest=0.05, largest=0.12)
    assert tight.to_dict() != pytest.approx(free.to_dict(), abs=0.01)


@every_method
def test_bounds_that_stop_nobody_change_nothing(method):
    free = weigh(method, correlated(6))
    wide = weigh(
        method, correlated(6), smallest=free.min() * 0.9, largest=min(free.max() * 1.1, 1.0)
    )
    assert wide.to_dict() == pytest.approx(free.to_dict(), abs=2e-4)


@every_method
def test_one_asset_gets_the_budget_as_far_as_its_bound_allows(method):
    assert weigh(method, correlated(1), 0.5).tolist() == [0.5]
    assert weigh(method, correlated(1), 0.5, largest=0.3).tolist() == [0.3]


@every_method
def test_bounds_that_cannot_be_met(method):
    too_few = weigh(method, correlated(3), largest=0.3)
    too_many = weigh(method, correlated(4), 0.5, smallest=0.2)
    assert too_few.tolist() == [0.3] * 3
    assert too_many.tolist() == [0.125] * 4


@every_method
@pytest.mark.parametrize("room", [0.0, 1e-15, 1e-8, 1e-6, 1e-4])
def test_bounds_that_leave_hardly_any_room(method, room):
    smallest, largest = (1 - room) / 10, (1 + room) / 10
    for bounds in ({"smallest": smallest}, {"largest": largest}):
        assert_shared(weigh(method, correlated(10), **bounds), **bounds)
    both = {"smallest": smallest, "largest": largest}
    assert_shared(weigh(method, correlated(10), **both), **both)


@every_method
def test_an_asset_without_the_whole_history_is_left_out(method):
    by_ticker = correlated(5)
    expected = weigh(method, {name: by_ticker[name] for name in list(by_ticker)[1:]})
    new = np.where(np.arange(126) < 60, np.nan, by_ticker["T000"])
    weights = weigh(method, by_ticker | {"T000": new})
    assert weights.to_dict() == expected.to_dict()


@every_method
def test_nobody_with_the_whole_history_gives_no_weight(method):
    assert weigh(method, {"A": np.full(126, np.nan)}).empty


@every_method
@pytest.mark.parametrize("bounds", [{}, {"smallest": 0.02, "largest": 0.3}])
@pytest.mark.parametrize("still", [1, 3])
def test_an_asset_that_never_moved_is_the_safest(method, still, bounds):
    """Max Sharpe asks for return, so it need not love what never moves; it must not break."""
    by_ticker = correlated(8) | dict.fromkeys(list(correlated(8))[:still], np.zeros(126))
    weights = weigh(method, by_ticker, **bounds)
    assert_shared(weights, **bounds)
    if name_of(method) != "max_sharpe":
        assert weights.iloc[still:].max() <= weights.iloc[:still].min() + EXACT


@every_method
@pytest.mark.parametrize("move", [0.0, 0.01])
def test_assets_that_all_moved_alike_get_the_same(method, move):
    same = move * correlated(1)["T000"]
    assert weigh(method, dict.fromkeys("ABC", same), largest=0.5).tolist() == [1 / 3] * 3


@every_method
def test_a_singular_covariance_of_the_same_asset_twice(method):
    by_ticker = correlated(5)
    by_ticker["T003"] = by_ticker["T004"] = by_ticker["T002"]
    weights = weigh(method, by_ticker, largest=0.6)
    assert_shared(weights, largest=0.6)
    if name_of(method) != "hrp":  # the bisection may part them
        assert weights["T003"] == pytest.approx(weights["T004"], abs=1e-5)
        assert weights["T003"] == pytest.approx(weights["T002"], abs=1e-5)


@every_method
def test_a_singular_covariance_of_two_assets_that_cancel_each_other(method):
    by_ticker = correlated(5)
    by_ticker["T003"] = -by_ticker["T002"]
    assert_shared(weigh(method, by_ticker))


@every_method
def test_a_singular_covariance_of_more_assets_than_sessions(method):
    assert_shared(weigh(method, correlated(40, sessions=21), largest=0.1), largest=0.1)


@every_method
def test_the_order_of_columns_moves_no_bit(method):
    by_ticker = correlated(9)
    expected = weigh(method, by_ticker, smallest=0.02, largest=0.3)
    shuffled = {
        name: by_ticker[name] for name in np.random.default_rng(1).permutation(list(by_ticker))
    }
    weights = weigh(method, shuffled, smallest=0.02, largest=0.3)
    assert weights.index.tolist() == list(shuffled)
    assert weights[list(by_ticker)].tolist() == expected.tolist()


def bits(method):
    return weigh(method, correlated(100), largest=0.05).to_numpy().tobytes()


@every_method
def test_the_same_window_gives_the_same_bits(method):
    assert bits(method) == bits(method)


solvers = [method for method in ALL if name_of(method) not in {"hrp", "inverse_volatility"}]


@pytest.mark.parametrize("method", solvers, ids=name_of)
def test_a_solver_that_gives_up_is_an_error_that_names_the_allocation(method, monkeypatch):
    monkeypatch.setitem(optimisation.SOLVER, "max_iter", 1)
    with pytest.raises(StrategyError) as caught:
        weigh(method, correlated(6))
    message = str(caught.value)
    assert message.startswith(f"{name_of(method)} of 6 tickers on 2022-06-27: ")
    assert "has no solution" in message


@pytest.mark.parametrize("broken", [[0.9, 0.2], [np.nan, 1.0]])
def test_weights_beyond_a_solver_s_noise_are_an_error(broken):
    class Careless(BoundedAllocation):
        source = "a test"

        def shares(self, returns, smallest, largest):
            return np.array(broken)

    with pytest.raises(StrategyError, match=r"^test_bounded of 2 tickers on .*: the weights miss"):
        weigh(Careless, correlated(2))


@every_method
@pytest.mark.parametrize(
    "wrong",
    [{"smallest": 0.4, "largest": 0.3}, {"largest": 0.0}, {"smallest": -0.1}, {"lookback": 1}],
)
def test_parameters_that_make_no_sense_are_refused(method, wrong):
    with pytest.raises(ValidationError):
        method(**wrong)
