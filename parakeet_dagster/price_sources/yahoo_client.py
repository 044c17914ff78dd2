"""yfinance, set up so that one request a ticker suffices and every failure is seen.

yfinance keeps its session, cookie, answers and caches once for a process and takes two seconds to
import, so it is imported where it is used.
"""

import logging
import warnings
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from curl_cffi.requests.exceptions import RequestException

from parakeet_dagster.price_sources.base import FailureClass
from parakeet_dagster.price_sources.yahoo_answer import Member
from parakeet_dagster.price_sources.yahoo_chart import YahooError
from parakeet_dagster.price_sources.yahoo_session import YahooSession

BAR_NAMES = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Volume": "volume",
}
_CACHE_KEY_THAT_IS_NO_TICKER = "-"


def install(session: YahooSession, cache_dir: Path) -> None:
    """Make yfinance speak through ``session`` and keep its caches in ``cache_dir``.

    Call from one thread: its SQLite caches fail with "database is locked" when several threads open
    them first. The first ``cache_dir`` of a process stays.
    """
    import yfinance as yf
    from yfinance import base, cache, data

    warnings.filterwarnings("ignore", module=r"yfinance(\..*)?")
    # its warnings repeat, for every ticker, what the session has said once
    logging.getLogger("yfinance").setLevel(logging.ERROR)
    yf.config.debug.hide_exceptions = False
    base._tz_info_fetch_ctr = 2  # noqa: SLF001 - the only switch of the time-zone fallback
    cache_dir.mkdir(parents=True, exist_ok=True)
    if cache._TzCacheManager._tz_cache is None:  # noqa: SLF001 - moving an open cache breaks it
        yf.set_tz_cache_location(str(cache_dir))
    cache.get_tz_cache().lookup(_CACHE_KEY_THAT_IS_NO_TICKER)
    cache.get_cookie_cache().lookup(_CACHE_KEY_THAT_IS_NO_TICKER)
    client = data.YfData()
    if client._session is not session:  # noqa: SLF001 - there is no public reset
        # a crumb belongs to the cookie of the session that fetched it
        client._cookie = client._crumb = None  # noqa: SLF001
        client._cookie_strategy = "basic"  # noqa: SLF001
        data.YfData(session=session)


def forget_answers() -> None:
    """Empty yfinance's memory of answers: it would serve them instead of asking again."""
    from yfinance.data import YfData

    YfData.cache_get.cache_clear()


def history(
    member: Member, session: YahooSession, first: date, last: date, timeout: float
) -> pd.DataFrame:
    """Daily bars from ``first`` through ``last``, as Yahoo shows them.

    Returns:
        Columns date (datetime64[us], exchange-local), open, high, low, close, volume; in order.

        yfinance's columns of actions are left aside: it books an action whose ex-date has no bar
        to the bar before, and loses those before the first bar. ``YahooSession.chart`` has them
        from the same answer.

    Raises:
        YahooError: there is no answer, or yfinance cannot read it.
    """
    import peewee
    import yfinance as yf
    from yfinance.exceptions import YFException, YFRateLimitError

    ticker = yf.Ticker(member.ticker, session=session)
    ticker._tz = member.time_zone  # noqa: SLF001 - it would ask Yahoo, or its database, otherwise
    try:
        frame = ticker.history(
            start=first.isoformat(),
            end=(last + timedelta(days=1)).isoformat(),
            auto_adjust=False,
            actions=True,
            back_adjust=False,
            repair=False,
            keepna=True,  # see _of_something
            timeout=timeout,
        )
    except YFRateLimitError as error:
        raise YahooError(FailureClass.RATE_LIMIT, str(error)) from error
    except (RequestException, peewee.PeeweeException) as error:
        raise YahooError(FailureClass.NETWORK, f"{type(error).__name__}: {error}") from error
    except (YFException, AttributeError, LookupError, TypeError, ValueError) as error:
        raise YahooError(
            FailureClass.BAD_DATA, f"yfinance cannot read the answer ({error!r})"
        ) from error
    frame = frame[_of_something(frame)]
    days = pd.DatetimeIndex(frame.index).tz_localize(None).normalize().as_unit("us")
    values = {ours: frame[theirs].to_numpy() for theirs, ours in BAR_NAMES.items()}
    return pd.DataFrame({"date": days, **values})


def _of_something(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows have any value but NaN and 0: as yfinance decides, in a thirtieth of its time."""
    values = frame.to_numpy(dtype=np.float64)
    return np.asarray(((values != 0) & ~np.isnan(values)).any(axis=1))
