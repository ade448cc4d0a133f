"""A release each of whose requests fails once, in each way that the sandbox can make it fail.

On any day each way meets a sixth of the requests, and each request a sixth of the ways; all of them
in six days, or with WHOLE_MATRIX=1. Half of them make one request at a time, the others several
at once; the other half after six days.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bindist import AdminClient, BinDistError
from bindist.release.files import local_files
from bindist.release.results import Release
from tests.conftest import ADMIN_KEY
from tests.counters import Record
from tests.publishing import publish
from tests.release.conftest import APPLICATION, COMPLETE, Watched
from tests.sampling import TODAY, is_due

STEPS, PARTS = 20, 6
FAULTS = (
    "refuse",
    "stall:600",
    "reset-request:1",
    "status:401",
    "status:403",
    "status:404",
    "status:409",
    "status:429",
    "status:429/0",
    "status:500",
    "html:502",
    "empty:503",
    "html:504",
    "text:500",
    "not-json",
    "json-array",
    "redirect:/elsewhere",
    "redirect-loop",
    "expire",
    "quota",
    "lost",
    "reset:0",
    "reset:1",
    "cut:1",
    "stall-body:1/600",
    "flip:0",
    "length:5",
    "length:-5",
    "gzip",
    "etag:other",
    "range-lie",
    "range-ignore",
)


@pytest.fixture
def client(watched: Watched):
    with AdminClient(
        watched.server.url, ADMIN_KEY, backoff=0.001, timeout=(5, 0.25), retries=2
    ) as found:
        yield found


def make(
    client: AdminClient, watched: Watched, version: str, folder: Path, parallel: int = 1
) -> Release:
    files = local_files(watched.paths)
    return publish(
        client,
        APPLICATION,
        version,
        files,
        enable=True,
        parallel=parallel,
        journal=folder / "releases",
        settle=0.1,
    )


def changes(watched: Watched, since: int) -> list[str]:
    """What has been asked that can have changed something, a letter each."""
    letters = {"PUT": "p", "PATCH": "e", COMPLETE: "c"}
    asked = watched.server.requests[since:]
    return [letters[key] for sent in asked for key in (sent.method, sent.path) if key in letters]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_release_survives_any_single_fault_and_is_never_wrong_on_the_way(
    watched: Watched,
    client: AdminClient,
    tmp_path: Path,
    fault: str,
    record_property: Record,
) -> None:
    place = FAULTS.index(fault)
    for step in (step for step in range(1, STEPS + 1) if is_due(place + step, PARTS)):
        version, parallel = f"1.{step}", (1, 4)[(step + TODAY // PARTS) % 2]
        watched.server.faults.add(f"{fault},nth={step}")
        since = len(watched.server.requests)
        try:
            make(client, watched, version, tmp_path, parallel)
        except BinDistError:
            watched.server.faults.clear()
            assert watched.is_invisible_or_whole(version), f"step {step}"
            make(client, watched, version, tmp_path, parallel)
        watched.server.faults.clear()
        done = "".join(changes(watched, since))
        assert "c" not in done[done.find("e") :] or "e" not in done, f"step {step}: {done}"
        watched.check(version)
        record_property("faults", 1)


def test_a_second_run_asks_for_nothing_that_changes_or_counts(
    watched: Watched, client: AdminClient, tmp_path: Path
) -> None:
    make(client, watched, "1.0", tmp_path)
    since = len(watched.server.requests)
    done = make(client, watched, "1.0", tmp_path)
    assert (done.status, done.is_enabled) == ("unchanged", True)
    asked = watched.server.requests[since:]
    assert {sent.method for sent in asked} == {"GET"}
    assert not [sent for sent in asked if "downloads" in sent.path]


def test_a_server_without_empty_versions_gets_the_files_too(
    watched: Watched, client: AdminClient, tmp_path: Path
) -> None:
    watched.server.faults.add("status:400,path=/v1/management/upload,times=0")
    assert make(client, watched, "1.0", tmp_path).status == "created"
    watched.check("1.0")
