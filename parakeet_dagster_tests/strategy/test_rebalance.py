"""The first session of each period, on the real calendar."""

import pandas as pd
import pytest

from parakeet_dagster.sessions import calendar
from strategy.rebalance import LONGEST_PERIOD, rebalance_sessions


@pytest.mark.parametrize(
    ("rule", "session", "decided"),
    [
        ("daily", "2022-04-19", "2022-04-19"),
        ("weekly", "2022-04-19", "2022-04-18"),  # Easter Monday: New York is open
        ("weekly", "2022-12-30", "2022-12-27"),  # Monday: both closed for Christmas
        ("weekly", "2022-04-14", "2022-04-11"),
        ("monthly", "2022-01-03", "2022-01-03"),  # the ASX is closed, New York open
        ("monthly", "2023-01-31", "2023-01-03"),  # 1 and 2 January: both closed
        ("monthly", "2022-05-31", "2022-05-02"),  # 1 May is a Sunday
        ("monthly", "2021-04-30", "2021-04-01"),
        ("quarterly", "2022-06-30", "2022-04-01"),
        ("quarterly", "2023-03-31", "2023-01-03"),
    ],
)
def test_a_target_is_decided_on_the_first_session_of_its_period(rule, session, decided):
    assert rebalance_sessions(rule, calendar())[session] == pd.Timestamp(decided)


@pytest.mark.parametrize("rule", LONGEST_PERIOD)
def test_no_period_holds_more_sessions_than_said(rule):
    assert rebalance_sessions(rule, calendar()).value_counts().max() == LONGEST_PERIOD[rule]


@pytest.mark.parametrize("rule", LONGEST_PERIOD)
def test_no_target_is_decided_later_than_its_session(rule):
    decided = rebalance_sessions(rule, calendar())
    assert (decided <= decided.index).all()
    assert decided.is_monotonic_increasing
