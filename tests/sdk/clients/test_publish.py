"""`AdminClient.publish` and `preview_publish`: paths in, a `Release` out."""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import Any

import pytest

from bindist import (
    AdminClient,
    CustomerClient,
    DifferentContentError,
    IntegrityError,
    Release,
    ReleasePreview,
)
from bindist.sandbox import SandboxServer

pytestmark = pytest.mark.server

FILES = {"tool.exe": b"program" * 1000, "tool.dll": b"library", "manual.txt": b"manual"}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


def checksums() -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


def writes(server: SandboxServer) -> list[str]:
    return [each.path for each in server.requests if each.method not in ("GET", "HEAD")]


class OsPath:
    """A path that is neither a text nor a `Path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


@pytest.mark.parametrize("form", [str, Path, OsPath])
def test_files_are_published_from_paths_of_any_kind(
    admin: AdminClient, application: str, dist: Path, form: Any
) -> None:
    done = admin.publish(application, "1.0", [form(path) for path in dist.iterdir()], enable=True)
    assert isinstance(done, Release)
    assert (done.application_id, done.version) == (application, "1.0")
    assert (done.status, done.is_enabled) == ("created", True)
    assert {row["fileName"]: row["checksum"] for row in done.files} == checksums()


@pytest.mark.parametrize("form", [str, Path, OsPath])
def test_a_single_file_needs_no_list(
    admin: AdminClient, application: str, dist: Path, form: Any
) -> None:
    done = admin.publish(application, "1.0", form(dist / "tool.exe"))
    assert [row["fileName"] for row in done.files] == ["tool.exe"]
    assert not done.is_enabled


def test_a_single_file_may_have_another_name_and_type(
    admin: AdminClient, application: str, dist: Path
) -> None:
    done = admin.publish(
        application, "1.0", dist / "manual.txt", file_name="run.txt", file_type="MAIN"
    )
    assert [(row["fileName"], row["fileType"]) for row in done.files] == [("run.txt", "MAIN")]


def test_a_second_call_finds_the_version_unchanged_and_enables_it(
    admin: AdminClient, application: str, dist: Path
) -> None:
    paths = list(dist.iterdir())
    assert admin.publish(application, "1.0", paths).status == "created"
    done = admin.publish(application, "1.0", paths, enable=True, settle=0.2)
    assert (done.status, done.is_enabled) == ("unchanged", True)


def test_progress_reports_each_file_by_name(
    admin: AdminClient, application: str, dist: Path
) -> None:
    told: dict[str, tuple[int, int]] = {}
    admin.publish(
        application,
        "1.0",
        dist.iterdir(),
        progress=lambda name, done, size: told.update({name: (done, size)}),
    )
    assert told == {name: (len(content), len(content)) for name, content in FILES.items()}


@pytest.mark.parametrize(
    ("names", "options", "problem"),
    [
        ([], {}, "a version needs at least one file"),
        (["empty"], {}, "empty is empty"),
        (["tool.exe", "copy/tool.exe"], {}, "would have the same name"),
        (["tool.exe", "tool.dll"], {"file_name": "x"}, "for a single file only"),
        (["tool.exe"], {"file_name": "a/b"}, "is not allowed"),
    ],
)
def test_invalid_sets_of_files_are_refused_before_any_request(
    admin: AdminClient,
    application: str,
    dist: Path,
    server: SandboxServer,
    names: list[str],
    options: dict[str, Any],
    problem: str,
) -> None:
    (dist / "empty").touch()
    (dist / "copy").mkdir()
    (dist / "copy" / "tool.exe").write_bytes(b"x")
    server.requests.clear()
    for call in (admin.publish, admin.preview_publish):
        with pytest.raises(ValueError, match=problem):
            call(application, "1.0", [dist / name for name in names], **options)
    assert server.requests == []


def test_a_file_that_is_not_the_expected_one_is_refused_before_any_request(
    admin: AdminClient, application: str, dist: Path, server: SandboxServer
) -> None:
    server.requests.clear()
    expected = {**checksums(), "tool.dll": "0" * 64}
    for call in (admin.publish, admin.preview_publish):
        with pytest.raises(IntegrityError, match=r"tool\.dll is not the file that was expected"):
            call(application, "1.0", dist.iterdir(), expected=expected)
    assert server.requests == []
    assert admin.publish(application, "1.0", dist.iterdir(), expected=checksums()).files


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (b"other", {}, "version 1.0 of tool exists with different content"),
        (None, {"if_exists": "fail"}, "version 1.0 of tool exists already"),
    ],
)
def test_the_message_of_a_conflict_is_a_whole_sentence(
    admin: AdminClient,
    application: str,
    dist: Path,
    change: bytes | None,
    options: dict[str, Any],
    message: str,
) -> None:
    admin.publish(application, "1.0", list(dist.iterdir()))
    if change:
        (dist / "tool.exe").write_bytes(change)
    for call in (admin.publish, admin.preview_publish):
        with pytest.raises(DifferentContentError) as caught:
            call(application, "1.0", list(dist.iterdir()), **options)
        assert str(caught.value) == message


def test_an_interrupted_release_is_finished_with_its_journal(
    server: SandboxServer, application: str, dist: Path, tmp_path: Path, admin: AdminClient
) -> None:
    paths, journal = list(dist.iterdir()), str(tmp_path / "journal")
    server.faults.add("html:502,path=/v1/management/upload/large-complete,nth=2,times=0")
    with pytest.raises(Exception, match="502"):
        admin.publish(application, "1.0", paths, journal=journal, settle=0.2)
    server.faults.clear()
    assert admin.preview_publish(application, "1.0", paths, journal=journal).status == "created"
    done = admin.publish(application, "1.0", paths, journal=journal, settle=0.2, enable=True)
    assert (done.status, done.is_enabled, len(done.files)) == ("created", True, 3)


@pytest.mark.parametrize("options", [{"parallel": 0}, {"settle": -1}, {"settle": math.nan}])
def test_numbers_out_of_range_are_refused_before_any_request(
    admin: AdminClient, application: str, dist: Path, server: SandboxServer, options: dict[str, Any]
) -> None:
    server.requests.clear()
    with pytest.raises(ValueError, match="must be"):
        admin.publish(application, "1.0", dist.iterdir(), **options)
    assert server.requests == []


# Preview


def test_a_preview_changes_nothing_and_predicts_the_result(
    admin: AdminClient, application: str, dist: Path, server: SandboxServer
) -> None:
    server.requests.clear()
    found = admin.preview_publish(application, "1.0", dist.iterdir(), enable=True)
    assert isinstance(found, ReleasePreview)
    assert (found.status, found.enable) == ("created", True)
    assert {row["fileName"]: row["checksum"] for row in found.files} == checksums()
    assert found.files[-1]["fileType"] == "MAIN", "which is completed last"
    assert writes(server) == []
    done = admin.publish(application, "1.0", dist.iterdir(), enable=True)
    assert (done.status, done.is_enabled) == (found.status, found.enable)
    again = admin.preview_publish(application, "1.0", dist.iterdir(), enable=True)
    assert (again.status, again.enable) == ("unchanged", False)


def test_a_preview_of_a_missing_application_is_an_api_error(admin: AdminClient, dist: Path) -> None:
    with pytest.raises(Exception, match="not found"):
        admin.preview_publish("nowhere", "1.0", dist.iterdir())


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux counts what is read")
def test_a_file_that_is_on_the_server_is_read_once(
    admin: AdminClient, application: str, tmp_path: Path
) -> None:
    size = 8 * 1024 * 1024
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(size))
    admin.publish(application, "1.0", path)
    expected = {"large.bin": hashlib.sha256(path.read_bytes()).hexdigest()}
    for call in (admin.publish, admin.preview_publish):
        before = bytes_read()
        assert call(application, "1.0", path, expected=expected).status == "unchanged"
        assert size <= bytes_read() - before < 1.5 * size


def bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


def test_a_customer_cannot_publish(customer: CustomerClient) -> None:
    assert not hasattr(customer, "publish")
    assert not hasattr(customer, "preview_publish")
