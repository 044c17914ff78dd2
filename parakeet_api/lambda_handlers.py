"""What AWS Lambda calls: the whole API, or the resources of one group, behind an HTTP API.

``handler``, ``market_data``, ``strategies`` and ``trades`` are made when they are asked for. Lambda
asks for the one that its function is configured with while it starts, so that a function imports no
resource that it does not serve.
"""

from typing import Any

from mangum import Mangum

from parakeet_api.app import EVERYTHING, MARKET_DATA, STRATEGIES, TRADES, create_app
from parakeet_api.services import Services
from parakeet_dagster.settings import load_settings

HANDLERS = {
    "handler": EVERYTHING,
    "market_data": MARKET_DATA,
    "strategies": STRATEGIES,
    "trades": TRADES,
}
CONNECTIONS = 1
"""A Lambda answers one request at a time."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a handler as Lambda wants it
    if name not in HANDLERS:
        raise AttributeError(name)
    app = create_app(Services(load_settings(), CONNECTIONS), HANDLERS[name])
    handler = Mangum(app, lifespan="off")
    globals()[name] = handler
    return handler
