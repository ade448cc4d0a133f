"""Progress bars on a terminal: one for each file on its way, and one for all of them."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
)
from rich.table import Column
from rich.text import Text

from . import formatting
from .printer import MIN_WIDTH, Printer

Report = Callable[[int, int], None]

_SHORTEST, _LONGEST = 18, 31
_BESIDE = 48
"""The columns beside a name: the bar, sizes, speed, time."""
_ROOM = 3
"""Cells at the end of a line for the ^C that a terminal prints there."""
_REFRESH_SECONDS = 0.1
_RATE_SECONDS = 10.0


class Meter:
    """Bytes that went over the wire, and how fast: the mean of the last ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moved = 0
        self._samples = deque([(clock(), 0)])

    def add(self, count: int) -> None:
        self._moved += count
        now = self._clock()
        self._samples.append((now, self._moved))
        while len(self._samples) > 1 and self._samples[1][0] <= now - _RATE_SECONDS:
            self._samples.popleft()

    def rate(self) -> float | None:
        """Bytes per second; None before there are any."""
        before, moved = self._samples[0]
        took = max(self._clock() - before, 0.001)
        return (self._moved - moved) / took if self._moved > moved else None


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        rate = task.fields["meter"].rate()
        return Text(f"{formatting.size(rate)}/s" if rate else "", style="progress.data.speed")


class _Remaining(ProgressColumn):
    def render(self, task: Task) -> Text:
        rate = task.fields["meter"].rate()
        left = (task.total or 0) - task.completed
        return Text(formatting.clock(left / rate) if rate else "", style="progress.remaining")


class _Name(ProgressColumn):
    """The name of a file, shortened in its middle: both ends tell it from others."""

    def __init__(self, width: int) -> None:
        super().__init__(Column(no_wrap=True, min_width=width))
        self._width = width

    def render(self, task: Task) -> Text:
        text = task.description
        if len(text) > self._width:
            text = task.fields.get("short") or formatting.elide(text, self._width)
        return Text(text)


@dataclass
class _File:
    """A file on its way: its size, how much of it is there, in bytes, and its bar, if any."""

    size: int
    done: int
    meter: Meter = field(default_factory=Meter)
    task: TaskID | None = None


class Bars:
    """Shows bars from the first report on. Reports may come from any thread.

    Only files on their way have a bar, as many as fit the screen. The speed counts only what went
    over the wire, not what was there before.
    """

    def __init__(self, printer: Printer, sizes: Mapping[str, int], doing: str) -> None:
        self._sizes, self._doing = sizes, doing
        self._stream = sys.stderr
        self._console = printer.console(self._stream)
        self._lock = threading.RLock()
        self._done: dict[str, int] = {}
        self._files: dict[str, _File] = {}
        self._finished: set[str] = set()
        self._meter = Meter()
        self._total: TaskID | None = None
        self._progress = Progress(console=self._console, auto_refresh=False)
        self._screen = _Screen(self._console)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self.refresh()
            self._progress.stop()

    def reporter(self, name: str) -> Report:
        """The progress callback of a file."""

        def report(done: int, size: int) -> None:
            with self._lock:
                file = self._files.get(name) or _File(size, done)
                self._files[name] = file
                if done > file.done:
                    file.meter.add(done - file.done)
                    self._meter.add(done - file.done)
                file.size, file.done = size, done
                self._done[name] = done
                (self._finished.add if done >= size else self._finished.discard)(name)
                if self._thread is None:
                    self._begin()

        return report

    def _begin(self) -> None:
        if len(self._sizes) > 1:
            size = sum(self._sizes.values())
            self._total = self._progress.add_task(self._doing, total=size, meter=self._meter)
        self._fit()
        self._progress.start()
        self._thread = threading.Thread(target=self._refresh_often, daemon=True)
        self._thread.start()

    def _refresh_often(self) -> None:
        while not self._ended.wait(_REFRESH_SECONDS):
            self.refresh()

    def refresh(self) -> None:
        """Draws the bars anew."""
        with self._lock:
            room = self._fit()
            self._screen.clear_after_resize()
            self._update(room)
            self._progress.refresh()
            self._screen.note(self._progress)

    def _update(self, room: int) -> None:
        """Makes the bars show what the files are at; each takes one of `room` lines."""
        is_only = len(self._sizes) == 1
        for name in [] if is_only else [*self._files]:
            if name in self._finished:
                task = self._files.pop(name).task
                if task is not None:
                    self._progress.remove_task(task)
        for number, (name, file) in enumerate(self._files.items()):
            if file.task is None and number < room:
                label = formatting.one_line(name)
                file.task = self._progress.add_task(label, total=file.size, meter=file.meter)
            if file.task is not None:
                self._progress.update(
                    file.task, completed=file.done, total=file.size, visible=number < room
                )
        if self._total is not None:
            count = f"{len(self._finished)} of {len(self._sizes)} files"
            self._progress.update(
                self._total,
                description=f"{self._doing} {count}",
                short=count,
                completed=sum(self._done.values()),
            )

    def _fit(self) -> int:
        """Adapts the bars to the terminal as it is now; returns how many files it has room for."""
        with contextlib.suppress(OSError, ValueError):  # a terminal that reports no size
            columns, lines = os.get_terminal_size(self._stream.fileno())
            if columns and lines:
                self._console.size = ConsoleDimensions(max(columns - _ROOM, MIN_WIDTH), lines)
        left = self._console.width - _BESIDE
        name = _Name(min(max(left, _SHORTEST), _LONGEST))
        size, speed, time_left = (
            kind(table_column=Column(no_wrap=True)) for kind in (DownloadColumn, _Speed, _Remaining)
        )
        self._progress.expand = left >= _SHORTEST
        self._progress.columns = (name, size)
        if self._progress.expand:
            self._progress.columns = (name, BarColumn(bar_width=None), size, speed, time_left)
        return max(self._console.height - 3, 1)


class _Screen:
    """What was drawn last, so that it can be erased after the terminal has become narrower: its
    lines then take several rows each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lengths: list[int] = []
        self._width = console.width

    def note(self, shown: Progress) -> None:
        self._width = self._console.width
        lines = self._console.render_lines(shown.get_renderable(), pad=False)
        self._lengths = [sum(cell_len(part.text) for part in line) for line in lines]

    def clear_after_resize(self) -> None:
        width = self._console.width
        if width >= self._width or not self._lengths:
            return
        terminal = width + _ROOM
        rows = sum(max(1, -(-length // terminal)) for length in self._lengths)
        # The next frame erases as many rows as it drew lines: these have to be the upper ones.
        down = "\n" * (len(self._lengths) - 1)
        self._console.file.write(f"\r\x1b[{rows - 1}A\x1b[J{down}" if rows > 1 else "\r\x1b[J")
        self._width = width
