"""What a run takes from the journal of an earlier one: only what is still true, and still there."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, BinDistError, IntegrityError
from bindist.release.files import local_files
from bindist.release.journal import Journal, ReleaseId
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY
from tests.publishing import publish
from tests.release.conftest import APPLICATION, COMPLETE, CONTENTS, Watched
from tests.release.test_killed import VERSION, kinds, start, wait_for

RESERVE = "/v1/management/upload"
SETTLE = 0.3


class Notices(list[str]):
    """What a run has notified."""

    @property
    def waits(self) -> list[str]:
        return [text for text in self if text.startswith("waiting")]


def make(client: AdminClient, watched: Watched, journal: Path, **more: Any) -> Any:
    options = {"enable": True, "settle": SETTLE, **more}
    files = local_files(watched.paths)
    return publish(client, APPLICATION, VERSION, files, journal=journal, **options)


def fail_at(client: AdminClient, watched: Watched, journal: Path, path: str) -> None:
    """A run that fails at the first request to that path, with all bytes in the object store."""
    watched.server.faults.add(f"html:502,path={path},times=0")
    with pytest.raises(BinDistError):
        make(client, watched, journal)
    watched.server.faults.clear()
    watched.server.requests.clear()


def sent(watched: Watched) -> int:
    return [method for method, _ in kinds(watched)].count("PUT")


@contextmanager
def serving(folder: Path, port: int = 0, **keys: str) -> Iterator[SandboxServer]:
    with SandboxServer(folder, port=port, catalogue=False, **keys) as server:
        yield server


def connected(server: SandboxServer, key: str) -> AdminClient:
    return AdminClient(server.url, key, backoff=0.001, retries=1)


def port_of(server: SandboxServer) -> int:
    return int(server.url.rpartition(":")[2])


# Whose bytes they are


@pytest.mark.parametrize(
    ("one", "other", "sends"),
    [
        ("t1.first-admin-key", "t2.other-admin-key", 3),
        ("t1.first-admin-key", "t1.other-admin-key", 0),
        ("bare-first-admin-key", "bare-other-admin-key", 0),
    ],
    ids=["another tenant", "rotated key", "bare keys"],
)
def test_bytes_are_used_again_with_the_same_tenants_key_only(
    watched: Watched, tmp_path: Path, one: str, other: str, sends: int
) -> None:
    folder, journal = tmp_path / "server", tmp_path / "releases"
    with serving(folder, admin_key=one) as server, connected(server, one) as client:
        port = port_of(server)
        client.create_application(APPLICATION, "Tool").raise_for_error()
        fail_at(client, Watched(server, client, watched.paths, watched.commands), journal, RESERVE)
    with serving(folder, port, admin_key=other) as server, connected(server, other) as client:
        again = Watched(server, client, watched.paths, watched.commands)
        make(client, again, journal)
        assert sent(again) == sends
        again.check(VERSION)


# Whether the bytes are there


def test_bytes_that_a_reset_server_has_lost_are_sent_again(
    watched: Watched, tmp_path: Path
) -> None:
    folder, journal = tmp_path / "server", tmp_path / "releases"
    with serving(folder, admin_key=ADMIN_KEY) as server, connected(server, ADMIN_KEY) as client:
        port = port_of(server)
        client.create_application(APPLICATION, "Tool").raise_for_error()
        fail_at(client, Watched(server, client, watched.paths, watched.commands), journal, RESERVE)
    shutil.rmtree(folder)
    with (
        serving(folder, port, admin_key=ADMIN_KEY) as server,
        connected(server, ADMIN_KEY) as client,
    ):
        client.create_application(APPLICATION, "Tool").raise_for_error()
        again = Watched(server, client, watched.paths, watched.commands)
        make(client, again, journal)
        assert sent(again) == 3
        again.check(VERSION)


def lose(server: SandboxServer, name: str) -> None:
    """Removes an object, as a rule of the bucket that cleans it up does."""
    with closing(sqlite3.connect(server.data_dir / "sandbox.db")) as database, database:
        removed = database.execute("DELETE FROM objects WHERE key LIKE ?", (f"%{name}",))
        assert removed.rowcount == 1


@pytest.mark.parametrize("path", [RESERVE, COMPLETE], ids=["before", "after the reservation"])
@pytest.mark.parametrize("name", CONTENTS)
def test_a_version_whose_bytes_the_store_has_lost_is_never_enabled(
    watched: Watched, tmp_path: Path, name: str, path: str
) -> None:
    with connected(watched.server, ADMIN_KEY) as client:
        fail_at(client, watched, tmp_path, path)
        lose(watched.server, name)
        notices = Notices()
        with pytest.raises(IntegrityError, match="object store"):
            make(client, watched, tmp_path, notify=notices.append)
    assert any("count 3 downloads" in text for text in notices)
    assert "PATCH" not in {method for method, _ in kinds(watched)}
    assert not watched.is_enabled(VERSION)
    assert not list(tmp_path.glob("*.json")), "the journal is dropped"


@pytest.mark.slow
def test_a_command_that_finishes_lost_bytes_exits_with_8(watched: Watched, tmp_path: Path) -> None:
    watched.server.faults.add(f"stall:600,path={COMPLETE},nth=2")
    process = start(watched, tmp_path)
    wait_for(lambda: kinds(watched).count(("POST", COMPLETE)) == 2, process)
    process.kill()
    process.communicate()
    watched.server.faults.clear()
    lose(watched.server, "tool.exe")
    process = start(watched, tmp_path)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 8, said
    assert not watched.is_enabled(VERSION)
    assert not list((tmp_path / "releases").glob("*.json"))


# What an earlier run may still have under way


def test_enabling_a_version_of_this_release_does_not_wait(watched: Watched, tmp_path: Path) -> None:
    notices = Notices()
    with connected(watched.server, ADMIN_KEY) as client:
        for enable, status in ((False, "created"), (True, "unchanged"), (True, "unchanged")):
            done = make(
                client, watched, tmp_path, enable=enable, settle=60.0, notify=notices.append
            )
            assert (done.status, done.is_enabled) == (status, enable)
    assert not notices, "no wait, and no counted download"
    watched.check(VERSION)


def test_without_the_journal_another_runs_version_is_waited_for(watched: Watched, tmp_path) -> None:
    """So that the test above can fail."""
    with connected(watched.server, ADMIN_KEY) as client:
        make(client, watched, tmp_path / "one", enable=False)
        notices = Notices()
        make(client, watched, tmp_path / "other", settle=2.0, notify=notices.append)
    assert len(notices.waits) == 1


@pytest.mark.parametrize(("age", "waits"), [(0.0, 1), (-3600.0, 0), (3600.0, 0)])
def test_a_write_that_a_killed_run_has_sent_settles_before_the_first_write(
    watched: Watched, tmp_path: Path, age: float, waits: int
) -> None:
    """The reservation may still be carried out: `written_at` is in the journal."""
    with connected(watched.server, ADMIN_KEY) as client:
        fail_at(client, watched, tmp_path, RESERVE)
        release = ReleaseId.of(client.base_url, ADMIN_KEY, APPLICATION, VERSION)
        with Journal.opened(tmp_path, release) as journal:
            journal.start_write()
            journal.written_at = time.time() - age
            journal._write()
        writes_at_notice: list[int] = []

        def notify(text: str) -> None:
            if text.startswith("waiting"):
                writes_at_notice.append(
                    len([method for method, _ in kinds(watched) if method in ("POST", "PATCH")])
                )

        make(client, watched, tmp_path, settle=2.0, notify=notify)
    assert writes_at_notice == [0] * waits
    watched.check(VERSION)


def test_a_reservation_of_a_killed_run_that_lands_late_is_filled_by_the_next_run(
    watched: Watched, tmp_path: Path
) -> None:
    watched.server.faults.add(f"late-completion={SETTLE / 2},path={RESERVE}")
    with connected(watched.server, ADMIN_KEY) as client:
        done = make(client, watched, tmp_path)
    assert done.status == "created"
    assert kinds(watched).count(("POST", RESERVE)) == 1
    watched.check(VERSION)
