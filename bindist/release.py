"""A release: several files as one version, whole or invisible.

`examine` looks at local files and at the server, `plan` decides purely from what was found, and
`apply` carries it out: URLs for all files, then all bytes, then all completions with the MAIN file
last, then a read-back, and only where every checksum is right the switch.
"""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from .admin import AdminClient
from .errors import (
    ConflictError,
    DifferentContentError,
    IntegrityError,
    NotFoundError,
    TransportError,
)
from .hashing import checksums_match, normalize_checksum, sha256_file
from .names import derived_file_type, name_problem
from .response import ApiResponse, Json, failure
from .source import Progress
from .threads import Stopped, run_jobs
from .upload import INLINE_LIMIT, LocalFile

IF_EXISTS = ("match", "skip", "fail")


@dataclass(frozen=True)
class ReleaseFile:
    """A local file of a release: its path, the name it gets, its size in bytes, its type."""

    path: Path
    name: str
    size: int
    file_type: str


@dataclass(frozen=True)
class RemoteVersion:
    """A version as the server has it: its files, and whether it is enabled."""

    files: tuple[Json, ...]
    is_enabled: bool


@dataclass(frozen=True)
class Plan:
    """What is to be done: `action` is `create`, `unchanged` or `skip`; `inline` sends the one file
    inside a request; `files` are in the order of their completion; `enable` says whether the
    version is to be enabled afterwards."""

    action: str
    files: tuple[ReleaseFile, ...]
    inline: bool = False
    enable: bool = False


@dataclass
class Release:
    """What became of it: `status` is `created`, `unchanged` or `skipped`."""

    application_id: str
    version: str
    status: str
    is_enabled: bool
    files: list[Json] = field(default_factory=list)


def local_files(
    paths: Sequence[Path], *, name: str | None = None, file_type: str | None = None
) -> list[ReleaseFile]:
    """The files of a release, checked as far as that is possible without a request.

    `name` and `file_type` are for a single file. Raises ValueError for what the server would
    refuse, OSError for what cannot be read.
    """
    if (name or file_type) and len(paths) > 1:
        raise ValueError("a name or a type can be given for a single file only")
    files, seen = [], dict[str, Path]()
    for path in paths:
        called = name or path.name
        with path.open("rb"):
            size = path.stat().st_size
        if problem := name_problem(called):
            raise ValueError(f"the server refuses the file name {called!r}: it {problem}")
        if size == 0:
            raise ValueError(f"{path} is empty: the server makes no file of it")
        folded = unicodedata.normalize("NFKC", called).casefold()
        if folded in seen:
            raise ValueError(f"{seen[folded]} and {path} would have the same name")
        seen[folded] = path
        derived = derived_file_type(called)
        if file_type not in (None, derived) and size > INLINE_LIMIT:
            raise ValueError(
                f"{called} will be {derived}: the type of a file over "
                f"{INLINE_LIMIT // 1024 // 1024} MiB comes from its extension"
            )
        files.append(ReleaseFile(path, called, size, file_type or derived))
    if not files:
        raise ValueError("a version needs at least one file")
    return files


def find_version(client: AdminClient, application_id: str, version: str) -> RemoteVersion | None:
    """The version as it is on the server; None where there is none, NotFoundError where there is
    no such application. A version that is not active looks like none."""
    try:
        files = client.list_version_files(application_id, version).require().get("files")
    except NotFoundError:
        client.get_application(application_id).raise_for_error()
        return None
    listed = client.list_versions(application_id, test_channel=True).require().get("versions")
    rows = [row for row in listed or [] if isinstance(row, dict) and row.get("version") == version]
    enabled = bool(rows and rows[0].get("isEnabled") is True)
    return RemoteVersion(tuple(row for row in files or [] if isinstance(row, dict)), enabled)


def plan(
    files: Sequence[ReleaseFile],
    remote: RemoteVersion | None,
    checksum: Callable[[ReleaseFile], str],
    *,
    if_exists: str = "match",
    enable: bool = False,
) -> Plan:
    """What is to be done about `files`, given what the server has; changes and asks nothing.

    `checksum` is called only where the server has a version to compare with. Raises
    DifferentContentError where it has other content and that is not to be passed over.
    """
    ordered = tuple(sorted(files, key=lambda file: file.file_type == "MAIN"))
    if remote is None:
        return Plan("create", ordered, len(files) == 1 and files[0].size <= INLINE_LIMIT, enable)
    if if_exists == "skip":
        return Plan("skip", ordered)
    if if_exists == "fail":
        raise DifferentContentError("exists already", [])
    if found := differences(files, remote.files, checksum):
        raise DifferentContentError("exists with different content", found)
    return Plan("unchanged", ordered, enable=enable and not remote.is_enabled)


def differences(
    files: Sequence[ReleaseFile],
    remote: Sequence[Json],
    checksum: Callable[[ReleaseFile], str],
) -> list[tuple[str, str | None, str | None]]:
    """(name, checksum on the server, local checksum) for each file that the sides do not share."""
    there: dict[str, str] = {
        str(row.get("fileName")): normalize_checksum(row.get("checksum")) for row in remote
    }
    found: list[tuple[str, str | None, str | None]] = []
    for file in files:
        name = unicodedata.normalize("NFKC", file.name)
        server, local = there.pop(name, None), checksum(file)
        if server is None or not checksums_match(server, local):
            found.append((file.name, server, local))
    return found + [(name, server, None) for name, server in there.items()]


def publish(
    client: AdminClient,
    application_id: str,
    version: str,
    files: Sequence[ReleaseFile],
    *,
    if_exists: str = "match",
    enable: bool = False,
    release_notes: str | None = None,
    expected: Mapping[str, str] | None = None,
    progress: Callable[[ReleaseFile], Progress] | None = None,
    parallel: int = 4,
) -> Release:
    """Looks, plans and applies; the arguments are those of `plan` and `apply`.

    Where somebody else makes the version at the same time, what they made is compared instead.
    Raises as `plan` and `apply` do.
    """
    while True:
        remote = find_version(client, application_id, version)
        planned = plan(files, remote, file_checksum, if_exists=if_exists, enable=enable)
        try:
            return apply(
                client,
                application_id,
                version,
                planned,
                release_notes=release_notes,
                expected=expected,
                progress=progress,
                parallel=parallel,
            )
        except ConflictError:
            if find_version(client, application_id, version) is None:
                raise


def file_checksum(file: ReleaseFile) -> str:
    """The SHA-256 of a local file of a release."""
    return sha256_file(file.path)


def apply(
    client: AdminClient,
    application_id: str,
    version: str,
    planned: Plan,
    *,
    release_notes: str | None = None,
    expected: Mapping[str, str] | None = None,
    progress: Callable[[ReleaseFile], Progress] | None = None,
    parallel: int = 4,
) -> Release:
    """Carries out a plan and returns what is there afterwards, read back from the server.

    Args:
        expected: checksums by file name that the bytes sent must have.
        progress: gives the callback for a file's bytes.
        parallel: how many files are sent at once; default 4.

    Raises ApiError, TransportError, IntegrityError, OSError; the version is not enabled then.
    """
    run = _Run(client, application_id, version, planned, release_notes, expected or {})
    if planned.action == "create":
        if planned.inline:
            run.send_inline(progress)
        else:
            run.send(progress, parallel)
            run.complete()
    files = run.read_back(planned.action == "create")
    if planned.enable:
        client.update_version(application_id, version, is_enabled=True).raise_for_error()
    remote = find_version(client, application_id, version)
    status = {"create": "created", "skip": "skipped"}.get(planned.action, "unchanged")
    enabled = remote is not None and remote.is_enabled
    rows = [{**row, "status": status} for row in files]
    return Release(application_id, version, status, enabled, rows)


class _Run:
    """One creation of a version: what has been sent, under which upload id, with which checksum."""

    def __init__(
        self,
        client: AdminClient,
        application_id: str,
        version: str,
        planned: Plan,
        notes: str | None,
        expected: Mapping[str, str],
    ) -> None:
        self._client = client
        self._app = application_id
        self._version = version
        self._files = planned.files
        self._notes = notes
        self._expected = expected
        self._upload_ids: dict[str, str] = {}
        self._checksums: dict[str, str] = {}

    def send_inline(self, progress: Callable[[ReleaseFile], Progress] | None) -> None:
        """One small file, one request."""
        file = self._files[0]
        report = progress(file) if progress else None
        if report:
            report(0, file.size)
        checksum = file_checksum(file)
        self._note(file, checksum)
        send = partial(
            self._client.upload_file,
            self._app,
            self._version,
            file.path,
            file_name=file.name,
            file_type=file.file_type,
            release_notes=self._notes,
        )
        self._until_there(send, file, checksum).raise_for_error()
        if report:
            report(file.size, file.size)

    def send(self, progress: Callable[[ReleaseFile], Progress] | None, parallel: int) -> None:
        """All bytes to the object store. Nothing exists on the server afterwards."""
        stop = threading.Event()
        jobs = [partial(self._send_one, file, progress, stop) for file in self._files]
        run_jobs(jobs, parallel, stop)

    def _send_one(
        self,
        file: ReleaseFile,
        progress: Callable[[ReleaseFile], Progress] | None,
        stop: threading.Event,
    ) -> None:
        report = progress(file) if progress else None

        def sent(done: int, total: int) -> None:
            if stop.is_set():
                raise Stopped
            if report:
                report(done, total)

        with LocalFile.opened(file.path, file.name) as opened:
            if opened.size != file.size:
                raise IntegrityError(f"{file.path} changed; nothing was completed")
            ticket, checksum = self._client.put_file(self._app, self._version, opened, sent)
        self._note(file, checksum)
        self._upload_ids[file.name] = ticket.upload_id

    def _note(self, file: ReleaseFile, checksum: str) -> None:
        wanted = self._expected.get(file.name)
        if wanted is not None and not checksums_match(wanted, checksum):
            raise IntegrityError(f"{file.name} has checksum {checksum}, listed is {wanted}")
        self._checksums[file.name] = checksum

    def complete(self) -> None:
        """Makes the version of what was sent, the MAIN file last."""
        if self._client.list_version_files(self._app, self._version).success:
            # A completion would disable and reset what somebody else has made meanwhile.
            failure(409, "another run has made this version meanwhile").raise_for_error()
        for file in self._files:
            self._complete_one(file).raise_for_error()

    def _complete_one(self, file: ReleaseFile) -> ApiResponse:
        """Completes one file. Again is safe here, because only this run has made the version, and
        it is not enabled yet."""
        checksum = self._checksums[file.name]
        send = partial(
            self._client.complete_large_upload,
            self._upload_ids[file.name],
            self._app,
            self._version,
            file.name,
            file.size,
            checksum,
            self._notes,
        )
        return self._until_there(send, file, checksum)

    def _until_there(
        self, send: Callable[[], ApiResponse], file: ReleaseFile, checksum: str
    ) -> ApiResponse:
        """Sends what makes a file, and looks whether it is there where no answer, or a gateway's,
        says so; sends it again, as often as the client retries, where it is not."""
        transport = self._client._transport
        for attempt in range(transport.retries + 1):
            try:
                answer = send()
            except TransportError as error:
                lost: TransportError | None = error
            else:
                lost = None
                if answer.status_code < 500:
                    return answer
            if self._is_there(file, checksum):
                return ApiResponse(True, 201, {}, None, None, {})
            if attempt < transport.retries:
                time.sleep(transport.pause(attempt))
        if lost:
            raise lost
        return answer

    def _is_there(self, file: ReleaseFile, checksum: str) -> bool:
        answer = self._client.list_version_files(self._app, self._version)
        if answer.status_code == 404:
            return False
        return not differences([file], _only(answer.require(), file.name), lambda _: checksum)

    def read_back(self, created: bool) -> list[Json]:
        """The server's list of files; raises IntegrityError unless it is exactly what was sent."""
        data = self._client.list_version_files(self._app, self._version).require()
        rows = [row for row in data.get("files") or [] if isinstance(row, dict)]
        if created:
            wrong = differences(self._files, rows, lambda file: self._checksums[file.name])
            if wrong:
                names = ", ".join(name for name, _, _ in wrong)
                raise IntegrityError(f"read back, these files differ: {names}; it is not enabled")
        return rows


def _only(data: Json, name: str) -> list[Json]:
    rows = data.get("files")
    return [row for row in rows or [] if isinstance(row, dict) and row.get("fileName") == name]
