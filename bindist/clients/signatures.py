"""The signature of a version: its two files, fetched or cached, and what they prove."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..errors import SignatureError
from ..file_system import replace_file
from ..http.response import Json, count_in, text_in
from ..signing import (
    MAX_BYTES,
    SignedChecksums,
    TrustedKey,
    check_signed_files,
    signature_rows,
    verify_checksum_list,
)
from ..transfer.hashing import checksums_match, is_sha256, sha256_bytes


class SignatureFiles:
    """The files of signatures, by their rows; `fetch` downloads one by its id, which counts a
    download. With a `folder`, each is kept there under its checksum."""

    def __init__(self, fetch: Callable[[str], bytes], folder: Path | None) -> None:
        self._fetch = fetch
        self._folder = folder

    def read(self, row: Json) -> bytes:
        """The content of a file. Raises SignatureError for one that is too large."""
        if count_in(row, "fileSize") > MAX_BYTES:
            raise SignatureError(f"{row.get('fileName')} is larger than {MAX_BYTES} bytes")
        path = self._path(row)
        content = _cached(path, row) if path else None
        if content is None:
            content = self._fetch(text_in(row, "fileId"))
            if path:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                replace_file(path, content, path.with_name(f"{path.name}.{os.getpid()}.draft"))
        return content

    def _path(self, row: Json) -> Path | None:
        checksum = row.get("checksum")
        return self._folder / str(checksum) if self._folder and is_sha256(checksum) else None


def _cached(path: Path, row: Json) -> bytes | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if checksums_match(sha256_bytes(content), row.get("checksum")) else None


def verified(
    rows: Sequence[Json],
    files: SignatureFiles,
    keys: Iterable[TrustedKey | str],
    application_id: str,
    version: str,
) -> SignedChecksums:
    """What the signature of a version says; see `CustomerClient.signed_checksums`."""
    trusted = [key if isinstance(key, TrustedKey) else TrustedKey.read(key) for key in keys]
    found = signature_rows(rows)
    if found is None:
        raise SignatureError(f"version {version} of {application_id} is not signed")
    sums, signature = (files.read(row) for row in found)
    signed = verify_checksum_list(sums, signature, trusted, application_id, version)
    check_signed_files(rows, signed)
    return signed
