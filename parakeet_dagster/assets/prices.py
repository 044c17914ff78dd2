"""Bars as they traded: in the lake, and in the database."""

from collections.abc import Iterator, Sequence

import dagster as dg
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.gaps import require_no_missed_action
from parakeet_dagster.assets.metadata import column_schema, describe, table
from parakeet_dagster.assets.universe import OWNERS
from parakeet_dagster.errors import BlockedSessionError, PriceSourceError
from parakeet_dagster.partitions import sessions
from parakeet_dagster.price_sources.base import PriceSource, TickerFailure
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from strategy.bars import SortedBars, sort_bars

COVERAGE = "coverage"


@dg.asset(
    partitions_def=sessions,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="prices",
    kinds={"parquet"},
    owners=OWNERS,
    metadata=column_schema("raw_prices"),
    check_specs=[
        dg.AssetCheckSpec(
            COVERAGE,
            asset="raw_prices",
            blocking=True,
            description="Each open market has a bar for at least 80 % of the tickers listed that"
            " day. Judged before anything is written: a blocked session is stored nowhere.",
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
) -> Iterator[dg.AssetCheckResult | dg.Output[pd.DataFrame]]:
    """Each ticker's bar as it traded that day, with the dividend and split that went ex that day.

    Where a market is closed its tickers have no row. A row that breaks a mechanical rule goes to
    `market_data_quarantine`. From the sample source the bars are adjusted closes with no volume.
    """
    keys = context.partition_keys
    lake.read_session_before("raw_prices", keys[0])
    require_one_source(stored_sources(lake, keys) | neon.sources(), prices.name)
    open_on = markets_open_on(keys)
    days = [pd.Timestamp(key).date() for key in keys]
    answer = prices.fetch(ticker_universe.drop_duplicates("ticker"), days[0], days[-1])
    require_no_missed_action(lake, neon, prices, ticker_universe, answer.bars)
    bars = sort_bars(answer.bars, answer.listing, ticker_universe, open_on, prices.name)
    blocked = bars.coverage[bars.coverage["blocked"]]
    yield dg.AssetCheckResult(
        check_name=COVERAGE,
        passed=blocked.empty,
        metadata={"judged": len(bars.coverage), "blocked": table(blocked.head(50))},
    )
    neon.record_failures(days[0], days[-1], answer.failures, answer.listing.index.tolist())
    neon.resolve_quarantine(bars.good_only)
    neon.quarantine(bars.bad)
    if not blocked.empty:
        first = calendar.key(blocked["date"].iloc[0])
        raise BlockedSessionError(blocked_message(blocked, answer.failures), first)
    yield dg.Output(
        describe(context, bars.good, session_notes(keys, bars, open_on)),
        metadata={
            "source": prices.name,
            "failures": len(answer.failures),
            "failed_tickers": table(pd.DataFrame(answer.failures).astype("str")),
        },
    )


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
    neon: dg.ResourceParam[Database],
    raw_prices: pd.DataFrame,
) -> None:
    """The same bars in the table `market_data`, upserted on (ticker, date) in one transaction.

    A row that did not change keeps its `updated_at`; one that did leaves its former self in
    `market_data_revisions`. Dividends and splits go to `corporate_actions`, and `adjusted_close`
    follows from them.
    """
    days = [pd.Timestamp(key).date() for key in context.partition_keys]
    counts = neon.merge_market_data(raw_prices, days, "materialised again")
    describe(context, raw_prices[raw_prices["close"].notna()])
    context.add_output_metadata(
        {
            "inserted": counts.inserted,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "deleted": counts.deleted,
        }
    )


def markets_open_on(keys: list[str]) -> pd.DataFrame:
    """The markets open on each session: columns date, market."""
    rows = [(key, market) for key in keys for market in calendar.open_markets(key)]
    frame = pd.DataFrame(rows, columns=["date", "market"])
    return frame.astype({"date": "datetime64[us]"})


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
        f"blocked, nothing written: {shown}{more}{why}; run it again when the vendor has the data"
    )


def session_notes(
    keys: list[str], bars: SortedBars, open_on: pd.DataFrame
) -> dict[str, dict[str, str | int]]:
    """Per session: which markets were open, and whether nothing was expected at all."""
    open_by_day = open_on.groupby("date")["market"].agg(" ".join)
    expected = bars.coverage.groupby("date")["listed"].sum()
    quarantined = bars.bad.groupby("date").size()
    notes: dict[str, dict[str, str | int]] = {}
    for key in keys:
        day = pd.Timestamp(key)
        notes[key] = {
            "open_markets": str(open_by_day[day]),
            "quarantined": int(quarantined.get(day, 0)),
        }
        if day not in expected.index:
            notes[key]["status"] = "market closed"
    return notes
