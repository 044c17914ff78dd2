"""A tear sheet made of seeded random returns, with everything that a page has to show."""

import numpy as np
import pandas as pd

from strategy.portfolio.calendar_returns import monthly_table, rolling_figures
from strategy.portfolio.compose import FIGURES
from strategy.portfolio.drawdowns import drawdown_table
from strategy.portfolio.sharpe import CHANCE
from strategy.portfolio.tear_sheet import TearSheet
from strategy.portfolio.terms import Terms
from strategy.universes.members import CASH

SURVIVORSHIP = (
    "The tickers are members of today: those that failed and vanished are missing, so the"
    " returns of the past are flattered (survivorship bias)."
)
CASH_RATE = 0.02
NOTES = (
    SURVIVORSHIP,
    "Prices are closes as published; the sample starts in a calm year.",
    "Orders are filled at the next close; the market never moves because of them.",
    "Tax is an estimate for a resident individual and no advice.",
)
TICKERS = (
    *("VAS.AX", "SPY", "BRK-B", "BHP.AX", "CBA.AX", "AAPL", "MSFT", "CSL.AX", "XOM", "JNJ"),
    *("WES.AX", "GLD"),
)


def sheet(
    sessions: int = 2520,
    tickers: tuple[str, ...] = TICKERS,
    *,
    first: str = "2014-01-02",
    seed: int = 5,
    benchmark: bool = True,
    capital: float = 100_000.0,
) -> TearSheet:
    """A strategy that loses half as much as its market in a crash and earns about as much."""
    random = np.random.default_rng(seed)
    dates = pd.bdate_range(first, periods=sessions).astype("datetime64[us]")
    curves = _curves(random, dates, capital)
    if not benchmark:
        curves["benchmark"] = np.nan
    if not tickers:
        curves["strategy"] = curves["after_tax"] = capital * 1.00008 ** np.arange(sessions)
    figures = _figures(curves)
    if not benchmark:
        figures["benchmark"] = np.nan
    return TearSheet(
        strategy="dual_momentum",
        description="The strongest third of the members by twelve months of return, in cash while"
        " none beats it; inverse volatility, monthly.",
        first=dates[0],
        last=dates[-1],
        terms=Terms(capital=capital),
        benchmark="VGS.AX (total return in AUD)",
        curves=curves,
        figures=figures,
        chance=_chance(figures, sessions),
        drawdowns=drawdown_table(curves["strategy"]),
        monthly=monthly_table(curves["strategy"]),
        rolling=rolling_figures(curves["strategy"], CASH_RATE),
        weights=_weights(random, dates, tickers),
        years=_years(random, dates),
        notes=NOTES,
    )


def _curves(random, dates, capital):
    """Volatility that clusters, two crashes, and a tax that is paid once a year."""
    count = len(dates)
    noise = random.standard_t(5, count) / 1.29
    wave = 0.006 + 0.003 * np.sin(np.arange(count) / 260) ** 2
    market = 0.00024 + wave * noise
    for start, length, loss in ((int(count * 0.22), 45, 0.16), (int(count * 0.61), 24, 0.34)):
        market[start : start + length] += np.log1p(-loss) / length
        market[start + length : start + 4 * length] -= np.log1p(-loss) / length / 4
    own = 0.00008 + 0.72 * market + 0.0034 * random.standard_normal(count)
    market[0] = own[0] = 0.0
    strategy = capital * np.cumprod(1 + own)
    taxed = np.where(dates.is_quarter_end & (dates.month == 6), 0.013, 0.0)
    return pd.DataFrame(
        {
            "strategy": strategy,
            "after_tax": strategy * np.cumprod(1 - taxed),
            "benchmark": capital * np.cumprod(1 + market),
        },
        index=pd.DatetimeIndex(dates, name="date"),
    )


def _figures(curves):
    returns = curves.pct_change().iloc[1:]
    years = len(returns) / 252
    depth = curves / curves.cummax() - 1
    months = curves.resample("ME").last().pct_change().dropna(how="all")
    risk = returns.std() * 252**0.5
    cagr = (curves.iloc[-1] / curves.iloc[0]) ** (1 / max(years, 1e-9)) - 1
    told = {
        "final value": curves.iloc[-1],
        "total return": curves.iloc[-1] / curves.iloc[0] - 1,
        "CAGR": cagr,
        "volatility": risk,
        "Sharpe ratio": (cagr - CASH_RATE) / risk.where(risk > 1e-6),
        "Sortino ratio": (cagr - CASH_RATE) / risk.where(risk > 1e-6) * 1.4,
        "Calmar ratio": cagr / -depth.min().where(depth.min() < 0),
        "maximum drawdown": depth.min(),
        "longest drawdown": (depth < 0).sum() / 3 // 1,
        "mean drawdown": depth.mean(),
        "ulcer index": (depth**2).mean() ** 0.5,
        "best month": months.max(),
        "worst month": months.min(),
        "months above 0": (months > 0).mean(),
        "sessions above 0": (returns > 0).mean(),
        "expected shortfall of a session (95 %)": returns.quantile(0.03),
        "skewness": returns.skew(),
        "excess kurtosis": returns.kurt(),
        "beta": pd.Series({"strategy": 0.713, "after_tax": 0.711}),
        "correlation": pd.Series({"strategy": 0.884, "after_tax": 0.879}),
        "tracking error": pd.Series({"strategy": 0.0721, "after_tax": 0.0745}),
        "information ratio": pd.Series({"strategy": -0.083, "after_tax": -0.192}),
        "turnover a year": pd.Series({"strategy": 2.413}),
        "trades a year": pd.Series({"strategy": 74.6}),
        "costs a year": pd.Series({"strategy": 0.00912}),
        "dividend yield": pd.Series({"strategy": 0.0274}),
        "tax": pd.Series({"after_tax": 23_456.0}),
    }
    table = pd.DataFrame(told).T.reindex(columns=["strategy", "after_tax", "benchmark"])
    table.insert(0, "unit", pd.Series(FIGURES))
    return table.rename_axis("figure")


def _chance(figures, sessions):
    sharpe = figures.loc["Sharpe ratio", "strategy"] / 252**0.5
    values = [sharpe, sessions - 1, -0.412, 8.031, 0.9723, 1873.2, 24.0, 0.3912, 0.7131]
    told = dict(zip(CHANCE, values, strict=True))
    return pd.DataFrame({"unit": CHANCE, "value": told}).rename_axis("figure")


def _weights(random, dates, tickers):
    """Monthly targets that change slowly, and cash in the crashes."""
    if not tickers:
        return pd.DataFrame({CASH: 1.0}, index=dates)
    taste = random.normal(np.linspace(1, -1, len(tickers)), 0.4)
    steps = random.normal(0, 0.25, (len(dates), len(tickers))).cumsum(axis=0) * 0.25
    monthly = pd.DataFrame(np.exp(taste + steps), index=dates, columns=list(tickers))
    monthly = monthly.where(monthly.rank(axis=1, pct=True) > 0.35, 0.0)
    monthly = monthly.resample("MS").transform("first")
    cash = np.clip(0.03 + 0.6 * np.sin(np.arange(len(dates)) / 190) ** 9, 0.01, 0.9)
    cash = pd.Series(cash, index=dates).resample("MS").transform("first")
    shares = monthly.div(monthly.sum(axis=1), axis=0).mul(1 - cash, axis=0)
    order = shares.mean().sort_values(ascending=False).index
    return shares[order].assign(**{CASH: cash})


def _years(random, dates):
    ends = np.unique(dates.year + (dates.month >= 7))
    names = [f"{end - 1}-{end % 100:02}" for end in ends]
    count = len(ends)
    return pd.DataFrame(
        {
            "turnover": random.uniform(1.5, 3.2, count),
            "traded": random.uniform(300_000, 900_000, count),
            "fees": random.uniform(150, 300, count),
            "slippage": random.uniform(200, 500, count),
            "fx_costs": random.uniform(400, 2500, count),
            "dividends": random.uniform(2000, 5500, count),
            "withheld": random.uniform(100, 500, count),
            "interest": random.uniform(50, 600, count),
            "net_capital_gain": np.maximum(random.normal(5000, 8000, count), 0.0),
            "losses_carried": np.maximum(random.normal(-500, 4000, count), 0.0),
            "tax": random.uniform(100, 6000, count),
        },
        index=pd.Index(names, name="financial year"),
    )
