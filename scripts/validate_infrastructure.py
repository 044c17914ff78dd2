"""`terraform validate` and `terraform test` of infrastructure/, without a registry or an account.

``make infra`` runs it. The provider is scripts/schema_provider.py, which Terraform takes from a
folder instead of a download; everything happens in a copy, so nothing is left behind.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "parakeet_dagster_tests" / "infrastructure" / "aws_schema.json"
PROVIDER = ROOT / "scripts" / "schema_provider.py"
LEFT_OUT = shutil.ignore_patterns(".terraform*", "*.tfstate*", "terraform.tfvars", "backend.tf")


def main() -> None:
    """Run Terraform's own checks; the exit code is the first one that failed."""
    if shutil.which("terraform") is None:
        sys.exit("terraform is not installed: see infrastructure/README.md")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy = folder / "infrastructure"
        shutil.copytree(ROOT / "infrastructure", copy, ignore=LEFT_OUT)
        environment = os.environ | _overrides(folder)  # noqa: TID251 - Terraform's, no setting
        for command in (["get"], ["validate", "-no-color"], ["test", "-no-color"]):
            done = subprocess.run(["terraform", *command], cwd=copy, env=environment, check=False)  # noqa: S603, S607 - of constants
            if done.returncode:
                sys.exit(done.returncode)


def _overrides(folder: Path) -> dict[str, str]:
    """Terraform's settings: the provider is the executable of that name in ``folder``."""
    executable = folder / "terraform-provider-aws"
    executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROVIDER}" "$@"\n')
    executable.chmod(0o755)
    settings = folder / "terraform.rc"
    settings.write_text(
        f'provider_installation {{\n  dev_overrides {{ "hashicorp/aws" = "{folder}" }}\n'
        "  direct {}\n}\n"
    )
    return {
        "AWS_SCHEMA": str(SCHEMA),
        "CHECKPOINT_DISABLE": "1",
        "HOME": str(folder),
        "TF_CLI_CONFIG_FILE": str(settings),
    }


if __name__ == "__main__":
    main()
