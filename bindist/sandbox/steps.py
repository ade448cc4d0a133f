"""The steps in which a request is carried out, and how a test watches and holds them.

Like `ideal`, a request is one step: all that it does happens at once. Like `scaleway` and `aws`,
whose servers have no transactions, a handler is a sequence of steps, and other requests may come
between any two of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

Like = Literal["ideal", "scaleway", "aws"]
LIKES: tuple[Like, ...] = get_args(Like)


@dataclass(frozen=True)
class Step:
    """One step of a request.

    `request` numbers what the server carries out, so that a request carried out twice has two.
    `caller` is the customer's id, empty where there is no key: at the store and for share links.
    `name` is `ROUTE.STEP`, such as `complete.write-version`, or `ROUTE` for a whole request.
    """

    request: int
    caller: str
    method: str
    path: str
    name: str
    writes: bool


Hook = Callable[[Step], None]


class Watcher(Protocol):
    """Has the hooks that are called before and after each step."""

    on_step: Hook | None
    after_step: Hook | None


class AbortError(Exception):
    """Stop here and close the connection."""


@dataclass
class Steps:
    """The steps of one request: tells the watcher of each, and lets them take their time."""

    watcher: Watcher
    stopping: threading.Event
    like: Like
    request: int
    method: str
    path: str
    faults: Mapping[str, tuple[Any, ...]]
    caller: str = ""

    @property
    def atomic(self) -> bool:
        return self.like == "ideal"

    @contextmanager
    def take(self, name: str, *, writes: bool, slow: str = "slow-db") -> Iterator[None]:
        """Take one step. Raises AbortError where a hook raises, or the server is stopped."""
        step = Step(self.request, self.caller, self.method, self.path, name, writes)
        _tell(self.watcher.on_step, step)
        self.pause(slow)
        try:
            yield
        finally:
            _tell(self.watcher.after_step, step)

    def pause(self, slow: str) -> None:
        """Let as much time pass as the fault `slow-db` or `slow-store` says."""
        (milliseconds,) = self.faults.get(slow, (0,))
        if milliseconds and self.stopping.wait(milliseconds / 1000):
            raise AbortError


def _tell(hook: Hook | None, step: Step) -> None:
    if hook is not None:
        try:
            hook(step)
        except Exception as error:
            raise AbortError from error
