"""What stands where a download wants to be: links, pipes, folders, files of somebody else."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and owners")

SOMEBODY = 65534
PLACES = (".part", ".part.journal", ".part.lock")
THINGS = (
    "link to a file",
    "link to nothing",
    "link to itself",
    "link to a folder",
    "folder",
    "pipe",
    "file of somebody else",
)


@pytest.fixture
def elsewhere(tmp_path):
    """A folder outside, with a file that nobody may touch; whether it is as it was."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "precious").write_bytes(b"precious")
    yield folder
    assert [path.name for path in folder.iterdir()] == ["precious"]
    assert (folder / "precious").read_bytes() == b"precious"


def put(thing: str, path: Path, elsewhere: Path) -> None:
    if thing == "folder":
        path.mkdir()
    elif thing == "pipe":
        os.mkfifo(path)
    elif thing == "file of somebody else":
        if os.geteuid() != 0:
            pytest.skip("only root can make files of somebody else")
        path.write_text('{"checksum": "", "fileSize": 1}\n[0,1]\n')
        os.chown(path, SOMEBODY, SOMEBODY)
    else:
        leads_to = {
            "link to a file": elsewhere / "precious",
            "link to nothing": elsewhere / "new",
            "link to itself": path,
            "link to a folder": elsewhere,
        }
        path.symlink_to(leads_to[thing])


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("options", [(), ("--force", "--no-resume")], ids=["", "forced"])
@pytest.mark.counts("hostile")
def test_foreign_files_under_our_names_are_neither_followed_nor_removed(
    invoke, published, inside, elsewhere, thing, place, options
):
    path = inside / f"tool.bin{place}"
    put(thing, path, elsewhere)
    before = path.lstat()
    result = invoke("versions", "download", "tool", "1.0", *options)
    assert "Traceback" not in result.stderr
    assert result.exit_code == 2, result.stderr
    assert path.name in result.stderr
    assert not (inside / "tool.bin").exists()
    assert os.path.samestat(path.lstat(), before)


@pytest.mark.parametrize("thing", ["link to a file", "link to nothing", "link to itself"])
@pytest.mark.counts("hostile")
def test_a_link_at_the_target_is_replaced_and_its_destination_kept(
    customer, published, inside, elsewhere, thing
):
    target = inside / "tool.bin"
    put(thing, target, elsewhere)
    customer.download_to_file("tool", "1.0", target)
    assert target.read_bytes() == published
    assert not target.is_symlink()


@pytest.mark.counts("hostile")
def test_a_link_to_a_folder_at_the_target_is_not_followed(invoke, published, inside, elsewhere):
    (inside / "tool.bin").symlink_to(elsewhere)
    result = invoke("versions", "download", "tool", "1.0", "--force")
    assert result.exit_code == 2
    assert "tool.bin is a folder" in result.stderr


@pytest.mark.parametrize("thing", ["pipe", "link to a pipe", "socket", "link to stdout"])
@pytest.mark.parametrize("options", [(), ("--force",)], ids=["", "forced"])
@pytest.mark.counts("hostile")
def test_a_target_that_is_no_regular_file_is_not_replaced(
    invoke, customer, published, at_server, inside, thing, options
):
    """A pipe stands for /dev/null, which no test may put at risk."""
    target = inside / "tool.bin"
    with socket.socket(socket.AF_UNIX) as listener:
        if thing == "socket":
            listener.bind(os.path.relpath(target))  # its name may be short only
        elif thing == "link to stdout":
            target.symlink_to("/dev/stdout")
        else:
            os.mkfifo(inside / "pipe")
            (inside / "pipe").rename(target) if thing == "pipe" else target.symlink_to("pipe")
    before = target.lstat()
    result = invoke("versions", "download", "tool", "1.0", *options)
    assert result.exit_code == 2
    assert "tool.bin is a device, a pipe or a socket" in result.stderr
    for path in (target, inside):
        with pytest.raises(FileExistsError, match=r"is not replaced by a file"):
            customer.download_to_file("tool", "1.0", path)
    assert os.path.samestat(target.lstat(), before)
    assert not [asked for asked in at_server.requests if asked.path == "/v1/downloads/url"]


# Every way in which `-O` names a place: what is written, and what becomes of what was there.

STREAMED, PUT, REPLACED, EXISTS, REFUSED = "streamed", "put", "replaced", "exists", "refused"
NAMED = [  # the name, without --force, with --force
    ("new.bin", PUT, PUT),
    ("./new.bin", PUT, PUT),
    ("folder/../new.bin", PUT, PUT),
    ("file", EXISTS, REPLACED),
    ("link to file", EXISTS, REPLACED),
    ("link to nothing", EXISTS, REPLACED),
    ("link to itself", EXISTS, REPLACED),
    ("folder", PUT, PUT),
    ("folder/", PUT, PUT),
    ("folder/.", PUT, PUT),
    ("folder/inner/..", PUT, PUT),
    ("link to folder", PUT, PUT),
    ("link to folder/", PUT, PUT),
    (".", PUT, PUT),
    ("", REFUSED, REFUSED),
    ("new/", PUT, PUT),  # makes the folder, as --dir does
    ("new/.", REFUSED, REFUSED),
    ("new/..", REFUSED, REFUSED),
    ("new/new.bin", REFUSED, REFUSED),
    ("file/", REFUSED, REFUSED),
    ("file/.", REFUSED, REFUSED),
    ("file/..", REFUSED, REFUSED),
    ("file/new.bin", REFUSED, REFUSED),
    ("link to nothing/", REFUSED, REFUSED),
    ("socket", REFUSED, REFUSED),
    ("pipe/", REFUSED, REFUSED),
    ("-", STREAMED, STREAMED),
    ("/dev/stdout", STREAMED, STREAMED),
    ("/dev/fd/1", STREAMED, STREAMED),
    ("/dev/../dev/stdout", STREAMED, STREAMED),
    ("link to stdout", STREAMED, STREAMED),
    ("pipe", STREAMED, STREAMED),
    ("link to pipe", STREAMED, STREAMED),
    ("/dev/fd/99", REFUSED, REFUSED),
]


@pytest.fixture
def furnished(inside, elsewhere):
    """A folder with one of each kind in it."""
    (inside / "file").write_bytes(b"mine")
    (inside / "folder" / "inner").mkdir(parents=True)
    links = {"file": elsewhere / "precious", "nothing": elsewhere / "new", "folder": "folder"}
    links |= {"itself": "link to itself", "pipe": "pipe", "stdout": "/dev/stdout"}
    for name, leads_to in links.items():
        (inside / f"link to {name}").symlink_to(leads_to)
    os.mkfifo(inside / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    return inside


def entries(folder):
    """All that is there, links as what they are, with the content of files."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_ino,
            path.read_bytes() if path.is_file() and not path.is_symlink() else None,
        )
        for path in folder.rglob("*")
    }


NAMED_FORCED = [  # where both are the same, the more dangerous one is tried
    pytest.param(name, outcome, force, id=f"{name!r}{' forced' * force}")
    for name, *outcomes in NAMED
    for force, outcome in enumerate(outcomes)
    if force or outcomes[0] != outcomes[1]
]


@pytest.mark.parametrize(("name", "outcome", "force"), NAMED_FORCED)
@pytest.mark.counts("hostile")
def test_every_form_of_a_target_path(
    commands, published, furnished, tmp_path, name, outcome, force
):
    before = entries(furnished)
    reader = None
    if outcome == STREAMED and "pipe" in name:
        with (tmp_path / "received").open("wb") as file:
            reader = subprocess.Popen(["cat", "pipe"], stdout=file)
    words = ("versions", "download", "tool", "1.0", "-O", name, *(["--force"] * force))
    done = commands.run(words, furnished, os.environ, encoding=None)
    after = entries(furnished)
    codes = {STREAMED: 0, PUT: 0, REPLACED: 0, EXISTS: 6, REFUSED: 2}
    assert done.returncode == codes[outcome], done.stderr
    assert b"Traceback" not in done.stderr
    kept = {path: after.get(path) for path in before if path != name or outcome != REPLACED}
    assert kept == {path: before[path] for path in kept}
    if outcome in (PUT, REPLACED):
        (path,) = {path for path in set(after) - set(before) if path != "new"} or {name}
        assert after[path][1] == published
    else:
        assert set(after) == set(before)
    if outcome == STREAMED:
        if reader:
            assert reader.wait(60) == 0
        received = (tmp_path / "received").read_bytes() if reader else done.stdout
        assert received == published


@pytest.mark.counts("hostile")
def test_a_file_behind_stdout_is_appended_to_and_not_replaced(sh, published, inside):
    for path in ("/dev/stdout", "/dev/fd/1", "-"):
        (inside / "out").write_bytes(b"first\n")
        before = (inside / "out").stat().st_ino
        done = sh(f"versions download tool 1.0 --force -O {path}", ">> out")
        assert (done.returncode, (inside / "out").stat().st_ino) == (0, before), done.stderr
        assert (inside / "out").read_bytes() == b"first\n" + published


def test_another_descriptor_is_written_to(sh, published, inside):
    done = sh("versions download tool 1.0 -O /dev/fd/3", "3> out")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (inside / "out").read_bytes() == published


def test_a_download_can_go_to_dev_null(sh, published, inside):
    """What `-O /dev/null` did to /dev/null is tried with a link to it."""
    before = os.stat("/dev/null")
    (inside / "link").symlink_to("/dev/null")
    done = sh("versions download tool 1.0 --force -O link")
    assert (done.returncode, done.stdout) == (0, "")
    assert os.path.samestat(os.stat("link"), before)


def test_a_full_device_is_an_error_that_names_it(sh, published, inside):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    (inside / "link").symlink_to("/dev/full")
    done = sh("versions download tool 1.0 --force -O link")
    assert (done.returncode, "link: No space left" in done.stderr) == (1, True), done.stderr


def test_a_terminal_gets_no_binary_data_under_any_name(terminal, published):
    screen = terminal("versions", "download", "tool", "1.0", "-O", "/dev/stdout")
    assert screen.returncode == 2
    assert "refusing to write binary data to a terminal" in screen.text
    screen = terminal("versions", "download", "tool", "1.0", "-O", "/dev/fd/0")
    assert screen.returncode == 2


@pytest.mark.parametrize("folder", ["file", "link to nothing", "pipe", "file/below"])
@pytest.mark.counts("hostile")
def test_an_invalid_folder_is_reported_before_any_request(invoke, furnished, at_server, folder):
    result = invoke("versions", "download", "tool", "--dir", folder)
    assert (result.exit_code, at_server.requests) == (2, [])
    assert f"{folder.removesuffix('/below')} is not a folder" in result.stderr


@pytest.mark.counts("hostile")
def test_an_existing_link_is_not_replaced_without_force(invoke, published, inside, elsewhere):
    target = inside / "tool.bin"
    target.symlink_to(elsewhere / "precious")
    refused = invoke("versions", "download", "tool", "1.0")
    assert (refused.exit_code, target.is_symlink()) == (6, True)
    forced = invoke("versions", "download", "tool", "1.0", "--force")
    assert (forced.exit_code, target.is_symlink()) == (0, False)
    assert target.read_bytes() == published


@pytest.mark.counts("hostile")
def test_files_of_other_users_in_a_shared_folder_are_kept(weak, published, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can make files of somebody else")
    folder = tmp_path / "for all"
    folder.mkdir()
    traps = [folder / f"tool.bin{place}" for place in PLACES]
    for trap in traps:
        trap.write_bytes(b"{}\n[0,10]\n")
        trap.chmod(0o666)
        os.chown(trap, SOMEBODY, SOMEBODY)
    os.chown(folder, SOMEBODY, SOMEBODY)
    folder.chmod(0o1777)
    done = weak("versions", "download", "tool", "1.0", "--dir", str(folder))
    assert done.returncode == 2, done.stderr
    assert "tool.bin.part" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(folder.iterdir()) == sorted(traps)
    assert {trap.read_bytes() for trap in traps[:2]} == {b"{}\n[0,10]\n"}  # a lock holds nothing
