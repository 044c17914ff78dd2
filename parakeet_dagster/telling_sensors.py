"""The sensors that tell: of what failed, of each run's metrics, and every morning of the orders.

Each runs where somebody listens: alerts and digest where a target is set, metrics where the log is
JSON. Otherwise they are there, stopped, and may be started in the UI.
"""

import dagster as dg

from parakeet_dagster import clock
from parakeet_dagster.morning import send_digest
from parakeet_dagster.run_metrics import record_runs
from parakeet_dagster.settings import Settings, load_settings
from parakeet_dagster.telling import Told, Watch, post_of, tell

ALERTS_EVERY, METRICS_EVERY, DIGEST_EVERY = 60, 60, 300
"""Seconds."""

NO_TARGET = (
    "nobody to tell: set PARAKEET_ALERT_EMAIL and PARAKEET_SMTP_URL, PARAKEET_SLACK_WEBHOOK or"
    " PARAKEET_ALERT_TOPIC"
)


def telling_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """All of them."""
    is_heard = status_of(is_on=settings.alerts_anyone)
    return [
        alerts(is_heard),
        morning_digest(is_heard),
        run_metrics(status_of(is_on=settings.logs == "json")),
    ]


def status_of(*, is_on: bool) -> dg.DefaultSensorStatus:
    """Whether a sensor starts switched on."""
    return dg.DefaultSensorStatus.RUNNING if is_on else dg.DefaultSensorStatus.STOPPED


def alerts(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Tell of runs and checks that failed, each once."""

    @dg.sensor(name="alerts", minimum_interval_seconds=ALERTS_EVERY, default_status=status, jobs=[])
    def alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Runs that failed, and checks that failed in them or outside of them."""
        settings = load_settings()
        watch = Watch.read(context.cursor, clock.now())
        if not settings.alerts_anyone:
            return dg.SensorResult(skip_reason=NO_TARGET)
        if context.cursor is None:
            return dg.SensorResult(skip_reason="begins to watch", cursor=watch.cursor)
        definitions = context.repository_def
        checks = list(definitions.asset_graph.asset_check_keys) if definitions else []
        watch, told = tell(context.instance, post_of(context.instance, settings), watch, checks)
        if told.problems:
            context.log.warning(str(told))
        return dg.SensorResult(skip_reason=str(told), cursor=watch.cursor)

    return alert


def morning_digest(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Tell what to trade, what changed and what failed, once a session."""

    @dg.sensor(
        name="morning_digest",
        minimum_interval_seconds=DIGEST_EVERY,
        default_status=status,
        jobs=[],
    )
    def digest(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        """When the orders of the session are stored; five hours after it was complete as it is."""
        settings = load_settings()
        if not settings.alerts_anyone:
            return dg.SkipReason(NO_TARGET)
        post = post_of(context.instance, settings)
        came_of_it = send_digest(context.instance, settings, post, clock.now())
        if isinstance(came_of_it, str):
            return dg.SkipReason(came_of_it)
        told = Told()
        told.add(came_of_it)
        if told.problems:
            context.log.warning(str(told))
        return dg.SkipReason(str(told))

    return digest


def run_metrics(status: dg.DefaultSensorStatus) -> dg.SensorDefinition:
    """Write the metrics of every run that has ended to the log, each once."""

    @dg.sensor(
        name="run_metrics", minimum_interval_seconds=METRICS_EVERY, default_status=status, jobs=[]
    )
    def measure(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Tickers, rows, seconds, coverage and sessions behind, of each run."""
        watch = Watch.read(context.cursor, clock.now())
        if context.cursor is None:
            return dg.SensorResult(skip_reason="begins to watch", cursor=watch.cursor)
        ended = {record.dagster_run.run_id for record in watch.runs(context.instance)}
        fresh = record_runs(context.instance, load_settings(), sorted(ended))
        seen = Watch(watch.begun, clock.now())
        return dg.SensorResult(skip_reason=f"{fresh} runs measured", cursor=seen.cursor)

    return measure
