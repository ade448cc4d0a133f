"""The signature of a version: its two files, fetched or cached, and what they prove."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..errors import SignatureError
from ..http.response import Json, count_in, text_in
from ..signing import (
    MAX_BYTES,
    SignedChecksums,
    TrustedKey,
    cached_file,
    check_signed_files,
    keep_file,
    signature_rows,
    verify_checksum_list,
)


def verified(
    rows: Sequence[Json],
    fetch: Callable[[str], bytes],
    cache: Path | None,
    keys: Iterable[TrustedKey | str],
    application_id: str,
    version: str,
) -> SignedChecksums:
    """What the signature of a version says; see `CustomerClient.signed_checksums`.

    `fetch` downloads a file by its id, which counts a download.
    """

    def read(row: Json) -> bytes:
        if count_in(row, "fileSize") > MAX_BYTES:
            raise SignatureError(f"{row.get('fileName')} is larger than {MAX_BYTES} bytes")
        content = cached_file(cache, row) if cache else None
        if content is None:
            content = fetch(text_in(row, "fileId"))
            if cache:
                keep_file(cache, row, content)
        return content

    trusted = [key if isinstance(key, TrustedKey) else TrustedKey.read(key) for key in keys]
    found = signature_rows(rows)
    if found is None:
        raise SignatureError(f"version {version} of {application_id} is not signed")
    sums, signature = map(read, found)
    signed = verify_checksum_list(sums, signature, trusted, application_id, version)
    check_signed_files(rows, signed)
    return signed
