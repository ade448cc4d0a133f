"""The next step of a release, decided from what is known: no server and no file is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bindist import BusyError, ConflictError, DifferentContentError, IntegrityError
from bindist.http.response import failure
from bindist.release.files import ReleaseFile, completion_order
from bindist.release.journal import Creation, UploadedFile
from bindist.release.observation import Observation
from bindist.release.plan import Action, Situation, Step, next_step

MAIN = ReleaseFile(Path("a.exe"), "a.exe", 1, "MAIN")
LIBRARY = ReleaseFile(Path("b.dll"), "b.dll", 2, "DEPENDENCY")
TEXT = ReleaseFile(Path("c.txt"), "c.txt", 3, "DOCUMENTATION")
FILES = (MAIN, LIBRARY, TEXT)
INLINE = ReleaseFile(Path("c.txt"), "c.txt", 3, "MAIN")
SETTLED, UNSETTLED = 100.0, 1.0  # seconds since the version was written; `settle` is 60


def checksum(file: ReleaseFile) -> str:
    return file.name[0] * 64


def uploaded(*files: ReleaseFile, **more: Any) -> dict[str, UploadedFile]:
    return {
        file.name: UploadedFile(f"own {file.name}", file.size, checksum(file), **more)
        for file in files
    }


def row(file: ReleaseFile, file_id: str = "", content: str = "") -> dict[str, Any]:
    return {
        "fileName": file.name,
        "checksum": content or checksum(file),
        "fileId": file_id or f"own {file.name}",
        "fileType": file.file_type,
    }


def seen(*rows: dict[str, Any], enabled: bool = False, size: int = 1, made: str = "then"):
    record = {"isEnabled": enabled, "fileSize": size, "createdAt": made}
    return Observation(rows, record)


def situation(*files: ReleaseFile, **known: Any) -> Situation:
    """All bytes are sent, and nothing is made, unless `known` says otherwise."""
    ordered = completion_order(files or FILES)
    known.setdefault("uploaded", uploaded(*ordered))
    known.setdefault("seen", None)
    return Situation(ordered, checksum, **known)


def names(step: Step) -> str:
    return " ".join(file.name for file in step.files)


OWN = tuple(row(file) for file in FILES)
OTHERS = tuple(row(file, f"other {file.name}") for file in FILES)
CREATED = {"creation": Creation.CREATED, "wrote": True}

MAKING: dict[str, tuple[dict[str, Any], Action, str]] = {
    "bytes come first": ({"uploaded": {}}, Action.SEND, "b.dll c.txt a.exe"),
    "bytes that the store has are not sent again": (
        {"uploaded": uploaded(LIBRARY)},
        Action.SEND,
        "c.txt a.exe",
    ),
    "bytes older than an hour are sent again": (
        {"uploaded": {**uploaded(*FILES), **uploaded(TEXT, uploaded_at=1.0)}},
        Action.SEND,
        "c.txt",
    ),
    "the number is reserved": ({}, Action.RESERVE, ""),
    "a reservation that read lag hides is not repeated": (CREATED, Action.COMPLETE, "b.dll c.txt"),
    "a server without empty versions gets the first file": (
        {"no_reservation": True},
        Action.COMPLETE,
        "b.dll c.txt",
    ),
    "a creation without a response is waited for": (
        {"creation_unanswered_for": 5.0},
        Action.WAIT,
        "",
    ),
    "a refused creation is looked up once more": (
        {"refused": ConflictError(failure(409, "exists"))},
        Action.WAIT,
        "",
    ),
    "a completion that read lag hides is waited for": (
        {"acknowledged": frozenset({"a.exe"})},
        Action.WAIT,
        "",
    ),
}


@pytest.mark.parametrize(("known", "action", "files"), MAKING.values(), ids=MAKING)
def test_a_version_that_does_not_exist(known: dict[str, Any], action: Action, files: str) -> None:
    step = next_step(situation(**known))
    assert (step.action, names(step)) == (action, files)


@pytest.mark.parametrize(
    "wrong", [UploadedFile("u", 2, "0" * 64), UploadedFile("u", 3, "b" * 64)], ids=["sum", "size"]
)
def test_a_file_that_has_changed_since_is_sent_again(wrong: UploadedFile) -> None:
    step = next_step(situation(uploaded={**uploaded(*FILES), "b.dll": wrong}))
    assert (step.action, names(step)) == (Action.SEND, "b.dll")


def test_the_number_of_one_file_is_reserved_too() -> None:
    assert next_step(situation(MAIN)).action is Action.RESERVE


def test_a_type_that_the_extension_does_not_give_goes_inline() -> None:
    assert next_step(situation(INLINE, uploaded={})).action is Action.UPLOAD_INLINE


def test_a_version_that_the_server_refuses_and_does_not_show_is_a_conflict() -> None:
    refused = ConflictError(failure(409, "exists"))
    with pytest.raises(ConflictError):
        next_step(situation(refused=refused, acknowledged_for=10.0))


def test_a_completion_that_the_server_forgets_is_an_integrity_error() -> None:
    with pytest.raises(IntegrityError):
        next_step(situation(acknowledged=frozenset({"a.exe"}), acknowledged_for=10.0))


FILLING: dict[str, tuple[dict[str, Any], Action, str]] = {
    "its own reservation is filled": ({"seen": seen(), **CREATED}, Action.COMPLETE, "b.dll c.txt"),
    "MAIN comes last and alone": (
        {"seen": seen(row(LIBRARY), row(TEXT)), **CREATED},
        Action.COMPLETE,
        "a.exe",
    ),
    "what an earlier run began is finished": (
        {"seen": seen(row(LIBRARY)), "creation": Creation.CREATED},
        Action.COMPLETE,
        "c.txt",
    ),
    "a file that is listed twice is there": (
        {"seen": seen(row(LIBRARY), row(TEXT), row(TEXT, "again")), **CREATED},
        Action.WAIT,
        "",
    ),
    "a completion that read lag hides is not repeated": (
        {"seen": seen(row(LIBRARY)), "acknowledged": frozenset({"c.txt"}), **CREATED},
        Action.WAIT,
        "",
    ),
    "an empty version of another run is left while it may write": (
        {"seen": seen(), "unchanged_for": UNSETTLED},
        Action.WAIT,
        "",
    ),
    "an empty version that nobody fills is filled": (
        {"seen": seen(), "unchanged_for": SETTLED},
        Action.COMPLETE,
        "b.dll c.txt",
    ),
    "another run's files are left while it may write": (
        {"seen": seen(row(LIBRARY, "other")), "unchanged_for": UNSETTLED, **CREATED},
        Action.WAIT,
        "",
    ),
    "another run's files are completed once it has ended": (
        {"seen": seen(row(LIBRARY, "other")), "unchanged_for": SETTLED, **CREATED},
        Action.COMPLETE,
        "c.txt",
    ),
}


@pytest.mark.parametrize(("known", "action", "files"), FILLING.values(), ids=FILLING)
def test_a_version_that_lacks_files(known: dict[str, Any], action: Action, files: str) -> None:
    step = next_step(situation(**known))
    assert (step.action, names(step)) == (action, files)


ENDING: dict[str, tuple[dict[str, Any], Action, str]] = {
    "whole and not to be enabled": ({"seen": seen(*OWN), **CREATED}, Action.DONE, "created"),
    "whole when first seen": ({"seen": seen(*OTHERS)}, Action.DONE, "unchanged"),
    "whole and enabled": (
        {"seen": seen(*OTHERS, enabled=True), "enable": True},
        Action.DONE,
        "unchanged",
    ),
    "its own files are enabled at once": (
        {"seen": seen(*OWN), "enable": True, "unchanged_for": UNSETTLED, **CREATED},
        Action.ENABLE,
        "",
    ),
    "another run's files are enabled once settled": (
        {"seen": seen(*OTHERS), "enable": True, "unchanged_for": SETTLED},
        Action.ENABLE,
        "",
    ),
    "another run's files are not enabled before": (
        {"seen": seen(*OTHERS), "enable": True, "unchanged_for": UNSETTLED},
        Action.WAIT,
        "unchanged",
    ),
    "a write without a response settles first": (
        {"seen": seen(*OWN), "enable": True, "unanswered_for": 9.0, **CREATED},
        Action.WAIT,
        "unchanged",
    ),
    "a record that is not MAIN's is completed again": (
        {"seen": seen(*OWN, size=0), "enable": True, **CREATED, "acknowledged_for": SETTLED},
        Action.COMPLETE,
        "",
    ),
    "bytes of an earlier run are shown to be there": (
        {"seen": seen(*OWN), "unchecked": (TEXT,), **CREATED},
        Action.CHECK_BYTES,
        "",
    ),
    "after a race, an enabled version is watched": (
        {"seen": seen(*OWN, *OTHERS, enabled=True), "unchanged_for": UNSETTLED, **CREATED},
        Action.WAIT,
        "unchanged",
    ),
    "after a race, an enabled version that stays is right": (
        {"seen": seen(*OWN, *OTHERS, enabled=True), "unchanged_for": SETTLED, **CREATED},
        Action.DONE,
        "created",
    ),
    "an enabling that read lag hides is waited for": (
        {"seen": seen(*OWN), "enable": True, "enabled_at": "then", **CREATED},
        Action.WAIT,
        "unchanged",
    ),
    "a version that was made anew since is enabled again": (
        {
            "seen": seen(*OWN, made="later"),
            "enable": True,
            "enabled_at": "then",
            "unchanged_for": SETTLED,
            **CREATED,
        },
        Action.ENABLE,
        "",
    ),
}


@pytest.mark.parametrize(("known", "action", "status"), ENDING.values(), ids=ENDING)
def test_a_version_that_is_whole(known: dict[str, Any], action: Action, status: str) -> None:
    step = next_step(situation(**known))
    assert (step.action, step.status or "") == (action, status)


OTHER_TEXT = row(TEXT, "other", "0" * 64)
CONFLICTS: dict[str, tuple[dict[str, Any], dict[str, bool]]] = {
    "other content": ({"seen": seen(row(LIBRARY), OTHER_TEXT), **CREATED}, {"mixed": True}),
    "other content of another run alone": ({"seen": seen(OTHER_TEXT)}, {"mixed": False}),
    "one name with two checksums": (
        {"seen": seen(*OWN, OTHER_TEXT), **CREATED},
        {"mixed": True},
    ),
    "more files": (
        {"seen": seen(*OTHERS, row(ReleaseFile(Path("d"), "d", 1, "MAIN"), "other d"))},
        {"mixed": False},
    ),
    "fewer files, enabled": ({"seen": seen(row(LIBRARY), enabled=True), **CREATED}, {}),
    "fewer files of a release that is whole without this run's": (
        {"seen": seen(row(MAIN, "other")), "unchanged_for": SETTLED, **CREATED},
        {"incomplete": False},
    ),
    "a smaller release that this run has made larger": (
        {"seen": seen(row(MAIN, "other"), row(LIBRARY), row(TEXT)), **CREATED},
        {"mixed": True},
    ),
    "fewer files, and no bytes to finish it with": (
        {"seen": seen(row(LIBRARY, "other")), "unchanged_for": SETTLED, "uploaded": {}},
        {"incomplete": True},
    ),
}


@pytest.mark.parametrize(("known", "flags"), CONFLICTS.values(), ids=CONFLICTS)
def test_a_version_with_other_content(known: dict[str, Any], flags: dict[str, bool]) -> None:
    with pytest.raises(DifferentContentError) as raised:
        next_step(situation(**known))
    assert {flag: getattr(raised.value, flag) for flag in flags} == flags


def test_other_content_in_a_version_that_this_run_has_enabled_is_disabled_again() -> None:
    now = situation(seen=seen(*OWN, OTHER_TEXT, enabled=True), tried_to_enable=True, **CREATED)
    assert next_step(now).action is Action.DISABLE
    with pytest.raises(DifferentContentError):  # another run has enabled it
        next_step(replace(now, tried_to_enable=False))


def test_an_enabling_without_a_response_settles_before_a_conflict_is_raised() -> None:
    """It may still be carried out, and would release what is mixed."""
    now = situation(
        seen=seen(*OWN, OTHER_TEXT),
        tried_to_enable=True,
        enabling_unanswered_for=9.0,
        **CREATED,
    )
    assert next_step(now).action is Action.WAIT
    with pytest.raises(DifferentContentError):
        next_step(replace(now, enabling_unanswered_for=-1.0))


def test_a_version_disabled_by_somebody_else_stays_disabled() -> None:
    with pytest.raises(ConflictError, match="somebody has disabled"):
        next_step(
            situation(
                seen=seen(*OWN), enable=True, enabled_at="then", acknowledged_for=10.0, **CREATED
            )
        )


def test_a_race_without_enabling_is_busy() -> None:
    with pytest.raises(BusyError):
        next_step(situation(seen=seen(*OWN, *OTHERS), **CREATED))


def test_an_own_row_with_other_content_is_an_integrity_error() -> None:
    with pytest.raises(IntegrityError, match=r"read back, c\.txt"):
        next_step(situation(seen=seen(row(TEXT, content="0" * 64)), **CREATED))


@pytest.mark.parametrize("wrong", [[], {}, None, 7], ids=repr)
def test_an_id_that_is_not_a_string_claims_no_file(wrong: Any) -> None:
    now = situation(seen=seen({**row(LIBRARY), "fileId": wrong}), unchanged_for=UNSETTLED)
    assert next_step(now).action is Action.WAIT


@pytest.mark.parametrize("if_exists", ["skip", "fail"])
@pytest.mark.parametrize(
    ("known", "begun"),
    [
        ({"seen": seen(), "creation": Creation.CREATED}, True),
        ({"seen": seen(row(LIBRARY)), "creation": Creation.CREATED}, True),
        ({"seen": seen(*OWN), "creation": Creation.CREATED}, True),
        ({"seen": seen(*OTHERS), "creation": Creation.CREATING}, False),
        ({"seen": seen(*OTHERS)}, False),
        ({"seen": seen(*OWN), "creation": Creation.CREATED, "finished": True}, False),
        ({"seen": seen(), "creation": Creation.CREATED, "uploaded": {}}, False),
    ],
)
def test_a_begun_release_is_finished_with_any_if_exists(
    known: dict[str, Any], begun: bool, if_exists: str
) -> None:
    now = situation(if_exists=if_exists, **known)
    if begun:
        assert next_step(now).status != "skipped"
    elif if_exists == "skip":
        assert next_step(now).status == "skipped"
    else:
        with pytest.raises(DifferentContentError, match="exists already"):
            next_step(now)
