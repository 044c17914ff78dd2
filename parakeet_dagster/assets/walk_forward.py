"""What choosing a strategy's parameters by the past was worth afterwards."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.market import in_batches, read_market
from parakeet_dagster.assets.metadata import table
from parakeet_dagster.assets.sample import OF_MEMBERS
from parakeet_dagster.assets.universe import OWNERS
from parakeet_dagster.reports.images import as_markdown
from parakeet_dagster.reports.walk_forward import walk_forward_chart
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.settings import Settings
from parakeet_dagster.storage.lake import Lake
from parakeet_dagster.storage.reports import remove_report, write_tables
from strategy.candidates import candidate_targets
from strategy.daily import members_of
from strategy.errors import TooShortError
from strategy.grid import candidates
from strategy.portfolio.folds import Windows
from strategy.portfolio.simulation import LOOKBACK
from strategy.portfolio.terms import Terms
from strategy.portfolio.walk_forward import WalkForward, walk_forward
from strategy.strategy import Strategy
from strategy.universes.members import CASH

WALK_FORWARD = "walk_forward"


def walk_forward_assets(
    strategies: Mapping[str, Strategy], settings: Settings
) -> list[dg.AssetsDefinition]:
    """The assets ``walk_forward/<name>``, of the strategies that have a grid of parameters."""
    return [
        walk_forward_asset(name, strategy, settings.terms, Windows())
        for name, strategy in strategies.items()
        if strategy.grid
    ]


def walk_forward_asset(
    name: str, strategy: Strategy, terms: Terms, windows: Windows
) -> dg.AssetsDefinition:
    """The asset ``walk_forward/<name>``."""

    @dg.asset(
        key=[WALK_FORWARD, name],
        deps=["daily_returns", "raw_prices", "fx_rates", "ticker_universe"],
        description=f"{strategy.description}.\n\nIts parameters chosen on {windows.train} sessions,"
        f" used on the {windows.test} after them, and so on through all that is stored; beside what"
        " the best of them with hindsight, and the catalog's own, would have earned there. Not part"
        " of the daily job: it takes its time.",
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=WALK_FORWARD,
        kinds={"parquet"},
        owners=OWNERS,
        metadata={"candidates": list(candidates(strategy))},
    )
    @one_line_failures
    def walked(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.MaterializeResult[Any]:
        try:
            found = _walked(lake, strategy, terms, windows)
        except TooShortError as error:
            remove_report(lake, f"{WALK_FORWARD}/{name}")  # of before, and true no longer
            return dg.MaterializeResult(metadata={"note": f"nothing to report yet: {error}"})
        tables = _tables(found)
        path = write_tables(lake, f"{WALK_FORWARD}/{name}", tables)
        context.log.info("%s: %d test windows", name, len(found.folds))
        return dg.MaterializeResult(metadata=_shown(found, tables["curves"], path))

    return walked


def _walked(lake: Lake, strategy: Strategy, terms: Terms, windows: Windows) -> WalkForward:
    """Decide the targets of every candidate on what is stored, and walk through them.

    Raises:
        HoleError: a session is missing inside the stored history.
        TooShortError: there are too few sessions.
    """
    stored = lake.sessions("daily_returns")
    if not stored:
        raise TooShortError("no session is stored")
    keys = calendar.between(stored[0], stored[-1])
    members = pd.concat(
        [
            members_of(strategy, part)
            for part in in_batches(lake, "ticker_universe", keys, OF_MEMBERS)
        ],
        ignore_index=True,
    )
    fields = sorted(
        {"date", "ticker", "traded"}.union(*(one.fields for one in candidates(strategy).values()))
    )
    names = set(members["ticker"])
    returns = pd.concat(
        [
            part[part["ticker"].isin(names)]
            for part in in_batches(lake, "daily_returns", keys, fields)
        ],
        ignore_index=True,
    )
    sessions = pd.DatetimeIndex(keys).as_unit("us")
    targets = candidate_targets(strategy, returns, members, sessions, sessions, calendar.calendar())
    held = set().union(*(one["ticker"] for one in targets.values())) - {CASH}
    first = min(one["date"].min() for one in targets.values())
    start = max(int(sessions.searchsorted(first)) - LOOKBACK, 0)
    market = read_market(lake, keys[start:], held)
    return walk_forward(strategy, market, targets, sessions, windows, terms)


def _tables(found: WalkForward) -> dict[str, pd.DataFrame]:
    """What is stored of it."""
    curves = {
        side: getattr(found, side).set_index("date")["equity"]
        for side in ("out_of_sample", "in_sample", "fixed")
    }
    return {
        "folds": found.folds,
        "scores": found.scores,
        "curves": pd.DataFrame(curves),
        "figures": found.figures,
    }


def _shown(found: WalkForward, curves: pd.DataFrame, path: str) -> dict[str, Any]:
    """What the UI shows of it."""
    return {
        "path": dg.MetadataValue.path(path),
        "figures": table(found.figures.reset_index()),
        "folds": table(found.folds),
        "training_sharpe": table(found.scores.reset_index()),
        "equity": dg.MetadataValue.md(as_markdown(walk_forward_chart(curves), "equity")),
        "notes": dg.MetadataValue.md("\n".join(f"* {note}" for note in found.notes)),
    }
