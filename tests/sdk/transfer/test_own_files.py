"""Locks, atomic writes and checks of ownership: one of each in the SDK."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import bindist
import bindist_cli
from bindist.errors import BusyError
from bindist.transfer.own_files import locked, open_own, replace_whole

POSIX = pytest.mark.skipif(os.name != "posix", reason="needs symbolic links and modes")


def test_a_lock_is_held_by_one_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "work.lock"
    with locked(path, "somebody is at it"):
        with (
            pytest.raises(BusyError, match=r"^somebody is at it$"),
            locked(path, "somebody is at it"),
        ):
            raise AssertionError
        assert path.exists()
    assert not path.exists()


def test_a_lock_is_let_go_where_the_work_fails(tmp_path: Path) -> None:
    path = tmp_path / "work.lock"
    with pytest.raises(ZeroDivisionError), locked(path, "busy"):
        raise ZeroDivisionError
    with locked(path, "busy"):
        pass


@pytest.mark.parametrize(
    "content", [b"42\nmy list of numbers\n", b"42\n", b"42\nhost\n\n", b"x" * 9999]
)
def test_a_file_that_is_no_lock_is_kept(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "work.lock"
    path.write_bytes(content)
    with pytest.raises(FileExistsError, match="is in the way"), locked(path, "busy"):
        raise AssertionError
    assert path.read_bytes() == content


@POSIX
def test_what_is_no_file_is_not_removed_as_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "work.lock"
    os.mkfifo(path)
    with pytest.raises(FileExistsError, match="is in the way"), locked(path, "busy"):
        raise AssertionError
    assert path.is_fifo()


@POSIX
def test_a_link_is_neither_locked_nor_opened(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="is a symbolic link"), locked(link, "busy"):
        raise AssertionError
    with pytest.raises(PermissionError, match="is a symbolic link"):
        open_own(link, os.O_RDWR | os.O_CREAT)
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text("old")
    replace_whole(path, "new", prefix=".draft-", suffix=".tmp")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_replaced_stays_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(OSError) as caught:
        replace_whole(path, "new", prefix=".draft-", suffix=".tmp")
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("package", "call", "module"),
    [
        (bindist, r"\bflock\(", "file_system.py"),
        (bindist, r"\bfsync\(", "file_system.py"),
        (bindist, r"\bdisk_usage\(", "file_system.py"),
        (bindist, r"\bO_EXCL, 0o600|flags, 0o600", "file_system.py"),
        (bindist, r"\bgeteuid\(", "transfer/own_files.py"),
        (bindist_cli, r"\bexclusive_lock\(", "settings/private_files.py"),
        (bindist_cli, r"\breplace_file\(", "settings/private_files.py"),
        (bindist_cli, r"\bgeteuid\(", "settings/ownership.py"),
    ],
)
def test_one_module_of_each_package_does_it(package: object, call: str, module: str) -> None:
    root = Path(str(package.__file__)).parent  # type: ignore[attr-defined]
    found = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "sandbox" not in path.relative_to(root).parts
        and re.search(call, path.read_text(encoding="utf-8"))
    ]
    assert found == [module]
