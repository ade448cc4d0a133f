"""A release that is killed before, during and after each of its requests, and run again.

On any day each request has its kill, before it is carried out or after that; both in two days, or
with WHOLE_MATRIX=1.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from bindist.sandbox import RequestRecord
from tests.conftest import ADMIN_KEY
from tests.release.conftest import APPLICATION, COMPLETE, CONTENTS, Watched
from tests.sampling import is_due
from tests.warm.commands import Process

pytestmark = pytest.mark.slow

STEPS = (
    "GET files: is it there?",
    "GET application: may it be made?",
    "POST large-url 1",
    "PUT manual.txt",
    "POST large-url 2",
    "PUT tool.dll",
    "POST large-url 3",
    "PUT tool.exe",
    "POST upload: reserve the version",
    "GET files: whose rows are there?",
    "POST large-complete 1",
    "POST large-complete 2",
    "GET versions: is it enabled?",
    "GET files: whose rows are there?",
    "POST large-complete 3, MAIN",
    "GET versions: is it enabled?",
    "GET files: is it whole?",
    "PATCH: enable",
    "GET versions: is it enabled?",
    "GET files: is it whole?",
)
PHASES = {
    # The server has the request, and has done nothing about it.
    "before": "stall:600",
    # It has done it all, and the answer is on its way.
    "after": "stall-body:0/600",
}
VERSION = "1.0"


AT_ONCE = {
    "first look": ("files", "application"),
    "upload URLs": ("large-url 1", "large-url 2"),
    "files": ("PUT manual.txt", "PUT tool.exe"),
    "completions": ("complete 1", "complete 2"),
    "look before MAIN": ("files 3", "versions 1"),
    "look before enabling": ("files 4", "versions 2"),
    "last look": ("files 5", "versions 3"),
}
"""Pairs of requests that a run makes at once; where they have the same path, the first one to come,
whichever file it is about, and the second."""

FILES, VERSIONS = "*/versions/*/files", f"/v1/applications/{APPLICATION}/versions"
PLACES = {
    "application": ("GET", f"/v1/applications/{APPLICATION}", 1),
    "PUT manual.txt": ("PUT", "*manual.txt", 1),
    "PUT tool.exe": ("PUT", "*tool.exe", 1),
    "files": ("GET", FILES, 1),
    **{f"files {n}": ("GET", FILES, n) for n in range(2, 6)},
    **{f"versions {n}": ("GET", VERSIONS, n) for n in range(1, 4)},
    **{f"large-url {n}": ("POST", "*/large-url", n) for n in (1, 2)},
    **{f"complete {n}": ("POST", COMPLETE, n) for n in (1, 2)},
}
"""The method, the path and the number of each of these requests."""


def start(watched: Watched, config: Path, *options: str, parallel: int = 1) -> Process:
    environment = {
        **os.environ,
        "BINDIST_API_URL": watched.server.url,
        "BINDIST_API_KEY": ADMIN_KEY,
        "BINDIST_CONFIG_DIR": str(config),
    }
    files = map(str, watched.paths)
    words = (
        "versions",
        "upload",
        APPLICATION,
        VERSION,
        *files,
        "--enable",
        "--parallel",
        str(parallel),
        "--timeout",
        "3",
    )
    return watched.commands.open((*words, "-o", "json", *options), config, environment)


def wait_for(reached: Callable[[], bool], process: Process) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.002)


def finish(process: Process) -> None:
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said


def kinds(watched: Watched) -> list[tuple[str, str]]:
    return [(sent.method, sent.path) for sent in watched.server.requests]


def test_a_release_takes_these_steps(watched: Watched, tmp_path: Path) -> None:
    finish(start(watched, tmp_path))
    made = [method for method, _ in kinds(watched)]
    assert made == [step.split()[0].rstrip(":") for step in STEPS]
    watched.check(VERSION)


@pytest.mark.parametrize(
    ("step", "phase"),
    [
        pytest.param(step, phase, id=f"{phase} {step + 1} {what}")
        for step, what in enumerate(STEPS)
        for place, phase in enumerate(PHASES)
        if is_due(step + place, 2)
    ],
)
@pytest.mark.counts("kills")
def test_a_release_killed_at_any_step_is_finished_by_the_same_command(
    watched: Watched, tmp_path: Path, step: int, phase: str
) -> None:
    requests = watched.server.requests
    watched.server.faults.add(f"{PHASES[phase]},nth={step + 1}")
    process = start(watched, tmp_path)
    wait_for(lambda: len(requests) > step, process)
    if phase == "after":
        wait_for(lambda: requests[step].status != 0, process)
    process.kill()
    process.communicate()
    watched.server.faults.clear()
    assert watched.is_invisible_or_whole(VERSION)
    enabled = watched.is_enabled(VERSION)
    before = len(requests)
    finish(start(watched, tmp_path))
    again = kinds(watched)[before:]
    if enabled:
        assert ("POST", COMPLETE) not in again
    sent = [path for method, path in again if method == "PUT"]
    left = [each for each in STEPS[step:] if each.startswith("PUT")]
    assert len(sent) <= len(left), "what the object store has is not sent again"
    watched.check(VERSION)
    for journal in (tmp_path / "releases").glob("*.json"):
        last = json.loads(journal.read_text().splitlines()[-1])
        assert last["finished_at"], "nothing is left to finish"


def arrived(watched: Watched, method: str, path: str, nth: int) -> RequestRecord | None:
    """The request of that place, once the server has it."""
    sent = [each for each in watched.server.requests if each.method == method]
    sent = [each for each in sent if fnmatchcase(each.path, path)]
    return sent[nth - 1] if len(sent) >= nth else None


@pytest.mark.parametrize("done", ["neither", "the first", "the second", "both"])
@pytest.mark.parametrize("group", AT_ONCE)
@pytest.mark.counts("kills")
def test_a_release_killed_between_any_two_requests_at_once_is_finished_by_the_same_command(
    watched: Watched, tmp_path: Path, group: str, done: str
) -> None:
    """The server has both requests, has carried out those that are `done`, and answers none."""
    pair = [PLACES[name] for name in AT_ONCE[group]]
    carried_out = {"neither": (), "the first": (0,), "the second": (1,), "both": (0, 1)}[done]
    for place, (method, path, nth) in enumerate(pair):
        kind = PHASES["after" if place in carried_out else "before"]
        watched.server.faults.add(f"{kind},method={method},path={path},nth={nth}")

    def is_reached() -> bool:
        found = [arrived(watched, *place) for place in pair]
        return all(found) and all(found[place].status for place in carried_out)

    process = start(watched, tmp_path, parallel=4)
    wait_for(is_reached, process)
    process.kill()
    process.communicate()
    watched.server.faults.clear()
    assert watched.is_invisible_or_whole(VERSION)
    enabled, before = watched.is_enabled(VERSION), len(watched.server.requests)
    finish(start(watched, tmp_path, parallel=4))
    if enabled:
        assert ("POST", COMPLETE) not in kinds(watched)[before:]
    watched.check(VERSION)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.counts("kills")
def test_a_release_killed_during_a_transfer_sends_the_bytes_again(
    watched: Watched, tmp_path: Path, share: float
) -> None:
    size = len(CONTENTS["tool.exe"])
    watched.server.faults.add(f"slow:{size},method=PUT,path=*tool.exe")
    process = start(watched, tmp_path)
    wait_for(
        lambda: any(
            sent.path.endswith("tool.exe") and sent.bytes_in > share * size
            for sent in watched.server.requests
        ),
        process,
    )
    process.kill()
    process.communicate()
    assert not watched.is_whole(VERSION)
    finish(start(watched, tmp_path))
    watched.check(VERSION)


def test_a_begun_release_is_finished_even_with_if_exists_fail(
    watched: Watched, tmp_path: Path
) -> None:
    watched.server.faults.add(f"stall:600,nth=2,path={COMPLETE}")
    process = start(watched, tmp_path, "--if-exists", "fail")
    wait_for(lambda: kinds(watched).count(("POST", COMPLETE)) == 2, process)
    process.kill()
    process.communicate()
    finish(start(watched, tmp_path, "--if-exists", "fail"))
    watched.check(VERSION)
    last = start(watched, tmp_path, "--if-exists", "fail")
    last.communicate(timeout=60)
    assert last.returncode == 6


def test_the_journal_is_private_and_holds_no_secret(watched: Watched, tmp_path: Path) -> None:
    watched.server.faults.add(f"stall:600,path={COMPLETE}")
    process = start(watched, tmp_path)
    wait_for(lambda: ("POST", COMPLETE) in kinds(watched), process)
    process.kill()
    process.communicate()
    (journal,) = (tmp_path / "releases").glob("*.json")
    text = journal.read_text()
    assert journal.name.startswith(f"{APPLICATION}-{VERSION}-")
    assert "X-Amz" not in text and "Signature" not in text and ADMIN_KEY not in text
    if os.name == "posix":
        assert journal.stat().st_mode & 0o777 == 0o600
        assert journal.parent.stat().st_mode & 0o777 == 0o700
