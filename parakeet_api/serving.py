"""The API as a process of its own, under uvicorn."""

import gc

import uvicorn

from parakeet_api.app import create_app
from parakeet_api.protocol import LimitedHttp
from parakeet_api.services import Services
from parakeet_dagster.settings import Settings

GRACE = 3
"""Seconds in which requests that are under way when it is to stop may end."""


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until the process is told to stop.

    One process: the limit per key counts in its memory. More of them behind a proxy each count
    their own.
    """
    app = create_app(Services(settings))
    gc.freeze()  # what is imported stays: a collection need not go through it, for 50 ms, again
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=LimitedHttp,
        ws="none",
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        log_config=None,
    )
