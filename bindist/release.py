"""A release: several files as one version, whole or invisible.

First all upload URLs, then all bytes; then the version is made, empty, which of several runs at
once the server lets only one do; then each file is completed, the MAIN file last; then all is read
back, and only where every checksum is right the version is enabled. A journal knows what an
interrupted run has done, and the same call finishes it.
"""

from __future__ import annotations

import threading
import time
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
from .hashing import checksums_match
from .journal import Journal, Sent
from .planning import (
    Plan,
    ReleaseFile,
    RemoteVersion,
    differences,
    file_checksum,
    is_own,
    on_the_server,
    plan,
    remembered,
)
from .response import ApiResponse, Json, failure
from .source import Progress
from .threads import Stopped, run_jobs
from .upload import LocalFile, Ticket

Reporter = Callable[[ReleaseFile], Progress]
_CONFLICTS = 3
_LONGEST_WATCH = 60.0  # seconds
_LONGEST_PAUSE = 2.0


@dataclass
class Release:
    """What became of it: `status` is `created`, `unchanged` or `skipped`; `files` are the server's
    rows, each with that status."""

    application_id: str
    version: str
    status: str
    is_enabled: bool
    files: list[Json] = field(default_factory=list)


def find_version(client: AdminClient, application_id: str, version: str) -> RemoteVersion | None:
    """The version as it is on the server; None where there is none, NotFoundError where there is
    no such application."""
    try:
        files = client.list_version_files(application_id, version).rows("files")
    except NotFoundError:
        client.get_application(application_id).raise_for_error()
        return None
    return RemoteVersion(tuple(files), client._is_enabled(application_id, version))


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
    progress: Reporter | None = None,
    parallel: int = 4,
    journal: Path | None = None,
) -> Release:
    """Makes a version of `files`, or finds that it is there; returns what is there afterwards.

    Safe to call again at any point: what was interrupted is finished. Where another run makes the
    same version at the same time, what it makes is waited for, as long as it gets on and with as
    many looks as the client has retries, and compared.

    Args:
        files: from `planning.local_files`.
        if_exists: what to do where the version exists already: `match` compares (default), `skip`
            leaves it, `fail` raises. What this release itself has begun is finished in any case.
        enable: True releases it to the production channel, once all that was read back is right.
        release_notes: up to 5000 characters.
        expected: checksums by file name that the bytes sent must have.
        progress: gives the callback for a file's bytes.
        parallel: how many files are sent at once; default 4.
        journal: a folder to keep in what is needed to finish an interrupted release; default None:
            a release that is interrupted between its first and its last completion can then not be
            finished, and its version, disabled, not be used any more.

    Raises DifferentContentError, BusyError where another process is at the same release, ApiError,
    TransportError, IntegrityError, OSError; the version is not enabled then.
    """
    checksum = remembered(file_checksum)
    with Journal.opened(journal, client.base_url, application_id, version) as notes:
        run = _Run(client, application_id, version, notes, release_notes, expected or {})
        transport, looks, seen = client._transport, 0, -1
        while True:
            remote = find_version(client, application_id, version)
            if remote and len(remote.files) != seen:  # whoever makes it is getting on
                looks, seen = 0, len(remote.files)
            try:
                planned = plan(
                    files,
                    remote,
                    checksum,
                    if_exists=if_exists,
                    enable=enable,
                    sent=notes.sent,
                    begun=notes.begun,
                    confirmed=notes.confirmed,
                )
                done = run.carry_out(planned, remote, progress, parallel)
            except DifferentContentError as error:
                if looks >= transport.retries or not error.incomplete:
                    raise
            except ConflictError:  # somebody has made it since we looked
                if looks >= _CONFLICTS or find_version(client, application_id, version) is None:
                    raise
            else:
                if planned.action != "skip":
                    notes.forget()
                return done
            time.sleep(transport.pause(looks))
            looks += 1


class _Run:
    """One release being carried out."""

    def __init__(
        self,
        client: AdminClient,
        application_id: str,
        version: str,
        journal: Journal,
        notes: str | None,
        expected: Mapping[str, str],
    ) -> None:
        self._client = client
        self._app = application_id
        self._version = version
        self._journal = journal
        self._notes = notes
        self._expected = expected
        self._inline_checksum = ""

    def carry_out(
        self,
        planned: Plan,
        remote: RemoteVersion | None,
        progress: Reporter | None,
        parallel: int,
    ) -> Release:
        """Does what is planned; `remote` is what it was planned for."""
        rows = list(remote.files) if remote else []
        if planned.inline:
            self._send_inline(planned.files[0], progress)
        elif planned.action == "create":
            self._send(planned, progress, parallel)
            self._reserve(planned.files[-1])
        elif planned.action == "finish":
            for file in planned.files:
                self._check_expected(file, self._sent(file).checksum)
            if not rows and not self._is_mine():
                failure(409, "another run is making this version").raise_for_error()
            self._journal.confirm()
        for file in planned.complete if not planned.inline else ():
            self._complete(file)
        if planned.action in ("create", "finish"):
            rows = self._read_back(planned.files)
        if planned.enable:
            self._enable()
        enabled = planned.enable or bool(remote and remote.is_enabled)
        rows = [{**row, "status": planned.status} for row in rows]
        return Release(self._app, self._version, planned.status, enabled, rows)

    def _sent(self, file: ReleaseFile) -> Sent:
        return self._journal.sent[on_the_server(file.name)]

    def _send_inline(self, file: ReleaseFile, progress: Reporter | None) -> None:
        """One small file, one request."""
        report = progress(file) if progress else None
        if report:
            report(0, file.size)
        checksum = file_checksum(file)
        self._check_expected(file, checksum)
        self._inline_checksum = checksum
        begun = self._journal.begun
        self._journal.begin()
        send = partial(
            self._client.upload_file,
            self._app,
            self._version,
            file.path,
            file_name=file.name,
            file_type=file.file_type,
            release_notes=self._notes,
        )
        answer = self._until(send, lambda: _has(self._rows() or [], file, checksum))
        if answer.success:
            self._journal.confirm()
        elif answer.status_code < 500 and not begun:
            self._journal.leave()
        answer.raise_for_error()
        if report:
            report(file.size, file.size)

    def _send(self, planned: Plan, progress: Reporter | None, parallel: int) -> None:
        """All bytes to the object store. Nothing exists on the server afterwards."""
        tickets = {
            file.name: self._client.ask_ticket(self._app, self._version, file.name, file.size)
            for file in planned.send
        }
        for file in planned.files:
            if file not in planned.send:  # the object store has it from an earlier run
                self._check_expected(file, self._sent(file).checksum)
                if progress:
                    progress(file)(file.size, file.size)
        stop, lock = threading.Event(), threading.Lock()

        def send(file: ReleaseFile) -> None:
            sent = self._send_one(file, tickets[file.name], progress, stop)
            with lock:
                self._journal.note(on_the_server(file.name), sent)

        run_jobs([partial(send, file) for file in planned.send], parallel, stop)

    def _send_one(
        self,
        file: ReleaseFile,
        ticket: Ticket,
        progress: Reporter | None,
        stop: threading.Event,
    ) -> Sent:
        report = progress(file) if progress else None

        def sent(done: int, total: int) -> None:
            if stop.is_set():
                raise Stopped
            if report:
                report(done, total)

        with LocalFile.opened(file.path, file.name) as opened:
            if opened.size != file.size:
                raise IntegrityError(f"{file.path} changed; nothing was completed")
            used, checksum = self._client.put_file(
                self._app, self._version, opened, sent, ticket=ticket
            )
        self._check_expected(file, checksum)
        return Sent(used.upload_id, file.size, checksum)

    def _check_expected(self, file: ReleaseFile, checksum: str) -> None:
        wanted = self._expected.get(file.name)
        if wanted is not None and not checksums_match(wanted, checksum):
            raise IntegrityError(f"{file.name} has checksum {checksum}, listed is {wanted}")

    def _reserve(self, main: ReleaseFile) -> None:
        """Makes the version, still empty. Of two runs that come here at once, one is refused;
        without this both would complete their files, onto one version."""
        begun = self._journal.begun
        self._journal.begin()
        send = partial(
            self._client._make_empty_version, self._app, self._version, main.name, self._notes
        )
        answer = self._until(send, self._is_mine)
        if answer.success:
            self._journal.confirm()
            return
        if answer.status_code == 400 and self._rows() is None:
            return  # this server makes no empty versions: the first completion will make it
        if answer.status_code < 500 and not begun:  # else it may be what an interrupted run made
            self._journal.leave()
        if answer.status_code in (400, 409):
            answer = failure(409, "another run has made this version meanwhile")
        answer.raise_for_error()

    def _rows(self) -> list[Json] | None:
        """The version's files as the server has them; None where there is no such version."""
        answer = self._client.list_version_files(self._app, self._version)
        return None if answer.status_code == 404 else answer.rows("files")

    def _are_own(self, rows: list[Json]) -> bool:
        """Whether all of these files were sent by this release."""
        return all(is_own(row, self._journal.sent) for row in rows)

    def _is_mine(self) -> bool:
        """Whether the version is there, and made by this release. Where the server has not said so,
        it is watched for as long as an answer may take: another run would put files into it."""
        until = time.monotonic() + min(self._client._transport.read_timeout, _LONGEST_WATCH)
        look = 0
        while True:
            rows = self._rows()
            if rows is None or not self._are_own(rows):
                return False
            if self._journal.confirmed or time.monotonic() > until:
                return True
            time.sleep(min(self._client._transport.pause(look), _LONGEST_PAUSE))
            look += 1

    def _complete(self, file: ReleaseFile) -> None:
        sent = self._sent(file)
        send = partial(
            self._client.complete_large_upload,
            sent.upload_id,
            self._app,
            self._version,
            file.name,
            file.size,
            sent.checksum,
            self._notes,
        )

        def done() -> bool:
            rows = self._rows() or []
            if not self._are_own(rows):  # what has not arrived is not sent once more then
                failure(409, "another run is making this version").raise_for_error()
            return _has(rows, file, sent.checksum)

        self._until(send, done).raise_for_error()

    def _enable(self) -> None:
        send = partial(self._client.update_version, self._app, self._version, is_enabled=True)
        done = partial(self._client._is_enabled, self._app, self._version)
        self._until(send, done).raise_for_error()

    def _until(self, send: Callable[[], ApiResponse], done: Callable[[], bool]) -> ApiResponse:
        """Sends what changes something. Where no answer says whether it did, or only a gateway's,
        that is looked up; where it did not, it is sent again, as often as the client retries."""
        transport = self._client._transport
        for attempt in range(transport.retries + 1):
            lost: TransportError | None = None
            try:
                answer = send()
            except TransportError as error:
                lost = error
            refused = lost is None and 400 <= answer.status_code < 500
            if lost is None and (answer.success or (refused and attempt == 0)):
                return answer
            if done():  # a second try may be refused just because the first was carried out
                return ApiResponse(True, 200, {}, None, None, {})
            if refused or (lost and not lost.transient):
                break
            if attempt < transport.retries:
                time.sleep(transport.pause(attempt))
        if lost:
            raise lost
        return answer

    def _checksum_of(self, file: ReleaseFile) -> str:
        return self._inline_checksum or self._sent(file).checksum

    def _read_back(self, files: Sequence[ReleaseFile]) -> list[Json]:
        """The server's list of files; raises IntegrityError unless it is exactly what was sent."""
        rows = self._client.list_version_files(self._app, self._version).rows("files")
        wrong = differences(files, rows, self._checksum_of)
        if wrong:
            names = ", ".join(sorted({name for name, _, _ in wrong}))
            raise IntegrityError(f"read back, these files differ: {names}; it is not enabled")
        return rows


def _has(rows: list[Json], file: ReleaseFile, checksum: str) -> bool:
    """Whether a file is among those of the server, once, and with the right bytes."""
    name = on_the_server(file.name)
    named = [row for row in rows if row.get("fileName") == name]
    return not differences([file], named, lambda _: checksum)
