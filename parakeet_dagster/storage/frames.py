"""A query as a frame whose types do not depend on the rows it has."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sqlalchemy import Connection, TextClause

DAY = "datetime64[us]"
MOMENT = "datetime64[us, UTC]"


def read_frame(
    connection: Connection,
    query: TextClause,
    types: Mapping[str, str],
    parameters: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """The rows of ``query``, with the columns of ``types`` in its order; also where none are."""
    frame = pd.read_sql_query(query, connection, params=parameters)
    return frame[list(types)].astype(dict(types))
