"""What could have been held instead: by hand, and the same bits however it is read."""

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets import market
from parakeet_dagster.assets.sample import Sample, read_samples
from parakeet_dagster.errors import HoleError
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.storage.stores import FileStore
from parakeet_dagster_tests.storage.lakes import plain_lake
from strategy.catalog import CATALOG

KEYS = calendar.between("2022-03-01", "2022-03-09")
DAYS = pd.DatetimeIndex(KEYS).as_unit("us")
NAN = float("nan")
RETURNS = {
    "A": [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07],
    "B": [0.01, 0.04, NAN, 0.08, 0.01, 0.02, 0.03],
    "SPY": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7],
    "Z": [NAN, NAN, NAN, NAN, 0.09, 0.12, 0.15],
    "ONCE": [0.01, 0.02, 0.03, NAN, NAN, NAN, NAN],
}
MEMBERS = {"a": ["A"], "ab": ["A", "B"], "gone": ["B", "GONE"], "z": ["Z"], "once": ["ONCE"]}
STRATEGIES = {
    name: CATALOG["equal_weight"].model_copy(update={"universe": name})
    for name in (*MEMBERS, "active")
}


def frame_of(returns: dict[str, list[float]], days: pd.DatetimeIndex = DAYS) -> pd.DataFrame:
    """``daily_returns``; a ticker has no row before its first return."""
    wide = pd.DataFrame(returns, index=days).rename_axis(index="date", columns="ticker")
    frame = wide.reset_index().melt("date", value_name="return_aud", var_name="ticker")
    known = frame.groupby("ticker")["return_aud"].transform(lambda one: one.notna().cumsum()) > 0
    return frame[known].assign(
        market="XNYS",
        currency="USD",
        close=10.0,
        traded=True,
        open_ratio=1.0,
        high_ratio=1.0,
        low_ratio=1.0,
        value_traded_aud=0.0,
        return_local=0.0,
    )


def members_of_each(members: dict[str, list[str]], days: pd.DatetimeIndex = DAYS) -> pd.DataFrame:
    rows = [(day, of, one) for day in days for of, names in members.items() for one in names]
    return pd.DataFrame(rows, columns=["date", "universe", "ticker"]).assign(
        name="", market="XNYS", currency="USD", asset_class="equity"
    )


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = plain_lake(FileStore(tmp_path))
    lake.write("daily_returns", frame_of(RETURNS), KEYS)
    lake.write("ticker_universe", members_of_each(MEMBERS), KEYS)
    return lake


def sample_of(lake: Lake, name: str, days: pd.DatetimeIndex = DAYS) -> Sample:
    return read_samples(lake, STRATEGIES, {name: days})[name]


def test_the_mean_is_of_the_members_that_have_a_return(lake):
    found = sample_of(lake, "ab")
    mean = [NAN, 0.03, 0.03, 0.06, 0.03, 0.04, 0.05]
    assert found.mean.tolist() == pytest.approx(mean, nan_ok=True)
    assert found.mean.index.equals(DAYS)
    assert found.held == 2
    assert found.unpriced == pytest.approx(1 / 14)


def test_the_first_session_of_a_span_has_no_return(lake):
    """Its return was earned before there was a book; others may have begun earlier."""
    found = read_samples(lake, STRATEGIES, {"a": DAYS, "ab": DAYS[2:5]})["ab"]
    assert found.mean.tolist() == pytest.approx([NAN, 0.06, 0.03], nan_ok=True)
    assert found.mean.index.equals(DAYS[2:5])
    assert found.funds["SPY"].tolist() == [0.3, 0.4, 0.5]
    assert found.unpriced == pytest.approx(1 / 6)


def test_a_ticker_that_is_gone_is_a_member_without_a_price(lake):
    found = sample_of(lake, "gone")
    assert found.held == 1
    assert found.unpriced == pytest.approx(8 / 14)


def test_a_ticker_counts_once_it_has_a_return(lake):
    found = sample_of(lake, "z")
    assert found.mean.tolist() == pytest.approx([NAN] * 4 + [0.09, 0.12, 0.15], nan_ok=True)
    assert sample_of(lake, "z", DAYS[:4]).held == 0
    assert sample_of(lake, "z", DAYS[:5]).held == 1
    assert found.unpriced == pytest.approx(4 / 7)


def test_what_was_earned_before_the_first_close_was_not_held(lake):
    spans = {"a": DAYS, "once": DAYS[2:]}
    assert read_samples(lake, STRATEGIES, spans)["once"].held == 0
    assert read_samples(lake, STRATEGIES, spans | {"once": DAYS[1:]})["once"].held == 1


def test_all_universes_count_for_a_strategy_that_names_none(lake):
    """A and B stand in two of them and count once."""
    found = sample_of(lake, "active")
    assert found.held == 4
    assert found.mean.iloc[4] == pytest.approx((0.05 + 0.01 + 0.09) / 3)
    assert found.unpriced == pytest.approx((1 + 7 + 4 + 4) / 35)


def test_the_funds_are_those_that_there_are(lake):
    assert sample_of(lake, "a").funds.to_dict("list") == {"SPY": RETURNS["SPY"]}


def test_without_a_book_nothing_is_read(tmp_path):
    assert read_samples(plain_lake(FileStore(tmp_path)), STRATEGIES, {}) == {}


def test_a_hole_is_said(lake):
    later = pd.DatetimeIndex(["2022-03-01", "2022-03-10"]).as_unit("us")
    with pytest.raises(HoleError, match="daily_returns: session 2022-03-10 is not in the lake"):
        sample_of(lake, "a", later)


@pytest.mark.parametrize("batch", [1, 2, 3, 6, 7])
def test_batches_are_the_same_bits(tmp_path, monkeypatch, batch):
    """Of tickers that come and go, beside a span that begins later.

    Those that come are the last by name: a new ticker is added last to the sums.
    """
    names = [f"T{place:03}" for place in range(150)]
    values = np.random.default_rng(5).normal(0, 0.02, (len(KEYS), len(names)))
    values[:3, 90:] = NAN
    values[4, ::7] = NAN
    lake = plain_lake(FileStore(tmp_path))
    returns = dict(zip(names, values.T.tolist(), strict=True))
    lake.write("daily_returns", frame_of(returns | {"SPY": values[:, 0].tolist()}), KEYS)
    lake.write("ticker_universe", members_of_each({"ab": names, "a": names[20:]}), KEYS)
    spans = {"ab": DAYS, "a": DAYS[2:], "active": DAYS}
    whole = read_samples(lake, STRATEGIES, spans)
    monkeypatch.setattr(market, "BATCH", batch)
    parts = read_samples(lake, STRATEGIES, spans)
    added = np.cumsum(np.nan_to_num(values), axis=1)[:, -1] / (~np.isnan(values)).sum(axis=1)
    assert parts["ab"].mean.iloc[1:].tolist() == added[1:].tolist(), "in the order of their names"
    for name in spans:
        one, other = whole[name], parts[name]
        pd.testing.assert_series_equal(one.mean, other.mean, check_exact=True)
        pd.testing.assert_frame_equal(one.funds, other.funds, check_exact=True)
        assert (one.held, one.unpriced) == (other.held, other.unpriced)
