"""Back-fills from the command line: what is outstanding, and the ranges that bring it in.

What is done is read from the Dagster instance, the lake and the database, never from a file of our
own: a back-fill that was killed at any point goes on where it stopped when it is asked for again.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import dagster as dg
import pandas as pd
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from parakeet_dagster import clock
from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.batches import LISTS_TAG, TICKERS_TAG
from parakeet_dagster.assets.covering import covered_on
from parakeet_dagster.assets.orders import ORDERS, holdings_path
from parakeet_dagster.checks.prices import due_session
from parakeet_dagster.closures import FIRST_DAY, LAST_DAY
from parakeet_dagster.errors import SessionError
from parakeet_dagster.partitions import RANGE_TAGS, sessions
from parakeet_dagster.price_sources.base import FailureClass, PriceSource
from parakeet_dagster.price_sources.fx import PAIR
from parakeet_dagster.resources.io_manager import asset_path
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.storage.performance import PERFORMANCE

WORTH_A_TRY = (
    FailureClass.RATE_LIMIT,
    FailureClass.TIMEOUT,
    FailureClass.NETWORK,
    FailureClass.BAD_DATA,
)
"""What another try may mend. What is delisted, or has no data, is asked for daily anyway."""

TRIES = 3
"""In so many runs a ticker may fail on one session before it is left alone."""

TRIES_FOR_HISTORY = 8
"""The same of a newcomer's history, for which nobody asks again by the way."""

PRICES = dg.AssetKey("raw_prices")
TABLE = dg.AssetKey("market_data")
RETURNS = dg.AssetKey("daily_returns")
UNIVERSE = dg.AssetKey("ticker_universe")


@dataclass(frozen=True)
class Span:
    """A range of sessions, both ends included.

    derived: leaves the prices as they are stored, and computes what follows from them.
    tickers: where there are any, only these are asked for, and merged into what is stored.
    lists: today's lists of members are taken for sessions that have theirs already.
    """

    first: str
    last: str
    derived: bool = False
    tickers: frozenset[str] = frozenset()
    lists: bool = False

    @property
    def keys(self) -> list[str]:
        """Every session in it."""
        return calendar.between(self.first, self.last)

    @property
    def tags(self) -> dict[str, str]:
        """Of the run that brings it in."""
        tags = dict(zip(RANGE_TAGS, (self.first, self.last), strict=True))
        if self.tickers:
            tags[TICKERS_TAG] = " ".join(sorted(self.tickers))
        if self.lists:
            tags[LISTS_TAG] = "again"
        return tags

    def selection(self, graph: AssetGraph) -> list[dg.AssetKey]:
        """The assets of that run, none of those without partitions."""
        partitioned = dependencies(graph)
        if not (self.derived or self.tickers):
            return list(partitioned)
        derived = dg.AssetSelection.assets(RETURNS).downstream()
        merged = dg.AssetSelection.assets(*((PRICES, TABLE) if self.tickers else ()))
        return [key for key in (derived | merged).resolve(graph) if key in partitioned]


def snap(first: str, last: str, prices: PriceSource) -> Span:
    """The sessions inside two dates.

    Raises:
        SessionError: a date is malformed, the range is reversed, holds no session, or reaches
            outside the sessions that can be had.
    """
    start, end = calendar.parse_date(first), calendar.parse_date(last)
    if end < start:
        raise SessionError(f"the range {first} {last} is reversed: write the earlier date first")
    keys = calendar.between(calendar.key(start), calendar.key(end))
    earliest, latest = first_session(), due_session(prices, clock.now())
    if calendar.key(start) < FIRST_DAY or (keys and keys[0] < earliest):
        raise SessionError(f"{first} is before the first session {earliest}: start there")
    if calendar.key(end) > LAST_DAY or (keys and keys[-1] > latest):
        whose = f"the {prices.name}'s last" if prices.last_session else "the last completed"
        raise SessionError(f"{last} is after {whose} session {latest}: end there")
    if not keys:
        raise SessionError(
            f"there is no session from {first} to {last}: no market was open;"
            f" the nearest are {calendar.nearest(start)}"
        )
    return Span(keys[0], keys[-1])


def first_session() -> str:
    """The first session of the partition definition."""
    return str(sessions.get_first_partition_key())


def dependencies(graph: AssetGraph) -> dict[dg.AssetKey, frozenset[dg.AssetKey]]:
    """Every asset with partitions, upstream first, and the assets it is computed from."""
    return {
        key: frozenset(graph.get(key).parent_keys)
        for key in graph.toposorted_asset_keys
        if graph.get(key).partitions_def is not None
    }


def reports(graph: AssetGraph) -> dict[dg.AssetKey, frozenset[dg.AssetKey]]:
    """The assets that tell of all sessions at once, and what they are computed from."""
    return {
        key: frozenset(graph.get(key).parent_keys)
        for key in graph.toposorted_asset_keys
        if key.path[0] == PERFORMANCE
    }


class Progress:
    """What is recorded and stored at one moment.

    Args:
        assets: every asset that a back-fill materialises, see ``dependencies``.
        instance: where materialisations are recorded.
        lake: where frames are.
        database: where rows are.
    """

    def __init__(
        self,
        assets: Mapping[dg.AssetKey, Collection[dg.AssetKey]],
        instance: dg.DagsterInstance,
        lake: Lake,
        database: Database,
    ) -> None:
        self.assets = assets
        downstream: set[dg.AssetKey] = set()
        for key, parents in assets.items():
            if not {RETURNS, *downstream}.isdisjoint(parents):
                downstream.add(key)
        self._base = assets.keys() - downstream
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION
        self._recorded = {
            key: instance.event_log_storage.get_latest_storage_id_by_partition(key, kind)
            for key in assets
        }
        stored = {key: set(lake.sessions(asset_path(key))) for key in assets}
        self.history = sorted(stored[PRICES])
        with_bars = {calendar.key(day) for day in database.market_data_sessions()}
        rest = sorted(stored[PRICES] - with_bars)
        prices = lake.read("raw_prices", rest)
        expected = {calendar.key(day) for day in prices.dropna(subset="close")["date"].unique()}
        stored[TABLE] = with_bars | (set(rest) - expected)
        in_database = {
            "allocations": database.allocation_sessions(),
            ORDERS: database.order_sessions(),
        }
        for key in assets:
            if key.path[0] in in_database:
                days = in_database[key.path[0]].get(key.path[-1], [])
                stored[key] &= {calendar.key(day) for day in days}
            if key.path[0] == ORDERS:
                stored[key] &= set(lake.sessions(holdings_path(key.path[-1])))
        self._carried = [RETURNS, *(key for key in assets if key.path[0] == ORDERS)]
        self._stored = stored
        failures = database.open_failures()
        self._failed = failed_tickers(failures)
        self._corrected = corrected_sessions(database)
        self._since = open_since(failures)
        self._waiting = self._corrected | self._failed.keys()
        self._starts = {
            key: min(stored[key] & self._recorded[key].keys(), default=LAST_DAY) for key in assets
        }
        # Prices whose returns failed are half done, also where there are no returns at all yet.
        self._starts[RETURNS] = min(self._starts[RETURNS], self._starts[PRICES])
        for key in self._carried[1:]:  # an account is kept from its first target on
            begun = [self._starts[one] for one in assets[key] if one.path[0] == "allocations"]
            self._starts[key] = min([self._starts[key], *begun])

    @property
    def lost_its_records(self) -> bool:
        """Whether prices are stored, and nothing at all is on record."""
        return bool(self.history) and not any(self._recorded.values())

    def missing(self, asset: dg.AssetKey, keys: Sequence[str]) -> list[str]:
        """The sessions that are not recorded, or not stored."""
        return [
            key
            for key in keys
            if key not in self._recorded[asset] or key not in self._stored[asset]
        ]

    def stored(self, asset: dg.AssetKey) -> list[str]:
        """The stored sessions of an asset, ascending."""
        return sorted(self._stored[asset])

    def is_done(self, session: str) -> bool:
        """Whether every asset has the session, computed after all that it is computed from.

        Returns older than those of the session before were computed from what has been corrected
        since, or from a history that started later. Nor is it done while a correction of it is
        known, or a ticker of it failed in a way that another try may mend.
        """
        return (
            session not in self._waiting
            and self._follows(session)
            and self._has(session, self.assets)
        )

    def is_brought_in(self, session: str) -> bool:
        """Whether the session has its prices and its returns, and the returns are not older."""
        return session not in self._waiting and self._has(session, self._base)

    def is_broken(self, session: str) -> bool:
        """Whether the session is not done although it lies inside the history of an asset."""
        begun = [key for key, start in self._starts.items() if start <= session]
        return bool(begun) and not (
            session not in self._waiting and self._follows(session) and self._has(session, begun)
        )

    def only_failed(self, keys: Sequence[str]) -> frozenset[str]:
        """The tickers that failed on ``keys``, where nothing else is wrong with the prices there.

        Empty where something else is: a session is missing, the vendor corrected it, or the
        exchange rate failed.
        """
        beside = self.assets[RETURNS]
        is_sound = all(
            self._has(key, [PRICES]) and not any(self.missing(asset, [key]) for asset in beside)
            for key in keys
        )
        failed = frozenset().union(*(self._failed.get(key, ()) for key in keys))
        if not is_sound or self._corrected.intersection(keys) or PAIR in failed:
            return frozenset()
        return failed

    def open_since(self, session: str) -> pd.Timestamp | None:
        """When what is open of a session was first seen; None where nothing is on record."""
        return self._since.get(session)

    def why_broken(self, span: Span) -> str:
        """What is wrong in a span, in words, for a log."""
        keys = [key for key in span.keys if self.is_broken(key)]
        missing = [key for key in keys if self.missing(PRICES, [key])]
        waiting = [key for key in keys if key in self._waiting and key not in missing]
        stale = len(keys) - len(missing) - len(waiting)
        counts = {
            "without prices": len(missing),
            "with a correction or a failed ticker": len(waiting),
            "half done or stale": stale,
        }
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)

    def _follows(self, session: str) -> bool:
        """Whether what goes on from the session before is as new as it is there."""
        before = str(calendar.offset(session, -1))
        return all(
            self._recorded[key].get(before, 0) <= self._recorded[key].get(session, 0)
            for key in self._carried
        )

    def are_stale(
        self,
        assets: Mapping[dg.AssetKey, Collection[dg.AssetKey]],
        instance: dg.DagsterInstance,
    ) -> bool:
        """Whether one of ``assets``, which have no partitions, is older than a parent of it."""

        def is_stale(key: dg.AssetKey) -> bool:
            newest = [id_ for parent in assets[key] for id_ in self._recorded[parent].values()]
            made = instance.fetch_materializations(key, limit=1).records
            return not made or made[0].storage_id < max(newest, default=0)

        return any(map(is_stale, assets))

    def _has(self, session: str, assets: Collection[dg.AssetKey]) -> bool:
        """Whether ``assets`` have the session, none of them older than a parent."""
        return not any(self.missing(asset, [session]) for asset in assets) and all(
            self._recorded[parent].get(session, 0) < self._recorded[asset][session]
            for asset in assets
            for parent in self.assets[asset]
        )


def failed_tickers(failures: pd.DataFrame) -> dict[str, set[str]]:
    """Per session the tickers with a failure that is worth another try.

    Args:
        failures: what is open, see ``Database.open_failures``.
    """
    attempts = failures["attempts"]
    again = failures["error_class"].isin(WORTH_A_TRY) & (attempts < TRIES)
    worth = again | _waits_for_history(failures)
    by_session: dict[str, set[str]] = {}
    for session, ticker in failures.loc[worth, ["session", "ticker"]].itertuples(index=False):
        by_session.setdefault(calendar.key(session), set()).add(ticker)
    return by_session


def _waits_for_history(failures: pd.DataFrame) -> "pd.Series[bool]":
    is_history = failures["error_class"] == FailureClass.NO_HISTORY
    return is_history & (failures["attempts"] < TRIES_FOR_HISTORY)


def open_since(failures: pd.DataFrame) -> dict[str, pd.Timestamp]:
    """Per session, when the newest of its open failures was first seen."""
    newest = failures.groupby(failures["session"].dt.strftime("%Y-%m-%d"))["first_seen"].max()
    return {str(key): moment for key, moment in newest.items()}


def corrected_sessions(database: Database) -> set[str]:
    """The sessions with a correction that is not applied."""
    return {calendar.key(day) for day in database.open_corrections()["date"].unique()}


def again(progress: Progress, wanted: Span) -> list[Span]:
    """Bring in ``wanted`` whether it is done or not, and compute again what is stored after it."""
    later = [key for key in progress.history if key > wanted.last]
    return [wanted, *_recomputed(later)]


def merge(progress: Progress, wanted: Span, lake: Lake) -> list[Span]:
    """Bring the tickers of ``wanted`` into what is stored, and compute again what follows.

    Raises:
        SessionError: a session is not stored, or a ticker belongs to none of them.
    """
    missing = progress.missing(PRICES, wanted.keys)
    if missing:
        raise SessionError(
            f"--tickers merges into what is stored, and {missing[0]} is not: run parakeet backfill"
            f" {wanted.first} {wanted.last} first"
        )
    known = set(covered_on(lake, wanted.keys)["ticker"])
    strangers = sorted(wanted.tickers - known)
    if strangers:
        raise SessionError(
            f"--tickers {strangers[0]}: no stored session from {wanted.first} on has it as a member"
            " soon enough; a new member's history comes by itself on the day it joins, and --lists"
            " puts today's lists into the past"
        )
    return [wanted, *_recomputed([key for key in progress.history if key > wanted.last])]


def _recomputed(keys: list[str]) -> list[Span]:
    return [Span(keys[0], keys[-1], derived=True)] if keys else []


def plan(progress: Progress, wanted: Span, history: int) -> list[Span]:
    """What must run so that ``wanted`` is complete, and what is stored too, in this order.

    The look-back comes first: ``history`` sessions up to the first one wanted, as far as there are
    any. No gap is left to what is already stored, nor inside it: a back-fill that was killed goes
    on wherever that was. Sessions that are stored between and after those that come in are
    computed again, since they depend on them; their prices are left alone.
    """
    stored = progress.history
    start = max(calendar.offset(wanted.first, 1 - history) or "", first_session())
    end = wanted.last
    if stored:
        known = calendar.between(max(stored[0], first_session()), stored[-1])
        broken = next((key for key in known if progress.is_broken(key)), start)
        start = min(start, broken, calendar.offset(stored[-1], 1) or start)
        end = max(end, stored[-1])
    keys = calendar.between(start, end)
    todo = [key for key in keys if not progress.is_done(key)]
    if not todo:
        return []
    lacking = [key for key in keys if not progress.is_brought_in(key)]
    if not lacking:
        return [Span(todo[0], end, derived=True)]
    earlier = [key for key in keys if todo[0] <= key < lacking[0]]
    later = [key for key in keys if key > lacking[-1]]
    alone = tickers_first(progress, lacking)
    others = lacking[len(alone) :]
    following = calendar.offset(alone[-1], 1) if alone else lacking[0]
    return [
        *_recomputed(earlier),
        *([Span(alone[0], alone[-1], tickers=progress.only_failed(alone))] if alone else []),
        *([Span(str(following), others[-1])] if others else []),
        *_recomputed(later),
    ]


def tickers_first(progress: Progress, keys: Sequence[str]) -> list[str]:
    """The first of ``keys`` that lack some tickers only: to be asked for by themselves.

    With a session that lacks everything they would be one range, of everything.
    """
    return list(takewhile(lambda key: progress.only_failed([key]), keys))


def plan_for_who_joined(progress: Progress, database: Database) -> list[Span]:
    """What must run once more, where a back-fill brought in a session on which a ticker joined.

    Only what is stored is completed.
    """
    if not _waits_for_history(database.open_failures()).any():
        return []
    return plan(progress, Span(progress.history[0], progress.history[-1]), 1)


def chunks(spans: Sequence[Span], size: int) -> Iterator[Span]:
    """The spans in pieces of at most ``size`` sessions, ascending."""
    for span in spans:
        keys = span.keys
        for place in range(0, len(keys), size):
            piece = keys[place : place + size]
            yield replace(span, first=piece[0], last=piece[-1])


def batch_of(kind: str, wanted: Span, settings: Settings) -> str:
    """The name under which answers are kept: what is asked for again goes on with them.

    Args:
        kind: of whom it is; a name's first word.
        wanted: the sessions, and the tickers where it is of some only.
        settings: which universes are fetched.
    """
    whose = f"{settings.universe_keys} {settings.universe_file} {sorted(wanted.tickers)}"
    what = f"{wanted.first} {wanted.last} {whose}"
    return f"{kind}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"
