"""What a release is made of, and what is to be done about it: decided here, purely, from the local
files, from what the server has, and from what an interrupted run has noted."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import DifferentContentError
from .hashing import checksums_match, normalize_checksum, sha256_file
from .journal import Sent
from .names import derived_file_type, name_problem
from .response import Json
from .upload import INLINE_LIMIT

IF_EXISTS = ("match", "skip", "fail")
_NOTHING: Mapping[str, Sent] = {}


@dataclass(frozen=True)
class ReleaseFile:
    """A local file of a release: its path, the name it gets, its size in bytes, its type."""

    path: Path
    name: str
    size: int
    file_type: str


@dataclass(frozen=True)
class RemoteVersion:
    """A version as the server has it: its files, and whether it is enabled."""

    files: tuple[Json, ...]
    is_enabled: bool


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    `action` is `create`, `finish` (a version that an interrupted run has begun), `unchanged` or
    `skip`. `files` are all files, in the order of their completion; `send` those whose bytes the
    object store does not have yet, `complete` those that the version does not have yet. `inline`
    sends the one file inside a request. `enable` says whether the version is to be enabled then.
    """

    action: str
    files: tuple[ReleaseFile, ...]
    send: tuple[ReleaseFile, ...] = ()
    complete: tuple[ReleaseFile, ...] = ()
    inline: bool = False
    enable: bool = False

    @property
    def status(self) -> str:
        """What becomes of the version: `created`, `unchanged` or `skipped`."""
        return {"skip": "skipped", "unchanged": "unchanged"}.get(self.action, "created")


def local_files(
    paths: Sequence[Path], *, name: str | None = None, file_type: str | None = None
) -> list[ReleaseFile]:
    """The files of a release, checked as far as that is possible without a request.

    `name` and `file_type` are for a single file. Raises ValueError for what the server would
    refuse, OSError for what cannot be read.
    """
    if (name or file_type) and len(paths) > 1:
        raise ValueError("a name or a type can be given for a single file only")
    files, seen = [], dict[str, Path]()
    for path in paths:
        called = name or path.name
        with path.open("rb"):
            size = path.stat().st_size
        if problem := name_problem(called):
            raise ValueError(f"the file name {called!r} is not allowed: it {problem}")
        if size == 0:
            raise ValueError(f"{path} is empty: the server makes no file of it")
        folded = on_the_server(called).casefold()
        if folded in seen:
            raise ValueError(f"{seen[folded]} and {path} would have the same name")
        seen[folded] = path
        derived = derived_file_type(called)
        if file_type not in (None, derived) and size > INLINE_LIMIT:
            raise ValueError(
                f"{called} will be {derived}: the type of a file over "
                f"{INLINE_LIMIT // 1024 // 1024} MiB comes from its extension"
            )
        files.append(ReleaseFile(path, called, size, file_type or derived))
    if not files:
        raise ValueError("a version needs at least one file")
    return files


def file_checksum(file: ReleaseFile) -> str:
    """The SHA-256 of a local file of a release."""
    return sha256_file(file.path)


def plan(
    files: Sequence[ReleaseFile],
    remote: RemoteVersion | None,
    checksum: Callable[[ReleaseFile], str],
    *,
    if_exists: str = "match",
    enable: bool = False,
    sent: Mapping[str, Sent] = _NOTHING,
    begun: bool = False,
    confirmed: bool = False,
) -> Plan:
    """What is to be done about `files`, given what the server has; changes and asks nothing.

    `sent`, `begun` and `confirmed` are what the journal of an interrupted run knows. `checksum` is
    called only where there is something to compare with. Raises DifferentContentError where the
    server has other content and that is not to be passed over.
    """
    ordered = tuple(sorted(files, key=lambda file: file.file_type == "MAIN"))
    there = {
        file.name for file in files if _was_sent(file, sent.get(on_the_server(file.name)), checksum)
    }
    missing = tuple(file for file in ordered if file.name not in there)
    if remote is None:
        inline = len(files) == 1 and files[0].size <= INLINE_LIMIT
        return Plan("create", ordered, () if inline else missing, ordered, inline, enable)
    found = differences(files, remote.files, checksum)
    lacking = {name for name, server, local in found if server is None and local is not None}
    only_lacking = len(lacking) == len(found) and not remote.is_enabled
    own = confirmed or any(is_own(row, sent) for row in remote.files)
    if begun and not found and (own or if_exists != "fail"):
        return Plan("unchanged", ordered, enable=enable and not remote.is_enabled)
    mine = begun and all(is_own(row, sent) for row in remote.files)
    if mine and only_lacking and lacking <= there:
        rest = tuple(file for file in ordered if file.name in lacking)
        return Plan("finish", ordered, complete=rest, enable=enable)
    if if_exists == "skip":
        return Plan("skip", ordered)
    if if_exists == "fail":
        raise DifferentContentError("exists already", [])
    if found and only_lacking:
        raise DifferentContentError("lacks some of these files", found, incomplete=True)
    if found:
        raise DifferentContentError("exists with different content", found)
    return Plan("unchanged", ordered, enable=enable and not remote.is_enabled)


def _was_sent(file: ReleaseFile, sent: Sent | None, checksum: Callable[[ReleaseFile], str]) -> bool:
    if sent is None or sent.file_size != file.size or not sent.is_fresh:
        return False
    return checksums_match(sent.checksum, checksum(file))


def differences(
    files: Sequence[ReleaseFile],
    remote: Sequence[Json],
    checksum: Callable[[ReleaseFile], str],
) -> list[tuple[str, str | None, str | None]]:
    """(name, checksum on the server, local checksum) for each file that the sides do not share.

    A name that the server has twice is a difference, whatever the bytes.
    """
    there: dict[str, str] = {}
    found: list[tuple[str, str | None, str | None]] = []
    for row in remote:
        name, server = str(row.get("fileName")), normalize_checksum(row.get("checksum"))
        if name in there:
            found.append((name, server, None))
        there.setdefault(name, server)
    for file in files:
        on_server, local = there.pop(on_the_server(file.name), None), checksum(file)
        if on_server is None or not checksums_match(on_server, local):
            found.append((file.name, on_server, local))
    return found + [(name, server, None) for name, server in there.items()]


def is_own(row: Json, sent: Mapping[str, Sent]) -> bool:
    """Whether a file of the server is one that was sent; its id may be anything, even a list."""
    return row.get("fileId") in [each.upload_id for each in sent.values()]


def on_the_server(name: str) -> str:
    """What the server makes of a file's name."""
    return unicodedata.normalize("NFKC", name)


def remembered(checksum: Callable[[ReleaseFile], str]) -> Callable[[ReleaseFile], str]:
    """`checksum`, asked once for each file: reading it takes as long as sending it."""
    known: dict[Path, str] = {}

    def look_up(file: ReleaseFile) -> str:
        if file.path not in known:
            known[file.path] = checksum(file)
        return known[file.path]

    return look_up
