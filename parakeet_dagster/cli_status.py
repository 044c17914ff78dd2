"""What ``parakeet status`` shows: where every asset stands, and what is not settled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.counted import counted

if TYPE_CHECKING:
    import dagster as dg

    from parakeet_dagster.backfill import Progress
    from parakeet_dagster.settings import Settings
    from parakeet_dagster.storage.database import Database

SHOWN = 20
"""So many corrections are named; more are counted."""

ONLY_JSON = (
    "first_missing",
    "failed_tickers",
    "quarantined",
    "open_corrections",
    "accepted_sessions",
)
"""Too wide for the table. People read the same in the lines below it."""


@dataclass(frozen=True)
class Unsettled:
    """What a person may want to look at.

    failures: see ``by_ticker``. delisted: the tickers whose delisting is believed. quarantined: the
    number of open rows. corrections: columns ticker, date, reason, of what no merge has applied.
    accepted: "YYYY-MM-DD MARKET". unhealed: per session key how often the healing sensor asked for
    it in vain. other_terms: see ``accounts.other_terms``. stale: the number of tickers whose
    ``adjusted_close`` waits for the end of a back-fill.
    """

    failures: pd.DataFrame
    delisted: set[str]
    quarantined: int
    corrections: pd.DataFrame
    accepted: list[str]
    unhealed: pd.Series
    other_terms: str | None
    stale: int

    @property
    def of_prices(self) -> dict[str, Any]:
        """What a script reads of it, in the row of the asset ``raw_prices``."""
        return {
            "failed_tickers": sorted(self.failures["ticker"].unique()),
            "quarantined": self.quarantined,
            "open_corrections": len(self.corrections),
            "accepted_sessions": self.accepted,
        }

    def lines(self) -> Iterator[str]:
        """One line for people per thing, each with what to do where something can be done."""
        yield from self._failed()
        yield from self._blocked()
        if self.quarantined:
            yield f"in quarantine: {counted(self.quarantined, 'row')} (parakeet quarantine)"
        for row in self.corrections.head(SHOWN).to_dict("records"):
            yield (
                f"correction not yet applied: {row['ticker']} {calendar.key(row['date'])}:"
                f" {row['reason']}"
            )
        if len(self.corrections) > SHOWN:
            yield f"and {counted(len(self.corrections) - SHOWN, 'correction')} more"
        if self.accepted:
            yield f"accepted by hand: {', '.join(self.accepted)} (parakeet session list)"
        if self.other_terms:
            yield self.other_terms
        if self.stale:
            yield (
                f"adjusted_close is from before a back-fill that is under way or was stopped:"
                f" {counted(self.stale, 'ticker')}; its end mends it, as does the next daily run or"
                " the healing sensor"
            )

    def _failed(self) -> Iterator[str]:
        for row in self.failures.head(SHOWN).to_dict("records"):
            is_believed = row["error_class"] == "DELISTED" and row["ticker"] in self.delisted
            failure = "delisted (seen on several days)" if is_believed else row["error_class"]
            yield (
                f"{row['ticker']} {failure} {calendar.key(row['first'])} to"
                f" {calendar.key(row['last'])}, {counted(row['sessions'], 'session')},"
                f" {counted(row['attempts'], 'attempt')}: {row['message']}"
            )
        if len(self.failures) > SHOWN:
            yield f"and {counted(len(self.failures) - SHOWN, 'failed ticker')} more (--json)"

    def _blocked(self) -> Iterator[str]:
        for session, count in self.unhealed.items():
            yield (
                f"not complete: {session}, after {counted(count, 'request')} of the healing sensor"
                f" (parakeet backfill {session} {session} says why; parakeet session accept"
                f" {session} takes it as it is)"
            )


def unsettled(
    database: "Database", progress: "Progress", other_terms: str | None = None
) -> Unsettled:
    """Read what is open in the database; ``other_terms``: see ``terms_line``."""
    accepted = database.acceptances()
    return Unsettled(
        failures=by_ticker(database.open_failures()),
        delisted=database.believed_delisted(),
        quarantined=len(database.open_quarantine()),
        corrections=database.open_corrections(),
        accepted=(accepted["session"].dt.strftime("%Y-%m-%d ") + accepted["market"]).tolist(),
        unhealed=asked_in_vain(progress, database.healing_requests()),
        other_terms=other_terms,
        stale=len(database.stale_adjusted_closes()),
    )


def terms_line(
    settings: "Settings", instance: "dg.DagsterInstance", progress: "Progress"
) -> str | None:
    """What ``accounts.other_terms`` says of all enabled strategies."""
    from parakeet_dagster.accounts import other_terms, record_of
    from parakeet_dagster.assets.orders import ORDERS
    from parakeet_dagster.choices import enabled_strategies
    from parakeet_dagster.places import open_lake

    newest = {
        key.path[-1]: days[-1]
        for key in progress.assets
        if key.path[0] == ORDERS and (days := progress.stored(key))
    }
    records = {name: record_of(instance, name, session) for name, session in newest.items()}
    lake = open_lake(settings.lake_url)
    return other_terms(lake, enabled_strategies(settings), records, settings.terms)


def by_ticker(failures: pd.DataFrame) -> pd.DataFrame:
    """Failures as people read them: one row per ticker and class.

    Args:
        failures: see ``Database.open_failures``; one row per ticker and session, maybe thousands.

    Returns:
        Columns ticker, error_class, first, last (session), sessions, attempts (of the session that
        was asked for most often), message (the newest), sorted by the first two.
    """
    newest_last = failures.sort_values("last_seen", kind="stable")
    return newest_last.groupby(["ticker", "error_class"], as_index=False).agg(
        first=("session", "min"),
        last=("session", "max"),
        sessions=("session", "nunique"),
        attempts=("attempts", "max"),
        message=("message", "last"),
    )


def asked_in_vain(progress: "Progress", requests: pd.DataFrame) -> pd.Series:
    """How often each session that is still broken was asked for by the healing sensor.

    Args:
        progress: what is stored and recorded.
        requests: column first_session: the session for whose sake a range was requested.

    Returns:
        Counts by session key, ascending.
    """
    counts = requests["first_session"].dt.strftime("%Y-%m-%d").value_counts().sort_index()
    broken: pd.Series = counts[[progress.is_broken(session) for session in counts.index]]
    return broken


def asset_row(
    progress: "Progress", asset: "dg.AssetKey", span: Sequence[str], due: str
) -> dict[str, Any]:
    """Where one asset stands.

    Args:
        progress: what is stored and recorded.
        asset: which one.
        span: the sessions from the first to the last stored price, of which none may be missing.
        due: the last session that can be had.
    """
    from parakeet_dagster.resources.io_manager import asset_path

    stored, missing = progress.stored(asset), progress.missing(asset, span)
    return {
        "asset": asset_path(asset),
        "first": stored[0] if stored else None,
        "last": stored[-1] if stored else None,
        "sessions": len(stored),
        "missing": len(missing),
        "first_missing": missing[0] if missing else None,
        "behind": len(calendar.between(stored[-1], due)[1:]) if stored else None,
        "failed_tickers": [],
        "quarantined": 0,
        "open_corrections": 0,
        "accepted_sessions": [],
    }
