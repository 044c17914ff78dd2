"""Lambda's runtime API, for the real runtime interface client to ask for its next event.

Source: "Using the Lambda runtime API for custom runtimes", AWS Lambda's developer guide.
"""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

_API = "/2018-06-01/runtime/"


@dataclass
class LambdaRuntime:
    """A process that waits for events, as in a Lambda that is warm.

    seconds: what each event is given. said: what the process wrote, line by line.
    """

    seconds: float
    said: list[str] = field(default_factory=list)
    _events: "queue.Queue[tuple[str, bytes] | None]" = field(default_factory=queue.Queue)
    _answers: "queue.Queue[tuple[str, Any]]" = field(default_factory=queue.Queue)

    def call(self, event: Any, wait: float = 120) -> tuple[str, Any]:
        """("response", what was returned), ("error", what was raised) or ("init", why not even)."""
        self._events.put((str(uuid4()), json.dumps(event).encode()))
        return self._answers.get(timeout=wait)

    def next(self) -> tuple[str, bytes] | None:
        return self._events.get()

    def answered(self, kind: str, body: bytes) -> None:
        self._answers.put((kind, json.loads(body)))

    def end(self) -> None:
        self._events.put(None)


@contextmanager
def lambda_runtime(
    handler: str, environment: Mapping[str, str], folder: str, seconds: float = 900
) -> Iterator[LambdaRuntime]:
    """AWS's client in a process of its own, whose working directory is ``folder``."""
    runtime = LambdaRuntime(seconds)

    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each event waits 40 ms between its head and its body

        def do_GET(self) -> None:
            event = runtime.next()
            if event is None:
                self.close_connection = True
                return
            name, body = event
            self.send_response(200)
            self.send_header("Content-Type", "application/json")  # the client crashes without
            self.send_header("Lambda-Runtime-Aws-Request-Id", name)
            deadline = int((time.time() + runtime.seconds) * 1000)
            self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
            arn = "arn:aws:lambda:ap-southeast-2:123456789012:function:parakeet-daily"
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", arn)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            kind = self.path.removeprefix(_API).split("/")
            runtime.answered(kind[0] if kind[0] == "init" else kind[-1], body)

        def log_message(self, *arguments: object) -> None:
            """Silence."""

    api = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    variables = {**environment, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}"}
    with subprocess.Popen(
        [sys.executable, "-m", "awslambdaric", handler],
        env=variables,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = process.stdout
        listening = threading.Thread(target=lambda: runtime.said.extend(lines), daemon=True)
        listening.start()
        try:
            yield runtime
        finally:
            process.kill()
            runtime.end()
            listening.join(5)
            api.shutdown()
            api.server_close()
