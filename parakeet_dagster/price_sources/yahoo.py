"""Daily bars from Yahoo Finance, through yfinance, as they traded. This module asks."""

import math
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pandas as pd

from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources import yahoo_client
from parakeet_dagster.price_sources.base import (
    FailureClass,
    OnAnswer,
    PriceAnswer,
    TickerFailure,
)
from parakeet_dagster.price_sources.kept_answers import Batch, KeptAnswers
from parakeet_dagster.price_sources.market_calendar import (
    SETTLING_TIME,
    TIME_ZONES,
    session_closes,
    session_on_or_before,
)
from parakeet_dagster.price_sources.yahoo_answer import NO_BARS, Answer, Member, Question
from parakeet_dagster.price_sources.yahoo_chart import Chart, YahooError
from parakeet_dagster.price_sources.yahoo_frames import price_answer, warn_of_foreign_dividends
from parakeet_dagster.price_sources.yahoo_pace import NotAskedError, Pace, Patience
from parakeet_dagster.price_sources.yahoo_session import YahooSession
from parakeet_dagster.retries import retry

RETRIES = {
    FailureClass.DELISTED: 0,
    FailureClass.NO_DATA: 0,
    FailureClass.BAD_DATA: 2,
    FailureClass.TIMEOUT: 3,
    FailureClass.NETWORK: 4,
    FailureClass.RATE_LIMIT: 8,
}
"""How often a ticker is asked for again, by what was wrong the last time."""

THREADS = 16
"""Tickers under way at most. yfinance takes some milliseconds of the processor for each, and no two
at once, so that more would wait for it."""
SLOW_ANSWER = 2.0
"""Seconds in which Yahoo answers."""

PAIR_MARKET, PAIR_TIME_ZONE = "FX", "Europe/London"
"""Where Yahoo's currency pairs trade: their day is London's, from midnight to midnight."""

_one_batch_at_a_time = threading.Lock()


class YahooSource:
    """Yahoo Finance as a price source.

    Every ticker is asked for once, from the first wanted session through its exchange's today,
    whatever ``end`` is: then every split that Yahoo's prices are already adjusted for is in the
    answer, and the prices of the day can be restored from it (see ``as_traded``).

    * Where a market is closed on ``start``, its tickers are asked for from its session before, so
      that a holiday is no failure.
    * A bar counts once its session has closed by the exchange's calendar, and 20 minutes more. Of
      those that do not, and of bars on a day that is no session, the ones inside the range are
      returned as ``strays``.
    * An action keeps its own date where that is a session of either market, and otherwise moves to
      the next session of its own.
    * With a ``batch``, answers are kept for a day (see ``KeptAnswers``): chunks of a back-fill and
      its second start ask only for what is not there.

    yfinance keeps its session, cookie and caches once for a process, so batches run one after the
    other, and the ``cache_dir`` of the first source that fetches is the one that counts.

    Args:
        cache_dir: where yfinance may keep its cookie and time zones, and we the answers, each in a
            folder of its own.
        requests_per_second: to Yahoo, over all threads.
        threads: tickers under way at a time; fewer where the pace keeps fewer busy, since each
            holds a connection to Yahoo.
        now: the current time, with a zone.
        patience: how long to wait for what.
    """

    name: str = "yahoo"
    last_session: date | None = None
    on_answer: OnAnswer | None = None

    def __init__(
        self,
        cache_dir: Path,
        requests_per_second: float,
        threads: int = THREADS,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: Patience | None = None,
    ) -> None:
        self._cache_dir = cache_dir / "yfinance"
        self._kept = KeptAnswers(cache_dir / "answers")
        self._threads = math.ceil(min(threads, requests_per_second * SLOW_ANSWER))
        self._now = now
        self._patience = patience or Patience()
        self._pace = Pace(requests_per_second, self._patience)
        self._session: YahooSession | None = None

    def fetch(
        self, members: pd.DataFrame, start: date, end: date, batch: str | None = None
    ) -> PriceAnswer:
        """Bars and actions of ``members`` (columns ticker, market, currency) from ``start`` on.

        Raises:
            PriceSourceError: a member's market is not known.
        """
        outcomes = self._outcomes(_questions(members, start, end), batch)
        answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
        failures = [outcome for outcome in outcomes if isinstance(outcome, TickerFailure)]
        warn_of_foreign_dividends(answers)
        return price_answer(answers, failures, start, end)

    def exchange_rates(
        self, pair: str, start: date, end: date, batch: str | None = None
    ) -> pd.DataFrame | TickerFailure:
        """See ``PriceSource.exchange_rates``: days are London's, and finished at its midnight."""
        next_midnight = pd.Timestamp(end + timedelta(days=1), tz=PAIR_TIME_ZONE)
        member = Member(pair, PAIR_MARKET, _quote_currency(pair), PAIR_TIME_ZONE)
        question = Question(member, start, next_midnight.tz_convert("UTC"))
        (outcome,) = self._outcomes([question], batch)
        if isinstance(outcome, TickerFailure):
            return outcome
        closes = outcome.bars.dropna(subset="close")[["date", "close"]]
        today = pd.Timestamp(member.today(outcome.asked_at))
        finished = closes[closes["date"].between(pd.Timestamp(start), pd.Timestamp(end))]
        finished = finished[finished["date"] < today].reset_index(drop=True)
        if finished.empty:
            return TickerFailure(
                pair, FailureClass.NO_DATA, f"Yahoo has no finished day from {start} to {end}"
            )
        return finished

    def forget(self, batch: str) -> None:
        """See ``PriceSource.forget``."""
        self._kept.forget(batch)

    def _outcomes(
        self, questions: list[Question], batch: str | None
    ) -> list[Answer | TickerFailure]:
        """What was or is answered, in the order of ``questions``."""
        kept = self._kept.open(batch, self._moment()) if batch is not None else None
        known = {
            question: outcome
            for question in questions
            if kept is not None and (outcome := kept.find(question)) is not None
        }
        missing = [question for question in questions if question not in known]
        if missing:
            with _one_batch_at_a_time:
                known |= dict(zip(missing, self._ask_all(missing, kept), strict=True))
        return [known[question] for question in questions]

    def _ask_all(
        self, questions: list[Question], kept: Batch | None
    ) -> list[Answer | TickerFailure]:
        if self._session is None:
            self._session = YahooSession(self._pace, self._patience)
        session = self._session
        yahoo_client.install(session, self._cache_dir)
        yahoo_client.forget_answers()
        self._pace.begin()
        answered = count(1)

        def try_and_tell(question: Question) -> Answer | TickerFailure:
            outcome = self._try(session, question, kept)
            if self.on_answer is not None:
                self.on_answer(next(answered), len(questions))
            return outcome

        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="yahoo")
        try:
            return list(pool.map(try_and_tell, questions))
        except Exception:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            # nothing is under way any more, unless this was interrupted: then nobody waits for it
            pool.shutdown(wait=False, cancel_futures=True)
            yahoo_client.forget_answers()

    def _try(
        self, session: YahooSession, question: Question, kept: Batch | None
    ) -> Answer | TickerFailure:
        """Ask until there is an answer, or the retries for this kind of failure are used up."""
        ask_patiently = retry(
            on=_worth_a_retry(),
            attempts=None,
            timeout=None,
            wait_initial=self._patience.wait_initial,
            wait_max=self._patience.wait_max,
            wait_jitter=self._patience.wait_jitter,
        )(self._ask)
        try:
            answer = ask_patiently(session, question)
        except YahooError as error:
            failure = TickerFailure(question.member.ticker, error.error_class, error.message)
            if kept is not None:
                kept.refuse(question, failure)
            return failure
        if kept is not None:
            kept.keep(answer)
        return answer

    def _ask(self, session: YahooSession, question: Question) -> Answer:
        """Ask Yahoo once.

        Raises:
            YahooError: there is no answer.
        """
        member, asked_at = question.member, self._moment()
        today = member.today(asked_at)
        first = min(question.first, today)
        session.begin()
        try:
            bars = yahoo_client.history(member, session, first, today, self._patience.timeout)
        except YahooError as error:
            chart = session.chart()
            if chart is None or error.error_class is not FailureClass.NO_DATA:
                raise
            bars = NO_BARS
        else:
            chart = session.chart()
        if chart is None:
            raise YahooError(FailureClass.BAD_DATA, "yfinance answered without asking Yahoo")
        if member.today(self._moment()) != today:
            # prices may be adjusted for a split of the new day, which was not asked for
            raise YahooError(FailureClass.NETWORK, "the exchange's day ended while Yahoo was asked")
        _check_currency(member, chart)
        return Answer(member, first, asked_at, chart, bars)

    def _moment(self) -> pd.Timestamp:
        return pd.Timestamp(self._now()).tz_convert("UTC")


def _worth_a_retry() -> Callable[[Exception], bool | float]:
    """Whether to ask for a ticker again: bounded by how often each class has been seen already."""
    failed: Counter[FailureClass] = Counter()

    def decide(error: Exception) -> bool | float:
        if not isinstance(error, YahooError) or isinstance(error, NotAskedError):
            return False
        failed[error.error_class] += 1
        if failed[error.error_class] > RETRIES[error.error_class]:
            return False
        yahoo_client.forget_answers()
        # after a refusal the pace lets everybody wait
        return 0.0 if error.error_class is FailureClass.RATE_LIMIT else True

    return decide


def _questions(members: pd.DataFrame, start: date, end: date) -> list[Question]:
    """What to ask so that every session of each member's market in [start, end] is answered.

    Raises:
        PriceSourceError: a member's market is not known.
    """
    listed = members[["ticker", "market", "currency"]].drop_duplicates("ticker")
    for ticker, market in zip(listed["ticker"], listed["market"], strict=True):
        if market not in TIME_ZONES:
            raise PriceSourceError(
                f"{ticker}: the market {market!r} is not known to the Yahoo source; "
                f"use one of {', '.join(TIME_ZONES)}"
            )
    first = {market: session_on_or_before(market, start) for market in TIME_ZONES}
    whole_at = {market: _settled(market, end) for market in TIME_ZONES}
    return [
        Question(
            Member(ticker, market, currency, TIME_ZONES[market]), first[market], whole_at[market]
        )
        for ticker, market, currency in listed.itertuples(index=False, name=None)
    ]


def _settled(market: str, day: date) -> pd.Timestamp:
    """When the last session of ``market`` up to and with ``day`` counts."""
    session = session_on_or_before(market, day)
    close: pd.Timestamp = session_closes(market, session, session).iloc[0]
    return close + SETTLING_TIME


def _quote_currency(pair: str) -> str:
    """The currency in which ``AUDUSD=X`` is quoted: USD."""
    return pair.removesuffix("=X")[-3:]


def _check_currency(member: Member, chart: Chart) -> None:
    if chart.currency != member.currency:
        raise YahooError(
            FailureClass.BAD_DATA,
            f"Yahoo's prices are in {chart.currency}, the universe says {member.currency}",
        )
