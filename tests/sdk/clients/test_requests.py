"""What each method sends: verb, path, query and body, with nothing that was not asked for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from bindist import AdminClient
from tests.sdk.canned import CannedServer

Call = Callable[[AdminClient], Any]
PAGE = {"page": "1", "limit": "20"}
FILE = {"applicationId": "tool", "version": "1.0", "fileName": "a.exe"}
NEW = {"name": "New", "notes": "n", "email": "a@b.cd", "reference": "r", "license": "l"}
PATCHED = "/applications/tool/versions/1.0"

QUESTIONS: list[tuple[Call, str, dict[str, str]]] = [
    (lambda c: c.list_applications(), "/applications", PAGE),
    (
        lambda c: c.list_applications("my app", ["a", "b"], 2, 50),
        "/applications",
        {"search": "my app", "tags": "a,b", "page": "2", "limit": "50"},
    ),
    (
        lambda c: c.list_applications(is_active=False, sort_by="createdAt", sort_order="desc"),
        "/applications",
        {**PAGE, "isActive": "false", "sortBy": "createdAt", "sortOrder": "desc"},
    ),
    (
        lambda c: c.list_applications(is_active=True, tags="one"),
        "/applications",
        {**PAGE, "isActive": "true", "tags": "one"},
    ),
    (lambda c: c.list_applications(tags=[]), "/applications", PAGE),
    (lambda c: list(c.iter_applications()), "/applications", {"limit": "100"}),
    (lambda c: c.get_application("tool"), "/applications/tool", {}),
    (lambda c: c.list_versions("tool"), "/applications/tool/versions", {}),
    (
        lambda c: c.list_versions("tool", changelog="fix & go"),
        "/applications/tool/versions",
        {"changelog": "fix & go"},
    ),
    (lambda c: c.list_version_files("tool", "1.0"), f"{PATCHED}/files", {}),
    (lambda c: c.get_stats("tool"), "/applications/tool/stats", {}),
    (lambda c: c.get_stats("tool", version="1"), "/applications/tool/stats", {"version": "1"}),
    (
        lambda c: c.get_download_url("tool", "1.0"),
        "/downloads/url",
        {"applicationId": "tool", "version": "1.0"},
    ),
    (
        lambda c: c.get_download_url("tool", "1.0", "f1"),
        "/downloads/url",
        {"applicationId": "tool", "version": "1.0", "fileId": "f1"},
    ),
    (lambda c: c.list_customers(), "/management/customers", {}),
    (lambda c: c.list_customers(2, 5), "/management/customers", {}),
    (lambda c: c.list_activity(), "/activity", {"limit": "100"}),
    (
        lambda c: c.list_activity("download", customer_id="c1", start_date="s", end_date="e"),
        "/activity",
        {"type": "downloads", "limit": "100", "customerId": "c1", "startDate": "s", "endDate": "e"},
    ),
    (
        lambda c: c.list_activity("upload", 2, 5, application_id="tool"),
        "/activity",
        {"type": "uploads", "limit": "100"},
    ),
    (lambda c: c.list_activity("all"), "/activity", {"type": "all", "limit": "100"}),
    (lambda c: c.list_activity("downloads"), "/activity", {"type": "downloads", "limit": "100"}),
    (lambda c: c.list_audit_events(), "/audit", {"limit": "50"}),
    (
        lambda c: c.list_audit_events(
            "CUSTOMER_CREATED", start_date="s", end_date="e", limit=5, last_event_id="x"
        ),
        "/audit",
        {
            "eventType": "CUSTOMER_CREATED",
            "startDate": "s",
            "endDate": "e",
            "limit": "5",
            "lastEventId": "x",
        },
    ),
    (
        lambda c: list(c.iter_audit_events("CUSTOMER_CREATED", page_size=5)),
        "/audit",
        {"eventType": "CUSTOMER_CREATED", "limit": "5"},
    ),
]
CHANGES: list[tuple[Call, str, str, Any]] = [
    (
        lambda c: c.create_share_link("tool", "1.0"),
        "POST",
        "/downloads/share",
        {"applicationId": "tool", "version": "1.0", "expiresInMinutes": 30},
    ),
    (
        lambda c: c.create_share_link("tool", "1.0", "f1", expires_minutes=60),
        "POST",
        "/downloads/share",
        {"applicationId": "tool", "version": "1.0", "fileId": "f1", "expiresInMinutes": 60},
    ),
    (
        lambda c: c.create_application("tool", "Tool"),
        "POST",
        "/management/applications",
        {"applicationId": "tool", "name": "Tool"},
    ),
    (
        lambda c: c.create_application("tool", "Tool", ("c1", "c2"), "", ["t"]),
        "POST",
        "/management/applications",
        {
            "applicationId": "tool",
            "name": "Tool",
            "customerIds": ["c1", "c2"],
            "description": "",
            "tags": ["t"],
        },
    ),
    (lambda c: c.delete_application("tool"), "DELETE", "/management/applications/tool", None),
    (
        lambda c: c.update_application_customers("tool", ["c1"], {"c2"}),
        "PUT",
        "/management/applications/tool/customers",
        {"addCustomerIds": ["c1"], "removeCustomerIds": ["c2"]},
    ),
    (
        lambda c: c.update_application_customers("tool", remove_customer_ids=["c2"]),
        "PUT",
        "/management/applications/tool/customers",
        {"removeCustomerIds": ["c2"]},
    ),
    (
        lambda c: c.create_customer("New"),
        "POST",
        "/management/customers/admin/apikeys",
        {"name": "New"},
    ),
    (
        lambda c: c.create_customer(**NEW, parent_customer_id="p/q"),
        "POST",
        "/management/customers/p%2Fq/apikeys",
        NEW,
    ),
    (
        lambda c: c.update_customer("c1", is_active=False),
        "PATCH",
        "/management/customers/c1",
        {"isActive": False},
    ),
    (
        lambda c: c.update_customer("c1", "N", True, "", email="", reference="", license=""),
        "PATCH",
        "/management/customers/c1",
        {"name": "N", "isActive": True, "notes": "", "email": "", "reference": "", "license": ""},
    ),
    (
        lambda c: c.regenerate_customer_key("c1"),
        "POST",
        "/management/customers/c1/regenerate-key",
        None,
    ),
    (lambda c: c.regenerate_admin_key(), "POST", "/management/admin/regenerate-key", None),
    (
        lambda c: c.regenerate_apps_admin_key(),
        "POST",
        "/management/admin/regenerate-apps-key",
        None,
    ),
    (lambda c: c.update_version("tool", "1.0", True), "PATCH", PATCHED, {"isEnabled": True}),
    (
        lambda c: c.update_version("tool", "1.0", False, False, ""),
        "PATCH",
        PATCHED,
        {"isEnabled": False, "isActive": False, "releaseNotes": ""},
    ),
    (
        lambda c: c.update_version("tool", "1.0", release_notes="new"),
        "PATCH",
        PATCHED,
        {"releaseNotes": "new"},
    ),
    (
        lambda c: c.upload_small_file("tool", "1.0", "a.exe", b"\x00\xff"),
        "POST",
        "/management/upload",
        {**FILE, "fileContent": base64.b64encode(b"\x00\xff").decode()},
    ),
    (
        lambda c: c.upload_small_file(
            "tool", "1.0", "a.exe", b"x", "notes", file_type="DEPENDENCY", description="d"
        ),
        "POST",
        "/management/upload",
        {
            **FILE,
            "fileContent": "eA==",
            "releaseNotes": "notes",
            "fileType": "DEPENDENCY",
            "description": "d",
        },
    ),
    (
        lambda c: c.get_large_upload_url("tool", "1.0", "a.exe", 5),
        "POST",
        "/management/upload/large-url",
        {**FILE, "fileSize": 5},
    ),
    (
        lambda c: c.get_large_upload_url("tool", "1.0", "a.exe", 5, "text/plain"),
        "POST",
        "/management/upload/large-url",
        {**FILE, "fileSize": 5, "contentType": "text/plain"},
    ),
    (
        lambda c: c.complete_large_upload("u1", "tool", "1.0", "a.exe", 5, "ab"),
        "POST",
        "/management/upload/large-complete",
        {**FILE, "uploadId": "u1", "fileSize": 5, "checksum": "ab"},
    ),
    (
        lambda c: c.complete_large_upload("u1", "tool", "1.0", "a.exe", 5, "ab", "notes"),
        "POST",
        "/management/upload/large-complete",
        {**FILE, "uploadId": "u1", "fileSize": 5, "checksum": "ab", "releaseNotes": "notes"},
    ),
]


@pytest.mark.parametrize(("call", "path", "query"), QUESTIONS)
def test_a_question_sends_this_query_and_leaves_out_what_was_not_asked_for(
    canned: CannedServer, asker: AdminClient, call: Call, path: str, query: dict[str, str]
) -> None:
    canned.answer({"success": True, "data": {"applications": [], "events": []}})
    call(asker)
    (sent,) = canned.asked
    target, _, found = sent.target.partition("?")
    assert (sent.method, target) == ("GET", f"/v1{path}")
    assert dict(parse_qsl(found, keep_blank_values=True)) == query


@pytest.mark.parametrize(("call", "method", "path", "body"), CHANGES)
def test_a_change_sends_this_body_and_leaves_out_what_was_not_asked_for(
    canned: CannedServer, asker: AdminClient, call: Call, method: str, path: str, body: Any
) -> None:
    canned.answer({"success": True, "data": {"versions": []}})
    call(asker)
    *looked, sent = canned.asked
    assert [look.method for look in looked] == ["GET"] * len(looked)
    assert (sent.method, sent.target) == (method, f"/v1{path}")
    assert (sent.json if sent.body else None) == body


@pytest.mark.parametrize(
    "call",
    [
        lambda client, **more: client.list_versions("tool", **more),
        lambda client, **more: client.get_download_url("tool", "1.0", **more),
    ],
)
@pytest.mark.parametrize(("test_channel", "header"), [(True, "Test"), (False, None)])
def test_the_test_channel_is_a_header(
    canned: CannedServer,
    asker: AdminClient,
    call: Callable[..., Any],
    test_channel: bool,
    header: str | None,
) -> None:
    canned.answer({"success": True, "data": {}})
    call(asker, test_channel=test_channel)
    assert canned.asked[0].headers.get("x-channel") == header


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.create_application("tool", "Tool", customer_ids="c1"),
        lambda c: c.create_application("tool", "Tool", tags="windows"),
        lambda c: c.update_application_customers("tool", "c1"),
    ],
)
def test_a_text_in_place_of_a_list_is_a_value_error_before_any_request(
    canned: CannedServer, asker: AdminClient, call: Call
) -> None:
    with pytest.raises(ValueError, match="must be a list"):
        call(asker)
    assert canned.asked == []
