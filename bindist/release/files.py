"""The files of a release: what they are here, and which of them the server has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import IntegrityError
from ..file_names import derived_file_type, name_problem, server_name
from ..http.response import Json
from ..release_notes import check_description
from ..transfer.config import DEFAULTS, MIB, check_upload_size
from ..transfer.file_rows import distinct_files
from ..transfer.hashing import checksums_match, normalize_checksum, sha256_file

Checksum = Callable[["ReleaseFile"], str]
"""Gives the SHA-256 of a local file, in hex."""

Difference = tuple[str, str | None, str | None]
"""(file name, checksum on the server, local checksum); None where a side does not have the file."""


@dataclass(frozen=True)
class ReleaseFile:
    """A local file of a release: its path, the name it gets, its size in bytes, its type, and its
    description, empty for none.

    `fits_inline` tells that it can go to the server in one request, if it is the only one;
    `goes_inline` that it has to, since the object store takes no uploads.
    """

    path: Path
    name: str
    size: int
    file_type: str
    description: str = ""
    fits_inline: bool = False
    goes_inline: bool = False

    @property
    def server_name(self) -> str:
        """The name as the server stores it, in Unicode's form NFKC."""
        return server_name(self.name)

    def as_row(self) -> Json:
        """What a list of files says of it, without the checksum."""
        return {"fileName": self.name, "fileType": self.file_type, "fileSize": self.size}

    @property
    def needs_inline(self) -> bool:
        """Whether the file goes inline: only that gives it a description, or another type than its
        extension does."""
        if self.goes_inline or self.description:
            return True
        return self.file_type != derived_file_type(self.name)


def local_files(
    paths: Sequence[Path],
    *,
    name: str | None = None,
    file_type: str | None = None,
    description: str | None = None,
    inline_limit: int = DEFAULTS.inline_limit,
    upload_limit: int = DEFAULTS.upload_limit,
) -> list[ReleaseFile]:
    """The files of a release, checked as far as that is possible without a request.

    `name`, `file_type` and `description` are for a single file. Raises ValueError for what the
    server would refuse, OSError for what cannot be read.
    """
    if (name or file_type or description) and len(paths) > 1:
        raise ValueError("a name, a type or a description can be given for a single file only")
    check_description(description)
    files, seen = [], dict[str, Path]()
    for path in paths:
        called = name or path.name
        with path.open("rb"):
            size = path.stat().st_size
        if problem := name_problem(called):
            raise ValueError(f"the file name {called!r} is not allowed: it {problem}")
        if size == 0:
            raise ValueError(f"{path} is empty: the server makes no file of it")
        check_upload_size(path, size, upload_limit)
        check_derived_type(called, size, file_type, inline_limit)
        if description and size > inline_limit:
            raise ValueError(
                f"{called} is larger than {inline_limit / MIB:g} MiB: it can have no description"
            )
        of_type = file_type or derived_file_type(called)
        fits = size <= inline_limit
        file = ReleaseFile(path, called, size, of_type, description or "", fits)
        folded = file.server_name.casefold()
        if folded in seen:
            raise ValueError(f"{seen[folded]} and {path} would have the same name")
        seen[folded] = path
        files.append(file)
    if not files:
        raise ValueError("a version needs at least one file")
    return files


def check_derived_type(file_name: str, size: int, file_type: str | None, inline_limit: int) -> None:
    """Raises ValueError for a type that the server would not give a file of that name and size."""
    derived = derived_file_type(file_name)
    if file_type not in (None, derived) and size > inline_limit:
        raise ValueError(
            f"{file_name} will be {derived}: the type of a file over "
            f"{inline_limit / MIB:g} MiB comes from its extension, not {file_type}"
        )


def completion_order(files: Sequence[ReleaseFile]) -> tuple[ReleaseFile, ...]:
    """The MAIN files last, and last of all the one named first.

    The version takes its own size and checksum from the last completion: by them it tells which
    file is meant where none is named.
    """
    main = main_files(files)[0]
    others = sorted(files, key=lambda file: file.file_type == "MAIN")
    return (*(file for file in others if file is not main), main)


def main_files(files: Sequence[ReleaseFile]) -> list[ReleaseFile]:
    """The MAIN files, or all where none is MAIN."""
    return [file for file in files if file.file_type == "MAIN"] or list(files)


def file_checksum(file: ReleaseFile) -> str:
    """The SHA-256 of a local file of a release."""
    return sha256_file(file.path)


class Checksums:
    """The SHA-256 of local files, each read once at most: that takes as long as sending it.

    `read` is what computes a checksum; default `file_checksum`.
    """

    def __init__(self, read: Checksum = file_checksum) -> None:
        self._read = read
        self._known: dict[Path, str] = {}

    def __call__(self, file: ReleaseFile) -> str:
        """The checksum of a file, in hex; raises OSError where it cannot be read."""
        if file.path not in self._known:
            self._known[file.path] = self._read(file)
        return self._known[file.path]

    def note_sent(self, file: ReleaseFile, checksum: str) -> None:
        """Takes over the checksum of the bytes that were sent of a file, hashed on their way."""
        self._known[file.path] = checksum


def check_expected(file: ReleaseFile, checksum: str, expected: Mapping[str, str]) -> None:
    """Raises IntegrityError where `expected`, by the server's names, has another checksum."""
    wanted = expected.get(file.server_name)
    if wanted is not None and not checksums_match(wanted, checksum):
        raise IntegrityError(
            f"{file.path} is not the file that was expected: "
            f"its SHA-256 is {checksum}, listed is {normalize_checksum(wanted)}"
        )


def compare(
    files: Sequence[ReleaseFile],
    rows: Sequence[Json],
    checksum: Checksum,
) -> tuple[tuple[ReleaseFile, ...], list[Difference]]:
    """The local files that the version lacks, and the differences that no upload can remove.

    Rows of one name and one checksum are one file. A name with two checksums is a difference.
    """
    try:
        there = _by_name(distinct_files(rows))
    except IntegrityError:
        return (), _ambiguous(files, rows, checksum)
    missing: list[ReleaseFile] = []
    different: list[Difference] = []
    for file in files:
        on_server = there.pop(file.server_name, None)
        if on_server is None:
            missing.append(file)
        elif not checksums_match(on_server, checksum(file)):
            different.append((file.name, on_server, checksum(file)))
    different += [(name, found, None) for name, found in there.items()]
    return tuple(missing), different


def _by_name(rows: Sequence[Json]) -> dict[str, str]:
    return {str(row.get("fileName")): normalize_checksum(row.get("checksum")) for row in rows}


def _ambiguous(
    files: Sequence[ReleaseFile],
    rows: Sequence[Json],
    checksum: Checksum,
) -> list[Difference]:
    local = {file.server_name: checksum(file) for file in files}
    found: list[Difference] = []
    for row in rows:
        name, on_server = str(row.get("fileName")), normalize_checksum(row.get("checksum"))
        if not checksums_match(local.get(name), on_server):
            found.append((name, on_server, local.get(name)))
    return found
