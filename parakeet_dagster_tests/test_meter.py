"""How far long work is: what a terminal shows, and what a log file keeps."""

import io

import pytest
from rich.console import Console

from parakeet_dagster import meter
from parakeet_dagster.meter import Meter, duration, shown, working


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal() -> Console:
    return Console(file=Terminal(), force_terminal=True, width=80, _environ={"TERM": "xterm"})


@pytest.fixture
def log_file() -> Console:
    """With colours forced upon it, as a continuous integration does."""
    return Console(file=io.StringIO(), force_terminal=True, width=80, _environ={"TERM": "xterm"})


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "shown_as"),
    [(0.0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (750, "12:30"), (3723, "1:02:03")],
)
def test_durations(seconds, shown_as):
    assert duration(seconds) == shown_as


def test_the_figures_follow_from_what_is_done_and_how_long_it_took():
    clock = Clock()
    counted = Meter(40, "session", clock)
    assert counted.figures("/") == "0/40 sessions, 0:00"
    clock.now += 4
    counted.at(0.9, "members")
    assert counted.figures("/") == "0/40 sessions, 0:04"  # less than one tells nothing
    counted.at(8, "prices")
    assert counted.figures(" of ") == "8 of 40 sessions, 2.0 sessions/s, 0:04, 0:16 left"
    clock.now += 6  # nothing moves: the rate stands, the time left runs down
    assert counted.figures("/") == "8/40 sessions, 2.0 sessions/s, 0:10, 0:10 left"
    clock.now += 30
    assert counted.left == 0
    counted.at(40, "orders")
    assert counted.figures("/") == "40/40 sessions, 1.0 sessions/s, 0:40"


def test_a_total_may_come_later():
    counted = Meter(0, "ticker", Clock())
    assert counted.figures("/") == "0:00"


def test_a_terminal_shows_what_is_done_and_the_bar(terminal):
    with shown(40, "session", terminal) as bar:
        bar.part(20, "bringing in: signals of equal_weight")
    text = text_of(terminal)
    assert "bringing in: signals of equal_weight" in text
    assert "20/40 sessions" in text


def test_elsewhere_it_is_one_line_a_part(log_file):
    with shown(40, "session", log_file) as bar:
        for done in (10, 40):
            bar.at(done - 5, "raw prices")
            bar.part(done, "bringing in")
        bar.over("never said: it was quick")
    first, second = text_of(log_file).splitlines()
    assert first.startswith("bringing in: 10 of 40 sessions, ")
    assert first.endswith(" left")
    assert second.startswith("bringing in: 40 of 40 sessions, ")
    assert second.isprintable()


def test_work_without_parts_moves_on_a_terminal_only(terminal, log_file):
    for console in (terminal, log_file):
        with working("writing the reports", console):
            pass
    assert "writing the reports" in text_of(terminal)
    assert text_of(log_file) == ""


def test_a_log_file_hears_of_long_work_when_it_is_over(log_file, monkeypatch):
    monkeypatch.setattr(meter, "LONG", -1.0)
    with working("writing the reports", log_file):
        pass
    assert text_of(log_file) == "writing the reports: 0:00\n"
