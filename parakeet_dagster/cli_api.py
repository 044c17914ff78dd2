"""The API over HTTP, and the keys that open it: ``parakeet api`` and ``parakeet keys``."""

import logging
import socket
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parakeet_dagster.errors import SettingsError
from parakeet_dagster.settings import Settings, load_settings
from parakeet_dagster.tables import AsJson, log, out, records_of, show

if TYPE_CHECKING:
    from parakeet_dagster.storage.database import Database

FIRST_KEY = "this machine"
LOCAL = ("127.0.0.1", "localhost", "::1")
LONGEST_NAME = 100

keys = typer.Typer(help="Who may use the API: keys, each with a name and what it may do.")

KeyName = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is: 'spreadsheet'.")]


def api(
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 is every network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Of the server.", min=1, max=65535)] = 8000,
) -> None:
    """Serve what is stored over HTTP, with a page of the latest allocations.

    On this machine's own database the first start makes a key and shows it, once.

    Example: parakeet api --port 8080
    """
    settings = load_settings()
    from parakeet_dagster import logs

    logs.configure(settings.logs, settings.secrets)
    logging.getLogger("uvicorn").setLevel(logging.INFO)
    _require_free(host, port)
    database = _database(settings)
    known = database.api_keys()
    key = None
    if known.empty and settings.has_own_database and host in LOCAL:
        key = database.create_api_key(FIRST_KEY, ["read", "write"])
    elif known["revoked_at"].notna().all():
        log.print("Nobody has a key: parakeet keys create NAME", highlight=False)
    database.close()
    where = f"http://{'localhost' if host in LOCAL else host}:{port}/"
    out.print(
        f"{where}#key={key}  (the key is shown once)" if key else where,
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    from parakeet_api.serving import serve

    serve(settings, host, port)


@keys.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    as_json: AsJson = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """The keys of the API, revoked ones too.

    Example: parakeet keys --json
    """
    if context.invoked_subcommand is not None:
        return
    rows = _rows(_database(load_settings()))
    if not rows and not as_json:
        out.print("There is no key: parakeet keys create NAME", highlight=False)
        return
    show(rows, "Keys of the API", as_json=as_json)


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
    try:
        with socket.create_server((host, port)):
            return
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"cannot listen on {host} port {port}: {reason}; choose another --port or --host"
        ) from None


def _database(settings: Settings) -> "Database":
    from parakeet_dagster.connect import open_database

    return open_database(settings)
