"""Releases: several files as one version, whole or invisible."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..choices import FileType, IfExists, check_choices, check_given_choices
from ..release_notes import check_release_notes
from .uploads import UploadsClient

if TYPE_CHECKING:  # what is needed for a release alone is imported by it
    from ..release.files import ReleaseFile
    from ..release.results import Release, ReleasePreview
    from ..release.version_requests import VersionRequests
    from ..transfer.presigned import FileProgress
    from ..types import StrPath


class PublishingClient(UploadsClient):
    """The part of an `AdminClient` that makes whole releases."""

    def publish(
        self,
        application_id: str,
        version: str,
        paths: StrPath | Iterable[StrPath],
        *,
        enable: bool = False,
        if_exists: IfExists = "match",
        release_notes: str | None = None,
        expected: Mapping[str, str] | None = None,
        file_name: str | None = None,
        file_type: FileType | None = None,
        progress: FileProgress | None = None,
        parallel: int | None = None,
        journal: StrPath | None = None,
        settle: float | None = None,
        notify: Callable[[str], None] | None = None,
        protect: Callable[[], AbstractContextManager[object]] | None = None,
    ) -> Release:
        """Makes a version of local files: whole, or not enabled.

        Sends all bytes to the object store, then makes the version, completes each file, the MAIN
        files last, reads all back, and enables the version only where every checksum is right.
        Safe to call again at any point: the same call finishes what was interrupted. Where another
        run makes the same version at the same time, this one waits until the other has ended, and
        compares. Calls `get_application`, `list_versions`, `list_version_files`,
        `get_large_upload_url`, `complete_large_upload` and `update_version`.

        Args:
            paths: the files, or one of them; each `str` or `os.PathLike`. Files that are empty,
                unreadable or share a name are refused before any request.
            enable: True releases the version to the production channel, once all that was read
                back is right; default False.
            if_exists: what to do where the version exists already: `match` compares (default),
                `skip` leaves it, `fail` raises. What this release itself has begun is finished in
                any case.
            release_notes: up to 5000 characters; default none.
            expected: SHA-256 by file name that the files must have, compared before any request
                and again with the bytes sent; default none.
            file_name: what the server shall call a single file; default the path's own name.
            file_type: MAIN, DEPENDENCY, DOCUMENTATION or CONFIGURATION, for a single file; default
                what the server derives from the extension. Another type is possible up to 4 MiB.
            progress: called with (file name, bytes sent, bytes in all) from any thread; goes back
                where an attempt is repeated; default None.
            parallel: how many files are sent at once, from 1; default None, which is
                `parallel_files` of the client's `transfer_config`: 4.
            journal: a folder for what is needed to finish an interrupted release, made where there
                is none; default None. A release of several files that is interrupted between its
                first and its last completion cannot be finished without it: its version stays
                disabled and cannot be used any more.
            settle: how many seconds the server may still carry out a request that got no response;
                default None, which is 60. A shorter read time-out of the client shortens it. An
                undisturbed release never waits.
            notify: called with a sentence where the release waits, or counts a download; default
                None.
            protect: gives a context manager that is entered while the version is being made, such
                as one that holds signals: ending the process there may cost the version number;
                default None.

        Returns a `Release`. Raises ValueError for numbers out of range; ValueError and OSError for
        local files that make no release; DifferentContentError where the version exists with other
        files; ConflictError where the version is another run's, or was disabled meanwhile;
        BusyError where another run is at the same release, also without `enable`; ApiError,
        TransportError, IntegrityError. This call has then not left the version enabled, except
        where an error says that it could not read, or undo, the last state.
        """
        from ..release.publish import publish

        check_choices(if_exists=if_exists)
        check_given_choices(file_type=file_type)
        check_release_notes(release_notes)
        parallel = self._parallel(parallel)
        _check_settle(settle)
        return publish(
            self._version_requests(application_id, version),
            self._local_files(paths, file_name, file_type),
            enable=enable,
            if_exists=if_exists,
            release_notes=release_notes,
            expected=expected,
            progress=(lambda file: partial(progress, file.name)) if progress else None,
            parallel=parallel,
            journal=None if journal is None else Path(journal),
            settle=settle,
            notify=notify,
            protect=protect,
        )

    def preview_publish(
        self,
        application_id: str,
        version: str,
        paths: StrPath | Iterable[StrPath],
        *,
        enable: bool = False,
        if_exists: IfExists = "match",
        expected: Mapping[str, str] | None = None,
        file_name: str | None = None,
        file_type: FileType | None = None,
        journal: StrPath | None = None,
    ) -> ReleasePreview:
        """What `publish` would do with the same arguments, without doing it.

        Changes nothing on the server or on disk. Reads each local file once, for its checksum, and
        calls `list_version_files`, `list_versions` and, for a new version, `get_application`.

        Args:
            paths: as for `publish`, as are `enable`, `if_exists`, `expected`, `file_name`,
                and `file_type`.
            journal: the folder that `publish` keeps its journal in: what an interrupted release
                has begun counts as its own; default None.

        Returns a `ReleasePreview`: what would become of the version once no other run writes to it.
        Raises as `publish` does, DifferentContentError too.
        """
        from ..release.publish import preview

        check_choices(if_exists=if_exists)
        check_given_choices(file_type=file_type)
        return preview(
            self._version_requests(application_id, version),
            self._local_files(paths, file_name, file_type),
            enable=enable,
            if_exists=if_exists,
            expected=expected,
            journal=None if journal is None else Path(journal),
        )

    def _local_files(
        self, paths: StrPath | Iterable[StrPath], name: str | None, file_type: str | None
    ) -> list[ReleaseFile]:
        from ..release.files import local_files

        return local_files(
            _listed(paths),
            name=name,
            file_type=file_type,
            inline_limit=self._transfer_config.inline_limit,
            upload_limit=self._transfer_config.upload_limit,
        )

    def _version_requests(self, application_id: str, version: str) -> VersionRequests:
        """The requests about one version that a release consists of."""
        from ..release.version_requests import VersionRequests

        this = application_id, version
        return VersionRequests(
            *this,
            transport=self._transport,
            get_application=partial(self.get_application, application_id),
            list_versions=partial(self.list_versions, application_id, test_channel=True),
            list_files=partial(self.list_version_files, *this),
            check_id=partial(self._check_version_id, *this),
            presign=partial(self._presign_upload, *this),
            put_file=partial(self._put_file, *this),
            reserve=partial(self._make_empty_version, *this),
            upload_inline=partial(self._upload_inline, *this),
            complete=lambda upload_id, *file: self._complete_upload(upload_id, *this, *file),
            set_enabled=partial(self.update_version, *this),
            check_stored_bytes=partial(self.check_stored_bytes, *this, test_channel=True),
        )


def _check_settle(settle: float | None) -> None:
    if settle is not None and not settle >= 0:
        raise ValueError(f"settle must be 0 seconds or more, not {settle!r}")


def _listed(paths: StrPath | Iterable[StrPath]) -> list[Path]:
    if isinstance(paths, (str, os.PathLike)):
        return [Path(paths)]
    return [Path(path) for path in paths]
