"""Releases: local files as one version, whole or invisible."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..choices import FileType, IfExists, check_choices, check_given_choices
from ..release_notes import check_release_notes
from .uploads import UploadsClient

if TYPE_CHECKING:  # what is needed for a release alone is imported by it
    from ..release.files import ReleaseFile
    from ..release.results import Release, ReleasePreview
    from ..release.version_requests import VersionRequests
    from ..signing import SigningKey
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
        allow_any_name: bool = False,
        description: str | None = None,
        signer: SigningKey | None = None,
    ) -> Release:
        """Publishes local files as a version that is either whole or not enabled.

        Sends all bytes to the object store, reserves the version number, completes each file, the
        MAIN files last and the one named first last of all, reads the version back, and enables it
        only if every checksum is right.
        Call it again after any interruption: the same call finishes the release. If another run
        makes the same version at the same time, this run waits until the other has ended, and
        compares. Uses the endpoints of `get_application`, `list_versions`, `list_version_files`,
        `get_large_upload_url`, `upload_small_file`, `complete_large_upload` and `update_version`.

        Args:
            paths: one path or several, each `str` or `os.PathLike`. Files that are empty or
                unreadable, or that share a name, are refused before any request.
            enable: True releases the version to the production channel after it was read back;
                default False.
            if_exists: what to do if the version exists: `match` compares its files (default),
                `skip` leaves it, `fail` raises. A version that an earlier call of this release has
                begun is finished in any case.
            release_notes: up to 5000 characters; default none.
            expected: the SHA-256 that each file must have, by file name; compared before any
                request, and again with the bytes sent; default none.
            file_name: the name on the server of a single file; default the last part of its path.
            file_type: the type of a single file: MAIN, DEPENDENCY, DOCUMENTATION or CONFIGURATION;
                default the type that the server derives from the extension. Any other type is
                possible up to 4 MiB.
            progress: called with (file name, bytes sent, bytes in total) from any thread; the
                second argument decreases when an attempt is repeated; default None.
            parallel: how many files are sent, and how many requests made, at once, from 1; default
                None, which takes `parallel_files` of the client's `transfer_config`: 16, of which 4
                over 4 MiB.
            journal: a folder for the journal, created if it does not exist; default None. Without
                it, a release that is interrupted between the reservation and its last completion
                cannot be finished: its version stays disabled, and its number is lost.
            settle: for how many seconds the server may still carry out a request without a
                response; default None, which is 60 seconds, or the client's read time-out if that
                is shorter. A run that gets every response and meets no other run never waits.
            notify: called with a sentence when the release waits, counts a download, has several
                MAIN files, or a file name that some object stores cannot hand out, and if another
                version has the same number (`v1.0` beside `1.0`); default None.
            protect: returns a context manager that is entered while the version is being made, for
                example one that delays signals: if the process ends there, the version number may
                be lost; default None.
            allow_any_name: True publishes files that Amazon's object store cannot hand out, too;
                default False: for a name with characters above U+00FF, the call first asks for an
                upload URL, whose host shows whether the store is Amazon's.
            description: of a single file of up to 4 MiB: up to 2000 characters; default none. The
                description of a file that the version has already is not changed.
            signer: signs the version: adds the files `SHA256SUMS.txt` and `SHA256SUMS.minisig.txt`
                (see `bindist.signing`). Each file is read once more, before any byte is sent;
                default None.

        Returns a `Release`. Raises ValueError for numbers out of range, and for a version called
        `latest`, which stands for the highest one; ValueError and OSError for local files that
        cannot be published; FileNameError for a name that keeps the object store from handing the
        file out; DifferentContentError if the version has other files;
        ConflictError if another run made the version, or somebody disabled it meanwhile; BusyError
        if another run is making the same version; ApiError, TransportError, IntegrityError. After
        an exception this call has not left the version enabled, unless the message says that the
        last state could not be read or undone.
        """
        from ..release.publish import publish
        from ..version_list import check_new_version

        check_new_version(version)
        check_choices(if_exists=if_exists)
        check_given_choices(file_type=file_type)
        check_release_notes(release_notes)
        at_once = self._at_once(parallel)
        check_settle(settle)
        files = self._local_files(paths, file_name, file_type, description)
        checked = () if allow_any_name else files
        return publish(
            self._version_requests(application_id, version, checked, notify),
            files,
            enable=enable,
            if_exists=if_exists,
            release_notes=release_notes,
            expected=expected,
            progress=(lambda file: partial(progress, file.name)) if progress else None,
            at_once=at_once,
            journal=None if journal is None else Path(journal),
            settle=settle,
            notify=notify,
            protect=protect,
            signer=signer,
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
        notify: Callable[[str], None] | None = None,
        allow_any_name: bool = False,
        description: str | None = None,
        signer: SigningKey | None = None,
    ) -> ReleasePreview:
        """Reports what `publish` would do with the same arguments, and changes nothing.

        Reads each local file once, for its checksum, and calls `list_version_files`,
        `list_versions` and, for a new version, `get_application`; also `get_large_upload_url`
        if a name has characters above U+00FF.

        Args:
            paths: as for `publish`; also `enable`, `if_exists`, `expected`, `file_name`,
                `file_type`, `description` and `signer`.
            journal: the folder of `publish`'s journal, which shows what an interrupted release has
                begun; default None.
            notify: called with a sentence about a file name that some object stores cannot hand
                out, about several MAIN files, and about another version of the same number; default
                None.
            allow_any_name: as for `publish`; default False.

        Returns a `ReleasePreview`, which assumes that no other run writes to the version. Raises
        what `publish` raises, also DifferentContentError.
        """
        from ..release.publish import preview
        from ..version_list import check_new_version

        check_new_version(version)
        check_choices(if_exists=if_exists)
        check_given_choices(file_type=file_type)
        files = self._local_files(paths, file_name, file_type, description)
        checked = () if allow_any_name else files
        return preview(
            self._version_requests(application_id, version, checked, notify),
            files,
            enable=enable,
            if_exists=if_exists,
            expected=expected,
            journal=None if journal is None else Path(journal),
            notify=notify,
            signer=signer,
        )

    def release_progress(
        self, application_id: str, version: str, journal: StrPath
    ) -> Literal["begun", "finished"] | None:
        """Reports how far the release of a version has come, as its journal on this machine says.

        Sends no request. `journal` is the folder that `publish` was given. Returns `begun` for a
        release that was interrupted, `finished` for one that ended well, None where the journal
        knows nothing of the version. Raises OSError for a journal that cannot be read.
        """
        from ..release.journal import Journal, ReleaseId

        found = ReleaseId.of(self.base_url, self._transport.api_key, application_id, version)
        read = Journal.read(Path(journal), found)
        if read.is_blank:
            return None
        return "begun" if read.finished_at is None else "finished"

    def _local_files(
        self,
        paths: StrPath | Iterable[StrPath],
        name: str | None,
        file_type: str | None,
        description: str | None,
    ) -> list[ReleaseFile]:
        from ..release.files import local_files

        return local_files(
            _listed(paths),
            name=name,
            file_type=file_type,
            description=description,
            inline_limit=self._transfer_config.inline_limit,
            upload_limit=self._transfer_config.upload_limit,
        )

    def _version_requests(
        self,
        application_id: str,
        version: str,
        checked: Sequence[ReleaseFile] = (),
        notify: Callable[[str], None] | None = None,
    ) -> VersionRequests:
        """The requests about one version that a release consists of; `checked` are the files whose
        names the object store must be able to hand out."""
        from ..release.version_requests import VersionRequests

        this = application_id, version
        names = [file.name for file in checked]
        writer = self._for_writes()
        return VersionRequests(
            *this,
            transport=self._transport,
            write_transport=writer._transport,
            get_application=partial(self.get_application, application_id),
            list_versions=partial(self.list_versions, application_id, test_channel=True),
            list_files=partial(self.list_version_files, *this),
            check_id=partial(self._check_version_id, *this),
            check_names=partial(self._check_file_names, *this, names, notify),
            presign=partial(self._presign_upload, *this),
            put_file=partial(self._put_file, *this),
            reserve=partial(writer._make_empty_version, *this),
            upload_inline=partial(writer._upload_inline, *this),
            complete=lambda upload_id, *file: writer._complete_upload(upload_id, *this, *file),
            set_enabled=partial(writer.update_version, *this),
            check_stored_bytes=partial(self.check_stored_bytes, *this, test_channel=True),
        )


def check_settle(settle: float | None) -> None:
    """Raises ValueError for a number of seconds that is none."""
    if settle is not None and not settle >= 0:
        raise ValueError(f"settle must be 0 seconds or more, not {settle!r}")


def _listed(paths: StrPath | Iterable[StrPath]) -> list[Path]:
    if isinstance(paths, (str, os.PathLike)):
        return [Path(paths)]
    return [Path(path) for path in paths]
