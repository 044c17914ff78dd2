"""A user's mistake inside a step: one line in the UI, never retried, no chain of causes."""

from collections.abc import Callable
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any, ParamSpec, TypeVar, cast

import dagster as dg

from parakeet_dagster.errors import BlockedSessionError, ParakeetError
from strategy.errors import StrategyError

BLOCKED = "first_blocked_session"

P = ParamSpec("P")
R = TypeVar("R")


def one_line_failures(function: Callable[P, R]) -> Callable[P, R]:
    """Turn our own errors, which a retry cannot mend, into ``dagster.Failure``."""
    if isgeneratorfunction(function):

        @wraps(function)
        def generate(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - whatever it yields
            try:
                yield from function(*args, **kwargs)
            except (ParakeetError, StrategyError) as error:
                raise _failure(error) from None

        return cast("Callable[P, R]", generate)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (ParakeetError, StrategyError) as error:
            raise _failure(error) from None

    return call


def _failure(error: Exception) -> dg.Failure:
    metadata = {BLOCKED: error.session} if isinstance(error, BlockedSessionError) else {}
    return dg.Failure(description=str(error), metadata=metadata, allow_retries=False)
