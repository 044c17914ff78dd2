"""The real graph on a lake and a database of the test's own, in this process."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from parakeet_dagster.backfill import dependencies, reports
from parakeet_dagster.definitions import build_definitions
from parakeet_dagster.places import open_lake
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.lake import Lake
from strategy.strategy import Strategy

RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Graph:
    """Runs the daily job as `dagster asset materialize --select '*'` does, but for the reports.

    Those read all of history, and are made once after a back-fill; see ``reports``.
    """

    home: Path
    instance: dg.DagsterInstance
    strategies: Mapping[str, Strategy]

    @property
    def lake(self) -> Lake:
        return open_lake(load_settings().lake_url)

    def definitions(self) -> dg.Definitions:
        return build_definitions(load_settings(), self.strategies)

    def run(
        self,
        first: str,
        last: str | None = None,
        selection: list[dg.AssetKey] | None = None,
    ) -> dg.ExecuteInProcessResult:
        definitions = self.definitions()
        partitioned = list(dependencies(definitions.resolve_asset_graph()))
        return definitions.resolve_job_def("daily").execute_in_process(
            instance=self.instance,
            partition_key=None if last else first,
            tags=dict(zip(RANGE_TAGS, (first, last), strict=True)) if last else None,
            asset_selection=selection or partitioned,
            run_config=QUIET,
            raise_on_error=False,
        )

    def reports(self) -> dg.ExecuteInProcessResult:
        """The tear sheets."""
        definitions = self.definitions()
        return definitions.resolve_job_def("daily").execute_in_process(
            instance=self.instance,
            asset_selection=list(reports(definitions.resolve_asset_graph())),
            run_config=QUIET,
            raise_on_error=False,
        )


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What every failed step says: our line, or the error that nobody foresaw."""
    told = {}
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            ours = data.user_failure_data
            told[str(event.step_key)] = str(ours.description if ours else data.error_display_string)
    return told


def metadata_of(result: dg.ExecuteInProcessResult, asset: str, session: str) -> dict[str, object]:
    """What the UI shows of one partition."""
    for event in result.get_asset_materialization_events():
        if event.asset_key == dg.AssetKey(asset.split("/")) and event.partition == session:
            metadata = event.materialization.metadata
            return {name: value.value for name, value in metadata.items()}
    raise AssertionError(f"{asset} of {session} was not materialised")


def checks_of(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """Whether each asset check passed, by ``asset:check``."""
    return {
        f"{one.asset_key.to_user_string()}:{one.check_name}": one.passed
        for one in result.get_asset_check_evaluations()
    }


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@contextmanager
def fast_instance(home: Path, patch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance of its own with the event log that `dagster.yaml` names."""
    patch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    event_log = {
        "module": "parakeet_dagster.event_log",
        "class": "BatchedSqliteEventLogStorage",
        "config": {"base_dir": str(home / "dagster")},
    }
    with dg.instance_for_test({"event_log_storage": event_log}) as instance:
        yield instance


@pytest.fixture
def graph(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Graph]:
    """The graph, with the module's strategies SHORT, on an empty lake and an empty database.

    Its events are kept in memory, which saves a third of the time of a run.
    """
    monkeypatch.setenv("PARAKEET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NEON_DATABASE_URL", database_url)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Graph(tmp_path / "home", instance, request.module.SHORT)


def copy_lake(source: Path, graph: Graph) -> None:
    """Start from a lake that was filled before."""
    shutil.copytree(source, graph.home / "lake")
