"""Retries with jittered back-off: stamina, told to log and never to print.

Where structlog is installed, as it is with Dagster, stamina would write every retry to standard
output, which belongs to ``--json``. Its hooks are process-wide, so they are set here, once; and
where nobody listens to the log, nothing is printed.
"""

import logging

from stamina import instrumentation, retry, retry_context

instrumentation.set_on_retry_hooks([instrumentation.LoggingOnRetryHook])
logging.getLogger("stamina").addHandler(logging.NullHandler())

__all__ = ["retry", "retry_context"]
