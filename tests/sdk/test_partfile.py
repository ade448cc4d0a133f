"""The part file and its journal: what a run that was killed leaves for the next one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bindist import BusyError, IntegrityError
from bindist.partfile import PartFile

IDENTITY: dict[str, object] = {"checksum": "c" * 64, "fileSize": 100}


def begun(target: Path, *ranges: tuple[int, int]) -> Path:
    """Leaves a part of 100 bytes with these ranges done; returns its journal."""
    part = PartFile(target)
    with part.locked():
        part.start(IDENTITY, 100, [])
        for start, end in ranges:
            part.record(start, end, '"etag"')
    return target.with_name(target.name + ".part.journal")


def test_remembers_what_was_done_and_of_which_object(tmp_path):
    begun(tmp_path / "f", (0, 10), (50, 60), (10, 20))
    part = PartFile(tmp_path / "f")
    assert part.left(IDENTITY, 100) == [(0, 20), (50, 60)]
    assert part.etag == '"etag"'


def test_goes_on_with_the_same_journal(tmp_path):
    begun(tmp_path / "f", (0, 10))
    part = PartFile(tmp_path / "f")
    with part.locked():
        part.start(IDENTITY, 100, part.left(IDENTITY, 100))
        part.record(10, 20, '"etag"')
    assert PartFile(tmp_path / "f").left(IDENTITY, 100) == [(0, 20)]


def test_other_bytes_have_nothing_done(tmp_path):
    begun(tmp_path / "f", (0, 10))
    assert PartFile(tmp_path / "f").left({**IDENTITY, "checksum": "d" * 64}, 100) == []


def test_a_journal_without_its_part_file_says_nothing(tmp_path):
    begun(tmp_path / "f", (0, 10))
    (tmp_path / "f.part").unlink()
    assert PartFile(tmp_path / "f").left(IDENTITY, 100) == []


def test_ranges_beyond_the_part_file_are_not_done(tmp_path):
    begun(tmp_path / "f", (0, 10), (50, 60))
    os.truncate(tmp_path / "f.part", 20)
    assert PartFile(tmp_path / "f").left(IDENTITY, 100) == [(0, 10)]


@given(cut=st.integers(0, 200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_journal_that_ends_anywhere_never_claims_what_was_not_written(cut, tmp_path):
    journal = begun(tmp_path / "f", (0, 10), (20, 30), (40, 50))
    os.truncate(journal, min(cut, journal.stat().st_size))
    allowed = set(range(10)) | set(range(20, 30)) | set(range(40, 50))
    part = PartFile(tmp_path / "f")
    left = part.left(IDENTITY, 100)
    assert {byte for start, end in left for byte in range(start, end)} <= allowed
    with part.locked():
        part.start(IDENTITY, 100, left)
        part.record(60, 70, '"etag"')
    again = PartFile(tmp_path / "f").left(IDENTITY, 100)
    assert {byte for s, e in again for byte in range(s, e)} <= allowed | set(range(60, 70))
    assert (60, 70) in again


@given(content=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_journal_of_anything_at_all_is_read_without_an_error(content, tmp_path):
    (tmp_path / "f.part").write_bytes(b"x" * 100)
    (tmp_path / "f.part.journal").write_bytes(content)
    assert PartFile(tmp_path / "f").left(IDENTITY, 100) == []


def test_only_one_holds_the_place(tmp_path):
    with PartFile(tmp_path / "f").locked(), pytest.raises(BusyError):  # noqa: SIM117
        with PartFile(tmp_path / "f").locked():
            pass


def test_the_lock_leaves_no_file(tmp_path):
    with PartFile(tmp_path / "f").locked():
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["f.part", "f.part.journal"])
@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system follows links always")
def test_a_symbolic_link_in_the_place_is_refused(name, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    begun(tmp_path / "f", (0, 10))
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to(victim)
    part = PartFile(tmp_path / "f")
    with part.locked(), pytest.raises(PermissionError, match="symbolic link"):
        part.start(IDENTITY, 100, part.left(IDENTITY, 100) or [(0, 10)])
    assert victim.read_bytes() == b"precious"


def test_a_name_as_long_as_the_file_system_allows_works(tmp_path):
    target = tmp_path / ("n" * 255)
    part = PartFile(target)
    with part.locked():
        part.start(IDENTITY, 3, [])
        with part.open(write=True) as file:
            file.write(b"abc")
        part.commit()
    assert target.read_bytes() == b"abc"


def test_somebodys_own_file_of_that_name_is_not_thrown_away(tmp_path):
    (tmp_path / "f.part").write_bytes(b"precious")
    part = PartFile(tmp_path / "f")
    with part.locked(), pytest.raises(FileExistsError, match="in the way"):
        part.start(IDENTITY, 100, [])
    assert (tmp_path / "f.part").read_bytes() == b"precious"


@pytest.mark.parametrize("instead", [None, b"y" * 100], ids=["removed", "replaced"])
def test_only_the_file_that_was_written_gets_the_final_name(instead, tmp_path):
    part = PartFile(tmp_path / "f")
    with part.locked():
        part.start(IDENTITY, 100, [])
        other = tmp_path / "other"
        if instead is None:
            part.path.unlink()
        else:
            other.write_bytes(instead)
            other.replace(part.path)
        with pytest.raises(IntegrityError, match=r"f\.part was"):
            part.commit()
    assert not (tmp_path / "f").exists()


def test_room_is_looked_for_once_what_is_of_no_use_is_gone(tmp_path):
    begun(tmp_path / "f", (0, 10))
    part = PartFile(tmp_path / "f")
    with part.locked(), pytest.raises(OSError, match="are needed in"):
        part.start({**IDENTITY, "checksum": "d" * 64}, 1 << 60, [])
    assert [path for path in tmp_path.iterdir() if path.name != "f.part.lock"] == []
