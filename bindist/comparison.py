"""Files and versions compared: which version a file is of, and what changed between two.

changes = compare_files(client.list_version_files("acme", "1.0").rows("files"),
                        client.list_version_files("acme", "1.1").rows("files"))
print([change.file_name for change in changes if change.status == "changed"])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .file_names import server_name
from .transfer.file_rows import distinct_files
from .transfer.hashing import checksums_match, normalize_checksum

if TYPE_CHECKING:
    from .types import Version

__all__ = [
    "ChangeStatus",
    "FileChange",
    "FileOccurrence",
    "IdentifiedFile",
    "VersionComparison",
    "compare_files",
]

ChangeStatus = Literal["changed", "added", "removed", "same"]
_ORDER: tuple[ChangeStatus, ...] = ("changed", "added", "removed", "same")


@dataclass(frozen=True)
class FileChange:
    """One file in two versions, with its sizes (bytes) and SHA-256 checksums (lower-case hex).

    `status` is `changed`, `added`, `removed` or `same`. What belongs to a version without the file,
    or what the server does not give, is None.
    """

    file_name: str
    status: ChangeStatus
    old_size: int | None
    new_size: int | None
    old_checksum: str | None
    new_checksum: str | None


@dataclass(frozen=True)
class VersionComparison:
    """What `compare_versions` found: the files, and the versions after the older one.

    `files` are ordered by status (changed, added, removed, same), then by name. `versions` are
    those higher than the lower one of both and not higher than the other, the highest first; each
    has its `releaseNotes`.
    """

    application_id: str
    old_version: str
    new_version: str
    files: list[FileChange]
    versions: list[Version]

    def names(self, status: ChangeStatus) -> list[str]:
        """Returns the names of the files with this status."""
        return [each.file_name for each in self.files if each.status == status]


@dataclass(frozen=True)
class FileOccurrence:
    """A file of a version that has the checksum of a local file.

    `file_name` is its name on the server. `is_enabled` is the state of the version now, and `newer`
    counts the enabled versions of the application that are higher.
    """

    application_id: str
    version: str
    file_name: str
    file_id: str
    is_enabled: bool
    newer: int


@dataclass(frozen=True)
class IdentifiedFile:
    """What `identify_files` found out about one local file, of `file_size` bytes.

    `checksum` is its SHA-256 in lower-case hex; None where no file on the server has its size, and
    it was not read. `found` has the highest version of each application first, and is empty for a
    file that is in no version that was searched. `complete` is False if the server may have left
    versions out of a list (`bindist.rows.may_be_cut`), so that not all were searched.
    """

    path: Path
    file_size: int
    checksum: str | None
    found: list[FileOccurrence]
    complete: bool = True


def compare_files(
    old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]
) -> list[FileChange]:
    """Compares two file lists, as `list_version_files` returns them, by name and checksum.

    Names are compared in the form in which the server stores them. Returns a `FileChange` for each
    file, ordered by status (changed, added, removed, same), then by name. Two files without a
    checksum are `changed`. Raises IntegrityError for a list in which one name has two checksums.
    """
    before, after = ({_key(row): row for row in distinct_files(rows)} for rows in (old, new))
    changes = [_change(before.get(key), after.get(key)) for key in {**before, **after}]
    return sorted(changes, key=lambda each: (_ORDER.index(each.status), each.file_name))


def _key(row: Mapping[str, Any]) -> str:
    return server_name(str(row.get("fileName")))


def _change(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> FileChange:
    def of(row: Mapping[str, Any] | None, key: str) -> Any:
        return None if row is None else row.get(key)

    status: ChangeStatus
    if old is None or new is None:
        status = "added" if old is None else "removed"
    else:
        alike = checksums_match(old.get("checksum"), new.get("checksum"))
        status = "same" if alike else "changed"
    return FileChange(
        str(of(new or old, "fileName")),
        status,
        of(old, "fileSize"),
        of(new, "fileSize"),
        normalize_checksum(of(old, "checksum")) or None,
        normalize_checksum(of(new, "checksum")) or None,
    )
