"""Versions, one method for each endpoint: make, complete, change."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ..choices import FileType, check_given_choices
from ..errors import ApiError, FileNameError
from ..file_names import beyond_latin_1, latin_1_name, name_problem
from ..http.response import ApiResponse, Json, failure, response_of
from ..http.url_policy import is_amazon
from ..release_notes import check_description, check_release_notes
from ..rows import find_record
from ..version_id import namesakes, version_id
from .base import named, present, segment
from .customer import CustomerClient

if TYPE_CHECKING:  # dictionaries' types are for type checkers, and take 4 ms to make
    from ..types import ChangedVersion, NewVersion, UploadUrl

_FREE_SECONDS = 60.0
"""A version's id that no other version had is not looked up again for so long."""


class VersionsClient(CustomerClient):
    """The part of an `AdminClient` that makes and changes versions.

    The server keeps a version's files under the id `APPLICATION-VERSION`, so that the files of
    version `cli-1.0` of `zeta` would get into version `1.0` of `zeta-cli`. If the id can be read as
    another application and version, each method that makes a version first calls
    `list_version_files` for that one. If it exists, the method returns a failed response, 409, and
    sends nothing. A version that is not active cannot be seen.
    """

    def update_version(
        self,
        application_id: str,
        version: str,
        is_enabled: bool | None = None,
        is_active: bool | None = None,
        release_notes: str | None = None,
    ) -> ApiResponse[ChangedVersion]:
        """Changes a version. `PATCH /v1/applications/{id}/versions/{version}`

        An argument that is None leaves its field as it is.

        Args:
            is_enabled: True releases the version to the production channel, False withdraws it.
            is_active: False hides the version on every channel, True shows it again; share links
                work on.
            release_notes: the new notes, up to 5000 characters; `""` removes them.

        Returns `ChangedVersion`. If all are None, the server responds with 400.
        """
        check_release_notes(release_notes)
        body = {"isEnabled": is_enabled, "isActive": is_active, "releaseNotes": release_notes}
        application, number = segment(application_id, "application_id"), segment(version, "version")
        return self._send("PATCH", f"/applications/{application}/versions/{number}", present(body))

    def upload_small_file(
        self,
        application_id: str,
        version: str,
        file_name: str,
        content: bytes,
        release_notes: str | None = None,
        *,
        file_type: FileType | None = None,
        description: str | None = None,
        allow_any_name: bool = False,
    ) -> ApiResponse[NewVersion]:
        """Makes a version of one file, sent inside a single request. `POST /v1/management/upload`

        For files below 10 MB; gateways may refuse more than 6 MB. The version is disabled at first.
        Fails with 409 if the version exists.

        Args:
            file_name: 1 to 255 characters, without a path.
            content: the bytes of the file.
            release_notes: up to 5000 characters; default none.
            file_type: MAIN (default), DEPENDENCY, DOCUMENTATION or CONFIGURATION.
            description: of the file, up to 2000 characters; default none.
            allow_any_name: True sends a file that Amazon's object store cannot hand out, too;
                default False: for a name with characters above U+00FF, the method first asks for an
                upload URL, whose host shows whether the store is Amazon's.

        Returns `NewVersion`. Raises ValueError for a name that the server refuses, and for empty
        content, with which the server would make a version without files; FileNameError for a name
        that keeps the object store from handing the file out.
        """
        check_given_choices(file_type=file_type)
        check_content(file_name, len(content))
        check_release_notes(release_notes)
        check_description(description)
        try:
            if not allow_any_name:
                self._check_file_names(application_id, version, [file_name])
        except ApiError as error:
            return response_of(error)
        body = {
            "applicationId": named(application_id, "application_id"),
            "version": named(version, "version"),
            "fileName": file_name,
            "fileContent": base64.b64encode(content).decode("ascii"),
            "fileType": file_type,
            "releaseNotes": release_notes,
            "description": description,
        }
        return self._make_version("/management/upload", body)

    def get_large_upload_url(
        self,
        application_id: str,
        version: str,
        file_name: str,
        file_size: int,
        content_type: str | None = None,
    ) -> ApiResponse[UploadUrl]:
        """Returns a presigned URL to upload a file to. `POST /v1/management/upload/large-url`

        Fails with 409 if the version exists: for several files, request all URLs before you
        complete the first. Fails with 413 over the storage quota.

        Args:
            file_name: 1 to 255 characters, without a path.
            file_size: in bytes, at least 1.
            content_type: such as `application/zip`; default the server's choice.

        Returns `UploadUrl`: `uploadId`, `uploadUrl`, `expiresAt` (in 30 minutes).
        """
        body = {
            "applicationId": named(application_id, "application_id"),
            "version": named(version, "version"),
            "fileName": file_name,
            "fileSize": file_size,
            "contentType": content_type,
        }
        # Asking makes nothing, and so may be repeated.
        return self._make_version("/management/upload/large-url", body, repeatable=True)

    def complete_large_upload(
        self,
        upload_id: str,
        application_id: str,
        version: str,
        file_name: str,
        file_size: int,
        checksum: str,
        release_notes: str | None = None,
    ) -> ApiResponse[NewVersion]:
        """Makes the version, or adds a file to it. `POST /v1/management/upload/large-complete`

        The server does not check that the bytes are there: complete only what the object store has
        accepted. The request would disable an enabled version and reset its download count to 0,
        so this method first calls `list_versions`; if the version is enabled, it returns a failed
        response, 409, and does not send the request.

        Args:
            upload_id: from `get_large_upload_url`, as are the same `file_name` and `file_size`.
            checksum: the SHA-256 of the bytes, in hex.
            release_notes: of the version, up to 5000 characters; default none.

        Returns `NewVersion`.
        """
        named(upload_id, "upload_id")
        try:
            if self._is_enabled(application_id, version):
                return failure(
                    409, f"version {version} is enabled: completing an upload would reset it"
                )
        except ApiError as error:
            return response_of(error)
        return self._complete_upload(
            upload_id, application_id, version, file_name, file_size, checksum, release_notes
        )

    def _complete_upload(
        self,
        upload_id: str,
        application_id: str,
        version: str,
        file_name: str,
        file_size: int,
        checksum: str,
        release_notes: str | None,
    ) -> ApiResponse[NewVersion]:
        """The same for a caller that has just read that the version is not enabled."""
        body = {
            "uploadId": named(upload_id, "upload_id"),
            "applicationId": named(application_id, "application_id"),
            "version": named(version, "version"),
            "fileName": file_name,
            "fileSize": file_size,
            "checksum": checksum,
            "releaseNotes": release_notes,
        }
        return self._make_version("/management/upload/large-complete", body)

    def _make_version(self, path: str, body: Json, *, repeatable: bool = False) -> ApiResponse:
        """Sends what makes the version named in the body, unless another one has the same id."""
        try:
            self._check_version_id(body["applicationId"], body["version"])
        except ApiError as error:
            return response_of(error)
        return self._send("POST", path, present(body), repeatable=repeatable)

    def _check_version_id(self, application_id: str, version: str) -> None:
        """Raises ConflictError, 409, where another application has a version of the same id.

        `GET /v1/applications/{id}/versions/{version}/files` for each other way to read that id, as
        a rule none, and not again within a minute. Raises ApiError where it cannot be told.
        """
        seen = self._free_ids.get((application_id, version))
        if seen is not None and time.monotonic() - seen < _FREE_SECONDS:
            return
        for other, number in namesakes(application_id, version):
            answer = self.list_version_files(other, number)
            if answer.success or (answer.status_code == 404 and self._is_hidden(other, number)):
                problem = (
                    f"version {version} of {application_id} would share the files of version "
                    f"{number} of {other}: the server has the id "
                    f"{version_id(application_id, version)} for both; use another version number"
                )
                failure(409, problem, code="SAME_VERSION_ID").raise_for_error()
            if answer.status_code != 404:
                answer.raise_for_error()
        self._free_ids[application_id, version] = time.monotonic()

    def _is_hidden(self, application_id: str, version: str) -> bool:
        """Whether there is a version that no list shows, as one that is not active.

        `POST /v1/management/upload/large-url`, which makes nothing, and answers 409 for a version
        that exists. False also where the application does not exist.
        """
        body = {"applicationId": application_id, "version": version}
        probe = {**body, "fileName": "probe.bin", "fileSize": 1}
        found = self._send("POST", "/management/upload/large-url", probe, repeatable=True)
        return found.status_code == 409

    def _check_file_names(
        self,
        application_id: str,
        version: str,
        names: Sequence[str],
        notify: Callable[[str], None] | None = None,
    ) -> None:
        """Raises FileNameError where the object store could not hand out files of these names.

        `POST /v1/management/upload/large-url`, which makes nothing, for a name with characters
        above U+00FF: the host of the upload URL tells whether the store is Amazon's. Calls
        `notify` with a sentence where it is not. Raises ApiError where no URL is given; not for
        409, which the caller's own requests explain.
        """
        odd = {name: latin_1_name(name) for name in names if beyond_latin_1(name)}
        if not odd:
            return
        answer = self.get_large_upload_url(application_id, version, next(iter(odd)), 1)
        if answer.status_code == 409:
            return
        url = self._transport.check_store_url(answer.require().get("uploadUrl"))
        told = ", ".join(f"{name!r} ({' '.join(beyond_latin_1(name))})" for name in odd)
        if is_amazon(url):
            raise FileNameError(
                "Amazon's object store refuses each download of a file whose name has characters "
                f"above U+00FF: {told}; nothing was sent",
                odd,
            )
        if notify:
            notify(
                "some object stores, such as Amazon's, refuse each download of a file whose name "
                f"has characters above U+00FF: {told}"
            )

    @cached_property
    def _free_ids(self) -> dict[tuple[str, str], float]:
        """Applications and versions whose id no other version had, and when that was seen."""
        return {}

    def _is_enabled(self, application_id: str, version: str) -> bool:
        """Whether a version is there and enabled; raises ApiError where that cannot be told."""
        listing = self.list_versions(application_id, test_channel=True).raise_for_error()
        try:
            return find_record(listing, version).get("isEnabled") is True
        except ApiError:
            if self.list_version_files(application_id, version).status_code != 404:
                raise
            return False  # it is not in the list because there is none

    def _make_empty_version(
        self, application_id: str, version: str, file_name: str, release_notes: str | None
    ) -> ApiResponse[NewVersion]:
        """Makes a version without files, disabled; 409 where it exists, whichever run made it.

        `POST /v1/management/upload`, with empty content.
        """
        body = {
            "applicationId": named(application_id, "application_id"),
            "version": named(version, "version"),
            "fileName": file_name,
            "fileContent": "",
            "releaseNotes": release_notes,
        }
        return self._make_version("/management/upload", body)


def check_content(file_name: str, size: int) -> None:
    """Raises ValueError for an empty file and for a name that the server refuses."""
    if size < 1:
        raise ValueError(f"{file_name} is empty: the server makes no file of it")
    if problem := name_problem(file_name):
        raise ValueError(f"the file name {file_name!r} is not allowed: it {problem}")
