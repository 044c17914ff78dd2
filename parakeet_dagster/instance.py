"""The Dagster instance of the command line, and that of a Lambda."""

from pathlib import Path

import dagster as dg
from dagster._core.instance import InstanceRef

from parakeet_dagster.settings import Settings, export_dagster_home, export_event_batches

SERVERLESS_FILE = "serverless.yaml"

_PRINTED_AS_IT_IS = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance in ``DAGSTER_HOME``, whose runs in this process print to the terminal.

    Dagster would copy what a step prints to a file, by four processes a run. Ctrl-C in a terminal
    goes to them too, and each answers it with a traceback.
    """
    home = export_dagster_home(settings)
    reference = InstanceRef.from_dir(str(home), overrides=_PRINTED_AS_IT_IS)
    return dg.DagsterInstance.from_ref(reference)


def open_serverless_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance whose records are in PostgreSQL, and nothing of it on this machine.

    It is ``serverless.yaml``, whatever is in ``DAGSTER_HOME``.

    Raises:
        SettingsError: the database's URL, or Dagster's own, cannot be used, or none is named.
        DatabaseError: the database cannot be reached.
    """
    export_event_batches()
    reference = InstanceRef.from_dir(
        str(settings.home / "dagster"),
        config_dir=str(Path(__file__).parent),
        config_filename=SERVERLESS_FILE,
    )
    return dg.DagsterInstance.from_ref(reference)
