"""`download_version` and `check_stored_version`: several files, listed once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bindist import (
    AdminClient,
    CustomerClient,
    IncompleteDownloadError,
    NotFoundError,
    PermissionDeniedError,
    TargetConflictError,
    TargetExistsError,
)
from bindist.sandbox import SandboxServer
from tests.conftest import CUSTOMER_KEY

pytestmark = pytest.mark.server

FILES = {"tool.exe": b"program" * 1000, "tool.dll": b"library", "manual.txt": b"manual"}


@pytest.fixture
def released(admin: AdminClient, application: str, tmp_path: Path, server: SandboxServer) -> str:
    """An enabled version with three files."""
    folder = tmp_path / "dist"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    admin.publish(application, "1.0", list(folder.iterdir()), enable=True)
    server.requests.clear()
    return application


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "to" / "here"


def paths_requested(server: SandboxServer) -> Iterator[str]:
    return (each.path for each in server.requests)


def listings(server: SandboxServer) -> int:
    return sum(path.endswith("/files") for path in paths_requested(server))


def urls(server: SandboxServer) -> int:
    return sum(path == "/v1/downloads/url" for path in paths_requested(server))


def contents(folder: Path) -> dict[str, bytes]:
    """All files of the folder, without the locks that some systems leave."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


def test_all_files_of_a_version_are_downloaded_with_one_listing(
    customer: CustomerClient, released: str, folder: Path, server: SandboxServer
) -> None:
    found = customer.download_version(released, "1.0", str(folder))
    assert contents(folder) == FILES
    assert {each.file_name: each.status for each in found} == dict.fromkeys(FILES, "downloaded")
    assert [each.path for each in found] == [folder / each.file_name for each in found]
    assert (listings(server), urls(server)) == (1, 3)


def test_a_second_call_lists_once_and_downloads_nothing(
    customer: CustomerClient, released: str, folder: Path, server: SandboxServer
) -> None:
    customer.download_version(released, "1.0", folder)
    server.requests.clear()
    found = customer.download_version(released, "1.0", folder)
    assert {each.status for each in found} == {"unchanged"}
    assert len(server.requests) == 1


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux counts what is read")
def test_a_second_call_reads_each_file_once(
    customer: CustomerClient, admin: AdminClient, application: str, tmp_path: Path
) -> None:
    size = 8 * 1024 * 1024
    source = tmp_path / "large.bin"
    source.write_bytes(os.urandom(size))
    admin.publish(application, "2.0", source, enable=True)
    customer.download_version(application, "2.0", tmp_path / "to")
    before = bytes_read()
    customer.download_version(application, "2.0", tmp_path / "to")
    assert size <= bytes_read() - before < 1.5 * size


def bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


def test_files_are_chosen_by_name_by_id_and_by_row(
    customer: CustomerClient, released: str, folder: Path
) -> None:
    rows = {
        str(row["fileName"]): row
        for row in customer.list_version_files(released, "1.0").rows("files")
    }
    wanted = ["manual.txt", str(rows["tool.exe"]["fileId"]), rows["tool.dll"], "manual.txt"]
    found = customer.download_version(released, "1.0", folder, files=wanted)
    assert [each.file_name for each in found] == ["manual.txt", "tool.exe", "tool.dll"]
    assert contents(folder) == FILES


def test_one_name_may_be_given_without_a_list(
    customer: CustomerClient, released: str, folder: Path
) -> None:
    (found,) = customer.download_version(released, "1.0", folder, files="tool.dll")
    assert found.file_name == "tool.dll"


def test_files_given_as_rows_are_not_listed_again(
    customer: CustomerClient, released: str, folder: Path, server: SandboxServer
) -> None:
    rows = customer.list_version_files(released, "1.0").rows("files")
    server.requests.clear()
    customer.download_version(released, "1.0", folder, files=rows)
    assert (listings(server), contents(folder)) == (0, FILES)
    server.requests.clear()
    customer.download_to_file(released, "1.0", folder / "copy", listed=rows[0])
    assert listings(server) == 0


def test_an_empty_selection_downloads_nothing(
    customer: CustomerClient, released: str, folder: Path, server: SandboxServer
) -> None:
    assert customer.download_version(released, "1.0", folder, files=[]) == []
    assert server.requests == []


def test_progress_reports_each_file_by_name(
    customer: CustomerClient, released: str, folder: Path
) -> None:
    told: dict[str, tuple[int, int]] = {}
    customer.download_version(
        released, "1.0", folder, progress=lambda name, done, size: told.update({name: (done, size)})
    )
    assert told == {name: (len(content), len(content)) for name, content in FILES.items()}


def test_a_file_that_fails_leaves_the_others_to_be_downloaded(
    customer: CustomerClient, released: str, folder: Path
) -> None:
    folder.mkdir(parents=True)
    (folder / "tool.dll").write_bytes(b"mine")
    with pytest.raises(
        IncompleteDownloadError, match=r"^1 of 3 files .* tool\.dll: .* exists"
    ) as caught:
        customer.download_version(released, "1.0", folder)
    assert list(caught.value.failures) == ["tool.dll"]
    assert isinstance(caught.value.failures["tool.dll"], TargetExistsError)
    assert {each.file_name for each in caught.value.downloads} == {"tool.exe", "manual.txt"}
    assert contents(folder) == {**FILES, "tool.dll": b"mine"}
    found = customer.download_version(released, "1.0", folder, replace=True)
    assert sorted(each.status for each in found) == ["downloaded", "unchanged", "unchanged"]
    assert contents(folder) == FILES


def test_a_single_file_that_fails_raises_its_own_exception(
    admin: AdminClient, customer: CustomerClient, released: str, folder: Path
) -> None:
    admin.update_version(released, "1.0", is_enabled=False).raise_for_error()
    with pytest.raises(PermissionDeniedError):
        customer.download_version(released, "1.0", folder, files=["tool.exe"])


def test_a_disabled_version_is_downloaded_from_the_test_channel(
    admin: AdminClient, released: str, folder: Path
) -> None:
    admin.update_version(released, "1.0", is_enabled=False).raise_for_error()
    admin.download_version(released, "1.0", folder, test_channel=True)
    assert contents(folder) == FILES


def test_a_cut_download_resumes_where_it_stopped(
    released: str, folder: Path, server: SandboxServer
) -> None:
    with CustomerClient(server.url, CUSTOMER_KEY, retries=0) as customer:
        server.faults.add("cut:5000,path=/store/*,times=0")
        with pytest.raises(IncompleteDownloadError):
            customer.download_version(released, "1.0", folder, files=["tool.exe", "tool.dll"])
        server.faults.clear()
        found = customer.download_version(released, "1.0", folder, files=["tool.exe"])
    assert [each.status for each in found] == ["resumed"]


@pytest.mark.parametrize("wanted", [["missing.txt"], ["tool.exe", "TOOL.EXE"]])
def test_an_unknown_file_is_an_error_before_any_download(
    customer: CustomerClient, released: str, folder: Path, server: SandboxServer, wanted: list[str]
) -> None:
    with pytest.raises(NotFoundError, match="the version has no file"):
        customer.download_version(released, "1.0", folder, files=wanted)
    assert urls(server) == 0
    assert not folder.exists()


@pytest.mark.parametrize("options", [{"connections": 0}, {"connections": 33}, {"parallel": 0}])
def test_numbers_out_of_range_are_refused_before_any_request(
    customer: CustomerClient, released: str, folder: Path, server: SandboxServer, options: dict
) -> None:
    with pytest.raises(ValueError, match="must be"):
        customer.download_version(released, "1.0", folder, **options)
    assert server.requests == []


def test_a_file_in_place_of_the_folder_is_an_error_before_any_request(
    customer: CustomerClient, released: str, tmp_path: Path, server: SandboxServer
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file is not a folder"):
        customer.download_version(released, "1.0", tmp_path / "file" / "below")
    assert server.requests == []


def test_a_folder_in_place_of_a_file_is_an_error_before_any_download(
    customer: CustomerClient, released: str, folder: Path, server: SandboxServer
) -> None:
    (folder / "tool.dll").mkdir(parents=True)
    with pytest.raises(IsADirectoryError, match=r"tool\.dll is a folder"):
        customer.download_version(released, "1.0", folder)
    assert urls(server) == 0


@pytest.mark.parametrize("names", [("a.txt", "A.TXT"), ("a.txt", "a.txt.part")])
def test_files_that_would_overwrite_each_other_are_not_downloaded(
    admin: AdminClient, application: str, folder: Path, names: tuple[str, str]
) -> None:
    rows = [
        {"fileName": name, "fileId": name, "fileSize": 1, "checksum": "a" * 64} for name in names
    ]
    with pytest.raises(TargetConflictError, match="get in each other's way"):
        admin.download_version(application, "1.0", folder, files=rows)
    assert not folder.exists()


def test_stored_bytes_of_a_version_are_checked_with_one_listing(
    customer: CustomerClient, released: str, server: SandboxServer
) -> None:
    found = customer.check_stored_version(released, "1.0")
    assert {each.file_name: each.status for each in found} == dict.fromkeys(FILES, "ok")
    assert (listings(server), urls(server)) == (1, 3)
    assert max(each.bytes_out for each in server.requests if each.path.startswith("/store/")) < 2000


def test_a_preview_tells_what_a_download_would_do_and_counts_nothing(
    customer: CustomerClient, released: str, folder: Path, server: SandboxServer
) -> None:
    folder.mkdir(parents=True)
    (folder / "tool.exe").write_bytes(FILES["tool.exe"])
    (folder / "tool.dll").write_bytes(b"another")
    found = {each.file_name: each for each in customer.preview_download(released, "1.0", folder)}
    assert {name: each.status for name, each in found.items()} == {
        "tool.exe": "unchanged",
        "tool.dll": "exists",
        "manual.txt": "download",
    }
    assert found["manual.txt"].path == folder / "manual.txt"
    assert found["manual.txt"].file_size == len(FILES["manual.txt"])
    (forced,) = customer.preview_download(
        released, "1.0", folder, files=["*.dll"], replace=True, file_name="x"
    )
    assert (forced.status, forced.path) == ("download", folder / "x")
    assert urls(server) == 0
    assert contents(folder) == {"tool.exe": FILES["tool.exe"], "tool.dll": b"another"}


def test_a_preview_refuses_what_a_download_refuses(
    customer: CustomerClient, admin: AdminClient, released: str, folder: Path
) -> None:
    admin.update_version(released, "1.0", is_enabled=False).raise_for_error()
    with pytest.raises(PermissionDeniedError, match="not enabled"):
        customer.preview_download(released, "1.0", folder)
    assert len(customer.preview_download(released, "1.0", folder, test_channel=True)) == 3
    with pytest.raises(NotFoundError):
        customer.preview_download(released, "1.0", folder, files=["*.msi"])
    folder.parent.mkdir()
    folder.touch()
    with pytest.raises(NotADirectoryError):
        customer.preview_download(released, "1.0", folder)
