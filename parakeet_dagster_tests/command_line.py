"""The command line in this process, as a script meets it."""

import io
import json
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import pytest

from parakeet_dagster import definitions
from parakeet_dagster.cli import main

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output as what ``--json`` promises."""
        found = json.loads(self.out)
        assert isinstance(found, list)
        assert all(isinstance(one, dict) for one in found)
        return found

    def is_one_line(self, message: str, code: int = 1) -> bool:
        """One line on standard error, ``Error: <message>``, and nothing else."""
        return (self.code, self.out, ANSI.sub("", self.err)) == (code, "", f"Error: {message}\n")


def parakeet(*arguments: str) -> Outcome:
    """The command in this process, with a graph made for the environment as it is now."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["parakeet", *arguments])
        patch.delitem(sys.modules, definitions.__name__)
        for exported in ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
            patch.setenv(exported, "to be put back")
            patch.delenv(exported)
        with pytest.raises(SystemExit) as left:
            main()
    return Outcome(int(left.value.code or 0), out.getvalue(), err.getvalue())
