"""Faults on purpose: which request fails, and how.

    KIND[:ARGUMENT][,method=GET][,path=GLOB][,nth=N][,times=M]

`KIND=ARGUMENT` is the same as `KIND:ARGUMENT`. Method and path choose the requests (the path as it
is sent, without the query); of those, number `nth` (1) and the following, `times` in all, fail.
`times` is 1 by default, but 0 for `slow-db`, `slow-store`, `stale-reads` and `strict-crc`; 0 is for
ever. The path of `late-completion` is `*/upload/large-complete` by default, and any path that of
the others.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Arguments = tuple[Any, ...]


def _number(read: Callable[[str], float], low: float, high: float) -> Callable[[str], Any]:
    def reader(text: str) -> Any:
        number = read(text)
        if not low <= number <= high:
            raise ValueError
        return number

    return reader


def _location(text: str) -> str:
    if not text or re.search(r"[\s\x00-\x1f]", text):
        raise ValueError
    return text


def _etag(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable():
        raise ValueError
    return text if text.startswith('"') else f'"{text}"'


def _code(text: str) -> str:
    if not text.isalnum() or not text.isascii():
        raise ValueError
    return text


_COUNT = _number(int, 0, 1 << 62)
_SECONDS = _number(float, 0, 86400)
_MILLISECONDS = _number(float, 0, 86_400_000)
_RATE = _number(float, 1, 1e12)
_STATUS = _number(int, 200, 599)


@dataclass(frozen=True)
class Kind:
    """A kind of fault: what it does, and how its argument (parts between slashes) is read."""

    does: str
    readers: tuple[Callable[[str], Any], ...] = ()
    form: str = ""
    default: str | None = None
    optional: int = 0  # this many of the last parts may be left out
    path: str = "*"
    times: int = 1

    def read(self, text: str | None) -> Arguments:
        text = self.default if text is None else text
        if text is None or not self.readers:
            if text or self.readers:
                raise ValueError
            return ()
        parts = text.split("/", len(self.readers) - 1) if len(self.readers) > 1 else [text]
        if len(self.readers) - self.optional > len(parts):
            raise ValueError
        return tuple(read(part) for read, part in zip(self.readers, parts, strict=False))


KINDS: dict[str, Kind] = {
    "refuse": Kind("reset the connection before processing the request"),
    "stall": Kind("wait before processing the request", (_SECONDS,), ":SECONDS"),
    "reset-request": Kind("reset after N bytes of the request's body", (_COUNT,), ":N"),
    "status": Kind("a gateway's JSON response", (_STATUS, str), ":CODE[/RETRY_AFTER]", optional=1),
    "html": Kind("a gateway's HTML page", (_STATUS,), "[:CODE]", "502"),
    "empty": Kind("a response without a body", (_STATUS,), "[:CODE]", "503"),
    "text": Kind("a response in plain text", (_STATUS,), "[:CODE]", "500"),
    "not-json": Kind("200 with an HTML page, as a captive portal sends"),
    "json-array": Kind("200 with JSON that is not an object"),
    "redirect": Kind("302 to URL", (_location,), ":URL"),
    "redirect-loop": Kind("302 to the URL of the request itself"),
    "expire": Kind("the store: reject the URL as expired; the API: return an expired URL"),
    "quota": Kind("large-url: 413, storage quota exceeded"),
    "lost": Kind("process the request, then close without a response"),
    "reset": Kind(
        "process the request; reset after N bytes of the response's body", (_COUNT,), ":N"
    ),
    "cut": Kind("process the request; close after N bytes of the response's body", (_COUNT,), ":N"),
    "stall-body": Kind(
        "pause for SECONDS after N bytes of the body", (_COUNT, _SECONDS), ":N/SECONDS"
    ),
    "slow": Kind("limit both directions to RATE bytes per second", (_RATE,), ":RATE"),
    "flip": Kind("alter the byte at offset N of the response's body", (_COUNT,), ":N"),
    "length": Kind("a Content-Length that is wrong by N", (int,), ":N"),
    "range-lie": Kind("206 with another range than requested"),
    "range-ignore": Kind("200 with the whole file, for any requested range"),
    "gzip": Kind("the body compressed, with Content-Encoding"),
    "etag": Kind("another ETag", (_etag,), ":ETAG"),
    "strict-crc": Kind(
        "the store: compare an upload with the checksum in its URL, and refuse it with CODE",
        (_code,),
        "[:CODE]",
        "BadDigest",
        times=0,
    ),
    "slow-db": Kind("delay each step in the database by MS ms", (_MILLISECONDS,), ":MS", times=0),
    "slow-store": Kind(
        "delay each request to the store, and the inline upload's put, by MS ms",
        (_MILLISECONDS,),
        ":MS",
        times=0,
    ),
    "stale-reads": Kind(
        "let read-only steps see the database as it was MS ms ago",
        (_MILLISECONDS,),
        ":MS",
        times=0,
    ),
    "late-completion": Kind(
        "respond with 504 at once, and process the request SECONDS later",
        (_SECONDS,),
        ":SECONDS",
        path="*/upload/large-complete",
    ),
    "duplicate": Kind(
        "process the request twice, the second time at once or SECONDS later",
        (_SECONDS,),
        "[:SECONDS]",
        "0",
    ),
}

# How the server carries requests out; the others are what befalls a request or its answer.
SERVER_FAULTS = frozenset({"slow-db", "slow-store", "stale-reads", "late-completion", "duplicate"})


@dataclass
class Fault:
    """One fault of a plan, and how many requests have matched it so far."""

    kind: str
    arguments: Arguments = ()
    method: str = "*"
    path: str = "*"
    nth: int = 1
    times: int = 1
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        if not fnmatchcase(method, self.method) or not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times == 0 or self.seen < self.nth + self.times)


def parse_fault(spec: str) -> Fault:
    """Read a fault's text. Raises ValueError with a message that lists the kinds."""
    head, *options = re.split(r",(?=(?:method|path|nth|times)=)", spec.strip())
    name, *argument = re.split("[:=]", head, maxsplit=1)
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"unknown fault {name!r}. {usage()}")
    try:
        fault = Fault(
            name, kind.read(argument[0] if argument else None), path=kind.path, times=kind.times
        )
        for option in options:
            key, _, value = option.partition("=")
            setattr(fault, key, _OPTIONS[key](value))
    except ValueError:
        raise ValueError(f"cannot read the fault {spec!r}. {usage()}") from None
    return fault


_OPTIONS: dict[str, Callable[[str], Any]] = {
    "method": str.upper,
    "path": str,
    "nth": _number(int, 1, 1 << 62),
    "times": _COUNT,
}


def usage() -> str:
    return (
        "A fault is KIND[,method=GET][,path=GLOB][,nth=N][,times=M] with one of these kinds: "
        + ", ".join(f"{name}{kind.form}" for name, kind in KINDS.items())
    )


class FaultPlan:
    """The faults in force on a server."""

    def __init__(self, specs: Sequence[str] = ()) -> None:
        self._lock = threading.Lock()
        self._faults = [parse_fault(spec) for spec in specs]

    def add(self, spec: str) -> None:
        fault = parse_fault(spec)
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    @property
    def all_struck(self) -> bool:
        """Whether each fault has befallen a request by now."""
        with self._lock:
            return all(fault.seen >= fault.nth for fault in self._faults)

    def most(self, kind: str) -> float:
        """The greatest argument with which a kind is in force, 0 where it is not."""
        with self._lock:
            return max(
                (fault.arguments[0] for fault in self._faults if fault.kind == kind), default=0
            )

    def strike(self, method: str, path: str, also: Iterable[str] = ()) -> dict[str, Arguments]:
        """Count this request, and tell what befalls it: the kinds with their arguments.

        The specs of `also` are in force for this request alone. Raises ValueError for a wrong one.
        """
        extra = [parse_fault(spec) for spec in also]
        with self._lock:
            return {
                fault.kind: fault.arguments
                for fault in [*self._faults, *extra]
                if fault.strikes(method, path)
            }
