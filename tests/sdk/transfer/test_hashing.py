"""Checksums: how they are compared and computed."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindist.transfer.config import TransferConfig
from bindist.transfer.hashing import (
    StreamHash,
    checksums_match,
    is_sha256,
    normalize_checksum,
    sha256_bytes,
    sha256_file,
)

CONTENT = bytes(range(256)) * 5000  # more than one block
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "content.bin"
    found.write_bytes(CONTENT)
    return found


# Comparing


@pytest.mark.parametrize(
    "other",
    [SHA256, SHA256.upper(), f"sha256:{SHA256}", f"SHA256:{SHA256.upper()}", f" {SHA256}\n"],
)
def test_case_and_prefix_make_no_difference(other: str) -> None:
    assert checksums_match(SHA256, other) and checksums_match(other, SHA256)


@pytest.mark.parametrize("other", [None, "", "sha256:", 5, SHA256[:-1], SHA256[:-1] + "g"])
def test_an_invalid_sha256_matches_nothing(other: object) -> None:
    assert not checksums_match(other, SHA256)


def test_two_equal_texts_that_are_not_sha256_do_not_match() -> None:
    assert not checksums_match(
        "d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e"
    )


@given(st.binary(), st.binary())
def test_checksums_match_exactly_where_the_bytes_do(one: bytes, other: bytes) -> None:
    assert checksums_match(sha256_bytes(one), sha256_bytes(other)) == (one == other)


@given(st.binary(min_size=32, max_size=32), st.booleans(), st.sampled_from(["", "sha256:"]))
def test_normalizing_again_changes_nothing(digest: bytes, upper: bool, prefix: str) -> None:
    text = prefix + (digest.hex().upper() if upper else digest.hex())
    assert is_sha256(text)
    assert normalize_checksum(text) == normalize_checksum(digest.hex()) == digest.hex()


# Computing


def test_the_checksum_of_bytes() -> None:
    assert sha256_bytes(CONTENT) == SHA256


def test_the_checksum_of_a_file(path: Path) -> None:
    assert sha256_file(path) == SHA256


@given(st.lists(st.binary(max_size=50), max_size=30))
def test_a_stream_is_hashed_in_the_order_of_its_blocks(blocks: list[bytes]) -> None:
    digest = StreamHash()
    for block in blocks:
        digest.update(block)
    assert digest.finish() == hashlib.sha256(b"".join(blocks)).hexdigest()


def test_more_blocks_than_may_wait_are_hashed_all(path: Path) -> None:
    digest = StreamHash()
    with path.open("rb") as file:
        while block := file.read(len(CONTENT) // 40):
            digest.update(block)
    assert digest.finish() == SHA256
    assert digest.finish() == SHA256, "asked again, it says the same"


def test_the_md5_is_computed_on_request() -> None:
    digest = StreamHash(md5=True)
    digest.update(CONTENT)
    assert digest.finish() == SHA256
    assert digest.md5() == hashlib.md5(CONTENT).hexdigest()


def test_the_md5_is_computed_however_fast_the_blocks_come() -> None:
    digest, block = StreamHash(md5=True), bytes(TransferConfig.block_size)
    for _ in range(100):
        digest.update(block)
    assert digest.finish() == hashlib.sha256(block * 100).hexdigest()
    assert digest.md5() == hashlib.md5(block * 100).hexdigest()


def test_the_md5_is_not_computed_by_default() -> None:
    digest = StreamHash()
    digest.update(CONTENT)
    digest.finish()
    assert digest.md5() is None


def test_a_discarded_hash_leaves_no_thread() -> None:
    digest = StreamHash(md5=True)
    digest.update(CONTENT)
    digest.finish()
    assert not [thread for thread in threading.enumerate() if thread.name == "bindist-hash"]
