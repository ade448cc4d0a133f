"""Making versions by the simple calls; how bytes travel is proven elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, IntegrityError, TransportError
from bindist.sandbox import SandboxServer
from bindist.transfer.config import TransferConfig
from tests.sdk.canned import CannedServer

INLINE_LIMIT = TransferConfig.inline_limit
CONTENT = bytes(range(256)) * 20
OK = {"success": True, "data": {}}


def paths(server: SandboxServer) -> list[str]:
    """What has been asked since the application was made."""
    calls = [f"{sent.method} {sent.path}" for sent in server.requests]
    return [call for call in calls if call != "POST /v1/management/applications"]


def only_file(admin: AdminClient, version: str = "1.0") -> dict[str, Any]:
    (file,) = admin.list_version_files("tool", version).require()["files"]
    return dict(file)


# Versions


def test_a_new_version_is_disabled_until_it_is_enabled(
    admin: AdminClient, application: str
) -> None:
    admin.upload_small_file(application, "1.0", "a.exe", CONTENT).raise_for_error()
    assert admin.list_versions(application).require()["versions"] == []
    admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
    assert [row["version"] for row in admin.list_versions(application).require()["versions"]]


def test_an_inactive_version_is_not_listed(admin: AdminClient, application: str) -> None:
    admin.upload_small_file(application, "1.0", "a.exe", CONTENT).raise_for_error()
    admin.update_version(application, "1.0", is_active=False).raise_for_error()
    assert admin.list_versions(application, test_channel=True).require()["versions"] == []


def test_release_notes_can_be_replaced(admin: AdminClient, application: str) -> None:
    admin.upload_small_file(application, "1.0", "a.exe", CONTENT, "old").raise_for_error()
    answer = admin.update_version(application, "1.0", release_notes="new")
    assert answer.require()["releaseNotes"] == "new"


# Small and large


def test_a_small_file_goes_in_a_single_request(
    server: SandboxServer, admin: AdminClient, application: str
) -> None:
    answer = admin.upload_small_file(application, "1.0", "a.exe", CONTENT, "notes")
    assert answer.status_code == 201
    assert paths(server) == ["POST /v1/management/upload"]


def test_a_large_file_goes_through_the_object_store(
    server: SandboxServer, admin: AdminClient, application: str
) -> None:
    answer = admin.upload_large_file(application, "1.0", "a.exe", CONTENT, "notes")
    assert answer.status_code == 201
    asked, put, looked, completed = paths(server)
    assert asked == "POST /v1/management/upload/large-url"
    assert put.startswith("PUT /store/tool/")
    assert looked == "GET /v1/applications/tool/versions"
    assert completed == "POST /v1/management/upload/large-complete"


@pytest.mark.parametrize("upload", ["upload_small_file", "upload_large_file"])
def test_uploaded_bytes_are_downloaded_unchanged(
    admin: AdminClient, application: str, upload: str
) -> None:
    getattr(admin, upload)(application, "1.0", "a.exe", CONTENT).raise_for_error()
    assert admin.download_file(application, "1.0", test_channel=True)[0] == CONTENT


@pytest.mark.parametrize("upload", ["upload_small_file", "upload_large_file"])
def test_release_notes_are_sent_with_the_upload(
    admin: AdminClient, application: str, upload: str
) -> None:
    getattr(admin, upload)(application, "1.0", "a.exe", CONTENT, "notes").raise_for_error()
    (row,) = admin.list_versions(application, test_channel=True).require()["versions"]
    assert row["releaseNotes"] == "notes"


@pytest.mark.parametrize("upload", ["upload_small_file", "upload_large_file"])
def test_an_existing_version_is_a_conflict_and_not_changed(
    admin: AdminClient, application: str, upload: str
) -> None:
    admin.upload_small_file(application, "1.0", "a.exe", CONTENT).raise_for_error()
    before = only_file(admin)
    assert getattr(admin, upload)(application, "1.0", "a.exe", b"other").status_code == 409
    assert only_file(admin) == before


@pytest.mark.parametrize("upload", ["upload_small_file", "upload_large_file"])
def test_no_content_is_a_value_error_before_any_request(
    canned: CannedServer, asker: AdminClient, upload: str
) -> None:
    with pytest.raises(ValueError, match="empty"):
        getattr(asker, upload)("tool", "1.0", "a.exe", b"")
    assert canned.asked == []


@pytest.mark.parametrize("name", ["", "a/b", "..", "CON", "it's"])
@pytest.mark.parametrize("upload", ["upload_small_file", "upload_large_file"])
def test_a_name_that_the_server_refuses_is_a_value_error_before_any_request(
    canned: CannedServer, asker: AdminClient, upload: str, name: str
) -> None:
    with pytest.raises(ValueError, match="is not allowed"):
        getattr(asker, upload)("tool", "1.0", name, b"x")
    assert canned.asked == []


def test_a_large_upload_over_the_quota_returns_the_servers_error(
    server: SandboxServer, admin: AdminClient, application: str
) -> None:
    server.faults.add("quota")
    answer = admin.upload_large_file(application, "1.0", "a.exe", CONTENT)
    assert (answer.success, answer.status_code) == (False, 413)
    assert answer.error is not None and answer.error["details"]["requestedBytes"] == len(CONTENT)


@pytest.mark.parametrize("fault", ["status:403", "text:400", "redirect:/x"])
def test_a_refusal_of_the_object_store_is_returned_and_nothing_is_completed(
    server: SandboxServer, admin: AdminClient, application: str, fault: str
) -> None:
    server.faults.add(f"{fault},path=/store/*,times=0")
    answer = admin.upload_large_file(application, "1.0", "a.exe", CONTENT)
    assert not answer.success and answer.error is not None and answer.error["message"]
    assert not [call for call in paths(server) if call.endswith("large-complete")]


@pytest.mark.parametrize("status", [302, 307])
def test_bytes_are_not_sent_where_the_object_store_redirects_to(
    canned: CannedServer, asker: AdminClient, status: int
) -> None:
    upload = {"uploadId": "u1", "uploadUrl": f"{canned.url}/here"}
    canned.answer({"success": True, "data": upload})
    canned.answer(b"", status, headers={"Location": f"{canned.url}/elsewhere"})
    assert asker.upload_large_file("tool", "1.0", "a.exe", CONTENT).status_code == status
    assert [sent.target for sent in canned.asked][1:] == ["/here"]


def test_an_unreachable_object_store_is_a_transport_error_and_nothing_is_completed(
    server: SandboxServer, admin: AdminClient, application: str
) -> None:
    server.faults.add("lost,path=/store/*,times=0")
    with pytest.raises(TransportError):
        admin.upload_large_file(application, "1.0", "a.exe", CONTENT)
    assert not [call for call in paths(server) if call.endswith("large-complete")]


@pytest.mark.parametrize(
    "data", [{}, {"uploadId": ""}, {"uploadId": "u"}, {"uploadUrl": "http://x"}]
)
def test_a_response_without_an_upload_url_is_an_integrity_error(
    canned: CannedServer, asker: AdminClient, data: dict[str, str]
) -> None:
    canned.answer({"success": True, "data": data})
    with pytest.raises(IntegrityError):
        asker.upload_large_file("tool", "1.0", "a.exe", CONTENT)


def test_a_completion_never_resets_a_version_that_is_enabled(
    server: SandboxServer, admin: AdminClient, application: str
) -> None:
    upload = admin.get_large_upload_url(application, "1.0", "a.exe", 5).require()
    sent = (upload["uploadId"], application, "1.0", "a.exe", 5, "0" * 64)
    admin.complete_large_upload(*sent).raise_for_error()
    admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
    admin.get_download_url(application, "1.0").raise_for_error()
    before = admin.list_versions(application).require()["versions"]
    answer = admin.complete_large_upload(*sent)
    assert (answer.status_code, answer.success) == (409, False)
    assert admin.list_versions(application).require()["versions"] == before
    assert [call for call in paths(server) if call.endswith("large-complete")][1:] == []


@pytest.mark.parametrize("fault", ["html:502", "status:401"])
def test_nothing_is_completed_if_the_state_of_the_version_is_unknown(
    server: SandboxServer, admin: AdminClient, application: str, fault: str
) -> None:
    server.faults.add(f"{fault},path=*/versions,times=0")
    answer = admin.complete_large_upload("u1", application, "1.0", "a.exe", 5, "0" * 64)
    assert not answer.success
    assert not [call for call in paths(server) if call.endswith("large-complete")]


# Files on disk, as their size asks for


@pytest.mark.parametrize("size", [1, INLINE_LIMIT, INLINE_LIMIT + 1])
def test_a_file_of_any_size_goes_through_the_object_store(
    server: SandboxServer,
    admin: AdminClient,
    application: str,
    tmp_path: Path,
    size: int,
) -> None:
    path = tmp_path / "a.exe"
    path.write_bytes(b"x" * size)
    assert admin.upload_file(application, "1.0", path).status_code == 201
    assert [path.rpartition("/")[2][:14] for path in paths(server)] == [
        "large-url",
        only_file(admin)["fileId"][:14],
        "versions",
        "large-complete",
    ]
    assert (only_file(admin)["fileName"], only_file(admin)["fileSize"]) == ("a.exe", size)


def test_an_empty_file_is_a_value_error_before_any_request(
    canned: CannedServer, asker: AdminClient, tmp_path: Path
) -> None:
    (tmp_path / "a.exe").touch()
    with pytest.raises(ValueError, match="empty"):
        asker.upload_file("tool", "1.0", tmp_path / "a.exe")
    assert canned.asked == []


def test_a_missing_file_is_an_os_error_before_any_request(
    canned: CannedServer, asker: AdminClient, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        asker.upload_file("tool", "1.0", tmp_path / "none.exe")
    assert canned.asked == []


def test_inline_and_store_uploads_derive_the_type_from_the_extension(
    admin: AdminClient, application: str, tmp_path: Path
) -> None:
    path = tmp_path / "manual.pdf"
    for version, size in (("1.0", 5), ("2.0", INLINE_LIMIT + 1)):
        path.write_bytes(b"x" * size)
        admin.upload_file(application, version, path).raise_for_error()
        assert only_file(admin, version)["fileType"] == "DOCUMENTATION"
