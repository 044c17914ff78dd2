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


def broken(*rows):
    """Rows in quarantine, from (ticker, rule)."""
    frame = pd.DataFrame(rows, columns=["ticker", "rule"], dtype="str").assign(date=DAY)
    return frame.astype({"date": "datetime64[us]"})


NONE = broken()
NOTHING_ACCEPTED = pd.DataFrame({"date": [], "market": []}).astype(
    {"date": "datetime64[us]", "market": "str"}
)
NOBODY = frozenset()
BESIDE = (NOTHING_ACCEPTED, NOBODY, NOBODY)


def judged(
    member_tickers,
    listing,
    bar_tickers,
    markets=("XNYS", "XASX"),
    quarantined=NONE,
    silent=NOBODY,
    gone=NOBODY,
):
    open_on = pd.DataFrame({"date": DAY, "market": list(markets)})
    listed, got = members(member_tickers), bars(bar_tickers)
    table = coverage(listed, got, quarantined, listing, open_on, NOTHING_ACCEPTED, silent, gone)
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
    table = coverage(members({"XNYS": US}), bars(got), NONE, spans(got), open_on, *BESIDE)
    assert table["coverage"].tolist() == pytest.approx([share])
    assert table["blocked"].tolist() == [blocked]


@pytest.mark.parametrize(
    ("missing", "known", "expected"),
    [
        pytest.param(US[9:], spans(US[9:], last=LATER), (10, 1, 9, False), id="halted"),
        pytest.param(US[7:], spans(US[7:], last=LATER), (10, 0, 7, True), id="too many halted"),
        pytest.param(US[7:], spans(US[7:], last=EARLIER), (10, 0, 7, True), id="stopped for good"),
        pytest.param(US[7:], spans(US[7:], first=LATER), (7, 0, 7, False), id="not yet listed"),
        pytest.param(US[7:], spans([]), (10, 0, 7, True), id="failed"),
        pytest.param(US[1:], spans(US[1:], last=LATER), (10, 0, 1, True), id="all but one halted"),
        pytest.param(US, spans(US, last=LATER), (10, 0, 0, True), id="a silent market"),
        pytest.param(US, spans([]), (10, 0, 0, True), id="an outage"),
    ],
)
def test_who_is_expected_to_have_a_bar(missing, known, expected):
    got = [ticker for ticker in US if ticker not in missing]
    listing = pd.concat([spans(got), known])
    assert judged({"XNYS": US}, listing, got) == {"XNYS": expected}


@pytest.mark.parametrize(
    ("listed", "halted", "failed", "expected"),
    [
        (2, 1, 0, (2, 1, 1, False)),
        (3, 1, 0, (3, 1, 2, False)),
        (3, 2, 0, (3, 0, 1, True)),
        (4, 1, 0, (4, 1, 3, False)),
        (4, 2, 0, (4, 0, 2, True)),
        (5, 1, 0, (5, 1, 4, False)),
        (9, 2, 0, (9, 0, 7, True)),  # 2 are more than 20 % of 9
        (10, 2, 0, (10, 2, 8, False)),
        (10, 2, 1, (10, 2, 7, False)),  # 7 of the 8 that traded
        (10, 2, 2, (10, 2, 6, True)),  # 6 of the 8
        (10, 3, 0, (10, 0, 7, True)),
        (10, 9, 0, (10, 0, 1, True)),
        (15, 3, 0, (15, 3, 12, False)),
        (15, 3, 2, (15, 3, 10, False)),  # 10 of the 12 that traded
        (15, 4, 0, (15, 0, 11, True)),
    ],
)
def test_halts_are_exempt_up_to_one_ticker_or_a_fifth_of_the_market(
    listed, halted, failed, expected
):
    """Beyond that they are what a vendor's gap looks like the day after."""
    tickers = [f"U{place}" for place in range(listed)]
    got = tickers[halted + failed :]
    listing = pd.concat([spans(got), spans(tickers[:halted], last=LATER)])
    assert judged({"XNYS": tickers}, listing, got) == {"XNYS": expected}


@pytest.mark.parametrize(
    "rule", ["price", "order", "volume", "duplicate", "move", "x100", "rebased"]
)
@pytest.mark.parametrize(
    ("refused", "silent", "expected"),
    [
        (1, 0, (10, 1, 9, False)),
        (2, 0, (10, 2, 8, False)),
        (3, 0, (10, 0, 7, True)),
        (1, 1, (10, 2, 8, False)),
        (2, 1, (10, 0, 7, True)),
        (0, 2, (10, 2, 8, False)),
        (0, 3, (10, 0, 7, True)),
        (10, 0, (10, 0, 0, True)),
    ],
)
def test_bars_in_quarantine_and_silent_tickers_are_tolerated_like_halts(
    rule, refused, silent, expected
):
    """Together: one, or a fifth of the market. A market that came x100 as a whole is blocked."""
    got = US[refused + silent :]
    quarantined = broken(*[(ticker, rule) for ticker in US[:refused]])
    known = spans([*US[:refused], *got])
    quiet = frozenset(US[refused : refused + silent])
    found = judged({"XNYS": US}, known, got, quarantined=quarantined, silent=quiet)
    assert found == {"XNYS": expected}


def test_a_second_row_in_quarantine_does_not_unseat_a_sound_bar():
    found = judged({"XNYS": US}, spans(US), US, quarantined=broken(("U0", "duplicate")))
    assert found == {"XNYS": (10, 0, 10, False)}


def test_a_ticker_that_is_gone_is_not_expected_until_it_has_a_bar():
    gone = frozenset(US[5:])
    assert judged({"XNYS": US}, spans(US[:5]), US[:5], gone=gone) == {"XNYS": (5, 0, 5, False)}
    assert judged({"XNYS": US}, spans(US[:6]), US[:6], gone=gone) == {"XNYS": (6, 0, 6, False)}
    assert judged({"XNYS": US}, spans([]), [], gone=frozenset(US)) == {}


def test_what_was_accepted_by_hand_is_never_blocked_and_shows():
    both = pd.concat([members({"XNYS": US, "XASX": ["BHP.AX"]}, day) for day in (DAY, LATER)])
    rows = [(day, market) for day in (DAY, LATER) for market in ("XNYS", "XASX")]
    open_on = pd.DataFrame(rows, columns=["date", "market"])
    accepted = pd.DataFrame({"date": [DAY, LATER, EARLIER], "market": ["XNYS", "XASX", "XNYS"]})
    got = pd.concat([bars(US[:3], DAY), bars(["BHP.AX"], DAY), bars(US, LATER)])
    table = coverage(both, got, NONE, spans(US), open_on, accepted, NOBODY, NOBODY)
    shown = table[["date", "market", "bars", "blocked", "accepted"]]
    assert shown.values.tolist() == [
        [DAY, "XASX", 1, False, False],
        [DAY, "XNYS", 3, False, True],
        [LATER, "XASX", 0, False, True],
        [LATER, "XNYS", 10, False, False],
    ]


def test_a_session_without_anything_is_not_blocked_where_it_was_accepted():
    """Nor one whose dividend is impossible; the other market stays blocked."""
    both = members({"XNYS": US, "XASX": ["BHP.AX", "CBA.AX"]})
    open_on = pd.DataFrame({"date": DAY, "market": ["XNYS", "XASX"]})
    accepted = open_on[:1]
    table = coverage(
        both, bars([]), broken(("U0", "action")), spans([]), open_on, accepted, NOBODY, NOBODY
    )
    assert table[["market", "blocked", "accepted"]].values.tolist() == [
        ["XASX", True, False],
        ["XNYS", False, True],
    ]


def test_an_impossible_action_blocks_its_market_and_no_other():
    tickers = {"XNYS": US, "XASX": ["BHP.AX", "CBA.AX"]}
    listing = spans([*US, "BHP.AX", "CBA.AX"])
    got = [*US[1:], "BHP.AX", "CBA.AX"]
    assert judged(tickers, listing, got, quarantined=broken(("U0", "action"))) == {
        "XASX": (2, 0, 2, False),
        "XNYS": (10, 0, 9, True),
    }


def test_an_impossible_action_blocks_only_its_own_session():
    both = pd.concat([members({"XNYS": US}, day) for day in (DAY, LATER)])
    open_on = pd.DataFrame({"date": [DAY, LATER], "market": "XNYS"})
    got = pd.concat([bars(US[1:], DAY), bars(US, LATER)])
    listing = spans(US, last=LATER)
    table = coverage(both, got, broken(("U0", "action")), listing, open_on, *BESIDE)
    assert table["blocked"].tolist() == [True, False]


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
    table = coverage(both, got, NONE, spans(US, last=LATER), open_on, *BESIDE)
    assert table["bars"].tolist() == [10, 5]
    assert table["blocked"].tolist() == [False, True]


def test_a_member_of_two_universes_counts_once():
    open_on = pd.DataFrame({"date": [DAY], "market": ["XNYS"]})
    twice = pd.concat([members({"XNYS": US})] * 2)
    table = coverage(twice, bars(US[:8]), NONE, spans(US[:8]), open_on, *BESIDE)
    assert table[["listed", "bars"]].values.tolist() == [[10, 8]]
