"""Downloads: whole and right under their name, or not at all."""

from __future__ import annotations

import hashlib
import io
import threading

import pytest

from bindist import (
    BusyError,
    IntegrityError,
    NotFoundError,
    PermissionDeniedError,
    TargetExistsError,
)
from tests.sdk.transfer.conftest import MIB, STORE, downloads, fetched, make_bytes


def test_a_file_is_downloaded_to_the_given_name(customer, publish, tmp_path):
    content = make_bytes(3 * MIB + 17)
    checksum = publish("1.0", content)
    found = customer.download_to_file("tool", "1.0", tmp_path / "out.bin")
    assert (tmp_path / "out.bin").read_bytes() == content
    assert (found.status, found.file_size, found.checksum) == (
        "downloaded",
        len(content),
        checksum,
    )
    assert found.path == tmp_path / "out.bin"


def test_a_file_is_downloaded_into_a_folder_under_the_servers_name(customer, publish, tmp_path):
    publish("1.0", b"bytes")
    assert customer.download_to_file("tool", "1.0", tmp_path).path == tmp_path / "tool.bin"


def test_a_download_leaves_only_the_file(customer, publish, tmp_path):
    publish("1.0", make_bytes(MIB))
    folder = tmp_path / "out"
    folder.mkdir()
    customer.download_to_file("tool", "1.0", folder)
    assert [path.name for path in folder.iterdir()] == ["tool.bin"]


def test_several_connections_give_the_same_bytes(customer, publish, tmp_path, server):
    content = make_bytes(70 * MIB)
    publish("1.0", content)
    customer.download_to_file("tool", "1.0", tmp_path / "out.bin", connections=4)
    assert (tmp_path / "out.bin").read_bytes() == content
    ranges = [r.headers["range"] for r in server.requests if "range" in r.headers]
    assert len(ranges) > 4
    assert fetched(server) == len(content)


def test_a_file_with_the_right_content_counts_no_download(customer, admin, publish, tmp_path):
    publish("1.0", b"the same bytes")
    customer.download_to_file("tool", "1.0", tmp_path)
    before = downloads(admin)
    assert customer.download_to_file("tool", "1.0", tmp_path).status == "unchanged"
    assert downloads(admin) == before


def test_a_file_with_other_content_is_replaced(customer, publish, tmp_path):
    publish("1.0", b"new bytes")
    (tmp_path / "tool.bin").write_bytes(b"old bytes")
    customer.download_to_file("tool", "1.0", tmp_path)
    assert (tmp_path / "tool.bin").read_bytes() == b"new bytes"


def test_without_replace_a_file_with_other_content_is_kept(customer, publish, tmp_path):
    publish("1.0", b"new bytes")
    (tmp_path / "tool.bin").write_bytes(b"old bytes")
    with pytest.raises(TargetExistsError, match=r"tool\.bin exists with other content"):
        customer.download_to_file("tool", "1.0", tmp_path, replace=False)
    assert (tmp_path / "tool.bin").read_bytes() == b"old bytes"
    assert list(tmp_path.glob("tool.bin*")) == [tmp_path / "tool.bin"]


@pytest.mark.parametrize("replace", [True, False])
def test_a_file_that_appears_during_the_transfer_is_kept(customer, publish, tmp_path, replace):
    content = make_bytes(MIB)
    publish("1.0", content)
    target = tmp_path / "tool.bin"

    def appear(done: int, size: int) -> None:
        target.write_bytes(b"mine")

    with pytest.raises(TargetExistsError, match="appeared while"):
        customer.download_to_file("tool", "1.0", tmp_path, progress=appear, replace=replace)
    assert target.read_bytes() == b"mine"
    assert (tmp_path / "tool.bin.part").read_bytes() == content
    assert customer.download_to_file("tool", "1.0", tmp_path).status == "resumed"
    assert list(tmp_path.glob("tool.bin*")) == [tmp_path / "tool.bin"]
    assert target.read_bytes() == content


def test_altered_bytes_are_an_integrity_error_and_nothing_is_kept(
    customer, publish, tmp_path, server
):
    publish("1.0", make_bytes(MIB))
    server.faults.add(f"flip:1000,times=0,{STORE}")
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(IntegrityError, match=r"the checksum of .* does not match"):
        customer.download_to_file("tool", "1.0", folder)
    assert list(folder.iterdir()) == []


def test_altered_bytes_never_replace_a_file(customer, publish, tmp_path, server):
    publish("1.0", make_bytes(MIB))
    (tmp_path / "tool.bin").write_bytes(b"precious")
    server.faults.add(f"flip:1000,times=0,{STORE}")
    with pytest.raises(IntegrityError):
        customer.download_to_file("tool", "1.0", tmp_path)
    assert (tmp_path / "tool.bin").read_bytes() == b"precious"


def test_altered_bytes_are_accepted_without_verification(customer, publish, tmp_path, server):
    publish("1.0", make_bytes(MIB))
    server.faults.add(f"flip:1000,{STORE}")
    found = customer.download_to_file("tool", "1.0", tmp_path, verify_checksum=False)
    assert found.status == "downloaded"


def test_a_compressed_body_is_refused_and_nothing_is_kept(server, publish, tmp_path, customer):
    publish("1.0", make_bytes(MIB))
    server.faults.add(f"gzip,times=0,{STORE}")
    with pytest.raises(IntegrityError, match="gzip"):
        customer.download_to_file("tool", "1.0", tmp_path)
    assert list(tmp_path.glob("tool.bin*")) == []


def test_a_size_that_the_store_does_not_have_is_an_integrity_error(
    admin, application, tmp_path, customer
):
    checksum = hashlib.sha256(b"12345").hexdigest()
    found = admin.get_large_upload_url(application, "1.0", "tool.bin", 5).require()
    from bindist.transfer.presigned import PresignedUpload
    from bindist.transfer.upload import Body, put

    presigned = PresignedUpload("x", found["uploadUrl"])
    put(admin._transport, lambda: presigned, Body(io.BytesIO(b"12345"), 5))
    admin.complete_large_upload(found["uploadId"], application, "1.0", "tool.bin", 999, checksum)
    admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
    with pytest.raises(IntegrityError, match="has 5 bytes, the server says 999"):
        customer.download_to_file(application, "1.0", tmp_path)


def test_a_checksum_that_is_not_sha256_cannot_be_verified(admin, application, tmp_path, customer):
    found = admin.get_large_upload_url(application, "1.0", "tool.bin", 5).require()
    admin.complete_large_upload(found["uploadId"], application, "1.0", "tool.bin", 5, "Z" * 64)
    admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
    with pytest.raises(IntegrityError, match="no SHA-256"):
        customer.download_to_file(application, "1.0", tmp_path)


def test_a_disabled_version_needs_the_test_channel(admin, application, tmp_path):
    admin.upload_small_file(application, "1.0", "tool.bin", b"bytes").raise_for_error()
    with pytest.raises(PermissionDeniedError, match="not enabled"):
        admin.download_to_file(application, "1.0", tmp_path)
    assert admin.download_to_file(application, "1.0", tmp_path, test_channel=True).path


def test_an_unknown_version_is_not_found(customer, application, tmp_path):
    with pytest.raises(NotFoundError):
        customer.download_to_file(application, "9.9", tmp_path)


def test_two_downloads_of_one_file_do_not_mix(server, publish, tmp_path, customer):
    publish("1.0", make_bytes(2 * MIB))
    server.faults.add(f"stall-body:{MIB}/1.5,{STORE}")
    started = threading.Event()

    def watch(done: int, size: int) -> None:
        if done:
            started.set()

    def first() -> None:
        customer.download_to_file("tool", "1.0", tmp_path, progress=watch)

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert started.wait(20)
        with pytest.raises(BusyError):
            customer.download_to_file("tool", "1.0", tmp_path)
    finally:
        thread.join()
    assert (tmp_path / "tool.bin").stat().st_size == 2 * MIB


def test_progress_ends_with_the_whole_size(customer, publish, tmp_path):
    publish("1.0", make_bytes(3 * MIB))
    seen: list[tuple[int, int]] = []
    customer.download_to_file("tool", "1.0", tmp_path, progress=lambda *at: seen.append(at))
    assert seen[0] == (0, 3 * MIB)
    assert seen[-1] == (3 * MIB, 3 * MIB)


def test_an_error_in_the_callback_reaches_the_caller(customer, publish, tmp_path):
    publish("1.0", make_bytes(MIB))

    def fail(done: int, size: int) -> None:
        if done:
            raise RuntimeError("from the callback")

    with pytest.raises(RuntimeError, match="from the callback"):
        customer.download_to_file("tool", "1.0", tmp_path, progress=fail)


def test_a_file_larger_than_the_disk_is_refused_before_the_first_byte(
    admin, application, tmp_path, customer, server
):
    found = admin.get_large_upload_url(application, "1.0", "tool.bin", 5).require()
    huge, checksum = 2**52, "a" * 64
    admin.complete_large_upload(
        found["uploadId"], application, "1.0", "tool.bin", huge, checksum
    ).raise_for_error()
    admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
    with pytest.raises(OSError, match="are free"):
        customer.download_to_file(application, "1.0", tmp_path / "tool.bin")
    assert fetched(server) == 0
    assert list(tmp_path.glob("tool.bin*")) == []


@pytest.mark.parametrize("connections", [0, 33])
def test_an_invalid_number_of_connections_is_a_value_error(connections, customer, tmp_path):
    with pytest.raises(ValueError, match="connections"):
        customer.download_to_file("tool", "1.0", tmp_path, connections=connections)


def test_a_stream_gets_the_bytes_in_order(customer, publish, server):
    content = make_bytes(3 * MIB)
    publish("1.0", content)
    server.faults.add(f"reset:{MIB},{STORE}")
    stream = io.BytesIO()
    found = customer.download_to_stream("tool", "1.0", stream)
    assert stream.getvalue() == content
    assert found.path is None


def test_a_stream_with_wrong_bytes_is_an_integrity_error(customer, publish, server):
    publish("1.0", make_bytes(MIB))
    server.faults.add(f"flip:5,{STORE}")
    with pytest.raises(IntegrityError, match="does not match"):
        customer.download_to_stream("tool", "1.0", io.BytesIO())
