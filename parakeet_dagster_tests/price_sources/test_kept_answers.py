"""Answers that are kept on disk, by ticker, until the back-fill they belong to has ended."""

import math
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources import kept_answers
from parakeet_dagster.price_sources.base import FailureClass, TickerFailure
from parakeet_dagster.price_sources.kept_answers import KeptAnswers
from parakeet_dagster.price_sources.yahoo_answer import NO_BARS, Answer, Member, Question
from parakeet_dagster.price_sources.yahoo_chart import NO_ACTIONS, Chart
from parakeet_dagster_tests.price_sources.asking import bars_of, members, new_source, reasons
from parakeet_dagster_tests.yahoo_server import Fault

NOW = pd.Timestamp("2020-10-30 21:00", tz="UTC")
APPLE = Member("AAPL", "XNYS", "USD", "America/New_York")
FIRST = date(2020, 6, 1)


def answer(member=APPLE, *, first=FIRST, asked_at=NOW, closes=(0.1 + 0.2, math.nan, 1e-300)):
    days = pd.date_range(first, periods=len(closes), unit="us")
    bars = NO_BARS.reindex(range(len(closes))).assign(date=days, close=closes, volume=7.0)
    actions = pd.DataFrame({"date": days, "dividend": 1 / 3, "split_ratio": 1.998})
    chart = Chart(
        member.ticker, member.currency, member.time_zone, pd.Timestamp("1980-12-12"), True,
        actions.astype(NO_ACTIONS.dtypes.to_dict()), ("2020-08-07 EUR",),
    )  # fmt: skip
    return Answer(member, first, asked_at, chart, bars)


def question(member=APPLE, first=FIRST, whole_at=NOW):
    return Question(member, first, whole_at)


def assert_same_answer(found, kept):
    assert replace(found, bars=None, chart=None) == replace(kept, bars=None, chart=None)
    assert replace(found.chart, actions=None) == replace(kept.chart, actions=None)
    assert_frame_equal(found.chart.actions, kept.chart.actions, check_exact=True)
    assert_frame_equal(found.bars, kept.bars, check_exact=True)


@pytest.fixture
def answers(tmp_path):
    return KeptAnswers(tmp_path / "answers")


# One answer


@pytest.mark.parametrize(
    "kept",
    [
        answer(),
        answer(closes=()),
        replace(answer(), chart=replace(answer().chart, first_trade=None, foreign_dividends=())),
        replace(answer(), chart=replace(answer().chart, actions=NO_ACTIONS)),
        answer(asked_at=pd.Timestamp("2020-10-30 21:00:00.123456", tz="UTC")),
    ],
)
def test_an_answer_comes_back_as_it_was(answers, kept):
    answers.open("b", NOW).keep(kept)
    found = answers.open("b", NOW).find(question())
    assert_same_answer(found, replace(kept, chart=replace(kept.chart, has_bars=len(kept.bars) > 0)))


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=5))
def test_every_float_comes_back_exactly(tmp_path_factory, closes):
    kept = answer(closes=tuple(closes))
    batch = KeptAnswers(tmp_path_factory.getbasetemp() / "floats").open("b", NOW)
    batch.keep(kept)
    assert_frame_equal(batch.find(question()).bars, kept.bars, check_exact=True)


@pytest.mark.parametrize(
    "ticker",
    [
        "BRK-B",
        "^VIX",
        "AUDUSD=X",
        "A/B",
        "..",
        ".",
        "CON",
        "con",
        "a b",
        "%2F",
        "ÅÄÖ.ST",
        "NA",
        "*",
    ],
)
def test_any_ticker_and_any_batch_is_a_file_name(answers, tmp_path, ticker):
    member = replace(APPLE, ticker=ticker)
    answers.open(ticker, NOW).keep(answer(member))
    assert answers.open(ticker, NOW).find(question(member)).member == member
    ((path),) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert path.parent.parent == tmp_path / "answers"
    answers.forget(ticker)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert (tmp_path / "answers").is_dir()


@pytest.mark.parametrize(
    "wanted",
    [
        question(first=FIRST - timedelta(days=1)),
        question(member=replace(APPLE, currency="AUD")),
        question(member=replace(APPLE, market="XASX", time_zone="Australia/Sydney")),
        question(member=replace(APPLE, ticker="MSFT")),
        question(whole_at=NOW + pd.Timedelta("1s")),
    ],
)
def test_an_answer_to_another_question_does_not_serve(answers, wanted):
    batch = answers.open("b", NOW)
    batch.keep(answer())
    batch.refuse(question(), TickerFailure("AAPL", FailureClass.NO_DATA, "nothing"))
    answers.forget("c")
    assert batch.find(wanted) is None


@pytest.mark.parametrize(("age", "serves"), [("24h", True), ("24h 1s", False)])
def test_an_answer_serves_for_a_day(answers, age, serves):
    answers.open("b", NOW).keep(answer())
    later = answers.open("b", NOW + pd.Timedelta(age))
    assert (later.find(question()) is not None) == serves


def test_a_later_start_gets_what_yahoo_would_have_answered(answers):
    batch = answers.open("b", NOW)
    batch.keep(answer())
    found = batch.find(question(first=date(2020, 6, 3)))
    assert found.first == date(2020, 6, 3)
    assert found.bars["close"].tolist() == [1e-300]
    assert found.chart.actions["date"].tolist() == [pd.Timestamp("2020-06-03")]
    assert found.chart.has_bars
    assert not batch.find(question(first=date(2020, 6, 4))).chart.has_bars


@pytest.mark.parametrize("content", [b"", b"PAR1", b"{}", None])
def test_a_damaged_file_is_as_if_there_were_none(answers, tmp_path, content):
    batch = answers.open("b", NOW)
    batch.keep(answer())
    (path,) = (tmp_path / "answers").rglob("*.answer")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert batch.find(question()) is None
    batch.keep(answer())
    assert_same_answer(batch.find(question()), answer())


def test_a_file_of_another_version_is_as_if_there_were_none(answers, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_answers, "_FORMAT", b"1")
    answers.open("b", NOW).keep(answer())
    monkeypatch.undo()
    assert answers.open("b", NOW).find(question()) is None


@pytest.mark.parametrize("place", [0.0, 0.1, 0.25, 0.5, 0.75, 0.99])
def test_a_changed_bit_is_noticed(answers, tmp_path, place):
    batch = answers.open("b", NOW)
    batch.keep(answer())
    (path,) = (tmp_path / "answers").rglob("*.answer")
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)
    assert batch.find(question()) is None


def test_a_half_written_file_is_no_answer(answers, tmp_path, monkeypatch):
    """As after kill -9 while writing: the name that counts is given last."""
    batch = answers.open("b", NOW)
    monkeypatch.setattr(os, "utime", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        batch.keep(answer())
    assert batch.find(question()) is None
    assert list((tmp_path / "answers").rglob("*.answer")) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "answers").write_text("a file")
    with pytest.raises(PriceSourceError, match=r"answers/.*an answer cannot be kept") as caught:
        KeptAnswers(tmp_path / "answers").open("b", NOW).keep(answer())
    assert "\n" not in caught.value.message


# Batches


def test_batches_do_not_share_answers_and_one_is_forgotten_alone(answers):
    for name in ("b", "c"):
        answers.open(name, NOW).keep(answer())
    answers.forget("b")
    assert answers.open("b", NOW).find(question()) is None
    assert answers.open("c", NOW).find(question()) is not None


def test_a_file_that_another_process_renames_meanwhile_is_no_error(answers):
    batch = answers.open("b", NOW)
    batch.keep(answer())
    (folder,) = {path.parent for path in answers._folder.glob("*/*")}
    (folder / "=MSFT.unfinished").symlink_to("gone")  # listed, and not there
    assert_same_answer(answers.open("b", NOW).find(question()), answer())


def test_what_asked_last_more_than_a_day_ago_is_removed_when_a_batch_is_opened(answers, tmp_path):
    old, new = replace(APPLE, ticker="OLD"), replace(APPLE, ticker="NEW")
    answers.open("dead", NOW).keep(answer(old))
    answers.open("alive", NOW).keep(answer(old))
    answers.open("alive", NOW).keep(answer(new, asked_at=NOW + pd.Timedelta("2h")))
    answers.open("now", NOW + pd.Timedelta("25h"))
    assert [path.name for path in (tmp_path / "answers").iterdir()] == ["=alive"]


@pytest.mark.parametrize(
    ("error_class", "remembered"),
    [
        ("DELISTED", True),
        ("NO_DATA", True),
        ("BAD_DATA", True),
        ("NETWORK", False),
        ("TIMEOUT", False),
        ("RATE_LIMIT", False),
    ],
)
def test_what_yahoo_refuses_for_good_is_remembered_by_this_process(
    answers, tmp_path, error_class, remembered
):
    failure = TickerFailure("AAPL", FailureClass(error_class), "no")
    answers.open("b", NOW).refuse(question(), failure)
    later = question(first=date(2020, 7, 1))
    expected = failure if remembered else None
    assert answers.open("b", NOW).find(later) == expected
    assert answers.open("b", NOW + pd.Timedelta("25h")).find(later) is None
    assert answers.open("c", NOW).find(later) is None
    assert KeptAnswers(tmp_path / "answers").open("b", NOW).find(later) is None
    answers.forget("b")
    assert answers.open("b", NOW).find(later) is None


# Through the source


CHUNKS = [(date(2020, month, 1), date(2020, month, 28)) for month in (6, 7, 8, 9, 10)]
WANTED = ("AAPL", "BHP.AX", "HALT", "DEAD", "FUND")


@pytest.fixture
def kept_dir(tmp_path):
    return tmp_path / "cache"


def test_the_chunks_of_a_back_fill_ask_for_each_ticker_once(yahoo, kept_dir):
    source = new_source(yahoo, kept_dir)
    plain = [new_source(yahoo, kept_dir).fetch(members(*WANTED), *chunk) for chunk in CHUNKS]
    yahoo.requests.clear()
    for chunk, asked in zip(CHUNKS, plain, strict=True):
        found = source.fetch(members(*WANTED), *chunk, "b")
        assert_frame_equal(found.bars, asked.bars, check_exact=True)
        assert_frame_equal(found.listing, asked.listing)
        assert_frame_equal(found.strays, asked.strays)
        assert reasons(found) == reasons(asked)
    assert {ticker: yahoo.requests[ticker] for ticker in WANTED} == dict.fromkeys(WANTED, 1)


def test_after_a_kill_only_what_is_missing_is_asked_for(yahoo, kept_dir):
    """A new process has the files and nothing else; the second answer had not come."""
    yahoo.fail("BHP.AX", Fault.SERVER_ERROR)
    before = new_source(yahoo, kept_dir).fetch(members("AAPL", "BHP.AX", "DEAD"), *CHUNKS[0], "b")
    assert reasons(before) == {"BHP.AX": "NETWORK", "DEAD": "DELISTED"}
    yahoo.reset(now=yahoo.now)
    after = new_source(yahoo, kept_dir).fetch(members("AAPL", "BHP.AX", "DEAD"), *CHUNKS[0], "b")
    assert reasons(after) == {"DEAD": "DELISTED"}
    asked = {ticker: yahoo.requests[ticker] for ticker in ("AAPL", "BHP.AX", "DEAD")}
    assert asked == {"AAPL": 0, "BHP.AX": 1, "DEAD": 1}
    assert_frame_equal(bars_of(after, "AAPL"), bars_of(before, "AAPL"), check_exact=True)


def test_a_forgotten_batch_is_asked_for_again(yahoo, kept_dir):
    source = new_source(yahoo, kept_dir)
    for _ in range(2):
        source.fetch(members("AAPL", "DEAD"), *CHUNKS[0], "b")
        source.forget("b")
    assert yahoo.requests["AAPL"] == yahoo.requests["DEAD"] == 2
    assert list((kept_dir / "answers").iterdir()) == []


def test_a_wider_window_is_asked_for_and_serves_the_narrower_one(yahoo, kept_dir):
    source = new_source(yahoo, kept_dir)
    for start in (date(2020, 7, 1), date(2020, 6, 1), date(2020, 6, 15), date(2020, 7, 1)):
        source.fetch(members("AAPL"), start, date(2020, 7, 3), "b")
    assert yahoo.requests["AAPL"] == 2


def test_a_session_that_ended_since_is_asked_for_again(yahoo, kept_dir):
    source = new_source(yahoo, kept_dir)
    day = date(2020, 8, 28)
    for hour, last_bar in ((17, "2020-08-27"), (21, "2020-08-28"), (22, "2020-08-28")):
        yahoo.now = datetime(2020, 8, 28, hour, tzinfo=UTC)
        answer = source.fetch(members("AAPL"), FIRST, day, "b")
        assert answer.bars["date"].max() == pd.Timestamp(last_bar)
    assert yahoo.requests["AAPL"] == 2


def test_answers_of_yesterday_are_asked_for_again(yahoo, kept_dir):
    source = new_source(yahoo, kept_dir)
    for day in (27, 28, 29):
        yahoo.now = datetime(2020, 8, day, 21, minute=day - 27, tzinfo=UTC)
        source.fetch(members("AAPL", "DEAD"), *CHUNKS[0], "b")
    assert yahoo.requests["AAPL"] == yahoo.requests["DEAD"] == 3


def test_without_a_batch_nothing_is_kept(yahoo, kept_dir):
    source = new_source(yahoo, kept_dir)
    for _ in range(2):
        source.fetch(members("AAPL"), *CHUNKS[0])
    assert yahoo.requests["AAPL"] == 2
    assert not (kept_dir / "answers").exists()
