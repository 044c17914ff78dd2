"""Messages to a real mail server, a real webhook and a topic of SNS, all of them local."""

import socket

import pytest

from parakeet_dagster.errors import SettingsError, TargetError
from parakeet_dagster.settings import load_settings
from parakeet_dagster.targets import (
    EmailTarget,
    Message,
    SlackTarget,
    TopicTarget,
    targets_of,
)
from parakeet_dagster_tests.message_servers import (
    PASSWORD,
    TO,
    USER,
    mail_server,
    topic_at,
    webhook,
)
from parakeet_dagster_tests.moto_server import moto_server

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

MESSAGE = Message("Parakeet: raw_prices failed", "A <b> & c: Größe 5 %\nsecond line")


@pytest.fixture(scope="module")
def mail():
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def aws():
    with moto_server() as url:
        yield url


@pytest.fixture
def nobody():
    """A port that nobody listens on."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


@pytest.fixture
def mailbox(mail):
    mail.taken.clear()
    mail.refuses = None
    return mail


class TestEmail:
    def test_it_arrives_whole(self, mailbox):
        EmailTarget((TO, "you@example.org"), mailbox.url).send(MESSAGE)
        (email,) = mailbox.taken
        assert email["Subject"] == MESSAGE.subject
        assert email["From"] == USER
        assert email["To"] == f"{TO}, you@example.org"
        assert email["Date"]
        assert email.get_content().splitlines() == MESSAGE.text.splitlines()
        assert mailbox.logins

    def test_the_sender_may_be_named(self, mailbox):
        EmailTarget((TO,), f"{mailbox.url}?from=alerts%40example.org").send(MESSAGE)
        assert mailbox.taken[0]["From"] == "alerts@example.org"

    def test_a_wrong_password_is_one_line_without_it(self, mailbox):
        target = EmailTarget((TO,), mailbox.url.replace(PASSWORD, "wrong-one"))
        with pytest.raises(TargetError) as caught:
            target.send(MESSAGE)
        assert str(caught.value) == (
            "e-mail by 127.0.0.1: refuses the user or the password (535); check PARAKEET_SMTP_URL"
            " and PARAKEET_ALERT_EMAIL"
        )
        assert mailbox.taken == []

    def test_a_refused_recipient_is_named(self, mailbox):
        mailbox.refuses = "550 no such user"
        with pytest.raises(TargetError, match=f"refuses {TO}"):
            EmailTarget((TO,), mailbox.url).send(MESSAGE)

    def test_nobody_there(self, nobody):
        with pytest.raises(TargetError, match=r"cannot be reached \(Connection refused\)"):
            EmailTarget((TO,), f"smtp://127.0.0.1:{nobody}").send(MESSAGE)

    def test_a_password_does_not_go_in_clear_to_another_machine(self, mailbox, monkeypatch):
        """The mail server offers no TLS; only its name says where it is."""
        there = socket.create_connection
        monkeypatch.setattr(
            socket,
            "create_connection",
            lambda address, *rest: there(("127.0.0.1", address[1]), *rest),
        )
        count = len(mailbox.logins)
        target = EmailTarget((TO,), mailbox.url.replace("127.0.0.1", "mail.example.org"))
        with pytest.raises(TargetError, match="offers no TLS"):
            target.send(MESSAGE)
        assert len(mailbox.logins) == count


class TestSlack:
    def test_it_arrives_with_markup_that_is_none(self):
        with webhook() as hook:
            SlackTarget(hook.url).send(MESSAGE)
            assert hook.taken == [
                "*Parakeet: raw_prices failed*\nA &lt;b&gt; &amp; c: Größe 5 %\nsecond line"
            ]

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_what_is_not_taken_is_said_without_the_url(self, status):
        with webhook() as hook:
            hook.status = status
            with pytest.raises(TargetError, match=f"answers {status}; check") as caught:
                SlackTarget(hook.url).send(MESSAGE)
            assert "hush-hush" not in str(caught.value)

    def test_nobody_there(self, nobody):
        with pytest.raises(TargetError, match="cannot be reached") as caught:
            SlackTarget(f"http://127.0.0.1:{nobody}/services/hush-hush").send(MESSAGE)
        assert "hush" not in str(caught.value)


class TestTopic:
    def test_it_arrives(self, aws, monkeypatch):
        topic = topic_at(aws, monkeypatch)
        TopicTarget(topic.arn).send(Message("Größe: " + 100 * "x", MESSAGE.text))
        (taken,) = topic.taken
        assert taken["Subject"] == "Gr??e: " + 93 * "x"
        assert taken["Message"] == MESSAGE.text

    def test_an_unknown_topic_is_one_line(self, aws, monkeypatch):
        topic = topic_at(aws, monkeypatch)
        with pytest.raises(TargetError, match=r"SNS topic parakeet-\w+x: refused \(NotFound"):
            TopicTarget(topic.arn + "x").send(MESSAGE)


class TestSettings:
    def test_none_is_set(self):
        assert targets_of(load_settings()) == []
        assert not load_settings().alerts_anyone

    def test_all_are_set(self, monkeypatch):
        monkeypatch.setenv("PARAKEET_ALERT_EMAIL", f"{TO}, you@example.org")
        monkeypatch.setenv("PARAKEET_SMTP_URL", f"smtps://me:{PASSWORD}@mail.example.org:465")
        monkeypatch.setenv("PARAKEET_SLACK_WEBHOOK", "https://hooks.slack.com/services/T/B/x")
        monkeypatch.setenv("PARAKEET_ALERT_TOPIC", "arn:aws:sns:us-east-1:123456789012:alerts")
        names = [target.name for target in targets_of(load_settings())]
        assert names == [
            "e-mail by mail.example.org",
            "Slack webhook at hooks.slack.com",
            "SNS topic alerts",
        ]
        shown = repr(targets_of(load_settings())) + repr(load_settings())
        assert PASSWORD not in shown
        assert "services/T" not in shown

    @pytest.mark.parametrize(
        ("variable", "value", "told"),
        [
            ("PARAKEET_ALERT_EMAIL", "me", "PARAKEET_ALERT_EMAIL=me: accepted is comma-separated"),
            ("PARAKEET_SMTP_URL", "mail.example.org", "PARAKEET_SMTP_URL=***: accepted is smtp://"),
            ("PARAKEET_SMTP_URL", "smtp://:x@", "PARAKEET_SMTP_URL=***: accepted is smtp://"),
            ("PARAKEET_SLACK_WEBHOOK", "xoxb-1", "PARAKEET_SLACK_WEBHOOK=***: accepted is the"),
            ("PARAKEET_ALERT_TOPIC", "alerts", "PARAKEET_ALERT_TOPIC=alerts: accepted is the ARN"),
            ("PARAKEET_LOGS", "xml", "PARAKEET_LOGS=xml: accepted is text or json"),
        ],
    )
    def test_a_wrong_value_gets_one_line(self, monkeypatch, variable, value, told):
        monkeypatch.setenv(variable, value)
        with pytest.raises(SettingsError) as caught:
            load_settings()
        assert str(caught.value).startswith(told)

    def test_an_address_needs_a_server(self, monkeypatch):
        monkeypatch.setenv("PARAKEET_ALERT_EMAIL", TO)
        with pytest.raises(SettingsError, match="PARAKEET_SMTP_URL is not"):
            load_settings()
