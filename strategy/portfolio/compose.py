"""A tear sheet put together from the frames of a back-test."""

from collections.abc import Sequence

import pandas as pd

from strategy.errors import StrategyError
from strategy.portfolio.calendar_returns import monthly_table, rolling_figures
from strategy.portfolio.curves import AFTER_TAX, BENCHMARK, STRATEGY
from strategy.portfolio.drawdowns import drawdown_table
from strategy.portfolio.figures import OF_CURVES, curve_figures
from strategy.portfolio.financial_years import financial_years
from strategy.portfolio.sharpe import chance, track_record
from strategy.portfolio.tear_sheet import TearSheet
from strategy.portfolio.terms import Terms
from strategy.portfolio.trading import OF_TRADING, trading_figures
from strategy.portfolio.weights import weights
from strategy.rebalance import SESSIONS_A_YEAR

TAX = "tax"

FIGURES = {**OF_CURVES, **OF_TRADING, TAX: "aud"}
"""Every figure of a tear sheet in the order of reading, and its unit."""

SHORT = (
    "There is less than a year of sessions: figures a year are made from less and may mislead; "
    "those that would be made from less than a quarter are left out."
)


def tear_sheet(
    *,
    strategy: str,
    description: str,
    terms: Terms,
    daily: pd.DataFrame,
    positions: pd.DataFrame,
    fills: pd.DataFrame,
    after_tax: pd.Series,
    tax_years: pd.DataFrame,
    benchmark: tuple[str, pd.Series],
    trials: pd.Series,
    notes: Sequence[str] = (),
) -> TearSheet:
    """The tear sheet of one strategy. See ``TearSheet`` for what it holds.

    Args:
        strategy: its name in the catalog.
        description: what it does, in a line.
        terms: of the simulation; what cash earns is the return without risk.
        daily: ``DAILY_COLUMNS``, one row a session, ascending.
        positions: columns date, ticker (``CASH`` among them), value_aud, at each close.
        fills: column reason.
        after_tax: index date, AUD at each close after tax, on the sessions of ``daily``.
        tax_years: index financial year ("2021-22"), columns ``OF_TAX``.
        benchmark: its name in words; index date, AUD at each close, on the sessions of ``daily``.
        trials: index strategy, Sharpe ratio of a session of every strategy tried (see
            ``sharpe_ratios``). Its own is put in, whatever stands there.
        notes: what a reader must know. That the time is short is added by itself.

    Raises:
        StrategyError: a curve has no value on a session, or the tax is of other years.
    """
    curves = _curves(daily, after_tax, benchmark[1])
    record = track_record(curves[STRATEGY], terms.cash_rate)
    tried = pd.Series(trials.to_dict() | {strategy: record.sharpe}, dtype="float64")
    is_short = len(curves) <= SESSIONS_A_YEAR
    return TearSheet(
        strategy=strategy,
        description=description,
        first=curves.index[0],
        last=curves.index[-1],
        terms=terms,
        benchmark=benchmark[0],
        curves=curves,
        figures=_figures(curves, terms, daily, fills, tax_years),
        chance=chance(record, tried),
        drawdowns=drawdown_table(curves[STRATEGY]),
        monthly=monthly_table(curves[STRATEGY]),
        rolling=rolling_figures(curves[STRATEGY], terms.cash_rate),
        weights=weights(positions),
        years=financial_years(daily, tax_years),
        notes=(*notes, SHORT) if is_short else tuple(notes),
    )


def _curves(daily: pd.DataFrame, after_tax: pd.Series, benchmark: pd.Series) -> pd.DataFrame:
    """The three curves side by side."""
    equity = daily.set_index("date")["equity"]
    curves = pd.DataFrame(
        {
            STRATEGY: equity,
            AFTER_TAX: after_tax.reindex(equity.index),
            BENCHMARK: benchmark.reindex(equity.index),
        }
    )
    lacking = curves.isna().any(axis=1)
    if lacking.any():
        day = curves.index[lacking][0]
        names = ", ".join(curves.columns[curves.loc[day].isna()])
        raise StrategyError(f"no value of {names} on {day:%Y-%m-%d}: give every session one")
    return curves


def _figures(
    curves: pd.DataFrame,
    terms: Terms,
    daily: pd.DataFrame,
    fills: pd.DataFrame,
    tax_years: pd.DataFrame,
) -> pd.DataFrame:
    """All figures: what the account did under ``strategy``, the tax under ``after_tax``."""
    table = curve_figures(curves, terms.cash_rate).reindex(list(FIGURES))
    traded = trading_figures(daily, fills)
    table.loc[traded.index, STRATEGY] = traded
    table.loc[TAX, AFTER_TAX] = tax_years["tax"].sum()
    table.insert(0, "unit", pd.Series(FIGURES))
    return table.rename_axis("figure")
