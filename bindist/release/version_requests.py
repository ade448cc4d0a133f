"""The requests that a release of one version consists of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..http.response import ApiResponse
from ..http.transport import Transport
from ..transfer.concurrency import CancellationToken
from ..transfer.presigned import PresignedUpload, Progress
from ..transfer.stored import StoredBytes
from ..transfer.upload import LocalFile, SentFile


@dataclass(frozen=True)
class VersionRequests:
    """What a release needs of a client, which passes it in: this package imports no client.

    `transport` tells how often to retry and how long to pause, and which server and tenant a
    journal is about. Sizes are bytes, checksums SHA-256 in hex. What returns an `ApiResponse` never
    raises for a failed one.
    """

    application_id: str
    version: str
    transport: Transport
    write_transport: Transport
    """That of `reserve`, `upload_inline`, `complete` and `set_enabled`, which follow a look at the
    version: it repeats nothing, and sends nothing after its `send_before`."""
    get_application: Callable[[], ApiResponse]
    list_versions: Callable[[], ApiResponse]
    """All versions of the application, disabled ones too."""
    list_files: Callable[[], ApiResponse]
    check_id: Callable[[], None]
    """Raises ConflictError where the version would share its id, and files, with another one."""
    check_names: Callable[[], None]
    """Raises FileNameError where the object store could not hand out the files of the release."""
    presign: Callable[[str, int], PresignedUpload]
    """(file name, size): a URL to put a file to. Raises ConflictError where the version exists."""
    put_file: Callable[[LocalFile, Progress | None, PresignedUpload, CancellationToken], SentFile]
    """Sends a file to the object store, under a new URL where the one given is too old."""
    reserve: Callable[[str, str | None], ApiResponse]
    """(file name, release notes): makes the version, empty and disabled; 409 where it exists."""
    upload_inline: Callable[[LocalFile, str, str | None, str | None], ApiResponse]
    """(file, file type, release notes, description): makes the version with one small file, in one
    request."""
    complete: Callable[[str, str, int, str, str | None], ApiResponse]
    """(upload id, file name, size, checksum, release notes): adds a file that the object store has;
    disables the version, so the caller has just read that it is not enabled."""
    set_enabled: Callable[[bool], ApiResponse]
    check_stored_bytes: Callable[[str], StoredBytes]
    """(file id): shows that the object store has a file; counts one download."""
