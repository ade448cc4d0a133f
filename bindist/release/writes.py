"""The requests by which a run changes its version, and what is known of each: answered, refused, or
without a response that says whether the server has carried it out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from ..errors import ApiError, BinDistError, ConflictError, TransportError
from ..http.response import ApiResponse, failure
from ..http.transport import Transport
from ..transfer.concurrency import CancellationToken, gather
from .journal import Creation, Journal
from .plan import Action, Step

_CREATIONS = {Action.RESERVE, Action.UPLOAD_INLINE}
_MAX_CREATIONS = 2  # each waits `settle` seconds for the one before


class FailedWriteError(Exception):
    """A write that no response says to be carried out, or that the server has refused for now. It
    may be sent again, once the version has been read anew."""

    def __init__(self, error: BinDistError, *, ambiguous: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.ambiguous = ambiguous
        """Whether the server may have carried it out, or still may."""


class Writes:
    """What a run has written. `settle` is how many seconds a request without a response may still
    be carried out; the `..._until` and `acknowledged_at` are times of `time.monotonic`."""

    def __init__(self, transport: Transport, journal: Journal) -> None:
        self.settle = 0.0
        self.made = False
        """Whether this run has made the version or a file of it, or may have."""
        self.acknowledged: set[str] = set()
        """The names of the files whose completion the server has answered."""
        self.acknowledged_at = 0.0
        self.unanswered_until = 0.0
        self.creation_unanswered_until = 0.0
        self.enabling_unanswered_until = 0.0
        self.refused: ConflictError | None = None
        self.no_reservation = False
        self._transport = transport
        self._journal = journal
        self._failures: list[FailedWriteError] = []
        self._failed_action: Action | None = None

    def settle_left(self, moment: float) -> float:
        """How many of the `settle` seconds after `moment`, in Unix time, are left."""
        return max(0.0, self.settle - abs(time.time() - moment))

    def take_over(self, written_at: float) -> None:
        """Takes over that an earlier run sent a write at that Unix time, and saw no response."""
        until = time.monotonic() + self.settle_left(written_at)
        self.unanswered_until = self.creation_unanswered_until = until

    def create(self, send: Callable[[], ApiResponse]) -> ApiResponse:
        """Sends a request that makes the version, and that must not be sent again at once.

        Returns the response, also where it is 400 or 409: somebody else's version is there. Raises
        FailedWriteError, ApiError.
        """
        was_absent = self._journal.creation is Creation.ABSENT
        self._journal.start_write()
        answer = self._write(send, idempotent=False)
        self._end(created=answer.success)
        if not answer.success:
            if was_absent:
                self._journal.disown()
            if answer.status_code not in (400, 409):
                answer.raise_for_error()
            self.refuse(ConflictError(failure(409, "another run has made this version meanwhile")))
        return answer

    def refuse(self, error: ConflictError) -> None:
        """Notes that the server has the version already."""
        self.refused, self.acknowledged_at = error, time.monotonic()

    def complete(self, requests: Mapping[str, Callable[[], ApiResponse]], parallel: int) -> None:
        """Sends completions, by file name, up to `parallel` at once; each makes the version where
        there is none. Returns, or raises, when all that were sent have ended; after one that fails,
        no other is sent.

        Raises ApiError where the server has refused one, FailedWriteError where one has no answer.
        """
        self._journal.start_write()
        token, lock = CancellationToken(), threading.Lock()

        def complete(send: Callable[[], ApiResponse]) -> ApiResponse:
            whole = False
            try:
                with lock:
                    self._renew_written_at()
                answer = send()
                whole = answer.success
            finally:
                if not whole:
                    token.cancel()
            return answer

        ended = gather([partial(complete, send) for send in requests.values()], parallel, token)
        refused: ApiResponse | None = None
        failed: FailedWriteError | None = None
        advanced = False
        for name, outcome in zip(requests, ended, strict=True):
            if outcome is None:
                continue
            try:
                answer = self._write(outcome.get)
            except FailedWriteError as error:
                failed = failed or error
                continue
            if answer.success:
                advanced = advanced or name not in self.acknowledged
                self.acknowledged.add(name)
            else:
                refused = refused or answer
        if refused is not None:
            self._end()
            refused.raise_for_error()
        if failed is not None:
            if advanced:
                self._failures.clear()
            raise failed
        self._end(created=True)

    def _renew_written_at(self) -> None:
        """Records anew that writes are being sent, unless that was a moment ago."""
        written_at = self._journal.written_at
        if written_at is None or abs(time.time() - written_at) > self.settle / 20:
            self._journal.start_write()

    def set_enabled(self, send: Callable[[], ApiResponse], enabled: bool) -> ApiResponse:
        """Sends a request that enables or disables the version. Raises FailedWriteError."""

        def note_unanswered() -> None:
            if enabled:
                self.enabling_unanswered_until = time.monotonic() + self.settle

        if enabled:
            self._journal.start_write()
        answer = self._send(send, note_unanswered)
        if enabled:
            self._end()
        return answer

    def note_success(self) -> None:
        """A step has been taken."""
        self._failures.clear()

    def note_failure(self, action: Action, failed: FailedWriteError) -> None:
        """A step has failed; pauses where it may be tried again."""
        self._failures.append(failed)
        self._failed_action = action
        if not self._is_exhausted:
            time.sleep(self._transport.retry_policy.announce(len(self._failures) - 1, failed.error))

    def raise_if_exhausted(self, step: Step) -> None:
        """Raises the last failure where the same step has failed as often as it is to be tried;
        another step tells that the request was carried out all the same."""
        if self._is_exhausted and step.action in (self._failed_action, Action.WAIT):
            raise self._failures[-1].error

    @property
    def _is_exhausted(self) -> bool:
        if not self._failures:
            return False
        last, attempts = self._failures[-1], self._transport.retry_policy.attempts
        if self._failed_action in _CREATIONS and last.ambiguous:
            attempts = min(attempts, _MAX_CREATIONS)
        hopeless = isinstance(last.error, TransportError) and not last.error.transient
        return hopeless or len(self._failures) >= attempts

    def _write(self, send: Callable[[], ApiResponse], *, idempotent: bool = True) -> ApiResponse:
        def note_unanswered() -> None:
            self.made = True
            self.unanswered_until = time.monotonic() + self.settle
            if not idempotent:
                self.creation_unanswered_until = self.unanswered_until

        answer = self._send(send, note_unanswered)
        self.made = self.made or answer.success
        return answer

    def _send(
        self, send: Callable[[], ApiResponse], note_unanswered: Callable[[], None]
    ) -> ApiResponse:
        try:
            answer = send()
        except TransportError as error:
            self._note_failed(note_unanswered if error.ambiguous else None)
            raise FailedWriteError(error, ambiguous=error.ambiguous) from error
        policy = self._transport.retry_policy
        if answer.success:
            self.acknowledged_at = time.monotonic()
        elif policy.is_transient(answer) or not policy.is_refusal(answer):
            ambiguous = not policy.is_refusal(answer)
            self._note_failed(note_unanswered if ambiguous else None)
            raise FailedWriteError(_error_of(answer), ambiguous=ambiguous)
        return answer

    def _note_failed(self, note_unanswered: Callable[[], None] | None) -> None:
        """A write has failed: without a response, from now on it may still be carried out."""
        if note_unanswered:
            note_unanswered()
            self._journal.start_write()
        else:
            self._end()

    def _end(self, *, created: bool = False) -> None:
        unanswered = max(self.unanswered_until, self.enabling_unanswered_until)
        answered = unanswered <= time.monotonic()
        self._journal.end_write(created=created, answered=answered)


def _error_of(answer: ApiResponse) -> ApiError:
    try:
        answer.raise_for_error()
    except ApiError as error:
        return error
    raise AssertionError("unreachable")
