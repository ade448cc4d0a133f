"""What must never be seen: keys, share tokens, and the signatures of pre-signed URLs."""

from __future__ import annotations

import json
import logging
import re
from urllib.parse import quote

HIDDEN = "***"

# A pre-signed URL is a password for half an hour; these are the parameters that make it one.
_QUERY = re.compile(
    r"(?i)((?:[?&;]|%26|\\u0026)"  # JSON may have its & escaped, a query inside another one too
    r"(?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId|sig|token)"
    r"(?:=|%3D|\\u003d))[^&#\s\"'<>\\]+"
)
_SLASH = r"(?:/|%2F|\\/|\\u002f)"  # as it is, in a query, and as some write it in JSON
_TOKEN_PATH = re.compile(rf"(?i)({_SLASH}downloads{_SLASH}d{_SLASH})[^/?#&\s\"'<>\\]+")
_GAP = r"(?:\s|%20|\+)"
_HEADER = re.compile(
    r"(?i)((?:\b|%22)(?:proxy-)?authorization(?:[\\\"']|%22)*\s*(?:[:=]|%3A)"
    rf"{_GAP}*(?:[\\\"']|%22)*(?:(?:bearer|basic|digest){_GAP}+)?)[^\s\"',;\\]+"
)
_BEARER = re.compile(rf"(?i)((?:\b|%20|%22)bearer{_GAP}+)[^\s\"',;\\]+")
# What base64 looks like, and "Basic authentication" does not.
_BASIC = re.compile(
    r"(\b(?:[Bb]asic|BASIC)\s+)(?=[^\s=]*(?:[0-9=]|[a-z][A-Z]))[A-Za-z0-9+/]{8,}={0,2}"
)
# The second form is that of a password with a character that should have been encoded; what looks
# like a port is none.
_USERINFO = re.compile(
    r"(?i)(\b[a-z][a-z0-9+.-]{1,15}:(?://|\\/\\/))"
    r"(?:[^/?#\s\"'<>]*|[^/?#\s\"'<>@:\[]*:(?!\d{1,5}(?:[/?#]|$))[^\s\"'<>]*)(?=@)"
)
# As JSON and as Python write it, also where the text was cut off in the middle; then as it is
# inside of a text in JSON.
_NAMES = "(?:apiKey|apiSecret|token|shareToken)"
_JSON = re.compile(rf"""(["']{_NAMES}["']\s*:\s*(["']))(?:\\.|(?!\2)[^\\])*""")
_NESTED_JSON = re.compile(rf"""(\\["']{_NAMES}\\+["']\s*:\s*\\+["'])[^\\"']*""")
_ENCODED_JSON = re.compile(rf"(?i)(%22{_NAMES}%22%3A{_GAP}*%22)(?:(?!%22)[^&\s])*")
_ENCODED_USERINFO = re.compile(r"(?i)(%3A(?:%2F%2F|//))(?:(?!%2F|%3F|%23)[^&\s\"'<>])*(?=%40)")
_PATTERNS = (
    *(_QUERY, _TOKEN_PATH, _HEADER, _BEARER, _BASIC),
    *(_USERINFO, _ENCODED_USERINFO, _JSON, _NESTED_JSON, _ENCODED_JSON),
)


def _forms(secret: str) -> list[str]:
    """A secret as it stands in plain text, in an address and in JSON; the longest form first."""
    if not secret:
        return []
    encoded = quote(secret, safe="", errors="replace")
    lower = re.sub("%..", lambda found: found[0].lower(), encoded)
    inside = json.dumps(secret)[1:-1]
    forms = {secret, encoded, lower, quote(secret, errors="replace"), inside}
    return sorted({*forms, inside.replace("/", "\\/")}, key=len, reverse=True)


def redact(text: str, *secrets: str) -> str:
    """`text` without anything that grants access; `secrets` are hidden wherever they stand."""
    for secret in secrets:
        for form in _forms(secret):
            text = text.replace(form, HIDDEN)
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
