"""What a release returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..http.response import Json

ReleaseStatus = Literal["created", "unchanged", "skipped"]


@dataclass
class Release:
    """What became of a version that `AdminClient.publish` was to make.

    `application_id` and `version` are those of the call. `status` is `created`, `unchanged` (it was
    there with the same files) or `skipped` (it was there, and `if_exists` is `skip`). `is_enabled`
    is what the server said last. `files` are the server's rows of the version's files, as in
    `bindist.types.File`, each with the release's `status` and with `confirmed`: True where the
    object store confirmed the MD5 of the bytes that were sent, False where it gives no MD5, None
    where this release did not send the file.
    """

    application_id: str
    version: str
    status: ReleaseStatus
    is_enabled: bool
    files: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class ReleasePreview:
    """What `AdminClient.publish` would do, as `AdminClient.preview_publish` tells it.

    `status` is what the `Release` would have: `created`, `unchanged` or `skipped`. `enable` is True
    where the call would enable the version, which is not enabled now. `files` are the local files
    in the order of their completion, each with `fileName`, `fileType`, `fileSize` (bytes),
    `checksum` (SHA-256 in hex) and that `status`.
    """

    status: ReleaseStatus
    enable: bool
    files: list[Json] = field(default_factory=list)
