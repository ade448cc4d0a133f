"""The folder of a mirror: which files are where, and what it remembers of them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BusyError, IntegrityError
from ..file_names import name_problem
from ..file_system import exclusive_lock, replace_file, sync_folder
from ..http.response import Json
from ..transfer.hashing import is_sha256

INDEX = "index.json"
STATE = ".bindist-mirror.json"
LOCK = ".bindist-mirror.lock"
FORMAT = 1
_RECORD, _SUMS = "+version.json", "+SHA256SUMS"
_INCOMING, _REPLACED = "+incoming", "+replaced"

Stamp = tuple[int, int, int]
"""Size in bytes, time of the last change in ns, and inode of a file when it was verified."""


@dataclass(frozen=True)
class MirroredFile:
    """A file of a mirrored version: its name, size in bytes, SHA-256 in hex, and type."""

    name: str
    size: int
    checksum: str
    file_type: str


@dataclass(frozen=True)
class MirroredVersion:
    """A version that a mirror has. `record` is the server's version with its `files`."""

    application_id: str
    version: str
    record: Json

    @property
    def files(self) -> list[MirroredFile]:
        return [
            MirroredFile(row["fileName"], row["fileSize"], row["checksum"].lower(), row["fileType"])
            for row in self.record["files"]
        ]


class Mirror:
    """The folder of a mirror."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stamps: dict[str, Stamp] = {}
        self._lock = threading.Lock()

    # Paths

    def version_folder(self, application_id: str, version: str) -> Path:
        return self.folder / application_id / version

    def incoming_folder(self, application_id: str, version: str) -> Path:
        """Where a version is put together; it gets its name when it is whole."""
        return self.folder / application_id / f"{version}{_INCOMING}"

    def record_path(self, application_id: str, version: str) -> Path:
        return self.folder / application_id / f"{version}{_RECORD}"

    def sums_path(self, application_id: str, version: str) -> Path:
        return self.folder / application_id / f"{version}{_SUMS}"

    # What is there

    def applications(self) -> list[str]:
        """The applications that have a folder, in alphabetical order."""
        return sorted(each.name for each in self.folder.iterdir() if each.is_dir())

    def versions(self, application_id: str) -> list[MirroredVersion]:
        """The versions of an application that have their folder, in alphabetical order.

        Raises IntegrityError for a record that cannot be read.
        """
        found = []
        for path in sorted((self.folder / application_id).glob(f"*{_RECORD}")):
            version = path.name.removesuffix(_RECORD)
            if self.version_folder(application_id, version).is_dir():
                found.append(MirroredVersion(application_id, version, read_record(path)))
        return found

    def find(self, application_id: str, version: str) -> MirroredVersion | None:
        path = self.record_path(application_id, version)
        if not self.version_folder(application_id, version).is_dir() or not path.is_file():
            return None
        return MirroredVersion(application_id, version, read_record(path))

    def put_record(self, application_id: str, version: str, record: Mapping[str, Any]) -> None:
        """Writes what the server says of a version, and its checksums."""
        lines = [
            f"{row['checksum'].lower()}  {version}/{row['fileName']}\n" for row in record["files"]
        ]
        write(self.sums_path(application_id, version), "".join(sorted(lines)))
        write(self.record_path(application_id, version), json_text(record))

    def publish(self, application_id: str, version: str) -> None:
        """Gives a version that is whole its name."""
        folder = self.version_folder(application_id, version)
        replaced = folder.with_name(f"{version}{_REPLACED}")
        if replaced.exists():  # left by a pull that was killed right here
            shutil.rmtree(replaced)
        if folder.exists():
            folder.rename(replaced)
        self.incoming_folder(application_id, version).rename(folder)
        sync_folder(folder.parent)
        if replaced.exists():
            shutil.rmtree(replaced)

    # What was verified

    def load_stamps(self) -> None:
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            found = json.loads((self.folder / STATE).read_bytes())
            if found["format"] == FORMAT:
                self._stamps = {name: tuple(stamp) for name, stamp in found["verified"].items()}

    def save_stamps(self) -> None:
        state = {"format": FORMAT, "verified": self._stamps}
        write(self.folder / STATE, json.dumps(state, separators=(",", ":")))

    def is_verified(self, path: Path) -> bool:
        """Whether a file is as it was when its checksum was verified."""
        return stamp_of(path) == self._stamps.get(self._key(path), ())

    def note_verified(self, path: Path, at: Path | None = None) -> None:
        """Notes that a file has the right checksum; it will be at `at`."""
        if stamp := stamp_of(path):
            with self._lock:
                self._stamps[self._key(at or path)] = stamp

    def forget(self, path: Path) -> None:
        with self._lock:
            self._stamps.pop(self._key(path), None)

    def _key(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder for this process; creates it if necessary. Raises BusyError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with exclusive_lock(self.folder / LOCK):
                yield
        except BlockingIOError as error:
            raise BusyError(f"another process is changing the mirror {self.folder}") from error


def stamp_of(path: Path) -> Stamp | None:
    """None for what is no regular file."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ino)


def read_record(path: Path) -> Json:
    """Raises IntegrityError for a file that is no record of a version."""
    try:
        found = json.loads(path.read_bytes())
        sound = all(map(_is_row, found["files"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path} is not the record of a version") from error
    if not sound:
        raise IntegrityError(f"{path} is not the record of a version")
    return dict(found)


def _is_row(row: Json) -> bool:
    name, size = row["fileName"], row["fileSize"]
    sound = isinstance(name, str) and not name_problem(name) and isinstance(size, int)
    return sound and is_sha256(row["checksum"]) and isinstance(row["fileType"], str)


def read_index(path: Path) -> list[Json]:
    """The applications in the index of a mirror; none if there is no index."""
    try:
        found = json.loads(path.read_bytes())
        return [dict(app) for app in found["applications"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path} is not the index of a mirror") from error


def json_text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write(path: Path, text: str) -> None:
    """Replaces a file as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    replace_file(path, text.encode(), draft)
