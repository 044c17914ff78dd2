"""Whose orders are stored, and on which terms: what their materialisations say.

Not what is set now: orders stay as they were computed when a setting changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.backtests import start_of
from parakeet_dagster.storage.lake import Lake
from strategy.portfolio.terms import Terms
from strategy.strategy import Strategy

LIVE, SIMULATED = "live", "simulated"
WHOSE = {
    LIVE: "your own portfolio",
    SIMULATED: "a simulated account",
    None: "an account of which there is no record",
}
"""In words, as in "for your own portfolio"."""

ACCOUNT, TERMS, PAST = "account", "terms_fingerprint", "past_terms"
OTHER = "other than these"


@dataclass(frozen=True)
class Record:
    """What is on record of the orders of a strategy after a session.

    session: its key. made_at: seconds since 1970. account: ``LIVE``, ``SIMULATED`` or None, where
    that is not on record. terms: the fingerprint of those on which they were computed. is_mixed:
    the simulated account was kept on other terms before. note: what there was to do.
    """

    session: str = ""
    made_at: float = 0.0
    account: str | None = None
    terms: str | None = None
    is_mixed: bool = False
    note: str | None = None


NOTHING_KNOWN = Record()


def record_of(instance: dg.DagsterInstance, strategy: str, session: str) -> Record:
    """The record of the newest materialisation; of the session alone where there is none."""
    asked = dg.AssetRecordsFilter(
        asset_key=dg.AssetKey(["orders", strategy]), asset_partitions=[session]
    )
    found = instance.fetch_materializations(asked, limit=1).records
    materialisation = found[0].asset_materialization if found else None
    if materialisation is None:
        return Record(session)
    texts = {
        name: value.value
        for name, value in materialisation.metadata.items()
        if isinstance(value, dg.TextMetadataValue)
    }
    return Record(
        session,
        made_at=found[0].timestamp,
        account=texts.get(ACCOUNT),
        terms=texts.get(TERMS),
        is_mixed=PAST in texts,
        note=texts.get("note"),
    )


def recorded(account: str, terms: Terms, before: Record) -> Mapping[str, Any]:
    """What is to be recorded of orders; ``before``: the session before, from which they go on.

    An account that once went on with other terms is mixed until it is kept anew from its start. Of
    a past that is not on record nothing is said.
    """
    known = before.terms in (None, terms.fingerprint)
    past = {} if known and not before.is_mixed else {PAST: OTHER}
    return {ACCOUNT: account, TERMS: terms.fingerprint, **past}


def other_terms(
    lake: Lake, strategies: Mapping[str, Strategy], records: Mapping[str, Record], terms: Terms
) -> str | None:
    """Which simulated accounts were kept on other terms than those set now, and what mends it.

    Args:
        lake: where the targets are.
        strategies: those of ``records``.
        records: by strategy, of the newest session.
        terms: that are set.

    Returns:
        One line; None where all were kept on these, or have not started.
    """
    starts = {
        name: start_of(lake, name, strategies[name], pd.Timestamp(record.session))
        for name, record in records.items()
        if record.is_mixed or record.terms not in (None, terms.fingerprint)
    }
    begun = {name: start for name, start in starts.items() if start is not None}
    if not begun:
        return None
    first = calendar.key(min(begun.values()))
    return (
        "kept on other terms (capital, costs, ...) than are set now: the simulated"
        f" account{'s' if len(begun) > 1 else ''} of {', '.join(begun)}; parakeet backfill {first}"
        f" {first} --again computes all of it anew"
    )
