"""Limits of a process: threads that cannot be started, memory, open files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ADMIN_KEY
from tests.surroundings.conftest import CONTENT
from tests.surroundings.test_file_systems import library

__all__ = ["library"]  # a fixture

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the limits are those of Linux"
)

TRANSFERS = """
import hashlib, io, json, sys
from pathlib import Path
from bindist import AdminClient, TransferConfig

config = TransferConfig(parallel_above=65536)
said = {}
with AdminClient(*sys.argv[1:3], transfer_config=config) as client:
    for name in ("a.bin", "b.bin"):
        Path(name).write_bytes(name.encode() * 30_000)
    release = client.publish("tool", "2.0", ["a.bin", "b.bin"], enable=True, parallel=2)
    said["published"] = sorted(row["fileName"] for row in release.files)
    done = client.download_version("tool", "2.0", "got", connections=4)
    said["got"] = [one.checksum for one in done]
    client.download_to_file("tool", "1.0", "large", connections=4)
    stream = io.BytesIO()
    client.download_to_stream("tool", "1.0", stream)
    same = Path("large").read_bytes() == stream.getvalue()
    said["large"] = hashlib.sha256(stream.getvalue()).hexdigest() if same else None
print(json.dumps(said))
"""


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("threads", [0, 1, 2, 3])
def test_transfers_go_on_with_the_threads_that_could_be_started(
    library, published, at_server, inside, threads
):
    done = subprocess.run(
        [sys.executable, "-c", TRANSFERS, at_server.url, ADMIN_KEY],
        env={**os.environ, "LD_PRELOAD": str(library), "SHIM_THREADS": str(threads)},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=inside,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "published": ["a.bin", "b.bin"],
        "got": [sha256(b"b.bin" * 30_000), sha256(b"a.bin" * 30_000)],
        "large": sha256(CONTENT),
    }


def test_a_disk_error_is_told_where_no_thread_could_be_started(
    library, published, at_server, inside
):
    done = subprocess.run(
        [sys.executable, "-c", TRANSFERS, at_server.url, ADMIN_KEY],
        env={
            **os.environ,
            "LD_PRELOAD": str(library),
            "SHIM_THREADS": "0",
            "SHIM_DIR": str(inside),
            "SHIM_WRITE": "5",
            "SHIM_PWRITEV": "5",
        },
        capture_output=True,
        text=True,
        timeout=60,
        cwd=inside,
    )
    assert done.returncode == 1
    assert "Input/output error" in done.stderr


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_sandbox_serves_with_the_threads_that_could_be_started(sh, library, inside, threads):
    (inside / "a.bin").write_bytes(CONTENT * 10)
    limited = {"LD_PRELOAD": str(library), "SHIM_THREADS": threads}
    sandbox = "--profile sandbox versions"
    done = sh(f"{sandbox} upload harbor 9.0 a.bin --enable --timeout 20", **limited)
    assert done.returncode == 0, done.stderr
    done = sh(f"{sandbox} download harbor 9.0 --dir got --timeout 20", **limited)
    assert done.returncode == 0, done.stderr
    assert (inside / "got" / "a.bin").read_bytes() == CONTENT * 10


def test_a_sandbox_without_any_thread_says_so(sh, library):
    limited = {"LD_PRELOAD": str(library), "SHIM_THREADS": "0"}
    done = sh("--profile sandbox apps list", **limited)
    assert done.returncode == 1
    assert "error: this process may not start the one thread that a sandbox needs" in done.stderr


def test_bars_need_a_thread_and_lines_do_not(terminal, library, published):
    limited = {"LD_PRELOAD": str(library), "SHIM_THREADS": "0", "CI": ""}
    screen = terminal("versions", "download", "tool", "1.0", **limited)
    assert screen.returncode == 0, screen.text
    assert "downloading tool.bin" in screen.text


def test_a_limit_of_memory_takes_buffers_and_not_the_download(sh, published, inside):
    done = sh("versions download tool 1.0", before="ulimit -v 130000")
    if "MemoryError" in done.stderr or done.returncode < 0:
        pytest.skip("this Python needs more memory to start")
    assert done.returncode == 0, done.stderr
    assert (inside / "tool.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("number", [5, 6, 8, 10])
def test_a_sandbox_with_too_few_open_files_says_so(sh, number):
    done = sh("--profile sandbox apps list --retries 0", before=f"ulimit -n {number}")
    if done.returncode:
        assert "Too many open files" in done.stderr
        assert "Traceback" not in done.stderr
        assert "reset" not in done.stderr, "the data are all right"


@pytest.mark.parametrize("number", [5, 6, 8])
def test_too_few_open_files_are_said_to_be_that(sh, published, inside, number):
    done = sh("versions download tool 1.0", before=f"ulimit -n {number}")
    if done.returncode:
        assert "Too many open files" in done.stderr
        assert "Traceback" not in done.stderr
        assert "`ulimit -n 1024`" in done.stderr
    assert not (inside / "tool.bin.part.lock").exists()
