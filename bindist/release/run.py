"""One run of a release: it reads the version, asks `plan` for the next step, takes it, and reads
the version again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from ..choices import IfExists
from ..errors import SIGNED_CHECKSUM, ApiError, BusyError, IntegrityError
from ..http.response import ApiResponse, Json
from ..transfer.concurrency import Outcome, gather
from ..transfer.config import DEFAULTS
from ..transfer.file_rows import distinct_files
from ..transfer.presigned import PresignedUpload
from ..transfer.upload import LocalFile
from .completions import completions
from .files import Checksums, ReleaseFile, check_expected
from .journal import FINISH_SECONDS, Creation, Journal
from .observation import Observation, first_look, look, look_at_reserved
from .ownership import by_upload_id, own_upload
from .plan import LAGGING, Action, Situation, Step, next_step
from .results import Release, ReleaseStatus
from .sending import Reporter, Sending
from .version_requests import VersionRequests
from .writes import FailedWriteError, Writes

SETTLE_SECONDS = 60.0
_FRESH_PART = 0.5
"""The part of `settle` for which a look allows writes: another run goes on after `settle`."""
_MIN_FRESH_SECONDS = 1.0
_MAX_SETTLES = 10
_MAX_ENABLES = 3
_MAX_COMPLETIONS = 10  # of one file
_MAX_POLL_SECONDS = 2.0
_PROTECTED = {Action.RESERVE, Action.UPLOAD_INLINE, Action.COMPLETE}


class Run:
    """A release under way. `settle` is how many seconds a request without a response may still be
    carried out; `publish` explains the other attributes."""

    settle = SETTLE_SECONDS
    release_notes: str | None = None
    expected: Mapping[str, str]
    progress: Reporter | None = None
    at_once = DEFAULTS.at_once()

    def __init__(
        self,
        requests: VersionRequests,
        journal: Journal,
        files: tuple[ReleaseFile, ...],
        if_exists: IfExists,
        enable: bool,
        checksum: Checksums,
    ) -> None:
        self.expected = {}
        self.notify: Callable[[str], None] = lambda _: None
        self._requests = requests
        self._transport = requests.transport
        self._writes = Writes(requests.transport, journal)
        self._journal = journal
        self._files = files
        self._if_exists = if_exists
        self._enable = enable
        self._checksum = checksum
        self._seen: Observation | None = None
        self._seen_since = 0.0
        self._presigned: dict[str, PresignedUpload] = {}
        self._earlier: set[str] = set()
        self._finished_before = False
        self._enabled_at: str | None = None
        self._tried_to_enable = False
        self._reserved = False
        self._times_enabled = 0
        self._times_completed: Counter[str] = Counter()
        self._reasons: list[str] = []
        self._polls = 0
        self._waited = 0.0

    def run(self, protect: Callable[[], AbstractContextManager[object]]) -> Release:
        """Takes one step after the other until the release is done; is inside of `protect()` while
        the version is being made."""
        step = self.first_step(ahead=True)
        if step.action is not Action.DONE:
            self._report_earlier()
        with ExitStack() as protected:
            inside = False
            while True:
                self._writes.raise_if_exhausted(step)
                if step.action is Action.DONE:
                    assert step.status is not None, "`plan` ends a release with a status"
                    return self._done(step.status)
                was_inside, inside = inside, _is_protected(step, inside)
                if was_inside and not inside:
                    protected.close()
                elif inside and not was_inside:
                    protected.enter_context(protect())
                if self._take(step):
                    self._read_version()
                step = next_step(self._situation())

    def first_step(self, *, ahead: bool = False) -> Step:
        """Reads the journal and the version, and decides on the first step.

        `ahead` tells to ask at the same time for what is needed where there is no version yet, and
        where no earlier run has left anything: the application, and the URL of a single file.
        """
        self._writes.settle = self.settle
        ahead = ahead and self._journal.is_blank
        self._take_over()
        files, *others = self._first_reads(ahead)
        self._note_seen(first_look(self._requests, files.get()))
        if self._seen is None:
            application = others[0].get() if others else self._requests.get_application()
            self._begin(application)
            if len(others) > 1 and others[1].error is None:
                self._presigned[self._files[0].name] = others[1].get()
        return next_step(self._situation())

    def _first_reads(self, ahead: bool) -> list[Outcome[Any]]:
        """The version's files; then, `ahead`, the application and perhaps a URL, of which nobody
        needs to know that they failed where there is a version."""
        requests, (file, *more) = self._requests, self._files
        calls: list[Callable[[], Any]] = [requests.list_files]
        if ahead:
            calls.append(requests.get_application)
            if not more and not file.needs_inline:
                calls.append(partial(requests.presign, file.name, file.size))
        return [found for found in gather(calls, self.at_once.files) if found]

    @property
    def is_enabled(self) -> bool:
        """Whether the version was enabled when it was read last."""
        return self._seen is not None and self._seen.is_enabled

    @property
    def version_size(self) -> object:
        """The size that the version's record had when it was read last: of one of its files."""
        return self._seen.record.get("fileSize") if self._seen else None

    # What is known

    def _read_version(self) -> None:
        """Reads the version from the server, once more."""
        if self._reserved:
            seen = look_at_reserved(self._requests)
        else:
            parallel = min(self.at_once.files, 2)
            seen = look(self._requests, enabled_at=self._enabled_at, parallel=parallel)
        self._reserved = False
        self._note_seen(seen)

    def _note_seen(self, seen: Observation | None) -> None:
        """Takes note of a look; writes that follow from it are sent soon, or not at all."""
        fresh = max(self.settle * _FRESH_PART, _MIN_FRESH_SECONDS)
        self._requests.write_transport.send_before = time.monotonic() + fresh
        if seen is None or self._seen is None or not seen.equals(self._seen):
            self._seen_since = time.monotonic()
        self._seen = seen

    def _situation(self) -> Situation:
        """All that decides on the next step."""
        now, writes = time.monotonic(), self._writes
        age = self._seen.age if self._seen and self._seen.age is not None else 0.0
        return Situation(
            files=self._files,
            name=f"version {self._requests.version} of {self._requests.application_id}",
            checksum=self._checksum,
            seen=self._seen,
            uploaded=self._journal.files,
            creation=self._journal.creation,
            finished=self._finished_before,
            if_exists=self._if_exists,
            enable=self._enable,
            settle=self.settle,
            wrote=writes.made,
            acknowledged=frozenset(writes.acknowledged),
            acknowledged_for=now - writes.acknowledged_at,
            unanswered_for=writes.unanswered_until - now,
            creation_unanswered_for=writes.creation_unanswered_until - now,
            enabling_unanswered_for=writes.enabling_unanswered_until - now,
            unchanged_for=max(age, now - self._seen_since),
            enabled_at=self._enabled_at,
            tried_to_enable=self._tried_to_enable,
            unchecked=self._unchecked(),
            refused=writes.refused,
            no_reservation=writes.no_reservation,
        )

    def _unchecked(self) -> tuple[ReleaseFile, ...]:
        """The files of the version whose bytes an earlier run sent."""
        if not self._earlier:
            return ()
        uploads = by_upload_id(self._journal.files)
        own = {found[0] for row in self._rows if (found := own_upload(row, uploads))}
        there = own & self._earlier
        return tuple(file for file in self._files if file.server_name in there)

    def _take_over(self) -> None:
        """Takes over what an earlier run has left in the journal."""
        journal = self._journal
        if journal.finished_at is not None and not self._writes.settle_left(journal.finished_at):
            journal.clear()
        self._finished_before = journal.finished_at is not None
        self._earlier = set() if self._finished_before else set(journal.files)
        if journal.written_at is not None:
            self._writes.take_over(journal.written_at)

    def _begin(self, application: ApiResponse) -> None:
        """Prepares to make the version; NotFoundError where there is no such application."""
        found = application.require().get("createdAt")
        created_at = found if isinstance(found, str) else None
        journal = self._journal
        stale = journal.application_created_at != created_at
        if stale or journal.creation is Creation.CREATED or self._finished_before:
            # The server has been reset or restored since: its object store may have been, too.
            journal.clear()
            self._earlier, self._finished_before = set(), False
        journal.application_created_at = created_at
        self._requests.check_id()
        self._requests.check_names()

    def _report_earlier(self) -> None:
        """Reports the files whose bytes the object store has from an earlier run."""
        situation = self._situation()
        for file in self._files:
            if file.server_name in self._earlier and situation.has_bytes(file, FINISH_SECONDS):
                check_expected(file, self._checksum(file), self.expected)
                if self.progress:
                    self.progress(file)(file.size, file.size)

    # Steps

    def _take(self, step: Step) -> bool:
        """Takes a step; False where the version need not be read again after it."""
        if step.action is Action.WAIT:
            self._wait(step)
            return True
        self._polls = 0
        actions: dict[Action, Callable[[Step], None]] = {
            Action.SEND: self._send,
            Action.RESERVE: self._reserve,
            Action.UPLOAD_INLINE: self._upload_inline,
            Action.COMPLETE: self._complete,
            Action.CHECK_BYTES: self._check_bytes,
            Action.ENABLE: self._enable_version,
            Action.DISABLE: self._disable,
        }
        try:
            actions[step.action](step)
        except FailedWriteError as failed:
            self._writes.note_failure(step.action, failed)
        else:
            self._writes.note_success()
        # The reservation that follows the bytes is refused where the version exists.
        return step.action is not Action.SEND

    def _wait(self, step: Step) -> None:
        if self._waited > _MAX_SETTLES * max(self.settle, _MAX_POLL_SECONDS):
            raise BusyError("another run goes on writing to this version")
        if step.reason not in (LAGGING, *self._reasons):
            self._reasons.append(step.reason)
            self.notify(f"waiting up to {step.seconds:.0f} s: {step.reason}")
        pause = min(
            step.seconds, self._transport.retry_policy.pause(self._polls), _MAX_POLL_SECONDS
        )
        self._polls += 1
        self._waited += pause
        time.sleep(pause)

    def _send(self, step: Step) -> None:
        """All bytes to the object store. Nothing exists on the server afterwards."""
        sending = Sending(self._requests, self._journal, self._checksum, self._earlier)
        sending.expected, sending.progress = self.expected, self.progress
        sending.presigned = self._presigned
        try:
            refusal = sending.send(step.files, self.at_once)
        except ApiError as error:
            fits = len(self._files) == 1 and self._files[0].fits_inline
            if error.code != SIGNED_CHECKSUM or not fits:
                raise
            self._go_inline(error)
        else:
            if refusal:
                self._writes.refuse(refusal)

    def _go_inline(self, error: ApiError) -> None:
        """The single file goes to the server in one request, past the object store."""
        (file,) = self._files
        self.notify(f"{error}; {file.name} goes to the server in one request instead")
        self._files = (replace(file, goes_inline=True),)

    def _reserve(self, _: Step) -> None:
        """Makes the version, still empty. Of two runs that come here one after the other, the
        second is refused."""
        main = self._files[-1].name
        reserve = partial(self._requests.reserve, main, self.release_notes)
        answer = self._writes.create(reserve)
        self._reserved = answer.success
        if answer.status_code == 400:
            self._writes.no_reservation, self._writes.refused = True, None

    def _upload_inline(self, step: Step) -> None:
        """One small file, one request: the only one that gives a file another type than its
        extension does."""
        (file,) = step.files
        report = self.progress(file) if self.progress else None
        if report:
            report(0, file.size)
        check_expected(file, self._checksum(file), self.expected)
        with LocalFile.opened(file.path, file.name) as opened:
            answer = self._writes.create(
                partial(
                    self._requests.upload_inline,
                    opened,
                    file.file_type,
                    self.release_notes,
                    file.description or None,
                )
            )
        if answer.success and report:
            report(file.size, file.size)

    def _complete(self, step: Step) -> None:
        """The MAIN files after all others, one after the other; the others at once."""
        requests = completions(
            self._requests,
            step.files,
            self._rows,
            self._journal.files,
            self._checksum,
            self.expected,
            self.release_notes,
        )
        self._count_completions(requests.keys())
        main = {file.server_name for file in step.files if file.file_type == "MAIN"}
        others = {name: send for name, send in requests.items() if name not in main}
        if others:
            self._writes.complete(others, self.at_once.files)
        if main:
            self._writes.complete({name: requests[name] for name in requests if name in main}, 1)
        if step.twice:
            self._writes.complete(requests, 1)

    def _count_completions(self, names: Iterable[str]) -> None:
        """Raises IntegrityError where the server needs the same file completed again and again."""
        self._times_completed.update(list(names))
        if max(self._times_completed.values()) > _MAX_COMPLETIONS:
            said = self._seen.record.get("fileSize") if self._seen else None
            raise IntegrityError(
                f"the server says that the version has {said!r:.80} bytes, each time that its last "
                "file is completed; the version is not enabled"
            )

    def _check_bytes(self, step: Step) -> None:
        """Shows that the object store still has what an earlier run sent."""
        count = len(step.files)
        self.notify(
            f"checking that the object store has {count} of the files, which an earlier run sent: "
            f"the statistics count {count} downloads"
        )
        ids = [self._journal.files[file.server_name].upload_id for file in step.files]
        checks = [partial(self._requests.check_stored_bytes, file_id) for file_id in ids]
        for found in gather(checks, self.at_once.files):
            assert found, "no check ends the others"
            stored = found.get()
            if stored.status != "ok":
                self._journal.clear()
                stored.raise_for_error()
        self._earlier.clear()

    def _enable_version(self, _: Step) -> None:
        if self._times_enabled >= _MAX_ENABLES:
            raise BusyError("another run resets this version each time that it is enabled")
        self._tried_to_enable = True
        before = self._seen.created_at if self._seen else ""
        self._set_enabled(True).raise_for_error()
        self._times_enabled += 1
        self._enabled_at = before

    def _disable(self, _: Step) -> None:
        self._set_enabled(False).raise_for_error()

    def _set_enabled(self, enabled: bool) -> ApiResponse:
        return self._writes.set_enabled(partial(self._requests.set_enabled, enabled), enabled)

    @property
    def _rows(self) -> tuple[Json, ...]:
        return self._seen.rows if self._seen else ()

    def _done(self, status: ReleaseStatus) -> Release:
        if status == "skipped":
            rows = list(self._rows)
        else:
            self._journal.finish()
            rows = distinct_files(self._rows)
        uploads = by_upload_id(self._journal.files)
        own = [own_upload(row, uploads) for row in rows]
        shown = [
            {**row, "status": status, "confirmed": found[1].confirmed if found else None}
            for row, found in zip(rows, own, strict=True)
        ]
        return Release(
            self._requests.application_id,
            self._requests.version,
            status,
            self.is_enabled,
            shown,
        )


def _is_protected(step: Step, inside: bool) -> bool:
    """Whether a step belongs to the making of the version, as its waits for reads that lag do; they
    take `VISIBLE_SECONDS` at most."""
    lags = step.action is Action.WAIT and step.reason == LAGGING and not step.status
    return step.action in _PROTECTED or (inside and lags)
