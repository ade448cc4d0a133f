"""Every call of the SDK, the requests it is made of, and how to see what became of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bindist import AdminClient

CONTENT = bytes(range(250)) * 12
LARGE = CONTENT * 1400  # 4.2 MB: too large to go inline


@dataclass
class Place:
    """Where one call is made: its client, a word of its own, a folder with files to send."""

    client: AdminClient
    mark: str
    files: Path

    @property
    def target(self) -> Path:
        """Where a download goes, and another file lies already."""
        return self.files.parent / self.mark / "tool.bin"


@dataclass(frozen=True)
class Step:
    """One request of a call. `effect` counts, in the server's tables, how often it was done.

    `url` says that the step hands out a URL that the next one uses. `again`: the same request comes
    twice in one call, the second time for the next page, or the rest of a file that was `cut`.
    """

    kind: str
    method: str
    path: str
    effect: str = ""
    url: bool = False
    again: bool = False
    cut: str = ""


@dataclass(frozen=True)
class Call:
    method: str
    run: Callable[[Place], Any]
    steps: tuple[Step, ...]
    raises: bool = False  # failed answers too
    prepare: Callable[[AdminClient, str], Any] | None = None
    sends: bytes = field(default=b"", repr=False)
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.method

    @property
    def moves(self) -> int:
        """How many bytes of a file."""
        return len(CONTENT) if self.method.startswith("download_") else len(self.sends)


def read(path: str, effect: str = "", **more: bool) -> Step:
    return Step("read", "GET", f"/v1{path}", effect, **more)


def change(method: str, path: str, effect: str = "", **more: bool) -> Step:
    return Step("change", method, f"/v1{path}", effect, **more)


def counted(event: str) -> str:
    return f"SELECT count(*) FROM audit WHERE eventType = '{event}'"


UPLOADS = "SELECT count(*) FROM uploads"
FILES = read("/applications/shelf/versions/1.0/files")
URL = read("/downloads/url", "SELECT count(*) FROM downloads", url=True)
TICKET = Step("read", "POST", "/v1/management/upload/large-url", url=True)  # makes nothing
VERSIONS = read("/applications/tool/versions")
COMPLETE = change("POST", "/management/upload/large-complete", UPLOADS)
STREAM = Step("stream", "GET", "/store/*", again=True, cut="cut:1000")
FILE = Step("file", "GET", "/store/*", again=True, cut="cut:1000")
FIRST = Step("first", "GET", "/store/*")
PUT = Step("put", "PUT", "/store/*")
SHARE = change("POST", "/downloads/share", "SELECT count(*) FROM shares")
SHARED = {"applicationId": "library", "version": "1.0"}


def to_stream(place: Place) -> bytes:
    stream = io.BytesIO()
    place.client.download_to_stream("shelf", "1.0", stream)
    return stream.getvalue()


def to_file(place: Place) -> bytes:
    place.client.download_to_file("shelf", "1.0", place.target)
    return place.target.read_bytes()


def to_folder(place: Place) -> bytes:
    (found,) = place.client.download_version("shelf", "1.0", place.target.parent, replace=True)
    assert found.path
    return found.path.read_bytes()


def check_stored(place: Place) -> None:
    (found,) = place.client.check_stored_version("shelf", "1.0")
    found.raise_for_error()


READS = (
    Call(
        "list_applications",
        lambda at: at.client.list_applications("library"),
        (read("/applications"),),
    ),
    Call(
        "iter_applications",
        lambda at: list(at.client.iter_applications("library", page_size=2)),
        (read("/applications", again=True),),
        raises=True,
    ),
    Call(
        "get_application",
        lambda at: at.client.get_application("library"),
        (read("/applications/library"),),
    ),
    Call(
        "list_versions",
        lambda at: at.client.list_versions("library"),
        (read("/applications/library/versions"),),
    ),
    Call(
        "list_version_files",
        lambda at: at.client.list_version_files("shelf", "1.0"),
        (FILES,),
    ),
    Call(
        "get_stats",
        lambda at: at.client.get_stats("library"),
        (read("/applications/library/stats"),),
    ),
    Call("get_download_url", lambda at: at.client.get_download_url("shelf", "1.0"), (URL,)),
    Call(
        "list_customers",
        lambda at: at.client.list_customers(1, 1),
        (read("/management/customers"),),
    ),
    Call(
        "list_activity",
        lambda at: at.client.list_activity(customer_id="seed-customer"),
        (read("/activity"),),
    ),
    Call(
        "list_audit_events",
        lambda at: at.client.list_audit_events("CUSTOMER_DISABLED"),
        (read("/audit"),),
    ),
    Call(
        "iter_audit_events",
        lambda at: list(at.client.iter_audit_events("CUSTOMER_DISABLED", page_size=2)),
        (read("/audit", again=True),),
        raises=True,
    ),
    Call(
        "request",
        lambda at: at.client.request("GET", "/v1/applications/library"),
        (read("/applications/library"),),
        name="request GET",
    ),
)

CHANGES = (
    Call("create_share_link", lambda at: at.client.create_share_link(*SHARED.values()), (SHARE,)),
    Call(
        "request",
        lambda at: at.client.request("POST", "/v1/downloads/share", json=SHARED),
        (SHARE,),
        name="request POST",
    ),
    Call(
        "create_application",
        lambda at: at.client.create_application(at.mark, "New"),
        (change("POST", "/management/applications", counted("APPLICATION_CREATED")),),
    ),
    Call(
        "delete_application",
        lambda at: at.client.delete_application(at.mark),
        (change("DELETE", "/management/applications/*", counted("APPLICATION_DELETED")),),
        prepare=lambda client, mark: client.create_application(mark, "Old"),
    ),
    Call(
        "update_application_customers",
        lambda at: at.client.update_application_customers("tool", None, ["seed-customer"]),
        (
            change(
                "PUT", "/management/applications/tool/customers", counted("CUSTOMER_APP_UNLINKED")
            ),
        ),
    ),
    Call(
        "create_customer",
        lambda at: at.client.create_customer("New"),
        (change("POST", "/management/customers/admin/apikeys", counted("CUSTOMER_CREATED")),),
    ),
    Call(
        "update_customer",
        lambda at: at.client.update_customer("seed-customer", notes=at.mark),
        (
            change(
                "PATCH",
                "/management/customers/seed-customer",
                "SELECT count(*) FROM customers WHERE notes = ?",
            ),
        ),
    ),
    Call(
        "regenerate_customer_key",
        lambda at: at.client.regenerate_customer_key("seed-customer"),
        (
            change(
                "POST",
                "/management/customers/*/regenerate-key",
                counted("CUSTOMER_KEY_REGENERATED"),
            ),
        ),
    ),
    Call(
        "regenerate_admin_key",
        lambda at: at.client.regenerate_admin_key(),
        (change("POST", "/management/admin/regenerate-key", counted("ADMIN_KEY_REGENERATED")),),
    ),
    Call(
        "regenerate_apps_admin_key",
        lambda at: at.client.regenerate_apps_admin_key(),
        (change("POST", "/management/admin/*-apps-key", counted("ADMIN_KEY_REGENERATED")),),
    ),
    Call(
        "update_version",
        lambda at: at.client.update_version("tool", "1.0", release_notes=at.mark),
        (
            change(
                "PATCH",
                "/applications/tool/versions/1.0",
                "SELECT count(*) FROM versions WHERE releaseNotes = ?",
            ),
        ),
    ),
    Call(
        "get_large_upload_url",
        lambda at: at.client.get_large_upload_url("tool", at.mark, "a.bin", 5),
        (TICKET,),
    ),
    Call(
        "complete_large_upload",
        lambda at: at.client.complete_large_upload("u1", "tool", at.mark, "a.bin", 5, "0" * 64),
        (VERSIONS, COMPLETE),
    ),
)

TRANSFERS = (
    Call(
        "download_file",
        lambda at: at.client.download_file("shelf", "1.0")[0],
        (URL, STREAM),
        raises=True,
    ),
    Call("download_to_stream", to_stream, (URL, STREAM), raises=True),
    Call(
        "check_stored_bytes",
        lambda at: at.client.check_stored_bytes("shelf", "1.0").raise_for_error(),
        (URL, FIRST),
        raises=True,
    ),
    Call("download_to_file", to_file, (FILES, URL, FILE), raises=True),
    Call("download_version", to_folder, (FILES, URL, FILE), raises=True),
    Call("check_stored_version", check_stored, (FILES, URL, FIRST), raises=True),
    Call(
        "upload_small_file",
        lambda at: at.client.upload_small_file("tool", at.mark, "a.bin", CONTENT),
        (change("POST", "/management/upload", UPLOADS),),
        sends=CONTENT,
    ),
    Call(
        "upload_large_file",
        lambda at: at.client.upload_large_file("tool", at.mark, "a.bin", CONTENT),
        (TICKET, PUT, VERSIONS, COMPLETE),
        sends=CONTENT,
    ),
    Call(
        "upload_file",
        lambda at: at.client.upload_file(
            "tool", at.mark, at.files / "small.bin", file_type="DEPENDENCY"
        ),
        (change("POST", "/management/upload", UPLOADS),),
        sends=CONTENT,
        name="upload_file small",
    ),
    Call(
        "upload_file",
        lambda at: at.client.upload_file("tool", at.mark, at.files / "large.bin"),
        (TICKET, PUT, VERSIONS, COMPLETE),
        sends=LARGE,
        name="upload_file large",
    ),
)

CALLS = (*READS, *CHANGES, *TRANSFERS)
WITHOUT_REQUESTS = frozenset({"close"})
OF_SEVERAL_STEPS = frozenset({"publish", "preview_publish"})
"""These read the server after each step, and have their faults in tests/release/test_faults.py."""
ON_DISK = frozenset({"download_to_file", "download_version"})
"""These put a file where another one is."""
