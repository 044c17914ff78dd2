"""Members come and go: their prices come before them, and stay after them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from parakeet_dagster import backfill, connect
from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.covering import covered_on
from parakeet_dagster.backfill import Progress, Span
from parakeet_dagster.errors import SessionError
from parakeet_dagster.price_sources.base import FailureClass, TickerFailure
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
            as_of=sessions[-1], point_in_time=True
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


class TestRange:
    def test_a_member_s_prices_start_before_it_joins_and_stay_when_it_leaves(self, graph):
        assert graph.run(DAYS[0], DAYS[-1]).success
        assert all(
            tickers(graph, "raw_prices", day) == EVERYONE for day in DAYS if day != "2022-06-13"
        )
        assert tickers(graph, "signals/equal_weight", DAYS[0]) == WITHOUT_KO
        assert tickers(graph, "signals/equal_weight", JOINS) == EVERYONE
        assert tickers(graph, "signals/equal_weight", LEAVES) == WITHOUT_PEP

    def test_the_ui_says_how_the_members_are_known(self, graph):
        result = graph.run(DAYS[0], DAYS[-1])
        shown = metadata_of(result, "signals/equal_weight", JOINS)
        assert shown["membership"] == "SAMPLE as of the day (a test)"
        assert (shown["members"], shown["without_prices"]) == (6, 0)


class TestDayByDay:
    """The history of a newcomer is brought in on the day it joins, by a run for it alone."""

    @pytest.fixture
    def joined(self, graph) -> Graph:
        """Through the day on which KO joins."""
        assert graph.run(DAYS[0], calendar.offset(JOINS, -1)).success
        assert graph.run(JOINS).success
        return graph

    def test_what_is_lacking_is_known(self, joined, database):
        before = DAYS[: DAYS.index(JOINS)]
        assert [tickers(joined, "raw_prices", day) for day in before] == [WITHOUT_KO] * 5
        found = database.open_failures()
        assert found["ticker"].unique().tolist() == ["KO"]
        assert found["error_class"].unique().tolist() == ["NO_HISTORY"]
        assert [calendar.key(day) for day in found["session"]] == before
        assert backfill.plan(progress_of(joined, database), Span(DAYS[0], JOINS), 1) == [
            Span(before[0], before[-1], tickers=frozenset({"KO"})),
            Span(JOINS, JOINS, derived=True),
        ]

    def test_a_second_run_of_the_day_asks_for_it_once(self, joined, database):
        assert joined.run(JOINS).success
        assert set(database.open_failures()["attempts"]) == {1}

    def test_one_that_could_not_be_had_on_its_first_day_is_not_forgotten(
        self, graph, database, monkeypatch
    ):
        assert graph.run(DAYS[0], calendar.offset(JOINS, -1)).success
        fetch = SampleSource.fetch

        def without_ko(self, members, start, end, batch=None):
            found = fetch(self, members[members["ticker"] != "KO"], start, end, batch)
            failed = TickerFailure("KO", FailureClass.TIMEOUT, "30 s")
            return replace(found, failures=(*found.failures, failed))

        with monkeypatch.context() as patch:
            patch.setattr(SampleSource, "fetch", without_ko)
            assert graph.run(JOINS).success
        assert graph.run(DAYS[DAYS.index(JOINS) + 1]).success
        lacking = DAYS[: DAYS.index(JOINS) + 1]
        assert [calendar.key(day) for day in database.open_failures()["session"]] == lacking
        self.heal(graph, database, DAYS[DAYS.index(JOINS) + 1])
        assert all("KO" in tickers(graph, "daily_returns", day) for day in lacking)

    def test_it_ends_where_a_range_at_once_begins(self, joined, database, tmp_path):
        self.heal(joined, database, JOINS)
        assert database.open_failures().empty
        for day in DAYS[DAYS.index(JOINS) + 1 :]:
            assert joined.run(day).success
        self.heal(joined, database, DAYS[-1])
        day_by_day = bytes_of_lake(joined)
        kept = Path(tmp_path / "kept")
        (joined.home / "lake").rename(kept)
        assert joined.run(DAYS[0], DAYS[-1]).success
        at_once = bytes_of_lake(joined)
        assert sorted(day_by_day) == sorted(at_once)
        assert [path for path, whole in at_once.items() if day_by_day[path] != whole] == []

    @staticmethod
    def heal(graph: Graph, database, last: str) -> None:
        progress = progress_of(graph, database)
        for span in backfill.plan(progress, Span(DAYS[0], last), 1):
            backfill.run(graph.definitions(), graph.instance, span, "a test")
        assert backfill.plan(progress_of(graph, database), Span(DAYS[0], last), 1) == []

    def test_a_run_for_some_tickers_leaves_the_others_alone(self, joined):
        before = joined.lake.read("raw_prices", DAYS[:3])
        span = Span(DAYS[0], DAYS[2], tickers=frozenset({"KO"}))
        backfill.run(joined.definitions(), joined.instance, span, "a test")
        after = joined.lake.read("raw_prices", DAYS[:3])
        others = after[after["ticker"] != "KO"].reset_index(drop=True)
        pd.testing.assert_frame_equal(others, before)
        assert (after["ticker"] == "KO").sum() == 3


class TestTickersOption:
    def test_what_cannot_be_merged_is_one_line(self, graph, database):
        assert graph.run(DAYS[0], DAYS[2]).success
        progress = progress_of(graph, database)
        wanted = Span(DAYS[0], DAYS[3], tickers=frozenset({"KO"}))
        with pytest.raises(SessionError, match=f"and {DAYS[3]} is not: run parakeet backfill"):
            backfill.merge(progress, wanted, graph.lake)
        wanted = Span(DAYS[0], DAYS[2], tickers=frozenset({"WMT"}))
        with pytest.raises(SessionError, match="--tickers WMT: no stored session"):
            backfill.merge(progress, wanted, graph.lake)

    def test_what_follows_is_computed_again(self, graph, database):
        assert graph.run(DAYS[0], DAYS[4]).success
        progress = progress_of(graph, database)
        wanted = Span(DAYS[0], DAYS[1], tickers=frozenset({"PEP"}))
        assert backfill.merge(progress, wanted, graph.lake) == [
            wanted,
            Span(DAYS[2], DAYS[4], derived=True),
        ]


class TestBackfillInChunks:
    def test_who_joins_in_a_later_chunk_is_known_in_the_first(self, graph, database):
        pieces = [Span(DAYS[0], DAYS[3]), Span(DAYS[4], DAYS[-1])]
        backfill.run_membership(graph.definitions(), graph.instance, pieces, "a test")
        assert graph.lake.sessions("ticker_universe") == DAYS
        assert graph.lake.sessions("raw_prices") == []
        for piece in pieces:
            backfill.run(graph.definitions(), graph.instance, piece, "a test")
        assert "KO" in tickers(graph, "raw_prices", DAYS[0])
        assert database.open_failures().empty
        assert set(covered_on(graph.lake, DAYS)["ticker"]) == set(SPANS)
