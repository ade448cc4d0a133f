"""Signed versions: published, downloaded with a trusted key, and served by a dishonest server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bindist import (
    AdminClient,
    CustomerClient,
    DifferentContentError,
    IntegrityError,
    Release,
    SignatureError,
)
from bindist.sandbox import SandboxServer
from bindist.signing import SIGNATURE_FILE, SUMS_FILE, SigningKey, checksum_list
from tests.signing.conftest import FILES, Serve, signature_files

NAMES = sorted([*FILES, SUMS_FILE, SIGNATURE_FILE])


def test_a_signed_release_has_two_more_files_both_documentation(
    release: Release, admin: AdminClient
) -> None:
    assert (release.status, release.is_enabled) == ("created", True)
    rows = admin.list_version_files("tool", "1.0").rows("files")
    assert sorted(row["fileName"] for row in rows) == NAMES
    types = {row["fileName"]: row["fileType"] for row in rows}
    assert types[SUMS_FILE] == types[SIGNATURE_FILE] == "DOCUMENTATION"
    assert types["tool.exe"] == "MAIN"


def test_the_same_key_and_files_are_unchanged_another_key_is_different(
    release: Release,
    admin: AdminClient,
    files: list[Path],
    vendor: SigningKey,
    stranger: SigningKey,
) -> None:
    again = admin.publish("tool", "1.0", files, signer=vendor, enable=True)
    assert again.status == "unchanged"
    with pytest.raises(DifferentContentError) as different:
        admin.publish("tool", "1.0", files, signer=stranger)
    assert [name for name, _, _ in different.value.differences] == [SIGNATURE_FILE]
    with pytest.raises(DifferentContentError):
        admin.publish("tool", "1.0", files)


def test_a_preview_shows_the_two_files(
    admin: AdminClient, application: str, files: list[Path], vendor: SigningKey
) -> None:
    found = admin.preview_publish(application, "1.0", files, signer=vendor, enable=True)
    assert sorted(row["fileName"] for row in found.files) == NAMES
    assert (found.status, found.enable) == ("created", True)


@pytest.mark.parametrize("name", [SUMS_FILE, SIGNATURE_FILE, "sha256sums.TXT"])
def test_a_file_of_ones_own_with_such_a_name_is_refused(
    admin: AdminClient, application: str, tmp_path: Path, vendor: SigningKey, name: str
) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match="makes its own"):
        admin.publish(application, "1.0", tmp_path / name, signer=vendor)


def test_a_type_that_only_a_version_of_one_file_can_have_is_refused(
    admin: AdminClient, application: str, files: list[Path], vendor: SigningKey
) -> None:
    with pytest.raises(ValueError, match="cannot have the type"):
        admin.publish(application, "1.0", files[0], file_type="MAIN", signer=vendor)


def test_a_trusted_version_is_downloaded_and_its_signature_fetched_once(
    release: Release,
    customer: CustomerClient,
    server: SandboxServer,
    vendor: SigningKey,
    tmp_path: Path,
) -> None:
    options: dict[str, Any] = {
        "trusted_keys": [str(vendor.trusted_key)],
        "signature_cache": tmp_path / "cache",
    }
    done = customer.download_version("tool", "1.0", tmp_path / "one", **options)
    assert sorted(each.file_name for each in done) == NAMES
    server.requests.clear()
    target = tmp_path / "tool.exe"
    customer.download_to_file("tool", "1.0", target, **options)
    assert target.read_bytes() == FILES["tool.exe"]
    asked = [each.path for each in server.requests]
    assert asked.count("/v1/downloads/url") == 1, "the signature comes from the cache"


def test_what_a_cache_holds_is_verified_like_what_a_server_sends(
    release: Release, customer: CustomerClient, vendor: SigningKey, tmp_path: Path
) -> None:
    options = {"trusted_keys": [vendor.trusted_key], "cache": tmp_path / "cache"}
    signed = customer.signed_checksums("tool", "1.0", **options)  # type: ignore[arg-type]
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(b"changed")
    assert customer.signed_checksums("tool", "1.0", **options) == signed  # type: ignore[arg-type]


def changed_consistently(own: dict[str, bytes], _: SigningKey) -> Mapping[str, bytes]:
    return {**FILES, **own, "tool.exe": b"evil"}


def with_a_list_of_its_own(own: dict[str, bytes], _: SigningKey) -> Mapping[str, bytes]:
    from hashlib import sha256

    files = {**FILES, "tool.exe": b"evil"}
    sums = checksum_list({name: sha256(each).hexdigest() for name, each in files.items()})
    return {**files, SUMS_FILE: sums, SIGNATURE_FILE: own[SIGNATURE_FILE]}


def signed_by_a_stranger(own: dict[str, bytes], stranger: SigningKey) -> Mapping[str, bytes]:
    return {**FILES, **own, SIGNATURE_FILE: stranger.sign(own[SUMS_FILE], "tool", "2.0")}


def without_a_signature(own: dict[str, bytes], _: SigningKey) -> Mapping[str, bytes]:
    return {**FILES, SUMS_FILE: own[SUMS_FILE]}


def without_anything(_: dict[str, bytes], __: SigningKey) -> Mapping[str, bytes]:
    return FILES


def with_another_file(own: dict[str, bytes], _: SigningKey) -> Mapping[str, bytes]:
    return {**FILES, **own, "extra.dll": b"evil"}


def without_a_signed_file(own: dict[str, bytes], _: SigningKey) -> Mapping[str, bytes]:
    return {name: each for name, each in {**FILES, **own}.items() if name != "tool.dll"}


LIES = {
    changed_consistently: "another checksum",
    with_a_list_of_its_own: "not of this content",
    signed_by_a_stranger: "trusted keys",
    without_a_signature: "not signed",
    without_anything: "not signed",
    with_another_file: "was not signed",
    without_a_signed_file: "lacks the signed file",
}


@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_what_the_vendor_did_not_sign_is_refused_and_nothing_is_written(
    admin: AdminClient,
    customer: CustomerClient,
    server: SandboxServer,
    serve: Serve,
    files: list[Path],
    vendor: SigningKey,
    stranger: SigningKey,
    tmp_path: Path,
    lie: Any,
    resumed: bool,
) -> None:
    sums = checksum_list({path.name: _sha256(path) for path in files})
    own = {SUMS_FILE: sums, SIGNATURE_FILE: vendor.sign(sums, "tool", "2.0")}
    serve("2.0", lie(own, stranger))
    target = tmp_path / "got" / "tool.exe"
    target.parent.mkdir()
    part = target.with_name("tool.exe.part")
    if resumed:
        part.write_bytes(b"ev")
    server.requests.clear()
    trusted = {"trusted_keys": [vendor.trusted_key]}
    with pytest.raises(SignatureError, match=LIES[lie]):
        customer.download_to_file("tool", "2.0", target, **trusted)  # type: ignore[arg-type]
    with pytest.raises(SignatureError, match=LIES[lie]):
        customer.download_version("tool", "2.0", target.parent, **trusted)  # type: ignore[arg-type]
    assert list(target.parent.iterdir()) == ([part] if resumed else [])
    fetched = [each for each in server.requests if each.path.startswith("/store/")]
    assert all(SUMS_FILE in each.path or SIGNATURE_FILE in each.path for each in fetched)


@pytest.mark.parametrize("older", ["1.0"])
def test_the_signature_of_another_version_is_refused(
    release: Release,
    admin: AdminClient,
    customer: CustomerClient,
    serve: Serve,
    vendor: SigningKey,
    tmp_path: Path,
    older: str,
) -> None:
    serve("2.0", {**FILES, **signature_files(admin, older)})
    with pytest.raises(SignatureError, match=r"is for version 1\.0 of tool"):
        customer.download_version(
            "tool", "2.0", tmp_path / "got", trusted_keys=[vendor.trusted_key]
        )
    assert not (tmp_path / "got").exists()


def test_one_name_with_two_checksums_is_refused(
    release: Release, admin: AdminClient, customer: CustomerClient, vendor: SigningKey,
    tmp_path: Path,
) -> None:  # fmt: skip
    evil = b"evil"
    admin.update_version("tool", "1.0", is_enabled=False).raise_for_error()
    admin.create_application("spare", "Spare").raise_for_error()
    presigned = admin.get_large_upload_url("spare", "1.0", "tool.exe", len(evil)).require()
    admin.complete_large_upload(
        presigned["uploadId"], "tool", "1.0", "tool.exe", len(evil), "0" * 64
    ).raise_for_error()
    admin.update_version("tool", "1.0", is_enabled=True).raise_for_error()
    with pytest.raises(IntegrityError, match="two files called"):
        customer.download_to_file(
            "tool", "1.0", tmp_path / "tool.exe", trusted_keys=[vendor.trusted_key]
        )
    assert not (tmp_path / "tool.exe").exists()


def _sha256(path: Path) -> str:
    from hashlib import sha256

    return sha256(path.read_bytes()).hexdigest()
