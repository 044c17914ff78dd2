"""When a strategy may change its target."""

from typing import Literal

import pandas as pd

Rule = Literal["daily", "weekly", "monthly", "quarterly"]

SESSIONS_A_YEAR = 258
"""Of the joint calendar of XNYS and XASX, either of which is open: 258.1 a year from 2006 to 2024.
A market alone has 252 or 253, so a look-back of 252 sessions is eleven and a half months."""

_PERIOD = {"daily": "D", "weekly": "W", "monthly": "M", "quarterly": "Q"}

LONGEST_PERIOD: dict[Rule, int] = {"daily": 1, "weekly": 5, "monthly": 23, "quarterly": 66}
"""The most sessions that one period holds."""


def rebalance_sessions(rule: Rule, sessions: pd.DatetimeIndex) -> pd.Series:
    """The session at which the target of each session was last decided.

    It is the first session of the period (calendar day, week from Monday, month, quarter): also
    where only the other market is open, as on Labor Day; then the last closes decide.

    Args:
        rule: how often.
        sessions: the whole calendar, ascending; a period's first session must be in it.

    Returns:
        datetime64[us], index ``sessions``.
    """
    period = sessions.to_period(_PERIOD[rule])
    return pd.Series(sessions, index=sessions).groupby(period).transform("min")
