"""The part file and its journal: what a run that was killed leaves for the next one."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bindist import BusyError, IntegrityError
from bindist.transfer.part_file import PartFile

IDENTITY: dict[str, object] = {"checksum": "c" * 64, "fileSize": 100}


def begun(target: Path, *ranges: tuple[int, int], content: bytes = bytes(range(100))) -> Path:
    """Leaves a part of 100 bytes with these ranges done; returns its journal."""
    part = PartFile(target)
    with part.locked():
        part.start(IDENTITY, 100, [])
        for start, end in ranges:
            with part.open(write=True) as file:
                file.seek(start)
                file.write(content[start:end])
            part.record(start, end, '"etag"')
    return target.with_name(target.name + ".part.journal")


def test_the_journal_records_the_object_and_the_written_ranges(tmp_path):
    begun(tmp_path / "f", (0, 10), (50, 60), (10, 20))
    part = PartFile(tmp_path / "f")
    assert part.resumable_ranges(IDENTITY, 100) == [(0, 20), (50, 60)]
    assert part.etag == '"etag"'


def test_a_download_resumes_with_its_journal(tmp_path):
    begun(tmp_path / "f", (0, 10))
    part = PartFile(tmp_path / "f")
    with part.locked():
        part.start(IDENTITY, 100, part.resumable_ranges(IDENTITY, 100))
        part.record(10, 20, '"etag"')
    assert PartFile(tmp_path / "f").resumable_ranges(IDENTITY, 100) == [(0, 20)]


def test_a_journal_of_another_object_has_no_ranges(tmp_path):
    begun(tmp_path / "f", (0, 10))
    assert PartFile(tmp_path / "f").resumable_ranges({**IDENTITY, "checksum": "d" * 64}, 100) == []


def test_a_journal_without_its_part_file_has_no_ranges(tmp_path):
    begun(tmp_path / "f", (0, 10))
    (tmp_path / "f.part").unlink()
    assert PartFile(tmp_path / "f").resumable_ranges(IDENTITY, 100) == []


def test_ranges_beyond_the_part_file_are_not_done(tmp_path):
    begun(tmp_path / "f", (0, 10), (50, 60))
    os.truncate(tmp_path / "f.part", 20)
    assert PartFile(tmp_path / "f").resumable_ranges(IDENTITY, 100) == [(0, 10)]


@given(cut=st.integers(0, 200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_journal_truncated_anywhere_claims_only_written_ranges(cut, tmp_path):
    journal = begun(tmp_path / "f", (0, 10), (20, 30), (40, 50))
    header = len(b"\n".join(journal.read_bytes().split(b"\n", 2)[:2]))
    os.truncate(journal, min(header + cut, journal.stat().st_size))
    allowed = set(range(10)) | set(range(20, 30)) | set(range(40, 50))
    part = PartFile(tmp_path / "f")
    left = part.resumable_ranges(IDENTITY, 100)
    assert {byte for start, end in left for byte in range(start, end)} <= allowed
    with part.locked():
        part.start(IDENTITY, 100, left)
        part.record(60, 70, '"etag"')
    again = PartFile(tmp_path / "f").resumable_ranges(IDENTITY, 100)
    assert {byte for s, e in again for byte in range(s, e)} <= allowed | set(range(60, 70))
    assert (60, 70) in again


def test_a_journal_truncated_before_the_identity_of_the_part_does_not_claim_the_part(tmp_path):
    """No kill leaves one, but a power cut can."""
    journal = begun(tmp_path / "f", (0, 10))
    content, line = journal.read_bytes(), len(json.dumps(IDENTITY, separators=(",", ":")))
    for cut in range(line):
        journal.write_bytes(content[:cut])
        part = PartFile(tmp_path / "f")
        assert part.resumable_ranges(IDENTITY, 100) == []
        with part.locked(), pytest.raises(FileExistsError, match=r"f\.part is in the way"):
            part.start(IDENTITY, 100, [])
        assert (tmp_path / "f.part").stat().st_size == 100


@given(content=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_journal_with_any_content_is_read_without_an_error(content, tmp_path):
    (tmp_path / "f.part").write_bytes(b"x" * 100)
    (tmp_path / "f.part.journal").write_bytes(content)
    assert PartFile(tmp_path / "f").resumable_ranges(IDENTITY, 100) == []


def test_a_part_file_is_locked_by_one_process(tmp_path):
    with PartFile(tmp_path / "f").locked(), pytest.raises(BusyError):  # noqa: SIM117
        with PartFile(tmp_path / "f").locked():
            pass


def test_the_lock_file_is_removed(tmp_path):
    with PartFile(tmp_path / "f").locked():
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["f.part", "f.part.journal"])
@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system follows links always")
def test_a_symbolic_link_in_place_of_the_part_is_refused(name, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    begun(tmp_path / "f", (0, 10))
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to(victim)
    part = PartFile(tmp_path / "f")
    with part.locked(), pytest.raises(PermissionError, match="symbolic link"):
        part.start(IDENTITY, 100, part.resumable_ranges(IDENTITY, 100) or [(0, 10)])
    assert victim.read_bytes() == b"precious"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_anything_but_a_regular_file_in_place_of_the_part_is_refused(tmp_path):
    os.mkfifo(tmp_path / "f.part")
    part = PartFile(tmp_path / "f")
    with part.locked(), pytest.raises(PermissionError, match="not a file of yours; remove it"):
        part.start(IDENTITY, 100, [(0, 10)])


def test_a_name_as_long_as_the_file_system_allows_works(tmp_path):
    target = tmp_path / ("n" * 255)
    part = PartFile(target)
    with part.locked():
        part.start(IDENTITY, 3, [])
        with part.open(write=True) as file:
            file.write(b"abc")
        part.commit()
    assert target.read_bytes() == b"abc"


def test_a_users_own_file_of_that_name_is_kept(tmp_path):
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


@pytest.mark.parametrize("name", ["f.part", "f.part.journal", "f.part.lock"])
def test_a_file_of_one_of_our_names_with_other_content_is_kept(name, tmp_path):
    (tmp_path / name).write_bytes(b"precious")
    part = PartFile(tmp_path / "f")
    with pytest.raises(FileExistsError, match="in the way"), part.locked():
        part.start(IDENTITY, 100, part.resumable_ranges(IDENTITY, 100))
    assert (tmp_path / name).read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["f.part.journal", "f.part.lock"])
def test_an_empty_file_of_one_of_our_names_is_used_and_removed(name, tmp_path):
    (tmp_path / name).touch()
    part = PartFile(tmp_path / "f")
    with part.locked():
        part.start(IDENTITY, 100, [])
        part.discard()
    assert list(tmp_path.iterdir()) == []


FOREIGN = {
    "shorter": b"precious",
    "longer": b"precious" * 100,
    "of the same size": b"precious".ljust(100),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("ranges", [[], [(50, 60)], [(0, 10), (50, 60)]], ids=str)
@pytest.mark.parametrize("wanted", [IDENTITY, {**IDENTITY, "checksum": "d" * 64}])
def test_a_journal_without_its_part_makes_no_other_file_ours(content, ranges, wanted, tmp_path):
    begun(tmp_path / "f", *ranges)
    (tmp_path / "f.part").rename(tmp_path / "moved away")
    (tmp_path / "f.part").write_bytes(content)
    part = PartFile(tmp_path / "f")
    assert part.resumable_ranges(wanted, 100) == []
    with part.locked(), pytest.raises(FileExistsError, match="in the way"):
        part.start(wanted, 100, [])
    assert (tmp_path / "f.part").read_bytes() == content


LOADER = bytes(40) + bytes(range(60))


@pytest.mark.parametrize(
    ("content", "other", "moved"),
    [
        (bytes(100), bytes(300), True),
        (bytes(100), bytes(300), False),
        (bytes(100), bytes(100), True),
        (LOADER, bytes(40) + b"another".ljust(60), True),
        (LOADER, bytes(40) + b"another".ljust(60), False),
        (LOADER, LOADER * 3, True),
    ],
)
def test_a_part_that_begins_alike_is_kept(content, other, moved, tmp_path):
    """All ISO images begin with zeros, and disk images of one system alike. Unless the part is
    moved away, the other file has its inode."""
    begun(tmp_path / "f", (0, 10), (30, 60), content=content)
    path = tmp_path / "f.part"
    if moved:
        path.rename(tmp_path / "moved away")
    path.write_bytes(other)
    part = PartFile(tmp_path / "f")
    assert part.resumable_ranges(IDENTITY, 100) == []
    with part.locked(), pytest.raises(FileExistsError, match="in the way"):
        part.start(IDENTITY, 100, [])
    assert path.read_bytes() == other


def test_a_part_that_lost_writes_in_a_power_cut_is_still_ours(tmp_path):
    begun(tmp_path / "f", (0, 10))
    with (tmp_path / "f.part").open("r+b") as file:
        file.write(bytes(10))
    part = PartFile(tmp_path / "f")
    with part.locked():
        part.start({**IDENTITY, "checksum": "d" * 64}, 100, [])
        part.discard()
    assert [path.name for path in tmp_path.iterdir()] == []


def test_samples_are_few(tmp_path):
    journal = begun(tmp_path / "f", *((at, at + 1) for at in range(100)))
    assert journal.read_text().count('"sample":') == 7


def test_a_journal_alone_is_removed_by_the_next_download(tmp_path):
    begun(tmp_path / "f", (0, 10))
    (tmp_path / "f.part").unlink()
    part = PartFile(tmp_path / "f")
    with part.locked():
        part.start({**IDENTITY, "fileSize": 5}, 5, [])
        part.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_part_copied_with_its_journal_is_resumed(tmp_path):
    """A backup, another disk, a file system that numbers its files anew."""
    begun(tmp_path / "f", (0, 10), (50, 60))
    other = tmp_path / "other"
    other.mkdir()
    for name in ("f.part.journal", "f.part"):
        shutil.copyfile(tmp_path / name, other / name)
    assert PartFile(other / "f").resumable_ranges(IDENTITY, 100) == [(0, 10), (50, 60)]


def older_journal(folder, size):
    """What bindist 0.1.0 left, which noted nothing of the part."""
    lines = [json.dumps(IDENTITY, separators=(",", ":")), '{"etag":"\\"etag\\""}', "[0,10]", ""]
    (folder / "f.part.journal").write_text("\n".join(lines))
    (folder / "f.part").write_bytes(b"x" * size)


def test_an_older_journal_is_resumed_and_gets_the_identity_of_its_part(tmp_path):
    older_journal(tmp_path, 100)
    part = PartFile(tmp_path / "f")
    with part.locked():
        assert part.resumable_ranges(IDENTITY, 100) == [(0, 10)]
        part.start(IDENTITY, 100, [(0, 10)])
    assert PartFile(tmp_path / "f").resumable_ranges(IDENTITY, 100) == [(0, 10)]
    text = (tmp_path / "f.part.journal").read_text()
    assert '"part":' in text
    assert '"sample":' in text


def test_an_older_journal_does_not_claim_a_part_of_another_size(tmp_path):
    older_journal(tmp_path, 99)
    part = PartFile(tmp_path / "f")
    assert part.resumable_ranges(IDENTITY, 100) == []
    with part.locked(), pytest.raises(FileExistsError, match="in the way"):
        part.start(IDENTITY, 100, [])


def test_a_file_that_replaces_the_part_is_kept(tmp_path):
    part = PartFile(tmp_path / "f")
    with part.locked():
        part.start(IDENTITY, 100, [])
        (tmp_path / "f.part").rename(tmp_path / "moved away")
        (tmp_path / "f.part").write_bytes(b"precious")
        part.discard()
    assert (tmp_path / "f.part").read_bytes() == b"precious"


@pytest.mark.skipif(os.name == "nt", reason="Windows renames in one step")
def test_a_kill_during_the_rename_keeps_the_published_file(tmp_path):
    """Both names are of one file then; going on would write into the published one."""
    begun(tmp_path / "f", (0, 10))
    os.link(tmp_path / "f.part", tmp_path / "f")
    part = PartFile(tmp_path / "f")
    assert part.resumable_ranges(IDENTITY, 100) == []
    with part.locked():
        part.start(IDENTITY, 7, [])
        part.discard()
    assert (tmp_path / "f").stat().st_size == 100


def test_free_space_is_checked_after_useless_parts_are_removed(tmp_path):
    begun(tmp_path / "f", (0, 10))
    part = PartFile(tmp_path / "f")
    with part.locked(), pytest.raises(OSError, match="are needed in"):
        part.start({**IDENTITY, "checksum": "d" * 64}, 1 << 60, [])
    assert [path for path in tmp_path.iterdir() if path.name != "f.part.lock"] == []
