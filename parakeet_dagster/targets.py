"""Where messages go: e-mail, Slack, SNS. Each target sends a text, or says in one line why not.

What they raise never shows a URL: a webhook's is all it takes to write to the channel.
"""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from parakeet_dagster.errors import TargetError
from parakeet_dagster.settings import Settings

SECONDS = 10.0
"""What a server may take to answer."""

LONGEST_SUBJECT = 100
"""What SNS takes."""

LONGEST_FOR_SLACK = 39_000
PORTS = {"smtp": 587, "smtps": 465}
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Message:
    """A text with a subject of one line; both without secrets."""

    subject: str
    text: str


class Target(Protocol):
    """One place that messages go to. ``name`` says which, without a secret."""

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            TargetError: it was not taken.
        """
        ...


def targets_of(settings: Settings) -> list[Target]:
    """The targets that are set, none where none is."""
    found: list[Target] = []
    if settings.alert_emails and settings.smtp_url:
        found.append(EmailTarget(settings.alert_emails, settings.smtp_url.get_secret_value()))
    if settings.slack_webhook:
        found.append(SlackTarget(settings.slack_webhook.get_secret_value()))
    if settings.alert_topic:
        found.append(TopicTarget(settings.alert_topic))
    return found


@dataclass(frozen=True)
class EmailTarget:
    """Plain text by SMTP: with TLS from the start (``smtps://``), else STARTTLS where offered."""

    recipients: Sequence[str]
    url: str = field(repr=False)

    @property
    def name(self) -> str:
        """Which server."""
        return f"e-mail by {urlsplit(self.url).hostname}"

    def send(self, message: Message) -> None:
        """Send one e-mail to all recipients.

        Raises:
            TargetError: the server cannot be reached, or refuses a recipient or the log-in; or it
                offers no TLS and would read the password in clear.
        """
        parts = urlsplit(self.url)
        try:
            with self._connection(parts) as server:
                refused = server.send_message(self._email(message, parts))
        except (smtplib.SMTPException, OSError) as error:
            raise TargetError(
                f"{self.name}: {_why(error)}; check PARAKEET_SMTP_URL and PARAKEET_ALERT_EMAIL"
            ) from None
        if refused:
            raise TargetError(f"{self.name}: refuses {', '.join(refused)}; correct the addresses")

    def _connection(self, parts: SplitResult) -> smtplib.SMTP:
        host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
        context = ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=SECONDS)
        try:
            server.ehlo()
            is_private = parts.scheme == "smtps" or host in _THIS_MACHINE
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=context)
                is_private = True
            if parts.username and not is_private:
                raise smtplib.SMTPException("offers no TLS, and would read the password in clear")
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server

    def _email(self, message: Message, parts: SplitResult) -> EmailMessage:
        email = EmailMessage()
        email["Subject"] = message.subject
        email["From"] = self._sender(parts)
        email["To"] = ", ".join(self.recipients)
        email["Date"] = formatdate(usegmt=True)
        email["Message-ID"] = make_msgid(domain="parakeet.invalid")
        email.set_content(message.text)
        return email

    def _sender(self, parts: SplitResult) -> str:
        asked = parse_qs(parts.query).get("from")
        user = unquote(parts.username or "")
        return asked[0] if asked else user if "@" in user else self.recipients[0]


@dataclass(frozen=True)
class SlackTarget:
    """An incoming webhook of Slack, or of what speaks its protocol (Mattermost, Discord's /slack).

    Source: "Sending messages using incoming webhooks", Slack's API documentation.
    """

    url: str = field(repr=False)

    @property
    def name(self) -> str:
        """Which server."""
        return f"Slack webhook at {urlsplit(self.url).hostname}"

    def send(self, message: Message) -> None:
        """Post the text.

        Raises:
            TargetError: the server cannot be reached, or does not answer with 2xx.
        """
        import requests  # seldom wanted

        text = f"*{_for_slack(message.subject)}*\n{_for_slack(message.text)}"[:LONGEST_FOR_SLACK]
        try:
            answer = requests.post(
                self.url, json={"text": text}, timeout=SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise TargetError(
                f"{self.name}: cannot be reached ({type(error).__name__}); check"
                " PARAKEET_SLACK_WEBHOOK"
            ) from None
        if not 200 <= answer.status_code < 300:
            raise TargetError(
                f"{self.name}: answers {answer.status_code}; check PARAKEET_SLACK_WEBHOOK"
            )


@dataclass(frozen=True)
class TopicTarget:
    """A topic of SNS, in the region that its ARN names."""

    arn: str

    @property
    def name(self) -> str:
        """Which topic."""
        return f"SNS topic {self.arn.rpartition(':')[2]}"

    def send(self, message: Message) -> None:
        """Publish the text.

        Raises:
            TargetError: AWS cannot be reached, or refuses.
        """
        import boto3  # seldom wanted
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        patience = Config(
            connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 2}
        )
        subject = message.subject.encode("ascii", "replace").decode()[:LONGEST_SUBJECT]
        try:
            client = boto3.client("sns", region_name=self.arn.split(":")[3], config=patience)
            client.publish(TopicArn=self.arn, Subject=subject, Message=message.text)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise TargetError(
                f"{self.name}: refused ({code}); check PARAKEET_ALERT_TOPIC and the right"
                " sns:Publish"
            ) from None
        except BotoCoreError as error:
            raise TargetError(
                f"{self.name}: {str(error).splitlines()[0]}; check the AWS credentials"
            ) from None


def _why(error: Exception) -> str:
    """In one line, without what a server may repeat of the log-in."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"refuses the user or the password ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"refuses {', '.join(error.recipients)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"answers {error.smtp_code}"
    if isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException):
        return f"cannot be reached ({error.strerror or type(error).__name__})"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _for_slack(text: str) -> str:
    """With the three characters that Slack reads as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
