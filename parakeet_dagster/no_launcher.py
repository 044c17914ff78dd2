"""The run launcher of a process that starts no others: a Lambda runs everything within itself."""

from collections.abc import Mapping
from typing import Any, Self

import dagster as dg
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._serdes import ConfigurableClass, ConfigurableClassData


class NoLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Launches nothing.

    It says that it can tell which runs are alive, so that nobody looks for their processes on this
    machine, where they never were.
    """

    supports_check_run_worker_health = True

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()  # type: ignore[no-untyped-call]  # Dagster types no constructor here

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What it was made from."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """No configuration."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003 - Dagster's signature
    ) -> Self:
        """Make the launcher that ``serverless.yaml`` asks for."""
        return cls(inst_data=inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Refuse.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(f"run {context.dagster_run.run_id}: a Lambda launches no runs")

    def terminate(self, run_id: str) -> bool:  # noqa: ARG002 - Dagster's signature
        """Nothing was launched, so nothing ends."""
        return False

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:  # noqa: ARG002 - Dagster's signature
        """Not known: it is another process's run."""
        return CheckRunHealthResult(WorkerStatus.UNKNOWN)
