"""What an interrupted release needs to be finished: which bytes the object store has, and under
which upload ids. Pre-signed URLs are secrets, and are not in it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .errors import BusyError
from .hashing import is_sha256

_FORMAT = 1
REUSE_SECONDS = 12 * 3600.0
"""Bytes sent longer ago are sent again: the run that completes them may itself take hours."""

STALE_SECONDS = 24 * 3600.0
"""Object stores are told to throw away what was never completed, after a day at the soonest."""

_DRAFT_PREFIX, _DRAFT_SUFFIX = ".bindist-release-", ".draft"
_HEAD = f'{{\n "format": {_FORMAT},\n "api_url": '.encode()
"""What every journal, and every draft of one, begins with."""


@dataclass(frozen=True)
class Sent:
    """A file whose bytes the object store has: under which id, which they are, and since when (in
    seconds of Unix time)."""

    upload_id: str
    file_size: int
    checksum: str
    sent_at: float = field(default_factory=time.time, compare=False)

    @property
    def is_fresh(self) -> bool:
        """Whether the store still has the bytes when they are completed."""
        return abs(time.time() - self.sent_at) < REUSE_SECONDS


class Journal:
    """The notes on one release of one version.

    `sent` has the files by name. `begun` is True from just before this release first makes its
    version on the server: a version that is there was made by somebody else unless it is.
    `confirmed` is True once the server has said that it was this release that made it.
    Without a path nothing is kept beyond this run.
    """

    def __init__(self, path: Path | None, address: str, application_id: str, version: str) -> None:
        self._path = path
        self._of = {
            "format": _FORMAT,
            "api_url": address,
            "application_id": application_id,
            "version": version,
        }
        self.begun = self.confirmed = False
        self.sent: dict[str, Sent] = {}
        if path is not None:
            self._read(path)

    @classmethod
    @contextlib.contextmanager
    def opened(
        cls, folder: Path | None, address: str, application_id: str, version: str
    ) -> Iterator[Journal]:
        """The journal of a version in `folder`, which is made where there is none, for this process
        alone. Drops those that are too old to be of use. Raises BusyError where another process is
        at the same release, OSError where the folder cannot be used."""
        if folder is None:
            yield cls(None, address, application_id, version)
            return
        from filelock import FileLock, Timeout

        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _drop_stale(folder)
        path = folder / _name(address, application_id, version)
        lock = FileLock(path.with_suffix(".lock"), timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise BusyError(
                f"another process is uploading version {version} of {application_id}"
            ) from None
        try:
            yield cls(path, address, application_id, version)
        finally:
            with contextlib.suppress(OSError):  # Windows removes no file that is open
                path.with_suffix(".lock").unlink()
            lock.release()

    @classmethod
    def of(cls, folder: Path, address: str, application_id: str, version: str) -> Journal:
        """The same for looking only: not locked, and nothing is dropped."""
        path = folder / _name(address, application_id, version)
        return cls(path, address, application_id, version)

    def begin(self) -> None:
        """Notes that the version is about to be made."""
        self.begun = True
        self._write()

    def confirm(self) -> None:
        """Notes that the server has made the version for this release."""
        self.confirmed = True
        self._write()

    def leave(self) -> None:
        """Notes that the version is somebody else's."""
        self.begun = self.confirmed = False
        self._write()

    def note(self, name: str, sent: Sent) -> None:
        """Notes that the object store has a file."""
        self.sent[name] = sent
        self._write()

    def forget(self) -> None:
        """The release is whole, or cannot be finished: nothing is left to know of it."""
        self.begun = self.confirmed = False
        self.sent = {}
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _read(self, path: Path) -> None:
        try:
            found = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError, RecursionError):
            return
        if not isinstance(found, dict) or {key: found.get(key) for key in self._of} != self._of:
            return
        files = found.get("files")
        self.begun = found.get("begun") is True
        self.confirmed = self.begun and found.get("confirmed") is True
        for name, entry in files.items() if isinstance(files, dict) else ():
            if sent := _sent(entry):
                self.sent[name] = sent

    def _write(self) -> None:
        """Replaces the file as a whole, so that being killed leaves the old one or the new one."""
        if self._path is None:
            return
        files = {name: asdict(sent) for name, sent in self.sent.items()}
        state = {"begun": self.begun, "confirmed": self.confirmed, "files": files}
        text = json.dumps({**self._of, **state}, indent=1)
        descriptor, draft = tempfile.mkstemp(  # mode 0600
            dir=self._path.parent, prefix=_DRAFT_PREFIX, suffix=_DRAFT_SUFFIX
        )
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(self._path)
        except BaseException as error:
            Path(draft).unlink(missing_ok=True)
            if isinstance(error, OSError):  # "File too large" alone could be said of an upload
                error.filename = str(self._path)
            raise


def _sent(entry: Any) -> Sent | None:
    """An entry that can be right; None for any other."""
    try:
        sent = Sent(**entry)
    except TypeError:
        return None
    sound = isinstance(sent.upload_id, str) and sent.upload_id and is_sha256(sent.checksum)
    sound = sound and type(sent.file_size) is int and type(sent.sent_at) is float
    return sent if sound else None


def _name(address: str, application_id: str, version: str) -> str:
    """A name for people, and the digest that makes it one of a kind on every file system."""
    digest = hashlib.sha256("\n".join((address, application_id, version)).encode()).hexdigest()
    return f"{_readable(application_id, version)}-{digest[:16]}.json"


def _readable(application_id: str, version: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{application_id}-{version}")[:100]


def _drop_stale(folder: Path) -> None:
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
    if is_draft and len(content) < len(_HEAD):  # killed before it had written that much
        return _HEAD.startswith(content)
    return content.startswith(_HEAD) and (is_draft or _is_journal(content, path.name))


def _is_journal(content: bytes, name: str) -> bool:
    """Whether `content` is a journal of the release that the file name `name` tells."""
    try:
        found = json.loads(content)
        told = _readable(found["application_id"], found["version"])
    except (ValueError, RecursionError, KeyError):
        return False
    return "files" in found and name[: -len("-0123456789abcdef.json")] == told
