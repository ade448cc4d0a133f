"""Exit codes, their meanings, and the error types that they stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from bindist import errors


class Exit(IntEnum):
    """The exit codes of the process."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_AUTHENTICATED = 4
    NOT_ALLOWED = 5
    CONFLICT = 6
    UNAVAILABLE = 7
    INTEGRITY = 8
    PARTIAL = 9
    QUOTA = 10
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS = {
    Exit.DONE: "success, including “nothing to do”",
    Exit.FAILED: "any other failure",
    Exit.USAGE: "wrong usage, or invalid local input",
    Exit.NOT_FOUND: "not found",
    Exit.NOT_AUTHENTICATED: "not authenticated: no API key, or the server rejects it",
    Exit.NOT_ALLOWED: "not allowed, or the version is not enabled",
    Exit.CONFLICT: "conflict: it exists with different content, or is incomplete",
    Exit.UNAVAILABLE: "temporary failure after all retries (network, 408, 425, 429, 5xx, lock, "
    "--max-time): run it again",
    Exit.INTEGRITY: "integrity: content does not match its checksum or size; not kept",
    Exit.PARTIAL: "some files failed, others succeeded",
    Exit.QUOTA: "storage quota exceeded",
    Exit.HUNG_UP: "ended by SIGHUP: the terminal was closed",
    Exit.INTERRUPTED: "interrupted",
    Exit.TERMINATED: "ended by SIGTERM",
}

_EXITS: tuple[tuple[type[Exception], Exit], ...] = (
    (errors.AuthenticationError, Exit.NOT_AUTHENTICATED),
    (errors.PermissionDeniedError, Exit.NOT_ALLOWED),
    (errors.NotFoundError, Exit.NOT_FOUND),
    (errors.ConflictError, Exit.CONFLICT),
    (errors.DifferentContentError, Exit.CONFLICT),
    (errors.QuotaError, Exit.QUOTA),
    (errors.RateLimitError, Exit.UNAVAILABLE),
    (errors.ServerError, Exit.UNAVAILABLE),
    (errors.TransportError, Exit.UNAVAILABLE),
    (errors.BusyError, Exit.UNAVAILABLE),
    (errors.IntegrityError, Exit.INTEGRITY),
    (errors.MissingExtraError, Exit.USAGE),
    (errors.IncompleteDownloadError, Exit.PARTIAL),
    (ValueError, Exit.USAGE),
    # Paths from the command line that cannot be used.
    (FileNotFoundError, Exit.USAGE),
    (FileExistsError, Exit.USAGE),
    (IsADirectoryError, Exit.USAGE),
    (NotADirectoryError, Exit.USAGE),
    (PermissionError, Exit.USAGE),
)


@dataclass
class CliError(Exception):
    """An error as the program prints it: message, facts, and a hint for the next step."""

    message: str
    exit: Exit = Exit.FAILED
    facts: list[str] = field(default_factory=list)
    hint: str | None = None
    code: str = ""
    status: int | None = None
    request_id: str | None = None

    def __str__(self) -> str:
        return self.message

    def as_json(self) -> dict[str, object]:
        return {
            "code": self.code or self.exit.name,
            "message": self.message,
            "status": self.status,
            "requestId": self.request_id,
            "retryable": self.exit is Exit.UNAVAILABLE,
            "hint": self.hint,
            "exitCode": int(self.exit),
            **({"facts": self.facts} if self.facts else {}),
        }


def exit_for(error: Exception) -> Exit:
    """Returns the exit code for an exception."""
    if isinstance(error, CliError):
        return error.exit
    if isinstance(error, errors.ApiError) and error.transient:
        return Exit.UNAVAILABLE
    if isinstance(error, errors.ApiError) and error.status_code == 400:
        return Exit.FAILED if error.code == errors.SIGNED_CHECKSUM else Exit.USAGE
    return next((code for kind, code in _EXITS if isinstance(error, kind)), Exit.FAILED)
