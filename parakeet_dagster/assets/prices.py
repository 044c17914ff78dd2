"""Bars as they traded: in the lake, and in the database."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.acceptances import with_accepted
from parakeet_dagster.assets.batches import batch_of, ends_with_run, tickers_of
from parakeet_dagster.assets.covering import covered_on
from parakeet_dagster.assets.gaps import require_no_missed_action
from parakeet_dagster.assets.ingest import (
    Asked,
    Ingest,
    day_of,
    ingest,
    require_known_actions,
)
from parakeet_dagster.assets.metadata import column_schema, describe, table
from parakeet_dagster.assets.universe import OWNERS
from parakeet_dagster.errors import BlockedSessionError, PriceSourceError
from parakeet_dagster.partitions import sessions
from parakeet_dagster.price_sources.base import PriceSource, TickerFailure
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.universe_sources.active import ActiveUniverse

PRICE_POOL = "price_source"
"""One run at a time asks a vendor."""

COVERAGE = "coverage"


@dg.asset(
    partitions_def=sessions,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="prices",
    kinds={"parquet"},
    owners=OWNERS,
    pool=PRICE_POOL,
    metadata=column_schema("raw_prices"),
    check_specs=[
        dg.AssetCheckSpec(
            COVERAGE,
            asset="raw_prices",
            blocking=True,
            description="Each open market has a bar for at least 80 % of the tickers listed that"
            " day, or was accepted by hand. Judged before anything is written: a blocked session is"
            " stored nowhere.",
        )
    ],
)
@one_line_failures
def raw_prices(
    context: dg.AssetExecutionContext,
    ticker_universe: pd.DataFrame,
    prices: dg.ResourceParam[PriceSource],
    lake: dg.ResourceParam[Lake],
    neon: dg.ResourceParam[Database],
    universe: dg.ResourceParam[ActiveUniverse],
) -> Iterator[dg.AssetCheckResult | dg.Output[pd.DataFrame]]:
    """Each ticker's bar as it traded that day, with the dividend and split that went ex that day.

    Of the members, of those that were members on one of the last 300 sessions, and of those that
    join within 800, as far as that is stored; a member that joins later is merged into what is
    stored by a run for it alone. Where a market is closed its tickers have no row. A row that
    cannot be right goes to `market_data_quarantine`; one that is only unlikely is marked `suspect`.
    The ten sessions before are fetched too and compared with what is stored: what differs is
    recorded as a correction, and computed again by a run of its own. From the sample source the
    bars are adjusted closes with no volume.
    """
    keys, batch = context.partition_keys, batch_of(context)
    lake.require_history("raw_prices", keys[0])
    require_one_source(stored_sources(lake, keys) | neon.sources(), prices.name)
    only = tickers_of(context)
    newest = lake.read("ticker_universe", lake.sessions("ticker_universe")[-1:])
    asked = Asked(covered_on(lake, keys), ticker_universe, universe.current(newest), only)
    try:
        fetched = ingest(keys, asked, prices, lake, neon, batch)
        yield coverage_result(fetched)
        record(fetched, keys, neon, context.run_id)
        require_complete(fetched)
        require_no_missed_action(lake, neon, prices, asked.of_run, fetched.answer.bars)
        require_known_actions(fetched.bars, fetched.last_stored)
        notes = with_accepted(session_notes(keys, fetched), neon, keys, 1)
        bars = merged(lake, keys, fetched.bars.good, only) if only else fetched.bars.good
        yield dg.Output(describe(context, bars, notes), metadata=run_notes(fetched, prices.name))
    finally:
        if ends_with_run(context):
            prices.forget(batch)


@dg.asset(
    partitions_def=sessions,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="prices",
    kinds={"postgres"},
    owners=OWNERS,
)
@one_line_failures
def market_data(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    neon: dg.ResourceParam[Database],
    raw_prices: pd.DataFrame,
) -> None:
    """The same bars in the table `market_data`, upserted on (ticker, date) in one transaction.

    A row that did not change keeps its `updated_at`; one that did leaves its former self in
    `market_data_revisions`. Dividends and splits go to `corporate_actions`, and `adjusted_close`
    follows from them; in a chunk of a back-fill, for the bars before it, when all are done.
    """
    neon.rename_tickers(lake.renames)
    days = [pd.Timestamp(key).date() for key in context.partition_keys]
    merge = neon.merge_market_data if ends_with_run(context) else neon.merge_chunk
    counts = merge(raw_prices, days, "materialised again", started_at(context))
    neon.resolve_failures(context.run_id)
    notes = with_accepted({}, neon, context.partition_keys, 1)
    describe(context, raw_prices[raw_prices["close"].notna()], notes)
    context.add_output_metadata(
        {
            "inserted": counts.inserted,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "deleted": counts.deleted,
        }
    )


def started_at(context: dg.AssetExecutionContext) -> datetime | None:
    """When the run started, as Dagster has it on record."""
    record = context.instance.get_run_record_by_id(context.run_id)
    if record is None or record.start_time is None:
        return None
    return datetime.fromtimestamp(record.start_time, UTC)


def merged(
    lake: Lake, keys: Sequence[str], bars: pd.DataFrame, only: frozenset[str]
) -> pd.DataFrame:
    """What is stored of the sessions, with ``bars`` of the tickers ``only`` in place of theirs."""
    stored = lake.read("raw_prices", keys)
    rows = pd.concat([stored[~stored["ticker"].isin(only)], bars], ignore_index=True)
    return rows.sort_values(["date", "ticker"], ignore_index=True)


def record(fetched: Ingest, keys: Sequence[str], neon: Database, fetch: str) -> None:
    """Put on record what failed, what is set aside, what came through, and what was corrected."""
    answer, bars = fetched.answer, fetched.bars
    neon.record_failures(
        pd.concat([fetched.failures, fetched.joined], ignore_index=True),
        day_of(keys[0]),
        day_of(keys[-1]),
        answer.listing.index.tolist(),
        fetch,
    )
    neon.resolve_quarantine(bars.good_only)
    neon.quarantine(pd.concat([bars.bad, answer.strays], ignore_index=True))
    neon.record_corrections(bars.corrections)


def require_complete(fetched: Ingest) -> None:
    """Refuse to store sessions for which a market delivered too little.

    Raises:
        BlockedSessionError: there is one.
    """
    blocked = fetched.blocked
    if not blocked.empty:
        first = calendar.key(blocked["date"].iloc[0])
        raise BlockedSessionError(blocked_message(blocked, fetched.answer.failures), first)


def coverage_result(fetched: Ingest) -> dg.AssetCheckResult:
    """The check ``coverage``, from what was fetched; also where nothing is stored of it."""
    coverage = fetched.bars.coverage
    asked, failed = fetched.asked.of_run["ticker"].nunique(), len(fetched.answer.failures)
    return dg.AssetCheckResult(
        check_name=COVERAGE,
        passed=fetched.blocked.empty,
        metadata={
            "judged": len(coverage),
            "tickers_asked": asked,
            "tickers_got": asked - failed,
            "tickers_failed": failed,
            **_lowest(coverage),
            "blocked": table(fetched.blocked.head(50)),
            "accepted": table(coverage[coverage["accepted"]].head(50)),
        },
    )


def _lowest(coverage: pd.DataFrame) -> dict[str, float]:
    """The coverage of the market and session that lack most; nothing where none was judged."""
    return {"lowest_coverage": float(coverage["coverage"].min())} if len(coverage) else {}


def stored_sources(lake: Lake, keys: Sequence[str]) -> set[str]:
    """The sources of what is stored next to a range, and at both ends of the lake."""
    stored = [key for key in lake.sessions("raw_prices") if key not in keys]
    beside = {calendar.offset(keys[0], -1), calendar.offset(keys[-1], 1), *stored[:1], *stored[-1:]}
    return set(lake.read("raw_prices", [key for key in stored if key in beside])["source"])


def require_one_source(stored: set[str], source: str) -> None:
    """Refuse to put one vendor's prices beside another's.

    Raises:
        PriceSourceError: the lake or the database holds prices of another source.
    """
    others = sorted(stored - {source})
    if others:
        raise PriceSourceError(
            f"the lake or the database holds prices from {others[0]!r}, PARAKEET_PRICE_SOURCE is"
            f" {source!r}: their prices do not fit together; set PARAKEET_HOME to another directory"
            " (and PARAKEET_LAKE and NEON_DATABASE_URL, where set, to other places)"
        )


def blocked_message(blocked: pd.DataFrame, failures: tuple[TickerFailure, ...]) -> str:
    """One line that names the blocked sessions, their markets, and what failed."""
    expected = blocked.assign(expected=blocked["listed"] - blocked["did_not_trade"])
    shown = "; ".join(
        f"{row['date']:%Y-%m-%d} {row['market']}: {row['bars']} of {row['expected']} expected"
        " tickers have a bar"
        for row in expected.head(3).to_dict("records")
    )
    more = f" and {len(blocked) - 3} more" if len(blocked) > 3 else ""
    named = ", ".join(f"{failure.ticker} {failure.error_class}" for failure in failures[:5])
    rest = f" and {len(failures) - 5} more" if len(failures) > 5 else ""
    why = f" (failed: {named}{rest})" if failures else ""
    return (
        f"blocked, nothing written: {shown}{more}{why}; run it again when the vendor has the data,"
        " or accept it: parakeet session accept"
    )


def run_notes(fetched: Ingest, source: str) -> dict[str, Any]:
    """What a run's fetch came to, for the UI."""
    failures, bars = fetched.answer.failures, fetched.bars
    return {
        "source": source,
        "failures": len(failures),
        "failed_tickers": table(pd.DataFrame(failures).astype("str")),
        "corrections": table(bars.corrections[["ticker", "date", "reason"]].head(50)),
        "kept_as_stored": len(bars.kept),
    }


def session_notes(keys: Sequence[str], fetched: Ingest) -> dict[str, dict[str, str | float]]:
    """Per session: which markets were open, what is doubtful, and what was accepted by hand."""
    bars, coverage = fetched.bars, fetched.bars.coverage
    open_by_day = fetched.open_on.groupby("date")["market"].agg(" ".join)
    by_day = coverage.groupby("date")
    expected, lowest = by_day["listed"].sum(), by_day["coverage"].min()
    quarantined = bars.bad.groupby("date").size()
    suspect = bars.good[bars.good["data_quality"] == "suspect"].groupby("date").size()
    failed = fetched.failures.groupby("session").size()
    notes: dict[str, dict[str, str | float]] = {}
    for key in keys:
        day = pd.Timestamp(key)
        notes[key] = {
            "open_markets": str(open_by_day[day]),
            "quarantined": int(quarantined.get(day, 0)),
            "suspect": int(suspect.get(day, 0)),
            "failed": int(failed.get(day, 0)),
        }
        if fetched.asked.only:
            notes[key] = {
                "open_markets": str(open_by_day[day]),
                "merged": ", ".join(sorted(fetched.asked.only)),
            }
        elif day not in expected.index:
            notes[key]["status"] = "market closed"
        else:
            notes[key]["expected"] = int(expected[day])
            notes[key]["coverage"] = float(lowest[day])
    return notes
