"""The log of the API: every line says of which request it is, as a problem does to the client."""

import logging
from contextvars import ContextVar

from parakeet_dagster.metrics import FIELDS

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that is being answered, also in the threads that work for it."""


class _OfRequest(logging.Filter):
    """Puts the request's number behind the message, and beside it in a line of JSON."""

    def filter(self, record: logging.LogRecord) -> bool:
        if (number := request_id.get()) is not None:
            record.msg = f"{record.msg} (request {number})"
            setattr(record, FIELDS, {**getattr(record, FIELDS, {}), "request_id": number})
        return True


log = logging.getLogger("parakeet.api")
log.addFilter(_OfRequest())
