"""A server that answers late, twice, or from an old state of its database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from bindist import AdminClient
from bindist.release.files import local_files
from tests.conftest import ADMIN_KEY
from tests.publishing import publish
from tests.release.conftest import APPLICATION, COMPLETE, CONTENTS, Watched
from tests.release.test_killed import VERSION, kinds

RESERVE = "/v1/management/upload"
SETTLE = 1.0
LATE = 0.5


@pytest.fixture
def client(watched: Watched) -> Iterator[AdminClient]:
    with AdminClient(watched.server.url, ADMIN_KEY, backoff=0.01, retries=3) as found:
        yield found


def make(client: AdminClient, watched: Watched, **more: Any) -> Any:
    options = {"enable": True, "settle": SETTLE, "parallel": 1, **more}
    return publish(client, APPLICATION, VERSION, local_files(watched.paths), **options)


def completed(watched: Watched) -> int:
    """How many completions were sent, but for the second one of a single file."""
    return kinds(watched).count(("POST", COMPLETE)) - (len(watched.paths) == 1)


def test_stale_reads_repeat_no_completion(watched: Watched, client) -> None:
    watched.server.faults.add("stale-reads=300")
    done = make(client, watched, settle=5.0)
    assert (done.status, done.is_enabled) == ("created", True)
    assert completed(watched) == len(CONTENTS)
    assert kinds(watched).count(("POST", RESERVE)) == 1
    watched.server.faults.clear()
    watched.check(VERSION)


def test_stale_reads_repeat_no_completion_of_a_single_file(watched: Watched, client) -> None:
    watched.paths[:] = watched.paths[:1]
    watched.server.faults.add("stale-reads=300")
    assert make(client, watched, settle=5.0).is_enabled
    assert completed(watched) == 1


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("fault", [f"late-completion={LATE}", "duplicate", f"duplicate={LATE}"])
@pytest.mark.counts("faults")
def test_a_completion_that_is_late_or_doubled_leaves_the_version_enabled(
    watched: Watched, client, fault: str, nth: int
) -> None:
    """Doubled: the second time at once, or, for `duplicate=0.5`, after the response. No client can
    know of the latter: where it comes after the enabling, it disables the version."""
    watched.server.faults.add(f"{fault},path={COMPLETE},nth={nth}")
    done = make(client, watched)
    assert done.is_enabled
    time.sleep(LATE + 0.2)
    assert watched.is_whole(VERSION)
    if not fault.startswith("duplicate="):
        watched.check(VERSION)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_reservation_or_an_enabling_that_lands_late_leaves_the_version_enabled(
    watched: Watched, client, method: str
) -> None:
    path = RESERVE if method == "POST" else "*"
    watched.server.faults.add(f"late-completion={LATE},method={method},path={path}")
    assert make(client, watched).is_enabled
    time.sleep(LATE + 0.2)
    watched.check(VERSION)


@pytest.mark.parametrize("fault", ["lost", f"late-completion={LATE}", "duplicate"])
def test_a_single_files_completion_without_a_response_leaves_one_row_where_the_store_is_slow(
    watched: Watched, client, fault: str
) -> None:
    """The inline upload stood twice then: it was sent again before it was carried out."""
    watched.paths[:] = watched.paths[:1]
    watched.server.faults.add("slow-store=400")
    watched.server.faults.add(f"{fault},path={COMPLETE}")
    done = make(client, watched)
    assert (done.status, done.is_enabled, len(done.files)) == ("created", True, 1)
    time.sleep(LATE + 0.2)
    state = watched.server.version_state(APPLICATION, VERSION)
    assert state is not None
    assert (len(state.files), state.is_enabled) == (1, True)


@pytest.mark.parametrize("fault", ["lost", f"late-completion={LATE}", "stall-body:0/600"])
def test_an_inline_upload_without_a_response_leaves_one_row_where_the_store_is_slow(
    watched: Watched, fault: str
) -> None:
    watched.server.faults.add("slow-store=400")
    watched.server.faults.add(f"{fault},path={RESERVE}")
    files = local_files(watched.paths[2:], file_type="MAIN")
    with AdminClient(
        watched.server.url, ADMIN_KEY, backoff=0.01, timeout=(5, 2), retries=3
    ) as client:
        done = publish(client, APPLICATION, VERSION, files, enable=True, settle=SETTLE)
    assert (done.is_enabled, len(done.files)) == (True, 1)
    assert kinds(watched).count(("POST", RESERVE)) == 1
    state = watched.server.version_state(APPLICATION, VERSION)
    assert state is not None
    assert len(state.files) == 1
