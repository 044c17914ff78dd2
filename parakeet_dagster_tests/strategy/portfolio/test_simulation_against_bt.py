"""The same weights by ``bt``, another simulation, over the sample's real closes.

bt's convention: a target is bought at the close at which it is decided. Ours: at the next one. The
two meet where every session stands twice, so that the close of the decision is also that of the
fill; and where bt is told to size orders at one close and fill them at the next. Costs are borne
alike: an order's amount includes its fee. bt would borrow for what it cannot pay; we do not, so the
weights here leave cash.
"""

import math

import bt
import numpy as np
import pandas as pd
import pytest

from parakeet_dagster.price_sources.sample import sample_closes
from parakeet_dagster_tests.strategy.portfolio.markets import fx, long_of
from strategy.portfolio.market import market_of
from strategy.portfolio.simulation import Account, simulate
from strategy.portfolio.terms import FREE, Terms

CAPITAL = 100_000.0
CENT = 0.005


@pytest.fixture(scope="module")
def closes() -> pd.DataFrame:
    """Twenty US stocks over four years, taken for Australian ones: no exchange."""
    table = sample_closes().loc["2019-01-02":"2022-12-28"].dropna(axis=1)
    return table.add_suffix(".AX")


@pytest.fixture(scope="module")
def weights(closes: pd.DataFrame) -> pd.DataFrame:
    """Every 21 sessions another portfolio: some enter, some leave, 6 % stay in cash."""
    rng = np.random.default_rng(7)
    rows = closes.index[:-5:21]
    chosen = rng.random((len(rows), closes.shape[1])) < 0.6
    wanted = rng.dirichlet(np.ones(closes.shape[1]), len(rows)) * chosen
    shares = wanted / wanted.sum(axis=1, keepdims=True) * 0.94
    return pd.DataFrame(shares, index=rows, columns=closes.columns)


def ours(closes: pd.DataFrame, weights: pd.DataFrame, terms: Terms) -> pd.Series:
    sessions = pd.DatetimeIndex(closes.index).as_unit("us")
    none = pd.DataFrame(columns=["date", "ticker", "dividend", "split_ratio"])
    market = market_of(long_of(closes, sessions), none, fx(sessions, 1.0), sessions)
    whole = weights.assign(CASH=1 - weights.sum(axis=1)).rename_axis(index="date").reset_index()
    targets = whole.melt("date", var_name="ticker", value_name="weight")
    targets = targets.astype({"date": "datetime64[us]", "ticker": "str"})
    book = simulate(market, [Account("one", targets, terms)], sessions[0])["one"]
    return book.daily.set_index("date")["equity"]


def theirs(closes: pd.DataFrame, algos: list[bt.Algo], fee: float) -> pd.Series:
    test = bt.Backtest(
        bt.Strategy("theirs", algos),
        closes,
        initial_capital=CAPITAL,
        integer_positions=False,
        commissions=lambda quantity, price: fee if quantity else 0.0,
        progress_bar=False,
    )
    bt.run(test)
    return test.strategy.values.loc[closes.index]


def doubled(table: pd.DataFrame) -> pd.DataFrame:
    """Every session twice, at the same closes."""
    twice = table.loc[table.index.repeat(2)]
    return twice.set_axis(pd.bdate_range("2000-01-03", periods=len(twice)), axis=0)


@pytest.mark.parametrize("fee", [0.0, 3.0])
def test_the_mere_weights_where_the_decision_s_close_is_that_of_the_fill(
    closes: pd.DataFrame, weights: pd.DataFrame, fee: float
) -> None:
    days = doubled(closes)
    at = closes.index.get_indexer(weights.index) * 2
    decided, filled = weights.set_axis(days.index[at]), weights.set_axis(days.index[at + 1])
    expected = theirs(days, [bt.algos.WeighTarget(filled), bt.algos.Rebalance()], fee)
    found = ours(days, decided, Terms(**{**FREE.model_dump(), "fee": fee}))
    if fee:
        assert np.abs(found - expected).max() < CENT
    assert found.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9)
    assert found.iloc[-1] != pytest.approx(CAPITAL, rel=0.1)


class SizeAtTheClose(bt.Algo):
    """Sizes the orders of a target at the closes of its own session."""

    def __init__(self, weights: pd.DataFrame, fee: float) -> None:
        super().__init__()
        self.weights, self.fee = weights, fee

    def __call__(self, target: bt.Strategy) -> bool:
        if target.now not in self.weights.index:
            return True
        prices = target.universe.loc[target.now]
        orders = {}
        for name, weight in self.weights.loc[target.now].items():
            child = target.children.get(name)
            held = child.position if child is not None else 0.0
            amount = weight * target.value - held * prices[name]
            quantity = -held if weight == 0 else (amount - self.fee) / prices[name]
            if weight or held:
                orders[name] = quantity
        target.perm["orders"] = orders
        target.perm["decided"] = target.now
        return True


class FillAtTheNext(bt.Algo):
    """Fills what was sized on the session before."""

    def __call__(self, target: bt.Strategy) -> bool:
        if target.perm.get("orders") and target.perm["decided"] < target.now:
            for name, quantity in target.perm.pop("orders").items():
                target.transact(quantity, child=name)
        return True


@pytest.mark.parametrize("fee", [0.0, 3.0])
def test_orders_sized_at_one_close_and_filled_at_the_next(
    closes: pd.DataFrame, weights: pd.DataFrame, fee: float
) -> None:
    expected = theirs(closes, [FillAtTheNext(), SizeAtTheClose(weights, fee)], fee)
    found = ours(closes, weights, Terms(**{**FREE.model_dump(), "fee": fee}))
    if fee:
        assert np.abs(found - expected).max() < CENT
    assert found.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9)
    assert not math.isclose(found.iloc[-1], CAPITAL, rel_tol=0.1)
