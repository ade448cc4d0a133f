"""Whether the object store has a file's bytes: shown by one of them, counted as a download."""

from __future__ import annotations

import hashlib

import pytest

from bindist import IntegrityError, NotFoundError, PermissionDeniedError, StoredBytes

CONTENT = bytes(range(256)) * 1024
SHA256 = hashlib.sha256(CONTENT).hexdigest()
GET = "path=/store/*,method=GET"


def complete(admin, upload_id):
    answer = admin.complete_large_upload(upload_id, "tool", "1.0", "tool.bin", len(CONTENT), SHA256)
    answer.raise_for_error()


@pytest.fixture
def presigned(admin, application):
    return admin._presign_upload(application, "1.0", "tool.bin", len(CONTENT))


@pytest.fixture
def put(admin, presigned):
    """Puts bytes where the file belongs."""

    def send(content=CONTENT):
        admin._transport.open_store("PUT", presigned.url, body=content).close()
        return presigned.upload_id

    return send


def test_one_byte_shows_that_a_file_is_stored(admin, put, server):
    complete(admin, put())
    found = admin.check_stored_bytes("tool", "1.0", test_channel=True)
    assert found == StoredBytes("tool.bin", len(CONTENT), SHA256, "ok")
    assert found.raise_for_error() is found
    asked = [each for each in server.requests if each.path.startswith("/store/")][-1]
    assert (asked.method, asked.headers["range"]) == ("GET", "bytes=0-0")


def test_the_check_counts_one_download(admin, put):
    complete(admin, put())
    admin.check_stored_bytes("tool", "1.0", test_channel=True)
    assert admin.get_stats("tool").require()["totalDownloads"] == 1


def test_bytes_that_were_never_sent_are_missing(admin, presigned):
    complete(admin, presigned.upload_id)
    found = admin.check_stored_bytes("tool", "1.0", test_channel=True)
    assert found.status == "missing"
    with pytest.raises(IntegrityError, match=r"tool\.bin: the object store does not have it"):
        found.raise_for_error()


@pytest.mark.parametrize("fault", ["", "range-ignore"])
@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b"x", b""])
def test_another_number_of_bytes_is_different(admin, put, server, content, fault):
    complete(admin, put(content))
    if fault:
        server.faults.add(f"{fault},times=0,{GET}")
    found = admin.check_stored_bytes("tool", "1.0", test_channel=True)
    assert found.status == "different"
    assert f"has {len(content)} bytes, the server says {len(CONTENT)}" in found.reason


def test_without_ranges_the_length_shows_that_a_file_is_stored(admin, put, server):
    complete(admin, put())
    server.faults.add(f"range-ignore,times=0,{GET}")
    assert admin.check_stored_bytes("tool", "1.0", test_channel=True).status == "ok"
    assert admin.get_stats("tool").require()["totalDownloads"] == 1


def test_a_file_of_one_byte_is_found(admin, application):
    admin.upload_small_file(application, "1.0", "tool.bin", b"x").raise_for_error()
    assert admin.check_stored_bytes("tool", "1.0", test_channel=True).status == "ok"


def test_each_file_is_checked_by_its_id(admin, application):
    uploads = [admin._presign_upload(application, "1.0", name, 3) for name in ("a.txt", "b.bin")]
    admin._transport.open_store("PUT", uploads[1].url, body=b"abc").close()
    for uploaded, name in zip(uploads, ("a.txt", "b.bin"), strict=True):
        admin.complete_large_upload(uploaded.upload_id, "tool", "1.0", name, 3, SHA256)
    found = [
        admin.check_stored_bytes("tool", "1.0", each.upload_id, test_channel=True)
        for each in uploads
    ]
    assert [(each.file_name, each.status) for each in found] == [
        ("a.txt", "missing"),
        ("b.bin", "ok"),
    ]


def test_a_disabled_version_needs_the_test_channel(admin, put):
    complete(admin, put())
    with pytest.raises(PermissionDeniedError):
        admin.check_stored_bytes("tool", "1.0")


def test_a_version_that_does_not_exist_is_not_a_missing_file(admin, application):
    with pytest.raises(NotFoundError):
        admin.check_stored_bytes(application, "9.9", test_channel=True)
