"""The daily dump of what only the database holds."""

import dagster as dg
import pandas as pd
from pydantic import Field

from parakeet_dagster.assets.metadata import table
from parakeet_dagster.backups import KEPT, back_up
from parakeet_dagster.resources.failures import one_line_failures
from parakeet_dagster.settings import load_settings

DAILY = "0 5 * * *"
"""At 05:00 UTC, when the session of the day before has been brought in."""


class BackupConfig(dg.Config):
    """What can be changed in the launchpad.

    Attributes:
        keep: so many dumps stay, the newest; at least 1.
    """

    keep: int = Field(default=KEPT, ge=1)


@dg.op
@one_line_failures
def dump_database(context: dg.OpExecutionContext, config: BackupConfig) -> None:
    """Write a dump to ``PARAKEET_BACKUPS``; see ``parakeet db dump``."""
    made = back_up(load_settings(), config.keep)
    manifest = made.manifest
    tables = pd.DataFrame(
        {
            "table": list(manifest.tables),
            "rows": [one.rows for one in manifest.tables.values()],
            "bytes": [one.size for one in manifest.tables.values()],
        }
    )
    context.log.info("%d rows, %d bytes: %s", manifest.rows, manifest.size, made.dump.url)
    context.add_output_metadata(
        {
            "path": made.dump.url,
            "rows": manifest.rows,
            "bytes": manifest.size,
            "tables": table(tables),
            "removed": ", ".join(made.removed),
        }
    )


@dg.job(description="What only the database holds, dumped beside the lake: parakeet db restore.")
def backup() -> None:
    """Bars are in the lake, and are left out."""
    dump_database()


def backup_schedule(status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    """Every day; see ``DAILY``."""
    return dg.ScheduleDefinition(
        job=backup, cron_schedule=DAILY, execution_timezone="UTC", default_status=status
    )
