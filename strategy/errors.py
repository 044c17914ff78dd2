"""Errors of the quant library."""


class StrategyError(ValueError):
    """A frame, a parameter or a catalog entry that cannot be used; the message says which."""


class TooShortError(StrategyError):
    """There are fewer sessions than a result needs; the message says how many, and how many."""
