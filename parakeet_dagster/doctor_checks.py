"""What ``parakeet doctor`` examines. Each function finds one thing out, and changes nothing."""

import difflib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pandas as pd
from dagster._core.scheduler.instigation import InstigatorStatus
from sqlalchemy import Connection, text

from parakeet_dagster import clock
from parakeet_dagster import sessions as calendar
from parakeet_dagster.checks.prices import due_session
from parakeet_dagster.choices import enabled_strategies
from parakeet_dagster.closures import LAST_DAY
from parakeet_dagster.connect import (
    check_settings,
    find_database,
    open_price_source,
    open_universe_source,
)
from parakeet_dagster.counted import counted
from parakeet_dagster.doctor import Examination, Finding, fail, ok, warn
from parakeet_dagster.errors import (
    DatabaseError,
    LakeError,
    PriceSourceError,
    SchemaVersionError,
    TargetError,
)
from parakeet_dagster.instance import open_instance
from parakeet_dagster.logins import embedded_postgres
from parakeet_dagster.places import open_lake
from parakeet_dagster.run_metrics import LATEST
from parakeet_dagster.run_metrics import sessions_behind as behind_of
from parakeet_dagster.settings import Settings, unknown_variables
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.database_errors import CONNECTING, one_line_errors
from parakeet_dagster.storage.migrations import all_migrations, pending, schema_state
from parakeet_dagster.storage.stores import S3Store
from parakeet_dagster.targets import Message, targets_of

SKEW = timedelta(seconds=60)
"""Clocks that differ by more are wrong: a bar would count before its session has ended."""

HORIZON_DAYS = 180
GIGABYTE = 1e9
LEAST_DISK, LITTLE_DISK = 0.5 * GIGABYTE, 2.0 * GIGABYTE
SLOW_DATABASE = 1.0
FEW_SESSIONS = 5
HEARTBEAT_WITHIN = timedelta(minutes=5)
KEEP_CURRENT = ("daily_schedule", "healing_sensor")
SECONDS_FOR_YAHOO = 5.0
A_TICKER, ITS_MARKET, ITS_CURRENCY = "SPY", "XNYS", "USD"
_BEGIN = "parakeet backfill FROM TO begins a history"


class NoDatabaseYetError(Exception):
    """There is no embedded database, and looking does not make one."""


def examinations(settings: Settings, *, send_test: bool) -> dict[str, Examination]:
    """All of them, by name, in the order in which they are shown.

    Args:
        settings: that could be read.
        send_test: send a message to every target.
    """
    every: Mapping[str, Callable[[Settings], Finding]] = {
        "settings": the_settings,
        "database": database,
        "schema": schema,
        "lake": lake,
        "prices": prices,
        "universe": universe,
        "clock": clocks,
        "calendar": horizon,
        "dagster": dagster_instance,
        "disk": disk,
        "sessions": sessions_behind,
        "alerts": try_targets if send_test else targets,
    }
    _import_at_once(settings)
    return {name: partial(one, settings) for name, one in every.items()}


ADVICE = {
    "settings": "correct it in the environment or in .env; .env.example shows what each takes",
    "database": "see that the server is up; check NEON_DATABASE_URL or PARAKEET_DATABASE_SECRET",
    "schema": "mend the database first",
    "lake": "check PARAKEET_LAKE, the AWS_* variables and the network",
    "prices": "check the network",
    "universe": "check the network, PARAKEET_UNIVERSES and PARAKEET_UNIVERSE_FILE",
    "clock": "mend the database and the lake first",
    "calendar": "update Parakeet",
    "dagster": "check DAGSTER_HOME, its dagster.yaml and the database that this names",
    "disk": "check PARAKEET_HOME",
    "sessions": "mend the lake first",
    "alerts": "check the network and the variables of the targets",
}
"""What to do where an examination cannot tell."""


def _import_at_once(settings: Settings) -> None:
    """What several of them import: threads that import one module wait for each other."""
    needed = {
        "parakeet_dagster.s3": settings.lake_url.startswith("s3://"),
        "parakeet_dagster.price_sources.yahoo": settings.price_source == "yahoo",
        "requests": settings.universe_source == "live" or settings.alerts_anyone,
    }
    for module, is_needed in needed.items():
        if is_needed:
            import_module(module)


def the_settings(settings: Settings) -> Finding:
    """Whether what is set fits together, and is known."""
    check_settings(settings)
    strategies = enabled_strategies(settings)
    strange = unknown_variables()
    if strange:
        likely = difflib.get_close_matches(strange[0], Settings.variables(), 1)
        meant = f"; did you mean {likely[0]}" if likely else ""
        return warn(f"{', '.join(strange)} is no setting{meant}", "see .env.example for all")
    return ok(
        f"prices {settings.price_source}, {' '.join(settings.universe_keys)},"
        f" {counted(len(strategies), 'strategy').replace('ys', 'ies')}, home {settings.home}"
    )


Look = Callable[[Database, Connection], Finding]


def of_database(look: Look) -> Callable[[Settings], Finding]:
    """``look`` on one connection; where there is no embedded database yet, that is the finding."""

    @wraps(look)
    def examination(settings: Settings) -> Finding:
        try:
            with _connected(settings) as (opened, connection):
                return look(opened, connection)
        except NoDatabaseYetError:
            return warn(f"none in {settings.home} yet", _BEGIN)

    return examination


@of_database
def database(opened: Database, connection: Connection) -> Finding:
    """Whether it can be reached, how fast, and which version it is."""
    begun = time.monotonic()
    version = str(connection.scalar(text("SHOW server_version"))).split()[0]
    taken = time.monotonic() - begun
    told = f"{opened.url.display}: PostgreSQL {version}, {taken * 1000:.0f} ms"
    if taken > SLOW_DATABASE:
        return warn(f"{told}, slow", "choose a region near to where Parakeet runs")
    return ok(told)


@of_database
def schema(opened: Database, connection: Connection) -> Finding:
    """Whether the tables are of this version."""
    state = schema_state(connection)
    if state.is_empty:
        return warn("none is applied yet", "the first command that needs it applies it")
    try:
        todo = pending(state, all_migrations(), f"the database ({opened.url.display})")
    except SchemaVersionError as error:
        told, _, advice = str(error).partition(": ")
        return fail(told, advice)
    if todo:
        return fail(f"of an older Parakeet, {todo[0].name} is not applied", "parakeet db migrate")
    return ok(f"at {state.newest}, that of this Parakeet")


def lake(settings: Settings) -> Finding:
    """Whether an object can be written, read back and removed."""
    store = open_lake(settings.lake_url).store
    probe, content = f".doctor-{uuid4().hex}", b"parakeet doctor"
    begun = time.monotonic()
    store.write(probe, content)
    try:
        read = store.read(probe)
    finally:
        store.remove(probe)
    taken = time.monotonic() - begun
    if read != content:
        return fail(f"{store.url} gives back other bytes than were written", "check the store")
    return ok(f"{store.url}: written, read and removed in {taken * 1000:.0f} ms")


def prices(settings: Settings) -> Finding:
    """Whether the vendor answers one small question."""
    if settings.price_source == "sample":
        return ok("the sample, to 2022-12-28: real prices and no news")
    return _yahoo(settings)


def universe(settings: Settings) -> Finding:
    """Whether every list of members can be had."""
    keys = settings.universe_keys
    source = open_universe_source(settings, keys)
    told = [f"{key} {counted(len(source.members(key)), 'member')}" for key in keys]
    return ok(f"{', '.join(told)} ({settings.universe_source})")


def clocks(settings: Settings) -> Finding:
    """Whether this machine's clock agrees with others'."""
    try:
        others = dict(_other_clocks(settings))
    except (DatabaseError, LakeError) as error:
        told = error.message.partition(": ")[0]
        return warn(f"not compared: {told}", "mend that first")
    now = f"{clock.now():%Y-%m-%d %H:%M:%S} UTC"
    if not others:
        return ok(f"{now}; no other machine's to compare with")
    whose, apart = max(others.items(), key=lambda one: abs(one[1]))
    where = "behind" if apart > timedelta(0) else "ahead of"
    told = f"{now}, {abs(apart).total_seconds():.0f} s {where} {whose}"
    if abs(apart) > SKEW:
        return fail(told, "set the clock, by NTP: sessions are judged by it")
    return ok(told)


def horizon(_: Settings) -> Finding:
    """How long the calendar of holidays still lasts."""
    left = (date.fromisoformat(LAST_DAY) - clock.now().date()).days
    told = f"holidays are known to {LAST_DAY}, {left} days"
    if left < 0:
        return fail(told, "update Parakeet")
    if left < HORIZON_DAYS:
        return warn(told, "update Parakeet before then")
    return ok(told)


def dagster_instance(settings: Settings) -> Finding:
    """Whether the instance's storage answers, a daemon lives, and the schedules are on."""
    with open_instance(settings) as instance:
        runs = instance.get_runs_count()
        where = f"{settings.instance_home}: {counted(runs, 'run')}"
        beats = instance.get_daemon_heartbeats()
        newest = max((beat.timestamp for beat in beats.values()), default=0.0)
        off = _switched_off(instance)
    age = clock.now() - datetime.fromtimestamp(newest, UTC)
    is_alive = age < HEARTBEAT_WITHIN
    if not settings.schedules_running:
        return ok(f"{where}; schedules do not start by themselves (PARAKEET_SCHEDULES)")
    if off:
        return warn(f"{where}; switched off: {', '.join(off)}", "switch it on in the UI")
    if not is_alive:
        seen = f"for {_in_words(age)}" if newest else "yet"
        return warn(
            f"{where}; no daemon {seen}",
            "run dagster-daemon (parakeet ui does); nothing is started without it. Where another"
            " scheduler starts the daily job, PARAKEET_SCHEDULES=stopped says so",
        )
    return ok(f"{where}; the daemon lives, schedules are on")


def disk(settings: Settings) -> Finding:
    """How much space is left where Parakeet writes."""
    places = [settings.home, settings.instance_home]
    if not settings.lake_url.startswith("s3://"):
        places.append(Path(settings.lake_url))
    free = {place: shutil.disk_usage(_existing(place)).free for place in places}
    place, least = min(free.items(), key=lambda one: one[1])
    told = f"{least / GIGABYTE:,.1f} GB are free at {place}"
    if least < LEAST_DISK:
        return fail(told, "free some: a write that fails stops the run")
    if least < LITTLE_DISK:
        return warn(told, "free some: twenty years of 800 tickers need 2 GB")
    return ok(told)


def sessions_behind(settings: Settings) -> Finding:
    """How many sessions that can be had are not stored."""
    opened = open_lake(settings.lake_url)
    due = due_session(open_price_source(settings), clock.now())
    behind = behind_of(opened, due)
    if behind is None:
        return warn("nothing is stored yet", _BEGIN)
    last = opened.sessions(LATEST)[-1]
    if not behind:
        return ok(f"none behind: {last} is the last that can be had")
    first = calendar.offset(last, 1)
    told = f"{counted(behind, 'session')} behind: stored to {last}, could be had to {due}"
    found = warn if behind <= FEW_SESSIONS else fail
    return found(told, f"parakeet backfill {first} {due}")


def targets(settings: Settings) -> Finding:
    """Who hears of what fails."""
    names = [target.name for target in targets_of(settings)]
    if names:
        return ok(f"{', '.join(names)} (--send-test sends each a message)")
    if not settings.schedules_running:
        return ok("no target is set; nothing runs by itself either")
    return warn(
        "no target is set, so nobody hears of a failed run",
        "set PARAKEET_ALERT_EMAIL and PARAKEET_SMTP_URL, PARAKEET_SLACK_WEBHOOK or"
        " PARAKEET_ALERT_TOPIC",
    )


def try_targets(settings: Settings) -> Finding:
    """Send a message to each."""
    every = targets_of(settings)
    if not every:
        return targets(settings)
    moment = f"{clock.now():%Y-%m-%d %H:%M} UTC"
    message = Message("Parakeet: a test", f"Sent by parakeet doctor --send-test, {moment}.")
    problems = []
    for target in every:  # each is another server's word
        try:
            target.send(message)
        except TargetError as error:
            problems.append(str(error))
    if problems:
        told, advice = zip(*(one.split("; ", 1) for one in problems), strict=True)
        return fail("; ".join(told), "; ".join(dict.fromkeys(advice)))
    return ok(f"a test was sent: {', '.join(target.name for target in every)}")


@contextmanager
def _connected(settings: Settings) -> Iterator[tuple[Database, Connection]]:
    """One attempt: who asks how things are does not want to wait until they are better."""
    if settings.has_own_database and not embedded_postgres(settings).directory.exists():
        raise NoDatabaseYetError
    opened = find_database(settings)
    try:
        with one_line_errors(opened.url, CONNECTING), opened.engine.connect() as connection:
            yield opened, connection
    finally:
        opened.close()


def _other_clocks(settings: Settings) -> Iterator[tuple[str, timedelta]]:
    """Whose clocks can be seen, and how far ahead of ours each is."""
    if not settings.has_own_database:
        with _connected(settings) as (opened, connection):
            before = clock.now()
            theirs = connection.scalar(text("SELECT clock_timestamp()"))
            yield f"the database ({opened.url.display})", _ahead(theirs, before, clock.now())
    store = open_lake(settings.lake_url).store
    if isinstance(store, S3Store):
        before = clock.now()
        theirs = parsedate_to_datetime(store.date_header())
        yield store.url, _ahead(theirs, before, clock.now())


def _ahead(theirs: datetime, before: datetime, after: datetime) -> timedelta:
    """How far a clock is ahead of ours, had it been read in the middle of a request."""
    return theirs - (before + (after - before) / 2)


def _yahoo(settings: Settings) -> Finding:
    """One ticker's last days: one request, at Yahoo's pace, that is not tried again for long."""
    from parakeet_dagster.price_sources.yahoo import YahooSource
    from parakeet_dagster.price_sources.yahoo_pace import Patience

    patience = Patience(
        timeout=SECONDS_FOR_YAHOO,
        wait_initial=0.1,
        wait_max=0.5,
        wait_jitter=0.1,
        cool_down=0.1,
        longest_cool_down=1.0,
        cool_downs=1,
        silences=1,
    )
    source = YahooSource(
        settings.home / "cache", settings.yahoo_rps, 1, now=clock.now, patience=patience
    )
    member = pd.DataFrame([{"ticker": A_TICKER, "market": ITS_MARKET, "currency": ITS_CURRENCY}])
    last = calendar.last_completed(clock.now())
    first = calendar.offset(last, -FEW_SESSIONS) or last
    begun = time.monotonic()
    try:
        answer = source.fetch(member, date.fromisoformat(first), date.fromisoformat(last))
    except PriceSourceError as error:
        return fail(f"Yahoo: {error.message}", "check the network")
    taken = time.monotonic() - begun
    for failure in answer.failures:
        return fail(
            f"Yahoo, {failure.ticker}: {failure.error_class} {failure.message}",
            "check the network; where Yahoo refuses, wait an hour and lower PARAKEET_YAHOO_RPS",
        )
    newest = answer.bars.dropna(subset="close")["date"].max()
    return ok(f"Yahoo: {A_TICKER} to {calendar.key(newest)} in {taken:.1f} s")


def _switched_off(instance: dg.DagsterInstance) -> list[str]:
    """Which of the schedules and sensors that keep the data current someone has stopped."""
    return sorted(
        state.name
        for state in instance.all_instigator_state()
        if state.name in KEEP_CURRENT and state.status is InstigatorStatus.STOPPED
    )


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(one for one in (path, *path.parents) if one.exists())


def _in_words(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours * 60:.0f} minutes" if hours < 2 else f"{hours:.0f} hours"
