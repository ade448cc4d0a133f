"""The two files by which a version is signed, made for a release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..signing import SIGNATURE_FILE, SUMS_FILE, SigningKey, checksum_list
from .files import Checksum, ReleaseFile, local_files


def check_signable(files: Sequence[ReleaseFile]) -> None:
    """Raises ValueError for files that cannot be released with a signature."""
    for file in files:
        if file.server_name.casefold() in (SUMS_FILE.casefold(), SIGNATURE_FILE.casefold()):
            raise ValueError(f"{file.path}: a signed release makes its own {file.server_name}")
        if file.needs_inline:
            raise ValueError(
                f"{file.name} cannot have the type {file.file_type} in a signed release: only a "
                "version of a single file can have a type that its extension does not imply"
            )


@contextmanager
def signed(
    files: Sequence[ReleaseFile],
    checksum: Checksum,
    key: SigningKey,
    application_id: str,
    version: str,
) -> Iterator[list[ReleaseFile]]:
    """The files together with their checksum list and its signature, which exist for as long as
    the context. The caller makes sure that the bytes sent have these checksums."""
    content = checksum_list({file.server_name: checksum(file) for file in files})
    with TemporaryDirectory(prefix="bindist-signed-") as folder:
        sums, signature = Path(folder, SUMS_FILE), Path(folder, SIGNATURE_FILE)
        sums.write_bytes(content)
        signature.write_bytes(key.sign(content, application_id, version))
        yield [*files, *local_files([sums, signature])]
