"""Where text leaves the process: no build runner obeys it, and stderr shows no secret.

Build runners take lines of a log for commands. While a command runs, stdout and stderr are replaced
by `GuardedStream`s, so that whatever is printed, by whatever code, goes through here.
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
# Comparisons that follow a language's rules pass over these, and GitHub's runner makes such ones.
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
"""Build runners by the variable that each sets, and what a command starts with there.

The last character of each pattern is printed as `\\u005b`, which means the same in JSON.
"""

_REMEMBERED = 64
SHORTEST_SECRET = 6
"""Characters; what is shorter is not hidden, since it may be a part of any word."""


def commands_obeyed(env: Mapping[str, str]) -> Pattern[str] | None:
    """What the build runner of this environment would obey; None where there is no runner."""
    markers = {
        marker
        for name, patterns in RUNNERS.items()
        if env.get(name, "").lower() not in ("", "0", "false")
        for marker in patterns
    }
    return re.compile("|".join(sorted(markers)), re.IGNORECASE) if markers else None


class GuardedStream:
    """A text stream that breaks the commands of build runners and hides secrets.

    It has no `buffer`: what looks for one would go past it.
    """

    def __init__(self, stream: IO[str], obeyed: Pattern[str] | None, *, hides: bool) -> None:
        self.stream = stream
        self.secrets: Callable[[], Iterable[str]] = tuple
        self._hides = hides
        self._obeyed = obeyed
        self._line = ""  # as printed, since the last line break, or the end of that
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Prints a text, with what must not be seen or obeyed replaced."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            self.stream.write(self._broken(self._hidden(text) if self._hides else text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Prints texts one after the other."""
        for line in lines:
            self.write(line)

    def write_exactly(self, text: str) -> None:
        """Prints whole lines of our own as they are, commands to the runner among them."""
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
            # What is printed already was no command.
            return whole if found.end() <= before else f"{whole[:-1]}\\u{ord(whole[-1]):04x}"

        seen = self._obeyed.sub(broken, self._line + text)
        line = re.split(r"[\r\n]", seen)[-1]
        if len(line) > _REMEMBERED:
            start = "" if re.fullmatch(_BLANK, line[:-_REMEMBERED]) else "x"
            self._line = start + line[-_REMEMBERED:]
        else:
            self._line = line
        return seen[before:]


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Guards stdout and stderr; afterwards they are what they were."""
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
    """From now on stderr shows none of the texts that `secrets` returns at that time."""
    if isinstance(sys.stderr, GuardedStream):
        sys.stderr.secrets = secrets


def print_exactly(text: str, stream: IO[str] | None = None) -> None:
    """Prints lines whose every character counts, such as a key, to stdout or another stream."""
    stream = stream or sys.stdout
    if isinstance(stream, GuardedStream):
        stream.write_exactly(text)
    else:
        stream.write(text)


def binary_stdout() -> BinaryIO:
    """stdout for bytes: a file's content is what it is."""
    stream: Any = sys.stdout.stream if isinstance(sys.stdout, GuardedStream) else sys.stdout
    return cast(BinaryIO, stream.buffer)


_KEYS = ("apiKey", "apiSecret", "token", "shareToken")


def mask_keys(answer: object) -> None:
    """Makes GitHub's runner hide the keys of an answer in whatever is logged after it."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for key in dict.fromkeys(_keys(answer)):
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
