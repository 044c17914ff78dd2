"""What must not be read by whoever reads a log, a message or the UI."""

import re
from collections.abc import Iterable

HIDDEN = "***"

_URL_PASSWORD = re.compile(r"(?P<scheme>\w[\w+.-]*://)(?P<user>[^\s:/@'\"]*):[^\s/'\"]*@")
_NAMED_PASSWORD = re.compile(r"(?i)(passw(?:or)?d=|pwd=|passw(?:or)?d['\"]: ?['\"])[^\s,;&'\"]+")
_WEBHOOK = re.compile(r"(https?://hooks\.[^\s/'\"]+)/[^\s'\"]+")


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without passwords.

    Args:
        text: anything.
        secrets: what else may not be in it, as it is.

    Returns:
        The text with ``***`` for the password of every URL, the value of ``password``, the path of
        a webhook, and each of ``secrets``.
    """
    for secret in secrets:
        text = text.replace(secret, HIDDEN) if secret else text
    text = _URL_PASSWORD.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text)
    text = _WEBHOOK.sub(rf"\1/{HIDDEN}", text)
    return _NAMED_PASSWORD.sub(rf"\1{HIDDEN}", text)
