"""Whether a market's data is complete enough: one session of two markets, by hand."""

import pandas as pd
import pytest

from strategy.coverage import COLUMNS, coverage

DAY, LATER, EARLIER = (pd.Timestamp(f"2022-03-{day:02}") for day in (15, 16, 14))
US = [f"U{place}" for place in range(10)]


def members(by_market, day=DAY):
    rows = [(day, ticker, market) for market, tickers in by_market.items() for ticker in tickers]
    return pd.DataFrame(rows, columns=["date", "ticker", "market"])


def spans(tickers, first=EARLIER, last=DAY):
    return pd.DataFrame({"first_bar": first, "last_bar": last}, index=pd.Index(tickers))


def bars(tickers, day=DAY):
    return pd.DataFrame({"date": pd.Series([day] * len(tickers), dtype="datetime64[us]"),
                         "ticker": pd.Series(tickers, dtype="str")})  # fmt: skip


def judged(member_tickers, listing, bar_tickers, markets=("XNYS", "XASX")):
    open_on = pd.DataFrame({"date": DAY, "market": list(markets)})
    table = coverage(members(member_tickers), bars(bar_tickers), listing, open_on)
    assert table.columns.tolist() == COLUMNS
    return {
        row["market"]: (row["listed"], row["did_not_trade"], row["bars"], row["blocked"])
        for row in table.to_dict("records")
    }


@pytest.mark.parametrize(
    ("arrived", "share", "blocked"), [(10, 1.0, False), (8, 0.8, False), (7, 0.7, True)]
)
def test_a_market_below_80_percent_is_blocked(arrived, share, blocked):
    """Those that did not come failed: the source knows nothing of them."""
    open_on = pd.DataFrame({"date": [DAY], "market": ["XNYS"]})
    got = US[:arrived]
    table = coverage(members({"XNYS": US}), bars(got), spans(got), open_on)
    assert table["coverage"].tolist() == pytest.approx([share])
    assert table["blocked"].tolist() == [blocked]


@pytest.mark.parametrize(
    ("missing", "known", "expected"),
    [
        pytest.param(US[7:], spans(US[7:], last=LATER), (10, 3, 7, False), id="halted"),
        pytest.param(US[7:], spans(US[7:], last=EARLIER), (10, 0, 7, True), id="stopped for good"),
        pytest.param(US[7:], spans(US[7:], first=LATER), (7, 0, 7, False), id="not yet listed"),
        pytest.param(US[7:], spans([]), (10, 0, 7, True), id="failed"),
        pytest.param(US[1:], spans(US[1:], last=LATER), (10, 9, 1, False), id="all but one halted"),
        pytest.param(US, spans(US, last=LATER), (10, 10, 0, True), id="a silent market"),
        pytest.param(US, spans([]), (10, 0, 0, True), id="an outage"),
    ],
)
def test_who_is_expected_to_have_a_bar(missing, known, expected):
    got = [ticker for ticker in US if ticker not in missing]
    listing = pd.concat([spans(got), known])
    assert judged({"XNYS": US}, listing, got) == {"XNYS": expected}


def test_nobody_listed_is_no_row():
    assert judged({"XNYS": US}, spans(US, first=LATER), []) == {}


def test_each_market_is_judged_by_itself():
    tickers = {"XNYS": US, "XASX": ["BHP.AX", "CBA.AX"]}
    assert judged(tickers, spans([*US, "BHP.AX"]), [*US, "BHP.AX"]) == {
        "XASX": (2, 0, 1, True),
        "XNYS": (10, 0, 10, False),
    }


def test_a_closed_market_is_not_judged():
    tickers = {"XNYS": US, "XASX": ["BHP.AX"]}
    assert judged(tickers, spans(US), US, markets=["XNYS"]) == {"XNYS": (10, 0, 10, False)}


def test_a_market_of_one_halted_ticker_blocks_only_a_session_without_any_bar():
    """One ticker may halt; a session without any bar may be an outage."""
    tickers = {"XNYS": US, "XASX": ["BHP.AX"]}
    listing = pd.concat([spans(US), spans(["BHP.AX"], last=LATER)])
    assert judged(tickers, listing, US)["XASX"] == (1, 1, 0, False)
    assert judged({"XASX": ["BHP.AX"]}, listing, [])["XASX"] == (1, 1, 0, True)


def test_sessions_are_judged_by_themselves():
    both = pd.concat([members({"XNYS": US}, day) for day in (DAY, LATER)])
    open_on = pd.DataFrame({"date": [DAY, LATER], "market": "XNYS"})
    got = pd.concat([bars(US, DAY), bars(US[:5], LATER)])
    table = coverage(both, got, spans(US, last=LATER), open_on)
    assert table["bars"].tolist() == [10, 5]
    assert table["blocked"].tolist() == [False, True]


def test_a_member_of_two_universes_counts_once():
    open_on = pd.DataFrame({"date": [DAY], "market": ["XNYS"]})
    twice = pd.concat([members({"XNYS": US})] * 2)
    table = coverage(twice, bars(US[:8]), spans(US[:8]), open_on)
    assert table[["listed", "bars"]].values.tolist() == [[10, 8]]
