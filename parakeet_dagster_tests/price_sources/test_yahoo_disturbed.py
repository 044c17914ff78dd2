"""A bad day: everything goes wrong now and then, and the answer is exact all the same."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster_tests.price_sources.asking import (
    FIRST,
    HURRIED,
    LAST,
    LISTED,
    PRICES,
    members,
    new_source,
    reasons,
)
from parakeet_dagster_tests.yahoo_server import Fault, Listed, invented_bars, sessions_of

FEW_DAYS = sessions_of("XNYS", "2020-10-01", "2020-10-30")
ONCE_IN_FIFTY = dict.fromkeys(
    [Fault.SERVER_ERROR, Fault.RESET, Fault.TRUNCATED, Fault.HTML, Fault.HANG], 0.02
)
LIVE = [f"LIVE{number}" for number in range(280)]
DEAD = [f"DEAD{number}" for number in range(20)]


TEMPO = 2
"""How much faster than real seconds those of the rates pass."""


def small_company(number):
    """A month of bars in whole cents, other ones for every number."""
    return Listed(invented_bars(FEW_DAYS, first_close=20.0 + number, volume=1000 * number))


def traded(companies):
    """What was listed, as a fetch must return it."""
    frames = [listed.bars.assign(ticker=ticker) for ticker, listed in companies.items()]
    rows = pd.concat(frames).rename_axis("date").reset_index()
    return rows.sort_values(["ticker", "date"], ignore_index=True)


def test_three_hundred_tickers_come_exactly_through_faults_and_a_limit(yahoo, cache_dir):
    """280 live and 20 dead; 2 % each of five faults; 429 above 20/s while we may ask for 50.

    Whether the limit is ever reached depends on the machine; the next test does not.
    """
    companies = {ticker: small_company(number) for number, ticker in enumerate(LIVE)}
    yahoo.listed = dict(companies)
    yahoo.disturb(ONCE_IN_FIFTY, seed=1)
    yahoo.limit(20, seconds=1.0 / TEMPO)
    patience = replace(HURRIED, timeout=1.5, cool_down=1.0 / TEMPO, longest_cool_down=1.0)
    source = new_source(yahoo, cache_dir, requests_per_second=50.0 * TEMPO, patience=patience)
    tickers = np.random.default_rng(0).permutation([*LIVE, *DEAD]).tolist()
    answer = source.fetch(members(*tickers), date(2020, 10, 1), LAST)
    assert reasons(answer) == dict.fromkeys(DEAD, "DELISTED")
    expected = traded(companies)
    assert answer.bars["ticker"].tolist() == expected["ticker"].tolist()
    assert answer.bars["date"].tolist() == expected["date"].tolist()
    for column in [*PRICES, "volume"]:
        assert answer.bars[column].tolist() == expected[column].tolist()
    assert set(answer.bars["dividend"]) == {0.0}
    assert set(answer.bars["split_ratio"]) == {1.0}
    assert answer.listing.index.tolist() == sorted(LIVE)
    assert answer.strays.empty
    assert sum(yahoo.requests[ticker] for ticker in tickers) <= 1.5 * len(tickers)


def test_a_limit_of_the_rate_costs_time_and_no_ticker(yahoo, cache_dir):
    companies = {ticker: small_company(number) for number, ticker in enumerate(LIVE[:24])}
    yahoo.listed = dict(companies)
    yahoo.limit(4, seconds=0.2)
    patience = replace(HURRIED, cool_down=0.2, longest_cool_down=0.4)
    source = new_source(yahoo, cache_dir, patience=patience)
    answer = source.fetch(members(*companies), date(2020, 10, 1), LAST)
    assert answer.failures == ()
    assert answer.bars["close"].tolist() == traded(companies)["close"].tolist()
    assert yahoo.refused > 0


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.SERVER_ERROR, Fault.UNAUTHORIZED])
def test_without_a_way_to_yahoo_most_tickers_are_not_even_asked_for(yahoo, cache_dir, fault):
    """With all retries of 200 tickers it would take a thousand requests."""
    tickers = LIVE[:200]
    for ticker in tickers:
        yahoo.fail(ticker, fault)
    answer = new_source(yahoo, cache_dir).fetch(members(*tickers), FIRST, LAST)
    assert reasons(answer) == dict.fromkeys(sorted(tickers), "NETWORK")
    not_asked = [failure for failure in answer.failures if "not asked: " in failure.message]
    assert len(not_asked) > 150
    assert sum(yahoo.requests.values()) < 150


def test_nobody_home_at_all(yahoo, cache_dir, monkeypatch):
    """A proxy that refuses every connection."""
    source = new_source(yahoo, cache_dir)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    answer = source.fetch(members(*LIVE[:100]), FIRST, LAST)
    assert reasons(answer) == dict.fromkeys(sorted(LIVE[:100]), "NETWORK")
    assert sum("not asked: " in failure.message for failure in answer.failures) > 80
    assert sum(yahoo.requests.values()) == 0


def test_a_new_batch_asks_again_after_an_outage(yahoo, cache_dir):
    source = new_source(yahoo, cache_dir)
    tickers = LIVE[:60]
    yahoo.listed = dict.fromkeys(tickers, LISTED["FUND"])
    yahoo.disturb({Fault.SERVER_ERROR: 1.0})
    assert set(reasons(source.fetch(members(*tickers), FIRST, LAST)).values()) == {"NETWORK"}
    yahoo.disturb({})
    assert source.fetch(members(*tickers), FIRST, LAST).failures == ()
