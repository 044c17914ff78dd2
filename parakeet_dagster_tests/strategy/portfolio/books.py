"""Small frames of an account for the tests of tax."""

import numpy as np
import pandas as pd

from strategy.portfolio import FILL_COLUMNS, INCOME_COLUMNS


def days(dates):
    return pd.DatetimeIndex(dates).as_unit("us")


def fills(*rows):
    """From rows (date, ticker, quantity, price, aud_per_unit=1, fee=0, reason="order")."""
    full = [(*row, *(1.0, 0.0, "order")[len(row) - 4 :]) for row in rows]
    columns = zip(*full, strict=True) if full else ((),) * 7
    dates, tickers, quantities, prices, rates, fees, reasons = columns
    quantity, price, rate = (np.array(each, dtype=float) for each in (quantities, prices, rates))
    return pd.DataFrame(
        {
            "date": days(dates),
            "ticker": list(tickers),
            "quantity": quantity,
            "price": price,
            "aud_per_unit": rate,
            "fee_aud": np.array(fees, dtype=float),
            "slippage_aud": 0.0,
            "fx_cost_aud": 0.0,
            "cash_aud": -quantity * price * rate - np.array(fees, dtype=float),
            "reason": list(reasons),
        },
        columns=FILL_COLUMNS,
    )


def splits(*rows):
    dates, tickers, ratios = zip(*rows, strict=True) if rows else ((), (), ())
    return pd.DataFrame(
        {"date": days(dates), "ticker": list(tickers), "split_ratio": np.array(ratios, dtype=float)}
    )


def income(*rows):
    """From rows (date, gross, withheld)."""
    dates, gross, withheld = zip(*rows, strict=True) if rows else ((), (), ())
    return pd.DataFrame(
        {
            "date": days(dates),
            "ticker": "VTI",
            "gross_aud": np.array(gross, dtype=float),
            "withheld_aud": np.array(withheld, dtype=float),
            "fx_cost_aud": 0.0,
        },
        columns=INCOME_COLUMNS,
    )


def interest(*rows):
    """From rows (date, aud)."""
    dates, amounts = zip(*rows, strict=True) if rows else ((), ())
    return pd.Series(np.array(amounts, dtype=float), index=days(dates))


def parcels(*rows):
    """From rows (ticker, acquired, quantity, cost base)."""
    tickers, acquired, quantities, costs = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "ticker": list(tickers),
            "acquired": days(acquired),
            "quantity": np.array(quantities, dtype=float),
            "cost_base_aud": np.array(costs, dtype=float),
        }
    )
