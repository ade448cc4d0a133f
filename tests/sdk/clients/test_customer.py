"""What the holder of any key may do: each method, what it sends and what it brings back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

from bindist import (
    AdminClient,
    ApiError,
    CustomerClient,
    IntegrityError,
    NotFoundError,
    PermissionDeniedError,
    ServerError,
)
from bindist.http.response import ApiResponse
from bindist.sandbox import SandboxServer
from tests.sdk.canned import CannedServer

CONTENT = b"the bytes of the tool"


@pytest.fixture
def version(admin: AdminClient, application: str) -> str:
    """A version with one file, enabled."""
    admin.upload_small_file(application, "1.0", "tool.exe", CONTENT, "first").raise_for_error()
    admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
    return "1.0"


@pytest.fixture
def draft(admin: AdminClient, application: str) -> str:
    """A version that is not enabled."""
    admin.upload_small_file(application, "2.0-rc1", "tool.exe", CONTENT).raise_for_error()
    return "2.0-rc1"


@pytest.fixture
def ten_applications(admin: AdminClient) -> list[str]:
    names = [f"app-{number}" for number in range(10)]
    for name in names:
        admin.create_application(name, name, customer_ids=["seed-customer"]).raise_for_error()
    return names


def versions(answer: ApiResponse) -> list[str]:
    return [row["version"] for row in answer.require()["versions"]]


# Applications


def test_visible_applications_are_listed(customer: CustomerClient, application: str) -> None:
    listed = customer.list_applications().require()["applications"]
    assert [row["applicationId"] for row in listed] == [application]


def test_the_page_size_is_sent(customer: CustomerClient, ten_applications: list[str]) -> None:
    answer = customer.list_applications(page=2, page_size=3)
    assert [row["applicationId"] for row in answer.require()["applications"]] == [
        "app-3",
        "app-4",
        "app-5",
    ]
    assert answer.meta is not None and answer.meta["pagination"]["limit"] == 3


def test_applications_are_filtered_by_text_and_tag(admin: AdminClient) -> None:
    admin.create_application("one", "First", description="a HAMMER", tags=["windows", "x"])
    admin.create_application("two", "Second", tags=["linux"])
    admin.create_application("three", "Third")
    found = admin.list_applications(search="hammer").require()["applications"]
    assert [row["applicationId"] for row in found] == ["one"]
    found = admin.list_applications(tags=["linux", "windows"]).require()["applications"]
    assert {row["applicationId"] for row in found} == {"one", "two"}


def test_the_order_is_as_requested(customer: CustomerClient, ten_applications: list[str]) -> None:
    answer = customer.list_applications(sort_by="name", sort_order="desc").require()
    assert [row["applicationId"] for row in answer["applications"]] == ten_applications[::-1]


@pytest.mark.parametrize("page_size", [1, 3, 5, 10, 100])
def test_iter_applications_yields_each_once_with_any_page_size(
    customer: CustomerClient, ten_applications: list[str], page_size: int
) -> None:
    found = [row["applicationId"] for row in customer.iter_applications(page_size=page_size)]
    assert found == ten_applications


def test_iter_applications_sends_the_filters_for_every_page(
    server: SandboxServer, customer: CustomerClient, ten_applications: list[str]
) -> None:
    server.requests.clear()
    found = list(customer.iter_applications(search="app", sort_order="desc", page_size=4))
    assert len(found) == 10
    # Those made in this very second could be new, and so the list may be read once more.
    pages = [parse_qs(sent.query).get("page", ["1"])[0] for sent in server.requests]
    assert sorted(pages[:3]) == ["1", "2", "3"] and set(pages[3:]) <= {"1", "2", "3"}
    assert all("search=app" in sent.query and "desc" in sent.query for sent in server.requests)


def test_iter_applications_follows_cursors(canned: CannedServer, asker: AdminClient) -> None:
    for number, cursor in enumerate(["c1", "c2", None]):
        rows, more = [{"applicationId": f"app-{number}"}], cursor is not None
        paging = {"hasMore": more, "nextCursor": cursor}
        canned.answer({"success": True, "data": {"applications": rows, "pagination": paging}})
    found = [row["applicationId"] for row in asker.iter_applications(search="a b")]
    assert found == ["app-0", "app-1", "app-2"]
    assert [parse_qs(asked.target.partition("?")[2]).get("cursor") for asked in canned.asked] == [
        None,
        ["c1"],
        ["c2"],
    ]


def test_iter_applications_raises_for_a_failed_page(
    server: SandboxServer, customer: CustomerClient, ten_applications: list[str]
) -> None:
    server.faults.add("text:500,path=/v1/applications,nth=2,times=0")
    walk = customer.iter_applications(page_size=4)
    assert [next(walk)["applicationId"] for _ in range(4)] == ten_applications[:4]
    with pytest.raises(ServerError):
        next(walk)


def test_get_application_returns_the_application_as_data(
    customer: CustomerClient, application: str
) -> None:
    assert customer.get_application(application).require()["name"] == "Tool"


def test_an_invisible_application_is_not_found(
    admin: AdminClient, customer: CustomerClient
) -> None:
    admin.create_application("secret", "Secret").raise_for_error()
    with pytest.raises(NotFoundError):
        customer.get_application("secret").raise_for_error()


# Versions and files


def test_a_disabled_version_is_only_on_the_test_channel(
    customer: CustomerClient, application: str, version: str, draft: str
) -> None:
    assert versions(customer.list_versions(application)) == [version]
    assert versions(customer.list_versions(application, test_channel=True)) == [draft, version]


def test_versions_are_found_by_their_release_notes(
    customer: CustomerClient, application: str, version: str
) -> None:
    assert versions(customer.list_versions(application, changelog="FIRST")) == [version]
    assert versions(customer.list_versions(application, changelog="other")) == []


def test_the_files_of_a_version_have_sizes_and_checksums(
    customer: CustomerClient, application: str, version: str
) -> None:
    (file,) = customer.list_version_files(application, version).require()["files"]
    assert (file["fileName"], file["fileSize"], file["fileType"]) == ("tool.exe", 21, "MAIN")


def test_statistics_need_an_administrator(
    customer: CustomerClient, admin: AdminClient, application: str
) -> None:
    with pytest.raises(PermissionDeniedError):
        customer.get_stats(application).raise_for_error()
    assert admin.get_stats(application).require()["totalDownloads"] == 0


def test_statistics_of_one_version_count_only_that_version(
    customer: CustomerClient, admin: AdminClient, application: str, version: str
) -> None:
    customer.get_download_url(application, version).raise_for_error()
    assert admin.get_stats(application, version=version).require()["totalDownloads"] == 1
    assert admin.get_stats(application, version="0.1").require()["totalDownloads"] == 0


# Downloads and links


def test_a_download_url_has_name_size_and_checksum(
    customer: CustomerClient, application: str, version: str
) -> None:
    data = customer.get_download_url(application, version).require()
    assert (data["fileName"], data["fileSize"]) == ("tool.exe", len(CONTENT))
    assert data.keys() >= {"url", "expiresAt", "checksum", "downloadId"}


def test_a_disabled_version_has_a_url_only_on_the_test_channel(
    customer: CustomerClient, application: str, draft: str
) -> None:
    assert customer.get_download_url(application, draft).status_code == 403
    assert customer.get_download_url(application, draft, test_channel=True).success


def test_a_share_link_expires_after_the_given_time(
    customer: CustomerClient, application: str, version: str
) -> None:
    data = customer.create_share_link(application, version, expires_minutes=60).require()
    assert data["expiresInMinutes"] == 60 and data["token"] in data["shareUrl"]


def test_download_file_returns_bytes_and_metadata(
    customer: CustomerClient, application: str, version: str
) -> None:
    content, metadata = customer.download_file(application, version)
    (file,) = customer.list_version_files(application, version).require()["files"]
    assert content == CONTENT
    assert metadata == {
        "fileName": "tool.exe",
        "fileSize": len(CONTENT),
        "checksum": file["checksum"],
    }


def test_a_download_counts_once(
    customer: CustomerClient, admin: AdminClient, application: str, version: str
) -> None:
    customer.download_file(application, version)
    assert admin.get_stats(application).require()["totalDownloads"] == 1


def test_a_file_can_be_downloaded_by_its_id(
    customer: CustomerClient, application: str, version: str
) -> None:
    (file,) = customer.list_version_files(application, version).require()["files"]
    assert customer.download_file(application, version, file["fileId"])[0] == CONTENT


def test_a_disabled_version_can_be_downloaded_from_the_test_channel(
    customer: CustomerClient, application: str, draft: str
) -> None:
    assert customer.download_file(application, draft, test_channel=True)[0] == CONTENT


def test_downloading_a_disabled_version_raises(
    customer: CustomerClient, application: str, draft: str
) -> None:
    with pytest.raises(PermissionDeniedError):
        customer.download_file(application, draft)


def test_wrong_bytes_are_a_value_error_as_the_product_page_promises(
    server: SandboxServer, customer: CustomerClient, application: str, version: str
) -> None:
    server.faults.add("flip:3,path=/store/*")
    with pytest.raises(ValueError, match=r"the checksum of .* does not match"):
        customer.download_file(application, version)


def test_wrong_bytes_are_accepted_without_verification(
    server: SandboxServer, customer: CustomerClient, application: str, version: str
) -> None:
    server.faults.add("flip:3,path=/store/*")
    content, _ = customer.download_file(application, version, verify_checksum=False)
    assert content != CONTENT and len(content) == len(CONTENT)


@pytest.mark.parametrize("form", [str, str.upper, "sha256:{}".format, "SHA256:{}".format])
@pytest.mark.parametrize("name", ["url", "downloadUrl"])
def test_checksum_and_url_of_the_hosted_service_are_accepted(
    canned: CannedServer, asker: AdminClient, form: Callable[[str], str], name: str
) -> None:
    checksum = "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9"
    data = {"fileName": "a.exe", "fileSize": 5, "checksum": form(checksum)}
    canned.answer({"success": True, "data": {**data, name: f"{canned.url}/k"}})
    canned.answer(b"bytes")
    assert asker.download_file("tool", "1.0")[0] == b"bytes"


@pytest.mark.parametrize("data", [None, {}, {"url": "x"}, {"fileSize": 5, "fileName": "a"}])
def test_an_invalid_download_response_is_an_integrity_error(
    canned: CannedServer, asker: AdminClient, data: Any
) -> None:
    canned.answer({"success": True, "data": data})
    with pytest.raises(IntegrityError):
        asker.download_file("tool", "1.0")


def test_a_captive_portal_page_is_an_api_error(
    server: SandboxServer, customer: CustomerClient
) -> None:
    server.faults.add("not-json,path=/v1/downloads/url")
    with pytest.raises(ApiError, match="Sign in to the network"):
        customer.download_file("tool", "1.0")
