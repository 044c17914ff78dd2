"""The database's URL, kept in AWS Secrets Manager; see ``PARAKEET_DATABASE_SECRET``.

It is fetched when a connection is made, never before, and kept for a few minutes: a secret that is
rotated is noticed then, or at once where the server refuses the old password.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from parakeet_dagster.errors import SettingsError
from parakeet_dagster.storage.database_url import DAGSTER_SCHEMA, DatabaseUrl
from parakeet_dagster.storage.login import Login

KEPT_SECONDS = 300.0
"""So long a secret that was fetched is believed, while the server accepts it."""

DATABASE = "NEON_DATABASE_URL"
DAGSTER = "DAGSTER_POSTGRES_URL"

_REGION = re.compile(r"arn:[^:]*:secretsmanager:([^:]+):")
_UNREACHABLE_SECONDS = 5
_TRIES = 4
_WHAT_TO_DO = {
    "ResourceNotFoundException": "there is no such secret{where}: create it, or correct the name",
    "AccessDeniedException": "access denied{where}: allow secretsmanager:GetSecretValue on it",
    "DecryptionFailure": "its key refuses to decrypt it{where}: allow kms:Decrypt on the key",
    "InvalidRequestException": "it has no value, or is being deleted{where}: give it one, or"
    " restore it",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Content:
    """What a secret says: the database's URL, and that of the Dagster instance's storage."""

    database: DatabaseUrl
    dagster: DatabaseUrl


class DatabaseSecret(Login):
    """A secret that holds the database's URL, as text or as JSON.

    Args:
        name: its name or its ARN; an ARN says the region, too.
        clock: seconds.

    Raises:
        SettingsError: from every method, in one line without the secret: there is no such secret,
            access to it is denied, or it holds no URL.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._content: _Content | None = None
        self._fetched_at = 0.0

    def current(self) -> DatabaseUrl:
        """The database's URL, at most ``KEPT_SECONDS`` old."""
        return self._current().database

    def after(self, refused: DatabaseUrl) -> DatabaseUrl:
        """The database's URL, fetched anew unless it was since ``refused`` was."""
        return self._after(refused).database

    @property
    def of_dagster(self) -> Login:
        """The login of the Dagster instance's storage: what the secret says, or a derived URL."""
        return _OfDagster(self._current, self._after)

    def _after(self, refused: DatabaseUrl) -> _Content:
        with self._lock:
            if self._content is None or refused in (self._content.database, self._content.dagster):
                self._keep(self._fetch())
            return self._known

    @property
    def _known(self) -> _Content:
        if self._content is None:
            raise AssertionError("fetched before")
        return self._content

    def _current(self) -> _Content:
        with self._lock:
            if self._content is None:
                self._keep(self._fetch())
            elif self._clock() - self._fetched_at > KEPT_SECONDS:
                self._refresh()
            return self._known

    def _refresh(self) -> None:
        """Fetch it anew; while Secrets Manager cannot be reached, what is known goes on."""
        from botocore.exceptions import BotoCoreError

        try:
            self._keep(self._fetch())
        except SettingsError as error:
            if not isinstance(error.__cause__, BotoCoreError):
                raise
            self._fetched_at = self._clock()
            _log.warning("going on with the database's URL as it was known: %s", error)

    def _keep(self, content: _Content) -> None:
        self._content, self._fetched_at = content, self._clock()

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes at run time
        import boto3
        from botocore.config import Config

        # at DEBUG it writes every answer into the log as it came
        logging.getLogger("botocore.parsers").setLevel(logging.INFO)
        region = _REGION.match(self.name)
        return boto3.session.Session().client(
            "secretsmanager",
            region_name=region[1] if region else None,
            config=Config(
                connect_timeout=_UNREACHABLE_SECONDS,
                read_timeout=_UNREACHABLE_SECONDS,
                retries={"mode": "standard", "max_attempts": _TRIES},
            ),
        )

    def _fetch(self) -> _Content:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.get_secret_value(SecretId=self.name)
        except ClientError as error:
            self._refuse(error.response.get("Error", {}).get("Code", "no code"))
        except (BotoCoreError, ValueError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            told = f"Secrets Manager cannot be asked: {reason}; {_advice_on(error)}"
            raise self._error(told) from error
        return self._read(answer.get("SecretString") or "")

    def _read(self, text: str) -> _Content:
        """The secret's content; nothing of it may reach a message."""
        values: Any = {DATABASE: text}
        if text.lstrip().startswith("{"):
            try:
                values = json.loads(text)
            except ValueError:
                raise self._error("its JSON cannot be read") from None
        url = values.get(DATABASE)
        if not isinstance(url, str) or not url:
            raise self._error(
                f"holds no URL: put the database's URL into it, or JSON with the key {DATABASE}"
            )
        what = f"the secret {self.name}"
        database = DatabaseUrl.parse(url, f"{DATABASE} of {what}")
        if own := values.get(DAGSTER):
            return _Content(database, DatabaseUrl.parse(str(own), f"{DAGSTER} of {what}"))
        return _Content(database, database.for_tables_in(DAGSTER_SCHEMA))

    def _refuse(self, code: str) -> NoReturn:
        where = f" in {self._client.meta.region_name}"
        advice = _WHAT_TO_DO.get(code, f"Secrets Manager refused{{where}} ({code}): see its quotas")
        raise self._error(advice.format(where=where)) from None

    def _error(self, told: str) -> SettingsError:
        return SettingsError(f"PARAKEET_DATABASE_SECRET={self.name}: {told}")


def _advice_on(error: Exception) -> str:
    """boto3 says that a region is wanted, and not by which variable."""
    from botocore.exceptions import NoRegionError

    if isinstance(error, NoRegionError):
        return "set AWS_DEFAULT_REGION, or name the secret by its ARN"
    return "correct the AWS_* variables"


class _OfDagster(Login):
    def __init__(
        self, current: Callable[[], _Content], after: Callable[[DatabaseUrl], _Content]
    ) -> None:
        self._current = current
        self._after = after

    def current(self) -> DatabaseUrl:
        return self._current().dagster

    def after(self, refused: DatabaseUrl) -> DatabaseUrl:
        return self._after(refused).dagster
