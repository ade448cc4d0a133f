"""How a download gets its name, and which names are not those of files."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from bindist import TargetExistsError
from bindist.file_system import rename_to_free_name
from bindist.transfer.placing import _place, descriptor_of, is_special, look, publish

posix = pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and devices")


@pytest.fixture(params=["hard links", "no hard links"])
def part(request, tmp_path, monkeypatch):
    """A part file, on a file system that has hard links or, as FAT, none."""
    if request.param == "no hard links":

        def link(*arguments, **options):
            raise PermissionError("Operation not permitted")

        monkeypatch.setattr(os, "link", link)
    path = tmp_path / "f.part"
    path.write_bytes(b"new")
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_free_name_is_taken(part, tmp_path):
    publish(part, tmp_path / "f", None)
    assert (names(tmp_path), (tmp_path / "f").read_bytes()) == (["f"], b"new")


def test_an_existing_file_is_replaced(part, tmp_path):
    (tmp_path / "f").write_bytes(b"old")
    publish(part, tmp_path / "f", look(tmp_path / "f"))
    assert (names(tmp_path), (tmp_path / "f").read_bytes()) == (["f"], b"new")


def test_a_file_that_is_removed_meanwhile_is_no_error(part, tmp_path):
    publish(part, tmp_path / "f", (3, 1))
    assert (tmp_path / "f").read_bytes() == b"new"


@pytest.mark.parametrize(("before", "verb"), [(None, "appeared"), ((3, 1), "was changed")])
def test_a_file_that_appeared_is_kept_and_so_is_the_part(part, tmp_path, before, verb):
    (tmp_path / "f").write_bytes(b"mine")
    with pytest.raises(TargetExistsError, match=rf"f {verb} while .* is in .*f\.part"):
        publish(part, tmp_path / "f", before)
    assert ((tmp_path / "f").read_bytes(), part.read_bytes()) == (b"mine", b"new")


@posix
@pytest.mark.parametrize("leads_to", ["nothing", "f.part", "f", "."])
def test_a_link_that_appeared_is_kept(part, tmp_path, leads_to):
    (tmp_path / "f").symlink_to(leads_to)
    with pytest.raises(TargetExistsError):
        publish(part, tmp_path / "f", None)
    assert ((tmp_path / "f").is_symlink(), part.read_bytes()) == (True, b"new")


@pytest.mark.skipif(os.name == "nt", reason="Windows renames")
def test_with_hard_links_a_file_that_appears_late_is_kept(tmp_path, monkeypatch):
    """The file appears after the look: the link itself must fail."""
    (tmp_path / "f.part").write_bytes(b"new")
    link = os.link

    def late(source, target):
        Path(target).write_bytes(b"mine")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(TargetExistsError):
        publish(tmp_path / "f.part", tmp_path / "f", None)
    assert (tmp_path / "f").read_bytes() == b"mine"


@pytest.mark.skipif(os.name == "nt", reason="Windows renames")
def test_without_hard_links_a_file_that_appears_late_is_kept(tmp_path, monkeypatch):
    """It appears after the last look: the rename itself must fail, where the system can do that."""
    (tmp_path / "f.part").write_bytes(b"new")
    lstat = Path.lstat

    def link(source, target):
        raise PermissionError("Operation not permitted")

    def late(path):
        try:
            return lstat(path)
        finally:
            if path.name == "f":
                (tmp_path / "f").write_bytes(b"mine")

    monkeypatch.setattr(os, "link", link)
    (tmp_path / "probe").touch()
    if not rename_to_free_name(tmp_path / "probe", tmp_path / "renamed"):
        pytest.skip("this file system has no rename that replaces nothing")
    assert not (tmp_path / "probe").exists()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", late)
        with pytest.raises(FileExistsError):
            _place(tmp_path / "f.part", tmp_path / "f")
    assert ((tmp_path / "f").read_bytes(), (tmp_path / "f.part").read_bytes()) == (b"mine", b"new")


@posix
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("/dev/stdin", 0),
        ("/dev/stdout", 1),
        ("/dev/stderr", 2),
        ("/dev/fd/1", 1),
        ("/dev//fd/63", 63),
        ("/dev/../dev/stdout", 1),
        ("/dev/shm/../fd/7", 7),
        ("/proc/self/fd/1", 1),
        ("/proc/{pid}/fd/1", 1),
        ("/dev/null", None),
        ("/dev/fd", None),
        ("/dev/fd/x", None),
        ("1", None),
        ("fd/1", None),
        (".", None),
        ("..", None),
    ],
)
def test_names_of_descriptors_are_recognized(name, number):
    if name.startswith("/proc") and not Path("/proc/self/fd").exists():
        pytest.skip("this system has no /proc")
    assert descriptor_of(Path(name.format(pid=os.getpid()))) == number


@posix
def test_a_link_to_a_descriptor_is_resolved_and_a_link_loop_is_not(tmp_path):
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "more").symlink_to("link")
    (tmp_path / "loop").symlink_to("loop")
    assert descriptor_of(tmp_path / "more") == 1
    assert descriptor_of(tmp_path / "loop") is None


@posix
def test_special_files_are_recognized(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "to file").symlink_to("file")
    (tmp_path / "nowhere").symlink_to("nothing")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket"))
        listed = {path.name for path in tmp_path.iterdir() if is_special(path)}
    assert listed == {"pipe", "link", "socket"}
    assert is_special(Path("/dev/null"))
    assert not is_special(tmp_path)
