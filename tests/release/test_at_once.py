"""Several runs of the same release at once: one right version, and no wrong one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bindist import AdminClient, BusyError, DifferentContentError
from bindist.release.files import local_files
from bindist.release.journal import Journal, ReleaseId
from bindist.release.results import Release
from tests.conftest import ADMIN_KEY
from tests.publishing import publish
from tests.release.conftest import APPLICATION, COMPLETE, CONTENTS, Watched

RUNS = 3


def run_at_once(
    watched: Watched, version: str, journals: list[Path | None], backoff: float = 0.2
) -> list[Release | Exception]:
    """Starts a run for each journal at the same moment; returns what became of each."""
    ended: list[Release | Exception] = []
    barrier = threading.Barrier(len(journals))
    files = local_files(watched.paths)

    def run(journal: Path | None) -> None:
        with AdminClient(
            watched.server.url, ADMIN_KEY, backoff=backoff, timeout=(5, 0.5), retries=5
        ) as client:
            barrier.wait()
            try:
                ended.append(
                    publish(client, APPLICATION, version, files, enable=True, journal=journal)
                )
            except Exception as error:
                ended.append(error)

    threads = [threading.Thread(target=run, args=(journal,)) for journal in journals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ended


def statuses(ended: list[Release | Exception]) -> list[str]:
    assert all(isinstance(each, Release) for each in ended), ended
    return sorted(each.status for each in ended if isinstance(each, Release))


@pytest.mark.parametrize("round_", range(8))
def test_on_different_machines_one_run_creates_the_version_and_the_others_find_it(
    watched: Watched, tmp_path: Path, round_: int
) -> None:
    ended = run_at_once(watched, "1.0", [tmp_path / str(number) for number in range(RUNS)])
    assert statuses(ended) == ["created"] + ["unchanged"] * (RUNS - 1)
    watched.check("1.0")


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_the_second_run_waits_for_the_first_to_complete(watched: Watched, nth: int) -> None:
    watched.server.faults.add(f"stall:0.4,path={COMPLETE},nth={nth}")
    assert statuses(run_at_once(watched, "1.0", [None] * 2)) == ["created", "unchanged"]
    watched.check("1.0")


@pytest.mark.parametrize("fault", ["lost", "stall-body:1/600", "html:504"])
@pytest.mark.parametrize("nth", [1, 2])
def test_after_a_lost_reservation_response_one_run_creates_the_version(
    watched: Watched, fault: str, nth: int
) -> None:
    watched.server.faults.add(f"{fault},path=/v1/management/upload,nth={nth}")
    ended = run_at_once(watched, "1.0", [None] * 2)
    assert "created" in statuses(ended)
    watched.check("1.0")


def test_on_one_machine_the_second_run_is_refused_as_busy(watched: Watched, tmp_path: Path) -> None:
    with Journal.opened(tmp_path, ReleaseId.of(watched.server.url, ADMIN_KEY, APPLICATION, "1.0")):
        (ended,) = run_at_once(watched, "1.0", [tmp_path])
    assert isinstance(ended, BusyError)
    assert statuses(run_at_once(watched, "1.0", [tmp_path])) == ["created"]


def test_an_unfinished_version_of_another_run_is_a_conflict_and_not_changed(
    watched: Watched,
) -> None:
    content = CONTENTS["tool.dll"]
    watched.admin.upload_large_file(APPLICATION, "1.0", "tool.dll", content).raise_for_error()
    before = len(watched.server.requests)
    (ended,) = run_at_once(watched, "1.0", [None], backoff=0.001)
    assert isinstance(ended, DifferentContentError) and ended.incomplete
    assert {sent.method for sent in watched.server.requests[before:]} == {"GET"}
