"""What a fetch comes to: the vendor's answer, judged beside what is stored already."""

import json
from dataclasses import dataclass
from datetime import date

import pandas as pd

from parakeet_dagster import sessions as calendar
from parakeet_dagster.assets.covering import covered_on, newcomers
from parakeet_dagster.assets.gaps import returning, rows_since_last_bar
from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources.base import FailureClass, PriceAnswer, PriceSource
from parakeet_dagster.storage.database import Database
from parakeet_dagster.storage.lake import Lake
from strategy.bars import Known, SortedBars, sort_bars
from strategy.keys import is_among

VERIFIED = 10
"""Every fetch covers so many sessions before its own, and compares them with what is stored."""


DATE = {"session": "date"}
DAY_KEYS = ["date", "ticker"]


@dataclass(frozen=True)
class Asked:
    """Whom a run asks for.

    covered: columns date, ticker, market, currency: whose prices are kept, on each session of the
        run. members: columns date, ticker: who is a member on them. current: today's members; one
        that has left and that the vendor no longer knows is gone. only: where a run merges some
        tickers into what is stored, these: then nobody else is asked for, and completeness, which
        was judged when the sessions were stored, is not judged again.
    """

    covered: pd.DataFrame
    members: pd.DataFrame
    current: frozenset[str]
    only: frozenset[str] = frozenset()

    @property
    def of_run(self) -> pd.DataFrame:
        """The rows of ``covered`` that are asked for."""
        return self.of(self.covered)

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of the tickers that are asked for."""
        return rows[rows["ticker"].isin(self.only)] if self.only else rows


@dataclass(frozen=True)
class Ingest:
    """One fetch over the sessions of a run.

    answer: what the vendor said. asked: whom it was asked for.
    bars: what is stored, set aside and corrected because of it.
    failures: columns ticker, session, error_class, message: a row per failed ticker and session on
        which it was covered and its market open.
    joined: likewise, for the stored sessions before the run that lack a ticker which has joined.
    open_on: columns date, market.
    last_stored: per ticker the date of its last stored bar before the run.
    """

    answer: PriceAnswer
    asked: Asked
    bars: SortedBars
    failures: pd.DataFrame
    joined: pd.DataFrame
    open_on: pd.DataFrame
    last_stored: pd.Series

    @property
    def blocked(self) -> pd.DataFrame:
        """The rows of the coverage that forbid storing anything."""
        return self.bars.coverage[self.bars.coverage["blocked"]]


def ingest(
    keys: list[str],
    asked: Asked,
    prices: PriceSource,
    lake: Lake,
    neon: Database,
    batch: str | None,
) -> Ingest:
    """Fetch the sessions ``keys`` and the ten before them, and judge every bar.

    Nothing is written here.
    """
    window = verified_window(lake, keys[0])
    first = calendar.window(keys[:1], VERIFIED)[0]
    of_run = asked.of_run
    answer = prices.fetch(of_run.drop_duplicates("ticker"), day_of(first), day_of(keys[-1]), batch)
    open_on = markets_open_on(keys)
    beside = known(answer, keys, window, lake, neon, asked)
    failures = neon.open_failures()
    verified = asked.of(covered_on(lake, window, before=keys[0]))
    bars = sort_bars(
        answer.bars,
        answer.listing,
        pd.concat([without_history(verified, failures), of_run], ignore_index=True),
        open_on,
        prices.name,
        pd.DatetimeIndex(keys).as_unit("us"),
        beside,
    )
    before = beside.stored[beside.stored["date"] < pd.Timestamp(keys[0])]
    joined = newcomers(lake, keys, asked.members, answer)
    return Ingest(
        answer,
        asked,
        bars,
        still_without_history(failed_sessions(answer, of_run, open_on), failures, answer, keys),
        joined[~is_among(joined.rename(columns=DATE), failures.rename(columns=DATE))],
        open_on,
        last_bars(before),
    )


def still_without_history(
    failed: pd.DataFrame, failures: pd.DataFrame, answer: PriceAnswer, keys: list[str]
) -> pd.DataFrame:
    """``failed``, where a newcomer whose history could not be had keeps that class.

    What the vendor says of it today, no data or delisted, must not end the search: nobody asks for
    these sessions otherwise.

    Args:
        failed: see ``failed_sessions``.
        failures: what is open, see ``Database.open_failures``.
        answer: what the vendor said.
        keys: the run's sessions.
    """
    messages = {one.ticker: one.message for one in answer.failures}
    waiting = failures[
        (failures["error_class"] == FailureClass.NO_HISTORY)
        & failures["ticker"].isin(list(messages))
        & failures["session"].isin(pd.DatetimeIndex(keys))
    ][failed.columns]
    others = failed[~is_among(failed.rename(columns=DATE), waiting.rename(columns=DATE))]
    waiting = waiting.assign(message=waiting["ticker"].map(messages))
    return pd.concat([others, waiting], ignore_index=True)


def without_history(covered: pd.DataFrame, failures: pd.DataFrame) -> pd.DataFrame:
    """``covered`` but for the sessions that a newcomer's history is still to be brought into."""
    waiting = failures[failures["error_class"] == FailureClass.NO_HISTORY]
    return covered[~is_among(covered, waiting.rename(columns=DATE))]


def known(
    answer: PriceAnswer,
    keys: list[str],
    window: list[str],
    lake: Lake,
    neon: Database,
    asked: Asked,
) -> Known:
    """What a judgement needs beside the answer: what is stored, and what people decided."""
    in_lake = set(lake.sessions("raw_prices"))
    again = [key for key in keys if key in in_lake]
    stored = lake.read("raw_prices", [*window, *again])
    carried = lake.read_session_before("daily_returns", keys[0])
    lost = returning(carried, answer.bars) - set(stored.loc[stored["close"].notna(), "ticker"])
    earlier = rows_since_last_bar(lake, lost, keys[0])
    earlier = earlier[~earlier["date"].isin(stored["date"])]
    of_run = asked.of_run
    classes = {failure.ticker: failure.error_class for failure in answer.failures}
    accepted = neon.acceptances().rename(columns={"session": "date"})
    return Known(
        stored=pd.concat([earlier, stored], ignore_index=True),
        decisions=neon.quarantine_decisions(),
        accepted=accepted[["date", "market"]],
        silent=frozenset(of_class(classes, FailureClass.NO_DATA) & set(carried["ticker"])),
        gone=frozenset(
            of_class(classes, FailureClass.DELISTED)
            & (neon.believed_delisted() | (set(of_run["ticker"].unique()) - asked.current))
        ),
        guests=(of_run if asked.only else of_run[~is_among(of_run, asked.members)])[DAY_KEYS],
    )


def of_class(classes: dict[str, FailureClass], wanted: FailureClass) -> set[str]:
    """The tickers that failed with one class."""
    return {ticker for ticker, error_class in classes.items() if error_class is wanted}


def verified_window(lake: Lake, session: str) -> list[str]:
    """The stored ones of the ten sessions before ``session``."""
    before = calendar.window([session], VERIFIED)[:-1]
    stored = set(lake.sessions("raw_prices")) & set(lake.sessions("ticker_universe"))
    return [key for key in before if key in stored]


def failed_sessions(
    answer: PriceAnswer, covered: pd.DataFrame, open_on: pd.DataFrame
) -> pd.DataFrame:
    """A row per failed ticker and session on which it was expected; see ``Ingest.failures``."""
    failed = pd.DataFrame(
        [(one.ticker, str(one.error_class), one.message) for one in answer.failures],
        columns=["ticker", "error_class", "message"],
    )
    expected = covered[["date", "ticker", "market"]].drop_duplicates().merge(open_on)
    rows = expected.merge(failed.astype("str"), on="ticker").rename(columns={"date": "session"})
    return rows[["ticker", "session", "error_class", "message"]]


def require_known_actions(bars: SortedBars, stored_from: pd.Series) -> None:
    """Refuse to compute a return over an action that is not stored.

    A ticker whose last stored bar lies before a dividend or split that the vendor lists now would
    get a return that is wrong by all of it. The correction is on record, so the session that lacks
    the action is fetched first, by the healing sensor or by hand.

    Args:
        bars: of the run.
        stored_from: per ticker (index) the date of its last stored bar before the run.

    Raises:
        PriceSourceError: there is such an action; the ticker, the day and the command are named.
    """
    values = pd.DataFrame(map(json.loads, bars.corrections["row"]), bars.corrections.index)
    found = bars.corrections.join(values.reindex(columns=["dividend", "split_ratio"]))
    acted = found[(found["dividend"] != 0) | (found["split_ratio"] != 1)]
    after = acted[acted["date"] > stored_from.reindex(acted["ticker"]).to_numpy()]
    if after.empty:
        return
    missed = after[after["ticker"].isin(bars.good.loc[bars.good["close"].notna(), "ticker"])]
    if not missed.empty:
        ticker, day = missed["ticker"].iloc[0], calendar.key(missed["date"].iloc[0])
        first = calendar.key(bars.good["date"].min())
        raise PriceSourceError(
            f"{ticker} had a dividend or split on {day}, after its last stored bar: bring that in"
            f" first: parakeet backfill {day} {first}"
        )


def last_bars(stored: pd.DataFrame) -> pd.Series:
    """Per ticker the date of its last bar."""
    return stored[stored["close"].notna()].groupby("ticker")["date"].max()


def markets_open_on(keys: list[str]) -> pd.DataFrame:
    """The markets open on each session: columns date, market."""
    rows = [(key, market) for key in keys for market in calendar.open_markets(key)]
    frame = pd.DataFrame(rows, columns=["date", "market"])
    return frame.astype({"date": "datetime64[us]"})


def day_of(key: str) -> date:
    """The date of a session key."""
    return pd.Timestamp(key).date()
