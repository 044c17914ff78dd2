"""A server that speaks as much of S3's protocol as the lake needs, and is slow on purpose.

It answers each request ``LATENCY`` seconds after it came in, as many at once as are asked, from
memory, in a process of its own: what is measured is the client. It checks no signature.
"""

import asyncio
import multiprocessing
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import md5
from multiprocessing.connection import Connection
from urllib.parse import parse_qs, quote, unquote, urlsplit

LATENCY = 0.03
PAGE = 1000
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
ENTRY = (
    "<Contents><Key>{key}</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified>"
    "<ETag>&quot;0&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
LISTING = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>{token}{entries}"
    "</ListBucketResult>"
)
MISSING = b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"


@contextmanager
def serving(bucket: str, objects: dict[str, bytes]) -> Iterator[str]:
    """The URL of a server whose one bucket holds ``objects``; it ends with the context."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(bucket, objects, theirs), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        server.kill()  # SIGTERM may be ignored, as the parent ignores it
        server.join()


def _serve(bucket: str, objects: dict[str, bytes], told: Connection) -> None:
    async def run() -> None:
        answers = partial(_Answers, _Bucket(bucket, objects))
        server = await asyncio.get_running_loop().create_server(answers, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


class _Bucket:
    """The objects, and what S3 says of them."""

    def __init__(self, name: str, objects: dict[str, bytes]) -> None:
        self.root = f"/{name}"
        self.objects = objects
        self.keys = sorted(objects)

    def answer(self, method: str, target: str, body: bytes) -> bytes:
        """The whole response to a request."""
        url = urlsplit(target)
        key = unquote(url.path).removeprefix(self.root).removeprefix("/")
        if method == "PUT":
            if key not in self.objects:
                self.keys.insert(bisect_right(self.keys, key), key)
            self.objects[key] = body
            return _response(200, b"", md5(body, usedforsecurity=False).hexdigest())
        if not key:
            return _response(200, self.listing(parse_qs(url.query)))
        content = self.objects.get(key)
        if content is None:
            return _response(404, MISSING)
        return _response(200, content)

    def listing(self, query: dict[str, list[str]]) -> bytes:
        """``ListObjectsV2``, with everything that the lake asks it for."""
        prefix, delimiter = (query.get(name, [""])[0] for name in ("prefix", "delimiter"))
        limit = int(query.get("max-keys", [str(PAGE)])[0])
        after = max(query.get(name, [""])[0] for name in ("start-after", "continuation-token"))
        place = bisect_right(self.keys, after) if after else bisect_left(self.keys, prefix)
        entries: list[str] = []
        last = ""
        while place < len(self.keys) and self.keys[place].startswith(prefix):
            if len(entries) == limit:
                break
            key = self.keys[place]
            head, found, _ = key.removeprefix(prefix).partition(delimiter or "\0")
            if found:
                last = f"{prefix}{head}{delimiter}"
                entries.append(f"<CommonPrefixes><Prefix>{quote(last)}</Prefix></CommonPrefixes>")
                last += "~"
                place = bisect_right(self.keys, last)
            else:
                last = key
                entries.append(ENTRY.format(key=quote(key), size=len(self.objects[key])))
                place += 1
        more = place < len(self.keys) and self.keys[place].startswith(prefix)
        token = f"<NextContinuationToken>{last}</NextContinuationToken>" if more else ""
        text = LISTING.format(more=str(more).lower(), token=token, entries="".join(entries))
        return text.encode()


class _Answers(asyncio.Protocol):
    """One connection; requests come one after the other."""

    transport: asyncio.Transport

    def __init__(self, bucket: _Bucket) -> None:
        self.bucket = bucket
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (h.partition(":") for h in lines)
        }
        length = int(headers.get("content-length", "0"))
        if headers.get("expect") and not body and length:
            self.transport.write(CONTINUE)
        if len(body) < length:
            return
        self.received = b""
        method, target, _ = line.split(" ")
        answer = self.bucket.answer(method, target, body)
        asyncio.get_running_loop().call_later(LATENCY, self.transport.write, answer)


def _response(status: int, body: bytes, tag: str = "0") -> bytes:
    head = f'HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nETag: "{tag}"\r\n\r\n'
    return head.encode() + body
