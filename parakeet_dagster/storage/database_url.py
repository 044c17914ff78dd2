"""A PostgreSQL URL as people paste it, made fit for psycopg2 and asyncpg.

SQLAlchemy reads a bare ``postgresql://`` as psycopg 3 and does not know ``postgres://``; asyncpg
raises a TypeError on ``sslmode`` and ``channel_binding``. Neon hands out both.
"""

import ipaddress
import re
import ssl
from dataclasses import dataclass, field, replace
from typing import Any, Self
from uuid import uuid4

import psycopg2
from psycopg2.extensions import parse_dsn
from sqlalchemy import URL

from parakeet_dagster.errors import SettingsError

VARIABLE = "NEON_DATABASE_URL"
DAGSTER_SCHEMA = "dagster"
"""Where Dagster's tables are in our database, unless something else is said."""

_ACCEPTED = "postgresql://user:password@host:port/database or postgres://…"
_SCHEME = re.compile(r"(?:postgres|postgresql)(?:\+[a-z0-9_]+)?://", re.IGNORECASE)
_OTHER_SCHEME = re.compile(
    r"(?:cockroachdb|file|https?|jdbc|mariadb|mongodb|mssql|mysql|oracle|redshift|s3|sqlite)\b",
    re.IGNORECASE,
)
_POOLER = re.compile(r"(?<=[^.,])-pooler(?=\.)")
_SEARCH_PATH = re.compile(r"(?:-c\s*|--)search_path=\"?([A-Za-z_]\w*)")
_SSL_CONTEXT_OPTIONS = ("sslrootcert", "sslcert", "sslkey", "sslpassword")
_SERVER_SETTINGS = ("application_name", "options")


@dataclass(frozen=True)
class DatabaseUrl:
    """Where a PostgreSQL database is and how to log in.

    host: a name, an address, the directory of a Unix socket, several of them joined by commas, or
        None for libpq's default. port: as libpq takes it. options: libpq's other connection
        options, sorted, among them always ``sslmode`` where the host is not this machine. source:
        what it was read from, for messages.
    """

    host: str | None
    port: str | None
    user: str | None
    password: str | None = field(repr=False)
    database: str
    options: tuple[tuple[str, str], ...] = field(repr=False)
    source: str = field(default=VARIABLE, repr=False, compare=False)

    @classmethod
    def parse(cls, text: str, source: str = VARIABLE) -> Self:
        """Read a ``postgres://`` or ``postgresql://`` URL, with or without ``+driver``.

        Args:
            text: the URL.
            source: what it was read from, for messages.

        Raises:
            SettingsError: it is anything else, names no database, or holds a character that must
                be percent-encoded. Nothing of a text that cannot be taken apart is shown.
        """
        scheme = _SCHEME.match(text.strip())
        if scheme is None:
            raise _refused(source, _redacted_scheme(text), "is not a PostgreSQL URL")
        try:
            parts = parse_dsn("postgresql://" + text.strip()[scheme.end() :])
        except (psycopg2.ProgrammingError, UnicodeError, ValueError):
            raise _refused(source, "(hidden)", "cannot be read") from None

        host, port = parts.pop("host", None), parts.pop("port", None)
        user, password = parts.pop("user", None), parts.pop("password", None)
        database = parts.pop("dbname", "")
        if _holds_loose_credentials(host, port, database):
            problem = "holds an @, : or / that must be percent-encoded (%40, %3A, %2F)"
            raise _refused(source, "(hidden)", problem)
        if not database:
            raise _refused(source, "postgresql://***", "names no database")
        if not _is_local(host):
            parts.setdefault("sslmode", "require")
        return cls(host, port, user, password, database, tuple(sorted(parts.items())), source)

    @property
    def sync(self) -> URL:
        """For ``sqlalchemy.create_engine``, with psycopg2."""
        return self._url("postgresql+psycopg2", dict(self.options))

    @property
    def async_(self) -> URL:
        """For ``sqlalchemy.ext.asyncio.create_async_engine``; needs ``asyncpg_arguments``."""
        return self._url("postgresql+asyncpg", {})

    @property
    def asyncpg_arguments(self) -> dict[str, Any]:
        """The options, and what PgBouncer needs, as asyncpg takes them: ``connect_args``.

        ``channel_binding`` and libpq's keep-alive options have no counterpart and are left out.
        """
        options = dict(self.options)
        arguments: dict[str, Any] = {}
        if "sslmode" in options:
            arguments["ssl"] = _asyncpg_ssl(options)
        if "connect_timeout" in options:
            arguments["timeout"] = float(options["connect_timeout"])
        if "target_session_attrs" in options:
            arguments["target_session_attrs"] = options["target_session_attrs"]
        settings = {name: options[name] for name in _SERVER_SETTINGS if name in options}
        if settings:
            arguments["server_settings"] = settings
        if self.is_pooler:
            arguments |= {
                "statement_cache_size": 0,
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": lambda: f"__parakeet_{uuid4()}__",
            }
        return arguments

    @property
    def is_local(self) -> bool:
        """Whether the host is this machine."""
        return _is_local(self.host)

    @property
    def is_socket(self) -> bool:
        """Whether the server is reached through a Unix socket."""
        return self.host is None or self.host.startswith("/")

    @property
    def is_pooler(self) -> bool:
        """Whether the host is Neon's PgBouncer, which keeps no state between transactions."""
        return "-pooler." in f"{self.host}."

    def for_tables_in(self, schema: str) -> Self:
        """The same database, with the tables of ``schema`` and none of another.

        Past Neon's pooler, which sets no ``search_path``: its host is the direct one's, with
        ``-pooler`` behind the endpoint's name.
        """
        options = dict(self.options)
        options["options"] = f"{options.get('options', '')} -csearch_path={schema}".strip()
        host = self.host if self.is_socket else _POOLER.sub("", self.host or "")
        return replace(self, host=host, options=tuple(sorted(options.items())))

    @property
    def schema(self) -> str | None:
        """The first schema of the ``search_path`` among the options; None where there is none."""
        found = _SEARCH_PATH.search(dict(self.options).get("options", ""))
        return found[1] if found else None

    @property
    def display(self) -> str:
        """Host and database, without user and password."""
        host = self.host or "this machine"
        return f"{host}, database {self.database}"

    def _url(self, driver: str, query: dict[str, str]) -> URL:
        """The parts under a driver's name; several hosts and sockets go into the query."""
        plain = self.host is not None and not self.is_socket and "," not in self.host
        if not plain:
            query |= {"host": self.host} if self.host else {}
            query |= {"port": self.port} if self.port else {}
        return URL.create(
            driver,
            username=self.user,
            password=self.password,
            host=self.host if plain else None,
            port=int(self.port) if plain and self.port else None,
            database=self.database,
            query=query,
        )


def _refused(source: str, shown: str, problem: str) -> SettingsError:
    return SettingsError(f"{source}={shown} {problem}; accepted is {_ACCEPTED}")


def _redacted_scheme(text: str) -> str:
    """``mysql://***`` for a scheme we know, ``(hidden)`` for anything that may be a secret."""
    scheme = _OTHER_SCHEME.match(text.strip())
    return f"{scheme.group().lower()}://***" if scheme else "(hidden)"


def _holds_loose_credentials(host: str | None, port: str | None, database: str) -> bool:
    """Whether a character of the password that was not percent-encoded shifted the parts."""
    ports = (port or "").split(",")
    return (
        "@" in (host or "")
        or "@" in database
        or "/" in database
        or not all(part == "" or (part.isascii() and part.isdigit()) for part in ports)
    )


def _is_local(host: str | None) -> bool:
    return all(_is_this_machine(name) for name in (host or "").split(","))


def _is_this_machine(host: str) -> bool:
    if host in ("", "localhost") or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _asyncpg_ssl(options: dict[str, str]) -> str | ssl.SSLContext:
    """``sslmode`` of libpq as asyncpg's ``ssl``; certificates need a context of our own."""
    mode = options["sslmode"]
    if not any(name in options for name in _SSL_CONTEXT_OPTIONS):
        return mode
    root = options.get("sslrootcert")
    context = ssl.create_default_context(cafile=None if root == "system" else root)
    context.check_hostname = mode == "verify-full"
    if mode not in ("verify-ca", "verify-full"):
        context.verify_mode = ssl.CERT_NONE
    if "sslcert" in options:
        context.load_cert_chain(
            options["sslcert"], options.get("sslkey"), options.get("sslpassword")
        )
    return context
