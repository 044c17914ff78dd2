"""The benchmarks are no tests; that they still fit the code is."""

from benchmarks.signals import market, names, sessions_up_to_last
from benchmarks.simulation import frames, targets
from strategy.portfolio.market import market_of
from strategy.portfolio.simulation import LOOKBACK, Account, simulate
from strategy.portfolio.terms import Terms
from strategy.returns import COLUMNS


def test_the_benchmark_s_market_has_the_columns_of_daily_returns():
    frame = market(sessions_up_to_last(4), 3)
    assert frame.columns.tolist() == COLUMNS
    assert frame["ticker"].tolist() == names(3) * 4
    assert frame["date"].is_monotonic_increasing


def test_the_benchmark_s_accounts_trade():
    sessions = sessions_up_to_last(LOOKBACK + 30)
    market = market_of(*frames(sessions, 3), sessions)
    account = Account("0", targets(sessions, 3, 0), Terms())
    book = simulate(market, [account], sessions[LOOKBACK])["0"]
    assert set(book.fills["ticker"]) == set(names(3))
