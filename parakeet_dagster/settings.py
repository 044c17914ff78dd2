"""Every setting is an environment variable; this is the only place that reads them.

Values come from the environment, then from a file ``.env`` in the working directory. A wrong one
stops with one line that names the variable, the value and what is accepted.
"""

import os
import shutil
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import dotenv
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from parakeet_dagster.closures import LAST_DAY
from parakeet_dagster.errors import SettingsError
from strategy.portfolio.terms import Terms

INSTANCE_FILE = "dagster.yaml"
EVENT_BATCH_SIZE = "1000"
DEFAULT_FIRST_SESSION = date(2005, 1, 3)

Keys = Annotated[tuple[str, ...], NoDecode]


def _variable(name: str, default: Any = None) -> Any:  # noqa: ANN401 - pydantic's Field is Any too
    return Field(default=default, validation_alias=name)


class Settings(BaseSettings):
    """The typed settings of one process. See ``.env.example`` for what each means."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    home: Path = _variable("PARAKEET_HOME", Path(".parakeet"))
    database_url: SecretStr | None = _variable("NEON_DATABASE_URL")
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
    dagster_home: Path | None = _variable("DAGSTER_HOME")

    @field_validator("universes", "strategies", mode="before")
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

    @property
    def lake_url(self) -> str:
        """Where the lake is: an absolute directory, or ``s3://bucket/prefix``."""
        if not self.lake:
            return str(self.home / "lake")
        return self.lake if self.lake.startswith("s3://") else str(Path(self.lake).absolute())

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
}


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a value is not accepted.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        variable = str(first["loc"][0]) if first["loc"] else "settings"
        accepted = _ACCEPTED.get(variable, first["msg"])
        is_secret = variable == "NEON_DATABASE_URL" or "@" in str(first["input"])
        shown = "***" if is_secret else first["input"]
        raise SettingsError(f"{variable}={shown}: accepted is {accepted}") from None


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
    environment = os.environ  # noqa: TID251 - this module is where it is allowed
    environment["DAGSTER_HOME"] = str(home)
    environment.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENT_BATCH_SIZE)
    return home
