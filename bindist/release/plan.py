"""The next step of a release, decided purely: from the local files, from the version as the server
showed it last, and from what this release has done so far.

The server is not atomic, and none of its writes has a condition. What keeps a version whole:

- Each run reserves the version number before it completes a file, by making the empty version:
  the server refuses a run that begins later, and a run that began at the same moment sees it.
- A run that finds the rows of another run in a version writes nothing to it until nothing has been
  written for `settle` seconds: only then can no request of the other run be under way any more.
- A run completes its first and its last file one after the other, and a single one twice, before
  it reads back: two runs that have reserved the number at the same moment then see the files of
  each other, unless a request takes longer than three.
- A run enables only what it has read back as exactly its own content, after each of its own writes
  was answered, or `settle` seconds after the last one that was not.
- A version that is enabled is never completed again: that would disable and change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ..choices import IfExists
from ..errors import BusyError, DifferentContentError, IntegrityError
from ..http.response import Json, failure
from ..transfer.hashing import checksums_match
from .files import Checksum, Difference, ReleaseFile, compare
from .journal import FINISH_SECONDS, REUSE_SECONDS, Creation, UploadedFile
from .observation import Observation
from .ownership import by_upload_id, foreign_rows, own_upload
from .results import ReleaseStatus

LAGGING = "the server does not show yet what it has acknowledged"
VISIBLE_SECONDS = 5.0
"""How long a read may lag behind a write that the server has answered."""


class Action(Enum):
    """What a run does next."""

    SEND = "send the bytes of `files` to the object store"
    RESERVE = "make the version, still empty"
    UPLOAD_INLINE = "make the version of one file inside the request"
    COMPLETE = "complete the uploads of `files`"
    WAIT = "wait up to `seconds`, for `reason`, and read again"
    CHECK_BYTES = "show that the object store has the bytes of `files`"
    ENABLE = "enable the version"
    DISABLE = "disable the version that this run has enabled"
    DONE = "end with `status`"


@dataclass(frozen=True)
class Step:
    """One step of a release; what its action does not need is empty. `status` tells what becomes of
    the version: None as long as it is not whole."""

    action: Action
    files: tuple[ReleaseFile, ...] = ()
    seconds: float = 0.0
    reason: str = ""
    status: ReleaseStatus | None = None
    twice: bool = False


@dataclass(frozen=True)
class Situation:
    """What a run knows when it decides. Times are in seconds.

    `files` are in the order of their completion. `uploaded` has the files whose bytes the object
    store has, by their names on the server. `finished` tells that an earlier run has ended well.
    `wrote` tells that this run has changed the version. `acknowledged` are the files whose
    completion the server has answered, and `acknowledged_for` how long ago the last answer to a
    write came. `unanswered_for` is how long a request without a response may still be carried out,
    `creation_unanswered_for` the same for one that must not be sent again meanwhile,
    `enabling_unanswered_for` for one that enables the version.
    `unchanged_for` is how long the version has been as it is. `enabled_at` is the `createdAt` of
    the version that this run enabled, None where no response says that it has; `tried_to_enable`
    tells that it has asked for that. `unchecked` are the files whose bytes an earlier run sent.
    `refused` is the server's refusal to make the version. `no_reservation` tells that this server
    makes no empty versions. `name` is what messages call the version.
    """

    files: tuple[ReleaseFile, ...]
    checksum: Checksum
    seen: Observation | None
    uploaded: Mapping[str, UploadedFile]
    creation: Creation = Creation.ABSENT
    finished: bool = False
    if_exists: IfExists = "match"
    enable: bool = False
    settle: float = 60.0
    wrote: bool = False
    acknowledged: frozenset[str] = frozenset()
    acknowledged_for: float = 0.0
    unanswered_for: float = 0.0
    creation_unanswered_for: float = 0.0
    enabling_unanswered_for: float = 0.0
    unchanged_for: float = 0.0
    enabled_at: str | None = None
    tried_to_enable: bool = False
    unchecked: tuple[ReleaseFile, ...] = ()
    refused: Exception | None = None
    no_reservation: bool = False
    name: str = "the version"

    @property
    def is_inline(self) -> bool:
        return len(self.files) == 1 and self.files[0].needs_inline

    @property
    def lag_left(self) -> float:
        """How long reads may still lag behind what the server has answered."""
        return min(self.settle, VISIBLE_SECONDS) - self.acknowledged_for

    def has_bytes(self, file: ReleaseFile, seconds: float) -> bool:
        """Whether the object store has the bytes that the file has now, from `seconds` ago on."""
        known = self.uploaded.get(file.server_name)
        return (
            known is not None
            and known.file_size == file.size
            and known.is_younger_than(seconds)
            and checksums_match(known.checksum, self.checksum(file))
        )


def next_step(now: Situation) -> Step:
    """What to do next.

    Raises DifferentContentError where the version has other content and that is not to be passed
    over, ConflictError where another has made, or disabled, it, BusyError where another run is at
    it, IntegrityError where the server has lost what it acknowledged.
    """
    if now.seen is None:
        return _make(now)
    return _continue(now, now.seen)


def _make(now: Situation) -> Step:
    """There is no such version, or none that can be seen."""
    if now.refused or now.acknowledged:
        if now.lag_left > 0:
            return _wait(now.lag_left, LAGGING)
        raise now.refused or IntegrityError("the server does not show what it has acknowledged")
    if not now.is_inline:
        unsent = tuple(file for file in now.files if not now.has_bytes(file, REUSE_SECONDS))
        if unsent:
            return Step(Action.SEND, unsent)
    if now.creation_unanswered_for > 0:
        return _wait(now.creation_unanswered_for, _UNANSWERED)
    if now.is_inline:
        return Step(Action.UPLOAD_INLINE, now.files)
    if now.creation is not Creation.CREATED and not now.no_reservation:
        return Step(Action.RESERVE)
    return _complete(now, now.files)


def _continue(now: Situation, seen: Observation) -> Step:
    """There is the version."""
    if now.if_exists != "match" and not _has_begun(now, seen):
        if now.if_exists == "skip":
            return Step(Action.DONE, status="skipped")
        raise DifferentContentError(f"{now.name} exists already", [])
    _check_own_rows(now, seen)
    missing, different = compare(now.files, seen.rows, now.checksum)
    if different:
        return _conflict(now, seen, different, mixed=_is_mixed(now, seen))
    return _fill(now, seen, missing) if missing else _release(now, seen)


def _has_begun(now: Situation, seen: Observation) -> bool:
    """Whether this release has begun to make the version of these files, and has not ended."""
    made = (
        len(_foreign(now, seen)) < len(seen.rows)
        or now.creation is Creation.CREATED
        or (now.creation is Creation.CREATING and not seen.rows)
    )
    if now.finished or not made:
        return False
    return now.is_inline or all(now.has_bytes(file, FINISH_SECONDS) for file in now.files)


def _check_own_rows(now: Situation, seen: Observation) -> None:
    """Raises IntegrityError where a row that this release made is not what it completed."""
    uploads = by_upload_id(now.uploaded)
    for row in seen.rows:
        own = own_upload(row, uploads)
        if own is None:
            continue
        name, uploaded = own
        if row.get("fileName") != name or not checksums_match(
            row.get("checksum"), uploaded.checksum
        ):
            raise IntegrityError(
                f"read back, {name} is {row.get('fileName')!r:.300} with checksum "
                f"{row.get('checksum')!r:.80}; the version is not enabled"
            )


def _conflict(
    now: Situation, seen: Observation, different: list[Difference], *, mixed: bool
) -> Step:
    what = "has the files of another run, too" if mixed else "exists with different content"
    error = DifferentContentError(f"{now.name} {what}", different, mixed=mixed)
    if now.tried_to_enable and seen.is_enabled:
        return Step(Action.DISABLE)
    if now.enabling_unanswered_for > 0:
        return _wait(now.enabling_unanswered_for, _UNANSWERED)
    raise error


def _fill(now: Situation, seen: Observation, missing: tuple[ReleaseFile, ...]) -> Step:
    """All that is there is right, and some files are missing."""
    foreign = _foreign(now, seen)
    differences: list[Difference] = [(file.name, None, now.checksum(file)) for file in missing]
    if seen.is_enabled:
        raise DifferentContentError(f"{now.name} exists with different content", differences)
    lagging = [file for file in missing if file.server_name in now.acknowledged]
    if lagging and now.lag_left > 0:
        return _wait(now.lag_left, LAGGING)
    if now.creation_unanswered_for > 0:
        return _wait(now.creation_unanswered_for, _UNANSWERED)
    is_own = now.creation is Creation.CREATED and not foreign
    if not is_own and _unsettled(now) > 0:
        return _wait(_unsettled(now), _ANOTHER_RUN)
    if _may_be_whole(now, foreign):
        mixed = _is_mixed(now, seen)
        raise DifferentContentError(f"{now.name} exists with fewer files", differences, mixed=mixed)
    # A version of another run may be whole as it is, unless both have reserved the number.
    is_others = bool(foreign) and now.creation is not Creation.CREATED
    if (
        is_others
        or now.is_inline
        or not all(now.has_bytes(file, FINISH_SECONDS) for file in missing)
    ):
        raise DifferentContentError(
            f"{now.name} lacks some of these files", differences, incomplete=True
        )
    return _complete(now, missing)


def _release(now: Situation, seen: Observation) -> Step:
    """The version has exactly the files of this release."""
    foreign = _foreign(now, seen)
    if now.wrote and _may_be_whole(now, foreign) and not _is_all(now, foreign):
        return _conflict(now, seen, [], mixed=True)
    raced = now.wrote and bool(foreign)
    done = Step(Action.DONE, status="created" if now.wrote else "unchanged")
    if seen.is_enabled:
        if raced and _unsettled(now) > 0:
            return _wait(_unsettled(now), _ANOTHER_RUN, _WHOLE)
        return done
    if now.enabled_at == seen.created_at:
        if now.lag_left > 0:
            return _wait(now.lag_left, LAGGING, _WHOLE)
        failure(409, "somebody has disabled the version; it is left so").raise_for_error()
    if now.unchecked:
        return Step(Action.CHECK_BYTES, now.unchecked)
    if not now.wrote and not now.enable:
        return done
    if raced and not now.enable:
        raise BusyError(
            "another run has made this version at the same time: it is whole, and this run has "
            "disabled it again if it was enabled"
        )
    if now.unanswered_for > 0:
        return _wait(now.unanswered_for, _UNANSWERED, _WHOLE)
    if (foreign or now.enabled_at is not None) and _unsettled(now) > 0:
        return _wait(_unsettled(now), _ANOTHER_RUN, _WHOLE)
    if (now.wrote or not foreign) and not _record_is_right(now, seen):
        if now.lag_left > 0 and now.acknowledged:
            return _wait(now.lag_left, LAGGING, _WHOLE)
        return _complete(now, now.files[-1:])
    return Step(Action.ENABLE) if now.enable else done


def _complete(now: Situation, missing: tuple[ReleaseFile, ...]) -> Step:
    """Completes what is missing; the last file of the release alone, when no other is missing.

    Where this run has completed no other, that one twice, which leaves it as it is: the first shows
    it to runs that look from then on, and a run that looked before has ended its own completion
    when the second is answered, so that the next look sees its file.
    """
    others = tuple(file for file in missing if file != now.files[-1])
    twice = not others and not now.acknowledged
    return Step(Action.COMPLETE, others or missing, twice=twice)


def _foreign(now: Situation, seen: Observation) -> list[Json]:
    """The rows that this release has not made."""
    uploads = by_upload_id(now.uploaded)
    return foreign_rows(seen.rows, uploads, is_inline=now.is_inline, creation=now.creation)


def _may_be_whole(now: Situation, foreign: list[Json]) -> bool:
    """Whether another run has completed all that it wanted, which is less than this run wants."""
    if now.files[-1].file_type != "MAIN":
        return bool(foreign)
    return any(row.get("fileType") == "MAIN" for row in foreign)  # it is completed last


def _is_mixed(now: Situation, seen: Observation) -> bool:
    """Whether the version has rows of this release and of another."""
    return 0 < len(_foreign(now, seen)) < len(seen.rows)


def _is_all(now: Situation, rows: list[Json]) -> bool:
    """Whether these rows alone make the release whole."""
    missing, different = compare(now.files, rows, now.checksum)
    return not missing and not different


def _unsettled(now: Situation) -> float:
    """How long a request of another run may still be under way."""
    return now.settle - now.unchanged_for


def _record_is_right(now: Situation, seen: Observation) -> bool:
    """Whether the version's record has the size of the file that is completed last; where another
    request has written the record since, the version says something else of itself."""
    size = now.files[-1].size
    return bool(seen.record.get("fileSize", size) == size)


def _wait(seconds: float, reason: str, status: ReleaseStatus | None = None) -> Step:
    return Step(Action.WAIT, seconds=seconds, reason=reason, status=status)


_WHOLE: ReleaseStatus = "unchanged"
_UNANSWERED = "a request that got no response may still be carried out"
_ANOTHER_RUN = "another run may still be writing to this version"
