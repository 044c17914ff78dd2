"""Where the lake's bytes are: a directory or an S3 bucket; an object is written whole or not."""

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from parakeet_dagster.errors import LakeError
from parakeet_dagster.retries import retry_context

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


READ_ATTEMPTS = 5
SERVER_ERROR = 500


class Store(Protocol):
    """Objects by path, relative to the lake."""

    url: str
    threads: int
    """As many objects are worth reading or writing at once."""

    def read(self, path: str) -> bytes | None:
        """The object's bytes, or None where there is none."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Store the object; a reader sees the old one or the new one, never a part."""
        ...

    def remove(self, path: str) -> None:
        """Remove the object, if there is one."""
        ...

    def remove_folder(self, path: str) -> None:
        """Remove every object below ``path``, if there is any; not at once."""
        ...

    def paths(self, prefix: str) -> list[str]:
        """The paths of all objects in the folder ``prefix`` and below it, sorted."""
        ...

    def folders(self, prefixes: Sequence[str], file: str) -> Iterator[str]:
        """The paths of the folders that start with one of ``prefixes`` and hold ``file``.

        In the order of ``prefixes``, which have one parent, and ascending within each. Only
        folders of one level: ``signals/x/session=`` finds ``signals/x/session=2024-01-02``. The
        first folder of one prefix comes before the others are asked for.

        S3 has no folders, and one is there where any object is in it: ``file`` may not be.
        """
        ...


class FileStore:
    """A directory.

    Args:
        root: which.
        setting: the variable that names it, for what an error says to do.
    """

    threads = 8

    def __init__(self, root: Path, setting: str = "PARAKEET_LAKE") -> None:
        self.root = root
        self.url = str(root)
        self._setting = setting

    def read(self, path: str) -> bytes | None:  # noqa: D102 - see Store
        try:
            return (self.root / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LakeError(f"cannot read {self.root / path}: {error.strerror}") from None

    def write(self, path: str, content: bytes) -> None:
        """Write beside the target, then rename: atomic on one file system."""
        target = self.root / path
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(target)
            temporary.write_bytes(content)
            temporary.replace(target)
        except OSError as error:
            raise LakeError(
                f"cannot write {target}: {error.strerror}; free the disk or correct {self._setting}"
            ) from None

    def remove(self, path: str) -> None:  # noqa: D102 - see Store
        target = self.root / path
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            raise LakeError(
                f"cannot remove {target}: {error.strerror}; correct its permissions"
            ) from None

    def remove_folder(self, path: str) -> None:  # noqa: D102 - see Store
        target = self.root / path
        try:
            shutil.rmtree(target)
        except FileNotFoundError:
            return
        except OSError as error:
            raise LakeError(
                f"cannot remove {target}: {error.strerror}; correct its permissions"
            ) from None

    def paths(self, prefix: str) -> list[str]:  # noqa: D102 - see Store
        folder = self.root / prefix
        if not folder.is_dir():
            return []
        found = []
        for directory, _, names in os.walk(folder):
            relative = Path(directory).relative_to(self.root).as_posix()
            found += [f"{relative}/{name}" for name in names if not name.startswith(".")]
        return sorted(found)

    def folders(self, prefixes: Sequence[str], file: str) -> Iterator[str]:  # noqa: D102 - see Store
        parent = prefixes[0].rpartition("/")[0]
        try:
            with os.scandir(self.root / parent) as entries:
                paths = sorted(
                    f"{parent}/{entry.name}" if parent else entry.name for entry in entries
                )
        except FileNotFoundError:
            return
        except OSError as error:
            raise LakeError(f"cannot read {self.root / parent}: {error.strerror}") from None
        for prefix in prefixes:
            for path in paths:
                if path.startswith(prefix) and os.access(f"{self.root}/{path}/{file}", os.F_OK):
                    yield path


def _remove_abandoned(target: Path) -> None:
    """Delete what a killed process left beside ``target``."""
    for abandoned in target.parent.glob(f".{target.name}.*.tmp"):
        import psutil  # seldom wanted

        writer = abandoned.name.split(".")[-2]
        if not (writer.isdigit() and psutil.pid_exists(int(writer))):
            with suppress(FileNotFoundError):
                abandoned.unlink()


class S3Store:
    """A prefix of an S3 bucket. A PUT is atomic by itself.

    Args:
        client: boto3's.
        bucket: its name.
        prefix: may be empty.
        setting: the variable that names the place, for what an error says to do.
    """

    threads = 32

    def __init__(
        self, client: "S3Client", bucket: str, prefix: str, setting: str = "PARAKEET_LAKE"
    ) -> None:
        self._setting = setting
        self.client = client
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")

    def read(self, path: str) -> bytes | None:  # noqa: D102 - see Store
        with self._one_line():
            for attempt in retry_context(on=_is_cut_off, attempts=READ_ATTEMPTS, wait_initial=0.1):
                with attempt:
                    return self._content(path)
        raise AssertionError("one attempt is always made")

    def _content(self, path: str) -> bytes | None:
        """boto3 sends a request again that fails, but not one whose answer breaks off."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + path)
        except self.client.exceptions.NoSuchKey:
            return None
        return answer["Body"].read()

    def write(self, path: str, content: bytes) -> None:  # noqa: D102 - see Store
        with self._one_line():
            self.client.put_object(Bucket=self.bucket, Key=self.prefix + path, Body=content)

    def remove(self, path: str) -> None:  # noqa: D102 - see Store
        with self._one_line():
            self.client.delete_object(Bucket=self.bucket, Key=self.prefix + path)

    def date_header(self) -> str:
        """What time it is at the server, as HTTP says it."""
        with self._one_line():
            answer = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, MaxKeys=1)
            return answer["ResponseMetadata"]["HTTPHeaders"]["date"]

    def remove_folder(self, path: str) -> None:  # noqa: D102 - see Store
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(self.remove, self.paths(path)))

    def paths(self, prefix: str) -> list[str]:  # noqa: D102 - see Store
        with self._one_line():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=f"{self.prefix}{prefix}/"
            )
            keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return sorted(key.removeprefix(self.prefix) for key in keys)

    def folders(self, prefixes: Sequence[str], file: str) -> Iterator[str]:  # noqa: ARG002, D102 - see Store
        if len(prefixes) == 1:
            yield from self._folders(prefixes[0])
            return
        with ThreadPoolExecutor(len(prefixes)) as pool:
            for found in pool.map(lambda prefix: list(self._folders(prefix)), prefixes):
                yield from found

    def _folders(self, prefix: str) -> Iterator[str]:
        """1,000 at a time, and the next ones only then; a fifth as expensive as their objects."""
        listing = self.client.get_paginator("list_objects_v2")
        with self._one_line():
            for page in listing.paginate(
                Bucket=self.bucket, Prefix=f"{self.prefix}{prefix}", Delimiter="/"
            ):
                for folder in page.get("CommonPrefixes", []):
                    yield folder["Prefix"].removeprefix(self.prefix).removesuffix("/")

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError  # there already: the client's

        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code == "NoSuchBucket":
                raise LakeError(
                    f"the S3 bucket {self.bucket!r} does not exist:"
                    f" create it, or correct {self._setting}"
                ) from None
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if status >= SERVER_ERROR:
                raise LakeError(
                    f"{self.url} failed {error.operation_name} ({code or status}), also when asked"
                    " again: S3 is in trouble; run the same again later"
                ) from None
            raise LakeError(
                f"{self.url} refused {error.operation_name} ({code}):"
                " check the AWS credentials and their permissions"
            ) from None
        except BotoCoreError as error:
            reason = str(error).splitlines()[0]
            raise LakeError(f"{self.url} cannot be reached: {reason}") from None


def _is_cut_off(error: Exception) -> bool:
    """Whether an answer began to come, and broke off or was damaged."""
    from botocore.exceptions import (
        FlexibleChecksumError,
        IncompleteReadError,
        ReadTimeoutError,
        ResponseStreamingError,
    )

    broken = (FlexibleChecksumError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
    return isinstance(error, broken)
