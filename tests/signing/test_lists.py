"""Checksum lists and their signatures, without a server: what is accepted, and what is refused."""

from __future__ import annotations

import copy
import pickle
import shutil
import subprocess
from pathlib import Path

import pytest

from bindist import SignatureError
from bindist.signing import (
    SIGNATURE_FILE,
    SUMS_FILE,
    SigningKey,
    TrustedKey,
    checksum_list,
    read_checksum_list,
    verify_checksum_list,
)

SUMS = checksum_list({"tool.exe": "a" * 64, "manual.txt": "B" * 64})
needs_minisign = pytest.mark.skipif(not shutil.which("minisign"), reason="needs minisign")


def test_a_list_is_sorted_by_name_and_in_lower_case() -> None:
    assert SUMS.decode() == f"{'b' * 64}  manual.txt\n{'a' * 64}  tool.exe\n"
    assert read_checksum_list(SUMS) == {"tool.exe": "a" * 64, "manual.txt": "b" * 64}


@pytest.mark.parametrize(
    "line",
    [
        "# comment",
        f"{'a' * 63}  x",
        f"{'a' * 64} *x",
        f"{'A' * 64}  x",
        f"{'a' * 64}  ../x",
        f"{'a' * 64}  a/b",
        f"{'a' * 64}  x\r",
        f"{'a' * 64}  x\n{'a' * 64}  x",
        "",
    ],
)
def test_a_list_in_another_form_is_refused(line: str) -> None:
    with pytest.raises(SignatureError):
        read_checksum_list(f"{line}\n".encode())


@pytest.mark.parametrize("content", [b"", b"\xff\n", SUMS[:-1]])
def test_a_list_that_is_cut_or_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(SignatureError):
        read_checksum_list(content)


def test_a_signature_is_the_same_each_time_and_names_its_version(vendor: SigningKey) -> None:
    signature = vendor.sign(SUMS, "tool", "1.0")
    assert signature == vendor.sign(SUMS, "tool", "1.0")
    signed = verify_checksum_list(SUMS, signature, [vendor.trusted_key], "tool", "1.0")
    assert (signed.application_id, signed.version) == ("tool", "1.0")
    assert signed.checksums == read_checksum_list(SUMS)
    assert signed.key_id == vendor.trusted_key.key_id
    assert verify_checksum_list(SUMS, signature, [vendor.trusted_key], "tool") == signed


@pytest.mark.parametrize(
    ("application", "version"), [("tool", "1.1"), ("other", "1.0"), ("other", None)]
)
def test_a_signature_of_another_version_or_application_is_refused(
    vendor: SigningKey, application: str, version: str | None
) -> None:
    signature = vendor.sign(SUMS, "tool", "1.0")
    with pytest.raises(SignatureError, match=r"is for version 1\.0 of tool, not for"):
        verify_checksum_list(SUMS, signature, [vendor.trusted_key], application, version)


def test_a_signature_by_another_key_is_refused_and_names_both(
    vendor: SigningKey, stranger: SigningKey
) -> None:
    signature = stranger.sign(SUMS, "tool", "1.0")
    with pytest.raises(SignatureError, match=stranger.trusted_key.key_id) as refused:
        verify_checksum_list(SUMS, signature, [vendor.trusted_key], "tool", "1.0")
    assert vendor.trusted_key.key_id in str(refused.value)


def test_one_of_several_trusted_keys_is_enough(vendor: SigningKey, stranger: SigningKey) -> None:
    keys = [stranger.trusted_key, vendor.trusted_key]
    signature = vendor.sign(SUMS, "tool", "1.0")
    assert verify_checksum_list(SUMS, signature, keys, "tool").key_id == keys[1].key_id


@pytest.mark.parametrize("place", range(0, 300, 7))
def test_a_flipped_bit_of_the_list_or_of_its_signature_is_refused(
    vendor: SigningKey, place: int
) -> None:
    signature = vendor.sign(SUMS, "tool", "1.0")
    first = signature.index(b"\n") + 1  # the first line is an untrusted comment
    sums, changed = bytearray(SUMS), bytearray(signature)
    sums[place % len(sums)] ^= 0x20
    with pytest.raises(SignatureError):
        verify_checksum_list(bytes(sums), signature, [vendor.trusted_key], "tool")
    changed[first + place % (len(changed) - first - 1)] ^= 0x20
    with pytest.raises(SignatureError):
        verify_checksum_list(SUMS, bytes(changed), [vendor.trusted_key], "tool")


@pytest.mark.parametrize("password", [None, "a pass word"])
def test_a_key_file_can_be_read_again(password: str | None) -> None:
    key = SigningKey.generate()
    again = SigningKey.read(key.to_bytes(password), password)
    assert again.trusted_key == key.trusted_key
    assert again.sign(SUMS, "tool", "1.0") == key.sign(SUMS, "tool", "1.0")


def test_an_encrypted_key_needs_its_password() -> None:
    content = SigningKey.generate().to_bytes("right")
    for password in (None, "", "wrong"):
        with pytest.raises(ValueError, match="password"):
            SigningKey.read(content, password)


@pytest.mark.parametrize(
    "content", [b"", b"untrusted comment: x\nRWQ=\n", b"\xff\n\xff", b"x" * 99]
)
def test_what_is_no_key_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not a secret key"):
        SigningKey.read(content)
    with pytest.raises(ValueError, match="not a public key"):
        TrustedKey.read(content.decode("latin-1"))


def test_a_secret_key_is_in_no_repr_and_cannot_be_pickled(vendor: SigningKey) -> None:
    assert repr(vendor) == f"SigningKey({vendor.trusted_key.key_id})"
    for copying in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            copying(vendor)


@needs_minisign
@pytest.mark.parametrize("password", ["", "secret"])
def test_minisign_verifies_what_this_signs(tmp_path: Path, password: str) -> None:
    key = SigningKey.generate()
    (tmp_path / "ours.key").write_bytes(key.to_bytes(password))
    (tmp_path / SUMS_FILE).write_bytes(SUMS)
    (tmp_path / SIGNATURE_FILE).write_bytes(key.sign(SUMS, "tool", "1.0"))
    done = minisign(
        "-V", "-P", str(key.trusted_key), "-m", SUMS_FILE, "-x", SIGNATURE_FILE, folder=tmp_path
    )
    assert "Trusted comment: bindist application:tool version:1.0" in done
    minisign(  # it reads our key files, too
        "-S", "-s", "ours.key", "-m", SUMS_FILE, "-t", "t", folder=tmp_path, input=f"{password}\n"
    )


@needs_minisign
def test_this_verifies_what_minisign_signs(tmp_path: Path) -> None:
    minisign("-G", "-f", "-W", "-p", "its.pub", "-s", "its.key", folder=tmp_path)
    (tmp_path / SUMS_FILE).write_bytes(SUMS)
    comment = "bindist application:tool version:1.0"
    options = ("-m", SUMS_FILE, "-x", SIGNATURE_FILE, "-t", comment)
    minisign("-S", "-s", "its.key", *options, folder=tmp_path)
    key = TrustedKey.read((tmp_path / "its.pub").read_text())
    signature = (tmp_path / SIGNATURE_FILE).read_bytes()
    assert verify_checksum_list(SUMS, signature, [key], "tool", "1.0").version == "1.0"
    assert SigningKey.read(tmp_path / "its.key").trusted_key == key


ENCRYPTED_BY_MINISIGN = (
    "untrusted comment: minisign encrypted secret key\n"
    "RWRTY0Iymmgwr1Pl5iNJ9gIGM6rbeDBbtA/k7xMJP1Dqats4Ok8AAAACAAAAAAAAAEAAAAAAQVykjm4MH8eu+HofB5"
    "9Hj8FnHQ2Hij8HjcyRPtlI5ST2SQmUvQRNSO/8nbbCMRo5ezRsLZPj99b31tcNS5slq8ypKBd7JjiCfxu6iXxEN6as"
    "Y3YRfsaO4isEcqvi7Pt3BBFysF7IW+Q=\n"
)
ITS_PUBLIC_KEY = "RWQwjCPH1FmSKyRQw+QOnyDQxRwuKvGfn8kOYflw8GnMqswnnyv6tOlK"


@pytest.mark.slow
def test_a_key_that_minisign_encrypted_is_read_with_its_password() -> None:
    """Which takes 1 GiB of memory and some seconds, as `minisign` chooses."""
    key = SigningKey.read(ENCRYPTED_BY_MINISIGN.encode(), "secret")
    assert str(key.trusted_key) == ITS_PUBLIC_KEY


def minisign(*arguments: str, folder: Path, input: str = "") -> str:
    done = subprocess.run(
        ("minisign", *arguments), cwd=folder, input=input, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
