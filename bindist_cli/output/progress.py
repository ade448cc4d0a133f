"""Progress of transfers: bars on a terminal, lines in logs, nothing with --quiet."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import formatting
from .printer import Printer

if TYPE_CHECKING:
    from rich.progress import TaskID

Report = Callable[[int, int], None]
EVERY_SECONDS = 30.0
_TOTAL = "all files"


@contextmanager
def transfers(
    printer: Printer, sizes: Mapping[str, int], doing: str
) -> Iterator[Callable[[str], Report]]:
    """Yields a function that returns the progress callback for a name in `sizes` (bytes)."""
    if printer.settings.quiet:
        yield lambda name: lambda done, size: None  # noqa: ARG005
    elif sys.stderr.isatty() and printer.settings.bars and _can_start_threads():
        with _bars(printer, sizes, doing) as reporter:
            yield reporter
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


@contextmanager
def _bars(
    printer: Printer, sizes: Mapping[str, int], doing: str
) -> Iterator[Callable[[str], Report]]:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = printer.console(sys.stderr)
    narrow = console.width < 60
    longest = 18 if narrow else 31
    shown = Progress(
        TextColumn("{task.description}", markup=False),
        *(() if narrow else (BarColumn(bar_width=None),)),
        DownloadColumn(),
        *(() if narrow else (TransferSpeedColumn(), TimeRemainingColumn())),
        console=console,
        expand=not narrow,
    )
    lock = threading.Lock()
    done_of: dict[str, int] = {}
    tasks: dict[str, TaskID] = {}
    total: TaskID | None = None

    def begin() -> None:
        nonlocal total
        if len(sizes) > 1:
            total = shown.add_task(doing, total=sum(sizes.values()))
        for name, size in sizes.items():
            label = formatting.one_line(name)
            label = label if len(label) <= longest else label[: longest - 1] + "…"
            tasks[name] = shown.add_task(label, total=size)
        shown.start()

    def reporter(name: str) -> Report:
        def report(done: int, size: int) -> None:
            with lock:
                if not tasks:  # show bars only once something is transferred
                    begin()
                done_of[name] = done
                shown.update(tasks[name], completed=done, total=size)
                if total is not None:
                    shown.update(total, completed=sum(done_of.values()))

        return report

    try:
        yield reporter
    finally:
        if tasks:
            shown.stop()


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
