"""What a person enters, typed as a person does, on a real database."""

import itertools
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from parakeet_dagster import clock
from parakeet_dagster.cli import app
from parakeet_dagster.errors import ParakeetError
from parakeet_dagster.storage.stores import FileStore
from parakeet_dagster.universe_sources.web import UnusableListError
from parakeet_dagster_tests.storage.emptied import (  # noqa: F401 - fixtures
    database,
    one_database,
)
from parakeet_dagster_tests.storage.lakes import plain_lake
from parakeet_dagster_tests.test_docs import blocks

NOW = datetime(2024, 3, 5, 21, tzinfo=UTC)
"""Tuesday afternoon in New York, Wednesday morning in Sydney."""

HOLDINGS = "ticker,quantity,currency,acquired,price"
TRADES = "id,date,ticker,side,quantity,price,currency,fee,aud_per_unit"
BUY = "T1,2024-03-04,SPY,buy,10,510,USD,3,1.53"
SELL = "T2,2024-03-05,VAS.AX,sell,2.5,95,AUD,,"


@pytest.fixture(autouse=True)
def _at(database, monkeypatch, tmp_path):
    monkeypatch.setenv(
        "NEON_DATABASE_URL", database.engine.url.render_as_string(hide_password=False)
    )
    monkeypatch.setenv("PARAKEET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PARAKEET_UNIVERSES", "CORE_ETFS")
    monkeypatch.setattr(clock, "now", lambda: NOW)


def parakeet(*arguments: str) -> tuple[int, list[str], str]:
    """Exit code, the lines of standard error, standard output."""
    done = CliRunner().invoke(app, list(arguments), terminal_width=300)
    if isinstance(done.exception, ParakeetError):  # which main() prints as one line
        message = f"Error: {done.exception.message}"
        return done.exception.exit_code, [*done.stderr.splitlines(), message], done.stdout
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stderr.splitlines(), done.stdout


def written(*lines: str) -> str:
    Path("mine.csv").write_text("\n".join(lines) + "\n")
    return "mine.csv"


def import_holdings(*rows: str, as_of: str = "2024-03-05"):
    return parakeet("holdings", "import", written(HOLDINGS, *rows), "--as-of", as_of)


def import_trades(*rows: str):
    return parakeet("trades", "import", written(TRADES, *rows))


def test_nothing_is_said_to_be_nothing():
    assert parakeet("holdings") == (
        *(0, []),
        "No holdings are imported: parakeet holdings import FILE\n",
    )
    assert parakeet("trades") == (0, [], "No trades are imported: parakeet trades import FILE\n")
    assert parakeet("holdings", "--json") == (0, [], "[]\n")
    assert parakeet("trades", "--json") == (0, [], "[]\n")
    (line,) = parakeet("holdings", "--date", "2024-03-01")[2].splitlines()
    assert line.startswith("No holdings are imported on or before 2024-03-01:")


def test_holdings_are_imported_and_listed():
    rows = ("SPY,12,USD,2021-05-03,417.3", "SPY,3.5,USD,2023-11-20,453.1", "CASH,2350.75,AUD,,")
    assert import_holdings(*rows) == (
        *(0, []),
        "Imported the holdings of 2024-03-05: 1 ticker in 2 parcels, 2,350.75 AUD in cash\n",
    )
    code, _, shown = parakeet("holdings", "--json")
    listed = json.loads(shown)
    assert code == 0
    assert listed[1] | {"imported_at": None} == {
        "as_of": "2024-03-05",
        "ticker": "SPY",
        "quantity": 3.5,
        "acquired": "2023-11-20",
        "price": 453.1,
        "currency": "USD",
        "imported_at": None,
    }
    assert (listed[2]["acquired"], listed[2]["price"]) == (None, None)
    assert re.search(r"2024-03-05\s+SPY\s+12\.0\s+2021-05-03\s+417\.3", parakeet("holdings")[2])


def test_the_same_day_again_replaces_its_snapshot(database):
    import_holdings("SPY,12,USD,2021-05-03,417.3", "CASH,5,AUD,,")
    import_holdings("VAS.AX,1,AUD,2021-05-03,90", as_of="2024-03-04")
    assert import_holdings("QQQ,1,USD,2021-05-03,300")[2] == (
        "Replaced the holdings of 2024-03-05: 1 ticker in 1 parcel, 0.00 AUD in cash\n"
    )
    assert database.holdings()["ticker"].tolist() == ["QQQ"]
    shown = json.loads(parakeet("holdings", "--date", "2024-03-04", "--json")[2])
    assert [row["ticker"] for row in shown] == ["VAS.AX"]


def test_a_snapshot_is_of_today_unless_told(database):
    file = written(HOLDINGS, "SPY,12,USD,2021-05-03,417.3")
    assert parakeet("holdings", "import", file)[0] == 0
    assert database.holdings()["as_of"].dt.date.tolist() == [date(2024, 3, 5)]
    assert parakeet("holdings", "import", file, "--as-of", "2024-03-06")[0] == 0


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("2024-03-07", "--as-of 2024-03-07 is in the future: today is 2024-03-06"),
        ("5 March", "'5 March' is not a date: write YYYY-MM-DD"),
    ],
)
def test_a_snapshot_is_of_a_day_that_was(as_of, said, database):
    done = import_holdings("SPY,12,USD,2021-05-03,417.3", as_of=as_of)
    assert done == (1, [f"Error: {said}"], "")
    assert database.holdings().empty


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("SPYY,1,USD,2021-05-03,1", "ticker 'SPYY' is unknown: is it SPY? Else add it to a"),
        ("SPY,-1,USD,2021-05-03,1", "quantity '-1' of SPY is not above 0"),
        ("SPY,0,USD,2021-05-03,1", "quantity '0' of SPY is not above 0"),
        ("SPY,many,USD,2021-05-03,1", "quantity 'many' of SPY: write a plain number"),
        ("SPY,inf,USD,2021-05-03,1", "quantity 'inf' of SPY: write a plain number"),
        ('SPY,"1,000",USD,2021-05-03,1', "quantity '1,000' of SPY: write a plain number"),
        ("SPY,1,000,USD,2021-05-03,1", "6 values, but the header has 5"),
        ("SPY,1,AUD,2021-05-03,1", "currency 'AUD' of SPY: it trades in USD"),
        ("SPY,1,USD,2024-03-07,1", "acquired '2024-03-07' of SPY is in the future"),
        ("SPY,1,USD,2024-03-06,1", "acquired '2024-03-06' of SPY is after the day of the snapshot"),
        ("SPY,1,USD,3/5/2021,1", "acquired '3/5/2021' of SPY is not a date"),
        ("SPY,1,USD,2021-05-03,0", "price '0' of SPY is not above 0"),
        ("CASH,1,USD,,", "currency 'USD' of CASH: cash is held in AUD"),
        ("CASH,1,AUD,,\nCASH,1,AUD,,", "CASH stands twice"),
    ],
)
def test_a_wrong_line_imports_nothing(row, said, database):
    code, (problem, error), shown = import_holdings("QQQ,1,USD,2021-05-03,300", row)
    assert (code, shown) == (1, "")
    assert re.match(rf"line [34]: {re.escape(said)}", problem)
    assert error == "Error: mine.csv: 1 problem, nothing is imported"
    assert database.holdings().empty


def test_every_problem_is_listed_and_the_snapshot_before_stays(database):
    import_holdings("QQQ,1,USD,2021-05-03,300")
    code, lines, shown = import_holdings("ZZZZ,0,USD,2021-05-03,1", "ZZZZ,1,[bold],2021-05-03,1")
    assert (code, shown) == (1, "")
    assert [line.split(":")[0] for line in lines] == [
        "line 2",
        "line 2",
        "line 3",
        "line 3",
        "Error",
    ]
    assert (
        lines[3]
        == "line 3: currency '[bold]' of ZZZZ, which stands in USD before: a ticker has one"
    )
    assert lines[4] == "Error: mine.csv: 4 problems, nothing is imported"
    assert database.holdings()["ticker"].tolist() == ["QQQ"]


NOT_TEXT = "mine.csv is not text in UTF-8: save it as CSV (UTF-8)"


@pytest.mark.parametrize(
    ("command", "content", "said"),
    [
        ("holdings", f"{HOLDINGS}\n".encode(), "mine.csv: there is no holding below the header"),
        *itertools.chain.from_iterable(
            (
                (command, b"", "mine.csv is empty: write a CSV with the header "),
                (command, b"ticker,side\n", "mine.csv: column "),
                (command, b"\x89PNG\r\n\x1a\n\0", NOT_TEXT),
                (command, b"caf\xe9", NOT_TEXT),
                (command, b'ticker\n"SPY\n', "mine.csv line 2: unexpected end of data"),
                (command, None, "mine.csv: there is no such file; write a CSV with the header "),
                (command, "directory", "mine.csv is a directory: name the CSV in it"),
            )
            for command in ("holdings", "trades")
        ),
    ],
)
def test_what_is_no_table_is_one_line(command, content, said, database):
    if content == "directory":
        Path("mine.csv").mkdir()
    elif content is not None:
        Path("mine.csv").write_bytes(content)
    code, (error,), shown = parakeet(command, "import", "mine.csv")
    assert (code, shown) == (1, "")
    assert error.startswith(f"Error: {said}")
    assert database.holdings().empty
    assert database.trades().empty


def test_trades_are_imported_once_and_listed(database):
    assert import_trades(BUY) == (0, [], "1 trade: 1 new, 0 already known, 0 bad lines\n")
    assert import_trades(BUY, SELL, BUY, SELL) == (
        *(0, []),
        "4 trades: 1 new, 3 already known, 0 bad lines\n",
    )
    assert database.trades()["id"].tolist() == ["T1", "T2"]
    buy, sell = json.loads(parakeet("trades", "--json")[2])
    assert buy | {"imported_at": None} == {
        "id": "T1",
        "date": "2024-03-04",
        "ticker": "SPY",
        "side": "buy",
        "quantity": 10.0,
        "price": 510.0,
        "currency": "USD",
        "fee": 3.0,
        "aud_per_unit": 1.53,
        "imported_at": None,
    }
    assert (sell["fee"], sell["aud_per_unit"]) == (0.0, None)
    assert re.search(r"T2\s+2024-03-05\s+VAS\.AX\s+sell\s+2\.5", parakeet("trades")[2])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("T9,2024-03-07,SPY,buy,1,1,USD,,", "date '2024-03-07' of SPY is in the future"),
        ("T9,2024-03-02,SPY,buy,1,1,USD,,", "date '2024-03-02' of SPY (Saturday): XNYS was closed"),
        ("T9,2024-02-19,SPY,buy,1,1,USD,,", "date '2024-02-19' of SPY (Monday): XNYS was closed"),
        ("T9,2024-01-26,VAS.AX,buy,1,1,AUD,,", "date '2024-01-26' of VAS.AX (Friday): XASX was"),
        ("T9,2024-13-01,SPY,buy,1,1,USD,,", "date '2024-13-01' of SPY is not a date"),
        ("T9,2024-03-04,SPYY,buy,1,1,USD,,", "ticker 'SPYY' is unknown: is it SPY?"),
        ("T9,2024-03-04,SPY,BUY,1,1,USD,,", "side 'BUY' of SPY: accepted are buy and sell"),
        ("T9,2024-03-04,SPY,buy,0,1,USD,,", "quantity '0' of SPY is not above 0"),
        ("T9,2024-03-04,SPY,buy,1,-1,USD,,", "price '-1' of SPY is not above 0"),
        ("T9,2024-03-04,SPY,buy,1,1,AUD,,", "currency 'AUD' of SPY: it trades in USD"),
        ("T9,2024-03-04,SPY,buy,1,1,USD,-1,", "fee '-1' of SPY is below 0"),
        ("T9,2024-03-04,SPY,buy,1,1,USD,,0", "aud_per_unit '0' of SPY is not above 0"),
        ("T9,2024-03-04,SPY,buy,1,1,USD,,,", "10 values, but the header has 9"),
        (",2024-03-04,SPY,buy,1,1,USD,,", "there is no id"),
        (BUY.replace("510", "511"), "id 'T1' stands on line 2 with another price: give this trade"),
    ],
)
def test_a_bad_line_is_told_and_the_good_ones_are_kept(row, said, database):
    code, (problem,), shown = import_trades(BUY, row, SELL)
    assert (code, shown) == (1, "3 trades: 2 new, 0 already known, 1 bad line\n")
    assert problem.startswith(f"line 3: {said}")
    assert database.trades()["id"].tolist() == ["T1", "T2"]
    again = import_trades(BUY, row, SELL)
    assert again == (1, [problem], "3 trades: 0 new, 2 already known, 1 bad line\n")


def test_a_recorded_trade_is_not_changed(database):
    import_trades(BUY)
    other = BUY.replace("10,510", "11,509")
    code, problems, shown = import_trades(SELL, other, "x", other)
    assert (code, shown) == (1, "4 trades: 1 new, 0 already known, 3 bad lines\n")
    said = "id 'T1' is recorded with another quantity, price: give this trade an id of its own"
    assert problems[0] == f"line 3: {said}"
    assert problems[1].startswith("line 4: 1 values, but")
    assert problems[2] == f"line 5: {said}"
    assert database.trades().loc[0, ["quantity", "price"]].tolist() == [10.0, 510.0]


def test_a_trade_of_today_in_sydney_is_not_of_the_future():
    """There it is Wednesday, while New York still has Tuesday."""
    assert import_trades("T9,2024-03-06,VAS.AX,buy,1,95,AUD,,")[0] == 0


def test_a_header_alone_is_no_trade():
    assert import_trades() == (0, [], "0 trades: 0 new, 0 already known, 0 bad lines\n")


def test_tickers_that_look_like_something_else(database, monkeypatch):
    lines = [f"{ticker},Some,XNYS,USD,equity" for ticker in ("NA", "ON", "TRUE")]
    Path("own.csv").write_text("\n".join(["ticker,name,market,currency,asset_class", *lines]))
    monkeypatch.setenv("PARAKEET_UNIVERSE_FILE", "own.csv")
    monkeypatch.setenv("PARAKEET_UNIVERSES", "CUSTOM")
    tickers = ["NA", "ON", "TRUE"]
    assert import_holdings(*(f"{one},1,USD,2021-05-03,1" for one in tickers))[0] == 0
    assert import_trades(*(f"{one},2024-03-04,{one},buy,1,1,USD,," for one in tickers))[0] == 0
    assert database.holdings()["ticker"].tolist() == tickers
    assert database.trades()["id"].tolist() == tickers


def lake_of(folder: Path, asset: str, session: str, ticker: str) -> None:
    """A lake with one row of one asset."""
    listing = {"ticker": ticker, "market": "XNYS", "currency": "USD"}
    row = {"date": pd.Timestamp(session), **listing}
    if asset == "ticker_universe":
        row |= {"universe": "CUSTOM", "name": "Some", "asset_class": "equity"}
    else:
        ratios = dict.fromkeys(("open_ratio", "high_ratio", "low_ratio"), 1.0)
        returns = dict.fromkeys(("return_local", "return_aud"), 0.0)
        row |= {"close": 1.0, "traded": True, "value_traded_aud": 1.0, **ratios, **returns}
    plain_lake(FileStore(folder)).write(asset, pd.DataFrame([row]), [session])


def test_what_the_lake_has_is_known_too(tmp_path):
    """Of its newest sessions: a member then, or a ticker whose prices are still kept."""
    lake_of(tmp_path / "home/lake", "ticker_universe", "2024-03-01", "LEFT")
    lake_of(tmp_path / "home/lake", "ticker_universe", "2024-03-04", "MEMBER")
    lake_of(tmp_path / "home/lake", "daily_returns", "2024-03-04", "KEPT")
    rows = [f"{one},1,USD,2021-05-03,1" for one in ("MEMBER", "KEPT", "SPY", "LEFT")]
    code, (problem, _), _ = import_holdings(*rows)
    assert code == 1
    assert problem.startswith("line 5: ticker 'LEFT' is unknown")
    assert import_holdings(*rows[:3])[0] == 0


def test_a_symbol_of_before_a_change_is_known(database, tmp_path):
    """Facebook's FB became META on 2022-06-09."""
    lake_of(tmp_path / "home/lake", "daily_returns", "2024-03-04", "META")
    assert import_holdings("FB,1,USD,2021-05-03,300", as_of="2022-06-01")[0] == 0
    assert database.holdings()["ticker"].tolist() == ["FB"]


def test_without_lists_of_today_the_lake_is_enough(tmp_path, monkeypatch):
    monkeypatch.setenv("PARAKEET_UNIVERSES", "RUSSELL2000")
    monkeypatch.setenv("PARAKEET_UNIVERSE_SOURCE", "live")
    monkeypatch.setattr(
        "parakeet_dagster.universe_sources.live.fetch",
        lambda *_, **__: (_ for _ in ()).throw(UnusableListError("it is down")),
    )
    row = "KEPT,1,USD,2021-05-03,1"
    code, (error,), _ = import_holdings(row)
    assert code == 1
    assert error.startswith("Error: ")
    lake_of(tmp_path / "home/lake", "daily_returns", "2024-03-04", "KEPT")
    code, (warning,), _ = import_holdings(row)
    assert code == 0
    assert warning.startswith("Without today's members: ")


def test_a_universe_that_is_not_is_one_line(monkeypatch):
    monkeypatch.setenv("PARAKEET_UNIVERSES", "NOPE")
    for done in (import_holdings("SPY,1,USD,2021-05-03,1"), import_trades(BUY)):
        code, (error,), shown = done
        assert (code, shown) == (1, "")
        assert error.startswith("Error: PARAKEET_UNIVERSES=NOPE: unknown universe")


def test_the_files_of_the_guide_work(database):
    holdings, trades = blocks("your-portfolio.md", "csv")
    Path("holdings.csv").write_text(holdings)
    Path("fills.csv").write_text(trades)
    assert parakeet("holdings", "import", "holdings.csv", "--as-of", "2024-03-04")[0] == 0
    assert parakeet("trades", "import", "fills.csv")[0] == 0
    assert database.holdings()["ticker"].tolist() == ["SPY", "SPY", "VAS.AX", "CASH"]
    assert database.trades()["id"].tolist() == ["A-1002", "A-1001"]
