"""The files of a release: checked without a request, and compared with what the server has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bindist.file_names import derived_file_type
from bindist.release.files import Checksums, ReleaseFile, compare, completion_order, local_files
from bindist.transfer.config import TransferConfig

FILES = [
    ReleaseFile(Path("a.exe"), "a.exe", 1, "MAIN"),
    ReleaseFile(Path("b.dll"), "b.dll", 2, "DEPENDENCY"),
]


def checksum(file: ReleaseFile) -> str:
    return file.name[0] * 64


def row(name: str, content: str, file_id: str = "id") -> dict[str, str]:
    return {"fileName": name, "checksum": content * 64, "fileId": file_id}


@pytest.mark.parametrize(
    ("rows", "missing", "different"),
    [
        ([], "a.exe b.dll", []),
        ([row("a.exe", "a"), row("b.dll", "b")], "", []),
        ([row("a.exe", "a"), row("a.exe", "a", "again"), row("b.dll", "b")], "", []),
        ([row("a.exe", "a"), row("b.dll", "0")], "", [("b.dll", "0" * 64, "b" * 64)]),
        ([row("a.exe", "a"), row("c.txt", "c")], "b.dll", [("c.txt", "c" * 64, None)]),
        (
            [row("a.exe", "a"), row("b.dll", "b"), row("b.dll", "0", "again")],
            "",
            [("b.dll", "0" * 64, "b" * 64)],
        ),
    ],
    ids=["none", "all", "one twice", "other content", "another file", "one name, two checksums"],
)
def test_local_files_are_compared_with_rows(rows, missing, different):
    lacking, found = compare(FILES, rows, checksum)
    assert (" ".join(file.name for file in lacking), found) == (missing, different)


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        ("a.exe b.dll", "b.dll a.exe"),
        ("c.txt b.exe a.exe d.dll", "c.txt d.dll a.exe b.exe"),
        ("c.txt a.md b.md", "a.md b.md c.txt"),
        ("a.exe", "a.exe"),
    ],
)
def test_main_files_are_completed_last_and_the_one_named_first_last_of_all(given, ordered):
    files = [ReleaseFile(Path(name), name, 1, derived_file_type(name)) for name in given.split()]
    assert " ".join(file.name for file in completion_order(files)) == ordered


def test_a_cached_checksum_reads_a_file_once():
    asked: list[str] = []

    def count(file: ReleaseFile) -> str:
        asked.append(file.name)
        return checksum(file)

    look_up = Checksums(count)
    assert [look_up(FILES[0]), look_up(FILES[0])] == ["a" * 64] * 2
    assert asked == ["a.exe"]


def test_the_checksum_of_what_was_sent_is_not_computed_again():
    look_up = Checksums(checksum)
    look_up.note_sent(FILES[0], "c" * 64)
    assert look_up(FILES[0]) == "c" * 64


@pytest.mark.parametrize(("over", "allowed"), [(0, True), (1, False)])
def test_only_an_inline_file_may_override_the_type_of_its_extension(
    over: int, allowed: bool, tmp_path: Path
):
    path = tmp_path / "notes.txt"
    path.touch()
    os.truncate(path, TransferConfig.inline_limit + over)
    if allowed:
        (file,) = local_files([path], file_type="MAIN")
        assert (file.file_type, file.needs_inline) == ("MAIN", True)
    else:
        with pytest.raises(ValueError, match=r"notes\.txt will be DOCUMENTATION"):
            local_files([path], file_type="MAIN")


@pytest.mark.parametrize(
    ("names", "problem"),
    [((), "at least one"), (("a.bin", "A.bin"), "same name"), (("a:b",), "is not allowed")],
)
def test_invalid_sets_of_local_files_are_refused(names, problem, tmp_path):
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=problem):
        local_files([tmp_path / name for name in names])


def test_an_empty_local_file_is_refused(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="empty"):
        local_files([tmp_path / "empty"])
