"""What holds of every book: it balances, it owes nobody, and it can be kept session by session."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parakeet_dagster_tests.strategy.portfolio.markets import days, fx
from strategy.portfolio.book import Book
from strategy.portfolio.market import Market, market_of
from strategy.portfolio.simulation import LOOKBACK, Account, simulate
from strategy.portfolio.terms import FREE, Terms
from strategy.returns import total_returns

CENT = 0.005
TICKERS = ("A.AX", "B.AX", "C", "D", "E")
COUNT = 90


class World(NamedTuple):
    """The lake's frames of one made-up history."""

    returns: pd.DataFrame
    prices: pd.DataFrame
    fx_rates: pd.DataFrame
    sessions: pd.DatetimeIndex
    targets: pd.DataFrame

    def market(self, first: int, last: int) -> Market:
        """Of the rows from ``LOOKBACK`` before ``first`` to ``last``."""
        sessions = self.sessions[max(first - LOOKBACK, 0) : last + 1]

        def of(frame: pd.DataFrame) -> pd.DataFrame:
            return frame[frame["date"].between(sessions[0], sessions[-1])]

        return market_of(of(self.returns), of(self.prices), of(self.fx_rates), sessions)


def world(seed: int) -> World:
    """Prices with dividends, splits, halts with actions inside, listings and a ticker that ends."""
    rng = np.random.default_rng(seed)
    sessions = days(COUNT)
    shape = (COUNT, len(TICKERS))
    close = np.round(20 * np.exp(np.cumsum(rng.normal(0, 0.03, shape), axis=0)), 3)
    halted = rng.random(shape) < 0.08
    halted[40:58, 2] = rng.random() < 0.5
    split = np.where(rng.random(shape) < 0.02, rng.choice([2.0, 0.1, 7.0, 1.5], shape), 1.0)
    dividend = np.where(rng.random(shape) < 0.05, np.round(rng.random(shape), 2), 0.0)
    listed = np.arange(COUNT)[:, None] >= rng.choice([0, 0, 0, 30], len(TICKERS))
    row, column = np.nonzero(listed)
    names = np.array(TICKERS)[column]
    rows = pd.DataFrame(
        {
            "date": sessions[row],
            "ticker": names,
            "market": np.where(np.char.endswith(names.astype(str), ".AX"), "XASX", "XNYS"),
            "currency": np.where(np.char.endswith(names.astype(str), ".AX"), "AUD", "USD"),
            **dict.fromkeys(("open", "high", "low", "close"), close[row, column]),
            "volume": 1000,
            "dividend": dividend[row, column],
            "split_ratio": split[row, column],
        }
    ).astype({"ticker": "str"})
    rows["open"] = rows["close"] * rng.choice([0.98, 1.0, 1.01], len(rows))
    is_halted = halted[row, column]
    rows.loc[is_halted, ["open", "high", "low", "close"]] = np.nan
    acts = (rows["dividend"] != 0) | (rows["split_ratio"] != 1)
    prices = rows[~is_halted | acts].reset_index(drop=True)
    usd = np.round(1.4 * np.exp(np.cumsum(rng.normal(0, 0.005, COUNT))), 4)
    rates = fx(sessions, usd.tolist())
    rates["aud_per_unit_before"] = rates.groupby("currency")["aud_per_unit"].shift()
    covered = rows[["date", "ticker"]]
    ends = COUNT if rng.random() < 0.5 else 70
    covered = covered[(covered["ticker"] != "E") | (covered["date"] < sessions[ends - 1])]
    none = pd.DataFrame(columns=["ticker", "market", "currency", "close"])
    returns = total_returns(prices, rates, none, covered, sessions)
    return World(returns, prices, rates, sessions, _targets(rng, returns, sessions))


def _targets(
    rng: np.random.Generator, returns: pd.DataFrame, sessions: pd.DatetimeIndex
) -> pd.DataFrame:
    frames = []
    for row in range(3, COUNT, int(rng.integers(1, 12))):
        there = returns.loc[returns["date"] == sessions[row], "ticker"].to_numpy()
        weights = rng.dirichlet(np.ones(len(there) + 1)) * (rng.random(len(there) + 1) < 0.7)
        weights = np.append(weights[:-1], 1 - weights[:-1].sum())
        names = [*there, "CASH"]
        frames.append(pd.DataFrame({"date": sessions[row], "ticker": names, "weight": weights}))
    return pd.concat(frames, ignore_index=True).astype({"ticker": "str"})


terms = st.builds(
    Terms,
    capital=st.sampled_from([2_000.0, 100_000.0]),
    fee=st.sampled_from([0.0, 3.0]),
    fx_spread_bp=st.sampled_from([0.0, 70.0]),
    slippage_bp=st.sampled_from([0.0, 5.0]),
    cash_rate=st.sampled_from([0.0, 0.05]),
    withholding=st.sampled_from([0.0, 0.15]),
    whole_shares=st.booleans(),
    fill=st.sampled_from(["close", "open"]),
    risk_aversion=st.sampled_from([0.0, 3.0, float("inf")]),
    delisting_return=st.sampled_from([0.0, -0.3]),
)
seeds = st.integers(0, 10_000)


def kept(of: World, one: Terms) -> Book:
    account = Account("one", of.targets, one)
    return simulate(of.market(0, COUNT - 1), [account], of.sessions[0])["one"]


@settings(max_examples=15)
@given(seeds, terms)
def test_cash_is_the_capital_and_every_flow_since(seed: int, one: Terms) -> None:
    book = kept(world(seed), one)
    by_day = book.daily.set_index("date")
    traded = book.fills.groupby("date")["cash_aud"].sum()
    income = book.income.assign(
        net=book.income["gross_aud"] - book.income["withheld_aud"] - book.income["fx_cost_aud"]
    )
    received = income.groupby("date")["net"].sum()
    flows = by_day["interest"].add(traded, fill_value=0).add(received, fill_value=0)
    expected = one.capital + flows.cumsum()
    assert np.abs(by_day["cash"] - expected).max() < CENT


@settings(max_examples=15)
@given(seeds, terms)
def test_shares_are_what_was_traded_and_split(seed: int, one: Terms) -> None:
    book = kept(world(seed), one)
    changes = book.fills.groupby(["date", "ticker"])["quantity"].sum().unstack()
    splits = book.splits.set_index(["date", "ticker"])["split_ratio"].unstack()
    held = book.positions.set_index(["date", "ticker"])["quantity"].unstack()
    names = book.market.tickers
    table = [
        frame.reindex(index=book.sessions, columns=names).fillna(fill).to_numpy()
        for frame, fill in ((changes, 0.0), (splits, 1.0), (held, 0.0))
    ]
    before = np.zeros(len(names))
    for change, ratio, now in zip(*table, strict=True):
        before = before * ratio + change
        assert now == pytest.approx(before, abs=1e-7)


@settings(max_examples=15)
@given(seeds, terms)
def test_equity_is_cash_and_what_is_held_and_the_difference_is_explained(
    seed: int, one: Terms
) -> None:
    book = kept(world(seed), one)
    value = book.positions.groupby("date")["value_aud"].sum()
    assert np.abs(value.to_numpy() - book.daily["equity"].to_numpy()).max() < CENT
    costs = book.daily[["fees", "slippage", "fx_costs", "withheld"]].sum(axis=1)
    gains = book.daily["dividends"] + book.daily["interest"] - costs
    market = book.market
    held = book.positions[book.positions["ticker"] != "CASH"]
    shares = np.zeros(market.close.shape)
    rows = market.sessions.get_indexer(pd.Index(held["date"]))
    columns = market.tickers.get_indexer(pd.Index(held["ticker"]))
    shares[rows, columns] = held["quantity"]
    price = market.price_aud
    drift = (shares[:-1] * (price[1:] * market.split[1:] - price[:-1])).sum(axis=1)
    fills = book.fills.assign(
        row=market.sessions.get_indexer(pd.Index(book.fills["date"])),
        column=market.tickers.get_indexer(pd.Index(book.fills["ticker"])),
    )
    at_close = price[fills["row"], fills["column"]]
    edge = fills["quantity"] * (at_close - fills["price"] * fills["aud_per_unit"])
    drift += edge.groupby(fills["row"]).sum().reindex(range(1, COUNT), fill_value=0).to_numpy()
    change = np.diff(book.daily["equity"].to_numpy())
    assert np.abs(change - drift - gains.to_numpy()[1:]).max() < CENT


@settings(max_examples=15)
@given(seeds, terms)
def test_nothing_is_owed_and_nothing_is_sold_that_is_not_held(seed: int, one: Terms) -> None:
    book = kept(world(seed), one)
    assert book.daily["cash"].min() > -1e-6
    assert book.positions[["quantity", "wanted"]].to_numpy().min() > -1e-6
    if one.whole_shares:
        held = book.positions[book.positions["ticker"] != "CASH"]
        assert (held["quantity"] % 1 == 0).all()


@settings(max_examples=15)
@given(seeds, terms, st.integers(40, COUNT - 2))
def test_what_comes_later_changes_nothing_before(seed: int, one: Terms, last: int) -> None:
    of = world(seed)
    market, rng = of.market(0, COUNT - 1), np.random.default_rng(seed)
    noise = rng.lognormal(0, 0.5, market.close.shape)
    noise[: last + 1] = 1.0
    other = replace(
        market,
        close=market.close * noise,
        open=market.open * noise,
        dividend=market.dividend * noise,
        aud_per_unit=market.aud_per_unit * noise,
        returns=market.returns + noise - 1,
        traded=market.traded & (noise < 2),
    )
    later = of.targets["date"] > of.sessions[last]
    plan = of.targets.assign(weight=of.targets["weight"].where(~later, 0.0))
    books = [
        simulate(each, [Account("one", targets, one)], of.sessions[0])["one"]
        for each, targets in ((market, of.targets), (other, plan))
    ]
    for frames in ([book.positions for book in books], [book.daily for book in books]):
        before, after = (frame[frame["date"] <= of.sessions[last]] for frame in frames)
        pd.testing.assert_frame_equal(before, after, check_exact=True)


@settings(max_examples=5)
@given(seeds, terms)
def test_a_range_and_single_sessions_give_the_same_bits(seed: int, one: Terms) -> None:
    of = world(seed)
    whole = kept(of, one)
    start = 68
    before = whole.positions[whole.positions["date"] == of.sessions[start - 1]]
    for row in range(start, COUNT):
        account = Account("one", of.targets, one, before)
        held = set(before["ticker"]) | set(of.targets["ticker"])
        some = World(*(_only(frame, held) for frame in of))
        book = simulate(some.market(row, row), [account], of.sessions[row])["one"]
        day = of.sessions[row]
        expected = whole.positions[whole.positions["date"] == day].reset_index(drop=True)
        pd.testing.assert_frame_equal(book.positions, expected, check_exact=True)
        expected = whole.daily[whole.daily["date"] == day].reset_index(drop=True)
        pd.testing.assert_frame_equal(book.daily, expected, check_exact=True)
        before = book.positions


def _only(part: object, tickers: set[str]) -> object:
    if isinstance(part, pd.DataFrame) and "return_aud" in part:
        return part[part["ticker"].isin(tickers)]
    return part


@settings(max_examples=15)
@given(seeds)
def test_the_market_says_what_daily_returns_say(seed: int) -> None:
    of = world(seed)
    market = of.market(0, COUNT - 1)
    rows = market.sessions.get_indexer(pd.Index(of.returns["date"]))
    columns = market.tickers.get_indexer(pd.Index(of.returns["ticker"]))
    told = of.returns["return_local"].to_numpy()
    later = rows > 0
    now, before = (rows[later], columns[later]), (rows[later] - 1, columns[later])
    known = (market.close[before] > 0) & ~np.isnan(told[later])
    became = market.close[now] * market.split[now] + market.dividend[now]
    earned = became[known] / market.close[before][known] - 1
    assert np.abs(earned - told[later][known]).max() < 1e-12


@settings(max_examples=15)
@given(seeds)
def test_a_single_share_earns_what_its_returns_say(seed: int) -> None:
    """Everything in one ticker, in AUD, without costs: the simulation compounds its returns."""
    of = world(seed)
    of = of._replace(prices=of.prices.assign(dividend=0.0))
    none = pd.DataFrame(columns=["ticker", "market", "currency", "close"])
    covered = of.returns[["date", "ticker"]]
    returns = total_returns(of.prices, of.fx_rates, none, covered, of.sessions)
    c = returns[returns["ticker"] == "C"].reset_index(drop=True)
    first = int(np.flatnonzero(c["traded"])[1]) if c["traded"].sum() > 1 else 0
    plan = pd.DataFrame({"date": [c["date"].iloc[0]], "ticker": "C", "weight": 1.0})
    one = Account("one", plan.astype({"ticker": "str"}), FREE)
    of = of._replace(returns=c)
    book = simulate(of.market(0, COUNT - 1), [one], of.sessions[0])["one"]
    bought = book.fills["date"].iloc[0]
    assert bought == c["date"].iloc[first]
    if len(book.fills) > 1:  # it was paid out
        return
    earned = (1 + c.loc[c["date"] > bought, "return_aud"]).cumprod()
    value = book.positions[book.positions["ticker"] == "C"].set_index("date")["value_aud"]
    after = value[value.index > bought]
    assert after.to_numpy() == pytest.approx(value[bought] * earned.to_numpy(), rel=1e-9)
