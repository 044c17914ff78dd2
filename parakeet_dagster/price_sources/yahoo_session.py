"""The HTTP session that yfinance speaks through: paced, and every answer read before yfinance does.

yfinance turns most failures into "possibly delisted", asks twice for each of them and remembers bad
answers. Here an answer that is no chart is raised as a ``YahooError`` at once: it costs one
request, nothing bad is remembered and the reason is known.
"""

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException, Timeout
from curl_cffi.requests.session import HttpMethod

from parakeet_dagster.price_sources.base import FailureClass
from parakeet_dagster.price_sources.yahoo_chart import Chart, YahooError, read_chart

_CHART_PATH = re.compile(r"/v8/finance/chart/(?P<symbol>[^/?]+)$")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds.

    timeout: for one answer; wait_initial, wait_max, wait_jitter: between a failure and its retry;
    cool_down: after a 429 that does not say how long, and longest_cool_down, whatever it says;
    cool_downs: refusals in a row after which a batch gives up; cookie_pause: after the cookie
    service failed, during which it is not asked again (charts are served without a cookie).
    """

    timeout: float = 20.0
    wait_initial: float = 1.0
    wait_max: float = 10.0
    wait_jitter: float = 1.0
    cool_down: float = 60.0
    longest_cool_down: float = 300.0
    cool_downs: int = 4
    cookie_pause: float = 300.0


class Pace:
    """One rhythm for all threads: so many requests a second, and none while Yahoo refuses."""

    def __init__(
        self,
        requests_per_second: float,
        patience: Patience,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval = 1.0 / requests_per_second
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._refused_until = 0.0
        self._refusals = 0

    def wait(self) -> None:
        """Return when a request may be sent.

        Raises:
            YahooError: RATE_LIMIT, without waiting, after too many refusals in a row.
        """
        while (delay := self._claim()) > 0:
            self._sleep(delay)

    def refused(self, retry_after: float | None) -> None:
        """Let everybody wait. Refusals of requests that were under way meanwhile count once."""
        asked = self._patience.cool_down if retry_after is None else retry_after
        pause = min(asked, self._patience.longest_cool_down)
        with self._lock:
            now = self._clock()
            if now >= self._refused_until:
                self._refusals += 1
            self._refused_until = max(self._refused_until, now + pause)

    def served(self) -> None:
        """Forget the refusals: Yahoo answers again, or a new batch begins."""
        with self._lock:
            self._refusals = 0

    def _claim(self) -> float:
        """Seconds to wait before trying again; 0.0 takes the turn."""
        with self._lock:
            if self._refusals > self._patience.cool_downs:
                raise YahooError(
                    FailureClass.RATE_LIMIT,
                    f"not asked: Yahoo refused {self._refusals} times in a row",
                )
            now = self._clock()
            delay = max(self._next_at, self._refused_until) - now
            if delay <= 0:
                self._next_at = now + self._interval
            return delay


class CookieServiceUnavailableError(OSError):
    """No cookie or crumb for now. An OSError, on which yfinance goes on without one."""


class _Attempt(threading.local):
    """What happened so far in one thread's attempt at one ticker."""

    chart: Chart | None = None
    crumb_renewed: bool = False


class YahooSession(Session[Response]):
    """A Chrome-like session for yfinance. Proxy and CA bundle come from the environment."""

    def __init__(self, pace: Pace, patience: Patience) -> None:
        super().__init__(impersonate="chrome", timeout=patience.timeout)
        self._pace = pace
        self._patience = patience
        self._attempt = _Attempt()
        self._no_cookies_until = 0.0

    def begin(self) -> None:
        """Start one attempt at one ticker in this thread."""
        self._attempt.chart = None
        self._attempt.crumb_renewed = False

    def chart(self) -> Chart | None:
        """The last chart that this thread was answered with in this attempt."""
        return self._attempt.chart

    def request(  # type: ignore[override] # the options of curl_cffi pass through as they are
        self,
        method: HttpMethod,
        url: str,
        **options: Any,  # noqa: ANN401
    ) -> Response:
        """Send one request of yfinance's, and read the answer before yfinance does.

        Raises:
            YahooError: a chart was asked for and is not what came.
            CookieServiceUnavailableError: a cookie was asked for, and there is none for now.
        """
        symbol = _chart_symbol(url)
        if symbol is None:
            return self._ask_for_cookie(method, url, options)
        self._pace.wait()
        try:
            response = super().request(method, url, **options)
        except Timeout as error:
            raise YahooError(FailureClass.TIMEOUT, "Yahoo did not answer in time") from error
        except RequestException as error:
            raise YahooError(
                FailureClass.NETWORK, f"no answer from Yahoo ({type(error).__name__}: {error})"
            ) from error
        return self._read(symbol, response)

    def _read(self, symbol: str, response: Response) -> Response:
        if _chart_symbol(response.url) is None or self._may_renew_crumb(response):
            return response
        try:
            chart = read_chart(symbol, response.status_code, response.headers, response.content)
        except YahooError as error:
            if error.error_class is FailureClass.RATE_LIMIT:
                self._pace.refused(error.retry_after)
            else:
                self._pace.served()
            raise
        self._pace.served()
        self._attempt.chart = chart
        if not chart.has_bars:
            raise YahooError(FailureClass.NO_DATA, "Yahoo has no bars in the window asked for")
        return response

    def _may_renew_crumb(self, response: Response) -> bool:
        """Whether this is an attempt's first 401: yfinance then fetches a crumb and asks again."""
        if response.status_code != 401 or self._attempt.crumb_renewed:
            return False
        self._attempt.crumb_renewed = True
        return True

    def _ask_for_cookie(self, method: HttpMethod, url: str, options: dict[str, Any]) -> Response:
        """Cookie, crumb and consent pages. A failure here says nothing about any ticker.

        yfinance holds a lock meanwhile and asks again for every ticker, hence the shorter timeout
        and the pause. fc.yahoo.com gives its cookie with any status. What getcrumb says beside an
        error status would be sent along as the crumb for ever after.
        """
        if time.monotonic() < self._no_cookies_until:
            raise CookieServiceUnavailableError("Yahoo's cookie service failed a moment ago")
        self._pace.wait()
        try:
            response = super().request(method, url, **{**options, "timeout": self.timeout})
        except RequestException as error:
            raise self._without_cookies(f"{type(error).__name__}: {error}") from error
        if urlsplit(url).path.endswith("/getcrumb") and response.status_code != 200:
            raise self._without_cookies(f"{url} answered {response.status_code}")
        return response

    def _without_cookies(self, reason: str) -> CookieServiceUnavailableError:
        self._no_cookies_until = time.monotonic() + self._patience.cookie_pause
        _log.warning("going on without a cookie from Yahoo: %s", reason)
        return CookieServiceUnavailableError(f"no cookie from Yahoo: {reason}")


def _chart_symbol(url: str) -> str | None:
    match = _CHART_PATH.search(urlsplit(url).path)
    return unquote(match["symbol"]) if match else None
