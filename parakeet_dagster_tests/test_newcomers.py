"""Members come and go: their prices come before them, and stay after them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import dagster as dg
import pandas as pd
import pytest

from parakeet_dagster import backfill, connect, runs
from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.covering import covered_on
from parakeet_dagster.backfill import Progress, Span
from parakeet_dagster.errors import SessionError
from parakeet_dagster.price_sources.base import FailureClass, TickerFailure
from parakeet_dagster.price_sources.fx import PAIR
from parakeet_dagster.price_sources.sample import SampleSource
from parakeet_dagster.universe_sources.base import Membership
from parakeet_dagster_tests.graph import Graph, bytes_of, graph, metadata_of  # noqa: F401 - a fixture
from strategy.catalog import CATALOG
from strategy.strategy import Strategy
from strategy.universes import sample

SHORT: Mapping[str, Strategy] = {"equal_weight": CATALOG["equal_weight"]}
DAYS = calendar.between("2022-05-31", "2022-06-14")
JOINS, LEAVES = DAYS[5], DAYS[7]
ALWAYS = ("AAPL", "JPM", "MSFT", "XOM")
SPANS = dict.fromkeys(ALWAYS, (DAYS[0], "9999")) | {"KO": (JOINS, "9999"), "PEP": (DAYS[0], LEAVES)}
"""First session as a member, and first one no longer: KO joins late, PEP leaves."""

EVERYONE = sorted(SPANS)
WITHOUT_KO, WITHOUT_PEP = (sorted({*SPANS} - {name}) for name in ("KO", "PEP"))

SAMPLE = sample.members()


class ByDay:
    """A history of membership, as a source has it that learns of changes on their day."""

    name = "bundled"

    def __init__(self, known_until: str) -> None:
        self.known_until = known_until
        self.is_history = True

    def members(self, key: str) -> pd.DataFrame:
        today = [name for name, span in SPANS.items() if span[0] <= self.known_until < span[1]]
        return SAMPLE[SAMPLE["ticker"].isin(today)]

    def membership(
        self, keys: Sequence[str], sessions: pd.DatetimeIndex, last_good: pd.DataFrame
    ) -> Membership:
        rows = [
            (day, name)
            for day in sessions
            for name, (first, end) in SPANS.items()
            if first <= calendar.key(day) < end
        ]
        pairs = pd.DataFrame(rows, columns=["date", "ticker"]).astype({"ticker": "str"})
        members = pairs.merge(SAMPLE, on="ticker").assign(universe="SAMPLE")
        lists = pd.DataFrame({"date": sessions, "universe": "SAMPLE", "source": "a test"}).assign(
            as_of=sessions[-1], point_in_time=self.is_history
        )
        nothing = pd.DataFrame({"universe": [], "message": []})
        return Membership(members.sort_values(["date", "ticker"]), lists, nothing)


@pytest.fixture(autouse=True)
def source(monkeypatch: pytest.MonkeyPatch) -> ByDay:
    found = ByDay(DAYS[-1])
    monkeypatch.setattr(connect, "open_universe_source", lambda settings, keys: found)
    return found


def progress_of(graph: Graph, database) -> Progress:
    graph_of_assets = graph.definitions().resolve_asset_graph()
    return Progress(backfill.dependencies(graph_of_assets), graph.instance, graph.lake, database)


def tickers(graph: Graph, asset: str, session: str) -> list[str]:
    return graph.lake.read(asset, [session])["ticker"].tolist()


def bytes_of_lake(graph: Graph) -> dict[str, bytes]:
    return bytes_of(graph.home / "lake")


def heal(graph: Graph, database, last: str) -> None:
    """What the back-fill does, and the healing sensor asks for."""
    for span in backfill.plan(progress_of(graph, database), Span(DAYS[0], last), 1):
        runs.run(graph.definitions(), graph.instance, span, "a test")
    assert backfill.plan(progress_of(graph, database), Span(DAYS[0], last), 1) == []


def test_a_range_knows_who_joins_and_who_leaves_within_it(graph, database):
    result = graph.run(DAYS[0], DAYS[-1])
    assert result.success
    assert all(tickers(graph, "raw_prices", day) == EVERYONE for day in DAYS)
    assert all(tickers(graph, "daily_returns", day) == EVERYONE for day in DAYS)
    assert tickers(graph, "signals/equal_weight", DAYS[0]) == WITHOUT_KO
    assert tickers(graph, "signals/equal_weight", JOINS) == EVERYONE
    assert tickers(graph, "signals/equal_weight", LEAVES) == WITHOUT_PEP
    shown = metadata_of(result, "signals/equal_weight", JOINS)
    assert shown["membership"] == "SAMPLE as of the day (a test)"
    assert (shown["members"], shown["without_prices"]) == (6, 0)

    progress = progress_of(graph, database)
    strange, known = frozenset({"WMT"}), frozenset({"KO"})
    with pytest.raises(SessionError, match="--tickers WMT: no stored session"):
        backfill.merge(progress, Span(DAYS[0], DAYS[1], tickers=strange), graph.lake)
    later = calendar.offset(DAYS[-1], 1)
    with pytest.raises(SessionError, match=f"and {later} is not: run parakeet backfill"):
        backfill.merge(progress, Span(DAYS[0], str(later), tickers=known), graph.lake)
    wanted = Span(DAYS[0], DAYS[1], tickers=known)
    assert backfill.merge(progress, wanted, graph.lake) == [
        wanted,
        Span(DAYS[2], DAYS[-1], derived=True),
    ]


def test_day_by_day_ends_where_a_range_at_once_begins(graph, database):
    """A newcomer's history is brought in on the day it joins, by a run for it alone."""
    joined = DAYS.index(JOINS)
    before = DAYS[:joined]
    assert graph.run(before[0], before[-1]).success
    assert graph.run(JOINS).success
    assert [tickers(graph, "raw_prices", day) for day in before] == [WITHOUT_KO] * joined
    assert lacking(database) == {("KO", "NO_HISTORY"): before}
    assert graph.run(JOINS).success
    assert set(database.open_failures()["attempts"]) == {1}
    assert backfill.plan(progress_of(graph, database), Span(DAYS[0], JOINS), 1) == [
        Span(before[0], before[-1], tickers=frozenset({"KO"})),
        Span(JOINS, JOINS, derived=True),
    ]

    heal(graph, database, JOINS)
    assert lacking(database) == {}
    assert graph.run(DAYS[joined + 1], DAYS[-1]).success
    day_by_day = bytes_of(graph.home / "lake")
    (graph.home / "lake").rename(graph.home / "kept")
    assert graph.run(DAYS[0], DAYS[-1]).success
    at_once = bytes_of(graph.home / "lake")
    assert sorted(day_by_day) == sorted(at_once)
    assert [path for path, whole in at_once.items() if day_by_day[path] != whole] == []


def test_one_that_could_not_be_had_on_its_first_day_is_not_forgotten(
    graph,
    database,
    monkeypatch,
):
    joined = DAYS.index(JOINS)
    assert graph.run(DAYS[joined - 2], DAYS[joined - 1]).success
    fetch = SampleSource.fetch

    def without_ko(error_class):
        def fetched(self, members, start, end, batch=None):
            found = fetch(self, members[members["ticker"] != "KO"], start, end, batch)
            failed = TickerFailure("KO", error_class, "no")
            return replace(found, failures=(*found.failures, failed))

        return fetched

    with monkeypatch.context() as patch:
        patch.setattr(SampleSource, "fetch", without_ko(FailureClass.TIMEOUT))
        assert graph.run(JOINS).success
    assert lacking(database) == {("KO", "TIMEOUT"): [JOINS]}
    assert graph.run(DAYS[joined + 1]).success
    assert lacking(database) == {
        ("KO", "NO_HISTORY"): DAYS[joined - 2 : joined],
        ("KO", "TIMEOUT"): [JOINS],
    }

    lacks = DAYS[joined - 2 : joined]
    with monkeypatch.context() as patch:
        patch.setattr(SampleSource, "fetch", without_ko(FailureClass.NO_DATA))
        span = Span(lacks[0], lacks[-1], tickers=frozenset({"KO"}))
        runs.run(graph.definitions(), graph.instance, span, "a test")
    assert lacking(database)["KO", "NO_HISTORY"] == lacks, "the vendor's word does not end it"
    assert database.open_failures()["attempts"].max() == 2

    rate = {"ticker": PAIR, "session": pd.Timestamp(lacks[0]), "error_class": "TIMEOUT"}
    day = pd.Timestamp(lacks[0]).date()
    database.record_failures(pd.DataFrame([rate | {"message": "no"}]), day, day, [], "a fetch")
    (first, *_) = backfill.plan(progress_of(graph, database), Span(lacks[0], lacks[-1]), 1)
    assert first == Span(lacks[0], JOINS), "an exchange rate needs a whole run"


def lacking(database) -> dict[tuple[str, str], list[str]]:
    """The sessions of the open failures, by ticker and class."""
    found = database.open_failures().groupby(["ticker", "error_class"])["session"]
    return {name: [calendar.key(day) for day in days] for name, days in found}


def test_who_joins_in_a_later_chunk_is_known_in_the_first(graph, database):
    pieces = [Span(DAYS[0], DAYS[3]), Span(DAYS[4], DAYS[6])]
    runs.run_membership(graph.definitions(), graph.instance, pieces, "a test")
    assert graph.lake.sessions("ticker_universe") == DAYS[:7]
    assert graph.lake.sessions("raw_prices") == []
    runs.run(graph.definitions(), graph.instance, pieces[0], "a test")
    assert tickers(graph, "raw_prices", DAYS[0]) == EVERYONE
    assert set(covered_on(graph.lake, DAYS[:7])["ticker"]) == set(EVERYONE)


def test_a_session_keeps_its_list_until_lists_are_taken_again(graph, source, monkeypatch):
    """A list of a later day put into the past would be survivorship bias, and nobody would know."""
    source.is_history = False
    only = [dg.AssetKey("ticker_universe")]
    assert graph.run(DAYS[0], DAYS[1], only).success
    monkeypatch.delitem(SPANS, "AAPL")
    result = graph.run(DAYS[0], DAYS[1], only)
    assert "AAPL" in tickers(graph, "ticker_universe", DAYS[0])
    told = metadata_of(result, "ticker_universe", DAYS[0])["membership"]
    assert told == f"SAMPLE is the list of {DAYS[1]} (a test): survivorship-biased"

    pieces = [Span(DAYS[0], DAYS[0], lists=True), Span(DAYS[1], DAYS[1], lists=True)]
    runs.run_membership(graph.definitions(), graph.instance, pieces, "a test")
    assert "AAPL" not in tickers(graph, "ticker_universe", DAYS[0])
