"""What stands where a download wants to be: links, pipes, folders, files of somebody else."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and owners")

SOMEBODY = 65534
PLACES = (".part", ".part.journal", ".part.lock")
REFUSED, REPLACED = "refused", "replaced"
# By what is there, in the order of PLACES. A part without a journal is nobody's to remove.
OUTCOMES = {
    "link to a file": (REFUSED, REFUSED, REFUSED),
    "link to nothing": (REPLACED, REFUSED, REFUSED),
    "link to itself": (REPLACED, REFUSED, REFUSED),
    "link to a folder": (REFUSED, REFUSED, REFUSED),
    "folder": (REFUSED, REFUSED, REFUSED),
    "pipe": (REFUSED, REFUSED, REPLACED),
    "file of somebody else": (REFUSED, REFUSED, REPLACED),
}
CASES = [
    pytest.param(thing, place, outcome, id=f"{thing} at {place}")
    for thing, outcomes in OUTCOMES.items()
    for place, outcome in zip(PLACES, outcomes, strict=True)
]


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


@pytest.mark.parametrize(("thing", "place", "outcome"), CASES)
def test_what_stands_in_a_place_of_ours_is_never_written_through(
    invoke, published, inside, elsewhere, tally, thing, place, outcome
):
    path = inside / f"tool.bin{place}"
    put(thing, path, elsewhere)
    result = invoke("versions", "download", "tool", "1.0")
    assert "Traceback" not in result.stderr
    if outcome == REFUSED:
        assert result.exit_code == 2, result.stderr
        assert path.name in result.stderr
        assert not (inside / "tool.bin").exists()
        assert path.is_symlink() or path.exists()
    else:
        assert result.exit_code == 0, result.stderr
        assert (inside / "tool.bin").read_bytes() == published
        assert [left.name for left in inside.iterdir()] == ["tool.bin"]
    tally("hostile")


@pytest.mark.parametrize("thing", ["link to a file", "link to nothing", "link to itself"])
def test_a_link_at_the_target_is_replaced_and_never_what_it_leads_to(
    customer, published, inside, elsewhere, tally, thing
):
    target = inside / "tool.bin"
    put(thing, target, elsewhere)
    customer.download_to_file("tool", "1.0", target)
    assert target.read_bytes() == published
    assert not target.is_symlink()
    tally("hostile")


def test_a_link_to_a_folder_at_the_target_is_not_followed_either(
    invoke, published, inside, elsewhere, tally
):
    (inside / "tool.bin").symlink_to(elsewhere)
    result = invoke("versions", "download", "tool", "1.0", "--force")
    assert result.exit_code == 2
    assert "tool.bin is a folder" in result.stderr
    tally("hostile")


@pytest.mark.parametrize("thing", ["pipe", "link to a pipe", "socket"])
def test_what_is_no_file_is_not_replaced_by_one(
    invoke, customer, published, at_server, inside, tally, thing
):
    """A pipe stands for /dev/null, which no test may put at risk."""
    target = inside / "tool.bin"
    with socket.socket(socket.AF_UNIX) as listener:
        if thing == "socket":
            listener.bind(os.path.relpath(target))  # its name may be short only
        else:
            os.mkfifo(inside / "pipe")
            (inside / "pipe").rename(target) if thing == "pipe" else target.symlink_to("pipe")
    result = invoke("versions", "download", "tool", "1.0", "-O", str(target), "--force")
    assert result.exit_code == 2
    assert f"`-O - > {target}` writes to it" in result.stderr
    with pytest.raises(FileExistsError, match=r"tool\.bin is no file"):
        customer.download_to_file("tool", "1.0", target)
    assert not target.is_file()
    assert not [asked for asked in at_server.requests if asked.path == "/v1/downloads/url"]
    tally("hostile")


def test_the_link_of_somebody_is_not_replaced_without_force(
    invoke, published, inside, elsewhere, tally
):
    target = inside / "tool.bin"
    target.symlink_to(elsewhere / "precious")
    refused = invoke("versions", "download", "tool", "1.0")
    assert (refused.exit_code, target.is_symlink()) == (6, True)
    forced = invoke("versions", "download", "tool", "1.0", "--force")
    assert (forced.exit_code, target.is_symlink()) == (0, False)
    assert target.read_bytes() == published
    tally("hostile")


def test_files_of_somebody_else_in_a_folder_for_all_are_left_to_them(
    weak, published, tmp_path, tally
):
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
    tally("hostile")
