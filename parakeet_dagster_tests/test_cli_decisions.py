"""What a person decides, typed as a person does, on a real database."""

import json
from datetime import date

import pandas as pd
import pytest
from typer.testing import CliRunner

from parakeet_dagster.cli import app
from parakeet_dagster.errors import ParakeetError


@pytest.fixture(autouse=True)
def _on_the_database(database_url, monkeypatch):
    monkeypatch.setenv("NEON_DATABASE_URL", database_url)


def parakeet(*arguments: str) -> tuple[int, str]:
    """Exit code, and everything that was printed on one line."""
    done = CliRunner().invoke(app, list(arguments))
    if isinstance(done.exception, ParakeetError):  # which main() prints as one line
        return done.exception.exit_code, f"Error: {done.exception.message}"
    return done.exit_code, " ".join(done.output.split())


def put_aside(database, rule: str = "move", close: float = 7.5) -> int:
    """One row in quarantine; returns its id."""
    row = {"ticker": "ABC", "date": pd.Timestamp("2024-03-05"), "rule": rule}
    database.quarantine(pd.DataFrame([{**row, "row": json.dumps({"close": close})}]))
    return int(database.open_quarantine()["id"].iloc[-1])


def test_an_empty_quarantine_says_so():
    assert parakeet("quarantine") == (0, "Nothing is in quarantine.")
    assert parakeet("quarantine", "--json") == (0, "[]")


def test_what_is_in_quarantine_is_listed(database):
    number = put_aside(database)
    code, shown = parakeet("quarantine", "--json")
    (row,) = json.loads(shown)
    assert code == 0
    assert (row["id"], row["ticker"], row["date"], row["rule"], row["close"]) == (
        *(number, "ABC", "2024-03-05", "move", 7.5),
    )


def test_a_release_makes_its_session_wait(database):
    number = put_aside(database)
    code, said = parakeet("quarantine", "release", str(number), "--reason", "a bid")
    assert code == 0
    assert said.startswith("Released ABC 2024-03-05.")
    assert "parakeet backfill 2024-03-05 2024-03-05" in said
    waiting = database.open_corrections()
    assert waiting["reason"].tolist() == ["released by hand: a bid"]
    assert parakeet("quarantine") == (0, "Nothing is in quarantine.")
    assert "released: a bid" in parakeet("quarantine", "--all", "--json")[1]


def test_a_rejected_row_is_not_put_aside_again(database):
    number = put_aside(database)
    assert parakeet("quarantine", "reject", str(number), "--reason", "in pence")[0] == 0
    row = {"ticker": "ABC", "date": pd.Timestamp("2024-03-05"), "rule": "move"}
    database.quarantine(pd.DataFrame([{**row, "row": '{"close": 7.5}'}]))
    assert database.open_quarantine().empty


@pytest.mark.parametrize(
    ("rule", "arguments", "said"),
    [
        ("move", ("release", "999", "--reason", "x"), "999"),
        ("order", ("release", "{id}", "--reason", "x"), "order"),
        ("move", ("release", "{id}", "--reason", " "), "reason"),
    ],
)
def test_a_decision_that_cannot_be_is_one_line(rule, arguments, said, database):
    number = put_aside(database, rule)
    code, shown = parakeet("quarantine", *(one.format(id=number) for one in arguments))
    assert code == 1
    assert shown.startswith("Error: ")
    assert said in shown


def test_a_session_is_accepted_listed_and_withdrawn(database):
    words = ("--market", "XASX", "--reason", "exchange outage")
    code, said = parakeet("session", "accept", "2024-03-05", *words)
    assert code == 0
    assert said.startswith("Accepted 2024-03-05 XASX.")
    assert database.acceptances()["reason"].tolist() == ["exchange outage"]
    assert "exchange outage" in parakeet("session", "list")[1]
    assert parakeet("session", "withdraw", "2024-03-05", "--market", "XASX")[0] == 0
    assert parakeet("session", "list") == (0, "No session was accepted by hand.")


def test_a_reason_is_shown_as_it_was_typed(database):
    reason = "[/red] [see news] a halt that no calendar foresaw, and that the exchange explained"
    words = ("--market", "XASX", "--reason", reason)
    assert parakeet("session", "accept", "2024-03-05", *words)[0] == 0
    code, shown = parakeet("session", "list")
    assert code == 0
    assert all(word in shown for word in (*reason.split(), "2024-03-05", "XASX"))
    put_aside(database)
    number = str(database.open_quarantine()["id"].iloc[0])
    assert parakeet("quarantine", "reject", number, "--reason", reason)[0] == 0
    code, shown = parakeet("quarantine", "--all")
    assert code == 0
    assert all(word in shown for word in ("rejected:", *reason.split(), "ABC", "move"))


def test_an_acceptance_is_withdrawn_though_the_calendar_closed_the_day_since(database):
    database.accept_session(date(2024, 1, 26), "XASX", "before the calendar knew")
    code, said = parakeet("session", "withdraw", "2024-01-26", "--market", "XASX")
    assert code == 0
    assert "parakeet backfill 2024-01-26 2024-01-26 --again" in said
    assert database.acceptances().empty


@pytest.mark.parametrize(
    ("day", "market", "said"),
    [
        ("2024-03-05", "XASX", "2024-03-05 XASX is not accepted: see parakeet session list"),
        ("2024-03-05", "XLON", "2024-03-05 XLON is not accepted: see parakeet session list"),
        ("5 March", "XASX", "'5 March' is not a date: write YYYY-MM-DD"),
    ],
)
def test_what_was_not_accepted_cannot_be_withdrawn(day, market, said):
    words = ("session", "withdraw", day, "--market", market)
    assert parakeet(*words) == (1, f"Error: {said}")


@pytest.mark.parametrize(
    ("day", "market", "reason", "said"),
    [
        ("2024-03-02", "XASX", "x", "2024-03-02 (Saturday) is not a session"),
        ("2024-03-29", "XASX", "x", "2024-03-29 (Friday) is not a session"),
        ("2024-01-26", "XASX", "x", "XASX was closed on 2024-01-26"),
        ("2024-03-05", "XLON", "x", "--market XLON: accepted are XNYS, XASX"),
        ("2031-03-05", "XASX", "x", "2031-03-05 is not over"),
        ("2024-03-05", "XASX", " ", "--reason is empty"),
    ],
)
def test_what_cannot_be_accepted_is_one_line(day, market, reason, said, database):
    code, shown = parakeet("session", "accept", day, "--market", market, "--reason", reason)
    assert code == 1
    assert shown.startswith(f"Error: {said}")
    assert database.acceptances().empty


def test_comparing_before_anything_is_stored_is_one_line():
    said = "Error: nothing is stored yet: run parakeet backfill FROM TO first"
    assert parakeet("verify") == (1, said)
