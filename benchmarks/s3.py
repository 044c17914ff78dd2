"""Row 5: the lake on S3 at 30 ms a request, by boto3 against a local server.

Twenty years of two assets are stored, as in row 4; what is not read are files without rows, of
which only the names cost anything.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import boto3
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.config import Config

from benchmarks.clock import alone, side_by_side, timed
from benchmarks.lake import ASSET, HISTORY, TEXTS, TICKERS, WINDOW, days_of
from benchmarks.result import Result
from benchmarks.s3_server import LATENCY, serving
from benchmarks.signals import market
from parakeet_dagster import sessions as calendar
from parakeet_dagster.places import open_lake
from parakeet_dagster.s3 import LakeS3Resource
from parakeet_dagster.storage.lake import CONNECTIONS, FILE, HISTORY_OF, Lake
from parakeet_dagster.storage.schemas import SCHEMAS
from parakeet_dagster.storage.stores import S3Store
from parakeet_dagster.universe_sources.files import renames

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET, PREFIX = "benchmark", "lake"
NOBODY, REGION = "none", "us-east-1"
"""The server asks neither who it is nor where."""

THREADS = 32
ROUNDS, SINGLES, PUTS = 7, 100, 130
SINGLE = 0.2
"""Seconds that a single session may take, at the 95th percentile."""


def results() -> list[Result]:
    """The rows; the server ends with them."""
    keys = [calendar.key(day) for day in calendar.calendar()[:HISTORY]]
    rows = market(days_of(keys[-WINDOW:]), TICKERS)
    with serving(BUCKET, objects(keys, rows)) as url:
        return [*loaded(url, keys), written(url, keys[-PUTS:], rows)]


def objects(keys: Sequence[str], rows: pd.DataFrame) -> dict[str, bytes]:
    """The bucket: what a lake writes, its one empty file under the key of every other session."""
    with TemporaryDirectory() as folder:
        lake = open_lake(folder)
        lake.write(ASSET, rows, [keys[0], *keys[-WINDOW:]])
        lake.write(HISTORY_OF, lake.read(HISTORY_OF, []), keys[:1])

        def content(asset: str, key: str) -> bytes:
            return lake.store.read(f"{asset}/session={key}/{FILE}") or b""

        empty = {asset: content(asset, keys[0]) for asset in (ASSET, HISTORY_OF)}
        stored = {key_of(asset, key): empty[asset] for asset in empty for key in keys}
        return stored | {key_of(ASSET, key): content(ASSET, key) for key in keys[-WINDOW:]}


def key_of(asset: str, session: str) -> str:
    """The key of an object."""
    return f"{PREFIX}/{asset}/session={session}/{FILE}"


def lake_at(url: str) -> Lake:
    """The lake as Parakeet opens it."""
    resource = LakeS3Resource(
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=NOBODY,
        aws_secret_access_key=NOBODY,
        max_pool_connections=CONNECTIONS,
    )
    return Lake(S3Store(resource.get_client(), BUCKET, PREFIX), renames())


def bare_client(url: str) -> "S3Client":
    """boto3's own, with a connection a thread."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=NOBODY,
        aws_secret_access_key=NOBODY,
        config=Config(max_pool_connections=THREADS),
    )


def loaded(url: str, keys: Sequence[str]) -> list[Result]:
    """A window and a single session, as an input of a run and as ``Lake.read`` gives it."""
    lake, client, last = lake_at(url), bare_client(url), keys[-1:]
    taken = side_by_side(
        lambda: lake.read_window(ASSET, last, WINDOW - 1),
        lambda: plainly_read(client, keys[-WINDOW:]),
        ROUNDS,
    )
    peak = alone(read_once, url, last, WINDOW - 1).memory
    single = ninety_fifth([timed(lambda: lake.read(ASSET, last)) for _ in range(SINGLES)])
    listed = ninety_fifth([timed(lambda: lake.read_window(ASSET, last)) for _ in range(SINGLES)])
    at = f"at {LATENCY * 1000:.0f} ms a request"
    what = f"a single session from S3 {at}, 95th percentile of {SINGLES}"
    return [
        Result(
            "5",
            f"load a {WINDOW}-session window x {TICKERS} tickers from S3 {at}",
            taken.ours,
            taken.floor,
            limit=1.3,
            memory=peak,
            note=f"ours knows of {HISTORY:,} sessions that none is missing",
        ),
        Result("5b", what, single, within=SINGLE, note="one request"),
        Result("5c", f"{what}, as an input", listed, note=f"{HISTORY:,} sessions are listed"),
    ]


def ninety_fifth(taken: Sequence[float]) -> float:
    """The 95th percentile."""
    return quantiles(taken, n=20)[-1]


def read_once(url: str, keys: Sequence[str], lookback: int) -> None:
    """A window in a process of its own."""
    lake_at(url).read_window(ASSET, keys, lookback)


def plainly_read(client: "S3Client", keys: Sequence[str]) -> pd.DataFrame:
    """The same rows by boto3 and pyarrow alone."""

    def read_one(key: str) -> pa.Table:
        answer = client.get_object(Bucket=BUCKET, Key=key_of(ASSET, key))
        return pq.read_table(pa.BufferReader(answer["Body"].read()))

    with ThreadPoolExecutor(THREADS) as pool:
        frame: pd.DataFrame = pa.concat_tables(pool.map(read_one, keys)).to_pandas()
    return frame


def written(url: str, keys: Sequence[str], rows: pd.DataFrame) -> Result:
    """Half a year of sessions, put."""
    lake, client = lake_at(url), bare_client(url)
    frame = rows[rows["date"] >= keys[0]].reset_index(drop=True)
    taken = side_by_side(
        lambda: lake.write(ASSET, frame, keys), lambda: plainly_written(client, frame, keys), ROUNDS
    )
    what = f"write {len(keys)} sessions x {TICKERS} tickers to S3 at {LATENCY * 1000:.0f} ms"
    return Result("5d", f"{what} a request", taken.ours, taken.floor, note="no target")


def plainly_written(client: "S3Client", frame: pd.DataFrame, keys: Sequence[str]) -> None:
    """The same objects by boto3 and pyarrow alone."""
    schema = SCHEMAS[ASSET]
    rows = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    table = rows.replace_schema_metadata(None)

    def write_one(place: int) -> None:
        sink = pa.BufferOutputStream()
        part = table.slice(place * TICKERS, TICKERS)
        pq.write_table(part, sink, compression="zstd", use_dictionary=TEXTS)
        content = sink.getvalue().to_pybytes()
        client.put_object(Bucket=BUCKET, Key=key_of(ASSET, keys[place]), Body=content)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write_one, range(len(keys))))
