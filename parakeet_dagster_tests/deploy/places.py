"""Where the files of a deployment are."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def read_yaml(path: Path) -> Any:
    """What is in a YAML file."""
    return yaml.safe_load(path.read_text())
