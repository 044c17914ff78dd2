"""Where the Dagster instance keeps its records: beside our tables, whatever the password is now."""

import dagster as dg
import psycopg2
import pytest

from parakeet_dagster.connect import dagster_login, make_dagster_schema
from parakeet_dagster.dagster_storage import NeonStorage
from parakeet_dagster.errors import DatabaseError, SettingsError
from parakeet_dagster.instance import open_serverless_instance
from parakeet_dagster.settings import load_settings
from parakeet_dagster.storage.database_url import DatabaseUrl
from parakeet_dagster_tests.aws import aws, aws_server  # noqa: F401 - fixtures
from parakeet_dagster_tests.storage.postgres import member

NEON = "ep-cool-darkness-123456.ap-southeast-2.aws.neon.tech"
POOLED = NEON.replace(".", "-pooler.", 1)
OPTIONS = "sslmode=require&channel_binding=require"


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job
def idle() -> None:
    """A run to put on record."""
    nothing()


def derived(url: str) -> str:
    return DatabaseUrl.parse(url).for_tables_in("dagster").sync.render_as_string(False)


def logged_in() -> DatabaseUrl:
    """Where the instance of these settings keeps its records, with the schema made."""
    login = dagster_login(load_settings())
    assert login is not None
    make_dagster_schema(login)
    return login.current()


def schemas(url: str) -> list[str]:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT schemaname FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        return [name for (name,) in cursor.fetchall()]


class TestTheDerivedUrl:
    @pytest.mark.parametrize(
        ("url", "host"),
        [
            (f"postgres://ann:s3cret@{POOLED}/main?{OPTIONS}", NEON),
            (f"postgres://ann:s3cret@{NEON}/main?{OPTIONS}", NEON),
            (f"postgres://ann:s3cret@{POOLED},{POOLED}/main", f"{NEON},{NEON}"),
            ("postgres://ann:s3cret@db-pooler-1.example.com/main", "db-pooler-1.example.com"),
            ("postgres://ann:s3cret@/main?host=/tmp/a-pooler.d", "/tmp/a-pooler.d"),
        ],
    )
    def test_it_goes_past_neons_pooler(self, url, host):
        found = DatabaseUrl.parse(url).for_tables_in("dagster")
        assert found.host == host
        assert not found.is_pooler or host.startswith("/")
        assert found.schema == "dagster"

    def test_it_is_what_dagster_takes(self):
        assert derived(f"postgres://ann:s3c%40ret@{POOLED}:5432/main?{OPTIONS}") == (
            f"postgresql+psycopg2://ann:s3c%40ret@{NEON}:5432/main?channel_binding=require"
            "&options=-csearch_path%3Ddagster&sslmode=require"
        )

    def test_options_that_are_there_stay(self):
        """Neon's way to name the endpoint where the client knows no SNI."""
        found = DatabaseUrl.parse(f"postgres://ann@{NEON}/main?options=endpoint%3Dep-cool")
        assert dict(found.for_tables_in("dagster").options)["options"] == (
            "endpoint=ep-cool -csearch_path=dagster"
        )

    @pytest.mark.parametrize(
        ("options", "schema"),
        [
            ("", None),
            ("-csearch_path=one", "one"),
            ("-c search_path=one,two", "one"),
            ('--search_path="one"', "one"),
            ("-cstatement_timeout=5s -csearch_path=one", "one"),
            ("-cstatement_timeout=5s", None),
        ],
    )
    def test_the_schema_is_read_from_any_url(self, options, schema):
        url = f"postgres://ann@{NEON}/main"
        found = DatabaseUrl.parse(url)
        assert found.schema is None
        told = (
            DatabaseUrl.parse(f"{url}?options={options.replace('=', '%3D')}") if options else found
        )
        assert told.schema == schema


class TestTheVariable:
    def test_it_is_derived_where_it_is_unset(self, database_url, monkeypatch):
        monkeypatch.setenv("NEON_DATABASE_URL", database_url)
        assert logged_in() == DatabaseUrl.parse(database_url).for_tables_in("dagster")

    def test_one_that_was_set_stays_and_its_schema_is_made(self, database_url, monkeypatch):
        url = f"{database_url}&options=-csearch_path%3Dmine"
        monkeypatch.setenv("NEON_DATABASE_URL", "postgres://ann@nowhere.example.com/main")
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
        assert logged_in() == DatabaseUrl.parse(url)
        with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'mine'")
            assert cursor.fetchall() == [(1,)]

    def test_a_secret_may_say_it(self, aws, database_url, monkeypatch):
        own = f"{database_url}&options=-csearch_path%3Down"
        content = {"NEON_DATABASE_URL": database_url, "DAGSTER_POSTGRES_URL": own}
        monkeypatch.setenv("PARAKEET_DATABASE_SECRET", aws.secret(content))
        assert logged_in() == DatabaseUrl.parse(own)

    def test_without_a_database_there_is_none(self):
        assert dagster_login(load_settings()) is None

    def test_one_that_is_wrong_is_named(self, monkeypatch):
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", "mysql://ann:s3cret@host/x")
        with pytest.raises(SettingsError, match=r"^DAGSTER_POSTGRES_URL=mysql://\*\*\* is not"):
            logged_in()

    def test_a_server_that_is_not_there_is_one_line(self, monkeypatch, tmp_path):
        url = f"postgresql://ann:s3cret@/main?host={tmp_path}&options=-csearch_path%3Dx"
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
        with pytest.raises(DatabaseError, match="no server listens on this socket") as caught:
            logged_in()
        assert "s3cret" not in caught.value.message


class TestTheStorage:
    def test_dagsters_tables_are_in_a_schema_of_their_own(self, database_url, monkeypatch):
        monkeypatch.setenv("NEON_DATABASE_URL", database_url)
        with open_serverless_instance(load_settings()) as instance:
            assert instance.get_ref().storage_data.class_name == NeonStorage.__name__
            assert idle.execute_in_process(instance=instance).success
            assert len(instance.get_runs()) == 1
        assert schemas(database_url) == ["dagster"]

    def test_it_keeps_its_connections(self, database_url, monkeypatch):
        monkeypatch.setenv("NEON_DATABASE_URL", database_url)
        with open_serverless_instance(load_settings()) as instance:
            idle.execute_in_process(instance=instance)
            pool = instance.event_log_storage._engine.pool
            assert pool is instance.run_storage._engine.pool
            assert pool.checkedin() == 1
        assert instance.event_log_storage._engine.pool.checkedin() == 0

    def test_it_follows_a_rotated_password(self, aws, postgres_server, monkeypatch):
        with member(postgres_server, "s3cret-1") as user:
            arn = aws.secret(user.url)
            monkeypatch.setenv("PARAKEET_DATABASE_SECRET", arn)
            with open_serverless_instance(load_settings()) as instance:
                assert idle.execute_in_process(instance=instance).success
                user.change_password("s3cret-2")
                aws.change_secret(arn, user.url)
                user.disconnect()
                assert idle.execute_in_process(instance=instance).success
                assert len(instance.get_runs()) == 2

    def test_the_web_servers_own_connections_follow_too(self, aws, postgres_server, monkeypatch):
        """They ask for the password of now; what was fetched is believed for five minutes."""
        with member(postgres_server, "s3cret-1") as user:
            arn = aws.secret(user.url)
            monkeypatch.setenv("PARAKEET_DATABASE_SECRET", arn)
            with open_serverless_instance(load_settings()) as instance:
                user.change_password("s3cret-2")
                aws.change_secret(arn, user.url)
                login = dagster_login(load_settings())
                login.after(login.current())
                instance.optimize_for_webserver(
                    statement_timeout=5000, pool_recycle=60, max_overflow=2
                )
                assert instance.get_runs() == []

    def test_without_a_database_it_says_so(self):
        with pytest.raises(SettingsError, match="Dagster's records need a database"):
            open_serverless_instance(load_settings())
