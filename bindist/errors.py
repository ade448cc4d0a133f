"""Everything the SDK raises beyond `ValueError` for bad arguments and `OSError` for local files.

BinDistError
├── TransportError              no usable answer: refused, timed out, TLS, cut short
├── ApiError                    the server, or the object store, answered that it failed
│   ├── AuthenticationError     401
│   ├── PermissionDeniedError   403
│   ├── NotFoundError           404, 410
│   ├── ConflictError           409
│   ├── QuotaError              413
│   ├── RateLimitError          429
│   └── ServerError             5xx
├── IntegrityError              the bytes are not what they should be (a ValueError too)
├── DifferentContentError       the version exists with other files
├── TargetExistsError           a file is in the download's place (a FileExistsError too)
├── TargetConflictError         two files would have one place (a ValueError too)
├── IncompleteDownloadError     some of several files failed
└── BusyError                   another process is at the same file or release
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; importing typing takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any, Protocol

    class FailedResponse(Protocol):
        """What an error keeps of its response: every `ApiResponse` has it."""

        @property
        def success(self) -> bool: ...
        @property
        def status_code(self) -> int: ...
        @property
        def data(self) -> Any: ...
        @property
        def error(self) -> dict[str, Any] | None: ...
        @property
        def meta(self) -> dict[str, Any] | None: ...
        @property
        def raw(self) -> dict[str, Any]: ...
        def require(self) -> dict[str, Any]: ...
        def rows(self, name: str) -> list[dict[str, Any]]: ...

    class FinishedDownload(Protocol):
        """What an error tells of a file that was downloaded: every `Download` has it."""

        @property
        def file_name(self) -> str: ...
        @property
        def file_size(self) -> int: ...
        @property
        def checksum(self) -> str: ...
        @property
        def status(self) -> str: ...
        @property
        def path(self) -> Path | None: ...


class BinDistError(Exception):
    """The root of all exceptions of this package.

    Each of them, and each class made from one, can be pickled and copied with its attributes.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # Python would call the class with `args` alone, which not every constructor takes.
        return _remade, (type(self), self.args), self.__dict__


def _remade(kind: type[BinDistError], args: tuple[object, ...]) -> BinDistError:
    """An exception with these `args`; its attributes follow."""
    return kind.__new__(kind, *args)


class TransportError(BinDistError):
    """No usable answer came back.

    `ambiguous` is True where the server may have carried out the request all the same (a time-out,
    a connection lost after it was sent), False where it cannot have (refused, unknown host, TLS).
    `transient` is False where trying again cannot help: a certificate that is not trusted, a
    redirect in a circle.
    """

    def __init__(self, message: str, *, ambiguous: bool, transient: bool = True) -> None:
        super().__init__(message)
        self.ambiguous = ambiguous
        self.transient = transient


class ApiError(BinDistError):
    """A failed answer, raised by `ApiResponse.raise_for_error()` and by the transfers.

    `response` is the whole answer; `status_code`, `code` and `request_id` are taken from it.
    """

    def __init__(self, response: FailedResponse) -> None:
        error = response.error or {}
        super().__init__(str(error.get("message", f"HTTP {response.status_code}")))
        self.response = response
        self.status_code = response.status_code
        self.code = str(error.get("code", ""))

    @property
    def request_id(self) -> str | None:
        """The server's name for the request, for its operator; None if it gave none."""
        found = (self.response.meta or {}).get("requestId")
        return found if isinstance(found, str) else None


class AuthenticationError(ApiError):
    """401: no key, an unknown key, or the key of a disabled customer."""


class PermissionDeniedError(ApiError):
    """403: the key may not do this, or the version is not enabled for download."""


class NotFoundError(ApiError):
    """404 or 410: it is not there, no longer there, or not visible to this key."""


class ConflictError(ApiError):
    """409: it exists already."""


class QuotaError(ApiError):
    """413: over the storage quota, or a body that a gateway finds too large."""


class RateLimitError(ApiError):
    """429: too many requests, still after all retries."""


class ServerError(ApiError):
    """5xx: the server or a gateway before it failed, still after all retries."""


class IntegrityError(BinDistError, ValueError):
    """Length, checksum, name or address of a file is not what it should be; nothing was kept."""


class DifferentContentError(BinDistError):
    """The version exists, with other files than these.

    `differences` has (file name, checksum on the server, local checksum) for each file that is not
    alike; None where a side does not have it. `incomplete` is True where the version is not enabled
    and only lacks files: another run is making it, or has not ended. `mixed` is True where it has
    files of this run, too: no run can make it whole any more.
    """

    def __init__(
        self,
        message: str,
        differences: list[tuple[str, str | None, str | None]],
        *,
        incomplete: bool = False,
        mixed: bool = False,
    ) -> None:
        super().__init__(message)
        self.differences = differences
        self.incomplete = incomplete
        self.mixed = mixed


class TargetExistsError(BinDistError, FileExistsError):
    """Where a download should go is a file that this call may not replace, and has not replaced.

    It was there from the start, or it appeared while the download went on. In that case the bytes
    are kept in `NAME.part`, from where the next call takes them.
    """


class TargetConflictError(BinDistError, ValueError):
    """Two files of a version cannot be in one folder: they have the same name there, or one is
    called what the other is called while it is downloaded. Nothing was downloaded."""


class IncompleteDownloadError(BinDistError):
    """Some, or all, of several files could not be downloaded.

    `downloads` has the `Download` of each file that could, in the order asked for; `failures` the
    exception of each other one by its file name. The same call goes on from what is there.
    """

    def __init__(
        self, downloads: Sequence[FinishedDownload], failures: dict[str, Exception]
    ) -> None:
        count = len(downloads) + len(failures)
        told = "; ".join(f"{name}: {error}" for name, error in failures.items())
        super().__init__(f"{len(failures)} of {count} files could not be downloaded: {told}")
        self.downloads = downloads
        self.failures = failures


class BusyError(BinDistError):
    """Another process is at the same file or release; safe to try again later."""


_BY_STATUS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    413: QuotaError,
    429: RateLimitError,
}


def error_for_status(status: int) -> type[ApiError]:
    """The exception class for an HTTP status."""
    return _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
