"""What a bar must obey to be a bar at all."""

import numpy as np
import pandas as pd
import pytest

from strategy.price_rules import broken_rule

SOUND = {
    "date": "2022-03-01", "ticker": "A", "open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5,
    "volume": 100, "dividend": 0.0, "split_ratio": 1.0,
}  # fmt: skip
NO_BAR = dict.fromkeys(["open", "high", "low", "close"], np.nan)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, ""),
        ({"volume": 0}, ""),
        ({"open": 10.5, "high": 10.5, "low": 10.5}, ""),
        ({"dividend": 1.0, "split_ratio": 0.1}, ""),
        ({"close": 0.0}, "price"),
        ({"close": -1.0}, "price"),
        ({"close": np.nan}, "price"),
        ({"open": np.inf, "high": np.inf}, "price"),
        ({"high": 10.4}, "order"),
        ({"low": 10.1}, "order"),
        ({"high": 8.0}, "order"),
        ({"open": 11.0 * (1 + 0.9e-6)}, ""),
        ({"open": 11.0 * (1 + 1.2e-6)}, "order"),
        ({"close": 9.0 * (1 - 0.9e-6)}, ""),
        ({"close": 9.0 * (1 - 1.2e-6)}, "order"),
        ({"volume": -1}, "volume"),
        ({"dividend": -0.1}, "action"),
        ({"dividend": np.nan}, "action"),
        ({"dividend": np.inf}, "action"),
        ({"split_ratio": 0.0}, "action"),
        ({"split_ratio": -2.0}, "action"),
        ({"split_ratio": np.nan}, "action"),
        ({"split_ratio": np.inf}, "action"),
        (NO_BAR | {"volume": 0, "dividend": 0.5}, ""),
        (NO_BAR | {"volume": 0, "split_ratio": 0.0}, "action"),
        ({"close": -1.0, "volume": -1, "dividend": -1.0}, "action"),
    ],
)
def test_the_first_rule_that_a_row_breaks(changes, rule):
    rows = pd.DataFrame([SOUND | changes])
    assert broken_rule(rows).tolist() == [rule]


def test_a_second_row_of_one_ticker_and_day_is_a_duplicate():
    rows = pd.DataFrame([SOUND, SOUND | {"ticker": "B"}, SOUND | {"close": -1.0}], index=[7, 3, 5])
    found = broken_rule(rows)
    assert found.to_dict() == {7: "", 3: "", 5: "duplicate"}


def test_no_row_breaks_no_rule():
    assert broken_rule(pd.DataFrame([SOUND])[:0]).empty
