"""The journal of a release: what it keeps, what it drops, and that it is for one process alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bindist import BusyError
from bindist.release.journal import (
    STALE_SECONDS,
    Creation,
    Journal,
    ReleaseId,
    UploadedFile,
)

UPLOADED = UploadedFile("u-1", 7, "a" * 64)
OF = ("http://127.0.0.1:1", "tool", "1.0")


def opened(folder: Path, *of: str) -> Any:
    return Journal.opened(folder, release(*(of or OF)))


def release(api_url: str, application_id: str, version: str, key: str = "key") -> ReleaseId:
    return ReleaseId.of(api_url, key, application_id, version)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The journal of a release that was interrupted."""
    with opened(tmp_path) as journal:
        journal.record_file("tool.exe", UPLOADED)
        journal.start_write()
    (path,) = tmp_path.glob("*.json")
    return path


def test_a_journal_keeps_what_was_recorded(written: Path) -> None:
    with opened(written.parent) as journal:
        assert (journal.files, journal.creation) == ({"tool.exe": UPLOADED}, Creation.CREATING)


@pytest.mark.parametrize(
    "other",
    [("http://127.0.0.1:2", "tool", "1.0"), (OF[0], "Tool", "1.0"), (OF[0], "tool", "1.0.0")],
)
def test_another_server_application_or_version_has_a_journal_of_its_own(
    written: Path, other: tuple[str, ...]
) -> None:
    with opened(written.parent, *other) as journal:
        assert (journal.files, journal.creation) == ({}, Creation.ABSENT)


def test_a_cleared_journal_is_removed(written: Path) -> None:
    with opened(written.parent) as journal:
        journal.clear()
    assert list(written.parent.iterdir()) == []


def make_stale(path: Path) -> None:
    old = time.time() - STALE_SECONDS - 60
    os.utime(path, (old, old), follow_symlinks=False)


def test_a_stale_journal_is_dropped_when_another_release_begins(written: Path) -> None:
    make_stale(written)
    with opened(written.parent, OF[0], "another", "1.0"):
        assert not written.exists()


@pytest.mark.parametrize("length", [0, 1, 20, 60, None])
def test_a_stale_draft_is_dropped_however_far_it_was_written(
    written: Path, length: int | None
) -> None:
    draft = written.with_name(".bindist-release-x1y2z3.draft")
    draft.write_bytes(written.read_bytes()[:length])
    make_stale(draft)
    with opened(written.parent, OF[0], "another", "1.0"):
        assert not draft.exists()


def test_a_run_killed_while_it_writes_leaves_a_draft_of_that_name(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, sys\n"
        "from bindist.release.journal import Journal, ReleaseId\n"
        "os.fsync = lambda descriptor: os._exit(9)\n"
        f"release = ReleaseId.of('{OF[0]}', 'key', '{OF[1]}', '{OF[2]}')\n"
        "with Journal.opened(pathlib.Path(sys.argv[1]), release) as journal:\n"
        "    journal.start_write()\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)]).returncode == 9
    (draft,) = tmp_path.glob(".bindist-release-*.draft")
    make_stale(draft)
    with opened(tmp_path):
        assert not draft.exists()


@pytest.mark.parametrize(
    "name",
    [
        "package.json",
        ".env",
        ".gitignore",
        ".bindist-release-notes",
        ".bindist-release-x.draft",
        "tool-1.0-0123456789abcdef.json",
        "{journal}.json",
        "copy-{journal}",
        "other-1.0-{digest}",
    ],
)
@pytest.mark.parametrize("content", ["journal", "other", "empty"])
def test_a_stale_file_that_is_ours_only_by_name_or_only_by_content_is_kept(
    written: Path, name: str, content: str
) -> None:
    name = name.format(journal=written.name, digest=written.name[-21:])
    path = written.with_name(name)
    texts = {"journal": written.read_bytes(), "other": b'{"scripts": {}}', "empty": b""}
    path.write_bytes(texts[content])
    make_stale(path)
    is_ours = {
        (".bindist-release-x.draft", "journal"),
        (".bindist-release-x.draft", "empty"),
        ("tool-1.0-0123456789abcdef.json", "journal"),
    }
    with opened(written.parent, OF[0], "another", "1.0"):
        assert path.exists() is ((name, content) not in is_ours)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links and pipes as POSIX has them")
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_anything_but_a_regular_file_is_kept(written: Path, kind: str) -> None:
    path = written.with_name("tool-1.0-0123456789abcdef.json")
    if kind == "link":
        path.symlink_to(written)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    make_stale(path)
    with opened(written.parent, OF[0], "another", "1.0"):
        assert path.is_symlink() or path.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\xff"], ids=repr)
def test_a_journal_that_cannot_be_read_is_empty(written: Path, text: str) -> None:
    written.write_text(text, encoding="latin-1")
    with opened(written.parent) as journal:
        assert (journal.files, journal.creation) == ({}, Creation.ABSENT)


@pytest.mark.parametrize("key", ["format", "api_url", "tenant", "application_id", "version"])
def test_a_journal_of_another_release_is_empty(written: Path, key: str) -> None:
    head, rest = written.read_text().split("\n", 1)
    written.write_text(json.dumps({**json.loads(head), key: "other"}) + "\n" + rest)
    with opened(written.parent) as journal:
        assert (journal.files, journal.creation) == ({}, Creation.ABSENT)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {},
        {"upload_id": "u"},
        {"upload_id": 5, "file_size": 7, "checksum": "a" * 64},
        {"upload_id": "", "file_size": 7, "checksum": "a" * 64},
        {"upload_id": "u", "file_size": "7", "checksum": "a" * 64},
        {"upload_id": "u", "file_size": True, "checksum": "a" * 64},
        {"upload_id": "u", "file_size": 7, "checksum": "a"},
        {"upload_id": "u", "file_size": 7, "checksum": "a" * 64, "more": 1},
    ],
    ids=repr,
)
def test_an_invalid_entry_is_left_out(written: Path, entry: object) -> None:
    line = {"file": "other.dll", **entry} if isinstance(entry, dict) else {"file": entry}
    with written.open("a") as file:
        file.write(json.dumps(line) + "\n")
    with opened(written.parent) as journal:
        assert journal.files == {"tool.exe": UPLOADED}


def test_a_second_process_gets_a_busy_error(tmp_path: Path) -> None:
    with opened(tmp_path):
        with pytest.raises(BusyError, match=r"version 1\.0 of tool"), opened(tmp_path):
            pass
        with opened(tmp_path, OF[0], "another", "1.0"):
            pass
    with opened(tmp_path):
        pass


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with Journal.opened(None, release(*OF)) as journal:
        journal.record_file("tool.exe", UPLOADED)
        journal.start_write()
        assert journal.files == {"tool.exe": UPLOADED}
        journal.clear()
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_cannot_be_written_is_an_error_and_leaves_no_draft(written: Path) -> None:
    with opened(written.parent) as journal:
        written.unlink()
        written.mkdir()
        with pytest.raises(OSError):
            journal.record_file("lib.dll", UPLOADED)
        assert not [path for path in written.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("t1.secret", "t2.secret", False),
        ("t1.secret", "t1.rotated", True),
        ("bare", "another", True),
        ("bare", "t1.secret", False),
    ],
)
def test_the_tenant_in_the_key_belongs_to_the_release(
    tmp_path: Path, one: str, other: str, same: bool
) -> None:
    """The hosted service has applications of the same names for each tenant."""
    with Journal.opened(tmp_path, release(*OF, key=one)) as journal:
        journal.record_file("tool.exe", UPLOADED)
    (path,) = tmp_path.glob("*.json")
    assert "secret" not in path.read_text()
    assert "t1" not in path.read_text()
    with Journal.opened(tmp_path, release(*OF, key=other)) as journal:
        assert bool(journal.files) is same


def test_a_write_is_recorded_from_its_start_to_its_response(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.start_write()
        assert Journal.read(tmp_path, release(*OF)).written_at is not None
        journal.end_write(answered=False)
        assert Journal.read(tmp_path, release(*OF)).written_at is not None
        journal.end_write(created=True)
        found = Journal.read(tmp_path, release(*OF))
        assert (found.written_at, found.creation) == (None, Creation.CREATED)


def test_a_finished_release_keeps_its_upload_ids(written: Path) -> None:
    with opened(written.parent) as journal:
        journal.finish()
    found = Journal.read(written.parent, release(*OF))
    assert found.files == {"tool.exe": UPLOADED}
    assert found.finished_at is not None
    assert found.written_at is None


def test_a_journal_that_is_only_read_is_not_changed(written: Path) -> None:
    before = written.read_bytes()
    journal = Journal.read(written.parent, release(*OF))
    journal.clear()
    assert written.read_bytes() == before


def test_a_foreign_version_is_disowned(written: Path) -> None:
    with opened(written.parent) as journal:
        journal.disown()
    assert Journal.read(written.parent, release(*OF)).creation is Creation.ABSENT


def old_journal(**more: object) -> str:
    """As format 2 had it."""
    entry = {"upload_id": "u-1", "file_size": 7, "checksum": "a" * 64, "uploaded_at": time.time()}
    found = {
        "format": 2,
        "api_url": OF[0],
        "tenant": "",
        "application_id": "tool",
        "version": "1.0",
        "creation": "created",
        "written_at": None,
        "finished_at": None,
        "application_created_at": "then",
        "files": {"tool.exe": {**entry, "confirmed": True}},
        **more,
    }
    return json.dumps(found, indent=1)


def test_a_journal_of_the_format_before_is_read_and_replaced(written: Path) -> None:
    written.write_text(old_journal())
    with opened(written.parent) as journal:
        assert (journal.files, journal.creation) == ({"tool.exe": UPLOADED}, Creation.CREATED)
        assert journal.application_created_at == "then"
        journal.record_file("lib.dll", UPLOADED)
    lines = [json.loads(line) for line in written.read_text().splitlines()]
    assert lines[0]["format"] == 3
    assert list(Journal.read(written.parent, release(*OF)).files) == ["tool.exe", "lib.dll"]


def test_a_stale_journal_of_the_format_before_is_dropped(written: Path) -> None:
    written.write_text(old_journal())
    make_stale(written)
    with opened(written.parent, OF[0], "another", "1.0"):
        assert not written.exists()


@pytest.mark.parametrize("changed", [{"version": "2"}, {"format": 1}, {"files": {"tool.exe": 5}}])
def test_a_journal_of_the_format_before_is_checked_too(written: Path, changed: Any) -> None:
    written.write_text(old_journal(**changed))
    assert Journal.read(written.parent, release(*OF)).files == {}


def test_each_event_appends_a_line(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for number in range(300):
            journal.record_file(f"{number}.dll", UPLOADED)
        journal.start_write()
        journal.end_write(created=True)
    (path,) = tmp_path.glob("*.json")
    assert len(path.read_text().splitlines()) == 1 + 1 + 300 + 2
    assert len(Journal.read(tmp_path, release(*OF)).files) == 300


def test_the_last_line_may_be_cut_off_anywhere(written: Path) -> None:
    whole = written.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    for cut in range(1, last + 1):
        written.write_bytes(whole[:-cut])
        with opened(written.parent) as journal:
            assert (journal.files, journal.creation) == ({"tool.exe": UPLOADED}, Creation.ABSENT)
            journal.start_write()
        assert written.read_bytes().endswith(b"\n")
        found = Journal.read(written.parent, release(*OF))
        assert (found.files, found.creation) == ({"tool.exe": UPLOADED}, Creation.CREATING)


def test_a_broken_line_before_the_last_makes_the_journal_empty(written: Path) -> None:
    head, *others = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join((head, b"{\n", *others)))
    with opened(written.parent) as journal:
        assert (journal.files, journal.creation) == ({}, Creation.ABSENT)


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_a_journal_that_was_removed_meanwhile_is_made_again(written: Path) -> None:
    with opened(written.parent) as journal:
        journal.record_file("lib.dll", UPLOADED)
        written.unlink()
        journal.start_write()
        assert len(Journal.read(written.parent, release(*OF)).files) == 2
