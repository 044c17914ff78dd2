"""Total returns: worked by hand, then against a holder who sells nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from parakeet_dagster_tests.strategy.frames import (
    bars,
    covered_throughout,
    days,
    rates,
    weekdays,
)
from strategy.errors import StrategyError
from strategy.returns import COLUMNS, bar_returns, total_returns

NO_BAR = np.nan
FLAT = {f"2022-03-{day:02}": 1.25 for day in range(1, 12)}
EMPTY = pd.DataFrame(columns=COLUMNS)
NOTHING = total_returns(bars([]), rates(FLAT), EMPTY, bars([]), days("2022-03-01"))


def returns(raw, fx, sessions, carried=NOTHING, covered=None):
    if covered is None:
        covered = covered_throughout(sessions, raw, carried)
    return total_returns(raw, fx, carried, covered, sessions)


def column(panel, ticker, field):
    return panel.loc[panel["ticker"] == ticker, field].tolist()


def test_apple_in_2020_as_in_the_field_notes():
    """A naive series shows -74.15 % on the day of the 4:1 split."""
    prices = bars(
        [
            ("2020-08-06", "AAPL", 455.61, 0.0, 1.0),
            ("2020-08-07", "AAPL", 444.45, 0.82, 1.0),
            ("2020-08-28", "AAPL", 499.23, 0.0, 1.0),
            ("2020-08-31", "AAPL", 129.04, 0.0, 4.0),
        ]
    )
    first, ex_dividend, _, split = bar_returns(prices)
    assert np.isnan(first)
    assert ex_dividend == pytest.approx(-0.022695, abs=5e-7)
    assert split == pytest.approx(0.033912, abs=5e-7)


@pytest.mark.parametrize(
    ("after_a_close_of_100", "expected"),
    [
        ([(101.0, 0.0, 1.0)], 0.01),
        ([(99.0, 2.0, 1.0)], 0.01),
        ([(51.0, 0.0, 2.0)], 0.02),
        ([(1010.0, 0.0, 0.1)], 0.01),
        # the dividend is per share held before that day's split: 2 x 50 + 1
        ([(50.0, 1.0, 2.0)], 0.01),
        # inside a halt, split first: the two new shares earn 0.5 each
        ([(NO_BAR, 0.0, 2.0), (NO_BAR, 0.5, 1.0), (50.5, 0.0, 1.0)], 0.02),
        # inside a halt, dividend first: only the one old share earns it
        ([(NO_BAR, 0.5, 1.0), (NO_BAR, 0.0, 2.0), (50.5, 0.0, 1.0)], 0.015),
        # on one day inside a halt: 0.5 for the one share held before the split
        ([(NO_BAR, 0.5, 2.0), (50.5, 0.0, 1.0)], 0.015),
        # more of both on the day trading resumes: 6 x 17 + 2 x 1
        ([(NO_BAR, 0.0, 2.0), (17.0, 1.0, 3.0)], 0.04),
    ],
)
def test_a_return_counts_every_action_since_the_last_bar(after_a_close_of_100, expected):
    later = [
        (f"2022-03-{day:02}", "A", *row) for day, row in enumerate(after_a_close_of_100, start=2)
    ]
    prices = bars([("2022-03-01", "A", 100.0, 0.0, 1.0), *later])
    found = bar_returns(prices)
    assert found.iloc[-1] == pytest.approx(expected, rel=1e-12)
    assert found.iloc[:-1].isna().all()


def test_an_action_counts_once_and_for_its_own_ticker():
    prices = bars(
        [
            ("2022-03-01", "A", 100.0, 0.0, 1.0),
            ("2022-03-02", "A", 50.0, 0.0, 2.0),
            ("2022-03-03", "A", 55.0, 0.0, 1.0),
            ("2022-03-01", "B", 10.0, 0.0, 1.0),
            ("2022-03-03", "B", 11.0, 0.0, 1.0),
        ]
    )
    assert bar_returns(prices).tolist() == pytest.approx(
        [np.nan, 0.0, 0.1, np.nan, 0.1], nan_ok=True
    )


def test_the_panel_of_two_markets_over_a_holiday_by_hand():
    """On 2022-04-25 (Anzac Day) the ASX is closed: its ticker stays in the panel, untraded."""
    sessions = days("2022-04-22", "2022-04-25", "2022-04-26")
    raw = pd.concat(
        [
            bars(
                [
                    ("2022-04-22", "SPY", 100.0, 0.0, 1.0),
                    ("2022-04-25", "SPY", 110.0, 0.0, 1.0),
                    ("2022-04-26", "SPY", 110.0, 0.0, 1.0),
                ]
            ),
            bars(
                [
                    ("2022-04-22", "VAS.AX", 90.0, 0.0, 1.0),
                    ("2022-04-26", "VAS.AX", 99.0, 0.0, 1.0),
                ],
                market="XASX",
                currency="AUD",
            ),
        ]
    )
    fx = rates({"2022-04-22": 1.25, "2022-04-25": 1.5, "2022-04-26": 1.2})
    panel = returns(raw, fx, sessions)
    assert panel.columns.tolist() == COLUMNS
    assert panel["ticker"].tolist() == ["SPY", "VAS.AX"] * 3
    assert panel["date"].tolist() == [day for day in sessions for _ in range(2)]
    assert column(panel, "SPY", "return_local") == pytest.approx([np.nan, 0.1, 0.0], nan_ok=True)
    # 1.1 x 1.5 / 1.25 - 1, then 1.2 / 1.5 - 1
    assert column(panel, "SPY", "return_aud") == pytest.approx([np.nan, 0.32, -0.2], nan_ok=True)
    assert column(panel, "SPY", "value_traded_aud") == pytest.approx([12500.0, 16500.0, 13200.0])
    assert column(panel, "VAS.AX", "traded") == [True, False, True]
    assert column(panel, "VAS.AX", "close") == [90.0, 90.0, 99.0]
    assert column(panel, "VAS.AX", "return_local") == pytest.approx([np.nan, 0.0, 0.1], nan_ok=True)
    assert column(panel, "VAS.AX", "return_aud") == pytest.approx([np.nan, 0.0, 0.1], nan_ok=True)
    assert column(panel, "VAS.AX", "value_traded_aud") == [9000.0, 0.0, 9900.0]
    assert column(panel, "VAS.AX", "currency") == ["AUD"] * 3


def test_a_foreign_ticker_that_does_not_trade_earns_its_currency():
    sessions = days("2022-03-01", "2022-03-02", "2022-03-03")
    raw = bars([("2022-03-01", "A", 10.0, 0.0, 1.0), ("2022-03-03", "A", 11.0, 0.0, 1.0)])
    panel = returns(raw, rates({"2022-03-01": 1.0, "2022-03-02": 1.5, "2022-03-03": 1.2}), sessions)
    assert panel["return_local"].tolist() == pytest.approx([np.nan, 0.0, 0.1], nan_ok=True)
    # 1.5 / 1 - 1, then 1.1 x 1.2 / 1.5 - 1
    assert panel["return_aud"].tolist() == pytest.approx([np.nan, 0.5, -0.12], nan_ok=True)


def test_bars_inside_the_day_are_kept_as_ratios_to_the_close():
    sessions = days("2022-03-01", "2022-03-02")
    raw = bars([("2022-03-01", "A", 10.0, 0.0, 1.0)]).assign(open=9.0, high=12.0, low=8.0)
    panel = returns(raw, rates(FLAT), sessions)
    assert panel["open_ratio"].tolist() == [0.9, 1.0]
    assert panel["high_ratio"].tolist() == [1.2, 1.0]
    assert panel["low_ratio"].tolist() == [0.8, 1.0]


def test_a_new_listing_starts_on_its_first_bar_and_moves_nobody_else():
    sessions = days("2022-03-01", "2022-03-02", "2022-03-03")
    old = bars(
        [(day, "B", close, 0.0, 1.0) for day, close in zip(sessions, (10, 11, 12), strict=True)]
    )
    new = bars([("2022-03-02", "A", 5.0, 0.0, 1.0), ("2022-03-03", "A", 6.0, 0.0, 1.0)])
    panel = returns(pd.concat([old, new]), rates(FLAT), sessions)
    assert panel["ticker"].tolist() == ["B", "A", "B", "A", "B"]
    assert column(panel, "A", "return_local") == pytest.approx([np.nan, 0.2], nan_ok=True)
    of_old = panel[panel["ticker"] == "B"].reset_index(drop=True)
    assert_frame_equal(of_old, returns(old, rates(FLAT), sessions))


def test_a_ticker_with_an_action_but_no_bar_yet_is_not_covered():
    raw = bars([("2022-03-01", "A", NO_BAR, 0.1, 1.0), ("2022-03-01", "B", 10.0, 0.0, 1.0)])
    assert returns(raw, rates(FLAT), days("2022-03-01"))["ticker"].tolist() == ["B"]


def test_a_ticker_that_is_no_longer_covered_has_no_row():
    sessions = days("2022-03-01", "2022-03-02", "2022-03-03")
    raw = bars([(day, ticker, 10.0, 0.0, 1.0) for day in sessions for ticker in "AB"])
    covered = covered_throughout(sessions, raw).drop([3, 5])
    panel = returns(raw, rates(FLAT), sessions, covered=covered)
    assert column(panel, "A", "date") == sessions.tolist()
    assert column(panel, "B", "date") == [sessions[0]]


@pytest.mark.parametrize("trades_at_once", [True, False])
def test_a_ticker_that_is_covered_again_starts_anew(trades_at_once):
    """Covered on the first two sessions, and from the fourth to the seventh."""
    sessions = pd.bdate_range("2022-03-01", periods=7).as_unit("us")
    closes = [10.0, 11.0, 12.0, 13.0, 14.3, 14.3, 28.6]
    rows = [(day, "A", close, 0.0, 1.0) for day, close in zip(sessions, closes, strict=True)]
    raw = bars([row for row in rows if trades_at_once or row[0] != sessions[3]])
    covered = covered_throughout(sessions, raw).drop(2)
    whole = returns(raw, rates(FLAT), sessions, covered=covered)

    since = 3 if trades_at_once else 4
    expected = [*sessions[:2], *sessions[since:]]
    assert column(whole, "A", "date") == expected
    earned = [np.nan, 0.1, np.nan, 0.1, 0.0, 1.0]
    assert column(whole, "A", "return_local") == pytest.approx(
        earned if trades_at_once else [*earned[:3], *earned[4:]], nan_ok=True
    )

    carried, parts = NOTHING, []
    for session in sessions:
        of_day = covered[covered["date"] == session]
        carried = returns(
            raw[raw["date"] == session], rates(FLAT), pd.DatetimeIndex([session]), carried, of_day
        )
        parts.append(carried)
    assert_frame_equal(pd.concat(parts, ignore_index=True), whole, check_dtype=False)


def test_a_session_without_a_bar_carries_every_ticker():
    before = returns(bars([("2022-03-01", "A", 10.0, 0.0, 1.0)]), rates(FLAT), days("2022-03-01"))
    panel = returns(bars([]), rates(FLAT), days("2022-03-02"), before)
    assert panel[["ticker", "close", "traded", "return_local", "return_aud"]].values.tolist() == [
        ["A", 10.0, False, 0.0, 0.0]
    ]


def test_history_without_a_bar_is_an_empty_panel():
    panel = returns(bars([]), rates(FLAT), days("2022-03-01"))
    assert panel.empty
    assert panel.columns.tolist() == COLUMNS


def test_a_session_without_a_rate_is_refused():
    raw = bars([("2022-03-01", "A", 10.0, 0.0, 1.0), ("2022-03-02", "A", 10.0, 0.0, 1.0)])
    with pytest.raises(StrategyError) as caught:
        returns(raw, rates({"2022-03-01": 1.25}), days("2022-03-01", "2022-03-02"))
    assert str(caught.value) == (
        "no exchange rate of USD on 2022-03-02: materialise fx_rates of 2022-03-02 again"
    )


def test_a_return_needs_the_rate_of_the_session_before():
    before = returns(bars([("2022-03-01", "A", 10.0, 0.0, 1.0)]), rates(FLAT), days("2022-03-01"))
    raw = bars([("2022-03-02", "A", 10.0, 0.0, 1.0)])
    with pytest.raises(StrategyError) as caught:
        returns(raw, rates({"2022-03-02": 1.25}), days("2022-03-02"), before)
    assert str(caught.value) == (
        "no exchange rate of USD on the session before 2022-03-02:"
        " materialise fx_rates of 2022-03-02 again"
    )


def test_a_first_bar_needs_no_rate_of_the_session_before():
    sessions = days("2022-03-01", "2022-03-02")
    raw = bars([("2022-03-02", "A", 10.0, 0.0, 1.0)])
    fx = rates({"2022-03-01": 1.25, "2022-03-02": 1.5}).assign(aud_per_unit_before=np.nan)
    panel = returns(raw, fx, sessions)
    assert panel[["ticker", "value_traded_aud"]].values.tolist() == [["A", 1500.0]]
    assert panel[["return_local", "return_aud"]].isna().all(axis=None)


def test_a_change_of_source_between_two_sessions_enters_no_return():
    """The second source puts the first day 25 % higher: its own rates give 1.5 / 1.25 - 1."""
    sessions = days("2022-03-01", "2022-03-02")
    raw = bars([(day, "A", 10.0, 0.0, 1.0) for day in sessions])
    second = rates({"2022-03-01": 1.25, "2022-03-02": 1.5})
    fx = pd.concat([rates({"2022-03-01": 1.0}), second[second["date"] == sessions[1]]])
    expected = pytest.approx([np.nan, 0.2], nan_ok=True)
    assert returns(raw, fx, sessions)["return_aud"].tolist() == expected


def test_two_rates_of_one_day_are_never_averaged():
    raw = bars([("2022-03-01", "A", 10.0, 0.0, 1.0)])
    twice = pd.concat([rates({"2022-03-01": 1.25}), rates({"2022-03-01": 1.5})])
    with pytest.raises(ValueError, match="duplicate"):
        returns(raw, twice, days("2022-03-01"))


ROWS = st.lists(
    st.tuples(
        st.one_of(st.just(NO_BAR), st.integers(1_000, 900_000).map(lambda mills: mills / 1000)),
        st.sampled_from([0.0, 0.0, 0.25, 1.5]),
        st.sampled_from([1.0, 1.0, 2.0, 0.1, 1.5]),
    ),
    min_size=2,
    max_size=12,
)


def value_of_a_holder(rows):
    """One share held from the first bar; what dividends pay buys more at the next close."""
    shares, cash, started, value = 1.0, 0.0, False, []
    for close, dividend, split in rows:
        if started:
            cash += shares * dividend
            shares *= split
        if not np.isnan(close):
            shares, cash = (shares + cash / close, 0.0) if started else (1.0, 0.0)
            started = True
            value.append(shares * close)
    return value


@given(ROWS)
def test_returns_compound_to_the_wealth_of_a_holder(rows):
    sessions = weekdays("2022-03-01", len(rows))
    prices = bars([(day, "A", *row) for day, row in zip(sessions, rows, strict=True)])
    found = bar_returns(prices)[prices["close"].notna()]
    wealth = value_of_a_holder(rows)
    grown = (1 + found.iloc[1:]).cumprod()
    assert grown.tolist() == pytest.approx([value / wealth[0] for value in wealth[1:]], rel=1e-9)


@given(ROWS, st.lists(st.floats(1.0, 2.0), min_size=12, max_size=12))
def test_the_panel_s_product_is_the_holder_s_wealth_in_aud(rows, usd):
    """Over untraded sessions too: the currency is earned every day, the price when it trades."""
    sessions = weekdays("2022-03-01", len(rows))
    rows = [(10.0, 0.0, 1.0), *rows[1:-1], (20.0, 0.0, 1.0)]
    raw = bars([(day, "A", *row) for day, row in zip(sessions, rows, strict=True)])
    fx = rates({f"{day:%Y-%m-%d}": rate for day, rate in zip(sessions, usd, strict=False)})
    panel = returns(raw, fx, sessions)
    wealth = value_of_a_holder(rows)
    grown = np.prod(1 + panel["return_aud"].to_numpy()[1:])
    expected = wealth[-1] / wealth[0] * usd[len(rows) - 1] / usd[0]
    assert grown == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_changes_nothing(seed):
    sessions = weekdays("2022-03-01", 5)
    raw = bars(
        [
            (day, ticker, 10.0 + place, 0.1 * place, 1.0)
            for place, day in enumerate(sessions)
            for ticker in ("A", "B", "C")
        ]
    )
    fx = rates(FLAT)
    expected = returns(raw, fx, sessions)
    shuffled = returns(
        raw.sample(frac=1, random_state=seed), fx.sample(frac=1, random_state=seed), sessions
    )
    assert_frame_equal(shuffled, expected, check_exact=True)
