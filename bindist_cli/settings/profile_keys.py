"""The settings that a profile may hold: one entry each, from which all that handles them follows.

`config set`, `get`, `list` and `unset`, completion, the reference and `resolve` go by this table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bindist.redaction import HIDDEN

from ..exit_codes import CliError, Exit
from ..params import OUTPUTS, STORE_ETAGS

DEFAULT_URL = "https://api.bindist.eu"
ON = ("1", "true", "yes", "on")
OFF = ("0", "false", "no", "off")

Reader = Callable[[str, str], Any]
"""Makes the value of a setting, by its key, out of a text. Raises CliError for any other text."""


def one_of(values: Sequence[str]) -> Reader:
    """Reads one of a few words."""
    return _OneOf(tuple(values))


@dataclass(frozen=True)
class _OneOf:
    words: Sequence[str]

    def __call__(self, key: str, text: str) -> str:
        if text not in self.words:
            hint = "use one of " + ", ".join(self.words)
            raise CliError(f"invalid value for {key}: {text!r}", Exit.USAGE, hint=hint)
        return text


def _text(key: str, text: str) -> str:  # noqa: ARG001
    return text


def _url(key: str, text: str) -> str:  # noqa: ARG001
    return check_url(text)


def _file(key: str, text: str) -> str:
    if not Path(text).exists():
        raise CliError(f"{key}: file not found: {text}", Exit.USAGE)
    return str(Path(text).absolute())  # must work from any folder


def _switch(key: str, text: str) -> bool:
    if text.lower() not in _SWITCH:
        raise CliError(f"{key} must be true or false, not {text!r}", Exit.USAGE)
    return _SWITCH[text.lower()]


def _count(key: str, text: str) -> int:
    return int(_number(key, text, int, "a whole number, 0 or more"))


def _seconds(key: str, text: str) -> float | int:
    seconds = _number(key, text, float, "a number of seconds above 0")
    return int(seconds) if seconds == int(seconds) else seconds  # written as 30, not as 30.0


def _number(key: str, text: str, kind: type, rule: str) -> float:
    try:
        value: float = kind(text)
    except ValueError:
        value = -1
    if not (0 <= value < float("inf")) or (kind is float and not value):
        raise CliError(f"{key} must be {rule}, not {text!r}", Exit.USAGE)
    return value


_SWITCH = {**dict.fromkeys(ON, True), **dict.fromkeys(OFF, False)}
_READERS: dict[type, Reader] = {str: _text, bool: _switch, int: _count, float: _seconds}


@dataclass(frozen=True)
class ProfileKey:
    """One setting: the type of its value in config.toml, what it means, how `config set` reads it
    (default: as any value of that type), the value where none is set, the environment variable
    that overrides it (default: BINDIST_ and the name), and what is used where there is no such
    value: for people, who ask what applies."""

    kind: type
    help: str
    reader: Reader | None = None
    default: Any = None
    variable: str | None = None
    in_use: str | int | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """The words that it takes, where these are few."""
        if self.kind is bool:
            return "true", "false"
        return tuple(self.reader.words) if isinstance(self.reader, _OneOf) else ()

    @property
    def is_file(self) -> bool:
        """Whether its value is the path of a file."""
        return self.reader is _file

    @property
    def shown_default(self) -> Any:
        return self.in_use if self.default is None else self.default

    def read(self, key: str, text: str) -> Any:
        """The value that a text is. Raises CliError."""
        return (self.reader or _READERS[self.kind])(key, text)

    def accepts(self, value: object) -> bool:
        """Whether a value in config.toml has the right type; whole numbers are numbers, too."""
        return type(value) is self.kind or (self.kind is float and type(value) is int)


PROFILE_KEYS: dict[str, ProfileKey] = {
    "api_url": ProfileKey(str, "base URL of the API", _url, DEFAULT_URL),
    "output": ProfileKey(
        str,
        "output format: " + ", ".join(OUTPUTS),
        one_of(OUTPUTS),
        in_use="table on a terminal, else tsv",
    ),
    "timeout": ProfileKey(
        float,
        "seconds to wait for a connection, and for each read [default: 10 and 60]",
        in_use="10 and 60",
    ),
    "retries": ProfileKey(
        int, "maximum retries of a request that is safe to repeat [default: 3]", in_use=3
    ),
    "ca_bundle": ProfileKey(str, "file of CA certificates to trust, in PEM format", _file),
    "allow_http": ProfileKey(
        bool,
        "allow sending the key unencrypted, over http, to other machines [default: false]",
        default=False,
    ),
    "store_etag": ProfileKey(
        str,
        "the object store's ETags: md5 of the content, or opaque (SSE-KMS, SSE-C) [default: md5]",
        one_of(STORE_ETAGS),
        STORE_ETAGS[0],
    ),
    "signing_key": ProfileKey(
        str,
        "file of the secret key that signs uploads",
        _file,
        variable="BINDIST_SIGNING_KEY_FILE",  # BINDIST_SIGNING_KEY is the key itself
    ),
    "allow_private_store": ProfileKey(
        bool,
        "accept an object store in a private network (VPN, on premises) from a public server"
        " [default: false]",
        default=False,
    ),
}


def variable_of(key: str) -> str:
    """Returns the name of the environment variable that overrides a setting."""
    return (key in PROFILE_KEYS and PROFILE_KEYS[key].variable) or f"BINDIST_{key.upper()}"


def check_url(text: str) -> str:
    """Normalizes the base URL of an API. Raises CliError if it is invalid."""
    from bindist.connection import check_base_url

    try:
        return check_base_url(text)
    except ValueError as error:
        said = str(error).replace(repr(text), repr(shown_address(text)))
        raise CliError(
            said, Exit.USAGE, hint="use a URL such as https://bindist.example.com"
        ) from None


def shown_address(url: str) -> str:
    """Hides user, password, query and fragment of a URL, even of one without a scheme or an invalid
    one."""
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url)
    scheme = found[0] if found else ""
    _, at, host = url.removeprefix(scheme).rpartition("@")
    host = re.sub(r"([?#]).+", rf"\1{HIDDEN}", host, flags=re.DOTALL)
    return f"{scheme}{HIDDEN}{at}{host}" if at else f"{scheme}{host}"
