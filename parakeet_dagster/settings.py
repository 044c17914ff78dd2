"""Every setting is an environment variable; this is the only place that reads them.

Values come from the environment, then from a file ``.env`` in the working directory. A wrong one
stops with one line that names the variable, the value and what is accepted.
"""

import os
import re
import shutil
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

import dotenv
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from parakeet_dagster.closures import LAST_DAY
from parakeet_dagster.errors import SettingsError
from strategy.portfolio.terms import Terms

INSTANCE_FILE = "dagster.yaml"
EVENT_BATCH_SIZE = "1000"
OTHERS = (
    "PARAKEET_BUCKET",
    "PARAKEET_CODE_HOST",
    "PARAKEET_ECS_TASK_DEFINITION",
    "PARAKEET_TEST_DATA",
)
"""Variables that are ours and no settings: of containers, of ``dagster.yaml``, of the tests."""

DEFAULT_FIRST_SESSION = date(2005, 1, 3)
MAX_REQUESTS = 100_000
DAGSTER_URL = "DAGSTER_POSTGRES_URL"

_SECRET_NAME = re.compile(
    r"arn:aws[a-z-]*:secretsmanager:[\w-]+:\d{12}:secret:[\w/+=.@-]+|[\w/+=.@-]+"
)

_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+", re.ASCII)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d+)?")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?")
_PASSWORD = re.compile(r"://[^/@:\s]*:([^/@\s]+)@")
_SECRETS = (
    "NEON_DATABASE_URL",
    "PARAKEET_DATABASE_SECRET",
    DAGSTER_URL,
    "PARAKEET_SMTP_URL",
    "PARAKEET_SLACK_WEBHOOK",
)
"""Not to be shown where they are wrong; of a secret's name, since a URL may be where it belongs."""

Keys = Annotated[tuple[str, ...], NoDecode]


def _is_url(text: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _variable(name: str, default: Any = None) -> Any:  # noqa: ANN401 - pydantic's Field is Any too
    return Field(default=default, validation_alias=name)


class Settings(BaseSettings):
    """The typed settings of one process. See ``.env.example`` for what each means."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    home: Path = _variable("PARAKEET_HOME", Path(".parakeet"))
    database_url: SecretStr | None = _variable("NEON_DATABASE_URL")
    database_secret: str = _variable("PARAKEET_DATABASE_SECRET", "")
    lake: str = _variable("PARAKEET_LAKE", "")
    backups: str = _variable("PARAKEET_BACKUPS", "")
    price_source: Literal["sample", "yahoo"] = _variable("PARAKEET_PRICE_SOURCE", "sample")
    universes: Keys = _variable("PARAKEET_UNIVERSES", ())
    universe_file: Path | None = _variable("PARAKEET_UNIVERSE_FILE")
    universe_source: Literal["bundled", "live"] = _variable("PARAKEET_UNIVERSE_SOURCE", "bundled")
    strategies: Keys = _variable("PARAKEET_STRATEGIES", ())
    strategies_file: Path | None = _variable("PARAKEET_STRATEGIES_FILE")
    yahoo_rps: float = _variable("PARAKEET_YAHOO_RPS", 4.0)
    first_session: date = _variable("PARAKEET_FIRST_SESSION", DEFAULT_FIRST_SESSION)
    schedules: Literal["running", "stopped", ""] = _variable("PARAKEET_SCHEDULES", "")
    live_strategy: str = _variable("PARAKEET_LIVE_STRATEGY", "")
    capital: float = _variable("PARAKEET_CAPITAL_AUD", 100_000.0)
    fee: float = _variable("PARAKEET_FEE_AUD", 3.0)
    fx_spread_bp: float = _variable("PARAKEET_FX_SPREAD_BP", 70.0)
    slippage_bp: float = _variable("PARAKEET_SLIPPAGE_BP", 5.0)
    cash_rate: float = _variable("PARAKEET_CASH_RATE", 0.02)
    shares: Literal["whole", "fractional"] = _variable("PARAKEET_SHARES", "whole")
    fill: Literal["close", "open"] = _variable("PARAKEET_FILL", "close")
    risk_aversion: float = _variable("PARAKEET_RISK_AVERSION", 3.0)
    tax_rate: float = _variable("PARAKEET_TAX_RATE", 0.39)
    parcels: Literal["fifo", "highest_cost", "min_tax"] = _variable("PARAKEET_PARCELS", "fifo")
    api_origins: Keys = _variable("PARAKEET_API_ORIGINS", ())
    api_requests: int = _variable("PARAKEET_API_REQUESTS_PER_MINUTE", 600)
    logs: Literal["text", "json"] = _variable("PARAKEET_LOGS", "text")
    alert_emails: Keys = _variable("PARAKEET_ALERT_EMAIL", ())
    smtp_url: SecretStr | None = _variable("PARAKEET_SMTP_URL")
    slack_webhook: SecretStr | None = _variable("PARAKEET_SLACK_WEBHOOK")
    alert_topic: str = _variable("PARAKEET_ALERT_TOPIC", "")
    dagster_home: Path | None = _variable("DAGSTER_HOME")
    dagster_url: SecretStr | None = _variable(DAGSTER_URL)
    lambda_function: str = _variable("AWS_LAMBDA_FUNCTION_NAME", "")

    @field_validator("universes", "strategies", "alert_emails", "api_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            keys = (key.strip() for key in value.split(","))
            return tuple(dict.fromkeys(key for key in keys if key))
        return value

    @field_validator("home", "universe_file", "strategies_file", "dagster_home")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().absolute()

    @field_validator("database_secret")
    @classmethod
    def _the_only_one(cls, value: str, info: ValidationInfo) -> str:
        """Of the two ways to name the database; which of them is wrong, only a person knows."""
        if value and (info.data.get("database_url") or not _SECRET_NAME.fullmatch(value)):
            raise ValueError("a name")
        return value

    @field_validator("yahoo_rps")
    @classmethod
    def _positive(cls, value: float) -> float:
        if not 0 < value <= 1000:
            raise ValueError("a number of requests a second, above 0 and at most 1000")
        return value

    @field_validator("capital", "fee", "fx_spread_bp", "slippage_bp", "cash_rate", "risk_aversion")
    @classmethod
    def _a_term(cls, value: float, info: ValidationInfo) -> float:
        """What ``Terms`` accepts, see ``_ACCEPTED``."""
        Terms(**{str(info.field_name): value})
        return value

    @field_validator("tax_rate")
    @classmethod
    def _part_of_income(cls, value: float) -> float:
        if not 0 <= value < 1:
            raise ValueError("a part of income, at least 0 and below 1")
        return value

    @field_validator("first_session")
    @classmethod
    def _within_calendar(cls, value: date) -> date:
        if not DEFAULT_FIRST_SESSION <= value <= date.fromisoformat(LAST_DAY):
            raise ValueError(f"a date from {DEFAULT_FIRST_SESSION} to {LAST_DAY}")
        return value

    @field_validator("lake", "backups")
    @classmethod
    def _place(cls, value: str) -> str:
        if "://" in value and not (value.startswith("s3://") and value[5:].split("/")[0]):
            raise ValueError("a directory, or s3://bucket/prefix")
        return value.rstrip("/")

    @field_validator("alert_emails")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_ADDRESS.fullmatch(one) for one in value):
            raise ValueError("comma-separated addresses, name@example.org")
        return value

    @field_validator("api_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_is_url(one, ("https", "http")) and _ORIGIN.fullmatch(one) for one in value):
            raise ValueError("origins")
        return value

    @field_validator("api_requests")
    @classmethod
    def _a_rate(cls, value: int) -> int:
        if not 1 <= value <= MAX_REQUESTS:
            raise ValueError("a rate")
        return value

    @field_validator("smtp_url", "slack_webhook")
    @classmethod
    def _a_server(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """A URL of a server that can be reached by the name's protocol; the value is a secret."""
        accepted = ("smtp", "smtps") if info.field_name == "smtp_url" else ("https", "http")
        if value is not None and not _is_url(value.get_secret_value(), accepted):
            raise ValueError("a URL")
        return value

    @field_validator("alert_topic")
    @classmethod
    def _arn(cls, value: str) -> str:
        if value and not _TOPIC.fullmatch(value):
            raise ValueError("an ARN, arn:aws:sns:region:account:name")
        return value

    @classmethod
    def variables(cls) -> tuple[str, ...]:
        """The names of all variables."""
        return tuple(str(field.validation_alias) for field in cls.model_fields.values())

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be in a log, a message or the UI: URLs that are secrets, and passwords."""
        urls = (self.database_url, self.dagster_url, self.smtp_url, self.slack_webhook)
        texts = [url.get_secret_value() for url in urls if url is not None]
        quoted = [found.group(1) for text in texts if (found := _PASSWORD.search(text))]
        return (*texts, *dict.fromkeys([*quoted, *map(unquote, quoted)]))

    @property
    def alerts_anyone(self) -> bool:
        """Whether there is anyone to tell of what goes wrong."""
        return bool(self.alert_emails or self.slack_webhook or self.alert_topic)

    @property
    def lake_url(self) -> str:
        """Where the lake is: an absolute directory, or ``s3://bucket/prefix``."""
        if not self.lake:
            return str(self.home / "lake")
        return self.lake if self.lake.startswith("s3://") else str(Path(self.lake).absolute())

    @property
    def has_own_database(self) -> bool:
        """Whether the database is the embedded one, and no other is named."""
        return self.database_url is None and not self.database_secret

    @property
    def backups_url(self) -> str:
        """Where dumps of the database are: an absolute directory, or ``s3://bucket/prefix``."""
        if not self.backups:
            return self.default_backups
        is_s3 = self.backups.startswith("s3://")
        return self.backups if is_s3 else str(Path(self.backups).absolute())

    @property
    def default_backups(self) -> str:
        """Beside the lake; in a bucket, ``backups``."""
        if self.lake_url.startswith("s3://"):
            bucket, _, _ = self.lake_url.removeprefix("s3://").partition("/")
            return f"s3://{bucket}/backups"
        return str(Path(self.lake_url).with_name("backups"))

    @property
    def terms(self) -> Terms:
        """What trading costs and what cash earns, for every simulated account."""
        return Terms(
            capital=self.capital,
            fee=self.fee,
            fx_spread_bp=self.fx_spread_bp,
            slippage_bp=self.slippage_bp,
            cash_rate=self.cash_rate,
            whole_shares=self.shares == "whole",
            fill=self.fill,
            risk_aversion=self.risk_aversion,
        )

    @property
    def universe_keys(self) -> tuple[str, ...]:
        """What is fetched: as set, else the user's own file, else the source's default."""
        if self.universes:
            return self.universes
        if self.universe_file:
            return ("CUSTOM",)
        return ("SAMPLE",) if self.price_source == "sample" else ("CORE_ETFS",)

    @property
    def schedules_running(self) -> bool:
        """Whether schedules start switched on: with Yahoo yes, with the sample no."""
        if self.schedules:
            return self.schedules == "running"
        return self.price_source == "yahoo"

    @property
    def instance_home(self) -> Path:
        """Dagster's own home."""
        return self.dagster_home or self.home / "dagster"


_ACCEPTED = {
    "PARAKEET_DATABASE_SECRET": "the name or ARN of a secret in AWS Secrets Manager, where"
    " NEON_DATABASE_URL is unset: it would be a second database",
    "PARAKEET_PRICE_SOURCE": "sample or yahoo",
    "PARAKEET_UNIVERSE_SOURCE": "bundled or live",
    "PARAKEET_SCHEDULES": "running or stopped",
    "PARAKEET_FIRST_SESSION": f"a date from {DEFAULT_FIRST_SESSION} to {LAST_DAY}",
    "PARAKEET_YAHOO_RPS": "a number of requests a second, above 0 and at most 1000",
    "PARAKEET_LAKE": "a directory, or s3://bucket/prefix",
    "PARAKEET_BACKUPS": "a directory, or s3://bucket/prefix",
    "PARAKEET_CAPITAL_AUD": "an amount of AUD above 0",
    "PARAKEET_FEE_AUD": "an amount of AUD, 0 or more",
    "PARAKEET_FX_SPREAD_BP": "basis points, at least 0 and below 5000",
    "PARAKEET_SLIPPAGE_BP": "basis points, at least 0 and below 5000",
    "PARAKEET_CASH_RATE": "a part of 1 a year, e.g. 0.02, above -1 and at most 1",
    "PARAKEET_SHARES": "whole or fractional",
    "PARAKEET_FILL": "close or open",
    "PARAKEET_RISK_AVERSION": "a number, 0 or more; inf for no band",
    "PARAKEET_TAX_RATE": "a part of income, e.g. 0.39, at least 0 and below 1",
    "PARAKEET_PARCELS": "fifo, highest_cost or min_tax",
    "PARAKEET_API_ORIGINS": "comma-separated origins of web pages, https://host or http://host:port",
    "PARAKEET_API_REQUESTS_PER_MINUTE": f"a whole number from 1 to {MAX_REQUESTS}",
    "PARAKEET_LOGS": "text or json",
    "PARAKEET_ALERT_EMAIL": "comma-separated addresses, name@example.org",
    "PARAKEET_SMTP_URL": "smtp://user:password@host:587 or smtps://user:password@host:465",
    "PARAKEET_SLACK_WEBHOOK": "the https:// URL of an incoming webhook",
    "PARAKEET_ALERT_TOPIC": "the ARN of an SNS topic, arn:aws:sns:region:account:name",
}


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a value is not accepted, or lacks another.
    """
    settings = _read()
    if settings.alert_emails and settings.smtp_url is None:
        raise SettingsError(
            "PARAKEET_ALERT_EMAIL is set, PARAKEET_SMTP_URL is not: set it to the mail server,"
            f" {_ACCEPTED['PARAKEET_SMTP_URL']}"
        )
    return settings


def require_places(settings: Settings) -> None:
    """Refuse to read or store anything where it would be gone with the process.

    Raises:
        SettingsError: there is no database but the embedded one, or, in a Lambda, no lake in S3.
    """
    if settings.has_own_database:
        raise SettingsError(
            "PARAKEET_DATABASE_SECRET and NEON_DATABASE_URL are unset: a database on this machine"
            " would be lost; set one of them"
        )
    if settings.lambda_function and not settings.lake_url.startswith("s3://"):
        raise SettingsError(
            f"PARAKEET_LAKE={settings.lake_url}: in a Lambda it would be lost; accepted is"
            " s3://bucket/prefix"
        )


def _read() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        variable = str(first["loc"][0]) if first["loc"] else "settings"
        accepted = _ACCEPTED.get(variable, first["msg"])
        is_secret = variable in _SECRETS or "@" in str(first["input"])
        shown = "***" if is_secret else first["input"]
        raise SettingsError(f"{variable}={shown}: accepted is {accepted}") from None


def unknown_variables() -> list[str]:
    """The variables that are set, look like ours, and are none of them: misspelt ones."""
    known = {*Settings.variables(), *OTHERS}
    names = os.environ  # noqa: TID251 - this module is where it is allowed
    return sorted(name for name in names if name.startswith("PARAKEET_") and name not in known)


def export_dotenv() -> None:
    """Put ``.env`` of the working directory into the environment, for boto3 and Dagster."""
    dotenv.load_dotenv(Path(".env"))


def export_dagster_home(settings: Settings) -> Path:
    """Set ``DAGSTER_HOME`` where it is unset, with the project's ``dagster.yaml`` in it.

    Events are written in batches, also by the runs that this process starts.
    """
    home = settings.instance_home
    shipped = Path(__file__).parents[1] / INSTANCE_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not (home / INSTANCE_FILE).exists() and shipped.exists():
            shutil.copyfile(shipped, home / INSTANCE_FILE)
    except OSError as error:
        variable = "DAGSTER_HOME" if settings.dagster_home else "PARAKEET_HOME"
        raise SettingsError(
            f"{variable}: cannot make the directory {home}: {error.strerror}; choose another"
        ) from None
    os.environ["DAGSTER_HOME"] = str(home)  # noqa: TID251 - this module is where it is allowed
    export_event_batches()
    return home


def export_event_batches() -> None:
    """Let Dagster write its events in batches, unless ``DAGSTER_EVENT_BATCH_SIZE`` is set."""
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENT_BATCH_SIZE)  # noqa: TID251 - as above


def export_writable_folders(settings: Settings) -> None:
    """Let libraries write below ``PARAKEET_HOME`` what they would put into the home directory.

    In a Lambda nothing else can be written. Matplotlib would make a new folder in each process, and
    look for all fonts again.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"PARAKEET_HOME: cannot make the directory {settings.home}: {error.strerror}; choose"
            " another"
        ) from None
    folders = {"MPLCONFIGDIR": "matplotlib", "XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "config"}
    for variable, name in folders.items():
        os.environ.setdefault(variable, str(settings.home / name))  # noqa: TID251 - as above
