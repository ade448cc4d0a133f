"""Progress of transfers: bars on a terminal, lines in logs, nothing with --quiet."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from . import formatting
from .printer import Printer

Report = Callable[[int, int], None]
EVERY_SECONDS = 30.0


@contextmanager
def transfers(
    printer: Printer, sizes: Mapping[str, int], doing: str
) -> Iterator[Callable[[str], Report]]:
    """Yields a function that returns the progress callback for a name in `sizes` (bytes)."""
    if printer.settings.quiet:
        yield lambda name: lambda done, size: None  # noqa: ARG005
    elif sys.stderr.isatty() and printer.settings.bars and _can_start_threads():
        from .progress_bars import Bars  # imported late, for fast starts

        with Bars(printer, sizes, doing) as bars:
            yield bars.reporter
    else:
        yield _Lines(printer, doing).reporter


def _can_start_threads() -> bool:
    """Whether bars can be redrawn, which a thread does."""
    thread = threading.Thread(target=lambda: None, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join()
    return True


class _Lines:
    """Prints a line when a file starts, every 30 seconds, and when it ends."""

    def __init__(self, printer: Printer, doing: str) -> None:
        self._printer = printer
        self._doing = doing

    def reporter(self, name: str) -> Report:
        label = formatting.one_line(name)
        started = spoken = time.monotonic()
        first: int | None = None
        ended = False

        def report(done: int, size: int) -> None:
            nonlocal spoken, first, ended
            now = time.monotonic()
            if first is None:
                first = done
                if done < size:
                    self._printer.talk(f"{self._doing} {label} ({formatting.size(size)})")
            if done >= size and not ended:
                ended = True
                took = max(now - started, 0.001)
                rate = formatting.size((size - first) / took)
                if first < size:
                    self._printer.talk(
                        f"{label}: {formatting.size(size)} in {formatting.duration(took)}, {rate}/s"
                    )
            elif now - spoken >= EVERY_SECONDS and done < size:
                spoken = now
                share = 100 * done // max(size, 1)
                self._printer.talk(
                    f"{label}: {share} %, {formatting.size(done)} of {formatting.size(size)}"
                )

        return report
