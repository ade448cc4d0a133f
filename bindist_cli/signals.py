"""Signals and the time limit that end a command: what they raise, and when they are delayed."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_ENDING = ("SIGTERM", "SIGHUP")
_HELD = ("SIGINT", *_ENDING, "SIGALRM")
_SPEAK_SECONDS = 1.0


class SignalledError(KeyboardInterrupt):
    """SIGTERM or SIGHUP: a command cleans up after it as after Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class TimeLimitError(KeyboardInterrupt):
    """The time that --max-time allows is over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def cause_of(error: BaseException) -> BaseException:
    """The SignalledError or TimeLimitError that click has made an Abort of; else the error."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, (SignalledError, TimeLimitError)):
            return at
        at = at.__cause__ or at.__context__
    return TimeLimitError(_limit.seconds) if _limit.is_over else error


class _Handlers:
    """Handlers of signals that are replaced for a while."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def replace(self, number: int, handler: Callable[[int, FrameType | None], None]) -> None:
        self._before[number] = signal.signal(number, handler)

    def restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()


@contextmanager
def raised_signals() -> Iterator[None]:
    """Raises SignalledError for the first SIGTERM or SIGHUP, and ends a time limit with the block.

    The second signal ends the process at once. A signal that the caller ignores stays ignored, as
    under nohup. Does nothing outside of the main thread.
    """
    if not _is_main_thread():
        yield
        return
    handlers = _Handlers()

    def end(number: int, _: FrameType | None) -> None:
        handlers.restore()
        raise SignalledError(number)

    for number in _numbers(_ENDING):
        if signal.getsignal(number) is signal.SIG_DFL:
            handlers.replace(number, end)
    try:
        yield
    finally:
        _limit.stop()
        handlers.restore()


@contextmanager
def held_signals(notify: Callable[[str], None]) -> Iterator[None]:
    """Delays the first SIGINT, SIGTERM or SIGHUP, or the end of the time limit, until the end of
    the block, and tells `notify`.

    The second signal takes effect immediately. Does nothing outside of the main thread.
    """
    if not _is_main_thread():
        yield
        return
    held: list[int] = []
    handlers = _Handlers()
    text = "completing the version, to keep its number usable; interrupt again to stop now"
    # The main thread may hold the lock of the stream to which `notify` writes.
    speaker = threading.Thread(target=notify, args=(text,), daemon=True)

    def hold(number: int, _: FrameType | None) -> None:
        held.append(number)
        handlers.restore()  # the second signal is not delayed
        with contextlib.suppress(RuntimeError):  # this machine starts no more threads
            speaker.start()

    for number in _numbers(_HELD):
        if signal.getsignal(number) is not signal.SIG_IGN:
            handlers.replace(number, hold)
    try:
        yield
    finally:
        handlers.restore()
    if held:
        if speaker.ident is not None:
            speaker.join(_SPEAK_SECONDS)
        signal.raise_signal(held[0])


class _TimeLimit:
    """The time limit of this process: a timer of the system, or a thread on Windows."""

    def __init__(self) -> None:
        self.is_over = False
        self.seconds = 0.0
        self._thread: threading.Timer | None = None

    def start(self, seconds: float) -> None:
        self.stop()
        self.seconds = seconds
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._raise)
            signal.setitimer(signal.ITIMER_REAL, seconds)
        else:
            self._thread = threading.Timer(seconds, self._interrupt)
            self._thread.daemon = True
            self._thread.start()

    def stop(self) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        if self._thread is not None:
            self._thread.cancel()
        self.is_over = False

    def _raise(self, *_: object) -> None:
        raise TimeLimitError(self.seconds)

    def _interrupt(self) -> None:
        import _thread

        self.is_over = True  # SIGINT alone would be Ctrl-C
        _thread.interrupt_main()


_limit = _TimeLimit()


def limit_time(seconds: float) -> None:
    """Raises TimeLimitError in the main thread when so many seconds are over; replaces an earlier
    limit. `raised_signals` ends it."""
    if _is_main_thread():
        _limit.start(seconds)


def _numbers(names: tuple[str, ...]) -> list[int]:
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
