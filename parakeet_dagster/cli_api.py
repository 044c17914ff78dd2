"""The API over HTTP, and the keys that open it: ``parakeet api`` and ``parakeet keys``."""

import logging
import os
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parakeet_dagster.errors import SettingsError
from parakeet_dagster.settings import Settings, load_settings
from parakeet_dagster.tables import AsJson, log, out, records_of, show

if TYPE_CHECKING:
    from parakeet_dagster.storage.database import Database

FIRST_KEY = "this machine"
LONGEST_NAME = 100

keys = typer.Typer(invoke_without_command=True)

KeyName = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is: 'spreadsheet'.")]


def api(
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 is every network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Of the server.", min=1, max=65535)] = 8000,
) -> None:
    """Serve what is stored over HTTP, with a page of the latest allocations.

    On this machine's own database the first start makes a key and shows it, once, on a terminal.

    Example: parakeet api --port 8080
    """
    settings = load_settings()
    from parakeet_dagster import logs

    logs.configure(settings.logs, settings.secrets)
    _let_the_server_log(settings)
    _require_free(host, port)
    key = _first_key(settings, host)
    if not _is_local(host):
        log.print(
            f"There is no TLS: who is between reads keys and data. Put a proxy that has it before"
            f" {host}, or listen on 127.0.0.1",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    where = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    shown = f"{where}#key={key}  (the key is shown once)" if key else where
    out.print(shown, markup=False, highlight=False, soft_wrap=True)
    from parakeet_api.serving import serve

    serve(settings, host, port)


def _first_key(settings: Settings, host: str) -> str | None:
    """A key, where nobody ever had one and only this machine's user can read it.

    What is no terminal may be a log.
    """
    database = _database(settings)
    try:
        known = database.api_keys()
        if known.empty and settings.has_own_database and _is_local(host) and out.is_terminal:
            return database.create_api_key(FIRST_KEY, ["read", "write"])
    finally:
        database.close()
    if known["revoked_at"].notna().all():
        log.print("Nobody has a key: parakeet keys create NAME", markup=False, highlight=False)
    return None


def _let_the_server_log(settings: Settings) -> None:
    """As JSON all that uvicorn says, as text what went wrong: people see where it is, and stop it.

    Without a handler of ours Python would write it bare. A request that was cut off by the end is
    counted there, not told with a traceback: it is no failure.
    """
    from parakeet_dagster import logs

    logger = logging.getLogger("uvicorn")
    logging.getLogger("uvicorn.error").addFilter(_is_a_failure)
    if settings.logs == "json":
        logger.setLevel(logging.INFO)
        return
    logger.setLevel(logging.WARNING)
    handler = logs.ToStandardError()
    handler.setFormatter(logs.TextFormatter(settings.secrets))
    logger.handlers = [handler]
    logger.propagate = False


def _is_a_failure(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or issubclass(kind, Exception)


def _is_local(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@keys.callback()
def listed(
    context: typer.Context,
    as_json: AsJson = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """Who may use the API: its keys, revoked ones too, each with what it may do.

    Example: parakeet keys --json
    """
    if context.invoked_subcommand is not None:
        return
    rows = _rows(_database(load_settings()))
    if not rows and not as_json:
        out.print("There is no key: parakeet keys create NAME", highlight=False)
        return
    show(rows, "Keys of the API", as_json=as_json, only_json=("id",))


@keys.command("create")
def create(
    name: KeyName,
    may_write: Annotated[  # noqa: FBT002 - typer's way to say a flag
        bool, typer.Option("--write", help="It may enter trades and holdings, too.")
    ] = False,
) -> None:
    """Make a key. It is shown now and never again: only its hash is stored.

    Example: parakeet keys create spreadsheet
    """
    if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise SettingsError(
            f"name {name[:LONGEST_NAME]!r}: write 1 to {LONGEST_NAME} characters that can be seen"
        )
    database = _database(load_settings())
    key = database.create_api_key(name, ["read", "write"] if may_write else ["read"])
    if key is None:
        raise SettingsError(
            f"name {name!r} has a key already: choose another, or parakeet keys revoke it first"
        )
    log.print("Keep it, it is not shown again:", highlight=False)
    out.print(key, markup=False, highlight=False, soft_wrap=True)


@keys.command("revoke")
def revoke(name: KeyName) -> None:
    """Make a key worthless, for good. Servers notice within seconds.

    Example: parakeet keys revoke spreadsheet
    """
    database = _database(load_settings())
    if not database.revoke_api_key(name):
        used = [row["name"] for row in _rows(database) if row["revoked_at"] is None]
        raise SettingsError(f"name {name!r} has no key; those in use: {', '.join(used) or 'none'}")
    out.print(f"Revoked: {name}", markup=False, highlight=False)


def _rows(database: "Database") -> list[dict[str, Any]]:
    return records_of(database.api_keys())


def _require_free(host: str, port: int) -> None:
    """Before the database is started: uvicorn would say so in three lines, and exit with 1.

    Raises:
        SettingsError: nothing can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            return
    except (OSError, UnicodeError) as error:  # of a name that cannot be one: "a..b"
        number = getattr(error, "errno", None) or 0  # below 0: of the look-up of a name
        reason = os.strerror(number) if number > 0 else getattr(error, "strerror", str(error))
        raise SettingsError(
            f"cannot listen on {host} port {port}: {reason}; choose another --port or --host"
        ) from None


def _database(settings: Settings) -> "Database":
    from parakeet_dagster.connect import open_database

    return open_database(settings)
