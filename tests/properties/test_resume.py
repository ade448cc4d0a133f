"""What an interrupted download has left, whatever happened to the journal of it."""

from __future__ import annotations

import hashlib
import itertools
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bindist.transfer.part_file import PartFile
from bindist.transfer.ranges import merge, missing, total
from tests.surroundings.conftest import inside, published

__all__ = ["inside", "published"]

SIZE = 10_000
IDENTITY: dict[str, object] = {"checksum": "c" * 64, "fileSize": SIZE}
POINTS = st.integers(0, SIZE)
NOTES = st.lists(st.tuples(POINTS, POINTS).map(sorted).filter(lambda n: n[0] < n[1]), max_size=12)
ETAGS = st.sampled_from(['"one"', '"two"', None])


def members(ranges) -> set[int]:
    return {number for start, end in ranges for number in range(start, end)}


@pytest.fixture
def place():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "f"


def begun(target, notes):
    part = PartFile(target)
    part.discard()
    part.start(IDENTITY, SIZE, [])
    for (start, end), etag in notes:
        part.record(start, end, etag)
    part.close()
    return target.with_name("f.part.journal")


def header_length(journal: Path) -> int:
    """How long the two lines are that one write makes."""
    return len(b"\n".join(journal.read_bytes().split(b"\n", 2)[:2]))


examples = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(notes=st.lists(st.tuples(NOTES.filter(len).map(lambda found: found[0]), ETAGS), max_size=12))
@examples
def test_recorded_ranges_are_resumable_in_any_order(place, notes):
    begun(place, notes)
    left = PartFile(place).resumable_ranges(IDENTITY, SIZE)
    assert left == merge(tuple(note) for note, _ in notes)


@given(data=st.data(), notes=NOTES.filter(len))
@examples
def test_interleaved_pieces_leave_no_gap(place, data, notes):
    done = merge(map(tuple, notes))
    cuts = sorted({0, SIZE, *data.draw(st.lists(POINTS, max_size=6))})
    halves = [
        (max(start, low), min(end, high))
        for start, end in missing(done, SIZE)
        for low, high in itertools.pairwise(cuts)
    ]
    order = data.draw(st.permutations([each for each in halves if each[0] < each[1]]))
    begun(place, [(note, '"one"') for note in [*done, *order]])
    left = PartFile(place).resumable_ranges(IDENTITY, SIZE)
    assert (left, total(left)) == ([(0, SIZE)], SIZE)


@given(data=st.data(), notes=NOTES)
@examples
def test_a_truncated_journal_claims_only_recorded_ranges(place, data, notes):
    journal = begun(place, [(note, '"one"') for note in notes])
    header, size = header_length(journal), journal.stat().st_size
    # The length depends on the inode, and what is drawn may not.
    os.truncate(journal, header + data.draw(st.integers(0, 10_000)) % (size - header + 1))
    left = PartFile(place).resumable_ranges(IDENTITY, SIZE)
    assert members(left) <= members(notes)
    part = PartFile(place)
    part.start(IDENTITY, SIZE, left)
    part.record(17, 4711, '"one"')
    part.close()
    again = members(PartFile(place).resumable_ranges(IDENTITY, SIZE))
    assert members([(17, 4711)]) <= again <= members([*left, (17, 4711)])


@given(data=st.data(), notes=NOTES.filter(len))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_journal_altered_at_any_byte_ends_with_the_right_bytes(
    customer, published, inside, data, notes
):
    """A digit can become another one: the checksum finds it out, and it is begun anew. Only where
    the journal no longer tells whose the part is, the part is left alone and nothing is done."""
    size = len(published)
    part = PartFile(inside / "tool.bin")
    part.discard()
    checksum = hashlib.sha256(published).hexdigest()
    part.start({"checksum": checksum, "fileSize": size}, size, [])
    with part.open(write=True) as file:
        for start, end in notes:
            os.pwrite(file.fileno(), published[start:end], start)
            part.record(start, end, None)
    part.close()
    journal = bytearray((inside / "tool.bin.part.journal").read_bytes())
    header = header_length(inside / "tool.bin.part.journal")
    at = data.draw(st.integers(0, 10_000)) % len(journal)
    journal[at] = data.draw(st.sampled_from(b'0123456789,[]{}"\n\0\xff'))
    (inside / "tool.bin.part.journal").write_bytes(journal)
    (inside / "tool.bin").unlink(missing_ok=True)
    left = part.path.read_bytes()
    try:
        customer.download_to_file("tool", "1.0", inside / "tool.bin")
        assert (inside / "tool.bin").read_bytes() == published
    except FileExistsError:
        assert at <= header
        assert part.path.read_bytes() == left
        part.path.unlink()
        (inside / "tool.bin.part.journal").unlink()
