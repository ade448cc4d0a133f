"""A bad network and a hard life: cut fifty times, killed ten times, the right bytes at last."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer

MIB = 1024 * 1024
SIZE = 300 * MIB
CUTS, KILLS = 50, 10
RATE = 60 * MIB

pytestmark = pytest.mark.slow


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.bin"
    block = random.Random(11).randbytes(MIB)
    with path.open("wb") as file:
        for number in range(SIZE // MIB):
            start = number * 7919 % MIB  # each MiB begins at another byte: no two are the same
            file.write(block[start:])
            file.write(block[:start])
    return path


def same(one: Path, other: Path) -> bool:
    return subprocess.run(["cmp", str(one), str(other)], check=False).returncode == 0


def start(server: SandboxServer, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "BINDIST_API_URL": server.url,
        "BINDIST_API_KEY": server.keys.admin,
    }
    return subprocess.Popen(
        (sys.executable, "-m", "bindist_cli", "-q", *arguments),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def kill_when(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> bool:
    """Kills the process when the condition holds; False where it ended by itself before."""
    deadline = time.monotonic() + 60
    while not reached():
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.002)
    process.kill()
    process.communicate()
    return True


def cut_at_random(
    server: SandboxServer, method: str, kinds: tuple[str, ...], size: int, cuts: int
) -> None:
    """Cuts that many of the first requests, each at a random byte."""
    chance = random.Random(5)
    for number in chance.sample(range(1, cuts + cuts // 5 + 1), cuts):
        at = chance.randrange(size)
        server.faults.add(f"{chance.choice(kinds)}:{at},method={method},path=/store/*,nth={number}")


def test_a_download_cut_and_killed_ends_with_the_right_bytes_having_fetched_little_twice(
    server: SandboxServer, admin: AdminClient, application: str, big: Path, tmp_path: Path, tally
) -> None:
    admin.upload_file(application, "1.0", big).raise_for_error()
    admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
    server.requests.clear()
    cut_at_random(server, "GET", ("reset", "cut"), 8 * MIB, CUTS)
    # As fast as a network, not as a loopback whose buffers hold megabytes that nobody reads.
    server.faults.add(f"slow:{RATE},method=GET,path=/store/*,times=0")
    target = tmp_path / "out.bin"
    command = ("versions", "download", application, "1.0", "-O", str(target))

    def gone_out() -> int:
        return sum(r.bytes_out for r in server.requests if r.path.startswith("/store/"))

    chance, killed = random.Random(6), 0
    for number in range(KILLS):
        threshold = (number + chance.random()) * SIZE * 0.9 / KILLS
        process = start(server, *command)
        killed += kill_when(process, lambda limit=threshold: gone_out() > limit)  # type: ignore[misc]
        assert not target.exists()
    last = start(server, *command)
    _, said = last.communicate(timeout=120)
    assert last.returncode == 0, said
    assert same(target, big)
    assert killed == KILLS
    cut = sum(r.method == "GET" and r.path.startswith("/store/") for r in server.requests)
    assert cut > CUTS
    assert gone_out() < 1.2 * SIZE, f"{gone_out() / SIZE:.2f} times the file went out"
    asked = sum(r.path == "/v1/downloads/url" for r in server.requests)
    assert admin.get_stats(application).require()["totalDownloads"] == asked
    assert asked == KILLS + 1
    tally("kills", killed)
    tally("faults", CUTS)
    tally("bytes", SIZE)


def test_an_upload_cut_and_killed_never_makes_a_version_with_wrong_bytes(
    server: SandboxServer, admin: AdminClient, application: str, tmp_path: Path, tally
) -> None:
    path = tmp_path / "release.bin"
    path.write_bytes(random.Random(12).randbytes(30 * MIB))
    cut_at_random(server, "PUT", ("reset-request",), 30 * MIB, KILLS + 2)
    server.faults.add(f"slow:{RATE},method=PUT,path=/store/*,times=0")
    command = ("versions", "upload", application, "1.0", str(path), "--retries", "12")

    def came_in() -> int:
        return sum(r.bytes_in for r in server.requests if r.method == "PUT")

    chance, killed = random.Random(7), 0
    for _ in range(KILLS):
        limit = came_in() + chance.randrange(1, 28) * MIB
        process = start(server, *command)
        killed += kill_when(process, lambda limit=limit: came_in() > limit)  # type: ignore[misc]
        assert not admin.list_version_files(application, "1.0").success
    assert killed == KILLS
    ended = start(server, *command)
    _, said = ended.communicate(timeout=120)
    assert ended.returncode == 0, said
    content, _ = admin.download_file(application, "1.0", test_channel=True)
    assert content == path.read_bytes()
    tally("kills", killed)
    tally("faults", KILLS + 2)
    tally("bytes", len(content))
