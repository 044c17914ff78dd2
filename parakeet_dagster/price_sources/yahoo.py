"""Daily bars from Yahoo Finance, through yfinance, as they traded."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources import yahoo_client
from parakeet_dagster.price_sources.as_traded import PRICES, as_traded
from parakeet_dagster.price_sources.base import FailureClass, PriceAnswer, TickerFailure
from parakeet_dagster.price_sources.market_calendar import (
    LONGEST_CLOSURE,
    TIME_ZONES,
    effective_dates,
    finished,
    session_closes,
    session_on_or_before,
)
from parakeet_dagster.price_sources.yahoo_chart import Chart, YahooError
from parakeet_dagster.price_sources.yahoo_session import Pace, Patience, YahooSession
from parakeet_dagster.retries import retry

RETRIES = {
    FailureClass.DELISTED: 0,
    FailureClass.NO_DATA: 0,
    FailureClass.BAD_DATA: 2,
    FailureClass.TIMEOUT: 3,
    FailureClass.NETWORK: 4,
    FailureClass.RATE_LIMIT: 4,
}
"""How often a ticker is asked for again, by what was wrong the last time."""

_NO_BARS = pd.DataFrame({"date": pd.Series(dtype="datetime64[us]")}).assign(
    **{name: pd.Series(dtype="float64") for name in [*PRICES, "volume"]}
)
_NO_ACTIONS = pd.DataFrame({"date": pd.Series(dtype="datetime64[us]")}).assign(
    dividend=pd.Series(dtype="float64"), split_ratio=pd.Series(dtype="float64")
)
_NAMED_IN_A_WARNING = 5
_log = logging.getLogger(__name__)
_one_batch_at_a_time = threading.Lock()


@dataclass(frozen=True)
class _Member:
    ticker: str
    market: str
    currency: str


@dataclass(frozen=True)
class _Answer:
    """What Yahoo said of one ticker. bars: columns as ``_NO_BARS``, as Yahoo shows them."""

    member: _Member
    asked_at: pd.Timestamp
    chart: Chart
    bars: pd.DataFrame


class YahooSource:
    """Yahoo Finance as a price source.

    Every ticker is asked for once, from the first wanted session through its exchange's today,
    whatever ``end`` is: then every split that Yahoo's prices are already adjusted for is in the
    answer, and the prices of the day can be restored from it (see ``as_traded``).

    * Where a market is closed on ``start``, its tickers are asked for from its session before, so
      that a holiday is no failure.
    * A bar counts once its session has closed by the exchange's calendar, and 20 minutes more.
    * A bar on a day that is no session of its market is dropped, with a warning. An action keeps
      its own date where that is a session of either market, and otherwise moves to the next
      session of its own.
    * A ticker without a finished bar in the answer is a ``NO_DATA`` failure, unless it has an
      action in the range: then the action is returned, and ``last_bar`` is NaT.

    yfinance keeps its session, cookie and caches once for a process, so batches run one after the
    other, and the ``cache_dir`` of the first source that fetches is the one that counts.

    Args:
        cache_dir: where yfinance may keep its cookie and time zones, in a folder of its own.
        requests_per_second: to Yahoo, over all threads.
        threads: tickers under way at a time.
        now: the current time, with a zone.
        patience: how long to wait for what.
    """

    name: str = "yahoo"
    last_session: date | None = None

    def __init__(
        self,
        cache_dir: Path,
        requests_per_second: float,
        threads: int = 8,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: Patience | None = None,
    ) -> None:
        self._cache_dir = cache_dir / "yfinance"
        self._threads = threads
        self._now = now
        self._patience = patience or Patience()
        self._pace = Pace(requests_per_second, self._patience)
        self._session: YahooSession | None = None

    def fetch(self, members: pd.DataFrame, start: date, end: date) -> PriceAnswer:
        """Bars and actions of ``members`` (columns ticker, market, currency) in [start, end].

        Raises:
            PriceSourceError: a member's market is not known.
        """
        listed = members[["ticker", "market", "currency"]].drop_duplicates("ticker")
        wanted = [_Member(*row) for row in listed.itertuples(index=False, name=None)]
        _check_markets(wanted)
        with _one_batch_at_a_time:
            outcomes = self._ask_all(wanted, start) if wanted else []
        answers = [outcome for outcome in outcomes if isinstance(outcome, _Answer)]
        failures = [outcome for outcome in outcomes if isinstance(outcome, TickerFailure)]
        return _price_answer(answers, failures, start, end)

    def _ask_all(self, wanted: list[_Member], start: date) -> list[_Answer | TickerFailure]:
        if self._session is None:
            self._session = YahooSession(self._pace, self._patience)
        session = self._session
        yahoo_client.install(session, self._cache_dir)
        yahoo_client.seed_time_zones((one.ticker, TIME_ZONES[one.market]) for one in wanted)
        yahoo_client.forget_answers()
        self._pace.served()
        first = {market: session_on_or_before(market, start) for market in TIME_ZONES}
        try:
            with ThreadPoolExecutor(self._threads, thread_name_prefix="yahoo") as pool:
                return list(
                    pool.map(lambda one: self._try(session, one, first[one.market]), wanted)
                )
        finally:
            yahoo_client.forget_answers()

    def _try(self, session: YahooSession, member: _Member, first: date) -> _Answer | TickerFailure:
        """Ask until there is an answer, or the retries for this kind of failure are used up."""
        failed: Counter[FailureClass] = Counter()

        def worth_a_retry(error: Exception) -> bool | float:
            if not isinstance(error, YahooError):
                return False
            failed[error.error_class] += 1
            if failed[error.error_class] > RETRIES[error.error_class]:
                return False
            yahoo_client.forget_answers()
            # after a refusal the pace lets everybody wait
            return 0.0 if error.error_class is FailureClass.RATE_LIMIT else True

        ask_patiently = retry(
            on=worth_a_retry,
            attempts=None,
            timeout=None,
            wait_initial=self._patience.wait_initial,
            wait_max=self._patience.wait_max,
            wait_jitter=self._patience.wait_jitter,
        )(self._ask)
        try:
            return ask_patiently(session, member, first)
        except YahooError as error:
            return TickerFailure(member.ticker, error.error_class, error.message)

    def _ask(self, session: YahooSession, member: _Member, first: date) -> _Answer:
        """Ask Yahoo once.

        Raises:
            YahooError: there is no answer.
        """
        asked_at = pd.Timestamp(self._now()).tz_convert("UTC")
        today = _local_date(asked_at, member.market)
        session.begin()
        try:
            bars = yahoo_client.history(
                member.ticker, session, min(first, today), today, self._patience.timeout
            )
        except YahooError as error:
            chart = session.chart()
            if chart is None or error.error_class is not FailureClass.NO_DATA:
                raise
            bars = _NO_BARS
        else:
            chart = session.chart()
        if chart is None:
            raise YahooError(FailureClass.BAD_DATA, "yfinance answered without asking Yahoo")
        if _local_date(pd.Timestamp(self._now()), member.market) != today:
            # prices may be adjusted for a split of the new day, which was not asked for
            raise YahooError(FailureClass.NETWORK, "the exchange's day ended while Yahoo was asked")
        _check_currencies(member, chart)
        return _Answer(member, asked_at, chart, bars)


def _local_date(moment: pd.Timestamp, market: str) -> date:
    return moment.tz_convert(TIME_ZONES[market]).date()


def _check_markets(wanted: list[_Member]) -> None:
    for member in wanted:
        if member.market not in TIME_ZONES:
            raise PriceSourceError(
                f"{member.ticker}: the market {member.market!r} is not known to the Yahoo source; "
                f"use one of {', '.join(TIME_ZONES)}"
            )


def _check_currencies(member: _Member, chart: Chart) -> None:
    if chart.currency != member.currency:
        raise YahooError(
            FailureClass.BAD_DATA,
            f"Yahoo's prices are in {chart.currency}, the universe says {member.currency}",
        )
    if chart.foreign_dividends:
        _log.warning(
            "%s: dividends that Yahoo states in another currency are taken as they are: %s",
            member.ticker,
            ", ".join(chart.foreign_dividends[:_NAMED_IN_A_WARNING]),
        )


def _price_answer(
    answers: list[_Answer], failures: list[TickerFailure], start: date, end: date
) -> PriceAnswer:
    bars = _finished_bars(answers)
    restored = as_traded(bars, _effective_actions(answers))
    inside = restored["date"].between(pd.Timestamp(start), pd.Timestamp(end))
    rows = restored[inside].reset_index(drop=True)
    known = {*bars["ticker"].unique(), *rows["ticker"].unique()}
    empty = [
        TickerFailure(
            one.member.ticker, FailureClass.NO_DATA, f"Yahoo has no finished bar since {start}"
        )
        for one in answers
        if one.member.ticker not in known
    ]
    listing = _listing([one for one in answers if one.member.ticker in known], bars)
    return PriceAnswer(
        rows, listing, tuple(sorted([*failures, *empty], key=lambda failure: failure.ticker))
    )


def _finished_bars(answers: list[_Answer]) -> pd.DataFrame:
    """The bars of closed sessions: columns ticker and ``_NO_BARS``'."""
    rows = _stacked(answers, _NO_BARS, lambda one: one.bars.assign(asked_at=one.asked_at))
    rows = rows.dropna(subset="close")
    kept = [rows.iloc[:0]]
    for market, bars in rows.groupby("market"):
        closes = session_closes(str(market), bars["date"].min(), bars["date"].max())
        _warn_of_strays(str(market), bars[~bars["date"].isin(closes.index)])
        kept.append(bars[finished(bars["date"], bars["asked_at"], closes)])
    return pd.concat(kept)[["ticker", *_NO_BARS.columns]]


def _warn_of_strays(market: str, strays: pd.DataFrame) -> None:
    if strays.empty:
        return
    named = strays.head(_NAMED_IN_A_WARNING)
    _log.warning(
        "%d bars dropped on days that are no session of %s: %s",
        len(strays),
        market,
        ", ".join(named["ticker"] + " " + named["date"].dt.strftime("%Y-%m-%d")),
    )


def _effective_actions(answers: list[_Answer]) -> pd.DataFrame:
    """Every action so far, on the session on which it counts: ticker and ``_NO_ACTIONS``'."""
    rows = _stacked(answers, _NO_ACTIONS, _actions_so_far)
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
    return pd.concat(kept)[["ticker", *_NO_ACTIONS.columns]]


def _actions_so_far(answer: _Answer) -> pd.DataFrame:
    """Events are announced ahead; prices are adjusted for those up to the exchange's today."""
    today = answer.asked_at.tz_convert(answer.chart.time_zone).tz_localize(None).normalize()
    actions = answer.chart.actions
    return actions[actions["date"] <= today]


def _stacked(
    answers: list[_Answer], nothing: pd.DataFrame, frame_of: Callable[[_Answer], pd.DataFrame]
) -> pd.DataFrame:
    """The frames of all tickers as one long frame, with columns ticker and market."""
    frames = [
        frame_of(one).assign(ticker=one.member.ticker, market=one.member.market) for one in answers
    ]
    named = nothing.assign(ticker=pd.Series(dtype="str"), market=pd.Series(dtype="str"))
    return pd.concat([frame for frame in frames if not frame.empty] or [named], ignore_index=True)


def _listing(answers: list[_Answer], bars: pd.DataFrame) -> pd.DataFrame:
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
