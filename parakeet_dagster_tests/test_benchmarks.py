"""The benchmarks are no tests; that they still fit the code is."""

from benchmarks.signals import market, names, sessions_up_to_last
from strategy.returns import COLUMNS


def test_the_benchmark_s_market_has_the_columns_of_daily_returns():
    frame = market(sessions_up_to_last(4), 3)
    assert frame.columns.tolist() == COLUMNS
    assert frame["ticker"].tolist() == names(3) * 4
    assert frame["date"].is_monotonic_increasing
