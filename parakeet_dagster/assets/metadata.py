"""What an asset shows in the UI: its columns once, and per session counts and a preview."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd

from parakeet_dagster.storage.schemas import COLUMN_DESCRIPTIONS, SCHEMAS

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
    counts = frame.groupby("date").size()
    tickers = frame.groupby("date")["ticker"].nunique() if "ticker" in frame else None
    previews = dict(iter(_plain(frame.groupby("date").head(PREVIEW_ROWS)).groupby("date")))
    for session in context.partition_keys:
        day = pd.Timestamp(session)
        shown: dict[str, Any] = {"dagster/partition_row_count": int(counts.get(day, 0))}
        if tickers is not None:
            shown["tickers"] = int(tickers.get(day, 0))
        if session in previews:
            shown["preview"] = _table(previews[session])
        shown.update((more or {}).get(session, {}))
        context.add_asset_metadata(shown, partition_key=session)
    return frame


def table(frame: pd.DataFrame) -> dg.TableMetadataValue:
    """A frame as a table in the UI."""
    return _table(_plain(frame))


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


def _table(plain: pd.DataFrame) -> dg.TableMetadataValue:
    rows: list[dict[str, Any]] = plain.to_dict("records")  # type: ignore[assignment]  # names are str
    columns = [dg.TableColumn(str(name)) for name in plain.columns]
    records = [dg.TableRecord(row) for row in rows]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))
