"""From Yahoo to an allocation, in processes of their own: the commands a user types.

The real yfinance talks to a local server that speaks Yahoo's protocol, by environment alone.
"""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from parakeet_dagster import sessions as calendar
from parakeet_dagster.places import open_lake
from parakeet_dagster_tests.graph import bytes_of
from parakeet_dagster_tests.yahoo_server import (
    Listed,
    YahooServer,
    an_australian_share,
    apple_in_2020,
    currency_pair,
    halted_with_a_split,
    invented_bars,
    sessions_of,
)

FIRST, LAST = "2020-06-22", "2020-09-11"

AUDUSD = currency_pair(
    pd.Series(0.7, index=pd.bdate_range("2020-06-01", "2020-10-30", name="date"))
)

LISTED: dict[str, Listed] = {
    "AAPL": apple_in_2020(),
    "HALT": halted_with_a_split(),
    "BHP.AX": an_australian_share(),
    **{
        ticker: Listed(
            invented_bars(
                sessions_of("XNYS", "2020-06-01", "2020-10-30"), first_close=close, volume=1_000_000
            )
        )
        for ticker, close in (("CALM", 80.0), ("EVEN", 20.0), ("MILD", 35.5))
    },
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory, postgres_server):
    """A server, a universe file, and the variables of a user who fetches from Yahoo."""
    folder = tmp_path_factory.mktemp("yahoo")
    rows = [
        f"{ticker},{ticker},{listed.market},{'AUD' if ticker.endswith('.AX') else 'USD'},equity"
        for ticker, listed in [*LISTED.items(), ("DEAD", LISTED["CALM"])]
    ]
    universe = folder / "mine.csv"
    universe.write_text("\n".join(["ticker,name,market,currency,asset_class", *rows]))
    with YahooServer(
        {**LISTED, "AUDUSD=X": AUDUSD}, now=pd.Timestamp("2020-10-30 23:00", tz="UTC")
    ) as server:
        yield (
            folder,
            {
                **server.environment(),
                "PATH": os.defpath,
                "HOME": str(folder),
                "NEON_DATABASE_URL": postgres_server.start(),
                "PARAKEET_PRICE_SOURCE": "yahoo",
                "PARAKEET_UNIVERSE_FILE": str(universe),
                "PARAKEET_FIRST_SESSION": FIRST,
                "PARAKEET_YAHOO_RPS": "500",
                "PARAKEET_STRATEGIES": "equal_weight",
            },
        )


ALL_BUT_REPORTS = ("--select", '+key:"orders/*"')


def materialize(folder: Path, variables: dict[str, str], home: str, *options: str) -> str:
    """`dagster asset materialize` with an environment of its own."""
    program = Path(sys.executable).with_name("dagster")
    done = subprocess.run(
        [
            program,
            *("asset", "materialize", "-m", "parakeet_dagster.definitions"),
            *options,
        ],
        cwd=folder,
        env={**variables, "PARAKEET_HOME": str(folder / home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@pytest.fixture(scope="module")
def lake(environment):
    """A lake filled in one range run."""
    folder, variables = environment
    span = ("--partition-range", f"{FIRST}...{LAST}")
    materialize(folder, variables, "range", "--select", "*", *span)
    return open_lake(str(folder / "range" / "lake"))


def silent_days(returns: pd.DataFrame) -> pd.DatetimeIndex:
    """The sessions of XNYS on which the ticker did not trade."""
    open_days = returns.index.isin(sessions_of("XNYS", FIRST, LAST))
    return returns.index[~returns["traded"] & open_days]


def of(lake, asset: str, ticker: str) -> pd.DataFrame:
    frame = lake.read(asset, calendar.between(FIRST, LAST))
    return frame[frame["ticker"] == ticker].set_index("date")


def test_prices_are_stored_as_they_traded(lake):
    apple = of(lake, "raw_prices", "AAPL")
    assert apple["close"].loc[
        ["2020-08-06", "2020-08-07", "2020-08-28", "2020-08-31"]
    ].tolist() == [
        455.61,
        444.45,
        499.23,
        129.04,
    ]
    assert apple.loc["2020-08-07", "dividend"] == 0.82
    assert apple.loc["2020-08-31", "split_ratio"] == 4.0
    assert apple.loc["2020-08-28", "volume"] == 46_907_500
    assert set(apple["source"]) == {"yahoo"}


def test_returns_over_a_dividend_and_a_split_are_exact(lake):
    local = of(lake, "daily_returns", "AAPL")["return_local"]
    assert local["2020-08-07"] == (444.45 * 1 + 0.82) / 455.61 - 1
    assert local["2020-08-07"] == pytest.approx(-0.022695, abs=5e-7)
    assert local["2020-08-31"] == 129.04 * 4 / 499.23 - 1
    assert local["2020-08-31"] == pytest.approx(0.033912, abs=5e-7)


def test_a_halt_of_forty_sessions_loses_nothing(lake):
    halted = LISTED["HALT"]
    traded = halted.bars["close"].dropna()
    returns = of(lake, "daily_returns", "HALT")
    silent = silent_days(returns)
    assert len(silent) == 40
    assert set(returns.loc[silent, "return_local"]) == {0.0}
    resumed = returns.index[(returns.index > silent[-1]) & returns["traded"]][0]
    before = returns.index[(returns.index < silent[0]) & returns["traded"]][-1]
    ((_, ratio),) = halted.splits.items()
    expected = traded[resumed] * ratio / traded[before] - 1
    assert returns.loc[resumed, "return_local"] == pytest.approx(expected, rel=1e-15)
    assert returns.loc[silent, "close"].eq(traded[before]).all()


def test_where_one_market_is_closed_its_tickers_have_no_row(lake):
    labour_day = lake.read("raw_prices", ["2020-09-07"])
    assert labour_day["ticker"].tolist() == ["BHP.AX"]
    returns = lake.read("daily_returns", ["2020-09-07"]).set_index("ticker")
    assert returns["traded"].to_dict() == {
        "AAPL": False,
        "BHP.AX": True,
        "CALM": False,
        "EVEN": False,
        "HALT": False,
        "MILD": False,
    }
    assert returns.loc["BHP.AX", "return_aud"] == returns.loc["BHP.AX", "return_local"]


def test_a_dead_ticker_is_reported_and_the_rest_goes_on(lake, environment, postgres_server):
    from parakeet_dagster.storage.database import Database
    from parakeet_dagster.storage.database_url import DatabaseUrl

    database = Database(DatabaseUrl.parse(postgres_server.start()))
    failures = database.open_failures()
    database.close()
    assert set(zip(failures["ticker"], failures["error_class"], strict=True)) == {
        ("DEAD", "DELISTED")
    }


def test_single_sessions_give_the_same_bytes(lake, environment):
    """Across the day the halt ends, whose return looks back to the split inside the halt."""
    folder, variables = environment
    halt_ends = silent_days(of(lake, "daily_returns", "HALT"))[-1]
    last = calendar.offset(calendar.key(halt_ends), 1)
    first = calendar.offset(last, -1)
    ranged = partitions_of(folder / "range" / "lake")
    target = folder / "singles" / "lake"
    for path, content in ranged.items():
        if path.split("session=")[1][:10] < first:
            (target / path).parent.mkdir(parents=True)
            (target / path).write_bytes(content)
    for session in (first, last):
        materialize(folder, variables, "singles", *ALL_BUT_REPORTS, "--partition", session)
    until_last = {path: it for path, it in ranged.items() if path.split("session=")[1][:10] <= last}
    assert partitions_of(target) == until_last


def partitions_of(lake: Path) -> dict[str, bytes]:
    """What is stored but for the reports, which tell of all sessions."""
    return {path: it for path, it in bytes_of(lake).items() if "/session=" in path}


def test_exchange_rates_are_yahoos(lake):
    rates = lake.read("fx_rates", [FIRST, LAST])
    usd = rates[rates["currency"] == "USD"]
    assert usd["source"].tolist() == ["yahoo", "yahoo"]
    assert usd["aud_per_unit"].tolist() == pytest.approx([1 / 0.7] * 2, rel=1e-7)
    assert not usd["carried"].any()
