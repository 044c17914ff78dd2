"""Worlds to try every strategy in: made-up sessions, as many as the catalog looks back on.

Time runs around ``QUARTER``, the first session of a week, a month and a quarter: the one session on
which every rebalance rule decides. A world ends ``AFTER`` sessions later.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd

from strategy.catalog import CATALOG
from strategy.daily import LIVE_WITHIN, daily_signals, daily_targets
from strategy.rebalance import rebalance_sessions
from strategy.strategy import ACTIVE, CASH, Strategy

SPANS = {"daily": 10, "weekly": 16, "monthly": 24, "quarterly": 24}
"""How long a range is looked at, by rebalance rule. Each decision may cost a fit of a model."""

QUARTER = pd.Timestamp("2024-01-01")
START = max(strategy.history for strategy in CATALOG.values()) + max(SPANS.values())
"""The place of ``QUARTER`` among the sessions."""
AFTER = 5

_FIRST = 70
_CALENDAR_START = QUARTER - pd.offsets.BDay(_FIRST + START)
CALENDAR = pd.bdate_range(_CALENDAR_START, periods=_FIRST + START + 100).as_unit("us")
"""Longer than a world on both sides, by a quarter and more."""
SESSIONS = CALENDAR[_FIRST : _FIRST + START + 1 + AFTER]

UNIVERSE, ELSEWHERE = "TEST", "ELSEWHERE"
REFUGES = tuple(sorted({name for each in CATALOG.values() for name in each.signal.exempt})[:2])

SPECIAL = ("HALTED", "IDLE", "YOUNG", "DELISTED", "LEAVER", "JOINER", "STRANGER")
HALTED, IDLE, YOUNG, DELISTED, LEAVER, JOINER, STRANGER = SPECIAL
TICKERS = (*"ABCDEF", *REFUGES, *SPECIAL)
AGE = 4
"""The sessions, up to ``QUARTER``, on which ``YOUNG`` is listed."""

RATIOS = ("open_ratio", "high_ratio", "low_ratio")


@dataclass(frozen=True)
class World:
    """What is stored: ``daily_returns``, and date, universe and ticker of ``ticker_universe``."""

    sessions: pd.DatetimeIndex
    returns: pd.DataFrame
    members: pd.DataFrame

    def without(self, *tickers):
        """No such ticker was ever listed, or a member."""
        return self.delisted(*tickers).expelled(*tickers)

    def delisted(self, *tickers):
        """No price of them; the membership stays."""
        return replace(self, returns=self.returns[~self.returns["ticker"].isin(tickers)])

    def expelled(self, *tickers):
        """No membership; the prices stay."""
        return replace(self, members=self.members[~self.members["ticker"].isin(tickers)])

    def until(self, session):
        """Nothing is known after ``session``."""
        return self.changed(lambda frame: frame[frame["date"] <= session])

    def since(self, session):
        """Nothing is handed over of what was before ``session``."""
        return self.changed(lambda frame: frame[frame["date"] >= session])

    def begun(self, session):
        """History starts on ``session``."""
        return replace(self.since(session), sessions=self.sessions[self.sessions >= session])

    def without_rows(self, session):
        """No ticker has a row on ``session``."""
        return replace(self, returns=self.returns[self.returns["date"] != session])

    def followed_by(self, other, session):
        """After ``session`` it is another world, in every column and every member."""
        own, rest = self.until(session), other.changed(lambda frame: frame[frame["date"] > session])
        return replace(
            self,
            returns=pd.concat([own.returns, rest.returns], ignore_index=True),
            members=pd.concat([own.members, rest.members], ignore_index=True),
        )

    def leaked(self):
        """Every session already has the prices of the next one."""
        place = self.sessions.get_indexer(pd.Index(self.returns["date"]))
        early = self.returns.assign(date=self.sessions[np.maximum(place - 1, 0)])
        return replace(self, returns=early[place > 0])

    def changed(self, change):
        """The same change made to both frames."""
        return replace(self, returns=change(self.returns), members=change(self.members))


def draws(seed, shape):
    """Standard normal numbers, a row per session of a world.

    They are drawn from the last session backwards: a catalog that looks back further has a longer
    world, of the same end.
    """
    return np.random.default_rng(seed).standard_normal(shape)[::-1]


def quotes(seed, shape, volatility=0.01):
    """Dense columns of ``daily_returns``, sessions x tickers, of a market that rests nowhere."""
    opening, up, down, value, move = (draws([seed, column], shape) for column in range(5))
    open_ratio = 1 + 0.004 * opening
    return {
        "covered": np.ones(shape, dtype=bool),
        "traded": np.ones(shape, dtype=bool),
        "return_local": volatility * move,
        "currency_move": np.zeros(shape),
        "open_ratio": open_ratio,
        "high_ratio": np.maximum(open_ratio, 1) * (1 + 0.006 * np.abs(up)),
        "low_ratio": np.minimum(open_ratio, 1) * (1 - 0.006 * np.abs(down)),
        "value_traded_aud": 2e7 * np.exp(0.5 * value),
    }


def daily_returns(sessions, tickers, dense):
    """The lake's frame, as ``strategy.returns.total_returns`` makes it.

    A ticker that did not trade has the return of its currency, ratios of 1 and no value; there is
    no return on its first session.
    """
    traded, covered = dense["traded"] & dense["covered"], dense["covered"]
    local = np.where(traded, dense["return_local"], 0.0)
    close = 10 * np.cumprod(1 + local, axis=0)
    is_first = covered & ~np.vstack([np.zeros(len(tickers), dtype=bool), covered[:-1]])
    values = {
        "close": close,
        "traded": traded,
        **{name: np.where(traded, dense[name], 1.0) for name in RATIOS},
        "value_traded_aud": np.where(traded, dense["value_traded_aud"], 0.0),
        "return_local": np.where(is_first, np.nan, local),
        "return_aud": np.where(is_first, np.nan, (1 + local) * (1 + dense["currency_move"]) - 1),
    }
    day, place = np.nonzero(covered)
    is_foreign = (dense["currency_move"] != 0).any(axis=0)
    frame = pd.DataFrame({name: column[covered] for name, column in values.items()})
    frame.insert(0, "date", sessions[day])
    frame.insert(1, "ticker", pd.Index(tickers, dtype="str")[place])
    frame.insert(2, "market", np.where(is_foreign, "XNYS", "XASX")[place])
    frame.insert(3, "currency", np.where(is_foreign, "USD", "AUD")[place])
    return frame


def memberships(sessions, by_universe):
    """``ticker_universe`` from the tickers of each universe, the same on every session."""
    rows = [(universe, name) for universe, names in by_universe.items() for name in names]
    universes, tickers = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "date": sessions.repeat(len(rows)),
            "universe": np.tile(np.array(universes), len(sessions)),
            "ticker": np.tile(np.array(tickers), len(sessions)),
        }
    ).astype({"universe": "str", "ticker": "str"})


@cache
def eventful():
    """Shares and bonds that rise, half of them foreign, and everything that happens to a ticker.

    Around ``QUARTER``: a breakout three sessions before it (``A``), a halt over it and another at
    the end (``HALTED``), one longer than ``LIVE_WITHIN`` (``IDLE``), a listing, a delisting, a
    member that left and one that joins on the day, a ticker that is no member at all, and two
    sessions on which nothing traded.
    """
    shape = (len(SESSIONS), len(TICKERS))
    dense = quotes(0, shape)
    sensitivity = np.random.default_rng(1).uniform(0.3, 1.5, shape[1])
    dense["return_local"] += 0.0008 + 0.006 * draws(2, (shape[0], 1)) * sensitivity
    dense["currency_move"] += 0.004 * draws(3, (shape[0], 1)) * (np.arange(shape[1]) % 2)
    break_out(dense, TICKERS.index("A"), START - 3)
    at = {name: TICKERS.index(name) for name in TICKERS}
    traded, covered = dense["traded"], dense["covered"]
    traded[START - 60 : START - 40, at[HALTED]] = False
    traded[START - 1 : START + 2, at[HALTED]] = False
    traded[-2:, at[HALTED]] = False
    traded[START - LIVE_WITHIN - 5 : START + 2, at[IDLE]] = False
    traded[[START - 8, START + 2]] = False
    covered[: START - AGE + 1, at[YOUNG]] = False
    covered[START:, at[DELISTED]] = False
    members = memberships(SESSIONS, {UNIVERSE: TICKERS[:-1], ELSEWHERE: TICKERS[-1:]})
    name, date = members["ticker"], members["date"]
    is_out = (
        ((name == LEAVER) & (date >= SESSIONS[START - 2]))
        | ((name == DELISTED) & (date >= QUARTER))
        | ((name == JOINER) & (date < QUARTER))
    )
    return World(SESSIONS, daily_returns(SESSIONS, TICKERS, dense), members[~is_out])


def break_out(dense, ticker, session):
    """A textbook breakout: a run, a month of calm on little volume, then a gap on a lot of it."""
    run, calm, after = (
        slice(session - 80, session - 20),
        slice(session - 20, session),
        slice(session, None),
    )
    move, value = dense["return_local"][:, ticker], dense["value_traded_aud"][:, ticker]
    ripple = np.sin(np.arange(len(move)))
    move[run] = 0.012 + 0.01 * ripple[run]
    move[calm] = 0.002 * ripple[calm]
    move[after] = 0.02 + 0.002 * ripple[after]
    move[session] = 0.06
    value[calm] *= 0.5
    value[session] *= 8
    for name, calmly, later in (
        ("open_ratio", 1.0, 0.99), ("high_ratio", 1.003, 1.002), ("low_ratio", 0.997, 0.985)
    ):  # fmt: skip
        dense[name][calm, ticker], dense[name][after, ticker] = calmly, later


@cache
def wild():
    """Noise in every column, of other tickers and other members too."""
    tickers = ("AAA", *TICKERS[2:])
    shape = (len(SESSIONS), len(tickers))
    dense = quotes(4, shape)
    dense["return_local"] = np.exp(0.2 * draws(5, shape)) - 1
    dense["currency_move"] = 0.1 * draws(6, (shape[0], 1)) * np.ones(shape[1])
    dense["traded"] = draws(7, shape) < 0.5
    dense["value_traded_aud"] *= np.exp(3 * draws(8, shape))
    members = memberships(SESSIONS, {UNIVERSE: tickers, ELSEWHERE: tickers[:3]})
    kept = draws(9, len(members)) < 1
    return World(SESSIONS, daily_returns(SESSIONS, tickers, dense), members[kept])


def span(strategy):
    """The sessions a range is looked at, with ``QUARTER`` inside."""
    return SESSIONS[-SPANS[strategy.rebalance] :]


def outcome(strategy: Strategy, world: World, sessions):
    """Signals and targets of ``sessions``; the rebalance before them was an earlier run's."""
    decided = rebalance_sessions(strategy.rebalance, CALENDAR)[sessions[0]]
    runs = [sessions]
    if world.sessions[0] <= decided < sessions[0]:
        runs.insert(0, alone(decided))
    signals = pd.concat([signals_of(strategy, world, run) for run in runs])
    targets = targets_of(strategy, world, signals, sessions)
    return signals[signals["date"].isin(sessions)], targets


def signals_of(strategy: Strategy, world: World, sessions):
    """What the asset ``signals`` stores of a range; members of ``UNIVERSE`` are the strategy's."""
    members = world.members[world.members["date"].isin(sessions)]
    if strategy.universe == ACTIVE:
        members = members[members["universe"] == UNIVERSE]
    else:
        named = members["universe"].replace(UNIVERSE, strategy.universe)
        members = members.assign(universe=named)
    history, returns = _stored(world, sessions[-1])
    return daily_signals(strategy, returns, members, history, sessions)


def targets_of(strategy: Strategy, world: World, signals, sessions):
    """What the asset ``allocations`` stores of a range."""
    history, returns = _stored(world, sessions[-1])
    return daily_targets(strategy, signals, returns, history, sessions, CALENDAR)


def _stored(world, last):
    history = world.sessions[world.sessions <= last]
    return history, world.returns[world.returns["date"] <= last]


def alone(session):
    """A range of one session."""
    return pd.DatetimeIndex([session]).as_unit("us")


@cache
def expected(name):
    """What an entry of the catalog does in the eventful world."""
    strategy = CATALOG[name]
    return outcome(strategy, eventful(), span(strategy))


def bits(frame):
    """Every row, its numbers by their bits; in the order of (date, ticker)."""
    ordered = frame.sort_values(["date", "ticker"])
    return {
        name: column.tolist() if column.dtype == "str" else column.to_numpy().tobytes()
        for name, column in ordered.items()
    }


def bits_of(frames, sessions):
    """``bits`` of the signals and of the targets of some sessions."""
    return [bits(frame[frame["date"].isin(sessions)]) for frame in frames]


def held(targets, session):
    """Weight by ticker on a session, ``CASH`` left out."""
    rows = targets[(targets["date"] == session) & (targets["ticker"] != CASH)]
    return dict(zip(rows["ticker"], rows["weight"], strict=True))
