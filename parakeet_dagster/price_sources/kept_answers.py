"""Answers kept until the work they belong to is done.

The chunks of a back-fill want the same answer again and again, because each reaches through today;
and a back-fill that is killed should not ask again for what it knew. So with a batch's name every
answer is written to a file of its own as soon as it is there, whole or not at all. What Yahoo
refuses for good is remembered too, but in memory only: the next process asks once more.
"""

import hashlib
import json
import math
import os
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from parakeet_dagster.errors import PriceSourceError
from parakeet_dagster.price_sources.base import FailureClass, TickerFailure
from parakeet_dagster.price_sources.yahoo_answer import NO_BARS, Answer, Member, Question
from parakeet_dagster.price_sources.yahoo_chart import NO_ACTIONS, Chart

KEPT_FOR = pd.Timedelta(hours=24)
FINAL = (FailureClass.DELISTED, FailureClass.NO_DATA, FailureClass.BAD_DATA)
"""What Yahoo would say again. Where it could not be asked, the next chunk may have more luck."""

_FORMAT = b"2"
"""To be changed with what a file holds: then those of an older version are none."""
_DIGEST_SIZE = 32


@dataclass(frozen=True)
class _Refusal:
    question: Question
    asked_at: pd.Timestamp
    failure: TickerFailure


class KeptAnswers:
    """The answers of all batches, each batch in a folder of its own below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._refusals: dict[str, dict[str, _Refusal]] = {}

    def open(self, batch: str, now: pd.Timestamp) -> "Batch":
        """The answers of ``batch``; those of batches that asked last a day ago are removed."""
        for folder in self._folder.glob("*"):
            if now.timestamp() - _last_asked(folder) > KEPT_FOR.total_seconds():
                shutil.rmtree(folder, ignore_errors=True)
        refusals = self._refusals.setdefault(batch, {})
        return Batch(self._folder / _file_name(batch), refusals, now)

    def forget(self, batch: str) -> None:
        """Remove the answers of ``batch``."""
        self._refusals.pop(batch, None)
        shutil.rmtree(self._folder / _file_name(batch), ignore_errors=True)


class Batch:
    """What was answered in one batch, as seen by a fetch that begins ``now``."""

    def __init__(self, folder: Path, refusals: dict[str, _Refusal], now: pd.Timestamp) -> None:
        self._folder = folder
        self._refusals = refusals
        self._now = now

    def find(self, question: Question) -> Answer | TickerFailure | None:
        """The kept answer to ``question``, as if asked just so, or None where there is none.

        It serves where it was asked from the wanted day or before, about the same thing, at most a
        day ago, and when every wanted session was finished.
        """
        refusal = self._refusals.get(question.member.ticker)
        if refusal is not None and self._serves(refusal.question, refusal.asked_at, question):
            return refusal.failure
        answer = _read(self._path(question.member.ticker))
        if answer is None:
            return None
        answered = Question(answer.member, answer.first, answer.asked_at)
        if not self._serves(answered, answer.asked_at, question):
            return None
        return _since(answer, question.first)

    def keep(self, answer: Answer) -> None:
        """Write an answer to disk.

        Raises:
            PriceSourceError: the folder cannot be written to.
        """
        path = self._path(answer.member.ticker)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(answer, path)
        except OSError as error:
            raise PriceSourceError(
                f"{path}: an answer cannot be kept ({error.strerror}): free space below"
                " PARAKEET_HOME, or make it writable"
            ) from error

    def refuse(self, question: Question, failure: TickerFailure) -> None:
        """Remember a failure that is Yahoo's last word."""
        if failure.error_class in FINAL:
            self._refusals[question.member.ticker] = _Refusal(question, self._now, failure)

    def _serves(self, answered: Question, asked_at: pd.Timestamp, wanted: Question) -> bool:
        return (
            answered.member == wanted.member
            and answered.first <= wanted.first
            and wanted.whole_at <= asked_at
            and self._now - asked_at <= KEPT_FOR
        )

    def _path(self, ticker: str) -> Path:
        return self._folder / f"{_file_name(ticker)}.answer"


def _since(answer: Answer, first: date) -> Answer:
    """What Yahoo would have answered from ``first`` on."""
    day = pd.Timestamp(first)
    actions = answer.chart.actions
    bars = answer.bars[answer.bars["date"] >= day]
    chart = replace(answer.chart, actions=actions[actions["date"] >= day], has_bars=len(bars) > 0)
    return replace(answer, first=first, chart=chart, bars=bars)


def _file_name(name: str) -> str:
    """A name for any text: on no system does it mean a device or another folder."""
    return f"={quote(name, safe='')}"


def _last_asked(folder: Path) -> float:
    """Seconds since 1970 at which a batch last asked; of an empty one, its last change."""
    asked = [_changed(one) for one in [*folder.glob("*")] or [folder]]
    return max((at for at in asked if at is not None), default=math.inf)


def _changed(path: Path) -> float | None:
    """Its time of change; None where another process has just renamed or removed it."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


def _write(answer: Answer, path: Path) -> None:
    """A file beside it first, then its name; its time of change is the time of asking.

    A line of JSON, then the bars as they are in memory: a ticker's Parquet takes twenty times as
    long to make.
    """
    content = json.dumps(_header(answer)).encode() + b"\n" + _bytes_of(answer.bars)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(_digest(content) + content)
    asked_at = answer.asked_at.timestamp()
    os.utime(unfinished, (asked_at, asked_at))
    unfinished.replace(path)


def _read(path: Path) -> Answer | None:
    """The answer in a file; None where there is none, or a damaged one."""
    try:
        kept = path.read_bytes()
    except OSError:
        return None
    content = kept[_DIGEST_SIZE:]
    if kept[:_DIGEST_SIZE] != _digest(content):
        return None
    header, _, bars = content.partition(b"\n")
    return _answer(json.loads(header), _bars_of(bars))


def _bytes_of(bars: pd.DataFrame) -> bytes:
    """All dates, then all of each further column of ``NO_BARS``: eight bytes a value."""
    columns = [bars[name].to_numpy(dtype=dtype) for name, dtype in NO_BARS.dtypes.items()]
    return b"".join(column.tobytes() for column in columns)


def _bars_of(content: bytes) -> pd.DataFrame:
    """The bars of which ``_bytes_of`` made the bytes."""
    columns = np.frombuffer(content, dtype=np.int64).reshape(len(NO_BARS.columns), -1)
    return pd.DataFrame(
        {
            name: column.view(dtype)
            for column, (name, dtype) in zip(columns, NO_BARS.dtypes.items(), strict=True)
        }
    )


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(_FORMAT + content).digest()


def _header(answer: Answer) -> dict[str, Any]:
    chart = answer.chart
    actions = chart.actions
    return {
        "member": asdict(answer.member),
        "first": answer.first.isoformat(),
        "asked_at": answer.asked_at.isoformat(),
        "symbol": chart.symbol,
        "currency": chart.currency,
        "time_zone": chart.time_zone,
        "first_trade": None if chart.first_trade is None else chart.first_trade.isoformat(),
        "has_bars": chart.has_bars,
        "foreign_dividends": chart.foreign_dividends,
        "actions": {
            "date": actions["date"].to_numpy().view(np.int64).tolist(),
            "dividend": actions["dividend"].tolist(),
            "split_ratio": actions["split_ratio"].tolist(),
        },
    }


def _answer(header: dict[str, Any], bars: pd.DataFrame) -> Answer:
    first_trade = header["first_trade"]
    chart = Chart(
        symbol=header["symbol"],
        currency=header["currency"],
        time_zone=header["time_zone"],
        first_trade=None if first_trade is None else pd.Timestamp(first_trade),
        has_bars=header["has_bars"],
        actions=pd.DataFrame(header["actions"]).astype(NO_ACTIONS.dtypes.to_dict()),
        foreign_dividends=tuple(header["foreign_dividends"]),
    )
    return Answer(
        member=Member(**header["member"]),
        first=date.fromisoformat(header["first"]),
        asked_at=pd.Timestamp(datetime.fromisoformat(header["asked_at"])),
        chart=chart,
        bars=bars,
    )
