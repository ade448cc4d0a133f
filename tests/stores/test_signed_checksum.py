"""Stores that compare an upload with the checksum that servers sign into its URL: that of no bytes
at all (AWS SDK for JavaScript from 3.729 on)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, ApiError, TransferConfig
from bindist.sandbox import SandboxServer

CODES = ["BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"]
REMEDY = "AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED"
CONTENT = b"the program"

Invoke = Callable[..., Any]


@pytest.fixture
def strict(at_server: SandboxServer, application: str) -> SandboxServer:
    at_server.faults.add("strict-crc")
    return at_server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "acme.txt"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize("code", CODES)
def test_a_single_file_that_fits_goes_inline_with_a_note(
    at_server: SandboxServer, application: str, invoke: Invoke, path: Path, code: str
) -> None:
    at_server.faults.add(f"strict-crc:{code}")
    result = invoke("versions", "upload", application, "1.0", str(path), "--enable", "--json")
    assert result.exit_code == 0, result.stderr
    assert f"into its URL ({code}: The checksum you specified" in result.stderr
    assert "acme.txt goes to the server in one request instead" in result.stderr
    shown = json.loads(result.stdout)
    (row,) = shown["files"]
    assert (shown["isEnabled"], row["fileType"]) == (True, "DOCUMENTATION"), "as without it"
    assert row["checksum"] == hashlib.sha256(CONTENT).hexdigest()
    again = invoke("versions", "upload", application, "1.0", str(path), "--json")
    assert json.loads(again.stdout)["status"] == "unchanged"


def test_several_files_are_a_clear_error(
    strict: SandboxServer, application: str, invoke: Invoke, path: Path
) -> None:
    other = path.with_name("acme.bin")
    other.write_bytes(CONTENT)
    result = invoke("versions", "upload", application, "1.0", str(path), str(other))
    assert result.exit_code == 1
    assert "the server has signed the checksum of other bytes into its URL" in result.stderr
    assert REMEDY in result.stderr
    assert "damaged" not in result.stderr
    assert sum(each.method == "PUT" for each in strict.requests) <= 2, "not tried again"


def test_a_file_that_does_not_fit_is_a_clear_error(
    strict: SandboxServer, admin: AdminClient, application: str, path: Path
) -> None:
    config = TransferConfig(inline_limit=len(CONTENT) - 1)
    with (
        AdminClient(strict.url, admin._transport.api_key, transfer_config=config) as client,
        pytest.raises(ApiError, match="checksum of other bytes") as caught,
    ):
        client.publish(application, "1.0", path)
    assert caught.value.code == "SIGNED_CHECKSUM"
    assert "WHEN_REQUIRED" not in str(caught.value)


def test_an_upload_of_one_file_goes_inline_as_well(
    strict: SandboxServer, admin: AdminClient, application: str, path: Path
) -> None:
    made = admin.upload_file(application, "1.0", path).unwrap()
    assert made["checksum"] == hashlib.sha256(CONTENT).hexdigest()
    content, _ = admin.download_file(application, "1.0", test_channel=True)
    assert content == CONTENT


def test_content_in_memory_fails_with_the_reason(
    strict: SandboxServer, admin: AdminClient, application: str
) -> None:
    answer = admin.upload_large_file(application, "1.0", "a.bin", CONTENT)
    assert answer.error is not None
    assert answer.error["code"] == "SIGNED_CHECKSUM"


def test_an_empty_body_has_the_checksum_in_the_url(
    strict: SandboxServer, admin: AdminClient, application: str
) -> None:
    url = admin.get_large_upload_url(application, "1.0", "a.bin", 3).unwrap()["uploadUrl"]
    with admin._transport.open_store("PUT", url, body=b"") as response:
        assert response.status_code == 200


# doctor


def uploads(result: Any) -> dict[str, Any]:
    (row,) = [row for row in json.loads(result.stdout) if row["check"] == "uploads"]
    return row


def test_doctor_tells_that_the_store_refuses_uploads(strict: SandboxServer, invoke: Invoke) -> None:
    result = invoke("doctor", "--upload", "--json")
    assert result.exit_code == 1
    row = uploads(result)
    assert row["status"] == "problem"
    assert "signed the checksum of other bytes into its URL (BadDigest" in row["details"]
    assert REMEDY in row["hint"]


def test_doctor_tells_that_the_store_takes_uploads_and_makes_no_version(
    at_server: SandboxServer, admin: AdminClient, application: str, invoke: Invoke
) -> None:
    result = invoke("doctor", "--upload", "--json")
    assert result.exit_code == 0
    host = at_server.url.partition("://")[2]
    assert uploads(result)["details"] == f"the object store at {host} takes them"
    assert admin.list_versions(application, test_channel=True).rows("versions") == []


def test_doctor_sends_nothing_to_the_store_unless_it_is_asked_to(
    strict: SandboxServer, invoke: Invoke
) -> None:
    row = uploads(invoke("doctor", "--json"))
    assert row["details"] == "not checked: --upload sends one byte to the object store"
    assert not any(each.path.startswith("/store/") for each in strict.requests)


@pytest.mark.parametrize(
    ("key", "why"),
    [("test-customer-key-0003", "this is no administrator's key"), ("no", "the key does not work")],
)
def test_doctor_says_why_uploads_are_not_checked(
    strict: SandboxServer, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, key: str, why: str
) -> None:
    monkeypatch.setenv("BINDIST_API_KEY", key)
    assert uploads(invoke("doctor", "--upload", "--json"))["details"] == f"not checked: {why}"


def test_doctor_needs_an_application_to_check_uploads(
    at_server: SandboxServer, invoke: Invoke
) -> None:
    row = uploads(invoke("doctor", "--upload", "--json"))
    assert row["details"] == "not checked: there is no application"
