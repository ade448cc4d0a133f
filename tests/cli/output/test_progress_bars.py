"""Progress bars: what fits a screen, what is counted, and terminals that change their size."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO

import pytest

from bindist_cli.output.formatting import clock, elide
from bindist_cli.output.printer import Printer
from bindist_cli.output.progress_bars import Bars, Meter
from bindist_cli.settings.resolve import resolve

if os.name == "nt":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)
import fcntl
import pty
import termios

_STYLE = re.compile(r"\x1b\[[\d;]*m|\x1b\[\?25[lh]")
_FRAME = re.compile(r"\r?\x1b\[2K((?:\x1b\[1A\x1b\[2K)*)")


class Terminal:
    """A terminal of a certain size, and what it was sent."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.stream: IO[str] = os.fdopen(slave, "w", encoding="utf-8")
        self._text, self._lock = b"", threading.Lock()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.resize(80, 24)

    def resize(self, columns: int, lines: int) -> None:
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.stream.fileno(), termios.TIOCSWINSZ, size)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the other side is closed
            while block := os.read(self._master, 65536):
                with self._lock:
                    self._text += block

    def received(self) -> str:
        """What came since this was asked last."""
        self.stream.flush()
        os.write(self.stream.fileno(), b"\0")
        deadline = time.monotonic() + 30
        while b"\0" not in self._text:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        with self._lock:
            text, _, self._text = self._text.partition(b"\0")
        return _STYLE.sub("", text.decode().replace("\r\n", "\n"))

    def close(self) -> None:
        self.stream.close()
        self._thread.join()
        os.close(self._master)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    found = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    yield found
    found.close()


@pytest.fixture
def bars(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bars]:
    def make(sizes: dict[str, int]) -> Bars:
        monkeypatch.setattr(sys, "stderr", terminal.stream)
        return Bars(Printer(resolve({}, {}, {})), sizes, "downloading")

    return make


def last_frame(text: str) -> list[str]:
    return _FRAME.split(text)[-1].rstrip().splitlines()


def test_300_files_fit_a_screen_of_24_lines(terminal: Terminal, bars: Callable[..., Bars]) -> None:
    sizes = {f"file-{number}": 1000 for number in range(300)}
    with bars(sizes) as shown:
        for number, name in enumerate(sizes):
            shown.reporter(name)(0, 1000)
            if number % 50 == 49:
                shown.refresh()
        text = terminal.received()
        assert max(found[1].count("1A") for found in _FRAME.finditer(text)) < 24
        assert len(last_frame(text)) == 22, "one for all, 21 for files"
        for name in sizes:
            shown.reporter(name)(1000, 1000)


def test_a_finished_file_leaves_the_bars(terminal: Terminal, bars: Callable[..., Bars]) -> None:
    with bars({"one": 10, "two": 10, "three": 10}) as shown:
        shown.reporter("one")(5, 10)
        shown.reporter("two")(5, 10)
        shown.refresh()
        total, one, two = last_frame(terminal.received())
        assert total.startswith("downloading 0 of 3 files")
        assert (one.split()[0], two.split()[0]) == ("one", "two")
        shown.reporter("one")(10, 10)
        shown.refresh()
        total, two = last_frame(terminal.received())
        assert total.startswith("downloading 1 of 3 files")
        assert two.startswith("two")
        shown.reporter("one")(0, 10)  # it is sent again
        shown.refresh()
        assert len(last_frame(terminal.received())) == 3


def test_a_single_file_keeps_its_bar(terminal: Terminal, bars: Callable[..., Bars]) -> None:
    with bars({"one": 10}) as shown:
        shown.reporter("one")(10, 10)
    (line,) = last_frame(terminal.received())
    assert line.startswith("one")
    assert "10/10 bytes" in line


def test_without_a_report_nothing_is_drawn(terminal: Terminal, bars: Callable[..., Bars]) -> None:
    with bars({"one": 10}):
        pass
    assert terminal.received() == ""


@pytest.mark.parametrize("columns", [20, 40, 60, 66, 80, 200])
def test_lines_are_shorter_than_the_terminal(
    terminal: Terminal, bars: Callable[..., Bars], columns: int
) -> None:
    terminal.resize(columns, 24)
    room = 3 if columns > 20 else 0
    with bars({"a-very-long-name-that-never-ends-amd64.tar.gz": 10**9, "two": 10**12}) as shown:
        for name, size in (
            ("a-very-long-name-that-never-ends-amd64.tar.gz", 10**9),
            ("two", 10**12),
        ):
            shown.reporter(name)(0, size)
            shown.reporter(name)(size // 3, size)
        shown.refresh()
        lines = last_frame(terminal.received())
    assert len(lines) == 3
    assert max(map(len, lines)) <= columns - room, "there is room for ^C"
    assert lines[1].startswith("a-very-") or columns == 20
    assert "64.tar.gz" in lines[1] or columns == 20


def test_a_terminal_that_becomes_narrower_is_cleaned_first(
    terminal: Terminal, bars: Callable[..., Bars]
) -> None:
    with bars({"one": 10, "two": 10}) as shown:
        shown.reporter("one")(5, 10)
        shown.refresh()
        terminal.received()
        terminal.resize(30, 24)  # two lines of 77 cells take three rows each now
        shown.refresh()
        assert "\r\x1b[5A\x1b[J\n" in terminal.received()
        shown.refresh()
        assert "\x1b[J" not in terminal.received()
        terminal.resize(80, 24)
        shown.refresh()
        assert "\x1b[J" not in terminal.received()


# What is counted


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_speed_is_the_mean_of_the_last_ten_seconds() -> None:
    time = Clock()
    meter = Meter(time)
    assert meter.rate() is None
    for time.now in range(1, 31):
        meter.add(1000 if time.now <= 20 else 5000)
    assert meter.rate() == 5000


def test_bytes_that_were_there_before_are_not_counted(
    terminal: Terminal, bars: Callable[..., Bars]
) -> None:
    sizes = {"resumed": 10**9, "there": 10**9}
    with bars(sizes) as shown:
        shown.reporter("there")(10**9, 10**9)
        shown.reporter("resumed")(9 * 10**8, 10**9)
        shown.refresh()
        assert "/s" not in terminal.received()


# Text


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("short", 5, "short"),
        ("skylark-1.10.0-linux-amd64.tar.gz", 20, "skylark-1…d64.tar.gz"),
        ("abcdef", 3, "a…f"),
        ("abcdef", 1, "…"),
    ],
)  # fmt: skip
def test_long_names_are_shortened_in_the_middle(text: str, width: int, shown: str) -> None:
    assert elide(text, width) == shown
    assert len(elide(text, width)) <= width


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00:00"), (7.9, "0:00:07"), (3723, "1:02:03"), (1e12, "99:59:59")]
)
def test_the_time_left(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
