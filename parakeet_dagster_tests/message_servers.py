"""Local servers that take messages: a mail server, a webhook, and a topic of SNS."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import boto3
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, PASSWORD = "parakeet@example.org", "s3cret-word"
TO = "me@example.org"


@dataclass
class MailServer:
    """A mail server; ``refuses`` is what it answers to a recipient, where it is set."""

    port: int
    taken: list[EmailMessage] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuses: str | None = None

    @property
    def url(self) -> str:
        return f"smtp://{USER.replace('@', '%40')}:{PASSWORD}@127.0.0.1:{self.port}"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    def authenticate(self, server, session, envelope, mechanism, data):
        is_right = isinstance(data, LoginPassword) and data == LoginPassword(
            USER.encode(), PASSWORD.encode()
        )
        self.logins.append(mechanism)
        return AuthResult(success=is_right, handled=False)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with socket.socket() as free:  # the controller connects to its port, which may not be 0
        free.bind(("127.0.0.1", 0))
        server = MailServer(free.getsockname()[1])
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=server.port,
        authenticator=server.authenticate,
        auth_require_tls=False,
        auth_required=True,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@dataclass
class Webhook:
    """A webhook that answers with ``status``; of what was posted, the texts that it took."""

    url: str = ""
    status: int = 200
    taken: list[str] = field(default_factory=list)
    asked: int = 0


@contextmanager
def webhook() -> Iterator[Webhook]:
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            hook.asked += 1
            if hook.status < 300:
                assert self.headers["Content-Type"] == "application/json"
                hook.taken.append(json.loads(content)["text"])
            self.send_response(hook.status)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    hook.url = f"http://127.0.0.1:{server.server_port}/services/T000/B000/hush-hush"
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Topic:
    """A topic of SNS, with a queue that has subscribed to it."""

    arn: str
    queue: str
    sqs: object

    @property
    def taken(self) -> list[dict[str, str]]:
        """What came since it was last asked."""
        answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def topic_at(url: str, patch: pytest.MonkeyPatch) -> Topic:
    """A new topic of a server, which AWS's own variables point to.

    moto keeps what any server of a process was sent: the topic's name is no other test's.
    """
    name = f"parakeet-{uuid4().hex[:8]}"
    patch.setenv("AWS_ENDPOINT_URL", url)
    patch.setenv("AWS_ACCESS_KEY_ID", "testing")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    region = "ap-southeast-2"
    arn = boto3.client("sns", region_name=region).create_topic(Name=name)["TopicArn"]
    sqs = boto3.client("sqs", region_name=region)
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    boto3.client("sns", region_name=region).subscribe(
        TopicArn=arn, Protocol="sqs", Endpoint=told["Attributes"]["QueueArn"]
    )
    return Topic(arn, queue, sqs)
