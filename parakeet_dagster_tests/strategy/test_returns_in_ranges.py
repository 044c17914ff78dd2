"""The same returns, whether the sessions are computed one by one or in any ranges."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parakeet_dagster.assets.gaps import returning, rows_since_last_bar
from parakeet_dagster.price_sources.ecb import fx_rates
from parakeet_dagster.sessions import between
from parakeet_dagster.storage.stores import FileStore
from parakeet_dagster_tests.storage.lakes import plain_lake, stored_paths
from parakeet_dagster_tests.strategy.frames import bars, covered_throughout
from strategy.returns import total_returns

SESSIONS = between("2022-04-14", "2022-04-25")  # Easter and Anzac Day
RATES = fx_rates(SESSIONS)
LISTINGS = {"BHP.AX": ("XASX", "AUD"), "IBM": ("XNYS", "USD"), "KO": ("XNYS", "USD")}

CLOSE = st.one_of(st.just(np.nan), st.integers(1_000, 900_000).map(lambda mills: mills / 1000))
ROW = st.tuples(CLOSE, st.sampled_from([0.0, 0.0, 0.4]), st.sampled_from([1.0, 1.0, 2.0, 0.1]))
HISTORY = st.lists(st.none() | ROW, min_size=len(SESSIONS), max_size=len(SESSIONS))
MARKETS = st.fixed_dictionaries(dict.fromkeys(LISTINGS, HISTORY))
CUTS = st.sets(st.integers(1, len(SESSIONS) - 1), max_size=3)


def raw_prices(history):
    frames = [
        bars(
            [(day, ticker, *row) for day, row in zip(SESSIONS, rows, strict=True) if row],
            *LISTINGS[ticker],
        )
        for ticker, rows in history.items()
    ]
    return pd.concat(frames, ignore_index=True)


def run(lake, raw, sessions):
    """What the assets raw_prices and daily_returns do for a range."""
    of_range = raw[raw["date"].isin(pd.DatetimeIndex(sessions))]
    lake.write("raw_prices", of_range, sessions)
    of_range = lake.read("raw_prices", sessions)
    carried = lake.read_session_before("daily_returns", sessions[0])
    since = rows_since_last_bar(lake, returning(carried, of_range), sessions[0])
    actions = since[since["close"].isna()]
    days = pd.DatetimeIndex(sessions).as_unit("us")
    panel = total_returns(
        pd.concat([actions, of_range], ignore_index=True),
        RATES[RATES["date"].isin(days)],
        carried,
        covered_throughout(days, carried, of_range),
        days,
    )
    lake.write("daily_returns", panel, sessions)


def lake_after(raw, ranges):
    """Every stored file of ``daily_returns``, by path."""
    with TemporaryDirectory() as folder:
        store = FileStore(Path(folder))
        for sessions in ranges:
            run(plain_lake(store), raw, sessions)
        paths = stored_paths(Path(folder) / "daily_returns")
        return {path: store.read(f"daily_returns/{path}") for path in paths}


@settings(max_examples=6)
@given(MARKETS, CUTS)
def test_ranges_give_the_files_of_single_sessions(history, cuts):
    raw = raw_prices(history)
    edges = [0, *sorted(cuts), len(SESSIONS)]
    ranges = [SESSIONS[a:b] for a, b in pairwise(edges)]
    singles = lake_after(raw, [[session] for session in SESSIONS])
    assert lake_after(raw, ranges) == singles
    assert lake_after(raw, [SESSIONS]) == singles
    assert len(singles) == len(SESSIONS)


def test_a_halt_over_several_runs_keeps_its_split_and_its_dividend():
    """100 before; 2:1 and then 0.5 a new share while halted; 50.5 when it trades again: 2 %."""
    rows = {1: (100.0, 0.0, 1.0), 3: (np.nan, 0.0, 2.0), 4: (np.nan, 0.5, 1.0), 6: (50.5, 0.0, 1.0)}
    raw = bars([(SESSIONS[place], "KO", *row) for place, row in rows.items()])
    with TemporaryDirectory() as folder:
        lake = plain_lake(FileStore(Path(folder)))
        for session in SESSIONS:
            run(lake, raw, [session])
        panel = lake.read("daily_returns", SESSIONS)
    assert panel["traded"].tolist() == [True, False, False, False, False, True]
    assert panel["close"].tolist() == [100.0] * 5 + [50.5]
    assert panel["return_local"].tolist() == pytest.approx([np.nan, 0, 0, 0, 0, 0.02], nan_ok=True)
