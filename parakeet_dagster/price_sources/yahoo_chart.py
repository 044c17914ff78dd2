"""Yahoo's answer to a chart request: what it says, or why it says nothing. No network here."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from parakeet_dagster.price_sources.base import FailureClass

NO_ACTIONS = pd.DataFrame({"date": pd.Series(dtype="datetime64[us]")}).assign(
    dividend=pd.Series(dtype="float64"), split_ratio=pd.Series(dtype="float64")
)

_META = ("symbol", "currency", "instrumentType", "exchangeTimezoneName")
_QUOTE = ("open", "high", "low", "close", "volume")
_DOUBLE_COUNTED = 1 - 1e-6


class YahooError(Exception):
    """One request to Yahoo that gave no prices: why, and in one line what was seen.

    retry_after: seconds that Yahoo asked to wait, where it did.
    """

    def __init__(
        self, error_class: FailureClass, message: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message
        self.retry_after = retry_after


@dataclass(frozen=True)
class Chart:
    """What a chart answer says beside its bars.

    time_zone: the exchange's; first_trade: the exchange-local date of the first trade ever, None
    where Yahoo does not know; has_bars: whether there is at least one row; actions: columns as
    ``NO_ACTIONS``, date exchange-local ex-date, one row per event, amounts split-adjusted as Yahoo
    shows them; foreign_dividends: ex-dates of dividends that Yahoo states
    in another currency than the prices.
    """

    symbol: str
    currency: str
    time_zone: str
    first_trade: pd.Timestamp | None
    has_bars: bool
    actions: pd.DataFrame
    foreign_dividends: tuple[str, ...]


def read_chart(symbol: str, status: int, headers: Mapping[str, str | None], body: bytes) -> Chart:
    """The chart in an HTTP answer to a request for ``symbol``.

    Raises:
        YahooError: the answer is an error, is not about ``symbol``, or lacks a field.
    """
    if status == 429 or b"Too Many Requests" in body[:200]:
        raise YahooError(
            FailureClass.RATE_LIMIT,
            "Yahoo answered 429, too many requests",
            retry_after=_seconds(headers.get("Retry-After")),
        )
    answer = _json(body)
    _raise_stated_error(status, answer)
    if _no_access(status):
        raise YahooError(FailureClass.NETWORK, f"Yahoo answered {status}")
    if status != 200:
        raise YahooError(FailureClass.BAD_DATA, f"Yahoo answered {status}")
    if answer is None:
        raise YahooError(FailureClass.BAD_DATA, "Yahoo's answer is not JSON")
    try:
        result = answer["chart"]["result"][0]
        return _chart(symbol, result)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise YahooError(
            FailureClass.BAD_DATA, f"Yahoo's answer is malformed ({type(error).__name__}: {error})"
        ) from error


def _chart(symbol: str, result: dict[str, Any]) -> Chart:
    meta = result["meta"]
    missing = [name for name in _META if not meta.get(name)]
    if missing:
        raise YahooError(FailureClass.BAD_DATA, f"Yahoo's answer lacks {', '.join(missing)}")
    if meta["symbol"].upper() != symbol.upper():
        raise YahooError(FailureClass.BAD_DATA, f"Yahoo answered for {meta['symbol']}")
    rows = len(result.get("timestamp") or ())
    if rows:
        _check_arrays(result["indicators"], rows)
    time_zone = meta["exchangeTimezoneName"]
    first_trade = meta.get("firstTradeDate")
    events = result.get("events") or {}
    return Chart(
        symbol=symbol,
        currency=meta["currency"],
        time_zone=time_zone,
        first_trade=None if first_trade is None else _local_date(first_trade, time_zone),
        has_bars=rows > 0,
        actions=_actions(events, time_zone),
        foreign_dividends=tuple(
            f"{_local_date(event['date'], time_zone):%Y-%m-%d} {event['currency']}"
            for event in _events(events, "dividends")
            if event.get("currency") not in (None, "", meta["currency"])
        ),
    )


def _check_arrays(indicators: dict[str, Any], rows: int) -> None:
    """Without ``adjclose`` an answer is a degraded one, though the rest may look right."""
    quote = indicators["quote"][0]
    arrays = {name: quote.get(name) for name in _QUOTE}
    arrays["adjclose"] = (indicators.get("adjclose") or [{}])[0].get("adjclose")
    for name, values in arrays.items():
        if values is None:
            raise YahooError(FailureClass.BAD_DATA, f"Yahoo's answer lacks {name}")
        if len(values) != rows:
            raise YahooError(
                FailureClass.BAD_DATA,
                f"Yahoo's answer has {len(values)} values of {name} for {rows} days",
            )


def _actions(events: dict[str, Any], time_zone: str) -> pd.DataFrame:
    rows = [(event["date"], event["amount"], 1.0) for event in _cash(events, time_zone)]
    rows += [
        (event["date"], 0.0, event["numerator"] / event["denominator"])
        for event in _events(events, "splits")
    ]
    if not all(0 < ratio < math.inf and 0 <= amount < math.inf for _, amount, ratio in rows):
        raise ValueError("a split ratio or a dividend is not a positive number")
    if not rows:
        return NO_ACTIONS
    return pd.DataFrame(
        {
            "date": pd.Series(
                [_local_date(at, time_zone) for at, _, _ in rows], dtype="datetime64[us]"
            ),
            "dividend": pd.Series([amount for _, amount, _ in rows], dtype="float64"),
            "split_ratio": pd.Series([ratio for _, _, ratio in rows], dtype="float64"),
        }
    )


def _cash(events: dict[str, Any], time_zone: str) -> Iterator[dict[str, Any]]:
    """Dividends, and the capital gains of funds that are not in them already.

    A capital gain is cash paid out like a dividend. Yahoo lists it as an event of its own and
    nowadays counts it in the dividend of the same day as well (VWILX 2025-12-17: dividend 7.857,
    of which capital gain 6.42; yfinance issue 2666). A dividend smaller than the gain cannot
    contain it: then the gain is added, otherwise the dividend is taken to be the whole payment.
    yfinance, with ``repair=True``, decides by the day's price move; that would make an amount
    depend on the weather of the market.
    """
    paid: dict[pd.Timestamp, float] = {}
    for dividend in _events(events, "dividends"):
        day = _local_date(dividend["date"], time_zone)
        paid[day] = paid.get(day, 0.0) + dividend["amount"]
        yield dividend
    for gain in _events(events, "capitalGains"):
        if paid.get(_local_date(gain["date"], time_zone), 0.0) < gain["amount"] * _DOUBLE_COUNTED:
            yield gain


def _events(events: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return list((events.get(kind) or {}).values())


def _local_date(seconds: float, time_zone: str) -> pd.Timestamp:
    """The exchange's date of a moment given in seconds since 1970."""
    moment = pd.Timestamp(seconds, unit="s", tz=time_zone)
    return moment.tz_localize(None).normalize().as_unit("us")


def _raise_stated_error(status: int, answer: dict[str, Any] | None) -> None:
    """Yahoo's own error, which may come with any status, 200 included."""
    if answer is None:
        return
    body = answer.get("chart") or answer.get("finance") or answer
    error = body.get("error") or ("code" in body and body) if isinstance(body, dict) else None
    if not error:
        return
    text = str(error.get("description") or error.get("code"))
    code = str(error.get("code"))
    raise YahooError(_stated_class(status, code, text), f"Yahoo answered {status}: {text}")


def _stated_class(status: int, code: str, text: str) -> FailureClass:
    """Only Yahoo's own words make a ticker delisted: a failing server may say 404 to anything."""
    if _no_access(status) or code in ("Unauthorized", "internal-error"):
        return FailureClass.NETWORK
    if "No data found" in text:
        return FailureClass.DELISTED
    if "Data doesn't exist" in text:
        return FailureClass.NO_DATA
    return FailureClass.BAD_DATA


def _no_access(status: int) -> bool:
    """Whether the status tells of the way to Yahoo, not of the ticker."""
    return status >= 500 or status in (401, 403, 407, 408)


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.isdigit() else None
