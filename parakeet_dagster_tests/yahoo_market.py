"""What traded, and how Yahoo shows it at a given moment. No protocol here.

Yahoo adjusts for every split up to the day it is asked, shows float32, and tells days as moments of
opening in UTC. What it learns late, gets wrong for a while or has not delivered yet is said by a
``Listed`` too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import exchange_calendars
import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Market:
    time_zone: str
    currency: str
    opens: pd.Timedelta
    closes: pd.Timedelta


MARKETS = {
    "XNYS": Market("America/New_York", "USD", pd.Timedelta("9h30min"), pd.Timedelta("16h")),
    "XASX": Market("Australia/Sydney", "AUD", pd.Timedelta("10h"), pd.Timedelta("16h")),
    "FX": Market("Europe/London", "USD", pd.Timedelta(0), pd.Timedelta("24h")),
}


@dataclass(frozen=True)
class Mistake:
    """What Yahoo shows of a day before it is corrected.

    values: as traded, column to value; until: the exchange's date on which it is right.
    """

    values: Mapping[str, float]
    until: str


@dataclass(frozen=True)
class Listed:
    """One symbol as it traded.

    bars: index session (datetime64), columns open, high, low, close, volume; a NaN close makes a
    row of nulls. dividends: ex-date to the amount per share held before a split of that day.
    splits: ex-date to new shares per old.

    Each of the following maps a day to the exchange's date on which Yahoo gets it right.
    known_from: an ex-date whose dividend or split is neither shown nor in the prices before.
    rebased_from: of a split that is shown, but not in the prices before. shown_from: of a split
    that is in the prices, but not shown. delivered: a session to the moment (UTC) before which its
    bar is missing. mistakes: a session to what is shown of it for a while.
    """

    bars: pd.DataFrame
    market: str = "XNYS"
    dividends: Mapping[str, float] = field(default_factory=dict)
    splits: Mapping[str, float] = field(default_factory=dict)
    capital_gains: Mapping[str, float] = field(default_factory=dict)
    instrument_type: str = "EQUITY"
    currency: str | None = None
    first_trade: str | None = None
    known_from: Mapping[str, str] = field(default_factory=dict)
    rebased_from: Mapping[str, str] = field(default_factory=dict)
    shown_from: Mapping[str, str] = field(default_factory=dict)
    delivered: Mapping[str, datetime] = field(default_factory=dict)
    mistakes: Mapping[str, Mistake] = field(default_factory=dict)

    def shows(self, ex: str, today: pd.Timestamp) -> bool:
        """Whether an action with this ex-date is listed on ``today``."""
        return today >= max(
            pd.Timestamp(day)
            for day in (ex, self.known_from.get(ex, ex), self.shown_from.get(ex, ex))
        )

    def is_in_prices(self, ex: str, today: pd.Timestamp) -> bool:
        """Whether prices before a split with this ex-date are adjusted for it on ``today``."""
        return today >= max(
            pd.Timestamp(day)
            for day in (ex, self.known_from.get(ex, ex), self.rebased_from.get(ex, ex))
        )


def chart(symbol: str, listed: Listed, first: int, last: int, now: pd.Timestamp) -> dict[str, Any]:
    """Yahoo's chart of ``symbol`` for [first, last) in seconds since 1970, asked at ``now``."""
    market = MARKETS[listed.market]
    today = now.tz_convert(market.time_zone).tz_localize(None).normalize()
    bars = _rebased(_delivered(listed, today, now), today)
    opens = _moments(pd.DatetimeIndex(bars.index), market)
    live = bars.index == today
    moments = np.where(live, min(now, _close(today, market)).timestamp(), opens)
    shown = (opens >= first) & (opens < last) & (opens <= now.timestamp())
    bars, moments = bars[shown], moments[shown]
    result: dict[str, Any] = {
        "meta": _meta(symbol, listed, market, now),
        "indicators": {"quote": [{}], "adjclose": [{}]},
    }
    if len(bars):
        result["timestamp"] = [int(moment) for moment in moments]
        result["indicators"] = {
            "quote": [{name: _nullable(bars[name]) for name in bars.columns}],
            "adjclose": [{"adjclose": _nullable(bars["close"])}],
        }
    events = _events(listed, market, today, first, last)
    if events:
        result["events"] = events
    return {"chart": {"result": [result], "error": None}}


def _delivered(listed: Listed, today: pd.Timestamp, now: pd.Timestamp) -> Listed:
    """Without the bars that have not come yet, and with the mistakes that stand."""
    late = [pd.Timestamp(day) for day, moment in listed.delivered.items() if now < moment]
    bars = listed.bars.drop(index=late, errors="ignore").astype("float64")
    for day, mistake in listed.mistakes.items():
        if today < pd.Timestamp(mistake.until) and pd.Timestamp(day) in bars.index:
            bars.loc[pd.Timestamp(day), list(mistake.values)] = list(mistake.values.values())
    return replace(listed, bars=bars)


def _rebased(listed: Listed, today: pd.Timestamp) -> pd.DataFrame:
    """The bars as Yahoo shows them on ``today``: adjusted for every split up to then."""
    bars = listed.bars.astype("float64")
    factor = _later_splits(listed, pd.DatetimeIndex(bars.index), today)
    shown = bars.div(factor, axis=0).astype("float32").astype("float64")
    return shown.assign(volume=np.rint(bars["volume"] * factor)).mask(bars["close"].isna())


def _later_splits(listed: Listed, days: pd.DatetimeIndex, today: pd.Timestamp) -> np.ndarray:
    """The product of the split ratios with day < ex-date that are in the prices on ``today``."""
    factor = np.ones(len(days))
    for ex, ratio in listed.splits.items():
        if listed.is_in_prices(ex, today):
            factor[days < pd.Timestamp(ex)] *= ratio
    return factor


def _events(
    listed: Listed, market: Market, today: pd.Timestamp, first: int, last: int
) -> dict[str, Any]:
    def inside(dated: Mapping[str, float]) -> Iterator[tuple[pd.DatetimeIndex, int, float]]:
        for ex, value in dated.items():
            day = pd.DatetimeIndex([ex])
            moment = int(_moments(day, market)[0])
            if listed.shows(ex, today) and first <= moment < last:
                yield day, moment, value

    def paid(dated: Mapping[str, float]) -> dict[str, Any]:
        return {
            str(moment): {
                "amount": _amount(value / _later_splits(listed, day, today)[0]),
                "date": moment,
            }
            for day, moment, value in inside(dated)
        }

    events = {
        "dividends": paid(listed.dividends),
        "capitalGains": paid(listed.capital_gains),
        "splits": {
            str(moment): {
                "date": moment,
                "numerator": ratio if ratio >= 1 else 1.0,
                "denominator": 1.0 if ratio >= 1 else round(1 / ratio, 6),
                "splitRatio": f"{ratio:g}:1" if ratio >= 1 else f"1:{1 / ratio:g}",
            }
            for _, moment, ratio in inside(listed.splits)
        },
    }
    return {kind: found for kind, found in events.items() if found}


def _amount(value: float) -> float:
    return round(float(np.float32(value)), 6)


def _meta(symbol: str, listed: Listed, market: Market, now: pd.Timestamp) -> dict[str, Any]:
    local = now.tz_convert(market.time_zone)
    first = pd.Timestamp(listed.first_trade) if listed.first_trade else listed.bars.index[0]
    return {
        "currency": listed.currency or market.currency,
        "symbol": symbol,
        "exchangeName": {"XASX": "ASX", "FX": "CCY"}.get(listed.market, "NMS"),
        "instrumentType": listed.instrument_type,
        "firstTradeDate": int(_moments(pd.DatetimeIndex([first]), market)[0]),
        "regularMarketTime": int(now.timestamp()),
        "hasPrePostMarketData": listed.market == "XNYS",
        "gmtoffset": int(local.strftime("%z")) // 100 * 3600,
        "timezone": local.tzname(),
        "exchangeTimezoneName": market.time_zone,
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    }


def _moments(days: pd.DatetimeIndex, market: Market) -> np.ndarray:
    """Opening times of ``days``, in seconds since 1970."""
    opens = (days + market.opens).tz_localize(market.time_zone)
    return opens.as_unit("s").asi8


def _close(day: pd.Timestamp, market: Market) -> pd.Timestamp:
    return (day + market.closes).tz_localize(market.time_zone).tz_convert("UTC")


def _nullable(values: "pd.Series[float]") -> list[float | int | None]:
    whole = values.name == "volume"
    return [
        None if np.isnan(value) else int(value) if whole else value for value in values.tolist()
    ]


# Companies and currencies to be listed on the server.


def sessions_of(market: str, first: str, last: str) -> pd.DatetimeIndex:
    calendar = exchange_calendars.get_calendar(market, start=first, end=last)
    return pd.DatetimeIndex(calendar.sessions)


def invented_bars(sessions: pd.DatetimeIndex, *, first_close: float, volume: int) -> pd.DataFrame:
    """Bars in whole cents along a calm wave: the same for the same arguments."""
    step = np.arange(len(sessions))
    close = np.round(first_close * (1 + 0.05 * np.sin(step / 7) + 0.0004 * step), 2)
    spread = np.round(close * 0.01, 2)
    return pd.DataFrame(
        {
            "open": np.round(close - spread / 2, 2),
            "high": np.round(close + spread, 2),
            "low": np.round(close - spread, 2),
            "close": close,
            "volume": (volume + 1000 * (step % 13)).astype("int64"),
        },
        index=sessions,
    )


def apple_in_2020() -> Listed:
    """AAPL from June to October 2020: dividend on 08-07, four new shares for one on 08-31.

    The closes of 08-06, 08-07, 08-28 and 08-31 and the volume of 08-28 are real, the rest is not.
    """
    sessions = sessions_of("XNYS", "2020-06-01", "2020-10-30")
    bars = invented_bars(sessions, first_close=450.0, volume=40_000_000)
    prices = ["open", "high", "low", "close"]
    after_split = bars.index >= "2020-08-31"
    bars.loc[after_split, prices] = (bars.loc[after_split, prices] / 4).round(2)
    for day, close in {
        "2020-08-06": 455.61,
        "2020-08-07": 444.45,
        "2020-08-28": 499.23,
        "2020-08-31": 129.04,
    }.items():
        bars.loc[day, prices] = close
    bars.loc["2020-08-28", "volume"] = 46_907_500
    return Listed(
        bars,
        dividends={"2020-08-07": 0.82},
        splits={"2020-08-31": 4.0},
        first_trade="1980-12-12",
    )


def halted_with_a_split() -> Listed:
    """A share that does not trade for 40 sessions, in which ten old shares become one."""
    sessions = sessions_of("XNYS", "2020-06-01", "2020-10-30")
    halted = sessions[20:60]
    bars = invented_bars(sessions, first_close=0.85, volume=1_000_000)
    prices = ["open", "high", "low", "close"]
    resumed = bars.index > halted[-1]
    bars.loc[resumed, prices] = (bars.loc[resumed, prices] * 10).round(2)
    return Listed(bars.drop(halted), splits={f"{halted[15]:%Y-%m-%d}": 0.1})


def an_australian_share() -> Listed:
    """BHP.AX-like, in AUD, over a change of Sydney's daylight saving time."""
    sessions = sessions_of("XASX", "2020-06-01", "2020-10-30")
    bars = invented_bars(sessions, first_close=37.5, volume=6_000_000)
    return Listed(bars, market="XASX", dividends={"2020-09-03": 0.754875})


def currency_pair(closes: "pd.Series[float]") -> Listed:
    """A pair like AUDUSD=X. closes: index London days (datetime64), USD per 1 AUD."""
    prices = dict.fromkeys(["open", "high", "low", "close"], closes)
    return Listed(pd.DataFrame(prices).assign(volume=0), market="FX", instrument_type="CURRENCY")
