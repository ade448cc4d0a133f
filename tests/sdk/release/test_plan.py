"""What is to be done about a release, decided from what is known: no server, no file is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from bindist.journal import Sent
from bindist.planning import (
    ReleaseFile,
    RemoteVersion,
    differences,
    local_files,
    plan,
    remembered,
)

from bindist import DifferentContentError
from bindist.transfer.config import TransferConfig

FILES = [
    ReleaseFile(Path("a.exe"), "a.exe", 1, "MAIN"),
    ReleaseFile(Path("b.dll"), "b.dll", 2, "DEPENDENCY"),
    ReleaseFile(Path("c.txt"), "c.txt", 3, "DOCUMENTATION"),
]


def checksum(file: ReleaseFile) -> str:
    return file.name[0] * 64


def sent(*files: ReleaseFile) -> dict[str, Sent]:
    return {file.name: Sent(f"id of {file.name}", file.size, checksum(file)) for file in files}


def remote(*files: ReleaseFile, enabled: bool = False) -> RemoteVersion:
    rows = tuple(
        {"fileName": file.name, "checksum": checksum(file), "fileId": f"id of {file.name}"}
        for file in files
    )
    return RemoteVersion(rows, enabled)


def names(files: tuple[ReleaseFile, ...]) -> str:
    return " ".join(file.name for file in files)


def test_what_the_object_store_has_is_not_sent_again():
    planned = plan(FILES, None, checksum, sent=sent(FILES[1]))
    assert (names(planned.send), names(planned.complete)) == ("c.txt a.exe", "b.dll c.txt a.exe")


@pytest.mark.parametrize(
    "wrong", [Sent("u", 2, "0" * 64), Sent("u", 3, "b" * 64)], ids=["checksum", "size"]
)
def test_what_has_changed_since_is_sent_again(wrong: Sent):
    planned = plan(FILES, None, checksum, sent={**sent(*FILES), "b.dll": wrong})
    assert names(planned.send) == "b.dll"


def test_what_an_interrupted_run_has_begun_is_finished():
    planned = plan(FILES, remote(FILES[1]), checksum, sent=sent(*FILES), begun=True, enable=True)
    assert (planned.action, planned.enable) == ("finish", True)
    assert (names(planned.send), names(planned.complete)) == ("", "c.txt a.exe")


@pytest.mark.parametrize("if_exists", ["match", "skip", "fail"])
def test_it_is_finished_whatever_is_to_be_done_with_what_exists(if_exists: str):
    planned = plan(FILES, remote(), checksum, sent=sent(*FILES), begun=True, if_exists=if_exists)
    assert planned.action == "finish"


@pytest.mark.parametrize(
    "known",
    [
        {"sent": sent(*FILES), "begun": False},
        {"sent": sent(*FILES[:2]), "begun": True},
        {"sent": {}, "begun": True},
    ],
    ids=["begun by somebody else", "not all was sent", "nothing is known"],
)
def test_what_cannot_be_finished_is_told_as_incomplete(known: dict[str, Any]):
    with pytest.raises(DifferentContentError) as raised:
        plan(FILES, remote(FILES[1]), checksum, **known)
    assert raised.value.incomplete


def test_files_under_other_ids_are_another_runs():
    rows = ({"fileName": "b.dll", "checksum": "b" * 64, "fileId": "another"},)
    with pytest.raises(DifferentContentError) as raised:
        plan(FILES, RemoteVersion(rows, False), checksum, sent=sent(*FILES), begun=True)
    assert raised.value.incomplete


def test_what_is_enabled_is_never_finished():
    with pytest.raises(DifferentContentError) as raised:
        plan(FILES, remote(FILES[1], enabled=True), checksum, sent=sent(*FILES), begun=True)
    assert not raised.value.incomplete


def test_other_content_is_never_finished():
    rows = (*remote(FILES[1]).files, {"fileName": "c.txt", "checksum": "0" * 64})
    with pytest.raises(DifferentContentError) as raised:
        plan(FILES, RemoteVersion(rows, False), checksum, sent=sent(*FILES), begun=True)
    assert not raised.value.incomplete


def test_a_name_that_the_server_has_twice_is_a_difference():
    rows = remote(*FILES, FILES[1]).files
    assert differences(FILES, rows, checksum) == [("b.dll", "b" * 64, None)]


def test_a_file_is_read_once_for_its_checksum():
    asked: list[str] = []

    def count(file: ReleaseFile) -> str:
        asked.append(file.name)
        return checksum(file)

    look_up = remembered(count)
    assert [look_up(FILES[0]), look_up(FILES[0])] == ["a" * 64] * 2
    assert asked == ["a.exe"]


@pytest.mark.parametrize(("over", "allowed"), [(0, True), (1, False)])
def test_only_a_file_that_goes_inline_may_have_another_type_than_its_name_says(
    over: int, allowed: bool, tmp_path: Path
):
    path = tmp_path / "notes.txt"
    path.touch()
    os.truncate(path, TransferConfig.inline_limit + over)
    if allowed:
        assert [file.file_type for file in local_files([path], file_type="MAIN")] == ["MAIN"]
    else:
        with pytest.raises(ValueError, match=r"notes\.txt will be DOCUMENTATION"):
            local_files([path], file_type="MAIN")


@pytest.mark.parametrize("wrong", [[], {}, None, 7], ids=repr)
def test_an_id_that_is_none_makes_no_file_ones_own(wrong: Any):
    rows = ({"fileName": "b.dll", "checksum": "b" * 64, "fileId": wrong},)
    with pytest.raises(DifferentContentError) as raised:
        plan(FILES, RemoteVersion(rows, False), checksum, sent=sent(*FILES), begun=True)
    assert raised.value.incomplete
