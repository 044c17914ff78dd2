"""The entry of the image: names Dagster's database, then becomes the command it was given.

Dagster's instance file reads the URL of its storage from ``DAGSTER_POSTGRES_URL``. In a container that
variable is derived from the project's own database, which may be known only by the name of a secret.
ECS and Kubernetes put a run's command in the place of the image's, and keep its entry: so the entry
ends in ``exec``, and signals, exit code and process id are the command's.
"""

import os
import shutil
import sys
from collections.abc import Sequence

from parakeet_dagster.connect import export_dagster_postgres_url
from parakeet_dagster.errors import ParakeetError
from parakeet_dagster.settings import load_settings

NOT_FOUND = 127
"""The exit code of a shell that does not find a command."""


def enter(command: Sequence[str]) -> int:
    """Become ``command``; returns an exit code only where that was not possible.

    The message is one line on standard error, where a container's log has it.
    """
    if not command:
        return _refuse("no command: say for example parakeet status", NOT_FOUND)
    program = shutil.which(command[0])
    if program is None:
        return _refuse(f"{command[0]}: no such command in this image", NOT_FOUND)
    try:
        export_dagster_postgres_url(load_settings())
    except ParakeetError as error:
        return _refuse(str(error), 1)
    os.execv(program, list(command))  # noqa: S606 - the command we were given, no shell


def _refuse(message: str, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    return code


if __name__ == "__main__":
    sys.exit(enter(sys.argv[1:]))
