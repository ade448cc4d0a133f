"""What must never be seen: keys, share tokens, and the signatures of pre-signed URLs."""

from __future__ import annotations

import logging
import re

HIDDEN = "***"

# A pre-signed URL is a password for half an hour; these are the parameters that make it one.
_QUERY = re.compile(
    r"(?i)((?:[?&;]|%26|\\u0026)"  # JSON may have its & escaped, a query inside another one too
    r"(?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId|sig|token)"
    r"(?:=|%3D|\\u003d))[^&#\s\"'<>\\]+"
)
_TOKEN_PATH = re.compile(r"(/downloads/d/)[^/?#\s\"'<>\\]+")
_HEADER = re.compile(
    r"(?i)(\b(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic|digest)\s+)?)"
    r"[^\s\"',;]+"
)
_BEARER = re.compile(r"(?i)(\bbearer\s+)[^\s\"',;]+")
_USERINFO = re.compile(r"(?i)(\bhttps?://)[^/?#\s\"'<>]*(?=@)")
# As JSON and as Python write it, also where the text was cut off in the middle.
_JSON = re.compile(
    r"""(["'](?:apiKey|apiSecret|token|shareToken)["']\s*:\s*(["']))(?:\\.|(?!\2)[^\\])*"""
)
_PATTERNS = (_QUERY, _TOKEN_PATH, _HEADER, _BEARER, _USERINFO, _JSON)


def redact(text: str, *secrets: str) -> str:
    """`text` without anything that grants access; `secrets` are hidden wherever they stand."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


class RedactingFilter(logging.Filter):
    """Keeps signatures out of urllib3's own debug lines, which show whole request targets."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.args:
            record.msg, record.args = record.getMessage(), None
        record.msg = redact(str(record.msg))
        return True


_FILTER = RedactingFilter()


def guard_urllib3_logs() -> None:
    """Installs the filter; adding the same filter again changes nothing."""
    for name in ("urllib3.connectionpool", "urllib3.util.retry", "urllib3.connection"):
        logging.getLogger(name).addFilter(_FILTER)
