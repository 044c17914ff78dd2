"""A CSV that a person wrote, as text: what stands in it, and on which line."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from parakeet_dagster.errors import InputFileError


@dataclass(frozen=True)
class Lines:
    """What a file says below its header.

    rows: the lines that can be used; index ``line``: the number in the file, the header's is 1.
    problems: str, index ``line``, ascending: what is wrong with the others; a line may have more
        than one.
    """

    rows: pd.DataFrame
    problems: "pd.Series[str]"


def told(problems: "Sequence[pd.Series[str]]") -> "pd.Series[str]":
    """Problems from several checks, by line."""
    whole = pd.concat(problems).astype("str")
    return whole.sort_index(kind="stable").rename_axis("line")


def as_lines(records: Sequence[Mapping[str, str]], columns: Sequence[str]) -> Lines:
    """Rows that came otherwise than in a file: numbered from 0, and nothing wrong with them yet."""
    lines = pd.RangeIndex(len(records), name="line")
    rows = pd.DataFrame(list(records), index=lines, columns=list(columns), dtype="str")
    return Lines(rows, told([pd.Series({}, dtype="str")]))


def read_lines(file: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Lines:
    """Read a CSV in UTF-8, with or without a byte order mark; every value is text.

    pandas would not say on which line a row stands. The header's columns may have any order and
    case. Spaces around values go, and those within become one. Blank lines do not count.

    Args:
        file: where it is.
        required: the columns that must be there, lower case.
        optional: those that may be; their values are empty where they are not.

    Returns:
        Rows of the columns ``required`` and ``optional``, all str. A line is a problem where it has
        more or fewer values than the header, or a character that cannot be seen.

    Raises:
        InputFileError: the file cannot be read as such a table.
    """
    expected = ",".join([*required, *optional])
    header, *records = list(_records(file, _content(file, expected))) or [(1, [])]
    columns = [name.lower() for name in header[1]]
    _require_columns(file, columns, required, expected)
    strange = [name for name in columns if name not in (*required, *optional)]
    if strange:
        raise InputFileError(
            f"{file}: column {strange[0]!r} is unknown; the header must be {expected}"
        )
    torn = {line: why for line, values in records if (why := _why_torn(values, len(columns)))}
    whole = [(line, values) for line, values in records if line not in torn]
    lines = pd.Index([line for line, _ in whole], name="line", dtype="int64")
    rows = pd.DataFrame([values for _, values in whole], index=lines, columns=columns, dtype="str")
    rows = rows.reindex(columns=[*required, *optional], fill_value="").astype("str")
    return Lines(rows, told([pd.Series(torn, dtype="str")]))


def _content(file: Path, expected: str) -> str:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputFileError(
            f"{file}: there is no such file; write a CSV with the header {expected}"
        ) from None
    except IsADirectoryError:
        raise InputFileError(f"{file} is a directory: name the CSV in it") from None
    except OSError as error:
        raise InputFileError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputFileError(f"{file} is not text in UTF-8: save it as CSV (UTF-8)")
    if not text.strip():
        raise InputFileError(f"{file} is empty: write a CSV with the header {expected}")
    return text


def _records(file: Path, content: str) -> Iterator[tuple[int, list[str]]]:
    """The first line and the trimmed values of each record that is not blank."""
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    line = 1
    try:
        for values in reader:
            trimmed = [" ".join(value.split()) for value in values]
            if any(trimmed):
                yield line, trimmed
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputFileError(
            f"{file} line {line}: {error}: a quoted value must end with its quote"
        ) from None


def _require_columns(
    file: Path, columns: Sequence[str], required: Sequence[str], expected: str
) -> None:
    missing = [name for name in required if name not in columns]
    if missing:
        raise InputFileError(
            f"{file}: column {', '.join(missing)} is missing; the header must be {expected}"
        )
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise InputFileError(f"{file}: column {twice[0]!r} stands twice; keep one")


def _why_torn(values: Sequence[str], wanted: int) -> str | None:
    if len(values) != wanted:
        return (
            f"{len(values)} values, but the header has {wanted}; a number is written without"
            " thousands separators, and a value with a comma in double quotes"
        )
    unseen = [sign for value in values for sign in value if not sign.isprintable()]
    return f"it holds a sign that cannot be seen, {unseen[0]!a}: type it again" if unseen else None
