"""Runs that fail in many ways, and the password in nothing that they leave or say."""

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from urllib.parse import quote, quote_plus

import psycopg2
import pytest

from parakeet_dagster import connect, logins
from parakeet_dagster import sessions as calendar
from parakeet_dagster.storage.database import Database
from parakeet_dagster_tests.aws import aws_server  # noqa: F401 - a fixture
from parakeet_dagster_tests.cloud import (  # noqa: F401 - yahoo is a fixture
    AMERICAN,
    PASSWORD,
    Cloud,
    new_cloud,
    yahoo,
)
from parakeet_dagster_tests.test_cli import parakeet
from parakeet_dagster_tests.yahoo_server import Fault

SESSIONS = calendar.between("2014-05-20", "2014-05-30")
WRONG = "s3cret/wr%ng@2"
FORMS = {form(word) for word in (PASSWORD, WRONG) for form in (str, quote, quote_plus)} | {
    quote(word, safe="") for word in (PASSWORD, WRONG)
}


@pytest.fixture(scope="module")
def shared(aws_server, yahoo, postgres_server, tmp_path_factory) -> Iterator[Cloud]:
    """To make one takes longer than a call that fails."""
    folder = tmp_path_factory.mktemp("shared")
    with new_cloud(aws_server, yahoo, postgres_server, folder) as one:
        yield one


@pytest.fixture
def cloud(shared, monkeypatch) -> Iterator[Cloud]:
    """What is shared, put right again after the test, and remembered by nobody."""
    yield shared.entered_by(monkeypatch)
    shared.member.change_password(PASSWORD)
    shared.aws.change_secret(shared.secret, shared.member.url)
    shared.yahoo.reset(now=shared.yahoo.now)
    execute(shared, "ALTER TABLE IF EXISTS market_data DROP CONSTRAINT IF EXISTS broken")
    logins.database_secret.cache_clear()
    connect._yahoo.cache_clear()


def execute(cloud: Cloud, statement: str) -> None:
    with psycopg2.connect(cloud.member.base) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def wrong_password(cloud: Cloud) -> None:
    cloud.aws.change_secret(cloud.secret, cloud.member.url_with(WRONG))


def wrong_password_of_dagster(cloud: Cloud) -> None:
    url = f"{cloud.member.url_with(WRONG)}&options=-csearch_path%3Ddagster"
    cloud.patch.setenv("DAGSTER_POSTGRES_URL", url)


def unknown_host(cloud: Cloud) -> None:
    url = f"postgresql://ann:{quote(PASSWORD, safe='')}@no-such-host.invalid/main"
    cloud.aws.change_secret(cloud.secret, url)


def no_url(cloud: Cloud) -> None:
    cloud.aws.change_secret(cloud.secret, f"mysql://ann:{PASSWORD}@host/main")


def loose_url(cloud: Cloud) -> None:
    cloud.aws.change_secret(cloud.secret, f"postgres://ann:{PASSWORD}@host/main")


def secret_missing(cloud: Cloud) -> None:
    cloud.patch.setenv("PARAKEET_DATABASE_SECRET", f"{cloud.secret[:-6]}abcdef")


def two_databases(cloud: Cloud) -> None:
    cloud.patch.setenv("NEON_DATABASE_URL", cloud.member.url)


def failing_sql(cloud: Cloud) -> None:
    execute(cloud, "ALTER TABLE market_data ADD CONSTRAINT broken CHECK (false) NOT VALID")


def failing_source(cloud: Cloud) -> None:
    for ticker in AMERICAN:
        cloud.yahoo.fail(ticker, Fault.DELISTED)


def failing_step(cloud: Cloud) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    cloud.patch.setattr("parakeet_dagster.assets.returns.total_returns", fail)


def lost_line(cloud: Cloud) -> None:
    """The server ends the session in the middle of a step, whose text says so."""

    def lose(*_: object) -> None:
        cloud.member.change_password(WRONG)
        cloud.member.disconnect()

    cloud.patch.setattr("parakeet_dagster.assets.returns.total_returns", lose)


WAYS = {
    wrong_password: "authentication failed",
    wrong_password_of_dagster: "authentication failed",
    unknown_host: "no-such-host.invalid",
    no_url: "is not a PostgreSQL URL",
    loose_url: "cannot be read",
    secret_missing: "there is no such secret",
    two_databases: "it would be a second database",
    failing_step: "nobody foresaw this",
    failing_sql: "broken",
    lost_line: "connect",
    failing_source: "blocked, nothing written",
}
IN_A_RUN = (failing_step, failing_sql, lost_line, failing_source)
"""The first of them makes the table that the second one breaks."""

BY_COMMAND = [way for way in WAYS if way not in (failing_step, failing_source)]
"""Of a step that fails without the database a command says what a call does."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not there is not waited for."""
    monkeypatch.setattr(Database.__init__, "__defaults__", (0.2,))
    monkeypatch.setattr("dagster_postgres.utils.time.sleep", lambda _: None)


class Ear(logging.StreamHandler[io.StringIO]):
    """Everything that any logger says, whatever its level."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())

    def __call__(self) -> str:
        return self.stream.getvalue()

    def forget(self) -> None:
        """What the test itself said to AWS."""
        self.setStream(io.StringIO())


@pytest.fixture
def overheard() -> Iterator[Ear]:
    handler = Ear()
    handler.setLevel(logging.DEBUG)
    root = logging.getLogger()
    level, handlers = root.level, root.handlers
    root.handlers = [handler]  # pytest's own would say all of it twice more
    root.setLevel(logging.DEBUG)
    yield handler
    root.handlers = handlers
    root.setLevel(level)


def on_record(cloud: Cloud) -> str:
    """All that is in the database, Dagster's records too: events, metadata, tags, run config."""
    with psycopg2.connect(cloud.member.base) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname IN ('public', 'dagster')"
        )
        tables = [table for (table,) in cursor.fetchall()]
        text = io.StringIO()
        for table in tables:
            cursor.copy_expert(f"COPY {table} TO STDOUT", text)
    return text.getvalue()


def home_of(cloud: Cloud) -> Path:
    return Path(cloud.environment["PARAKEET_HOME"])


def in_files(folder: Path) -> str:
    """All that was written below a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return "\n".join(path.read_bytes().decode("latin-1") for path in paths)


def found_in(text: str) -> set[str]:
    return {form for form in FORMS if form in text}


def session_of(way: Callable[[Cloud], None]) -> str:
    """One that no other way leaves half done."""
    return SESSIONS[IN_A_RUN.index(way)] if way in IN_A_RUN else SESSIONS[0]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_call_that_fails_tells_no_password(way, cloud, overheard):
    way(cloud)
    overheard.forget()
    printed = io.StringIO()
    with (
        pytest.raises(Exception) as caught,  # noqa: PT011 - each way has its own
        redirect_stdout(printed),
        redirect_stderr(printed),
    ):
        cloud.call({"session": session_of(way)})
    assert WAYS[way] in str(caught.value)
    told = "".join(traceback.format_exception(caught.value))
    for text in (
        repr(caught.value),
        told,
        printed.getvalue(),
        overheard(),
        on_record(cloud),
        in_files(home_of(cloud)),
        *(content.decode("latin-1") for content in cloud.objects().values()),
    ):
        assert found_in(text) == set()
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("way", BY_COMMAND, ids=lambda way: way.__name__)
def test_a_command_that_fails_tells_no_password(way, cloud, overheard):
    way(cloud)
    overheard.forget()
    session = str(calendar.offset(session_of(way), len(IN_A_RUN)))
    outcome = parakeet(*(("backfill", session, session) if way in IN_A_RUN else ("status",)))
    assert found_in(outcome.out + outcome.err) == set()
    if way is wrong_password_of_dagster:  # a command keeps files here
        assert outcome.code == 0
    else:
        assert outcome.code == 1
        assert WAYS[way] in outcome.err
    for text in (overheard(), on_record(cloud), in_files(home_of(cloud))):
        assert found_in(text) == set()


def test_the_search_finds_what_it_looks_for(cloud, overheard, tmp_path):
    """A test that finds nothing must be able to."""
    (tmp_path / "x").write_text(cloud.member.url)
    logging.getLogger("any").debug(cloud.member.url)
    with psycopg2.connect(cloud.member.base) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.leak AS SELECT %s AS x", (PASSWORD,))
    assert found_in(in_files(tmp_path))
    assert found_in(overheard())
    assert found_in(on_record(cloud))
    execute(cloud, "DROP TABLE public.leak")
