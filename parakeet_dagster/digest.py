"""The morning digest: what to trade after a session, what changed, and what is not as it should be.

Facts only; ``digest_text.py`` has the words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import dagster as dg
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.accounts import ACCOUNT, WHOSE
from parakeet_dagster.alerts import alert_of_run
from parakeet_dagster.assets.orders import ORDERS
from parakeet_dagster.finished_runs import failed_runs
from parakeet_dagster.run_metrics import RAW_PRICES, numbers_of, sessions_behind
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake

LEAST_CHANGE = 0.0005
"""Of a weight: less is what rounding shows as nothing."""


@dataclass(frozen=True)
class Order:
    """One trade. side: "buy" or "sell"; value and cost in AUD, at the session's closes."""

    side: str
    ticker: str
    quantity: float
    value_aud: float
    cost_aud: float
    reason: str


@dataclass(frozen=True)
class Change:
    """A target weight, a part of 1, at the session before and now."""

    ticker: str
    before: float
    after: float


@dataclass(frozen=True)
class OfStrategy:
    """What a strategy says after the session.

    account: whose orders these are, in words. orders: None where none are stored of the session.
    changes: the largest first; None where the session, or the one before, has no target. notes:
    what is said of the orders, the first of them whether there are any.
    """

    strategy: str
    account: str
    orders: list[Order] | None
    changes: list[Change] | None
    notes: list[str]


@dataclass(frozen=True)
class Digest:
    """Everything of one session.

    coverage: a part of 1, of the market that lacks most; None where that is not on record, or no
    market with a member was open. bars: the tickers with a bar, and expected: those listed.
    behind: sessions that are not stored yet. failed: "TICKER CLASS" of the session. failed_before:
    how many tickers failed on other sessions and are still open. quarantined: "TICKER rule" of the
    session; in_quarantine: of all sessions. revised and corrected: "TICKER YYYY-MM-DD: reason", of
    bars that were changed since the session was complete, and of what waits to be applied.
    runs_failed: a line for each since then.
    """

    session: str
    strategies: list[OfStrategy]
    coverage: float | None
    bars: int | None
    expected: int | None
    behind: int | None
    failed: list[str]
    failed_before: int
    quarantined: list[str]
    in_quarantine: int
    revised: list[str]
    corrected: list[str]
    runs_failed: list[str]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def digest_of(
    session: str,
    names: Sequence[str],
    due: str,
    instance: dg.DagsterInstance,
    lake: Lake,
    database: Database,
) -> Digest:
    """The digest of a session.

    Args:
        session: its key.
        names: the strategies to tell of: the live one, or all.
        due: the last session that can be had.
        instance: where runs are recorded.
        lake: where frames are.
        database: where rows are.
    """
    day = pd.Timestamp(session).date()
    since = calendar.complete_at(session)
    after = calendar.offset(session, 1)
    until = calendar.complete_at(after) if after and session < due else None
    failures, quarantine = database.open_failures(), database.open_quarantine()
    of_day = failures["session"] == pd.Timestamp(session)
    others = failures.loc[~of_day, "ticker"]
    in_day = quarantine[quarantine["date"] == pd.Timestamp(session)]
    facts = _facts(instance, session)
    return Digest(
        session=session,
        strategies=_of_strategies(names, day, instance, database),
        coverage=facts.get("coverage"),
        bars=_whole(facts.get("tickers")),
        expected=_whole(facts.get("expected")),
        behind=sessions_behind(lake, due),
        failed=_pairs(failures[of_day], "error_class"),
        failed_before=int(others.nunique()),
        quarantined=_pairs(in_day, "rule"),
        in_quarantine=len(quarantine),
        revised=_reasons(database.revisions(since, until)),
        corrected=_reasons(database.open_corrections()),
        runs_failed=_failed_runs(instance, since, until),
    )


def _of_strategies(
    names: Sequence[str], day: date, instance: dg.DagsterInstance, database: Database
) -> list[OfStrategy]:
    session = calendar.key(day)
    before = calendar.offset(session, -1)
    stored = database.order_sessions()
    orders = database.read_orders(None, day)
    now = database.read_allocations(None, day)
    then = database.read_allocations(None, pd.Timestamp(before).date()) if before else now[:0]
    told, what = [], {"note": "", "cash": "cash: ", "without_price": "held without a price: "}
    for name in names:  # each strategy has a record of its own in the instance
        texts = _texts(_metadata(instance, dg.AssetKey([ORDERS, name]), session))
        has_orders = day in stored.get(name, [])
        of_name = orders[orders["strategy"] == name]
        told.append(
            OfStrategy(
                name,
                WHOSE[texts.get(ACCOUNT)],
                _orders(of_name) if has_orders else None,
                _changes(now[now["strategy"] == name], then[then["strategy"] == name]),
                [f"{what[key]}{texts[key]}" for key in what if key in texts],
            )
        )
    return told


def _orders(frame: pd.DataFrame) -> list[Order]:
    """Sales first: they pay for the purchases."""
    ordered = frame.assign(value=frame["quantity"] * frame["price_estimate_aud"]).sort_values(
        ["side", "value"], ascending=False, kind="stable"
    )
    return [
        Order(
            str(row["side"]),
            str(row["ticker"]),
            float(row["quantity"]),
            round(float(row["value"]), 2),
            round(float(row["cost_estimate_aud"]), 2),
            str(row["reason"]),
        )
        for row in ordered.to_dict("records")
    ]


def _changes(now: pd.DataFrame, then: pd.DataFrame) -> list[Change] | None:
    if now.empty or then.empty:
        return None
    both = pd.DataFrame(
        {
            "before": then.set_index("ticker")["weight"],
            "after": now.set_index("ticker")["weight"],
        }
    ).fillna(0.0)
    moved = (both["after"] - both["before"]).abs()
    largest = both[moved >= LEAST_CHANGE].loc[
        moved[moved >= LEAST_CHANGE].sort_values(ascending=False, kind="stable").index
    ]
    return [
        Change(str(ticker), round(float(before), 6), round(float(after), 6))
        for ticker, before, after in largest.itertuples()
    ]


def _facts(instance: dg.DagsterInstance, session: str) -> dict[str, float]:
    """What is on record of the session's prices."""
    return numbers_of(_metadata(instance, RAW_PRICES, session))


def _texts(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[str, str]:
    return {
        name: str(value.value)
        for name, value in metadata.items()
        if isinstance(value, dg.TextMetadataValue)
    }


def _metadata(
    instance: dg.DagsterInstance, asset: dg.AssetKey, session: str
) -> Mapping[str, dg.MetadataValue[Any]]:
    """Of the newest materialisation of a session; empty where there is none."""
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[session])
    found = instance.fetch_materializations(wanted, limit=1).records
    made = found[0].asset_materialization if found else None
    return made.metadata if made else {}


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _pairs(frame: pd.DataFrame, column: str) -> list[str]:
    return [f"{row['ticker']} {row[column]}" for row in frame.to_dict("records")]


def _reasons(frame: pd.DataFrame) -> list[str]:
    return [
        f"{row['ticker']} {row['date']:%Y-%m-%d}: {row['reason']}"
        for row in frame.to_dict("records")
    ]


def _failed_runs(
    instance: dg.DagsterInstance, since: datetime, until: datetime | None
) -> list[str]:
    """What is told of each run that failed, by its subject."""
    alerts = [alert_of_run(instance, record) for record in failed_runs(instance, since, until)]
    subjects = [alert.message.subject for alert in alerts if alert]
    return [subject.removeprefix("Parakeet: ") for subject in dict.fromkeys(subjects)]
