"""What an asset shows in the UI: its columns once, and per session counts and a preview."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import pandas as pd

from parakeet_dagster.storage.schemas import COLUMN_DESCRIPTIONS, SCHEMAS

ROW_COUNT = "dagster/partition_row_count"
"""Where a session says how many rows it has; Dagster draws it."""

PREVIEW_ROWS = 3
DIGITS = 6


def column_schema(asset: str) -> dict[str, Any]:
    """Static metadata: the asset's columns, their types and what they mean."""
    columns = [
        dg.TableColumn(field.name, str(field.type), COLUMN_DESCRIPTIONS[asset][field.name])
        for field in SCHEMAS[asset]
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def describe(
    context: dg.AssetExecutionContext,
    frame: pd.DataFrame,
    more: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """Attach rows, tickers and a preview to each session's partition; returns ``frame``.

    Args:
        context: of the run.
        frame: the output; column ``date`` says which session a row belongs to.
        more: further metadata by session key.
    """
    by_day = frame.groupby("date")
    counts = _by_session(by_day.size())
    tickers = _by_session(by_day["ticker"].nunique()) if "ticker" in frame else None
    previews = _previews(by_day.head(PREVIEW_ROWS))
    for session in context.partition_keys:
        shown: dict[str, Any] = {ROW_COUNT: counts.get(session, 0)}
        if tickers is not None:
            shown["tickers"] = tickers.get(session, 0)
        if session in previews:
            shown["preview"] = previews[session]
        shown.update((more or {}).get(session, {}))
        context.add_asset_metadata(shown, partition_key=session)
    return frame


def table(frame: pd.DataFrame) -> dg.TableMetadataValue:
    """A frame as a table in the UI."""
    plain = _plain(frame)
    names = [str(name) for name in plain]
    rows = [dg.TableRecord(dict(zip(names, row, strict=True))) for row in _rows(plain)]
    return dg.MetadataValue.table(
        rows, schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in names])
    )


def _by_session(counts: "pd.Series[int]") -> dict[str, int]:
    days = pd.DatetimeIndex(counts.index).strftime("%Y-%m-%d")
    return dict(zip(days, counts.tolist(), strict=True))


def _previews(rows: pd.DataFrame) -> dict[str, dg.MarkdownMetadataValue]:
    """A table of the rows of each session.

    As text: a table of Dagster's own says of every column what it may hold, in every event.
    """
    plain = _plain(rows)
    head = [_line(list(plain)), _line(["---"] * len(plain.columns))]
    of_session: dict[str, list[str]] = {}
    for session, row in zip(plain["date"], _rows(plain), strict=True):
        of_session.setdefault(session, list(head)).append(_line(row))
    return {session: dg.MetadataValue.md("\n".join(lines)) for session, lines in of_session.items()}


def _line(cells: Sequence[object]) -> str:
    """Of a table in Markdown, where a name may hold what separates its cells."""
    texts = [str(cell).replace("|", r"\|") for cell in cells]
    return f"| {' | '.join(texts)} |"


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Dates as text and floats rounded, as a reader wants them."""
    texts = {
        name: column.dt.strftime("%Y-%m-%d").fillna("")
        for name, column in frame.select_dtypes("datetime").items()
    } | {
        name: column.dt.strftime("%Y-%m-%d %H:%M UTC").fillna("")
        for name, column in frame.select_dtypes("datetimetz").items()
    }
    floats = {
        name: column.round(DIGITS).astype("object").where(column.notna(), "")
        for name, column in frame.select_dtypes("float").items()
    }
    return frame.assign(**{str(name): column for name, column in {**texts, **floats}.items()})


def _rows(plain: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    return zip(*(plain[name].tolist() for name in plain), strict=True)
