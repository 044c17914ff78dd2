"""Every signal of the catalog: five years of sessions x an S&P 500, each session its own window.

``python -m benchmarks.signals`` prints a table and writes it to ``benchmarks/results/``. The data
is made up, and the same on every run. A time is the median of ``RUNS``, from the frame of
``daily_returns`` to the frame of signals; reading Parquet is not part of it.

Three more rows hold momentum against what it replaces, on as much data as that was measured on:
a loop that looks up one row of prices after the other, and one division of two matrices, which is
as fast as it gets without a window.
"""

import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.table import Table

from strategy.allocation.equal_weight import EqualWeight
from strategy.catalog import CATALOG
from strategy.daily import LIVE_WITHIN, daily_signals
from strategy.returns import COLUMNS
from strategy.signals.base import Signal
from strategy.signals.dual_momentum import DualMomentum
from strategy.strategy import Strategy

RESULTS = Path(__file__).parent / "results"
RUNS = 3
SESSIONS, TICKERS = 1260, 503
TARGET = 2.0
"""Seconds, for every signal, on 2 cores."""

OLD_SESSIONS, OLD_TICKERS, OLD_LOOKBACK, PLACES = 1283, 393, 126, 5

LAST = pd.Timestamp("2024-12-31")
HEADINGS = ("signal", "strategies", "look-back", "sessions x tickers", "seconds", "target")
WIDTH = 110
"""Columns of text, also where the output is no terminal."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Timing:
    """One row of the table. ``target`` is None for what is only there to compare with."""

    signal: str
    strategies: tuple[str, ...]
    lookback: int
    sessions: int
    tickers: int
    seconds: float
    target: float | None

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        return (
            self.signal,
            ", ".join(self.strategies),
            str(self.lookback),
            f"{self.sessions:,} x {self.tickers}",
            f"{self.seconds:.3f}",
            "" if self.target is None else f"{self.target:.1f}",
        )


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


def timed(run: Callable[[], object]) -> float:
    """Seconds, the median of ``RUNS``."""

    def once() -> float:
        begun = perf_counter()
        run()
        return perf_counter() - begun

    return median(once() for _ in range(RUNS))


def time_signal(strategy: Strategy, sessions: int, tickers: int) -> float:
    """Seconds for the signals of so many sessions of so many members."""
    lookback = max(strategy.signal.lookback, LIVE_WITHIN)
    history = sessions_up_to_last(sessions + lookback - 1)
    wanted = history[-sessions:]
    returns = market(history, tickers)
    members = pd.DataFrame(
        {
            "date": wanted.repeat(tickers),
            "universe": strategy.universe,
            "ticker": np.tile(names(tickers), sessions),
        }
    ).astype({"universe": "str", "ticker": "str"})
    return timed(lambda: daily_signals(strategy, returns, members, history, wanted))


def of_the_catalog() -> list[Timing]:
    """Each signal once, with the strategies that use it."""
    users: dict[Signal, list[str]] = {}
    for name, strategy in CATALOG.items():
        users.setdefault(strategy.signal, []).append(name)
    return [
        Timing(
            signal=type(signal).__name__,
            strategies=tuple(strategies),
            lookback=signal.lookback,
            sessions=SESSIONS,
            tickers=TICKERS,
            seconds=time_signal(CATALOG[strategies[0]], SESSIONS, TICKERS),
            target=TARGET,
        )
        for signal, strategies in users.items()
    ]


def row_by_row(closes: pd.DataFrame) -> list[list[str]]:
    """Momentum as a loop over sessions, each of which looks up two rows and ranks them."""
    chosen = []
    for row in range(OLD_LOOKBACK, len(closes)):
        growth = closes.iloc[row] / closes.iloc[row - OLD_LOOKBACK] - 1
        chosen.append(growth.nlargest(PLACES).index.tolist())
    return chosen


def by_matrix(closes: Floats) -> npt.NDArray[np.intp]:
    """The same from two slices of one matrix, all sessions at once."""
    growth = closes[OLD_LOOKBACK:] / closes[:-OLD_LOOKBACK] - 1
    return np.argpartition(-growth, PLACES, axis=1)[:, :PLACES]


def of_momentum() -> list[Timing]:
    """Ours, and the two that it is compared with."""
    ours = Strategy(
        description="",
        signal=DualMomentum(lookback=OLD_LOOKBACK, places=PLACES, hurdle=0.0),
        allocation=EqualWeight(),
    )
    returns = market(sessions_up_to_last(OLD_SESSIONS), OLD_TICKERS)
    closes = returns.pivot_table(index="date", columns="ticker", values="close")
    dense = closes.to_numpy()
    seconds = {
        "momentum, a window each": time_signal(ours, OLD_SESSIONS, OLD_TICKERS),
        "momentum, row by row": timed(lambda: row_by_row(closes)),
        "momentum, one matrix": timed(lambda: by_matrix(dense)),
    }
    return [
        Timing(name, (), OLD_LOOKBACK, OLD_SESSIONS, OLD_TICKERS, taken, None)
        for name, taken in seconds.items()
    ]


def shown(timings: list[Timing]) -> Table:
    """For the terminal."""
    table = Table(*HEADINGS, caption=about())
    for timing in timings:
        is_slow = timing.target is not None and timing.seconds > timing.target
        table.add_row(*timing.cells(), style="red" if is_slow else None)
    return table


def about() -> str:
    """What was measured, and on how many cores."""
    return (
        f"Seconds for the signals of all sessions, median of {RUNS} runs on {os.cpu_count()} cores,"
        f" Python {platform.python_version()}, numpy {np.__version__}, pandas {pd.__version__}"
    )


def markdown(timings: list[Timing]) -> str:
    """The same table as a document."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *(timing.cells() for timing in timings)]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"# Signals\n\n{about()}. `make bench` writes this file.\n\n{lines}\n"


def main() -> None:
    """Measure, show and store."""
    timings = [*of_the_catalog(), *of_momentum()]
    RESULTS.mkdir(exist_ok=True)
    stored = {"about": about(), "timings": [asdict(timing) for timing in timings]}
    (RESULTS / "signals.json").write_text(json.dumps(stored, indent=2) + "\n")
    (RESULTS / "signals.md").write_text(markdown(timings))
    Console(width=WIDTH).print(shown(timings))


if __name__ == "__main__":
    main()
