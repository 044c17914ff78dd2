"""The API as a process of its own, under uvicorn."""

import uvicorn

from parakeet_api.app import create_app
from parakeet_api.services import Services
from parakeet_dagster.settings import Settings

GRACE = 3
"""Seconds in which requests that are under way when it is to stop may end."""


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until the process is told to stop.

    One process: the limit per key counts in its memory. More of them behind a proxy each count
    their own.
    """
    uvicorn.run(
        create_app(Services(settings)),
        host=host,
        port=port,
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        log_config=None,
    )
