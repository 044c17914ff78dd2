"""How the program logs: as text for people, or one JSON object a line (``PARAKEET_LOGS``).

Dagster makes its console loggers anew for every run and every tick of a sensor or schedule, from
no setting of ours. Python lets a program name the class that loggers are made of: ours puts the
formatter of the process on whatever they write to. What was made before is found and changed.
"""

import json
import logging
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from parakeet_dagster.metrics import FIELDS
from parakeet_dagster.redaction import redacted

OURS = "parakeet"
DAGSTERS = "dagster"

_DAGSTER_META = "dagster_meta"
_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_PARTITION = "dagster/partition"


class TextFormatter(logging.Formatter):
    """For people: moment, level, message; without passwords."""

    converter = staticmethod(lambda seconds: datetime.fromtimestamp(seconds or 0, UTC).timetuple())

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S UTC")
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return redacted(super().format(record), self._secrets)


class JsonFormatter(logging.Formatter):
    """One JSON object, in one line, without passwords.

    ``time`` (UTC, ISO 8601), ``level``, ``logger``, ``message``; where they are known ``run_id``,
    ``job``, ``step``, ``asset``, ``session`` (a session's key, or the first and last of a range,
    joined by "..."), ``sensor``; where something was raised ``error``, its last line, and
    ``traceback``. A record's ``fields`` stand beside them.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_of_dagster(getattr(record, _DAGSTER_META, None) or {}),
            **self._raised(record),
            **getattr(record, FIELDS, {}),
        }
        plain = {name: self._plain(value) for name, value in told.items() if value is not None}
        return json.dumps(plain, default=str)

    def _raised(self, record: logging.LogRecord) -> dict[str, str]:
        if not isinstance(record.exc_info, tuple):
            return {}
        traceback = self.formatException(record.exc_info)
        return {"error": traceback.splitlines()[-1], "traceback": traceback}

    def _plain(self, value: Any) -> Any:  # noqa: ANN401 - whatever a line carries
        return redacted(value, self._secrets) if isinstance(value, str) else value


def _of_dagster(meta: Mapping[str, Any]) -> dict[str, Any]:
    """What Dagster knows of a message: of which run, step, asset and session it is."""
    if not meta:
        return {}
    event, tags = meta.get("dagster_event"), meta.get("job_tags") or {}
    step = meta.get("step_key")
    told = {
        "message": meta["orig_message"],
        "run_id": meta.get("run_id"),
        "job": meta.get("job_name"),
        "step": step,
        "asset": step.replace("__", "/") if step else None,
        "session": _session_of(tags),
        "sensor": meta.get("name"),
    }
    if event is not None:
        key = getattr(event, "asset_key", None)
        told["event"] = event.event_type_value
        told["asset"] = key.to_user_string() if key else told["asset"]
        told["session"] = getattr(event, "partition", None) or told["session"]
        told |= _error_of(event)
    return told


def _session_of(tags: Mapping[str, str]) -> str | None:
    ends = [tags[name] for name in _RANGE if name in tags]
    return tags.get(_PARTITION) or ("...".join(dict.fromkeys(ends)) or None)


def _error_of(event: Any) -> dict[str, str]:  # noqa: ANN401 - any event of Dagster's
    data = event.event_specific_data
    error = getattr(data, "error", None)
    if error is None:
        return {}
    ours = getattr(data, "user_failure_data", None)
    while error.cause is not None:
        error = error.cause
    line = ours.description if ours and ours.description else error.message.strip()
    return {"error": line.splitlines()[-1] if line else "", "traceback": data.error.to_string()}


class RedactingFormatter(logging.Formatter):
    """What another formatter writes, without passwords."""

    def __init__(self, formatter: logging.Formatter | None, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self.inner = formatter or logging.Formatter()
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """The record as the other has it."""
        return redacted(self.inner.format(record), self._secrets)


class ConsoleLogger(logging.Logger):
    """A logger whose console handlers write as this process does, whoever made them."""

    def addHandler(self, handler: logging.Handler) -> None:  # noqa: N802 - Python's name
        """Attach a handler."""
        _State.dress(handler)
        super().addHandler(handler)


def _logger_class() -> type[logging.Logger]:
    """Ours before whatever class is set: structlog, which Dagster uses, sets one as well."""
    current = logging.getLoggerClass()
    if issubclass(current, ConsoleLogger):
        return current
    return type(ConsoleLogger.__name__, (ConsoleLogger, current), {})


class ToStandardError(logging.StreamHandler[TextIO]):
    """To whatever standard error is then: who replaces it closes his own again."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # an attribute of the class above
        """Where it is written to."""
        return sys.stderr


class _State:
    """How this process logs now."""

    told: tuple[str, tuple[str, ...]] | None = None
    is_json = False
    secrets: tuple[str, ...] = ()

    @classmethod
    def dress(cls, handler: logging.Handler) -> None:
        """Let a console's handler write so; leave others as they are."""
        if not _is_console(handler):
            return
        if cls.is_json:
            handler.setFormatter(JsonFormatter(cls.secrets))
        elif isinstance(handler.formatter, TextFormatter):
            handler.setFormatter(TextFormatter(cls.secrets))
        else:
            inner = handler.formatter
            plain = inner.inner if isinstance(inner, RedactingFormatter) else inner
            handler.setFormatter(RedactingFormatter(plain, cls.secrets))


def configure(how: Literal["text", "json"], secrets: Iterable[str] = ()) -> None:
    """Let this process log as ``PARAKEET_LOGS`` says; to standard error.

    As text every console handler writes as before, but no password; our own messages get a handler
    where nobody gave them one. As JSON every console handler writes JSON, and what no logger has a
    handler for is written from warnings on. Both hold for handlers made later, too. Again changes
    nothing but the secrets: one of them may become known later.

    Args:
        how: ``PARAKEET_LOGS``.
        secrets: what is never to be in a line.
    """
    logging.setLoggerClass(_logger_class())
    wanted = (how, tuple(secrets))
    if _State.told == wanted:
        return
    _State.told, _State.is_json, _State.secrets = wanted, how == "json", wanted[1]
    ours, root = logging.getLogger(OURS), logging.getLogger()
    ours.setLevel(logging.INFO)
    handler = ToStandardError()
    if how == "json":
        root.handlers = [one for one in root.handlers if not _is_console(one)]
        handler.setFormatter(JsonFormatter(secrets))
        handler.addFilter(_has_no_other_handler)
        root.addHandler(handler)
    elif not any(map(_is_console, [*root.handlers, *ours.handlers])):
        handler.setFormatter(TextFormatter(secrets))
        ours.addHandler(handler)
    for logger in [root, *logging.Logger.manager.loggerDict.values()]:
        for one in logger.handlers if isinstance(logger, logging.Logger) else ():
            _State.dress(one)


def _is_console(handler: logging.Handler) -> bool:
    """Whether it writes to standard output or error; Lambda's own handler does, too."""
    console = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    is_lambdas = type(handler).__name__ == "LambdaLoggerHandler"
    return is_lambdas or (
        isinstance(handler, logging.StreamHandler) and any(handler.stream is one for one in console)
    )


def _has_no_other_handler(record: logging.LogRecord) -> bool:
    """Dagster's command line gives its logger a handler, and lets it pass messages on as well."""
    return not (record.name.split(".")[0] == DAGSTERS and logging.getLogger(DAGSTERS).handlers)
