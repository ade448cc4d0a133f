"""Downloads that are interrupted: retries, expired URLs, and resuming from a partial file."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bindist import (
    AdminClient,
    CustomerClient,
    PermissionDeniedError,
    TransportError,
)
from bindist.sandbox import SandboxServer

MIB = 1024 * 1024
STORE = "path=/store/*,method=GET"


def make_bytes(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture
def publish(admin: AdminClient, application: str) -> Callable[[str, bytes], str]:
    """Makes an enabled version of one file, `tool.bin`; returns its checksum."""

    def make(version: str, content: bytes) -> str:
        admin.upload_large_file(application, version, "tool.bin", content).raise_for_error()
        admin.update_version(application, version, is_enabled=True).raise_for_error()
        return hashlib.sha256(content).hexdigest()

    return make


def downloads(admin: AdminClient) -> int:
    """How many downloads the statistics have counted."""
    count = admin.get_stats("tool").require()["totalDownloads"]
    assert isinstance(count, int)
    return count


def fetched(server: SandboxServer) -> int:
    """Bytes of files that have gone out."""
    return sum(r.bytes_out for r in server.requests if r.path.startswith("/store/"))


@pytest.mark.parametrize("fault", ["reset:700000", "cut:700000", "lost", "refuse"])
def test_a_lost_connection_is_taken_up_from_the_last_byte(
    fault, customer, admin, publish, tmp_path, server
):
    content = make_bytes(2 * MIB)
    publish("1.0", content)
    server.faults.add(f"{fault},{STORE}")
    customer.download_to_file("tool", "1.0", tmp_path)
    assert (tmp_path / "tool.bin").read_bytes() == content
    assert downloads(admin) == 1


@pytest.mark.parametrize("fault", ["status:503", "status:429/0", "html:502", "empty:500"])
def test_a_store_that_is_busy_is_asked_again(fault, customer, publish, tmp_path, server):
    publish("1.0", b"bytes")
    server.faults.add(f"{fault},{STORE},times=2")
    assert customer.download_to_file("tool", "1.0", tmp_path).status == "downloaded"


def test_a_download_gives_up_after_as_many_retries_without_a_new_byte(server, publish, tmp_path):
    publish("1.0", make_bytes(MIB))
    server.faults.add(f"cut:100,{STORE},times=1")
    server.faults.add(f"refuse,{STORE},nth=2,times=0")
    client = CustomerClient(server.url, "test-customer-key-0003", retries=1, backoff=0.001)
    with client, pytest.raises(TransportError):
        client.download_to_file("tool", "1.0", tmp_path)
    assert sum(r.path.startswith("/store/") and r.method == "GET" for r in server.requests) == 1 + 1


def test_an_expired_url_is_replaced_once_and_counts_once_more(
    customer, admin, publish, tmp_path, server
):
    content = make_bytes(2 * MIB)
    publish("1.0", content)
    server.faults.add(f"cut:700000,{STORE}")
    server.faults.add(f"expire,nth=2,{STORE}")
    customer.download_to_file("tool", "1.0", tmp_path)
    assert (tmp_path / "tool.bin").read_bytes() == content
    assert downloads(admin) == 2


def test_a_url_that_is_always_expired_is_an_error(customer, publish, tmp_path, server):
    publish("1.0", b"bytes")
    server.faults.add(f"expire,times=0,{STORE}")
    with pytest.raises(PermissionDeniedError, match="expired"):
        customer.download_to_file("tool", "1.0", tmp_path)


def test_what_an_earlier_run_left_is_not_fetched_again(server, publish, tmp_path, customer):
    content = make_bytes(8 * MIB)
    publish("1.0", content)
    server.faults.add(f"cut:{5 * MIB},{STORE}")
    impatient = CustomerClient(server.url, "test-customer-key-0003", retries=0)
    with impatient, pytest.raises(TransportError):
        impatient.download_to_file("tool", "1.0", tmp_path)
    assert not (tmp_path / "tool.bin").exists()
    before = fetched(server)
    found = customer.download_to_file("tool", "1.0", tmp_path)
    assert found.status == "resumed"
    assert (tmp_path / "tool.bin").read_bytes() == content
    assert fetched(server) - before == len(content) - 5 * MIB


def half_a_download(server: SandboxServer, tmp_path: Path) -> None:
    """Leaves a part of `tool.bin` 1.0 behind."""
    server.faults.add(f"cut:{MIB + 5},{STORE}")
    impatient = CustomerClient(server.url, "test-customer-key-0003", retries=0)
    with impatient, pytest.raises(TransportError):
        impatient.download_to_file("tool", "1.0", tmp_path)
    assert (tmp_path / "tool.bin.part").exists()


def test_without_resume_it_starts_anew(server, publish, tmp_path, customer):
    publish("1.0", make_bytes(2 * MIB))
    half_a_download(server, tmp_path)
    assert customer.download_to_file("tool", "1.0", tmp_path, resume=False).status == "downloaded"


def test_a_part_of_other_content_is_thrown_away(server, publish, tmp_path, customer):
    publish("1.0", make_bytes(2 * MIB))
    other = make_bytes(2 * MIB, seed=2)
    publish("2.0", other)
    half_a_download(server, tmp_path)
    assert customer.download_to_file("tool", "2.0", tmp_path).status == "downloaded"
    assert (tmp_path / "tool.bin").read_bytes() == other


def test_a_part_that_was_altered_is_noticed_and_fetched_again(
    server, publish, tmp_path, customer, admin
):
    content = make_bytes(2 * MIB)
    publish("1.0", content)
    half_a_download(server, tmp_path)
    with (tmp_path / "tool.bin.part").open("r+b") as part:
        part.write(b"altered")
    before = downloads(admin)
    assert customer.download_to_file("tool", "1.0", tmp_path).status == "downloaded"
    assert (tmp_path / "tool.bin").read_bytes() == content
    assert downloads(admin) == before + 1


@pytest.mark.parametrize("fault", ["range-ignore", "range-lie", 'etag:"other"', "length:5"])
def test_a_store_that_answers_for_another_object_means_a_fresh_start(
    fault, server, publish, tmp_path, customer
):
    content = make_bytes(2 * MIB)
    publish("1.0", content)
    half_a_download(server, tmp_path)
    server.faults.add(f"{fault},{STORE}")
    customer.download_to_file("tool", "1.0", tmp_path)
    assert (tmp_path / "tool.bin").read_bytes() == content


def test_a_store_that_never_does_ranges_is_good_enough(server, publish, tmp_path, customer):
    content = make_bytes(70 * MIB)
    publish("1.0", content)
    server.faults.add(f"range-ignore,times=0,{STORE}")
    customer.download_to_file("tool", "1.0", tmp_path)
    assert (tmp_path / "tool.bin").read_bytes() == content
