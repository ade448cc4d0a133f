"""Guards stdout and stderr: neutralizes commands to build runners, and hides secrets on stderr.

Build runners interpret some lines of a log as commands. While a command runs, `GuardedStream`s
replace stdout and stderr, so that all output passes through here, whichever code prints it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import quote

from bindist.redaction import HIDDEN

if TYPE_CHECKING:
    from re import Match, Pattern

_START = r"(?:\A|(?<=[\r\n]))"
# Culture-sensitive comparisons, as in GitHub's runner, ignore these characters.
_IGNORED = (
    r"\0-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u180e"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
)
_BLANK = rf"(?:\x1b\[[0-9;]*m|(?![\r\n])[\s{_IGNORED}])*"


def _marker(text: str) -> str:
    return f"[{_IGNORED}]*".join(map(re.escape, text))


RUNNERS: dict[str, tuple[str, ...]] = {
    "GITHUB_ACTIONS": (_START + _BLANK + _marker("::"), _marker("##[")),
    "GITLAB_CI": (_marker("section_start:"), _marker("section_end:")),
    "TF_BUILD": (_marker("##vso["), _marker("##[")),
    "TEAMCITY_VERSION": (_marker("##teamcity["),),
    "TRAVIS": (_marker("travis_fold:"), _marker("travis_time:")),
}
"""Build runners, by the variable that each sets, and the patterns that start a command there.

The last character of a match is printed as an escape such as `\\u005b`, which is the same in JSON.
"""

_KEPT_CHARACTERS = 64
MIN_SECRET_LENGTH = 6
"""In characters; a shorter secret is not hidden, because it may be part of any word."""


def commands_obeyed(env: Mapping[str, str]) -> Pattern[str] | None:
    """Returns the pattern of commands to the build runner of this environment, or None."""
    markers = {
        marker
        for name, patterns in RUNNERS.items()
        if env.get(name, "").lower() not in ("", "0", "false")
        for marker in patterns
    }
    return re.compile("|".join(sorted(markers)), re.IGNORECASE) if markers else None


class GuardedStream:
    """A text stream that neutralizes commands to build runners and hides secrets.

    It has no `buffer`, which would bypass it.
    """

    def __init__(self, stream: IO[str], obeyed: Pattern[str] | None, *, hides: bool) -> None:
        self.stream = stream
        self.secrets: Callable[[], Iterable[str]] = tuple
        self._hides = hides
        self._obeyed = obeyed
        self._line = ""  # printed since the last line break; only its end if that is long
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Prints text with commands and secrets replaced."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            self.stream.write(self._broken(self._hidden(text) if self._hides else text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Prints several texts."""
        for line in lines:
            self.write(line)

    def write_exactly(self, text: str) -> None:
        """Prints whole lines of our own unchanged, including commands to the runner."""
        with self._lock:
            self.stream.write(("\n" if self._line else "") + text)
            self._line = ""

    def _hidden(self, text: str) -> str:
        for secret in sorted(self.secrets(), key=len, reverse=True):
            for form in {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}:
                text = text.replace(form, HIDDEN)
        return text

    def _broken(self, text: str) -> str:
        if self._obeyed is None:
            return text
        before = len(self._line)

        def broken(found: Match[str]) -> str:
            whole = found[0]
            # The part already printed was not a command.
            return whole if found.end() <= before else f"{whole[:-1]}\\u{ord(whole[-1]):04x}"

        seen = self._obeyed.sub(broken, self._line + text)
        line = re.split(r"[\r\n]", seen)[-1]
        if len(line) > _KEPT_CHARACTERS:
            start = "" if re.fullmatch(_BLANK, line[:-_KEPT_CHARACTERS]) else "x"
            self._line = start + line[-_KEPT_CHARACTERS:]
        else:
            self._line = line
        return seen[before:]


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Guards stdout and stderr during the block."""
    obeyed = commands_obeyed(os.environ)
    streams = sys.stdout, sys.stderr
    if obeyed is not None:
        sys.stdout = cast("Any", GuardedStream(streams[0], obeyed, hides=False))
    sys.stderr = cast("Any", GuardedStream(streams[1], obeyed, hides=True))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def hide(secrets: Callable[[], Iterable[str]]) -> None:
    """Hides on stderr, from now on, the texts that `secrets` returns when something is printed."""
    if isinstance(sys.stderr, GuardedStream):
        sys.stderr.secrets = secrets


def print_exactly(text: str, stream: IO[str] | None = None) -> None:
    """Prints lines unchanged, such as a key, to stdout or another stream."""
    stream = stream or sys.stdout
    if isinstance(stream, GuardedStream):
        stream.write_exactly(text)
    else:
        stream.write(text)


def binary_stdout() -> BinaryIO:
    """Returns stdout for bytes, without a guard: the content of files is printed unchanged."""
    stream: Any = sys.stdout.stream if isinstance(sys.stdout, GuardedStream) else sys.stdout
    return cast(BinaryIO, stream.buffer)


_KEYS = ("apiKey", "apiSecret", "token", "shareToken")


def mask_keys(response: object) -> None:
    """Tells GitHub's runner to mask the keys in a response in all later log lines."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for key in dict.fromkeys(_keys(response)):
            escaped = key.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
            with contextlib.suppress(OSError):
                print_exactly(f"::add-mask::{escaped}\n", sys.stderr)
                sys.stderr.flush()


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name in _KEYS and isinstance(item, str) and item:
                yield item
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)
