"""Every call of the SDK, the requests it is made of, and how to see what became of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bindist import AdminClient
from tests.api_table import CONTENT, METHODS, Endpoint, Method

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


UPLOADS = "SELECT count(*) FROM uploads"
FILES = read("/applications/shelf/versions/1.0/files")
DOWNLOAD_URL = read("/downloads/url", "SELECT count(*) FROM downloads", url=True)
UPLOAD_URL = Step("read", "POST", "/v1/management/upload/large-url", url=True)  # makes nothing
SHELF = read("/applications/shelf/versions")
VERSIONS = read("/applications/tool/versions")
COMPLETE = change("POST", "/management/upload/large-complete", UPLOADS)
STREAM = Step("stream", "GET", "/store/*", again=True, cut="cut:1000")
FILE = Step("file", "GET", "/store/*", again=True, cut="cut:1000")
FIRST = Step("first", "GET", "/store/*")
PUT = Step("put", "PUT", "/store/*")
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


def access_to_catalogue(place: Place) -> list[str]:
    """Which of the applications that no call changes the catalogue's customer may download: calls
    on the same bench make customers and applications, and change who may download `tool`."""
    (found,) = (each for each in place.client.list_access() if each.customer_id == "seed-customer")
    return sorted({"library", "shelf"} & set(found.applications))


def check_stored(place: Place) -> None:
    (found,) = place.client.check_stored_version("shelf", "1.0")
    found.raise_for_error()


NAMES = {
    "library": "library",
    "shelf": "shelf",
    "tool": "tool",
    "version": "1.0",
    "customer": "seed-customer",
}
"""What the placeholders of the table of the API stand for in the catalogue of the bench."""


def steps_of(endpoint: Endpoint, method: Method) -> Iterator[Step]:
    for path in method.lookups:
        yield Step("read", "GET", path.format(**NAMES))
    verb, _, path = endpoint.pattern.partition(" ")
    changes = verb != "GET" and endpoint.effect
    yield Step(
        "change" if changes else "read",
        verb,
        path,
        endpoint.effect,
        url=endpoint.hands_out_url,
        again=method.pages,
    )


def call_of(endpoint: Endpoint, method: Method) -> Call:
    return Call(
        method.name,
        lambda at: method.call(at.client, {**NAMES, "mark": at.mark}),
        tuple(steps_of(endpoint, method)),
        raises=method.raises,
        prepare=make_application if method.prepared else None,
        sends=CONTENT if CONTENT in method.args else b"",
    )


def make_application(client: AdminClient, mark: str) -> None:
    client.create_application(mark, "Old").raise_for_error()


SINGLE = tuple(call_of(endpoint, method) for endpoint, method in METHODS)
REQUESTS = (
    Call(
        "request",
        lambda at: at.client.request("GET", "/v1/applications/library"),
        (read("/applications/library"),),
        name="request GET",
    ),
    Call(
        "request",
        lambda at: at.client.request("POST", "/v1/downloads/share", json=SHARED),
        (change("POST", "/downloads/share", "SELECT count(*) FROM shares"),),
        name="request POST",
    ),
)

TRANSFERS = (
    Call(
        "download_file",
        lambda at: at.client.download_file("shelf", "1.0")[0],
        (DOWNLOAD_URL, STREAM),
        raises=True,
    ),
    Call("download_to_stream", to_stream, (DOWNLOAD_URL, STREAM), raises=True),
    Call(
        "check_stored_bytes",
        lambda at: at.client.check_stored_bytes("shelf", "1.0").raise_for_error(),
        (DOWNLOAD_URL, FIRST),
        raises=True,
    ),
    Call("download_to_file", to_file, (FILES, DOWNLOAD_URL, FILE), raises=True),
    Call("download_version", to_folder, (FILES, DOWNLOAD_URL, FILE), raises=True),
    Call("check_stored_version", check_stored, (FILES, DOWNLOAD_URL, FIRST), raises=True),
    Call(
        "preview_download",
        lambda at: at.client.preview_download("shelf", "1.0", at.target.parent)[0].status,
        (FILES, SHELF),
        raises=True,
    ),
    Call(
        "identify_files",
        lambda at: [
            replace(found, path=Path(found.path.name))
            for found in at.client.identify_files(at.files / "small.bin", "shelf")
        ],
        (SHELF, FILES),
        raises=True,
    ),
    Call(
        "compare_versions",
        lambda at: at.client.compare_versions("shelf", "1.0", "1.0"),
        (FILES, SHELF),
        raises=True,
    ),
    Call(
        "wait_for_newer_version",
        lambda at: (at.client.wait_for_newer_version("shelf", "0.1") or {}).get("version"),
        (SHELF,),
        raises=True,
    ),
    Call(
        "upload_large_file",
        lambda at: at.client.upload_large_file("tool", at.mark, "a.bin", CONTENT),
        (UPLOAD_URL, PUT, VERSIONS, COMPLETE),
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
        (UPLOAD_URL, PUT, VERSIONS, COMPLETE),
        sends=LARGE,
        name="upload_file large",
    ),
)

CUSTOMERS, APPLICATIONS = read("/management/customers"), read("/applications")
REPORTS = (
    Call("iter_activity", lambda at: list(at.client.iter_activity()), (read("/activity"),), True),
    Call("find_customer", lambda at: at.client.find_customer(reference="r"), (CUSTOMERS,), True),
    Call("list_access", access_to_catalogue, (CUSTOMERS, APPLICATIONS), True),
    Call(
        "get_adoption",
        lambda at: at.client.get_adoption("library"),
        (
            read("/applications/library"),
            read("/applications/library/versions"),
            APPLICATIONS,
            CUSTOMERS,
            read("/activity"),
            read("/applications/library/stats"),
        ),
        True,
    ),
)

CALLS = (*SINGLE, *REQUESTS, *REPORTS, *TRANSFERS)
OF_SEVERAL_STEPS = frozenset({"publish", "preview_publish", "signed_checksums", "import_customers"})
"""The releases and the import read the server after each step, and have their faults in
tests/release/test_faults and tests/sdk/customer_import; `signed_checksums` is a
`list_version_files` and two `download_file`, which are in the matrix."""
ON_DISK = frozenset({"download_to_file", "download_version"})
"""These put a file where another one is."""
