"""What a run makes of what an interrupted one has left: its own is finished, another's is not."""

from __future__ import annotations

import hashlib
import threading
import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from bindist import (
    AdminClient,
    ConflictError,
    DifferentContentError,
    IntegrityError,
    TransportError,
)
from bindist.release.files import local_files
from bindist.release.journal import Journal, ReleaseId, UploadedFile
from bindist.release.results import Release
from tests.conftest import ADMIN_KEY
from tests.publishing import publish
from tests.release.conftest import APPLICATION, COMPLETE, Watched

RESERVE = "/v1/management/upload"


@pytest.fixture
def client(watched: Watched):
    with AdminClient(
        watched.server.url, ADMIN_KEY, backoff=0.001, timeout=(5, 0.3), retries=1
    ) as found:
        yield found


def make(client: AdminClient, watched: Watched, journal: Path | None, **more: Any) -> Release:
    more.setdefault("files", local_files(watched.paths))
    return publish(client, APPLICATION, "1.0", enable=True, journal=journal, **more)


def interrupt(client: AdminClient, watched: Watched, journal: Path, fault: str) -> None:
    watched.server.faults.add(f"{fault},times=0")
    with pytest.raises((TransportError, Exception)):
        make(client, watched, journal)
    watched.server.faults.clear()


def test_skip_leaves_an_unfinished_version_unfinished(client, watched, tmp_path):
    interrupt(client, watched, tmp_path, f"html:502,path={COMPLETE}")
    (tmp_path / "other.exe").write_bytes(b"other")
    other = local_files([tmp_path / "other.exe"])
    assert make(client, watched, tmp_path, files=other, if_exists="skip").status == "skipped"
    assert make(client, watched, tmp_path).status == "created"
    watched.check("1.0")


@pytest.mark.parametrize("count", [1, 3])
def test_a_version_created_just_before_by_another_run_is_foreign(client, watched, tmp_path, count):
    """They make it while this one sends its bytes."""
    files = local_files(watched.paths[-count:])

    def meanwhile(_file: object) -> Any:
        if not watched.admin.list_version_files(APPLICATION, "1.0").success:
            publish(watched.admin, APPLICATION, "1.0", files, enable=True)
        return lambda done, size: None

    for _ in range(2):
        with pytest.raises(DifferentContentError, match="exists already"):
            make(client, watched, tmp_path, files=files, if_exists="fail", progress=meanwhile)


def test_an_empty_version_that_may_be_another_runs_is_watched_before_it_is_taken(
    client, watched, tmp_path
):
    """This run was killed before its reservation was carried out; another one's was."""
    with Journal.opened(
        tmp_path, ReleaseId.of(client.base_url, ADMIN_KEY, APPLICATION, "1.0")
    ) as journal:
        for path in watched.paths:
            checksum = hashlib.sha256(path.read_bytes()).hexdigest()
            journal.record_file(
                path.name, UploadedFile(f"old-{path.name}", path.stat().st_size, checksum)
            )
        journal.start_write()
    watched.server.faults.add(f"stall:0.15,path={COMPLETE},nth=1")
    with AdminClient(watched.server.url, ADMIN_KEY, backoff=0.01) as other:
        thread = threading.Thread(
            target=publish,
            args=(other, APPLICATION, "1.0", local_files(watched.paths)),
            kwargs={"enable": True},
        )
        thread.start()
        while not watched.admin.list_version_files(APPLICATION, "1.0").success:
            time.sleep(0.001)
        with AdminClient(watched.server.url, ADMIN_KEY, backoff=0.1) as slow:
            done = make(slow, watched, tmp_path)
        thread.join()
    assert done.status == "unchanged"
    watched.check("1.0")


def test_bytes_that_the_store_may_have_dropped_are_sent_again(client, watched, tmp_path):
    interrupt(client, watched, tmp_path, f"html:502,path={RESERVE}")
    with Journal.opened(
        tmp_path, ReleaseId.of(client.base_url, ADMIN_KEY, APPLICATION, "1.0")
    ) as journal:
        old = journal.files["tool.dll"]
        journal.record_file(
            "tool.dll", UploadedFile(old.upload_id, old.file_size, old.checksum, 1.0)
        )
    watched.server.requests.clear()
    make(client, watched, tmp_path)
    (sent,) = [each.path for each in watched.server.requests if each.method == "PUT"]
    assert sent.endswith("tool.dll")
    watched.check("1.0")


def test_a_continued_release_must_match_the_checksum_list(client, watched, tmp_path):
    interrupt(client, watched, tmp_path, f"html:502,path={COMPLETE}")
    with pytest.raises(IntegrityError, match="listed is"):
        make(client, watched, tmp_path, expected={"tool.exe": "0" * 64})
    assert not watched.is_enabled("1.0")


def test_a_small_file_keeps_its_explicit_type(client, watched, tmp_path):
    interrupt(client, watched, tmp_path, f"html:502,path={RESERVE}")
    files = local_files(watched.paths[:1], file_type="DEPENDENCY")
    make(client, watched, tmp_path, files=files)
    (row,) = watched.admin.list_version_files(APPLICATION, "1.0").require()["files"]
    assert row["fileType"] == "DEPENDENCY"


def test_a_name_that_the_server_normalizes_is_recognized(client, watched, tmp_path):
    path = tmp_path / unicodedata.normalize("NFD", "éclair.bin")
    path.write_bytes(b"content")
    watched.server.faults.add(f"lost,path={COMPLETE}")
    done = make(client, watched, tmp_path / "journal", files=local_files([path]))
    assert (done.status, len(done.files)) == ("created", 1)
    assert len([each for each in watched.server.requests if each.path == COMPLETE]) == 1


def test_a_version_that_cannot_be_seen_is_a_conflict(client, watched, tmp_path):
    make(client, watched, tmp_path)
    watched.admin.update_version(APPLICATION, "1.0", is_active=False).raise_for_error()
    with pytest.raises((ConflictError, DifferentContentError)):
        make(client, watched, tmp_path, files=local_files(watched.paths[:1]))


def test_a_name_in_another_unicode_form_is_recognized(client, watched, tmp_path):
    forms = {}
    for form in ("NFD", "NFC"):
        folder = tmp_path / form
        folder.mkdir()
        for name in ("é.txt", "tool.exe"):
            (folder / unicodedata.normalize(form, name)).write_bytes(name.encode())
        forms[form] = local_files(sorted(folder.iterdir()))
    watched.server.faults.add(f"html:502,path={COMPLETE},nth=2,times=0")
    with pytest.raises(Exception, match=r"502|gateway|page"):
        make(client, watched, tmp_path / "journal", files=forms["NFD"])
    watched.server.faults.clear()
    done = make(client, watched, tmp_path / "journal", files=forms["NFC"])
    assert (done.status, len(done.files)) == ("created", 2)


@pytest.mark.parametrize("count", [1, 3])
def test_a_refused_reservation_claims_no_version_of_another_run(client, watched, tmp_path, count):
    files = local_files(watched.paths[-count:])
    watched.server.faults.add(f"html:502,path={RESERVE},times=0")
    with pytest.raises(Exception, match=r"502|gateway|page"):
        make(client, watched, tmp_path, files=files)
    watched.server.faults.clear()
    publish(watched.admin, APPLICATION, "1.0", files, enable=True)
    with pytest.raises(DifferentContentError, match="exists already"):
        make(client, watched, tmp_path, files=files, if_exists="fail")


def test_a_lost_reservation_is_not_repeated_over_another_runs_version(client, watched, tmp_path):
    with AdminClient(watched.server.url, ADMIN_KEY, backoff=0.001) as other:
        upload = other.get_large_upload_url(APPLICATION, "1.0", "other.bin", 5).require()

        def meanwhile(_file: object) -> Any:
            watched.server.faults.add(f"html:502,path={COMPLETE},nth=1,times=1")
            return lambda done, size: None

        def foreign() -> None:
            while not any(asked.path == COMPLETE for asked in watched.server.requests):
                time.sleep(0.001)  # the first completion, which fails, is this release's
            other.complete_large_upload(
                upload["uploadId"], APPLICATION, "1.0", "other.bin", 5, "0" * 64
            )

        thread = threading.Thread(target=foreign)
        thread.start()
        with (
            AdminClient(watched.server.url, ADMIN_KEY, backoff=1.0, retries=1) as slow,
            pytest.raises((ConflictError, DifferentContentError, IntegrityError)),
        ):
            publish(slow, APPLICATION, "1.0", local_files(watched.paths), progress=meanwhile)
        thread.join()
    assert not watched.is_enabled("1.0")
