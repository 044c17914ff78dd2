"""A running server that stands for the web, and a source that asks it."""

from datetime import UTC, datetime

import pytest

from parakeet_dagster.universe_sources.bundled import BundledUniverses
from parakeet_dagster.universe_sources.live import LiveUniverses
from parakeet_dagster.universe_sources.web import Patience
from parakeet_dagster_tests.constituents_server import ConstituentsServer

HURRIED = Patience(timeout=0.5, attempts=2, wait_initial=0.0, wait_max=0.0, wait_jitter=0.0)
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # still Monday, the 23rd, in New York


@pytest.fixture(scope="module")
def server():
    with ConstituentsServer() as web, pytest.MonkeyPatch.context() as patch:
        for name, value in web.environment().items():
            patch.setenv(name, value)
        yield web


@pytest.fixture
def web(server):
    server.reset()
    return server


@pytest.fixture
def bundled():
    return BundledUniverses()


@pytest.fixture
def live(web, bundled):
    return LiveUniverses(bundled, now=lambda: NOW, patience=HURRIED)
