"""Uploads: the bytes that were meant, or no version."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
from pathlib import Path

import pytest

from bindist import AdminClient, ApiResponse, IntegrityError, TransportError
from bindist.sandbox import SandboxServer
from bindist.transfer.config import TransferConfig
from bindist.transfer.presigned import PresignedUpload
from bindist.transfer.upload import Body, LocalFile, put

MIB = 1024 * 1024
PUT = "path=/store/*,method=PUT"


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A file that goes through the object store."""
    path = tmp_path / "big.bin"
    path.write_bytes(random.Random(3).randbytes(TransferConfig.inline_limit + 3 * MIB + 17))
    return path


def stored(admin: AdminClient, version: str = "1.0") -> bytes:
    return admin.download_file("tool", version, test_channel=True)[0]


def paths(server: SandboxServer) -> list[str]:
    return [record.path for record in server.requests]


def test_a_large_file_goes_through_the_object_store(admin, application, big, server):
    answer = admin.upload_file(application, "1.0", big, release_notes="first").raise_for_error()
    assert answer.require()["checksum"] == hashlib.sha256(big.read_bytes()).hexdigest()
    assert stored(admin) == big.read_bytes()
    assert "/v1/management/upload" not in paths(server)


def test_a_small_file_with_an_explicit_type_is_uploaded_inline(
    admin, application, tmp_path, server
):
    path = tmp_path / "small.bin"
    path.write_bytes(b"x" * TransferConfig.inline_limit)
    admin.upload_file(application, "1.0", path, file_type="DEPENDENCY").raise_for_error()
    assert paths(server)[-1] == "/v1/management/upload"
    assert stored(admin) == path.read_bytes()


def test_the_key_is_not_sent_to_the_object_store(admin, application, big, server):
    admin.upload_file(application, "1.0", big).raise_for_error()
    put = next(record for record in server.requests if record.method == "PUT")
    assert "authorization" not in put.headers
    assert put.headers["content-length"] == str(big.stat().st_size)
    assert not [name for name in put.headers if name.startswith("x-amz-")]


def test_a_file_object_is_sent_too(admin, application, big):
    with big.open("rb") as file:
        admin.upload_file(application, "1.0", file, file_name="other.bin").raise_for_error()
    assert stored(admin) == big.read_bytes()


def test_bytes_in_memory_are_sent_too(admin, application, big):
    file = io.BytesIO(big.read_bytes())
    admin.upload_file(application, "1.0", file, file_name="other.bin").raise_for_error()
    assert stored(admin) == big.read_bytes()


@pytest.mark.parametrize(
    "fault", ["reset-request:3000000", "lost", "refuse", "status:503", "status:429/0", "empty:500"]
)
def test_a_failed_try_is_repeated_from_the_start(fault, admin, application, big, server):
    server.faults.add(f"{fault},{PUT}")
    admin.upload_file(application, "1.0", big).raise_for_error()
    assert stored(admin) == big.read_bytes()


def test_an_expired_url_is_replaced(admin, application, big, server):
    server.faults.add("expire,path=/v1/management/upload/large-url")
    admin.upload_file(application, "1.0", big).raise_for_error()
    assert stored(admin) == big.read_bytes()
    assert paths(server).count("/v1/management/upload/large-url") == 2


def test_an_error_of_the_store_is_returned_with_its_code(admin, application, big, server):
    server.faults.add(f"text:418,{PUT}")
    answer = admin.upload_file(application, "1.0", big)
    assert (answer.success, answer.status_code) == (False, 418)


def test_nothing_is_completed_if_the_store_fails(admin, application, big, server):
    server.faults.add(f"empty:500,times=0,{PUT}")
    assert admin.upload_file(application, "1.0", big).status_code == 500
    assert "/v1/management/upload/large-complete" not in paths(server)


def test_without_a_response_of_the_store_nothing_is_completed(admin, application, big, server):
    server.faults.add(f"reset-request:100,times=0,{PUT}")
    with pytest.raises(TransportError):
        admin.upload_file(application, "1.0", big)
    assert "/v1/management/upload/large-complete" not in paths(server)


def test_attempts_are_limited_with_a_new_url_for_each(admin, application, server):
    def ask() -> PresignedUpload:
        found = admin.get_large_upload_url(application, "1.0", "tool.bin", 5).require()
        return PresignedUpload(found["uploadId"], found["uploadUrl"], asked=-1e9)

    server.faults.add(f"lost,times=0,{PUT}")
    with pytest.raises(TransportError):
        put(admin._transport, ask, Body(io.BytesIO(b"bytes"), 5))
    assert sum(record.method == "PUT" for record in server.requests) == 1 + 3
    assert len({record.path for record in server.requests if record.method == "PUT"}) == 4


@pytest.mark.parametrize("change", ["grow", "shrink", "touch", "replace", "remove"])
def test_a_file_that_changes_while_it_is_sent_is_not_completed(
    change, admin, application, big, server
):
    def alter(done: int, size: int) -> None:
        if MIB < done < 3 * MIB:
            if change == "grow":
                with big.open("ab") as file:
                    file.write(b"more")
            elif change == "shrink":
                os.truncate(big, 4 * MIB)
            elif change == "touch":
                with big.open("r+b") as file:
                    file.write(b"other")
                os.utime(big, ns=(1, 1))
            elif change == "remove":
                big.unlink(missing_ok=True)
            else:
                other = big.with_suffix(".new")
                other.write_bytes(big.read_bytes())
                other.replace(big)

    with pytest.raises((IntegrityError, OSError)):
        admin.upload_file(application, "1.0", big, progress=alter)
    assert "/v1/management/upload/large-complete" not in paths(server)


def test_altered_bytes_are_not_completed(admin, application, big, server):
    server.faults.add(f'etag:"{"0" * 32}",{PUT}')
    with pytest.raises(IntegrityError, match="other bytes"):
        admin.upload_file(application, "1.0", big)
    assert "/v1/management/upload/large-complete" not in paths(server)


def test_altered_bytes_from_memory_are_not_completed(admin, application, server):
    server.faults.add(f'etag:"{"0" * 32}",{PUT}')
    with pytest.raises(IntegrityError, match="other bytes"):
        admin.upload_large_file(application, "1.0", "tool.bin", b"bytes")
    assert "/v1/management/upload/large-complete" not in paths(server)


@pytest.mark.parametrize("fault", ["not-json", "json-array", "empty:200", "text:204"])
def test_a_response_that_is_not_from_the_store_completes_nothing(
    fault, admin, application, big, server
):
    server.faults.add(f"{fault},times=0,{PUT}")
    answer = admin.upload_file(application, "1.0", big)
    assert (answer.success, "no object store" in answer.error["message"]) == (False, True)
    assert "/v1/management/upload/large-complete" not in paths(server)


def test_an_altered_bit_is_detected_at_any_speed(asker, canned, tmp_path):
    path = tmp_path / "large.bin"
    path.touch()
    os.truncate(path, 96 * MIB)
    altered = hashlib.md5(bytes(96 * MIB - 1) + b"\x01").hexdigest()
    canned.answer(headers={"ETag": f'"{altered}"'})
    presigned = PresignedUpload("u1", f"{canned.url}/put")
    with LocalFile.opened(path) as file, pytest.raises(IntegrityError, match=altered):
        asker._put_file("tool", "1.0", file, presigned=presigned)


@pytest.mark.parametrize(
    ("headers", "confirmed"),
    [
        ({}, True),
        ({"x-amz-server-side-encryption": "AES256"}, True),
        ({"x-amz-server-side-encryption": "aws:kms"}, False),
        ({"x-amz-server-side-encryption-customer-algorithm": "AES256"}, False),
        ({"ETag": f'"{"0" * 32}-2"'}, False),
        ({"ETag": '"opaque"'}, False),
    ],
)
def test_an_md5_etag_confirms_the_stored_bytes(headers, confirmed, asker, canned):
    content = b"some bytes"
    etag = f'"{hashlib.md5(content).hexdigest()}"'
    canned.answer(headers={"ETag": etag, **headers})
    with LocalFile.opened(io.BytesIO(content), "a.bin") as file:
        sent = asker._put_file(
            "tool", "1.0", file, presigned=PresignedUpload("u1", f"{canned.url}/put")
        )
    assert (sent.presigned.upload_id, sent.confirmed) == ("u1", confirmed)
    assert sent.checksum == hashlib.sha256(content).hexdigest()


def test_opaque_etags_are_not_compared(canned, caplog):
    caplog.set_level("DEBUG", "bindist.request")
    canned.answer(headers={"ETag": f'"{"0" * 32}"'})
    client = AdminClient(canned.url, "key", store_etag="opaque")
    with client, LocalFile.opened(io.BytesIO(b"x"), "a.bin") as file:
        sent = client._put_file(
            "tool", "1.0", file, presigned=PresignedUpload("u1", f"{canned.url}/put")
        )
    assert not sent.confirmed
    assert "'a.bin': confirmed: false" in caplog.text


@pytest.mark.parametrize("form", ['W/"{}"', '"{}"', "{}"])
def test_an_md5_is_compared_in_whatever_form_the_etag_is(form, asker, canned):
    content = b"some bytes"
    canned.answer(headers={"ETag": form.format(hashlib.md5(content).hexdigest().upper())})
    canned.answer(headers={"ETag": form.format("D" * 32)})

    def put():
        with LocalFile.opened(io.BytesIO(content), "a.bin") as file:
            to = PresignedUpload("u1", f"{canned.url}/put")
            return asker._put_file("tool", "1.0", file, presigned=to)

    assert put().confirmed
    with pytest.raises(IntegrityError, match="the object store has other bytes"):
        put()


def test_an_etag_that_is_another_md5_names_the_setting_for_stores_that_have_none(
    admin, application, big, server
):
    server.faults.add(f'etag:"{"0" * 32}",{PUT}')
    with pytest.raises(IntegrityError, match='set store_etag to "opaque"'):
        admin.upload_file(application, "1.0", big)


def test_store_etag_is_md5_or_opaque():
    with pytest.raises(ValueError, match="store_etag must be one of md5, opaque, not 'sha1'"):
        AdminClient("https://example.com", "key", store_etag="sha1")


@pytest.mark.parametrize("etag", ['"' + "0" * 32 + '-4"', '"opaque"'])
def test_an_etag_that_is_not_an_md5_is_accepted(etag, admin, application, big, server):
    server.faults.add(f"etag:{etag},{PUT}")
    assert admin.upload_file(application, "1.0", big).success


def test_an_empty_file_is_refused_before_any_request(admin, application, tmp_path, server):
    path = tmp_path / "empty.bin"
    path.touch()
    before = len(server.requests)
    with pytest.raises(ValueError, match="empty"):
        admin.upload_file(application, "1.0", path)
    assert len(server.requests) == before


def test_a_name_that_the_server_refuses_is_refused_before_any_request(
    admin, application, big, server
):
    before = len(server.requests)
    with pytest.raises(ValueError, match="file name"):
        admin.upload_file(application, "1.0", big, file_name="a:b")
    assert len(server.requests) == before


def test_an_unsupported_type_of_a_large_file_is_refused_before_any_request(
    admin, application, big, server
):
    before = len(server.requests)
    with pytest.raises(ValueError, match="comes from its extension"):
        admin.upload_file(application, "1.0", big, file_type="DOCUMENTATION")
    assert len(server.requests) == before


def test_a_small_file_gets_its_explicit_type(admin, application, tmp_path):
    path = tmp_path / "guide.bin"
    path.write_bytes(b"read me")
    admin.upload_file(application, "1.0", path, file_type="DOCUMENTATION").raise_for_error()
    files = admin.list_version_files(application, "1.0").require()["files"]
    assert [row["fileType"] for row in files] == ["DOCUMENTATION"]


def test_small_and_large_files_get_the_type_of_their_extension(admin, application, tmp_path):
    path = tmp_path / "lib.so"
    path.write_bytes(b"library")
    admin.upload_file(application, "1.0", path).raise_for_error()
    files = admin.list_version_files(application, "1.0").require()["files"]
    assert [row["fileType"] for row in files] == ["DEPENDENCY"]


def test_progress_ends_with_the_whole_size(admin, application, big):
    seen: list[tuple[int, int]] = []
    admin.upload_file(application, "1.0", big, progress=lambda *at: seen.append(at))
    assert seen[-1] == (big.stat().st_size, big.stat().st_size)


def test_progress_goes_back_after_a_retry(admin, application, big, server):
    server.faults.add(f"reset-request:{3 * MIB},{PUT}")
    seen: list[int] = []
    admin.upload_file(application, "1.0", big, progress=lambda done, size: seen.append(done))
    assert seen != sorted(seen)
    assert seen[-1] == big.stat().st_size


def test_a_conflict_is_returned_and_not_raised(admin, application, big):
    admin.upload_file(application, "1.0", big).raise_for_error()
    answer = admin.upload_file(application, "1.0", big)
    assert isinstance(answer, ApiResponse)
    assert answer.status_code == 409


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("stream", "name", "problem"),
    [
        (io.BytesIO(b"bytes"), None, "file_name is needed"),
        (Pipe(b"bytes"), "a.zip", "must be able to seek"),
    ],
)
def test_a_file_object_that_cannot_be_sent_is_refused_before_any_request(
    stream, name, problem, admin, application, server
):
    asked = len(server.requests)
    with pytest.raises(ValueError, match=problem):
        admin.upload_file(application, "1.0", stream, file_name=name)
    assert len(server.requests) == asked


@pytest.mark.parametrize("wrong", [{"fileSize": 6}, {"checksum": "0" * 64}, {"checksum": None}])
def test_an_upload_response_with_other_content_is_an_integrity_error(wrong, canned, asker):
    sound = {"fileSize": 5, "checksum": hashlib.sha256(b"bytes").hexdigest()}
    canned.answer({"success": True, "data": {**sound, **wrong}})
    with pytest.raises(IntegrityError, match="the version is not enabled"):
        asker.upload_file(
            "tool", "1.0", io.BytesIO(b"bytes"), file_name="a.zip", file_type="DEPENDENCY"
        )


def test_a_request_body_can_only_be_rewound_to_its_start():
    body = Body(io.BytesIO(b"bytes"), 5)
    assert list(body) == [b"bytes"]
    body.seek(0)
    assert (body.tell(), b"".join(body)) == (0, b"bytes")
    with pytest.raises(ValueError, match="from its start only"):
        body.seek(0, os.SEEK_END)


def test_the_url_of_a_presigned_upload_is_not_in_its_repr():
    assert "abcdef" not in repr(
        PresignedUpload("u-1", "https://store.example/?X-Amz-Signature=abcdef")
    )


class FailingDisk(io.BytesIO):
    """A file that cannot be read to its end."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > MIB:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(size)


def test_a_read_error_of_the_disk_is_not_a_transport_error(admin, application, big, server):
    with pytest.raises(OSError, match="Input/output"):
        admin.upload_file(application, "1.0", FailingDisk(big.read_bytes()), file_name="a.bin")
    assert len([sent for sent in server.requests if sent.method == "PUT"]) <= 1


def test_a_broken_pipe_in_the_callback_ends_the_upload(admin, application, big):
    def report(done: int, size: int) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        admin.upload_file(application, "1.0", big, progress=report)
    assert not admin.list_version_files(application, "1.0").success
