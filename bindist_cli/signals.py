"""Delays signals while an interruption would leave a version number unusable."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_SPEAK_SECONDS = 1.0


@contextmanager
def held_signals(notify: Callable[[str], None]) -> Iterator[None]:
    """Delays the first SIGINT, SIGTERM or SIGHUP until the end of the block, and tells `notify`.

    The second signal takes effect immediately. Does nothing outside of the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before: dict[int, Any] = {}
    text = "completing the version, to keep its number usable; interrupt again to stop now"
    # The main thread may hold the lock of the stream to which `notify` writes.
    speaker = threading.Thread(target=notify, args=(text,), daemon=True)

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)
        before.clear()

    def hold(number: int, _: FrameType | None) -> None:
        held.append(number)
        restore()  # the second signal is not delayed
        speaker.start()

    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, hold)
    try:
        yield
    finally:
        restore()
    if held:
        speaker.join(_SPEAK_SECONDS)
        signal.raise_signal(held[0])
