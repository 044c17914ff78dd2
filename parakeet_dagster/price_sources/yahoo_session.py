"""The HTTP session that yfinance speaks through: paced, and every answer read before yfinance does.

yfinance turns most failures into "possibly delisted", asks twice for each of them and remembers bad
answers. Here an answer that is no chart is raised as a ``YahooError`` at once: it costs one
request, nothing bad is remembered and the reason is known.
"""

import logging
import re
import threading
import time
from typing import Any
from urllib.parse import unquote, urlsplit

from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException, Timeout
from curl_cffi.requests.session import HttpMethod

from parakeet_dagster.price_sources.base import FailureClass
from parakeet_dagster.price_sources.yahoo_chart import Chart, YahooError, read_chart
from parakeet_dagster.price_sources.yahoo_pace import Pace, Patience

_CHART_PATH = re.compile(r"/v8/finance/chart/(?P<symbol>[^/?]+)$")

_log = logging.getLogger(__name__)


class CookieServiceUnavailableError(OSError):
    """No cookie or crumb for now. An OSError, on which yfinance goes on without one."""


class _Attempt(threading.local):
    """What happened so far in one thread's attempt at one ticker."""

    chart: Chart | None = None
    crumb_renewed: bool = False
    sent_at: float = 0.0


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
        self._attempt.sent_at = self._pace.wait()
        try:
            response = super().request(method, url, **options)
        except Timeout as error:
            self._pace.unanswered()
            raise YahooError(FailureClass.TIMEOUT, "Yahoo did not answer in time") from error
        except RequestException as error:
            self._pace.unanswered()
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
            self._take_note(error)
            raise
        self._pace.served()
        self._attempt.chart = chart
        if not chart.has_bars:
            raise YahooError(FailureClass.NO_DATA, "Yahoo has no bars in the window asked for")
        return response

    def _take_note(self, error: YahooError) -> None:
        match error.error_class:
            case FailureClass.RATE_LIMIT:
                self._pace.refused(self._attempt.sent_at, error.retry_after)
            case FailureClass.NETWORK:
                self._pace.unanswered()
            case _:
                self._pace.served()

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
