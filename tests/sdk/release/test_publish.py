"""A release of several files: whole or invisible, and safe to run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bindist import (
    AdminClient,
    DifferentContentError,
    IntegrityError,
    NotFoundError,
    PermissionDeniedError,
    TransportError,
)
from bindist.release.files import ReleaseFile, local_files
from bindist.sandbox import SandboxServer
from tests.publishing import publish

BIG = 5 * 1024 * 1024
COMPLETE = "path=/v1/management/upload/large-complete"


@pytest.fixture
def three(tmp_path: Path) -> list[ReleaseFile]:
    """A program, its library and its manual; the program first."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "tool.exe").write_bytes(b"program" * (BIG // 7))
    (folder / "tool.dll").write_bytes(b"library")
    (folder / "manual.txt").write_bytes(b"manual")
    return local_files([folder / name for name in ("tool.exe", "tool.dll", "manual.txt")])


def sums(files: list[ReleaseFile]) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.path.read_bytes()).hexdigest() for file in files}


def remote(admin: AdminClient) -> dict[str, str]:
    rows = admin.list_version_files("tool", "1.0").require()["files"]
    return {row["fileName"]: row["checksum"] for row in rows}


def changing(server: SandboxServer) -> list[str]:
    """The requests that could have changed something."""
    return [f"{r.method} {r.path}" for r in server.requests if r.method not in ("GET", "HEAD")]


def test_publish_makes_one_version_of_all_files(admin, application, three):
    done = publish(admin, application, "1.0", three)
    assert (done.status, done.is_enabled) == ("created", False)
    assert remote(admin) == sums(three)


def test_all_uploads_precede_the_completions_and_the_main_file_is_completed_last(
    admin, application, three, server
):
    publish(admin, application, "1.0", three, parallel=1)
    steps = [step.rpartition("/")[2] for step in changing(server) if "large-" in step]
    assert steps == ["large-url"] * 3 + ["large-complete"] * 3
    listed = admin.list_versions(application, test_channel=True).require()["versions"]
    assert listed[0]["fileSize"] == three[0].size


def test_the_version_is_enabled_only_on_request(admin, application, three):
    assert publish(admin, application, "1.0", three, enable=True).is_enabled


def test_a_second_run_changes_nothing_and_counts_nothing(admin, application, three, server):
    publish(admin, application, "1.0", three, enable=True)
    before = len(changing(server))
    done = publish(admin, application, "1.0", three, enable=True)
    assert (done.status, done.is_enabled) == ("unchanged", True)
    assert len(changing(server)) == before
    assert admin.get_stats(application).require()["totalDownloads"] == 0


def test_a_second_run_enables_a_disabled_version(admin, application, three):
    publish(admin, application, "1.0", three)
    done = publish(admin, application, "1.0", three, enable=True, settle=0.1)
    assert (done.status, done.is_enabled) == ("unchanged", True)


def test_other_content_is_a_conflict_and_changes_nothing(admin, application, three, server):
    publish(admin, application, "1.0", three)
    before = len(changing(server))
    three[1].path.write_bytes(b"another library")
    with pytest.raises(DifferentContentError) as raised:
        publish(admin, application, "1.0", three)
    assert [name for name, _, _ in raised.value.differences] == ["tool.dll"]
    assert len(changing(server)) == before


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_fewer_files_than_there_are_is_a_conflict(missing, admin, application, three):
    publish(admin, application, "1.0", three)
    fewer = [file for index, file in enumerate(three) if index != missing]
    with pytest.raises(DifferentContentError):
        publish(admin, application, "1.0", fewer)


def test_skip_keeps_an_existing_version(admin, application, three):
    publish(admin, application, "1.0", three[:1])
    assert publish(admin, application, "1.0", three, if_exists="skip").status == "skipped"


def test_fail_raises_even_for_the_same_content(admin, application, three):
    publish(admin, application, "1.0", three)
    with pytest.raises(DifferentContentError, match="exists already"):
        publish(admin, application, "1.0", three, if_exists="fail")


def test_an_unknown_application_is_not_found_before_a_byte_is_sent(admin, three, server):
    with pytest.raises(NotFoundError, match="nowhere"):
        publish(admin, "nowhere", "1.0", three)
    assert changing(server) == []


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("fault", ["lost", "empty:500", "refuse", "html:502", "status:429/0"])
def test_a_completion_without_a_good_response_is_looked_up(
    fault, nth, admin, application, three, server
):
    server.faults.add(f"{fault},{COMPLETE},nth={nth}")
    done = publish(admin, application, "1.0", three, enable=True, settle=0.1)
    assert done.is_enabled
    assert remote(admin) == sums(three)


@pytest.mark.parametrize("fault", ["lost", "html:504"])
def test_a_lost_response_to_the_only_completion_leaves_one_row(
    fault, admin, application, three, server
):
    server.faults.add(f"{fault},{COMPLETE}")
    publish(admin, application, "1.0", three[1:2], enable=True, settle=0.1)
    assert remote(admin) == sums(three[1:2])
    assert len(admin.list_version_files(application, "1.0").require()["files"]) == 1


@pytest.mark.parametrize("fault", ["lost", "html:504"])
def test_an_inline_upload_without_a_response_is_looked_up(fault, admin, application, three, server):
    files = local_files([three[1].path], file_type="MAIN")
    server.faults.add(f"{fault},path=/v1/management/upload")
    publish(admin, application, "1.0", files, enable=True, settle=0.1)
    assert remote(admin) == sums(files)


def test_a_failing_store_leaves_no_version(admin, application, three, server):
    server.faults.add("reset-request:10,method=PUT,times=0")
    with pytest.raises(TransportError):
        publish(admin, application, "1.0", three, enable=True)
    assert not admin.list_version_files(application, "1.0").success


def test_unexpected_bytes_are_not_completed(admin, application, three):
    expected = {**sums(three), "manual.txt": "0" * 64}
    with pytest.raises(IntegrityError, match="listed is"):
        publish(admin, application, "1.0", three, expected=expected)
    assert not admin.list_version_files(application, "1.0").success


def test_a_version_created_meanwhile_by_another_run_is_compared_and_not_reset(
    admin, application, three, server
):
    def meanwhile(file: ReleaseFile) -> Callable[[int, int], None]:
        def report(done: int, size: int) -> None:
            if file.name == "tool.exe" and done == size:
                publish(admin, application, "1.0", three, enable=True)

        return report

    done = publish(admin, application, "1.0", three, progress=meanwhile)
    assert (done.status, done.is_enabled) == ("unchanged", True)


def test_progress_includes_files_sent_by_an_earlier_run(
    admin, application, three, server, tmp_path
):
    server.faults.add("status:403,path=/v1/management/upload")
    with pytest.raises(PermissionDeniedError):
        publish(admin, application, "1.0", three, journal=tmp_path / "releases")
    told: dict[str, tuple[int, int]] = {}

    def reporter(file: ReleaseFile) -> Callable[[int, int], None]:
        return lambda done, size: told.update({file.name: (done, size)})

    sent = len(server.requests)
    publish(admin, application, "1.0", three, journal=tmp_path / "releases", progress=reporter)
    assert told == {file.name: (file.size, file.size) for file in three}
    assert "PUT" not in {record.method for record in server.requests[sent:]}


def test_a_version_that_reads_back_differently_is_not_enabled(admin, application, three, server):
    publish(admin, application, "0.9", three, parallel=1)  # so that the rows are in one order
    like_it = json.dumps(admin.list_version_files(application, "0.9").raw, separators=(",", ":"))
    place = like_it.index("manual.txt")

    def alter(file: ReleaseFile) -> Callable[[int, int], None]:
        server.faults.clear()
        server.faults.add(f"flip:{place},path=/v1/applications/tool/versions/1.0/files,times=0")
        return lambda done, size: None

    with pytest.raises(IntegrityError, match=r"read back, manual\.txt is 'lanual\.txt'"):
        publish(admin, application, "1.0", three, enable=True, progress=alter, parallel=1)
    assert [row["version"] for row in admin.list_versions(application).require()["versions"]] == []
