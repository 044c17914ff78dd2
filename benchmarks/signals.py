"""Every signal of the catalog: five years of sessions x an S&P 500, each session its own window.

The data is made up, and the same on every run. A time is from the frame of ``daily_returns`` to the
frame of signals; reading Parquet is not part of it. A floor is the signal's main operation on whole
matrices of numpy: no windows, so that it could look ahead, no members, no gaps, no frames.

Two more rows hold momentum against what it replaces, on as much data as that was measured on: a
loop that looks up one row of prices after the other.
"""

from collections.abc import Callable
from dataclasses import replace
from string import ascii_lowercase

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.clock import side_by_side
from benchmarks.result import Result
from strategy.allocation.equal_weight import EqualWeight
from strategy.catalog import CATALOG
from strategy.daily import LIVE_WITHIN, daily_signals
from strategy.returns import COLUMNS
from strategy.signals.base import Signal
from strategy.signals.dual_momentum import DualMomentum
from strategy.signals.momentum import Momentum
from strategy.signals.vol_scaled_momentum import VolScaledMomentum
from strategy.strategy import Strategy

ROUNDS = 3
SESSIONS, TICKERS = 1260, 503
WITHIN = 2.0
"""Seconds, for every signal, on 2 cores."""

OLD_SESSIONS, OLD_TICKERS = 1283, 393
OLD_MOMENTUM = DualMomentum(lookback=126, places=5, hurdle=0.0)

LAST = pd.Timestamp("2024-12-31")

Floats = npt.NDArray[np.float64]


def results() -> list[Result]:
    """Each signal of the catalog once, then momentum beside what it replaces."""
    users: dict[Signal, list[str]] = {}
    for name, strategy in CATALOG.items():
        users.setdefault(strategy.signal, []).append(name)
    rows = [
        replace(
            measured(CATALOG[names[0]], SESSIONS, TICKERS),
            within=WITHIN,
            note=f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0],
        )
        for names in users.values()
    ]
    rows += of_old_size()
    return [
        replace(row, number=f"13{letter}")
        for letter, row in zip(ascii_lowercase, rows, strict=False)
    ]


def of_old_size() -> list[Result]:
    """A window each, and row by row; both beside one matrix."""
    strategy = Strategy(description="", signal=OLD_MOMENTUM, allocation=EqualWeight())
    returns = market(sessions_up_to_last(OLD_SESSIONS), OLD_TICKERS)
    closes = returns.pivot_table(index="date", columns="ticker", values="close")
    looped, matrix = in_turn(lambda: row_by_row(closes), floor_of(OLD_MOMENTUM, closes.to_numpy()))
    windowed = measured(strategy, OLD_SESSIONS, OLD_TICKERS)
    size = f"{OLD_SESSIONS:,} x {OLD_TICKERS}"
    return [
        replace(windowed, what=f"momentum, {size}, a window each"),
        Result("", f"momentum, {size}, row by row", looped, matrix, note="what ours replaces"),
    ]


def measured(strategy: Strategy, sessions: int, tickers: int) -> Result:
    """The signals of so many sessions of so many members; the row has no number yet."""
    signal = strategy.signal
    lookback = max(signal.lookback, LIVE_WITHIN)
    history = sessions_up_to_last(sessions + lookback - 1)
    wanted = history[-sessions:]
    returns = market(history, tickers)
    closes = returns["close"].to_numpy().reshape(len(history), tickers)
    members = pd.DataFrame(
        {
            "date": wanted.repeat(tickers),
            "universe": strategy.universe,
            "ticker": np.tile(names(tickers), sessions),
        }
    ).astype({"universe": "str", "ticker": "str"})
    ours, floor = in_turn(
        lambda: daily_signals(strategy, returns, members, history, wanted),
        floor_of(signal, closes),
    )
    what = f"signals: {type(signal).__name__}, look-back {signal.lookback}"
    return Result("", what, ours, floor)


def in_turn(
    ours: Callable[[], object], floor: Callable[[], object] | None
) -> tuple[float, float | None]:
    """Seconds of both; None for a floor that there is not."""
    times = side_by_side(ours, floor or (lambda: None), ROUNDS)
    return times.ours, times.floor if floor else None


def floor_of(signal: Signal, closes: Floats) -> Callable[[], object] | None:
    """The main operation of a signal on all sessions at once; None where it takes more to say."""
    match signal:
        case Momentum() | DualMomentum():
            return lambda: leaders(closes, signal.lookback, signal.places)
        case VolScaledMomentum():
            return lambda: volatility_of_leaders(closes, signal)
        case _:
            return None


def leaders(closes: Floats, lookback: int, places: int) -> npt.NDArray[np.intp]:
    """Per session the places of the best: one division of two slices, and a partition."""
    growth = closes[lookback:] / closes[:-lookback] - 1
    return np.argpartition(-growth, places, axis=1)[:, :places]


def volatility_of_leaders(closes: Floats, signal: VolScaledMomentum) -> Floats:
    """Of last year's winners, formed anew each session: the deviation over half a year."""
    chosen = leaders(closes[: -1 - signal.skip], signal.formation - signal.skip, signal.places)
    returns = closes[1:] / closes[:-1] - 1
    held = np.take_along_axis(returns[-len(chosen) :], chosen, axis=1).mean(axis=1)
    span = signal.lookback - signal.formation
    squares = np.lib.stride_tricks.sliding_window_view(held**2, span)
    return np.asarray(np.sqrt(squares.mean(axis=1)))


def row_by_row(closes: pd.DataFrame) -> list[list[str]]:
    """Momentum as a loop over sessions, each of which looks up two rows and ranks them."""
    chosen = []
    for row in range(OLD_MOMENTUM.lookback, len(closes)):
        growth = closes.iloc[row] / closes.iloc[row - OLD_MOMENTUM.lookback] - 1
        chosen.append(growth.nlargest(OLD_MOMENTUM.places).index.tolist())
    return chosen


def market(sessions: pd.DatetimeIndex, count: int) -> pd.DataFrame:
    """``daily_returns`` of ``count`` shares; one bar in fifty is missing."""
    random = np.random.default_rng(0)
    shape = (len(sessions), count)
    traded = random.random(shape) > 0.02
    common = random.normal(0.0003, 0.008, (shape[0], 1)) * random.uniform(0.5, 1.5, count)
    local = np.where(traded, common + random.normal(0.0, 0.015, shape), 0.0)
    opening = 1 + random.normal(0.0, 0.005, shape)
    up, down = np.abs(random.normal(0.0, 0.007, (2, *shape)))
    value = np.exp(random.normal(17.0, 1.0, shape))
    dense = {
        "close": 50 * np.cumprod(1 + local, axis=0),
        "traded": traded,
        "open_ratio": np.where(traded, opening, 1.0),
        "high_ratio": np.where(traded, np.maximum(opening, 1.0) * (1 + up), 1.0),
        "low_ratio": np.where(traded, np.minimum(opening, 1.0) * (1 - down), 1.0),
        "value_traded_aud": np.where(traded, value, 0.0),
        "return_local": local,
        "return_aud": (1 + local) * (1 + random.normal(0.0, 0.005, (shape[0], 1))) - 1,
    }
    frame = pd.DataFrame({name: values.ravel() for name, values in dense.items()}).assign(
        date=sessions.repeat(count),
        ticker=np.tile(names(count), len(sessions)),
        market="XNYS",
        currency="USD",
    )
    return frame.astype({"ticker": "str"})[COLUMNS]


def names(count: int) -> list[str]:
    """Tickers, sorted."""
    return [f"T{place:04}" for place in range(count)]


def sessions_up_to_last(count: int) -> pd.DatetimeIndex:
    """That many weekdays."""
    return pd.bdate_range(end=LAST, periods=count).as_unit("us")
