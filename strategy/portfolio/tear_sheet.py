"""What is told of a strategy's back-test: the frames of its report."""

from dataclasses import dataclass

import pandas as pd

from strategy.portfolio.terms import Terms

UNITS = ("percent", "ratio", "aud", "sessions", "number")


@dataclass(frozen=True)
class TearSheet:
    """A back-test in figures. Returns and weights are parts of 1, money is in AUD.

    strategy: its name in the catalog.
    description: what it does, in a line.
    first: the first session: the first decision that had all the history it asks for.
    last: the last session.
    terms: what trading costs, and the capital at the start.
    benchmark: what it is compared with, in words.
    curves: index date; columns strategy, after_tax, benchmark: what the capital became at each
        close. After tax is NaN nowhere; the benchmark bears no costs and no tax.
    figures: index figure (in words, unique, in the order of reading); columns unit (of ``UNITS``),
        strategy, after_tax, benchmark (float64, NaN where a figure has no meaning).
    chance: index figure; columns unit, value: how likely it is that the Sharpe ratio is no luck.
    drawdowns: the deepest first: columns started (last session at the peak), lowest, recovered (NaT
        while it lasts), depth (negative), sessions (from the peak to the recovery or the end).
    monthly: index year; columns 1 to 12 and ``year``: returns, NaN where there is no session.
    rolling: index date; columns return, volatility, sharpe over the last year, annualised.
    weights: index date; columns the tickers held at any time, by greatest mean weight, and ``CASH``
        last: parts of the equity at the close.
    years: index financial year ("2021-22"); columns turnover, traded, fees, slippage, fx_costs,
        dividends, withheld, interest, net_capital_gain, losses_carried, tax.
    notes: what a reader must know, a sentence or two each: the sample and its bias, what the
        figures assume, that tax is an estimate and nothing is advice.
    """

    strategy: str
    description: str
    first: pd.Timestamp
    last: pd.Timestamp
    terms: Terms
    benchmark: str
    curves: pd.DataFrame
    figures: pd.DataFrame
    chance: pd.DataFrame
    drawdowns: pd.DataFrame
    monthly: pd.DataFrame
    rolling: pd.DataFrame
    weights: pd.DataFrame
    years: pd.DataFrame
    notes: tuple[str, ...]
