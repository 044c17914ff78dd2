"""What AWS Lambda calls: the whole API, or the resources of one group, behind an HTTP API.

``handler``, ``market_data``, ``strategies`` and ``trades`` are made when they are asked for. Lambda
asks for the one that its function is configured with while it starts, so that a function imports no
resource that it does not serve, and a setting that is wrong ends the start with one line.

A process answers one request after the other, in one event loop: that of its first request, to
which the connection belongs. Between two requests it may be frozen for hours, and its own clock
with it: so what is believed for seconds goes by the time of day, and the connection is asked each
time whether it still lives.
"""

import time
from typing import Any

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from parakeet_api.app import EVERYTHING, MARKET_DATA, STRATEGIES, TRADES, create_app
from parakeet_api.problems import MEDIA_TYPE
from parakeet_api.services import Services
from parakeet_dagster import logs
from parakeet_dagster.settings import load_settings, require_places

HANDLERS = {
    "handler": EVERYTHING,
    "market_data": MARKET_DATA,
    "strategies": STRATEGIES,
    "trades": TRADES,
}
CONNECTIONS = 1
"""A Lambda answers one request at a time."""

_AS_TEXT = [*DEFAULT_TEXT_MIME_TYPES, MEDIA_TYPE]
"""What is handed over as it is; anything else is in base64, which the gateway takes back."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a handler as Lambda wants it
    if name not in HANDLERS:
        raise AttributeError(f"no handler {name!r}: there are {', '.join(HANDLERS)}")
    settings = load_settings()
    logs.configure(settings.logs, settings.secrets)
    require_places(settings)
    services = Services(settings, CONNECTIONS, trusted_seconds=None, clock=time.time)
    app = create_app(services, HANDLERS[name])
    handler = Mangum(app, lifespan="off", text_mime_types=_AS_TEXT)
    globals()[name] = handler
    return handler
