"""Verifying a mirror: every file against its checksum, on all cores, without a network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import IntegrityError, SignatureError
from ..transfer.concurrency import CancellationToken, run_jobs
from ..transfer.hashing import checksums_match, sha256_file
from .layout import Mirror, MirroredVersion

if TYPE_CHECKING:
    from ..signing import TrustedKey
    from ..types import StrPath


@dataclass(frozen=True)
class Verified:
    """A file of a mirror: `status` is `ok`, `different`, `missing`, `extra` (no version has it), or
    `unsigned` (its version is not signed by a trusted key)."""

    application_id: str
    version: str
    file_name: str
    status: str
    path: Path
    size: int = 0


def verify(
    folder: StrPath,
    *,
    applications: Sequence[str] = (),
    trusted_keys: Callable[[str], Iterable[TrustedKey] | None] | None = None,
    report: Callable[[int], None] | None = None,
) -> list[Verified]:
    """Compares every file of a mirror with its checksum; sends no request, and changes nothing.

    Args:
        folder: the mirror.
        applications: only these; default all.
        trusted_keys: returns the keys of the vendor of an application, of which one must have
            signed each version, or None; default None, no signature needed.
        report: called with the number of bytes that were read, from any thread; default None.

    Returns a `Verified` for each file, in the order of their paths. Raises NotADirectoryError for a
    folder that is none, IntegrityError for a broken record.
    """
    mirror = Mirror(Path(folder))
    if not mirror.folder.is_dir():
        raise NotADirectoryError(f"{mirror.folder} is not a folder")
    found: list[Verified] = []
    jobs: list[Callable[[], None]] = []
    for name in applications or mirror.applications():
        known = mirror.versions(name)
        found += _extra_folders(mirror, name, {each.version for each in known})
        for version in known:
            signed = _signed(mirror, version, trusted_keys)
            found += _extra_files(mirror, version)
            jobs += [
                partial(_check, mirror, version, number, signed, found, report)
                for number in range(len(version.files))
            ]
    run_jobs(jobs, os.cpu_count() or 1, CancellationToken())
    return sorted(found, key=lambda each: str(each.path))


def _check(
    mirror: Mirror,
    version: MirroredVersion,
    number: int,
    signed: bool,
    found: list[Verified],
    report: Callable[[int], None] | None,
) -> None:
    file = version.files[number]
    path = mirror.version_folder(version.application_id, version.version) / file.name
    if not path.is_file() or path.is_symlink():
        status = "missing"
    elif path.stat().st_size != file.size or not checksums_match(sha256_file(path), file.checksum):
        status = "different"
    else:
        status = "ok" if signed else "unsigned"
    if report:
        report(file.size)
    found.append(
        Verified(version.application_id, version.version, file.name, status, path, file.size)
    )


def _signed(
    mirror: Mirror,
    version: MirroredVersion,
    trusted_keys: Callable[[str], Iterable[TrustedKey] | None] | None,
) -> bool:
    """Whether a version has the signature that it needs."""
    keys = trusted_keys(version.application_id) if trusted_keys else None
    if keys is None:
        return True
    from .. import signing

    folder = mirror.version_folder(version.application_id, version.version)
    try:
        signed = signing.verify_checksum_list(
            (folder / signing.SUMS_FILE).read_bytes(),
            (folder / signing.SIGNATURE_FILE).read_bytes(),
            keys,
            version.application_id,
            version.version,
        )
        signing.check_signed_files(version.record["files"], signed)
    except (OSError, SignatureError, IntegrityError):
        return False
    return True


def _extra_files(mirror: Mirror, version: MirroredVersion) -> list[Verified]:
    folder = mirror.version_folder(version.application_id, version.version)
    known = {file.name for file in version.files}
    return [
        Verified(version.application_id, version.version, path.name, "extra", path)
        for path in folder.iterdir()
        if path.name not in known
    ]


def _extra_folders(mirror: Mirror, name: str, known: set[str]) -> list[Verified]:
    """Folders beside the versions that belong to none; what a pull has begun is none of them."""
    return [
        Verified(name, path.name, "", "extra", path)
        for path in (mirror.folder / name).iterdir()
        if path.is_dir() and path.name not in known and "+" not in path.name
    ]
