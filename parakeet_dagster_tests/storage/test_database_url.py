"""What is accepted as NEON_DATABASE_URL, what becomes of it, and that it never tells a secret."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

from parakeet_dagster.errors import SettingsError
from parakeet_dagster.storage.database_url import DatabaseUrl

NEON = (
    "postgresql://ann:s3cret@ep-x-123.eu.aws.neon.tech/main?sslmode=require&channel_binding=require"
)
POOLER = NEON.replace("ep-x-123", "ep-x-123-pooler")


def libpq_arguments(text: str) -> dict[str, object]:
    """What psycopg2.connect is called with."""
    url = DatabaseUrl.parse(text).sync
    return create_engine(url).dialect.create_connect_args(url)[1]


def asyncpg_arguments(text: str) -> dict[str, object]:
    """What asyncpg.connect is called with, without SQLAlchemy's own additions."""
    url = DatabaseUrl.parse(text)
    return asyncpg_dialect().create_connect_args(url.async_)[1] | url.asyncpg_arguments


@pytest.mark.parametrize(
    "scheme",
    ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+asyncpg", "postgres+psycopg"],
)
def test_every_spelling_of_the_scheme_becomes_the_same_two_drivers(scheme):
    url = DatabaseUrl.parse(f" {scheme}://ann:pw@db.example/main\n")

    assert url.sync.render_as_string(hide_password=False) == (
        "postgresql+psycopg2://ann:pw@db.example/main?sslmode=require"
    )
    assert url.async_.render_as_string(hide_password=False) == (
        "postgresql+asyncpg://ann:pw@db.example/main"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "postgres://ann:p%40s%2Fs%3A%25@db.example:6543/main",
            {
                "host": "db.example",
                "port": 6543,
                "user": "ann",
                "password": "p@s/s:%",
                "dbname": "main",
                "sslmode": "require",
            },
        ),
        (
            "postgres://ann@[2001:db8::1]:5433/main",
            {
                "host": "2001:db8::1",
                "port": 5433,
                "user": "ann",
                "dbname": "main",
                "sslmode": "require",
            },
        ),
        ("postgres://ann@[::1]/main", {"host": "::1", "user": "ann", "dbname": "main"}),
        ("postgres://127.0.0.1/main", {"host": "127.0.0.1", "dbname": "main"}),
        ("postgres://localhost/main", {"host": "localhost", "dbname": "main"}),
        ("postgres:///main", {"dbname": "main"}),
        (
            "postgres://ann@/main?host=/run/a%20b&port=5433",
            {"host": "/run/a b", "port": "5433", "user": "ann", "dbname": "main"},
        ),
        ("postgres://%2Frun%2Fpg/main", {"host": "/run/pg", "dbname": "main"}),
        (
            "postgres://localhost/main?sslmode=verify-full&application_name=me",
            {
                "host": "localhost",
                "dbname": "main",
                "sslmode": "verify-full",
                "application_name": "me",
            },
        ),
        (
            "postgres://db.example/main?sslmode=disable",
            {"host": "db.example", "dbname": "main", "sslmode": "disable"},
        ),
        (
            "postgres://a.example:1,b.example:2/main",
            {"host": "a.example,b.example", "port": "1,2", "dbname": "main", "sslmode": "require"},
        ),
    ],
)
def test_psycopg2_is_called_with(text, expected):
    assert libpq_arguments(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            NEON,
            {
                "host": "ep-x-123.eu.aws.neon.tech",
                "user": "ann",
                "password": "s3cret",
                "database": "main",
                "ssl": "require",
            },
        ),
        (
            "postgres://ann@/main?host=/run/pg&port=5433",
            {"host": "/run/pg", "port": 5433, "user": "ann", "database": "main"},
        ),
        (
            "postgres://localhost/main?connect_timeout=7&application_name=me&keepalives=1",
            {
                "host": "localhost",
                "database": "main",
                "timeout": 7.0,
                "server_settings": {"application_name": "me"},
            },
        ),
    ],
)
def test_asyncpg_is_called_with(text, expected):
    assert asyncpg_arguments(text) == expected


def test_nothing_is_prepared_across_transactions_on_the_pooler():
    assert not DatabaseUrl.parse(NEON).is_pooler

    url = DatabaseUrl.parse(POOLER)
    assert url.is_pooler
    assert url.asyncpg_arguments["statement_cache_size"] == 0
    assert url.asyncpg_arguments["prepared_statement_cache_size"] == 0
    name = url.asyncpg_arguments["prepared_statement_name_func"]
    assert name() != name()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mysql://ann:s3cret@db.example/main", "mysql://***"),
        ("jdbc:postgresql://ann:s3cret@db.example/main", "jdbc://***"),
        ("s3cret", "(hidden)"),
        ("", "(hidden)"),
        ("ann:s3cret@db.example/main", "(hidden)"),
        ("postgres://ann:s3cret@db.example", "postgresql://***"),
        ("postgres://ann:s3cret@db.example/", "postgresql://***"),
        ("postgres://ann:s3cret@db.example:port/main", "(hidden)"),
        ("postgres://ann:pw@s3cret@db.example/main", "(hidden)"),
        ("postgres://ann:12/s3cret@db.example/main", "(hidden)"),
        ("postgres://ann:12%s3cret@db.example/main", "(hidden)"),
        ("postgres://ann:s3cret@db.example/main?no_such_option=1", "(hidden)"),
        ("postgres://ann:s3cret@[::1/main", "(hidden)"),
        ("postgres://ann:s3cret\0@db.example/main", "(hidden)"),
    ],
)
def test_anything_else_is_refused_in_one_line_without_a_secret(text, shown):
    with pytest.raises(SettingsError) as refused:
        DatabaseUrl.parse(text)

    message = refused.value.message
    assert message.startswith(f"NEON_DATABASE_URL={shown} ")
    assert "accepted is postgresql://user:password@host:port/database" in message
    assert "s3cret" not in message
    assert "\n" not in message


def test_neither_repr_nor_display_has_the_password():
    url = DatabaseUrl.parse(NEON)

    assert url.display == "ep-x-123.eu.aws.neon.tech, database main"
    assert "s3cret" not in f"{url!r} {url} {url.sync!r} {url.sync}"


@given(st.text(), st.sampled_from(["", "postgres://", "postgresql://u:", "mysql://", "x@"]))
def test_no_text_makes_parsing_fail_in_any_other_way(text, start):
    with suppress(SettingsError):
        assert DatabaseUrl.parse(start + text).database
