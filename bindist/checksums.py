"""SHA-256 checksums as the API writes them: computed, read and compared."""

from __future__ import annotations

from .transfer.hashing import checksums_match, is_sha256, normalize_checksum, sha256_file

__all__ = ["checksums_match", "is_sha256", "normalize_checksum", "sha256_file"]
