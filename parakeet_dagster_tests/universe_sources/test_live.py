"""Live lists against a local server: believed, or not and why, and what is used instead."""

import logging
from datetime import UTC, datetime

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from parakeet_dagster.errors import UniverseError
from parakeet_dagster.universe_sources.base import LIST_COLUMNS, WARNING_COLUMNS
from parakeet_dagster.universe_sources.live import TABLES, LiveUniverses
from parakeet_dagster_tests.constituents_pages import (
    asx200_page,
    invented,
    iwm_holdings,
    nasdaq100_page,
    page,
    pairs,
    sp500_page,
)
from parakeet_dagster_tests.constituents_server import HANG, NOT_FOUND, RESET, Page
from parakeet_dagster_tests.universe_sources.conftest import HURRIED, NOW
from strategy.universes import MEMBER_COLUMNS

URLS = {key: table.url for key, table in TABLES.items()}
TODAY = "2026-11-23"
NOTHING = pd.DataFrame(columns=["universe", *MEMBER_COLUMNS], dtype="str")


def days(*texts):
    return pd.DatetimeIndex(texts).as_unit("us")


def stored(key, rows, market="XNYS"):
    """Rows of ``ticker_universe``, from (ticker, name)."""
    table = pd.DataFrame(rows, columns=["ticker", "name"]).assign(
        universe=key, market=market, currency="USD" if market == "XNYS" else "AUD"
    )
    return table.assign(asset_class="equity")[["universe", *MEMBER_COLUMNS]].astype("str")


def tickers(membership, key, day=TODAY):
    rows = membership.members
    return set(rows.loc[(rows["universe"] == key) & (rows["date"] == day), "ticker"])


def told(membership):
    rows = membership.lists.assign(
        date=membership.lists["date"].dt.strftime("%Y-%m-%d"),
        as_of=membership.lists["as_of"].dt.strftime("%Y-%m-%d"),
    )
    return list(rows[LIST_COLUMNS].itertuples(index=False, name=None))


def warning(membership, key):
    ((universe, message),) = membership.warnings.itertuples(index=False, name=None)
    assert universe == key
    assert "\n" not in message
    return message


# Good lists


def test_a_good_list(live, web, bundled):
    web.serve(URLS["NASDAQ100"], Page(nasdaq100_page(pairs(bundled.members("NASDAQ100")))))
    found = live.membership(["NASDAQ100"], days("2026-11-20", TODAY), NOTHING)
    assert found.warnings.empty
    assert found.warnings.columns.tolist() == WARNING_COLUMNS
    assert told(found) == [
        ("2026-11-20", "NASDAQ100", "en.wikipedia.org", TODAY, False),
        (TODAY, "NASDAQ100", "en.wikipedia.org", TODAY, False),
    ]
    of_day = found.members[found.members["date"] == TODAY][MEMBER_COLUMNS]
    assert_frame_equal(of_day.reset_index(drop=True), bundled.members("NASDAQ100"))
    assert len(found.members) == 2 * len(of_day)


def test_three_changed_members_are_believed(live, web, bundled):
    before = pairs(bundled.members("ASX200"))
    new = [("AAA.AX", "New A"), ("BBB.AX", "New B"), ("1AB.AX", "New C")]
    web.serve(URLS["ASX200"], Page(asx200_page([*before[3:], *new])))
    last = stored("ASX200", before, "XASX")
    found = live.membership(["ASX200"], days(TODAY), last)
    assert found.warnings.empty
    assert tickers(found, "ASX200") == {ticker for ticker, _ in [*before[3:], *new]}


def test_the_history_counts_as_far_as_it_goes_and_the_list_after_it(live, web, bundled):
    members = [*pairs(bundled.members("SPX500"))[1:], ("NEWCO", "New company")]
    web.serve(URLS["SPX500"], Page(sp500_page(members)))
    found = live.membership(["SPX500"], days("2026-07-13", "2026-07-14", TODAY), NOTHING)
    assert [row[2:] for row in told(found)] == [
        ("pitindex 0.2.1", "2026-07-13", True),
        ("en.wikipedia.org", TODAY, False),
        ("en.wikipedia.org", TODAY, False),
    ]
    joined, left = "NEWCO", bundled.members("SPX500")["ticker"].iloc[0]
    assert {joined, left} & tickers(found, "SPX500", "2026-07-13") == {left}
    assert {joined, left} & tickers(found, "SPX500", "2026-07-14") == {joined}
    assert "BRK-B" in tickers(found, "SPX500")


def test_a_history_that_covers_everything_asks_nobody(live, web):
    found = live.membership(["SPX500"], days("2020-01-02", "2026-07-13"), NOTHING)
    assert web.requests.total() == 0
    assert found.lists["point_in_time"].all()


def test_the_russell_2000_is_what_the_fund_holds(live, web):
    web.serve(
        URLS["RUSSELL2000"],
        Page(
            iwm_holdings([*invented(1950), ("MOGA", "MOOG INC CLASS A")], ("USD", "CASH", "Cash"))
        ),
    )
    found = live.membership(["RUSSELL2000"], days(TODAY), NOTHING)
    assert [row[2:] for row in told(found)] == [("www.ishares.com", TODAY, False)]
    assert tickers(found, "RUSSELL2000") == {name for name, _ in invented(1950)} | {"MOG-A"}


def test_what_has_no_public_table_is_as_bundled(live, web, bundled):
    keys = ["US_ETFS", "ASX_ETFS", "CORE_ETFS", "SAMPLE"]
    found = live.membership(keys, days(TODAY), NOTHING)
    expected = bundled.membership(keys, days(TODAY), NOTHING)
    assert_frame_equal(found.members, expected.members)
    assert_frame_equal(found.lists, expected.lists)
    assert web.requests.total() == 0


def test_the_screener_is_its_parts(live, web, bundled):
    web.serve(URLS["SPX500"], Page(sp500_page(pairs(bundled.members("SPX500")))))
    web.serve(URLS["ASX200"], NOT_FOUND)
    found = live.membership(["SCREENER", "ASX200"], days(TODAY), NOTHING)
    assert tickers(found, "SCREENER") == set(bundled.members("SCREENER")["ticker"])
    assert not found.members.duplicated(["date", "universe", "ticker"]).any()
    assert told(found)[1][1:3] == ("SCREENER", "en.wikipedia.org, reviewed list")
    assert found.warnings["universe"].tolist() == ["SCREENER", "ASX200"]
    assert found.warnings["message"].str.startswith("ASX200: ").all()


# Once a day


def test_one_request_a_key_and_day_whatever_becomes_of_it(web, bundled):
    clock = [NOW]
    live = LiveUniverses(bundled, now=lambda: clock[0], patience=HURRIED)
    web.serve(URLS["NASDAQ100"], Page(nasdaq100_page(pairs(bundled.members("NASDAQ100")))))
    for session in ("2026-11-19", "2026-11-20", TODAY):
        live.membership(["NASDAQ100", "ASX200"], days(session), NOTHING)
    live.members("NASDAQ100")
    assert web.requests == {URLS["NASDAQ100"]: 1, URLS["ASX200"]: 1}
    clock[0] = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
    live.members("NASDAQ100")
    assert web.requests[URLS["NASDAQ100"]] == 2


def test_who_asks_says_so(live, web):
    live.members("NASDAQ100")
    (agent,) = web.agents
    assert agent.startswith("parakeet/")


# Lists that are not believed

GOOD = invented(100)
LAST_GOOD = stored("NASDAQ100", GOOD)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (NOT_FOUND, "HTTP 404"),
        (Page("busy", 500), "HTTP 500"),
        (Page("busy", 429), "HTTP 429"),
        (HANG, "no answer within 0.5 seconds"),
        (RESET, "no answer ("),
        (Page(nasdaq100_page(GOOD), missing=1000), "no answer (ChunkedEncodingError)"),
        (Page(""), "the page has no table with a column Symbol"),
        (Page(page("<p>We are down for maintenance</p>")), "the page has no table with a column"),
        (Page(sp500_page(GOOD, symbol="Stock")), "the page has no table with a column Symbol"),
        (Page(nasdaq100_page(GOOD[:50])), "it has 50 members; 98 to 106 are expected"),
        (Page(nasdaq100_page(GOOD * 2)), "it has 200 members; 98 to 106 are expected"),
        (Page(nasdaq100_page([*GOOD[2:], GOOD[5], GOOD[6]])), "it has AAAF twice"),
        (
            Page(nasdaq100_page([(f"{symbol}.DE", name) for symbol, name in GOOD])),
            "100 of its 100 symbols are not of the right form, e.g. 'AAAA-DE'",
        ),
        (
            Page(nasdaq100_page(invented(100, start=80))),
            "it has 20% of its members in common with the last good list; at least 90% are",
        ),
        (Page(nasdaq100_page(invented(100, start=11))), "it has 89% of its members in common"),
    ],
)
def test_a_list_that_cannot_be_used(live, web, answer, reason):
    web.serve(URLS["NASDAQ100"], answer)
    found = live.membership(["NASDAQ100"], days(TODAY), LAST_GOOD)
    message = warning(found, "NASDAQ100")
    assert message.startswith(f"NASDAQ100: the list of en.wikipedia.org cannot be used: {reason}")
    assert message.endswith("; the last good list is used instead")
    assert tickers(found, "NASDAQ100") == {symbol for symbol, _ in GOOD}
    assert told(found) == [(TODAY, "NASDAQ100", "last good list", TODAY, False)]


def test_nobody_listens(live, web, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    found = live.membership(["NASDAQ100"], days(TODAY), LAST_GOOD)
    assert "cannot be used: no answer (" in warning(found, "NASDAQ100")


def test_what_may_pass_is_asked_again_and_what_will_not_is_not(live, web, bundled):
    good = Page(nasdaq100_page(pairs(bundled.members("NASDAQ100"))))
    web.serve(URLS["NASDAQ100"], Page("", 503), good)
    assert live.membership(["NASDAQ100"], days(TODAY), NOTHING).warnings.empty
    live.membership(["ASX200"], days(TODAY), NOTHING)
    assert web.requests == {URLS["NASDAQ100"]: 2, URLS["ASX200"]: 1}


# What is used instead


def test_without_a_last_good_list_the_bundled_one_is_used(live, web, bundled, caplog):
    with caplog.at_level(logging.WARNING):
        found = live.membership(["NASDAQ100"], days(TODAY), LAST_GOOD.assign(universe="OTHER"))
    assert warning(found, "NASDAQ100").endswith(
        "HTTP 404; the bundled list (pytickersymbols 1.17.10, 2026-04-17) is used instead"
    )
    assert tickers(found, "NASDAQ100") == set(bundled.members("NASDAQ100")["ticker"])
    assert told(found) == [(TODAY, "NASDAQ100", "pytickersymbols 1.17.10", "2026-04-17", False)]
    assert [record.getMessage() for record in caplog.records] == [warning(found, "NASDAQ100")]


def test_the_bundled_history_goes_on_where_the_live_list_cannot_be_used(live, web, bundled):
    found = live.membership(["SPX500"], days("2026-07-13", TODAY), NOTHING)
    assert "the bundled list (pitindex 0.2.1, 2026-07-13) is used" in warning(found, "SPX500")
    assert [row[2:] for row in told(found)] == [
        ("pitindex 0.2.1", "2026-07-13", True),
        ("pitindex 0.2.1", "2026-07-13", False),
    ]
    assert tickers(found, "SPX500") == set(bundled.members("SPX500")["ticker"])


@pytest.mark.parametrize(
    ("stored_on", "instead"), [("2010-01-04", "bundled list"), ("2026-11-20", "last good list")]
)
def test_what_is_stored_of_long_ago_is_not_the_last_good_list(live, web, stored_on, instead):
    """A back-fill of 2010 would else forbid the list of today, and be used in its place."""
    last = stored("SPX500", invented(500)).assign(date=days(stored_on)[0])
    assert f"the {instead}" in warning(live.membership(["SPX500"], days(TODAY), last), "SPX500")


def test_where_there_is_nothing_else_it_is_an_error(live, web):
    with pytest.raises(UniverseError) as caught:
        live.membership(["RUSSELL2000"], days(TODAY), NOTHING)
    assert str(caught.value) == (
        "PARAKEET_UNIVERSES=RUSSELL2000: the list of www.ishares.com cannot be used: HTTP 404; no"
        " good list of it is stored and none ships with Parakeet; try again later, or leave it out"
    )


def test_the_russell_2000_has_a_last_good_list_too(live, web):
    last = stored("RUSSELL2000", invented(1950))
    found = live.membership(["RUSSELL2000"], days(TODAY), last)
    assert warning(found, "RUSSELL2000").endswith("; the last good list is used instead")
    assert len(tickers(found, "RUSSELL2000")) == 1950


def test_a_bundled_list_may_be_older_than_the_last_good_one(live, web, bundled):
    """Three quarters in common are enough: else a package of last year would forbid every list."""
    known = pairs(bundled.members("NASDAQ100"))
    changed = [*known[20:], *invented(20)]
    web.serve(URLS["NASDAQ100"], Page(nasdaq100_page(changed)))
    for last in (NOTHING, stored("NASDAQ100", known)):
        found = live.membership(["NASDAQ100"], days(TODAY), last)
        assert found.warnings.empty
        assert tickers(found, "NASDAQ100") == {symbol for symbol, _ in changed}


def test_another_index_is_not_taken_for_the_bundled_one(live, web, bundled):
    web.serve(URLS["NASDAQ100"], Page(nasdaq100_page(GOOD)))
    found = live.membership(["NASDAQ100"], days(TODAY), NOTHING)
    assert "0% of its members in common with the bundled list" in warning(found, "NASDAQ100")


def test_a_screener_s_rows_are_the_last_good_lists_of_its_parts(live, web, bundled):
    american, australian = bundled.members("SPX500").iloc[5:], bundled.members("ASX200").iloc[5:]
    whole = pd.concat([american, australian, bundled.members("US_ETFS")])
    last = whole.assign(universe="SCREENER")
    found = live.membership(["SCREENER"], days(TODAY), last)
    assert tickers(found, "SCREENER") == set(whole["ticker"])
    assert found.warnings["message"].str.endswith("the last good list is used instead").all()
    assert len(found.warnings) == 2


def test_a_member_that_changed_its_symbol_since_keeps_its_place(live, web):
    last = stored("NASDAQ100", [("FB", "Facebook"), *GOOD[1:]])
    last = last.assign(date=days("2022-06-08")[0])
    found = live.membership(["NASDAQ100"], days(TODAY), last)
    assert {"FB", "META"} & tickers(found, "NASDAQ100") == {"META"}


# The members of today


def test_todays_members(live, web, bundled):
    web.serve(URLS["ASX200"], Page(asx200_page(pairs(bundled.members("ASX200")))))
    assert_frame_equal(live.members("ASX200"), bundled.members("ASX200"))
    assert_frame_equal(live.members("SAMPLE"), bundled.members("SAMPLE"))


def test_todays_members_from_the_bundled_list_are_a_warning_in_the_log(live, web, caplog):
    with caplog.at_level(logging.WARNING):
        live.members("ASX200")
    assert "ASX200: the list of en.wikipedia.org cannot be used: HTTP 404" in caplog.text
