"""The same graph with nothing in it: what Dagster alone costs.

The assets, their parents, partitions and checks are those of the real graph, and so are the runs;
but every asset returns at once, and nothing is loaded or stored. What is left is the making of
runs, the steps, and the events, of which there are as many.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

JOB = "daily"


def described(definitions: dg.Definitions) -> list[dict[str, Any]]:
    """The steps of a graph as plain values: the assets of each, their parents and checks."""
    graph = definitions.resolve_asset_graph()
    steps = []
    for asset in graph.assets_defs:
        if not asset.is_executable:
            continue
        steps.append(
            {
                "name": asset.node_def.name,
                "assets": [
                    {
                        "key": list(key.path),
                        "parents": sorted(list(one.path) for one in graph.get(key).parent_keys),
                        "partitioned": graph.get(key).partitions_def is not None,
                    }
                    for key in sorted(asset.keys)
                ],
                "checks": [
                    {"asset": list(one.asset_key.path), "name": one.name, "blocking": one.blocking}
                    for one in asset.check_specs
                ],
                "in_job": not any(key.path[0] == "walk_forward" for key in asset.keys),
            }
        )
    return steps


def empty(
    steps: Sequence[dict[str, Any]], partitions: dg.PartitionsDefinition[str]
) -> dg.Definitions:
    """Those steps, each of which does nothing."""
    made: list[dg.AssetsDefinition] = [_step(step, partitions) for step in steps if step["assets"]]
    checks = [_check(step) for step in steps if not step["assets"]]
    out = [
        dg.AssetKey(one["key"]) for step in steps if not step["in_job"] for one in step["assets"]
    ]
    selection = dg.AssetSelection.all() - dg.AssetSelection.assets(*out)
    job = dg.define_asset_job(JOB, selection=selection, partitions_def=partitions)
    return dg.Definitions(
        assets=made, asset_checks=checks, jobs=[job], executor=dg.in_process_executor
    )


def _specs(checks: Sequence[dict[str, Any]]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(one["name"], asset=dg.AssetKey(one["asset"]), blocking=one["blocking"])
        for one in checks
    ]


def _step(step: dict[str, Any], partitions: dg.PartitionsDefinition[str]) -> dg.AssetsDefinition:
    checks = _specs(step["checks"])

    @dg.multi_asset(
        name=step["name"],
        specs=[
            dg.AssetSpec(
                dg.AssetKey(one["key"]),
                deps=[dg.AssetKey(parent) for parent in one["parents"]],
                partitions_def=partitions if one["partitioned"] else None,
            )
            for one in step["assets"]
        ],
        check_specs=checks,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=len(step["assets"]) > 1,
    )
    def nothing() -> Any:  # noqa: ANN401 - a generator of Dagster's results
        for one in step["assets"]:
            yield dg.MaterializeResult(asset_key=dg.AssetKey(one["key"]))
        for check in checks:
            yield dg.AssetCheckResult(passed=True, asset_key=check.asset_key, check_name=check.name)

    return nothing


def _check(step: dict[str, Any]) -> dg.AssetChecksDefinition:
    specs = _specs(step["checks"])

    @dg.multi_asset_check(name=step["name"], specs=specs)
    def nothing() -> Any:  # noqa: ANN401 - a generator of Dagster's results
        for one in specs:
            yield dg.AssetCheckResult(passed=True, asset_key=one.asset_key, check_name=one.name)

    return nothing
