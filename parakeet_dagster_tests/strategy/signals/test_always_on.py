"""Hold everything."""

from parakeet_dagster_tests.strategy.frames import window_of
from strategy.signals.always_on import AlwaysOn
from strategy.signals.base import Split


def test_every_ticker_is_held_from_its_first_bar_on():
    signals = AlwaysOn().at(window_of({"A": [0.1], "B": [float("nan")]}))
    assert signals.values.tolist() == [["A", 1, 1.0, 1.0], ["B", 1, 1.0, 1.0]]
    assert AlwaysOn().split(signals) == Split(("A", "B"), 1.0)


def test_without_a_ticker_all_is_cash():
    assert AlwaysOn().split(AlwaysOn().at(window_of({}, lookback=1))) == Split((), 0.0)
