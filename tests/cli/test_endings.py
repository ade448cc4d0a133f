"""SIGTERM, SIGHUP and --max-time: a command cleans up, and its exit code says what ended it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from bindist_cli.params import DURATION

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")

CODES = {signal.SIGTERM: 143, signal.SIGHUP: 129}
SLOW = "slow:2000,method=GET,path=/store/*,times=0"


@pytest.fixture
def downloading(start, wait_until, release, at_server):
    """Starts a download that takes 50 s, and waits until its bytes arrive."""

    def run(*options, **environment):
        release("1.0.0", tool_exe=b"x" * 100_000)
        at_server.faults.add(SLOW)
        process = start("versions", "download", "tool", "1.0.0", *options, **environment)
        wait_until(lambda: any("/store/" in r.path and r.bytes_out > 0 for r in at_server.requests))
        return process

    return run


@pytest.mark.parametrize("sent", CODES, ids=lambda sent: sent.name)
def test_a_signal_ends_a_download_as_ctrl_c_does(downloading, tmp_path, sent):
    process = downloading()
    process.send_signal(sent)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (CODES[sent], "")
    assert f"error: ended by {sent.name}" in stderr
    assert "run the same command again" in stderr
    assert "Traceback" not in stderr
    assert not (tmp_path / "tool.exe").exists()


@pytest.mark.parametrize("sent", CODES, ids=lambda sent: sent.name)
def test_a_signal_removes_the_copy_of_stdin(
    program, at_server, application, tmp_path, wait_until, sent
):
    folder = tmp_path / "temporary"
    folder.mkdir()
    process = subprocess.Popen(
        (program, "versions", "upload", "tool", "1.0", "-", "--name", "a.bin"),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    wait_until(lambda: list(folder.glob("bindist-*/stdin")))
    process.send_signal(sent)
    process.communicate(timeout=30)
    assert process.returncode == CODES[sent]
    assert list(folder.iterdir()) == []


def test_a_time_limit_gives_the_terminal_its_cursor_back(terminal, at_server, release):
    release("1.0.0", tool_exe=b"x" * 100_000)
    at_server.faults.add(SLOW)
    screen = terminal("versions", "download", "tool", "1.0.0", "--max-time", "5", CI="")
    assert screen.returncode == 7
    hidden, shown = screen.text.rfind("\x1b[?25l"), screen.text.rfind("\x1b[?25h")
    assert -1 < hidden < shown


def test_a_signal_that_the_caller_ignores_stays_ignored(program, at_server, application):
    at_server.faults.add("stall:1,path=/v1/applications")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = subprocess.Popen((program, "apps", "list"), stdout=subprocess.DEVNULL)
    finally:
        signal.signal(signal.SIGHUP, before)
    while not at_server.requests:
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 0


def test_a_time_limit_ends_the_command_with_7_and_says_so(downloading, tmp_path):
    process = downloading("--max-time", "3", "--json")
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 7
    error = json.loads(stderr.splitlines()[-1])["error"]
    assert (error["code"], error["retryable"]) == ("TIME_LIMIT", True)
    assert "--max-time 3s" in error["message"]
    assert not (tmp_path / "tool.exe").exists()


def test_a_time_limit_counts_the_pauses_between_retries(bindist, at_server, application):
    at_server.faults.add("status:503/60,times=0")
    started = time.monotonic()
    done = bindist("apps", "list", "--max-time", "2s", "--retries", "9")
    assert (done.returncode, time.monotonic() - started < 30) == (7, True)
    assert "--max-time 2s" in done.stderr


def test_a_command_that_is_quicker_is_not_touched(invoke, at_server, application):
    assert invoke("--max-time", "1h", "apps", "list").exit_code == 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("0.5s", 0.5), ("10m", 600), ("1h", 3600), ("720h", 2_592_000)],
)
def test_a_duration_has_a_unit_or_is_in_seconds(text, seconds):
    assert DURATION.convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["0", "-1", "1d", "ten", "", "721h", "1e3", "٣", "1m30"])
def test_what_is_no_duration_is_refused_before_any_request(invoke, at_server, text):
    result = invoke("apps", "list", "--max-time", text)
    assert result.exit_code == 2
    assert "is not a duration such as 90s, 10m or 1h" in result.stderr
    assert at_server.requests == []


def test_signals_of_the_caller_are_as_before(invoke, at_server, application):
    before = signal.getsignal(signal.SIGTERM)
    assert invoke("apps", "list").exit_code == 0
    assert signal.getsignal(signal.SIGTERM) is before


NO_THREAD = """
import signal, threading
from bindist_cli.signals import held_signals

class NoThread(threading.Thread):
    def start(self):
        raise RuntimeError("can't start new thread")

threading.Thread = NoThread
try:
    with held_signals(print):
        signal.raise_signal(signal.SIGINT)
        print("the block goes on")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_signal_is_held_also_where_no_thread_can_tell_of_it():
    done = subprocess.run([sys.executable, "-c", NO_THREAD], capture_output=True, text=True)
    assert done.stdout == "the block goes on\ninterrupted\n", done.stderr


def test_after_an_interruption_the_hint_comes_after_the_error(downloading, interrupt):
    process = downloading()
    interrupt(process)
    _, stderr = process.communicate(timeout=30)
    error, hint = stderr.splitlines()[-2:]
    assert error == "error: interrupted"
    assert hint == (
        "  hint: run the same command again: complete files are skipped, and the others continue "
        "where they stopped"
    )
