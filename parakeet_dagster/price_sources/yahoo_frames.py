"""From Yahoo's answers to frames: what counts, on which day, and as it traded. Nobody is asked."""

import logging
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from parakeet_dagster.price_sources.as_traded import PRICES, as_traded
from parakeet_dagster.price_sources.base import (
    STRAY_COLUMNS,
    FailureClass,
    PriceAnswer,
    TickerFailure,
    no_strays,
)
from parakeet_dagster.price_sources.market_calendar import (
    LONGEST_CLOSURE,
    TIME_ZONES,
    effective_dates,
    finished,
    session_closes,
)
from parakeet_dagster.price_sources.yahoo_answer import NO_BARS, Answer
from parakeet_dagster.price_sources.yahoo_chart import NO_ACTIONS

_NAMED_IN_A_WARNING = 5
_log = logging.getLogger(__name__)


def price_answer(
    answers: list[Answer], failures: list[TickerFailure], start: date, end: date
) -> PriceAnswer:
    """What the answers come to, from ``start`` on; see ``PriceAnswer``.

    A ticker without a finished bar in its answer is a ``NO_DATA`` failure, unless it has an action
    from ``start`` on: then the action is returned, and ``last_bar`` is NaT.
    """
    bars = _marked_bars(answers)
    sound = bars[bars["finished"]]
    rows = _as_traded(bars[bars["session"]], _effective_actions(answers))
    rows = rows[rows["date"] >= pd.Timestamp(start)].reset_index(drop=True)
    known = {*sound["ticker"].unique(), *rows["ticker"].unique()}
    empty = [
        TickerFailure(
            one.member.ticker, FailureClass.NO_DATA, f"Yahoo has no finished bar since {start}"
        )
        for one in answers
        if one.member.ticker not in known
    ]
    listing = _listing([one for one in answers if one.member.ticker in known], sound)
    return PriceAnswer(
        rows,
        listing,
        tuple(sorted([*failures, *empty], key=lambda failure: failure.ticker)),
        _strays(bars[bars["date"].between(pd.Timestamp(start), pd.Timestamp(end))]),
    )


def warn_of_foreign_dividends(answers: list[Answer]) -> None:
    """Say which dividends are stated in another currency than the prices."""
    for one in answers:
        if one.chart.foreign_dividends:
            _log.warning(
                "%s: dividends that Yahoo states in another currency are taken as they are: %s",
                one.member.ticker,
                ", ".join(one.chart.foreign_dividends[:_NAMED_IN_A_WARNING]),
            )


def _marked_bars(answers: list[Answer]) -> pd.DataFrame:
    """Every bar that Yahoo shows: columns ticker, ``NO_BARS``', session and finished (bool).

    session: its day is a session of the ticker's market; finished: and it had ended when asked.
    """
    rows = _stacked(answers, [one.bars for one in answers], NO_BARS).dropna(subset="close")
    marked = [rows.iloc[:0].assign(session=False, finished=False)]
    for market, bars in rows.groupby("market"):
        closes = session_closes(str(market), bars["date"].min(), bars["date"].max())
        marked.append(
            bars.assign(
                session=bars["date"].isin(closes.index),
                finished=finished(bars["date"], bars["asked_at"], closes),
            )
        )
    return pd.concat(marked)[["ticker", *NO_BARS.columns, "session", "finished"]].astype(
        {"session": bool, "finished": bool}
    )


def _as_traded(bars: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Bars of finished sessions, and actions, as they were on their day.

    An unfinished bar is no price, but it shows whether the vendor has re-based the past for a split
    of the same day.
    """
    restored = as_traded(bars[["ticker", *NO_BARS.columns]], actions)
    live = bars.loc[~bars["finished"], ["ticker", "date"]]
    is_live = pd.MultiIndex.from_frame(restored[["ticker", "date"]]).isin(
        pd.MultiIndex.from_frame(live)
    )
    restored.loc[is_live, PRICES] = np.nan
    restored.loc[is_live, "volume"] = 0
    acted = (restored["dividend"] != 0) | (restored["split_ratio"] != 1)
    return restored[~is_live | acted]


def _strays(bars: pd.DataFrame) -> pd.DataFrame:
    """The bars that cannot count, as ``PriceAnswer.strays``."""
    strays = bars[~bars["finished"]].sort_values(["ticker", "date"], ignore_index=True)
    if strays.empty:
        return no_strays()
    values = strays[[*PRICES, "volume"]]
    rows = [
        line
        for line in values.to_json(orient="records", lines=True, double_precision=15).splitlines()
        if line
    ]
    strays = strays.assign(row=rows, rule=np.where(strays["session"], "unfinished", "day"))
    return strays[list(STRAY_COLUMNS)].astype(no_strays().dtypes.to_dict())


def _effective_actions(answers: list[Answer]) -> pd.DataFrame:
    """Every action so far, on the session on which it counts: ticker and ``NO_ACTIONS``'.

    Events are announced ahead; prices are adjusted for those up to the exchange's today.
    """
    rows = _stacked(answers, [one.chart.actions for one in answers], NO_ACTIONS)
    rows = rows[rows["date"] <= rows["today"]]
    kept = [rows.iloc[:0]]
    if not rows.empty:
        first, last = rows["date"].min(), rows["date"].max() + LONGEST_CLOSURE
        sessions = {
            market: pd.DatetimeIndex(session_closes(market, first, last).index)
            for market in TIME_ZONES
        }
        any_market = pd.DatetimeIndex(pd.concat([one.to_series() for one in sessions.values()]))
        kept += [
            actions.assign(date=effective_dates(actions["date"], sessions[str(market)], any_market))
            for market, actions in rows.groupby("market")
        ]
    return pd.concat(kept)[["ticker", *NO_ACTIONS.columns]]


def _stacked(
    answers: list[Answer], frames: Sequence[pd.DataFrame], nothing: pd.DataFrame
) -> pd.DataFrame:
    """The frames of all tickers as one long frame.

    Args:
        answers: of the tickers.
        frames: one for each of them.
        nothing: what there is where all are empty.

    Returns:
        The columns of the frames, and of each row's answer ticker, market, asked_at (UTC) and today
        (datetime64[us]), the exchange's date when it was asked.
    """
    filled = [(one, frame) for one, frame in zip(answers, frames, strict=True) if len(frame)]
    rows = pd.concat([frame for _, frame in filled] or [nothing], ignore_index=True)
    about = pd.DataFrame(
        [(one.member.ticker, one.member.market, one.asked_at, _today(one)) for one, _ in filled],
        columns=["ticker", "market", "asked_at", "today"],
    )
    dtypes = {
        "ticker": "str",
        "market": "str",
        "asked_at": "datetime64[us, UTC]",
        "today": "datetime64[us]",
    }
    places = np.repeat(np.arange(len(filled)), [len(frame) for _, frame in filled])
    return rows.join(about.astype(dtypes).take(places).set_axis(rows.index))


def _today(answer: Answer) -> pd.Timestamp:
    return answer.asked_at.tz_convert(answer.chart.time_zone).tz_localize(None).normalize()


def _listing(answers: list[Answer], bars: pd.DataFrame) -> pd.DataFrame:
    """First and last bar of every ticker, as ``PriceAnswer.listing``."""
    tickers = pd.Index([one.member.ticker for one in answers], dtype="str", name="ticker")
    days = bars.groupby("ticker")["date"]
    first_trades = pd.Series([one.chart.first_trade for one in answers], tickers, "datetime64[us]")
    return pd.DataFrame(
        {
            "first_bar": first_trades.fillna(days.min().reindex(tickers)),
            "last_bar": days.max().reindex(tickers),
        },
        index=tickers,
        dtype="datetime64[us]",
    ).sort_index()
