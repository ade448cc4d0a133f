"""Journals that lie: what they claim is checked, and the bytes are right in the end."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.surroundings.conftest import CONTENT

SIZE = len(CONTENT)
HALF = SIZE // 2
IDENTITY = {"checksum": hashlib.sha256(CONTENT).hexdigest(), "fileSize": SIZE}

CLAIMS = {
    "everything": [[0, SIZE]],
    "the first half": [[0, HALF]],
    "the second half": [[HALF, SIZE]],
    "all but a byte": [[0, 77], [78, SIZE]],
    "more than there is": [[0, SIZE * 10**9]],
    "the same again and again": [[0, HALF]] * 1000,
    "of another object": [{"etag": '"another"'}, [0, HALF]],
    "of an object that no header can name": [{"etag": '"a\r\nX-Evil: 1"'}, [0, HALF]],
    "of an object in other letters": [{"etag": "漢字"}, [0, HALF]],
    "of no object": [{"etag": " "}, [0, HALF]],
    "what is no range": [[HALF, 0], [-5, 5], [0, 1e300], [True, 5], [0], "0-5", None, [[0, 5]]],
}


@pytest.fixture
def left(inside):
    """Leaves a part of zeros, and a journal that is right in all but what it claims."""

    def leave(claims, part=b"\0" * SIZE):
        (inside / "tool.bin.part").write_bytes(part)
        lines = [IDENTITY, *claims]
        (inside / "tool.bin.part.journal").write_text("\n".join(map(json.dumps, lines)) + "\n")
        return inside

    return leave


@pytest.mark.parametrize("claims", CLAIMS.values(), ids=CLAIMS)
def test_bytes_that_were_never_written_are_detected_and_fetched(
    customer, published, left, at_server, record_property, claims
):
    folder = left(claims)
    customer.download_to_file("tool", "1.0", folder / "tool.bin")
    assert (folder / "tool.bin").read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == ["tool.bin"]
    asked = [request for request in at_server.requests if request.path == "/v1/downloads/url"]
    assert len(asked) <= 2
    record_property("hostile", 1)
    record_property("bytes", SIZE)


@pytest.mark.counts("hostile")
def test_an_empty_part_is_filled(customer, published, left):
    folder = left([[0, HALF]], b"")
    customer.download_to_file("tool", "1.0", folder / "tool.bin")
    assert (folder / "tool.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("length", [10, HALF, SIZE * 2])
@pytest.mark.counts("hostile")
def test_a_part_of_another_length_than_its_journal_says_is_not_ours(
    customer, published, left, length
):
    part = CONTENT[:length].ljust(length, b"\0")
    folder = left([[0, HALF]], part)
    with pytest.raises(FileExistsError, match="is in the way"):
        customer.download_to_file("tool", "1.0", folder / "tool.bin")
    assert (folder / "tool.bin.part").read_bytes() == part


@pytest.mark.counts("hostile")
def test_a_journal_of_another_version_is_ignored(customer, published, left):
    folder = left([])
    wrong = {**IDENTITY, "checksum": "0" * 64}
    (folder / "tool.bin.part.journal").write_text(f"{json.dumps(wrong)}\n[0,{SIZE}]\n")
    assert customer.download_to_file("tool", "1.0", folder / "tool.bin").status == "downloaded"
    assert (folder / "tool.bin").read_bytes() == CONTENT


def test_a_correct_journal_is_used(customer, published, left, at_server):
    """That the lies above are found out is no accident of journals never being read."""
    folder = left([[0, HALF]], CONTENT[:HALF].ljust(SIZE, b"\0"))
    assert customer.download_to_file("tool", "1.0", folder / "tool.bin").status == "resumed"
    assert at_server.requests[-1].bytes_out == SIZE - HALF
    assert (folder / "tool.bin").read_bytes() == CONTENT
