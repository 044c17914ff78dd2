"""A running server and a source that asks it."""

import pytest

from parakeet_dagster_tests.price_sources.asking import AFTER_THE_LAST_CLOSE, LISTED, new_source
from parakeet_dagster_tests.yahoo_server import YahooServer


@pytest.fixture(scope="module")
def server():
    with YahooServer(LISTED) as yahoo, pytest.MonkeyPatch.context() as patch:
        for name, value in yahoo.environment().items():
            patch.setenv(name, value)
        yield yahoo


@pytest.fixture
def yahoo(server):
    server.reset(now=AFTER_THE_LAST_CLOSE)
    server.listed = dict(LISTED)
    return server


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def source(yahoo, cache_dir):
    """A source whose clock is the server's."""
    return new_source(yahoo, cache_dir)
