"""Downloads that are interrupted: retries, expired URLs, and resuming from a partial file."""

from __future__ import annotations

from pathlib import Path

import pytest

from bindist import (
    CustomerClient,
    PermissionDeniedError,
    TransportError,
)
from bindist.sandbox import SandboxServer
from tests.sdk.transfer.conftest import MIB, STORE, downloads, fetched, make_bytes


@pytest.mark.parametrize("fault", ["reset:700000", "cut:700000", "lost", "refuse"])
def test_after_a_lost_connection_the_download_resumes_at_the_last_byte(
    fault, customer, admin, publish, tmp_path, server
):
    content = make_bytes(2 * MIB)
    publish("1.0", content)
    server.faults.add(f"{fault},{STORE}")
    customer.download_to_file("tool", "1.0", tmp_path)
    assert (tmp_path / "tool.bin").read_bytes() == content
    assert downloads(admin) == 1


@pytest.mark.parametrize("fault", ["status:503", "status:429/0", "html:502", "empty:500"])
def test_a_busy_store_is_retried(fault, customer, publish, tmp_path, server):
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


def test_bytes_of_an_earlier_run_are_not_downloaded_again(server, publish, tmp_path, customer):
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


def test_without_resume_the_download_starts_at_the_first_byte(server, publish, tmp_path, customer):
    publish("1.0", make_bytes(2 * MIB))
    half_a_download(server, tmp_path)
    assert customer.download_to_file("tool", "1.0", tmp_path, resume=False).status == "downloaded"


def test_a_part_of_other_content_is_discarded(server, publish, tmp_path, customer):
    publish("1.0", make_bytes(2 * MIB))
    other = make_bytes(2 * MIB, seed=2)
    publish("2.0", other)
    half_a_download(server, tmp_path)
    assert customer.download_to_file("tool", "2.0", tmp_path).status == "downloaded"
    assert (tmp_path / "tool.bin").read_bytes() == other


def test_an_altered_part_is_detected_and_downloaded_again(
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
def test_another_object_in_the_store_restarts_the_download(
    fault, server, publish, tmp_path, customer
):
    content = make_bytes(2 * MIB)
    publish("1.0", content)
    half_a_download(server, tmp_path)
    server.faults.add(f"{fault},{STORE}")
    customer.download_to_file("tool", "1.0", tmp_path)
    assert (tmp_path / "tool.bin").read_bytes() == content


def test_a_store_without_ranges_is_accepted(server, publish, tmp_path, customer):
    content = make_bytes(70 * MIB)
    publish("1.0", content)
    server.faults.add(f"range-ignore,times=0,{STORE}")
    customer.download_to_file("tool", "1.0", tmp_path)
    assert (tmp_path / "tool.bin").read_bytes() == content
