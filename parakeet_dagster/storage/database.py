"""The database of Parakeet: Neon, any PostgreSQL, or the embedded one."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import Dialect

from parakeet_dagster.errors import SchemaVersionError
from parakeet_dagster.retries import retry_context
from parakeet_dagster.storage import (
    acceptances,
    allocations,
    api_keys,
    corrections,
    entries,
    failure_log,
    healing,
    holdings,
    market_data,
    migrations,
    orders,
    quarantine,
    renames,
    restoring,
    revisions,
    trades,
    universe_lists,
)
from parakeet_dagster.storage.api_keys import Scope
from parakeet_dagster.storage.async_engine import async_engine
from parakeet_dagster.storage.dagster_schema import make_schema
from parakeet_dagster.storage.database_errors import CONNECTING, is_transient, one_line_errors
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster.storage.dumps import Dump, Manifest
from parakeet_dagster.storage.login import FixedLogin, Login, log_in_by
from parakeet_dagster.storage.market_data import MarketDataSummary, MergeCounts, Rebuilt
from parakeet_dagster.storage.migrations import SchemaState
from parakeet_dagster.storage.quarantine import Decision
from parakeet_dagster.storage.trades import TradeCounts

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_CONNECT_ATTEMPT_SECONDS = 10
_APPLICATION = "parakeet"
_SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


class Database:
    """Everything that is read from and written to PostgreSQL.

    Nothing is connected before the first use, which also sets up an empty database; one with the
    schema of an older Parakeet waits for ``migrate``. Every method is one transaction: it happens
    whole or not at all. Frames come and go with ``date`` and ``session`` as datetime64[us] at
    midnight.

    Args:
        url: where the database is; a ``Login`` where that may change meanwhile.
        connect_seconds: how long connecting is tried again, with jittered back-off: a suspended
            Neon takes seconds to wake up. What no retry mends fails at once.

    Raises:
        DatabaseError: from every method, in one line without the password, when the server cannot
            be reached or refuses what it is asked.
        SchemaVersionError: from every method but ``migrate`` and ``schema_state``, in one line,
            when the schema is older than this Parakeet; from ``migrate`` too when it is newer.
    """

    def __init__(self, url: DatabaseUrl | Login, connect_seconds: float = 20.0) -> None:
        self._login = FixedLogin(url) if isinstance(url, DatabaseUrl) else url
        self._connect_seconds = connect_seconds
        self._schema_lock = Lock()
        self._has_schema = False

    @property
    def url(self) -> DatabaseUrl:
        """Where the database is now."""
        return self._login.current()

    @cached_property
    def engine(self) -> Engine:
        """The synchronous engine, on psycopg2."""
        engine = create_engine(self.url.sync, pool_pre_ping=True, hide_parameters=True)
        log_in_by(engine, self._login, psycopg2_arguments)
        return engine

    def async_engine(self) -> "AsyncEngine":
        """A new asynchronous engine, on asyncpg, for the event loop of the caller to dispose of."""
        return async_engine(self._login)

    @contextmanager
    def transaction(self, doing: str) -> Iterator[Connection]:
        """A connection in a transaction, committed at the end of the block.

        Args:
            doing: what the block does, for the error message: "cannot <doing> (...)".
        """
        self.apply_schema()
        with self._transaction(doing) as connection:
            yield connection

    def apply_schema(self) -> None:
        """Set up an empty database, and make sure that another has this version's schema.

        Asked once per process; what is not empty is changed by ``migrate`` only.
        """
        with self._schema_lock:
            if self._has_schema:
                return
            state = self.schema_state()
            todo = migrations.pending(state, migrations.all_migrations(), self._where)
            if todo and not state.is_empty:
                raise SchemaVersionError(
                    f"{self._where} has the schema of an older Parakeet ({len(todo)} to apply, the"
                    f" first is {todo[0].name}): run parakeet db migrate"
                )
            if todo:
                self.migrate()
            self._has_schema = True

    def migrate(self) -> list[str]:
        """Apply the files of ``sql/`` that the database lacks; all of them, or none.

        Safe from several processes at once: who comes second waits for the first, then finds
        nothing to do.

        Returns:
            The names of the files that were applied.
        """
        known = migrations.all_migrations()
        if not migrations.pending(self.schema_state(), known, self._where):
            return []
        with self._transaction("lock the database schema") as connection:
            migrations.lock_schema(connection)
            state = migrations.schema_state(connection)
            todo = migrations.pending(state, known, self._where)
            for migration in todo:
                with one_line_errors(self.url, f"apply sql/{migration.name}"):
                    migrations.apply(connection, migration)
        return [migration.name for migration in todo]

    def schema_state(self) -> SchemaState:
        """Which files of ``sql/`` were applied; nothing is changed, whatever the version."""
        with self._transaction("read the version of the schema") as connection:
            return migrations.schema_state(connection)

    @contextmanager
    def snapshot(self, doing: str) -> Iterator[Connection]:
        """As ``transaction``, but it sees the database of one moment, and writes nothing."""
        with self.transaction(doing) as connection:
            connection.execute(_SNAPSHOT)
            yield connection

    def write_dump(self, dump: Dump) -> Manifest:
        """Write what only the database holds, as it is at one moment."""
        with self.snapshot("dump the database") as connection:
            return dump.write(connection)

    def restore(self, dump: Dump, manifest: Manifest) -> None:
        """Fill an empty database from a dump, also from one of an older Parakeet; see ``restore``.

        Raises:
            BackupError: the database is not empty, or the dump is damaged; nothing is changed.
        """
        with self._transaction("restore a dump") as connection:
            restoring.restore(connection, dump, manifest, self._where)

    def rebuild(self, frame: pd.DataFrame, sessions: Sequence[date]) -> Rebuilt:
        """Make the bars of ``sessions`` those of the lake, as a part of a whole rebuild.

        As ``merge_chunk``, but no correction is taken for applied, and bars get the moment at which
        they became known where a dump told it and they are the same.
        """
        with self.transaction("rebuild market data") as connection:
            return market_data.rebuild(connection, frame, sessions)

    @property
    def _where(self) -> str:
        return f"the database ({self.url.display})"

    def make_schema(self, name: str) -> None:
        """Make an empty schema beside ours, for tables that are not ours, unless it exists."""
        with self._transaction(f"make the schema {name}") as connection:
            make_schema(connection, name)

    def close(self) -> None:
        """Close the connections of the synchronous engine. The next use opens new ones."""
        self.engine.dispose()

    def merge_market_data(
        self,
        frame: pd.DataFrame,
        sessions: Sequence[date],
        reason: str,
        corrected_before: datetime | None = None,
    ) -> MergeCounts:
        """Make ``market_data`` and ``corporate_actions`` say of ``sessions`` what ``frame`` says.

        The same call again writes nothing. A bar that changes or is no longer there leaves its row
        before in ``market_data_revisions``, unless only the volume drifted. An action that changes
        or is no longer there is superseded. ``adjusted_close`` follows where it must.

        Args:
            frame: all rows of ``raw_prices`` of the sessions. A row whose close is NaN is no bar,
                but its dividend and split count.
            sessions: also those that have no row.
            reason: stored with the revisions of bars that have no open correction; where there is
                one, its reason is stored.
            corrected_before: when the rows began to be made: the open corrections of the sessions
                that were seen before are in them, and are applied. None: all of them.

        Raises:
            ValueError: a row is of another session.
            DatabaseError: a bar breaks a constraint, or a (ticker, date) is there twice.
        """
        with self.transaction("merge market data") as connection:
            return market_data.merge(
                connection, frame, sessions, reason, corrected_before, others_follow=False
            )

    def merge_chunk(
        self,
        frame: pd.DataFrame,
        sessions: Sequence[date],
        reason: str,
        corrected_before: datetime | None = None,
    ) -> MergeCounts:
        """As ``merge_market_data``, where another merge follows, as in a back-fill.

        A dividend changes the ``adjusted_close`` of every bar before it, so that each chunk would
        write the whole history again. The bars that are stored already keep theirs until the next
        ``merge_market_data`` or ``refresh_adjusted_closes``; their tickers are on record in
        ``stale_adjusted_closes``. Everything else is as after ``merge_market_data``.
        """
        with self.transaction("merge market data") as connection:
            return market_data.merge(
                connection, frame, sessions, reason, corrected_before, others_follow=True
            )

    def refresh_adjusted_closes(self) -> None:
        """Bring ``adjusted_close`` to what is known, where ``merge_chunk`` left it behind."""
        with self.transaction("refresh adjusted closes") as connection:
            market_data.refresh_stale(connection)

    def stale_adjusted_closes(self) -> list[str]:
        """The tickers whose ``adjusted_close`` ``merge_chunk`` left behind, sorted."""
        with self.transaction("list stale adjusted closes") as connection:
            return market_data.stale(connection)

    def market_data_checksums(self, first: date, last: date) -> pd.DataFrame:
        """Per date in [first, last] what ``lake_checksum`` computes: date, rows, checksum."""
        with self.transaction("compute checksums") as connection:
            return market_data.checksums(connection, first, last)

    def market_data_sessions(self) -> list[date]:
        """The dates that have a bar, ascending; fast however many bars there are."""
        with self.transaction("list sessions") as connection:
            return market_data.sessions(connection)

    def market_data_summary(self) -> MarketDataSummary:
        """The number of bars, the first and the last date."""
        with self.transaction("count market data") as connection:
            return market_data.summary(connection)

    def sources(self) -> set[str]:
        """The sources of the tickers' newest bars."""
        with self.transaction("list price sources") as connection:
            return market_data.sources(connection)

    def market_data_as_of(self, moment: datetime) -> pd.DataFrame:
        """The table ``market_data`` as it was known at ``moment``, its ``adjusted_close`` too.

        Volumes are those of the newest version of the bar that was known then: a volume that
        drifts leaves no revision.

        Args:
            moment: with a time zone.

        Returns:
            The columns of the table, ``metadata`` as JSON text, times in UTC, sorted by ticker and
            date.

        Raises:
            ValueError: the moment has no time zone.
        """
        with self.transaction("read market data of the past") as connection:
            return market_data.as_of(connection, moment)

    def raw_prices(self, sessions: Sequence[date]) -> pd.DataFrame:
        """What ``merge_market_data`` was given of ``sessions``: the columns of the lake's table.

        An action of a ticker that has no bar on any day is left out.
        """
        with self.transaction("read market data") as connection:
            return market_data.raw_prices(connection, sessions)

    def write_allocations(self, strategy: str, frame: pd.DataFrame) -> int:
        """Store target weights as a new version, where they differ from the newest one.

        Args:
            strategy: the name in the catalog.
            frame: columns date, ticker, weight, rebalance; whole sessions, one or many.

        Returns:
            The number of rows written: those of the sessions that differ.
        """
        with self.transaction("write allocations") as connection:
            return allocations.write(connection, strategy, frame)

    def read_allocations(
        self, strategy: str | None = None, session: date | None = None
    ) -> pd.DataFrame:
        """The newest version of the newest session, or of ``session``, of each strategy asked for.

        Returns:
            Columns strategy, session, ticker, weight, rebalance, sorted by the first three; empty
            where nothing is stored.
        """
        with self.transaction("read allocations") as connection:
            return allocations.read(connection, strategy, session)

    def allocation_sessions(self) -> dict[str, list[date]]:
        """The sessions that have an allocation, ascending, per strategy."""
        with self.transaction("list sessions") as connection:
            return allocations.sessions(connection)

    def write_orders(self, strategy: str, frame: pd.DataFrame, sessions: Sequence[date]) -> int:
        """Store what to trade as a new version, where it differs from the newest one.

        Args:
            strategy: the name in the catalog.
            frame: columns date, ticker, side ("buy" or "sell"), quantity, price_estimate_aud,
                cost_estimate_aud, reason; all orders of the sessions.
            sessions: also those that have no order: nothing to do is a version, too.

        Returns:
            The number of sessions that got a new version.

        Raises:
            ValueError: an order is of another session.
        """
        with self.transaction("write orders") as connection:
            return orders.write(connection, strategy, frame, sessions)

    def read_orders(self, strategy: str | None = None, session: date | None = None) -> pd.DataFrame:
        """The newest version of the newest session, or of ``session``, of each strategy asked for.

        Returns:
            Columns strategy, session, ticker, side, quantity, price_estimate_aud,
            cost_estimate_aud, reason, sorted by the first four; empty where there is nothing to
            do, or nothing is stored: ``order_sessions`` tells.
        """
        with self.transaction("read orders") as connection:
            return orders.read(connection, strategy, session)

    def order_sessions(self) -> dict[str, list[date]]:
        """The sessions whose orders are stored, be they none, ascending, per strategy."""
        with self.transaction("list sessions") as connection:
            return orders.sessions(connection)

    def replace_holdings(self, as_of: date, frame: pd.DataFrame) -> int:
        """Make ``frame`` the snapshot of a date, whole, in place of the one that it may have.

        The same snapshot again changes nothing.

        Args:
            as_of: the date.
            frame: columns ticker, quantity, acquired, price (paid per share), currency; a row per
                parcel. ``CASH`` is a row in AUD, its acquired and price missing.

        Returns:
            The number of rows of the snapshot that was replaced, 0 where there was none.
        """
        with self.transaction("replace holdings") as connection:
            return holdings.replace(connection, as_of, frame)

    def holdings(self, as_of: date | None = None) -> pd.DataFrame:
        """The newest snapshot on or before a date; None: the newest of all.

        Returns:
            Columns as_of, ticker, quantity, acquired, price, currency, imported_at (UTC), in the
            order in which they were entered; empty where there is no snapshot.
        """
        with self.transaction("read holdings") as connection:
            return holdings.read(connection, as_of)

    def all_holdings(self, until: date) -> pd.DataFrame:
        """Every snapshot on or before a date: the columns of ``holdings``, sorted by as_of."""
        with self.transaction("read holdings") as connection:
            return holdings.read_all(connection, until)

    def record_trades(self, frame: pd.DataFrame) -> TradeCounts:
        """Record the trades whose id is new; one that is recorded is left as it is.

        Args:
            frame: columns id (unique), date, ticker, side, quantity, price, currency, fee (AUD),
                aud_per_unit (NaN where it is not known).
        """
        with self.transaction("record trades") as connection:
            return trades.record(connection, frame)

    def trades(self, after: date | None = None, until: date | None = None) -> pd.DataFrame:
        """The trades after a date, up to and including another; None leaves an end open.

        Returns:
            The columns of ``record_trades`` and imported_at (UTC), sorted by date, ticker and id.
        """
        with self.transaction("read trades") as connection:
            return trades.read(connection, after, until)

    def entered_at(self) -> datetime | None:
        """When holdings or trades were last entered, corrected or deleted; None where never."""
        with self.transaction("read when something was entered") as connection:
            return entries.newest(connection)

    def entry_audit(self) -> pd.DataFrame:
        """Every change of holdings and trades, in order.

        Returns:
            Columns at (UTC), actor, key_id (missing: the command line), action (``create``,
            ``update``, ``delete``), kind (``trade``, ``holdings``), key (the id, the date), before
            and after (JSON; missing where there was or is nothing).
        """
        with self.transaction("read what was entered") as connection:
            return entries.read(connection)

    def quarantine(self, frame: pd.DataFrame) -> int:
        """Put rows that broke a rule aside, unless they are already, or were decided upon.

        A row that is aside already takes the content that is given now. What was released or
        rejected by hand is not opened again for the same ticker, date and rule while the close is
        the same (within 1e-6 relative).

        Args:
            frame: columns ticker, date, row (JSON text, NaN as null), rule.

        Returns:
            The number of rows that are new in quarantine.
        """
        with self.transaction("quarantine rows") as connection:
            return quarantine.add(connection, frame)

    def resolve_quarantine(self, good: pd.DataFrame) -> int:
        """Resolve the quarantined rows that came through every rule in a later fetch.

        Args:
            good: columns ticker, date: the rows that are good *in this fetch*; optionally
                resolution, what made them good ("good in a later fetch").

        Returns:
            The number of rows resolved.
        """
        with self.transaction("resolve quarantined rows") as connection:
            return quarantine.resolve(connection, good)

    def open_quarantine(self) -> pd.DataFrame:
        """The quarantined rows not yet resolved, in the order in which they were found.

        Returns:
            Columns id, ticker, date, rule, row (JSON text), detected_at, resolved_at (UTC),
            resolution.
        """
        with self.transaction("list the quarantine") as connection:
            return quarantine.read_open(connection)

    def whole_quarantine(self) -> pd.DataFrame:
        """The quarantined rows, resolved ones too; columns and order as ``open_quarantine``."""
        with self.transaction("list the quarantine") as connection:
            return quarantine.read_whole(connection)

    def decide_quarantine(self, row_id: int, decision: Decision, reason: str) -> pd.Series:
        """Release a quarantined row, or reject it, for good.

        A released row also becomes a correction, so that its session is computed again.

        Args:
            row_id: the ``id`` of an open row.
            decision: "released": the bar is true; "rejected": it is not.
            reason: stored with the decision.

        Returns:
            The row as ``whole_quarantine`` shows it, resolved.

        Raises:
            ParakeetError: the reason is empty; there is no such row; it is resolved; or it is to be
                released and broke a rule that no true bar breaks.
        """
        with self.transaction("decide upon a quarantined row") as connection:
            return quarantine.decide(connection, int(row_id), decision, reason)

    def quarantine_decisions(self) -> pd.DataFrame:
        """What was released and rejected by hand, the newest per ticker, date, rule and close.

        Returns:
            Columns ticker, date, rule, close (of the row, NaN where it had none), decision
            ("released" or "rejected"), sorted by the first four.
        """
        with self.transaction("list the decisions") as connection:
            return quarantine.decisions(connection)

    def record_failures(
        self,
        failures: pd.DataFrame,
        first: date,
        last: date,
        came_through: Collection[str],
        fetch: str,
    ) -> None:
        """Record the tickers that failed, session by session, and mark those that came.

        The same failure again counts as one more attempt. One failure is open per ticker and
        session: the newest. What came is resolved by ``resolve_failures`` once it is stored: a run
        that is killed in between leaves the failure open.

        Args:
            failures: columns ticker, session, error_class, message: what could not be had, also
                of sessions outside the range asked for.
            first: first session asked for.
            last: last session asked for.
            came_through: the tickers that were asked for and came. Their failures in [first, last]
                are marked, but for those in ``failures``; the failures of tickers that were not
                asked for stay as they are.
            fetch: a name for what came.
        """
        with self.transaction("record failures") as connection:
            failure_log.record(connection, failures, first, last, came_through, fetch)

    def resolve_failures(self, fetch: str) -> None:
        """Resolve the failures that are marked with ``fetch``: what came with it is stored."""
        with self.transaction("resolve failures") as connection:
            failure_log.resolve(connection, fetch)

    def open_failures(self) -> pd.DataFrame:
        """The failures not yet resolved, sorted by session and ticker.

        Returns:
            Columns ticker, session, error_class, message, attempts, first_seen, last_seen (UTC).
        """
        with self.transaction("list failures") as connection:
            return failure_log.read_open(connection)

    def believed_delisted(self) -> set[str]:
        """The tickers that the vendor called delisted on three different days (UTC) or more.

        Only open failures of sessions after the ticker's last stored bar count: vendors call an
        outage a delisting, too.
        """
        with self.transaction("list delisted tickers") as connection:
            return failure_log.believed_delisted(connection)

    def record_corrections(self, frame: pd.DataFrame) -> int:
        """Record what the vendor now says of stored sessions where it differs from what is stored.

        A value that was recorded for the same ticker and date, be it applied, is not recorded
        again: each causes at most one recomputation.

        Args:
            frame: columns ticker, date, row (the vendor's row, JSON text), reason.

        Returns:
            The number of corrections that are new.
        """
        with self.transaction("record corrections") as connection:
            return corrections.record(connection, frame)

    def open_corrections(self) -> pd.DataFrame:
        """The corrections that no merge has applied yet, sorted by date and ticker.

        Returns:
            Columns id, ticker, date, reason, seen_at (UTC).
        """
        with self.transaction("list corrections") as connection:
            return corrections.read_open(connection)

    def corrections(self, first: date, last: date) -> pd.DataFrame:
        """The corrections of sessions in [first, last], sorted by date and ticker.

        Returns:
            Columns ticker, date, reason, seen_at, applied_at (UTC, NaT while open).
        """
        with self.transaction("list corrections") as connection:
            return corrections.read_between(connection, first, last)

    def revisions(self, since: datetime, until: datetime | None = None) -> pd.DataFrame:
        """The bars that were changed in [since, until), sorted by date and ticker.

        Returns:
            Columns ticker, date, revised_at (UTC), reason.
        """
        with self.transaction("list revisions") as connection:
            return revisions.read_between(connection, since, until)

    def accept_session(self, session: date, market: str, reason: str) -> bool:
        """Accept that a market's data of a session is incomplete or missing.

        Another reason than the one that stands replaces it; what was accepted before is kept.

        Returns:
            Whether anything changed: False where it stands already for the same reason.
        """
        with self.transaction("accept a session") as connection:
            return acceptances.accept(connection, session, market, reason)

    def withdraw_acceptance(self, session: date, market: str) -> bool:
        """Withdraw what ``accept_session`` accepted; False where nothing stands."""
        with self.transaction("withdraw an acceptance") as connection:
            return acceptances.withdraw(connection, session, market)

    def acceptances(self) -> pd.DataFrame:
        """The acceptances that stand, sorted by session and market.

        Returns:
            Columns session, market, reason, accepted_at (UTC).
        """
        with self.transaction("list acceptances") as connection:
            return acceptances.standing(connection)

    def rename_tickers(self, table: pd.DataFrame) -> int:
        """Give the rows of renamed tickers their new symbol; the same call again does nothing.

        Args:
            table: columns old, new, date (the first session under the new symbol).

        Returns:
            The number of bars that were moved.
        """
        with self.transaction("rename tickers") as connection:
            return renames.apply(connection, table[["old", "new", "date"]])

    def record_universe_lists(
        self, lists: pd.DataFrame, sessions: Sequence[date], fetched: Sequence[str]
    ) -> None:
        """Record from which list the members of a universe were taken, per session.

        Args:
            lists: columns session, universe, source, as_of (the date of the list), point_in_time
                (it is a history of membership), members (how many).
            sessions: those that are made; what is on record of their other universes goes.
            fetched: the universes that they have.
        """
        with self.transaction("record universe lists") as connection:
            universe_lists.record(connection, lists, sessions, fetched)

    def universe_lists(self, first: date, last: date) -> pd.DataFrame:
        """What ``record_universe_lists`` recorded of the sessions in [first, last].

        Returns:
            Its columns, sorted by session and universe.
        """
        with self.transaction("read universe lists") as connection:
            return universe_lists.read(connection, first, last)

    def create_api_key(self, name: str, scopes: Sequence[Scope]) -> str | None:
        """Make a key for the API. It is returned here and kept nowhere; its hash is stored.

        Args:
            name: whose it is; of one key at a time.
            scopes: "read", "write" or both.

        Returns:
            The key; None where the name has one already.
        """
        with self.transaction("create an API key") as connection:
            return api_keys.create(connection, name, scopes)

    def revoke_api_key(self, name: str) -> bool:
        """Make a key worthless, within seconds, for good; False where no key has the name."""
        with self.transaction("revoke an API key") as connection:
            return api_keys.revoke(connection, name)

    def api_keys(self) -> pd.DataFrame:
        """The keys of the API, revoked ones too, in the order in which they were made.

        Returns:
            Columns id (the part that is no secret), name, scopes (joined by commas), created_at,
            revoked_at (UTC, NaT while it is in use).
        """
        with self.transaction("list the API keys") as connection:
            return api_keys.read(connection)

    def record_healing(self, first: date, last: date, causes: str, requested_at: datetime) -> None:
        """Record that the sessions in [first, last] were requested again, why and when."""
        with self.transaction("record a healing request") as connection:
            healing.record(connection, first, last, causes, requested_at)

    def healing_requests(self) -> pd.DataFrame:
        """What was requested again, in the order in which it was.

        Returns:
            Columns first_session, last_session, causes, requested_at (UTC).
        """
        with self.transaction("list healing requests") as connection:
            return healing.read(connection)

    @contextmanager
    def _transaction(self, doing: str) -> Iterator[Connection]:
        with self._connect() as connection, one_line_errors(self.url, doing), connection.begin():
            yield connection

    def _connect(self) -> Connection:
        with one_line_errors(self.url, CONNECTING):
            for attempt in retry_context(
                on=is_transient, attempts=None, timeout=self._connect_seconds
            ):
                with attempt:
                    return self.engine.connect()
        raise AssertionError("one attempt is always made")


def psycopg2_arguments(dialect: Dialect, url: DatabaseUrl) -> dict[str, Any]:
    """What ``psycopg2.connect`` takes; the URL's own options go first."""
    defaults = {"connect_timeout": _CONNECT_ATTEMPT_SECONDS, "application_name": _APPLICATION}
    return {**defaults, **dialect.create_connect_args(url.sync)[1]}
