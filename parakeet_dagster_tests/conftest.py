"""Every test starts from an empty environment, in an empty directory."""

import os
from collections import Counter
from pathlib import Path

import hypothesis
import pytest

from parakeet_dagster.settings import Settings

MARKET_DATA = "PARAKEET_TEST_DATA"
OURS = ("PARAKEET_", "AWS_", "NEON_DATABASE_URL", "DAGSTER_HOME", "DAGSTER_POSTGRES_URL")

market_data_at = os.environ.get(MARKET_DATA)  # noqa: TID251 - no setting of the program's

# Modules read the settings when they are imported, which is before any fixture runs.
for name in [name for name in os.environ if name.startswith(OURS)]:  # noqa: TID251 - cleared here
    if name != MARKET_DATA:  # xdist's workers inherit what is left
        del os.environ[name]  # noqa: TID251 - as above
Settings.model_config["env_file"] = None

hypothesis.settings.register_profile(
    "parakeet", derandomize=True, database=None, deadline=None, max_examples=50
)
hypothesis.settings.load_profile("parakeet")


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures of the database; ``pytest_plugins`` is refused below the root folder."""
    config.pluginmanager.import_plugin("parakeet_dagster_tests.storage.postgres")


@pytest.fixture(autouse=True)
def _clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable and no ``.env`` of the developer's; a test may set and write its own."""
    for name in [name for name in os.environ if name.startswith(OURS)]:  # noqa: TID251 - cleared
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")


@pytest.fixture(scope="session")
def market_data_folder() -> Path:
    """The folder of real market data, which is not part of the project."""
    if not market_data_at:
        pytest.skip(f"{MARKET_DATA} is not set: it names the folder of real market data")
    return Path(market_data_at)


LONGEST_FIRST = (
    "test_graph",
    "test_prices_you_can_trust",
    "test_backfill",
    "test_kill",
    "test_serverless",
    "test_yahoo_end_to_end",
    "test_orders_and_reports",
    "test_cli",
    "test_newcomers",
    "test_secrets_stay_secret",
    "test_recovery",
    "test_yahoo",
    "test_every_strategy_on_noise",
    "test_yahoo_disturbed",
    "test_schema",
    "test_page_in_browser",
    "test_resilience",
)
"""Modules with few but long tests: run at the end, they would leave the other worker idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order whole modules, the longest first; within one the order stays.

    Raises:
        UsageError: two tests have one id: of them a worker would run one, and say nothing.
    """
    ids = Counter(item.nodeid for item in items)
    if twice := [name for name, count in ids.items() if count > 1]:
        raise pytest.UsageError(f"more than one test is named {twice[0]}")

    def rank(item: pytest.Item) -> int:
        name = item.path.stem
        return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=rank)
