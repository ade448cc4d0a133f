"""What must never be seen: keys, share tokens, and the signatures of pre-signed URLs."""

from __future__ import annotations

import json
import logging
import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

HIDDEN = "***"

# A pre-signed URL is a password for half an hour; these are the parameters that make it one.
_QUERY = re.compile(
    r"(?i)((?:[?&;]|%26|\\u0026)"  # JSON may have its & escaped, a query inside another one too
    r"(?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId|sig|token)"
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
# Each run of characters that a user name could stand in is matched once and whole: a pattern that
# looks for the @ itself would look through the rest of the text from every address without one.
_ADDRESS = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{1,15}:(?://|\\/\\/))")
_WORD = re.compile(r"[^\s\"'<>]+")
_SHORT_USERINFO = re.compile(r"[^/?#]*@")
# That of a password with a character that should have been encoded; what looks like a port is none.
_LONG_USERINFO = re.compile(r"[^/?#@:\[]*:(?!\d{1,5}(?:[/?#]|$))")
_ENCODED_ADDRESS = re.compile(r"(?i)(%3A(?:%2F%2F|//))((?:(?!%2F|%3F|%23|%3A%2F%2F)[^&\s\"'<>])*)")
_COOKIE = re.compile(
    r"(?i)((?:\b|%22)(?:set-)?cookie2?(?:[\\\"']|%22)*[ \t]*(?:[:=]|%3A)"
    rf"(?:[\\\"']|%22|{_GAP})*)[^\r\n\"'<>\\]+"
)
# As JSON and as Python write it, also where the text was cut off in the middle; then as it is
# inside of a text in JSON.
_NAMES = "(?:apiKey|apiSecret|token|shareToken)"
_JSON = re.compile(rf"""(["']{_NAMES}["']\s*:\s*(["']))(?:\\.|(?!\2)[^\\])*""")
_NESTED_JSON = re.compile(rf"""(\\["']{_NAMES}\\+["']\s*:\s*\\+["'])[^\\"']*""")
_ENCODED_JSON = re.compile(rf"(?i)(%22{_NAMES}%22%3A{_GAP}*%22)(?:(?!%22)[^&\s])*")
_PATTERNS = (_QUERY, _TOKEN_PATH, _HEADER, _COOKIE, _BEARER, _BASIC)
_JSON_PATTERNS = (_JSON, _NESTED_JSON, _ENCODED_JSON)
_MARGIN = 4096
"""So many characters beyond a cut are looked at, for what begins before it."""

_MIN_SECRET = 8
_HTML = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"))


def secrets_of(key: str) -> tuple[str, ...]:
    """What to hide of an API key: the whole, and of a hosted one the secret half alone."""
    _, dot, secret = key.rpartition(".")
    found = (key, secret) if dot and len(secret) >= _MIN_SECRET else (key,)
    return tuple(HiddenText(each) for each in found)


@lru_cache(maxsize=8)
def _forms(secret: str) -> list[str]:
    """A secret as it stands in plain text, an address, JSON and HTML; the longest form first."""
    if not secret:
        return []
    encoded = quote(secret, safe="", errors="replace")
    lower = re.sub("%..", lambda found: found[0].lower(), encoded)
    inside = json.dumps(secret)[1:-1]
    html = secret
    for plain, escaped in _HTML:
        html = html.replace(plain, escaped)
    forms = {secret, encoded, lower, quote(secret, errors="replace"), inside, html}
    return sorted({*forms, inside.replace("/", "\\/")}, key=len, reverse=True)


def hide(text: str, *secrets: str) -> str:
    """`text` without these secrets, however they are encoded; the rest of it stays as it is."""
    for secret in secrets:
        for form in _forms(secret):
            text = text.replace(form, HIDDEN)
    return text


def may_hold(body: bytes, secrets: tuple[str, ...]) -> bool:
    """Whether JSON could hold one of the secrets; quicker than looking at each of its texts."""
    forms = (form for secret in secrets for form in _forms(secret))
    return any(form.encode() in body for form in forms) or (bool(secrets) and b"\\u00" in body)


def hide_in(value: Any, *secrets: str) -> Any:
    """The same for all texts in a value of JSON, as a new value."""
    if isinstance(value, str):
        return hide(value, *secrets)
    if isinstance(value, list):
        return [hide_in(each, *secrets) for each in value]
    if isinstance(value, dict):
        return {hide(name, *secrets): hide_in(each, *secrets) for name, each in value.items()}
    return value


def redact(text: str, *secrets: str) -> str:
    """`text` without anything that grants access; `secrets` are hidden wherever they stand.

    Takes time in proportion to the length of `text`, whatever it holds.
    """
    text = hide(text, *secrets)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    if "@" in text:
        text = _WORD.sub(_without_userinfo, text)
    if "%40" in text:
        text = _ENCODED_ADDRESS.sub(_without_encoded_userinfo, text)
    for pattern in _JSON_PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


def redact_and_cut(text: str, limit: int, *secrets: str) -> str:
    """The first `limit` characters of a redacted text, of which no more than needed is looked at.

    What is cut is redacted before: half a secret is one that nothing recognizes.
    """
    clean = redact(text[: limit + _MARGIN], *secrets)
    if len(text) > limit + _MARGIN:
        clean = _without_last_word(clean)
    return clean[:limit]


def _without_last_word(text: str) -> str:
    """Text that was cut, without the word that the cut went through: it may begin a secret."""
    ends = max(text.rfind(end) for end in " \n\t\"'<>")
    return text[: max(ends, len(text) - _MARGIN, 0)]


def _without_userinfo(word: re.Match[str]) -> str:
    """A word without user names and passwords in addresses."""
    text = word[0]
    last = text.rfind("@")
    if last < 0 or "/" not in text:
        return text
    kept, position = [], 0
    while address := _ADDRESS.search(text, position, last):
        start = address.end()
        kept.append(text[position:start])
        position = start
        if short := _SHORT_USERINFO.match(text, start):
            end = short.end() - 1
        elif _LONG_USERINFO.match(text, start, last + 1):
            end = last
        else:
            continue
        kept.append(HIDDEN)
        position = end
    return "".join([*kept, text[position:]])


def _without_encoded_userinfo(address: re.Match[str]) -> str:
    start, rest = address[1], address[2]
    end = rest.rfind("%40")
    return f"{start}{HIDDEN}{rest[end:]}" if end >= 0 else f"{start}{rest}"


class HiddenText(str):
    """A text like any other, but for its `repr`, by which debuggers and those who report errors
    print variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN)


class HiddenUrl(HiddenText):
    """A pre-signed URL, of which the place may be seen."""

    __slots__ = ()

    def __repr__(self) -> str:
        address, mark, _ = self.partition("?")
        return repr(redact(address) + (mark and f"?{HIDDEN}"))


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
