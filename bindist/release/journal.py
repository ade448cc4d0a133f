"""What is kept on disk of a release, so that the same call finishes it after an interruption: which
bytes the object store has, under which upload ids, and how far the version is. Pre-signed URLs are
secrets, and are not in it.

A journal is a file of lines, each a JSON object: the first says which release it is about, and each
event appends one, so that a release of n files costs n lines. The last line may be cut off."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from ..file_system import naming, sync_file
from ..http.response import Json
from ..transfer.hashing import is_sha256
from ..transfer.own_files import locked, replace_whole

_FORMAT = 3
_OLD_FORMAT = 2
"""One JSON object, written anew for each event; is read, and replaced by the first event."""

_SYNC_SECONDS = 1.0
"""How long the record of a file may wait to be flushed to the disk together with others. What is
lost then is sent again; what precedes a write to the server never waits."""

FINISH_SECONDS = 12 * 3600.0
"""A version that exists is finished from bytes that the object store got up to this long ago."""

REUSE_SECONDS = 3600.0
"""A version is made anew from bytes that the object store got up to this long ago."""

STALE_SECONDS = 24 * 3600.0
"""Journals older than this are removed: by then, object stores may drop what was not completed."""

_DRAFT_PREFIX, _DRAFT_SUFFIX = ".bindist-release-", ".draft"
_HEADS = (
    f'{{"format": {_FORMAT}, "api_url": '.encode(),
    f'{{\n "format": {_OLD_FORMAT},\n "api_url": '.encode(),
)
"""What every journal, and every draft of one, begins with one of."""


class Creation(str, Enum):
    """How far this release has come in making its version on the server."""

    ABSENT = "absent"
    """It has not begun to: a version that is there is another's."""
    CREATING = "creating"
    """It has sent a request that makes the version; no response has said that it did."""
    CREATED = "created"
    """The server has said that this release made the version."""


@dataclass(frozen=True)
class ReleaseId:
    """Which release a journal is about."""

    api_url: str
    tenant: str
    """A digest of the part of the key before its dot; empty for a key without one. The hosted
    service has many tenants at one address, each with applications of the same names."""
    application_id: str
    version: str

    @classmethod
    def of(cls, api_url: str, api_key: str, application_id: str, version: str) -> ReleaseId:
        tenant, dot, _ = api_key.partition(".")
        digest = hashlib.sha256(tenant.encode()).hexdigest()[:16] if dot else ""
        return cls(api_url, digest, application_id, version)

    @property
    def file_name(self) -> str:
        """A name for people, and the digest that makes it unique on every file system."""
        digest = hashlib.sha256("\n".join(asdict(self).values()).encode()).hexdigest()
        return f"{_readable(self.application_id, self.version)}-{digest[:16]}.json"


@dataclass(frozen=True)
class UploadedFile:
    """A file whose bytes the object store has: its upload id, its size in bytes, its SHA-256, when
    the store took it, in seconds of Unix time, and whether the store confirmed the bytes' MD5."""

    upload_id: str
    file_size: int
    checksum: str
    uploaded_at: float = field(default_factory=time.time, compare=False)
    confirmed: bool = True

    def is_younger_than(self, seconds: float) -> bool:
        # Either way: what a clock wrote that was ahead would else be young for longer.
        return abs(time.time() - self.uploaded_at) < seconds


class Journal:
    """What is known of one release.

    `files` has the uploaded files by the name that the server gives them. `written_at` is when this
    release sent a write whose response it has not seen; `finished_at` when the release was whole;
    both in seconds of Unix time, None where that is not so. `application_created_at` is the
    server's timestamp of the application that the files were uploaded for. Without a path nothing
    is kept beyond this run.
    """

    def __init__(self, path: Path | None, release: ReleaseId) -> None:
        self._path = path
        self._release = release
        self._descriptor: int | None = None
        self._synced_at = 0.0
        self._reset()
        if path is not None:
            self._read(path)

    def _reset(self) -> None:
        self.creation = Creation.ABSENT
        self.files: dict[str, UploadedFile] = {}
        self.written_at: float | None = None
        self.finished_at: float | None = None
        self.application_created_at: str | None = None

    @classmethod
    @contextlib.contextmanager
    def opened(cls, folder: Path | None, release: ReleaseId) -> Iterator[Journal]:
        """The journal of a release in `folder`, which is made where there is none, for this process
        alone. Removes journals that are too old to be of use. Raises BusyError where another
        process is at the same release, OSError where the folder cannot be used."""
        if folder is None:
            yield cls(None, release)
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_stale(folder)
        path = folder / release.file_name
        busy = f"another process is uploading version {release.version} of {release.application_id}"
        with locked(path.with_suffix(".lock"), busy, mode=0o600):
            journal = cls(path, release)
            try:
                yield journal
            finally:
                journal._close()

    @classmethod
    def read(cls, folder: Path, release: ReleaseId) -> Journal:
        """The journal for looking only: not locked, and nothing is written or removed."""
        journal = cls(folder / release.file_name, release)
        journal._path = None
        return journal

    @property
    def is_blank(self) -> bool:
        """Whether no run of this release has left anything here."""
        return not self.files and self.creation is Creation.ABSENT and self.finished_at is None

    def record_file(self, name: str, file: UploadedFile) -> None:
        """Records that the object store has a file."""
        self.files[name] = file
        durable = time.monotonic() - self._synced_at > _SYNC_SECONDS
        self._append({"file": name, **asdict(file)}, durable=durable)

    def start_write(self) -> None:
        """Records that a request that changes the version is about to be sent."""
        if self.creation is Creation.ABSENT:
            self.creation = Creation.CREATING
        self.written_at, self.finished_at = time.time(), None
        self._write()

    def end_write(self, *, created: bool = False, answered: bool = True) -> None:
        """Records that requests have their responses; `created`: one of them says that the version
        is this release's; `answered`: no request is left without a response."""
        if answered:
            self.written_at = None
        if created:
            self.creation = Creation.CREATED
        self._write()

    def disown(self) -> None:
        """Records that the version is another's."""
        self.creation, self.written_at = Creation.ABSENT, None
        self._write()

    def finish(self) -> None:
        """Records that the release is whole. The upload ids stay for a while, so that the next run
        knows the version's files for its own."""
        self.written_at, self.finished_at = None, time.time()
        if self.files:
            self._write()
        else:
            self.clear()

    def clear(self) -> None:
        """Forgets the release and removes the file."""
        self._reset()
        self._close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _read(self, path: Path) -> None:
        try:
            for entry in _entries(path.read_bytes(), self._release):
                self._take(entry)
        except (FileNotFoundError, ValueError, RecursionError, TypeError, KeyError):
            self._reset()

    def _take(self, entry: Json) -> None:
        """Takes over what a line says."""
        if "file" in entry:
            name = entry.pop("file")
            if isinstance(name, str) and (uploaded := _uploaded_file(entry)):
                self.files[name] = uploaded
            return
        self.creation = Creation(entry["creation"])
        self.written_at = _number(entry.get("written_at"))
        self.finished_at = _number(entry.get("finished_at"))
        created_at = entry.get("application_created_at")
        self.application_created_at = created_at if isinstance(created_at, str) else None

    def _write(self) -> None:
        """Records the state, durably."""
        self._append(self._state(), durable=True)

    def _state(self) -> Json:
        return {
            "creation": self.creation.value,
            "written_at": self.written_at,
            "finished_at": self.finished_at,
            "application_created_at": self.application_created_at,
        }

    def _append(self, entry: Json, *, durable: bool) -> None:
        """Appends a line; the first one of a process, and one after a failure, replaces the file
        as a whole, so that no line comes after one that is cut off."""
        if self._path is None:
            return
        if self._descriptor is None or os.fstat(self._descriptor).st_nlink == 0:
            self._replace(self._path)
            return
        try:
            with naming(self._path):
                _write_all(self._descriptor, _line(entry))
                if durable:
                    sync_file(self._descriptor)
                    self._synced_at = time.monotonic()
        except OSError:
            self._close()
            raise

    def _replace(self, path: Path) -> None:
        self._close()
        head = {"format": _FORMAT, **asdict(self._release)}
        files = ({"file": name, **asdict(file)} for name, file in self.files.items())
        text = b"".join(map(_line, (head, *files, self._state())))
        replace_whole(path, text.decode(), prefix=_DRAFT_PREFIX, suffix=_DRAFT_SUFFIX)
        flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        with naming(path):
            self._descriptor = os.open(path, flags)
        self._synced_at = time.monotonic()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _line(entry: Json) -> bytes:
    return json.dumps(entry).encode() + b"\n"


def _write_all(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]


def _entries(content: bytes, release: ReleaseId) -> list[Json]:
    """What a journal of this release says, line by line; nothing for another one's.

    Raises ValueError, RecursionError, TypeError or KeyError for what is no journal.
    """
    if content.startswith(_HEADS[1]):
        old = json.loads(content)
        _check_head(old, _OLD_FORMAT, release)
        return [old, *({"file": name, **_entry(file)} for name, file in old["files"].items())]
    *lines, _ = content.split(b"\n")  # the last one is empty, or was cut off
    head, *entries = [json.loads(line) for line in lines]
    _check_head(head, _FORMAT, release)
    return entries


def _entry(file: Any) -> Json:
    return file if isinstance(file, dict) else {}


def _check_head(found: Json, number: int, release: ReleaseId) -> None:
    """Raises ValueError or KeyError unless it is the head of the journal of this release."""
    of = {"format": number, **asdict(release)}
    if {key: found[key] for key in of} != of:
        raise ValueError("the journal of another release")


def _number(value: object) -> float | None:
    """A moment; one that makes no sense is now, so that nothing is taken for settled."""
    if value is None:
        return None
    sound = isinstance(value, (int, float)) and math.isfinite(value)
    return float(value) if sound else time.time()  # type: ignore[arg-type]


def _uploaded_file(entry: Any) -> UploadedFile | None:
    """An entry that can be right; None for any other."""
    try:
        file = UploadedFile(**entry)
    except TypeError:
        return None
    sound = isinstance(file.upload_id, str) and file.upload_id and is_sha256(file.checksum)
    sound = sound and type(file.file_size) is int and type(file.uploaded_at) is float
    return file if sound and type(file.confirmed) is bool else None


def _readable(application_id: str, version: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{application_id}-{version}")[:100]


def _remove_stale(folder: Path) -> None:
    """Removes the journals and drafts that are too old to be of use, and nothing else: the caller
    of `publish` chooses the folder, and may keep files of their own in it."""
    now = time.time()
    for path in [*folder.glob("*.json"), *folder.glob(f"{_DRAFT_PREFIX}*{_DRAFT_SUFFIX}")]:
        with contextlib.suppress(OSError):
            # Either way: what a clock wrote that was ahead would else be young for longer.
            if abs(now - path.lstat().st_mtime) > STALE_SECONDS and _is_ours(path):
                path.unlink()


def _is_ours(path: Path) -> bool:
    """Whether both the name and the content are those of a journal or of the draft of one."""
    is_draft = path.name.endswith(_DRAFT_SUFFIX)
    named = is_draft or re.search(r"-[0-9a-f]{16}\.json\Z", path.name)
    if not named or not stat.S_ISREG(path.lstat().st_mode):
        return False
    content = path.read_bytes()
    if is_draft and len(content) < len(_HEADS[0]):  # killed before it had written that much
        return any(head.startswith(content) for head in _HEADS)
    return content.startswith(_HEADS) and (is_draft or _is_journal(content, path.name))


def _is_journal(content: bytes, name: str) -> bool:
    """Whether `content` is a journal of the release that the file name `name` tells."""
    try:
        old = content.startswith(_HEADS[1])
        found = json.loads(content if old else content.split(b"\n", 1)[0])
        told = _readable(found["application_id"], found["version"])
    except (ValueError, RecursionError, KeyError):
        return False
    return name[: -len("-0123456789abcdef.json")] == told
