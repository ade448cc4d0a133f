"""A release of several files: whole or invisible, and safe to run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from bindist.planning import Plan, ReleaseFile, RemoteVersion, local_files, plan

from bindist import (
    AdminClient,
    DifferentContentError,
    IntegrityError,
    NotFoundError,
    PermissionDeniedError,
    TransportError,
)
from bindist.release import find_version, publish
from bindist.sandbox import SandboxServer

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


def test_makes_one_version_of_all_files(admin, application, three):
    done = publish(admin, application, "1.0", three)
    assert (done.status, done.is_enabled) == ("created", False)
    assert remote(admin) == sums(three)


def test_every_url_comes_before_every_completion_and_the_main_file_is_completed_last(
    admin, application, three, server
):
    publish(admin, application, "1.0", three, parallel=1)
    steps = [step.rpartition("/")[2] for step in changing(server) if "large-" in step]
    assert steps == ["large-url"] * 3 + ["large-complete"] * 3
    found = find_version(admin, application, "1.0")
    assert found is not None
    listed = admin.list_versions(application, test_channel=True).require()["versions"]
    assert listed[0]["fileSize"] == three[0].size


def test_is_enabled_only_when_that_was_asked_for(admin, application, three):
    assert publish(admin, application, "1.0", three, enable=True).is_enabled


def test_a_second_run_changes_nothing_and_counts_nothing(admin, application, three, server):
    publish(admin, application, "1.0", three, enable=True)
    before = len(changing(server))
    done = publish(admin, application, "1.0", three, enable=True)
    assert (done.status, done.is_enabled) == ("unchanged", True)
    assert len(changing(server)) == before
    assert admin.get_stats(application).require()["totalDownloads"] == 0


def test_a_second_run_enables_what_is_not(admin, application, three):
    publish(admin, application, "1.0", three)
    done = publish(admin, application, "1.0", three, enable=True)
    assert (done.status, done.is_enabled) == ("unchanged", True)


def test_other_content_is_a_conflict_and_nothing_is_touched(admin, application, three, server):
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


def test_skip_leaves_whatever_is_there(admin, application, three):
    publish(admin, application, "1.0", three[:1])
    assert publish(admin, application, "1.0", three, if_exists="skip").status == "skipped"


def test_fail_fails_even_for_the_same_content(admin, application, three):
    publish(admin, application, "1.0", three)
    with pytest.raises(DifferentContentError, match="exists already"):
        publish(admin, application, "1.0", three, if_exists="fail")


def test_an_unknown_application_is_not_found_before_a_byte_is_sent(admin, three, server):
    with pytest.raises(NotFoundError, match="nowhere"):
        publish(admin, "nowhere", "1.0", three)
    assert changing(server) == []


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("fault", ["lost", "empty:500", "refuse", "html:502", "status:429/0"])
def test_a_completion_that_fails_or_whose_answer_is_lost_is_looked_up(
    fault, nth, admin, application, three, server
):
    server.faults.add(f"{fault},{COMPLETE},nth={nth}")
    done = publish(admin, application, "1.0", three, enable=True)
    assert done.is_enabled
    assert remote(admin) == sums(three)


@pytest.mark.parametrize("fault", ["lost", "html:504"])
def test_an_inline_upload_whose_answer_is_lost_is_looked_up(
    fault, admin, application, three, server
):
    server.faults.add(f"{fault},path=/v1/management/upload")
    publish(admin, application, "1.0", three[1:2], enable=True)
    assert remote(admin) == sums(three[1:2])


def test_a_store_that_fails_leaves_nothing(admin, application, three, server):
    server.faults.add("reset-request:10,method=PUT,times=0")
    with pytest.raises(TransportError):
        publish(admin, application, "1.0", three, enable=True)
    assert not admin.list_version_files(application, "1.0").success


def test_bytes_that_are_not_the_expected_ones_are_not_completed(admin, application, three):
    expected = {**sums(three), "manual.txt": "0" * 64}
    with pytest.raises(IntegrityError, match="listed is"):
        publish(admin, application, "1.0", three, expected=expected)
    assert not admin.list_version_files(application, "1.0").success


def test_a_version_that_somebody_else_makes_meanwhile_is_compared_not_reset(
    admin, application, three, server
):
    def meanwhile(file: ReleaseFile) -> Callable[[int, int], None]:
        def report(done: int, size: int) -> None:
            if file.name == "tool.exe" and done == size:
                publish(admin, application, "1.0", three, enable=True)

        return report

    done = publish(admin, application, "1.0", three, progress=meanwhile)
    assert (done.status, done.is_enabled) == ("unchanged", True)


def test_progress_tells_of_files_that_an_earlier_run_has_sent(
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


def test_files_that_read_back_otherwise_are_not_enabled(admin, application, three, server):
    publish(admin, application, "0.9", three)
    like_it = json.dumps(admin.list_version_files(application, "0.9").raw, separators=(",", ":"))
    place = like_it.index("manual.txt")

    def alter(file: ReleaseFile) -> Callable[[int, int], None]:
        server.faults.clear()
        server.faults.add(f"flip:{place},path=/v1/applications/tool/versions/1.0/files")
        return lambda done, size: None

    with pytest.raises(IntegrityError, match=r"read back, these files differ: lanual\.txt, manual"):
        publish(admin, application, "1.0", three, enable=True, progress=alter)
    assert [row["version"] for row in admin.list_versions(application).require()["versions"]] == []


def entry(name: str, kind: str = "MAIN", size: int = 1) -> ReleaseFile:
    return ReleaseFile(Path(name), name, size, kind)


def test_a_plan_asks_for_no_checksum_where_there_is_nothing_to_compare_with():
    def never(file: ReleaseFile) -> str:
        raise AssertionError(file)

    one = (entry("a"),)
    assert plan(one, None, never) == Plan("create", one, complete=one, inline=True)


def test_a_plan_sends_one_small_file_inline_and_everything_else_through_the_store():
    big = entry("a", size=BIG)
    assert not plan([big], None, str).inline
    assert not plan([entry("a"), entry("b")], None, str).inline


def test_a_plan_puts_the_main_files_last():
    files = [entry("a"), entry("b", "DEPENDENCY"), entry("c", "DOCUMENTATION")]
    assert [file.name for file in plan(files, None, str).files] == ["b", "c", "a"]


def test_a_plan_enables_only_what_is_not_enabled():
    there = RemoteVersion(({"fileName": "a", "checksum": "c" * 64},), is_enabled=True)
    planned = plan([entry("a")], there, lambda file: "c" * 64, enable=True)
    assert (planned.action, planned.enable) == ("unchanged", False)


@pytest.mark.parametrize(
    ("names", "problem"),
    [((), "at least one"), (("a.bin", "A.bin"), "same name"), (("a:b",), "refuses the file name")],
)
def test_local_files_that_make_no_release_are_refused(names, problem, tmp_path):
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=problem):
        local_files([tmp_path / name for name in names])


def test_an_empty_local_file_is_refused(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="empty"):
        local_files([tmp_path / "empty"])
