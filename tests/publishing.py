"""Releases of files that were looked at before, as several runs of one test publish the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bindist import AdminClient, Release
from bindist.release import publish as releases
from bindist.release.files import ReleaseFile


def publish(
    client: AdminClient,
    application_id: str,
    version: str,
    files: Sequence[ReleaseFile],
    parallel: int | None = None,
    **options: Any,
) -> Release:
    """`AdminClient.publish` for files of `local_files`; `progress` is called with each of them."""
    options["at_once"] = client._at_once(parallel)
    requests = client._version_requests(application_id, version)
    return releases.publish(requests, files, **options)
