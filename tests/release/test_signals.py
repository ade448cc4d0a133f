"""SIGINT, SIGTERM and SIGHUP during a release: held while the version is being made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ADMIN_KEY, PROGRAM
from tests.release.conftest import APPLICATION, COMPLETE, Watched
from tests.release.test_killed import VERSION, finish, kinds, start, wait_for
from tests.warm.commands import Process

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals as POSIX has them"),
]

ENDINGS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
HELD = "completing the version, to keep its number usable"
FOREVER = "stall:600"


def wait_for_request(watched: Watched, process: Process, path: str, nth: int = 1):
    wait_for(lambda: [p for _, p in kinds(watched)].count(path) >= nth, process)


def end(process: Process, seconds: float = 30) -> tuple[int, str]:
    _, said = process.communicate(timeout=seconds)
    return process.returncode, said


@pytest.mark.parametrize(
    ("sent", "nth"),
    [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGTERM, 3), (signal.SIGHUP, 2)],
)
def test_a_signal_during_a_completion_is_held_until_the_last_one(
    watched: Watched, tmp_path: Path, sent: signal.Signals, nth: int
) -> None:
    watched.server.faults.add(f"stall:1,path={COMPLETE},nth={nth}")
    process = start(watched, tmp_path)
    wait_for_request(watched, process, COMPLETE, nth)
    process.send_signal(sent)
    code, said = end(process)
    assert (code, said.count(HELD)) == (ENDINGS[sent], 1), said
    assert watched.is_whole(VERSION)
    assert not watched.is_enabled(VERSION)
    finish(start(watched, tmp_path))
    watched.check(VERSION)


def test_a_time_limit_that_ends_during_a_completion_is_held_until_the_last_one(
    watched: Watched, tmp_path: Path
) -> None:
    watched.server.faults.add(f"stall:5,path={COMPLETE},nth=1")
    process = start(watched, tmp_path, "--max-time", "4", "--timeout", "60")
    code, said = end(process, 60)
    assert (code, said.count(HELD)) == (7, 1), said
    assert "--max-time 4s" in said
    assert watched.is_whole(VERSION)
    finish(start(watched, tmp_path))
    watched.check(VERSION)


def test_a_signal_is_held_while_a_read_lags_between_two_completions(
    watched: Watched, tmp_path: Path
) -> None:
    watched.server.faults.add("stale-reads=700")
    process = start(watched, tmp_path)
    wait_for_request(watched, process, COMPLETE, 2)
    process.send_signal(signal.SIGTERM)
    assert end(process)[0] == 143
    watched.server.faults.clear()
    assert watched.is_whole(VERSION)


@pytest.mark.parametrize("sent", ENDINGS, ids=lambda sent: sent.name)
def test_the_second_signal_ends_at_once(
    watched: Watched, tmp_path: Path, sent: signal.Signals
) -> None:
    watched.server.faults.add(f"{FOREVER},path={COMPLETE}")
    process = start(watched, tmp_path, "--timeout", "60")
    wait_for_request(watched, process, COMPLETE)
    process.send_signal(sent)
    assert process.stderr is not None
    said = ""
    while HELD not in said:
        said += process.stderr.readline()
    process.send_signal(sent)
    assert end(process, 10)[0] == ENDINGS[sent]
    watched.server.faults.clear()
    finish(start(watched, tmp_path))
    watched.check(VERSION)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
@pytest.mark.parametrize(("method", "count"), [("PUT", 0), ("PATCH", 3)], ids=["before", "after"])
def test_a_signal_before_or_after_the_completions_ends_at_once(
    watched: Watched, tmp_path: Path, sent: signal.Signals, method: str, count: int
) -> None:
    watched.server.faults.add(f"{FOREVER},method={method}")
    process = start(watched, tmp_path, "--timeout", "60")
    wait_for(lambda: method in [m for m, _ in kinds(watched)], process)
    time.sleep(0.1)  # the bytes are on their way
    process.send_signal(sent)
    code, said = end(process, 10)
    assert (code, HELD in said) == (ENDINGS[sent], False), said
    assert kinds(watched).count(("POST", COMPLETE)) == count
    watched.server.faults.clear()
    finish(start(watched, tmp_path))
    watched.check(VERSION)


def test_a_signal_that_the_caller_ignores_stays_ignored(watched: Watched, tmp_path: Path) -> None:
    """As under `nohup`."""
    watched.server.faults.add(f"stall:0.5,path={COMPLETE},nth=2")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(watched, tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for_request(watched, process, COMPLETE, 2)
    process.send_signal(signal.SIGHUP)
    code, said = end(process)
    assert (code, HELD in said) == (0, False), said
    watched.check(VERSION)


def test_a_single_file_is_protected_too(watched: Watched, tmp_path: Path) -> None:
    watched.paths[:] = watched.paths[:1]
    watched.server.faults.add(f"stall:1,path={COMPLETE}")
    process = start(watched, tmp_path)
    wait_for_request(watched, process, COMPLETE)
    process.send_signal(signal.SIGTERM)
    assert end(process)[0] == 143
    rows = watched.admin.list_version_files(APPLICATION, VERSION).require()["files"]
    assert [row["fileName"] for row in rows] == ["tool.exe"]


INSIDE_A_WRITE = """
import signal, threading
from bindist_cli.signals import held_signals

writing = threading.Lock()

def notify(text):
    with writing:
        print(text, flush=True)

try:
    with held_signals(notify):
        with writing:
            signal.raise_signal(signal.SIGINT)
        print("the block goes on")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_signal_that_comes_during_a_write_to_the_same_stream_blocks_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INSIDE_A_WRITE], capture_output=True, text=True, timeout=20
    )
    lines = ended.stdout.splitlines()
    assert (lines[-1], len(lines)) == ("interrupted", 3), ended.stderr
    assert any(HELD in line for line in lines)


def test_a_terminal_that_is_closed_during_a_completion_costs_no_version(
    watched: Watched, tmp_path: Path
) -> None:
    """The process gets SIGHUP, and cannot write to stderr any more."""
    import fcntl
    import termios

    watched.server.faults.add(f"stall:1,path={COMPLETE},nth=2")
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [
            *(*PROGRAM, "versions", "upload", APPLICATION, VERSION, *map(str, watched.paths)),
            *("--enable", "--timeout", "3"),
        ],
        env={
            **os.environ,
            "BINDIST_API_URL": watched.server.url,
            "BINDIST_API_KEY": ADMIN_KEY,
            "BINDIST_CONFIG_DIR": str(tmp_path),
            "TERM": "xterm",
        },
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    wait_for_request(watched, process, COMPLETE, 2)
    os.close(ours)
    assert process.wait(30) == 129
    assert watched.is_whole(VERSION)
