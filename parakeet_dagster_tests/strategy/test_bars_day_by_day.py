"""Day by day with every lapse of a vendor, corrected as it goes, ends where one range ends."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from parakeet_dagster_tests.strategy.frames import bars as frame_of
from parakeet_dagster_tests.strategy.frames import weekdays
from strategy.bars import Known, sort_bars
from strategy.price_rules import broken_rule

NaN = float("nan")
START, COUNT, WINDOW = 7, 22, 10
SESSIONS = weekdays("2022-03-01", COUNT)
RECEIVED = ["date", "ticker", "open", "high", "low", "close", "volume", "dividend", "split_ratio"]


@dataclass(frozen=True)
class Told:
    """What the vendor tells from one day on, of a session: close, dividend, split; or nothing."""

    row: tuple[float, float, float] | None
    since: int


@dataclass
class Ticker:
    """``told[session]``: what the vendor tells of it over time, the last that applies counts."""

    closes: list[float]
    told: dict[int, list[Told]] = field(default_factory=dict)

    def says(self, session, row, since=0):
        self.told.setdefault(session, []).append(Told(row, since))
        return self

    def on(self, session, today):
        known = [told.row for told in self.told.get(session, []) if told.since <= today]
        return known[-1] if known else (self.closes[session], 0.0, 1.0)


def calm(start=10.0):
    return Ticker([round(start + (place % 3) / 10 + place / 100, 3) for place in range(COUNT)])


def scaled(ticker, factor, sessions, since=0, until=COUNT):
    """Prices that the vendor shows times a factor, on some days."""
    for session in sessions:
        right = ticker.on(session, since)
        ticker.says(session, (round(right[0] * factor, 4), *right[1:]), since)
        ticker.says(session, right, until)
    return ticker


def from_then_on(factor, session):
    """Really at another level from one session on."""
    ticker = calm(70.0)
    levels = [1.0] * session + [factor] * (COUNT - session)
    return Ticker([round(c * level, 3) for c, level in zip(ticker.closes, levels, strict=True)])


def split(session, listed_from):
    """7:1; the split's row is told when it is listed."""
    ticker = from_then_on(1 / 7, session)
    return ticker.says(session, (ticker.closes[session], 0.0, 7.0), listed_from)


def lost(ticker, session, since, until):
    """A split that the vendor does not list for some days, its history re-based all the same."""
    right = ticker.on(session, session)
    ticker.says(session, (right[0], 0.0, 1.0), since).says(session, right, until)
    return scaled(ticker, 1 / 7, range(session), since, until)


def world():
    crash = from_then_on(0.6, 13)
    special = from_then_on(0.6, 13)
    return {
        "SPIKE": scaled(calm(), 2, [12]),
        "X100": scaled(calm(), 100, [14, 15, 16]),
        "X100MENDED": scaled(calm(), 100, [14], until=17),
        "HALVED": from_then_on(0.5, 18),
        "CRASH": crash,
        "SPECIAL": special.says(13, (special.closes[13], 28.0, 1.0), 17),
        "SPLIT": split(12, 12),
        "SPLITLATE": split(12, 16),
        "REBASED": scaled(split(12, 15), 1 / 7, range(12), since=12, until=15),
        "SPLITLOST": lost(split(10, 10), 10, 13, 16),
        "DIVIDENDLATE": calm().says(11, (10.31, 0.25, 1.0), 14),
        "DIVIDENDGONE": calm().says(11, (10.31, 0.25, 1.0)).says(11, (10.31, 0.0, 1.0), 14),
        "DIVIDENDMOVED": calm().says(11, (NaN, 0.25, 1.0)).says(11, None, 15)
        .says(12, (10.12, 0.25, 1.0), 15),
        "BARLATE": calm().says(15, None).says(15, (10.15, 0.0, 1.0), 18),
        "BARDROPPED": calm().says(15, None, 16).says(15, (10.15, 0.0, 1.0), 19),
        "CORRECTED": calm().says(9, (10.5, 0.0, 1.0)).says(9, (10.09, 0.0, 1.0), 12),
        "HALTED": calm().says(14, None).says(15, None).says(16, (NaN, 0.5, 1.0)).says(17, None),
        "SPIKEDIVIDEND": calm().says(20, (20.4, 0.3, 1.0)),
        "IMPOSSIBLE": calm().says(8, (-1.0, 0.3, 1.0)),
        "STALE": calm().says(21, (10.4, 0.0, 1.0)).says(20, (10.4, 0.0, 1.0)),
        **{f"CALM{place:02}": calm(20.0 + place) for place in range(12)},
    }  # fmt: skip


def told_on(tickers, today, first=0):
    """The vendor's answer on a day: the sessions from ``first`` through that day."""
    rows = [
        (SESSIONS[session], name, *row)
        for name, ticker in tickers.items()
        for session in range(max(first, 0), today + 1)
        if (row := ticker.on(session, today)) is not None
    ]
    return frame_of(rows)[RECEIVED]


def sort(tickers, today, sessions, known=None, verified=()):
    """One run on a day, over sessions by number."""
    answer = told_on(tickers, today, sessions[0] - WINDOW)
    days = [*verified, *sessions]
    members = pd.DataFrame(
        [(SESSIONS[day], name, "XNYS", "USD") for day in days for name in tickers],
        columns=["date", "ticker", "market", "currency"],
    )
    traded = answer[answer["close"].notna()].groupby("ticker")["date"]
    listing = pd.DataFrame({"first_bar": traded.min(), "last_bar": traded.max()})
    open_on = pd.DataFrame({"date": SESSIONS[list(sessions)], "market": "XNYS"})
    run = SESSIONS[list(sessions)]
    return sort_bars(answer, listing, members, open_on, "test", run, known or Known())


class Lake:
    """Stored rows by session, and what corrected them."""

    def __init__(self, tickers):
        self.tickers, self.stored, self.reasons, self.seen = tickers, {}, [], set()

    def begin(self, today):
        """A back-fill up to a day."""
        outcome = sort(self.tickers, today, range(today + 1))
        self.store(range(today + 1), outcome)

    def store(self, sessions, outcome):
        for session in sessions:
            self.stored[session] = outcome.good[outcome.good["date"] == SESSIONS[session]]

    def make(self, today, sessions):
        """Store sessions; those that new corrections name are returned."""
        window = list(range(max(sessions[0] - WINDOW, 0), sessions[0]))
        beside = [self.stored[day] for day in [*window, *sessions] if day in self.stored]
        known = Known(stored=pd.concat(beside, ignore_index=True))
        outcome = sort(self.tickers, today, sessions, known, window)
        assert not outcome.coverage["blocked"].any()
        self.store(sessions, outcome)
        found = outcome.corrections
        new = [
            (row, int(SESSIONS.get_loc(row["date"]))) for row in found.to_dict("records")
            if (row["ticker"], row["date"], row["row"]) not in self.seen
        ]  # fmt: skip
        self.seen |= {(row["ticker"], row["date"], row["row"]) for row, _ in new}
        self.reasons += [(row["ticker"], today, session, row["reason"]) for row, session in new]
        return sorted({session for _, session in new})

    def live(self):
        """A back-fill, then every day its session, and the corrections until none is left."""
        self.begin(START)
        for today in range(START + 1, COUNT):
            due = self.make(today, [today])
            rounds = 0
            while due:
                rounds += 1
                assert rounds < 4
                due = self.make(today, due)
        return pd.concat(self.stored.values(), ignore_index=True)


@pytest.fixture(scope="module")
def lake():
    lake = Lake(world())
    lake.rows = lake.live()
    return lake


@pytest.fixture(scope="module")
def at_once():
    return sort(world(), COUNT - 1, range(COUNT))


def test_day_by_day_ends_in_the_same_rows_as_one_range(lake, at_once):
    pd.testing.assert_frame_equal(lake.rows, at_once.good)


def test_every_correction_is_made_once_for_its_reason(lake):
    assert sorted(lake.reasons) == [
        ("BARLATE", 18, 15, "bar came late: close 10.15"),
        ("CORRECTED", 12, 9, "close corrected: 10.5 -> 10.09"),
        ("DIVIDENDGONE", 14, 11, "dividend withdrawn: 0.25"),
        ("DIVIDENDLATE", 14, 11, "dividend listed late: 0.25"),
        ("DIVIDENDMOVED", 15, 11, "dividend withdrawn: 0.25"),
        ("DIVIDENDMOVED", 15, 12, "dividend listed late: 0.25"),
        ("HALVED", 19, 18, "bar came late: close 35.09"),
        ("REBASED", 15, 12, "bar came late: close 10.017; split listed late: 7"),
        ("REBASED", 15, 13, "bar came late: close 10.033"),
        ("REBASED", 15, 14, "bar came late: close 10.049"),
        ("SPECIAL", 17, 13, "dividend listed late: 28; mark changed: suspect -> good"),
        ("SPLITLATE", 13, 12, "bar came late: close 10.017"),
        ("SPLITLATE", 16, 12, "split listed late: 7; mark changed: suspect -> good"),
        ("X100MENDED", 17, 14, "bar came late: close 10.34"),
    ]


def test_what_is_refused_and_what_is_marked_at_the_end(at_once):
    refused = at_once.bad.assign(session=SESSIONS.get_indexer(at_once.bad["date"]))
    assert refused.groupby(["ticker", "rule"])["session"].agg(list).to_dict() == {
        ("IMPOSSIBLE", "price"): [8],
        ("SPIKE", "move"): [12],
        ("SPIKEDIVIDEND", "move"): [20],
        ("X100", "x100"): [14, 15, 16],
    }
    marked = at_once.good[at_once.good["data_quality"] == "suspect"]
    assert dict(zip(marked["ticker"], SESSIONS.get_indexer(marked["date"]), strict=True)) == {
        "CRASH": 13,
        "HALVED": 18,
        "STALE": 21,
    }
    alone = at_once.good[at_once.good["close"].isna()]
    assert alone[["ticker", "dividend", "volume"]].values.tolist() == [
        ["IMPOSSIBLE", 0.3, 0], ["HALTED", 0.5, 0], ["SPIKEDIVIDEND", 0.3, 0],
    ]  # fmt: skip


def test_no_stored_row_breaks_a_rule(at_once):
    assert (broken_rule(at_once.good) == "").all()


def test_any_range_on_any_day_equals_its_single_sessions():
    tickers = world()
    ranged = sort(tickers, 20, range(12, 16))
    answer = told_on(tickers, 20, 2)
    assert len(answer) > 0
    singles = [sort_like(tickers, answer, day) for day in range(12, 16)]
    union = pd.concat([single.good for single in singles], ignore_index=True)
    pd.testing.assert_frame_equal(ranged.good, union)
    bad = pd.concat([single.bad for single in singles]).sort_values(["ticker", "date"])
    pd.testing.assert_frame_equal(ranged.bad, bad.reset_index(drop=True))
    table = pd.concat([single.coverage for single in singles], ignore_index=True)
    pd.testing.assert_frame_equal(ranged.coverage, table)


def sort_like(tickers, answer, day):
    members = pd.DataFrame(
        {"date": SESSIONS[day], "ticker": list(tickers), "market": "XNYS", "currency": "USD"}
    )
    traded = answer[answer["close"].notna()].groupby("ticker")["date"]
    listing = pd.DataFrame({"first_bar": traded.min(), "last_bar": traded.max()})
    open_on = pd.DataFrame({"date": SESSIONS[[day]], "market": "XNYS"})
    return sort_bars(answer, listing, members, open_on, "test", SESSIONS[[day]])


def test_the_order_of_rows_changes_nothing(at_once):
    answer = told_on(world(), COUNT - 1)
    shuffled = answer.iloc[np.random.default_rng(0).permutation(len(answer))]
    members = pd.DataFrame(
        [(day, name, "XNYS", "USD") for day in SESSIONS for name in world()],
        columns=["date", "ticker", "market", "currency"],
    )
    open_on = pd.DataFrame({"date": SESSIONS, "market": "XNYS"})
    none = pd.DataFrame(columns=["first_bar", "last_bar"], dtype="datetime64[us]")
    found = sort_bars(shuffled, none, members, open_on, "test", SESSIONS)
    pd.testing.assert_frame_equal(found.good, at_once.good)
    pd.testing.assert_frame_equal(found.bad, at_once.bad)
