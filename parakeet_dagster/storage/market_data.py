"""The tables market_data and corporate_actions: what the lake's raw_prices says, merged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pandas as pd
from sqlalchemy import Connection, text

from parakeet_dagster.storage.frames import DAY, MOMENT, read_frame
from parakeet_dagster.storage.staging import stage

_STAGED = {
    "date": "date",
    "ticker": 'text COLLATE "C"',
    "market": "text",
    "currency": "text",
    "open": "double precision",
    "high": "double precision",
    "low": "double precision",
    "close": "double precision",
    "volume": "bigint",
    "dividend": "double precision",
    "split_ratio": "double precision",
    "source": "text",
    "data_quality": "text",
}
_MERGE = text("""
    SELECT inserted, updated, unchanged, deleted
    FROM merge_staged_bars(
        CAST(:sessions AS date[]), :reason, CAST(:corrected_before AS timestamptz), :others_follow
    )
""")
_NOTHING = pd.DataFrame(columns=list(_STAGED)).astype({"date": DAY})
_STALE = text("SELECT ticker FROM stale_adjusted_closes ORDER BY ticker")
_CHECKSUMS = text("SELECT date, rows, checksum FROM market_data_checksum(:first, :last)")
_SESSIONS = text("SELECT date FROM market_data_sessions ORDER BY date")
_SOURCES = text("SELECT DISTINCT source FROM market_data_latest")
_AS_OF = text("""
    SELECT ticker, date, open, high, low, close, volume, adjusted_close, source, data_quality,
           created_at, updated_at, metadata::text AS metadata
    FROM market_data_as_of(:moment)
    ORDER BY ticker COLLATE "C", date
""")
_AS_OF_TYPES = {
    "ticker": "str",
    "date": DAY,
    **dict.fromkeys(("open", "high", "low", "close"), "float64"),
    "volume": "int64",
    "adjusted_close": "float64",
    "source": "str",
    "data_quality": "str",
    "created_at": MOMENT,
    "updated_at": MOMENT,
    "metadata": "str",
}
# A row without a bar is an action on a day on which its ticker did not trade.
_RAW_PRICES = text("""
    SELECT
        coalesce(b.date, a.ex_date) AS date,
        coalesce(b.ticker, a.ticker) AS ticker,
        coalesce(b.metadata, another.metadata) ->> 'market' AS market,
        coalesce(b.metadata, another.metadata) ->> 'currency' AS currency,
        b.open, b.high, b.low, b.close,
        coalesce(b.volume, 0) AS volume,
        coalesce(a.dividend, 0) AS dividend,
        coalesce(a.split_ratio, 1) AS split_ratio,
        coalesce(b.source, a.source) AS source,
        coalesce(b.data_quality, 'good') AS data_quality
    FROM (SELECT * FROM market_data WHERE date = ANY (CAST(:sessions AS date[]))) AS b
    FULL JOIN (
        SELECT
            ticker,
            ex_date,
            max(value) FILTER (WHERE kind = 'dividend') AS dividend,
            max(value) FILTER (WHERE kind = 'split') AS split_ratio,
            min(source) AS source
        FROM corporate_actions
        WHERE ex_date = ANY (CAST(:sessions AS date[])) AND superseded_at IS NULL
        GROUP BY ticker, ex_date
    ) AS a ON a.ticker = b.ticker AND a.ex_date = b.date
    LEFT JOIN LATERAL (
        SELECT m.metadata FROM market_data AS m WHERE m.ticker = a.ticker LIMIT 1
    ) AS another ON b.ticker IS NULL
    WHERE b.ticker IS NOT NULL OR another.metadata IS NOT NULL
    ORDER BY 1, 2
""")
_RAW_PRICES_TYPES = {
    "date": DAY,
    **dict.fromkeys(("ticker", "market", "currency"), "str"),
    **dict.fromkeys(("open", "high", "low", "close"), "float64"),
    "volume": "int64",
    **dict.fromkeys(("dividend", "split_ratio"), "float64"),
    **dict.fromkeys(("source", "data_quality"), "str"),
}
_REBUILT = "rebuilt from the lake"
_NO_CORRECTION = datetime(1, 1, 1, tzinfo=UTC)
_RECALL = text("SELECT recall_known_since(CAST(:sessions AS date[]))")
_SUMMARY = text("SELECT count(*), min(date), max(date) FROM market_data")


@dataclass(frozen=True)
class MergeCounts:
    """What a merge did to the bars of ``market_data``."""

    inserted: int
    updated: int
    unchanged: int
    deleted: int


@dataclass(frozen=True)
class Rebuilt:
    """What became of some sessions: of bars, and how many got the moment that a dump told."""

    bars: MergeCounts
    recalled: int


@dataclass(frozen=True)
class MarketDataSummary:
    """How much there is in ``market_data``; no first and last date where it is empty."""

    rows: int
    first_date: date | None
    last_date: date | None


def merge(
    connection: Connection,
    frame: pd.DataFrame,
    sessions: Sequence[date],
    reason: str,
    corrected_before: datetime | None,
    *,
    others_follow: bool,
) -> MergeCounts:
    """See ``Database.merge_market_data`` and, where others follow, ``merge_chunk``."""
    stray = frame["date"][~frame["date"].isin(pd.to_datetime(list(sessions)))]
    if not stray.empty:
        raise ValueError(f"a row of {stray.iloc[0]:%Y-%m-%d} in a merge of other sessions")
    # In the order of the primary key, which is the cheapest to write.
    stage(connection, "staged_bars", _STAGED, frame.sort_values(["ticker", "date"]))
    counts = connection.execute(
        _MERGE,
        {
            "sessions": list(sessions),
            "reason": reason,
            "corrected_before": corrected_before or "infinity",
            "others_follow": others_follow,
        },
    ).one()
    return MergeCounts(*counts)


def rebuild(connection: Connection, frame: pd.DataFrame, sessions: Sequence[date]) -> Rebuilt:
    """See ``Database.rebuild``."""
    counts = merge(connection, frame, sessions, _REBUILT, _NO_CORRECTION, others_follow=True)
    recalled = connection.execute(_RECALL, {"sessions": list(sessions)}).scalar_one()
    return Rebuilt(counts, int(recalled))


def refresh_stale(connection: Connection) -> None:
    """See ``Database.refresh_adjusted_closes``."""
    merge(connection, _NOTHING, [], "", None, others_follow=False)


def stale(connection: Connection) -> list[str]:
    """See ``Database.stale_adjusted_closes``."""
    return list(connection.scalars(_STALE))


def checksums(connection: Connection, first: date, last: date) -> pd.DataFrame:
    """See ``Database.market_data_checksums``."""
    frame = pd.read_sql_query(_CHECKSUMS, connection, params={"first": first, "last": last})
    return frame.astype({"date": "datetime64[us]", "rows": "int64", "checksum": "str"})


def sessions(connection: Connection) -> list[date]:
    """See ``Database.market_data_sessions``."""
    return list(connection.scalars(_SESSIONS))


def as_of(connection: Connection, moment: datetime) -> pd.DataFrame:
    """See ``Database.market_data_as_of``."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone: say which moment is meant")
    return read_frame(connection, _AS_OF, _AS_OF_TYPES, {"moment": moment})


def raw_prices(connection: Connection, sessions: Sequence[date]) -> pd.DataFrame:
    """See ``Database.raw_prices``."""
    return read_frame(connection, _RAW_PRICES, _RAW_PRICES_TYPES, {"sessions": list(sessions)})


def sources(connection: Connection) -> set[str]:
    """See ``Database.sources``."""
    return set(connection.execute(_SOURCES).scalars())


def summary(connection: Connection) -> MarketDataSummary:
    """See ``Database.market_data_summary``."""
    return MarketDataSummary(*connection.execute(_SUMMARY).one())
