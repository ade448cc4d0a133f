"""Everything the SDK raises beyond `ValueError` for bad arguments and `OSError` for local files.

BinDistError
├── TransportError              no usable response: refused, timed out, TLS, cut short
├── ApiError                    the server or the object store responded with an error
│   ├── AuthenticationError     401
│   ├── PermissionDeniedError   403
│   ├── NotFoundError           404, 410
│   ├── ConflictError           409
│   ├── QuotaError              413 of the API itself
│   ├── RateLimitError          429
│   └── ServerError             5xx
├── IntegrityError              the bytes are not what they should be (a ValueError too)
│   └── SignatureError          the version is not signed by a trusted key
├── DifferentContentError       the version exists with other files
├── TargetExistsError           the download's target exists (a FileExistsError too)
├── TargetConflictError         two files would have the same target (a ValueError too)
├── FileNameError               the object store could not hand out the file (a ValueError too)
├── IncompleteDownloadError     some of several files failed
├── MissingExtraError           an optional part of this package is not installed
└── BusyError                   another process uses the same file or release
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
        def tries(self) -> int: ...
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
    """No usable response came back.

    `ambiguous` is True if the server may have carried out the request nevertheless (a time-out, or
    a connection lost after the request was sent), False if it cannot have (connection refused,
    unknown host, TLS failure). `transient` is False if trying again cannot help: an untrusted
    certificate, a redirect loop. `harmless` is True if it does not matter whether the server has
    carried it out: it changes nothing that others see, as a GET and the sending of bytes. `tries`
    is how often the request was sent in all.
    """

    tries = 1

    def __init__(
        self, message: str, *, ambiguous: bool, transient: bool = True, harmless: bool = False
    ) -> None:
        super().__init__(message)
        self.ambiguous = ambiguous
        self.transient = transient
        self.harmless = harmless


class ApiError(BinDistError):
    """A failed response, raised by `ApiResponse.raise_for_error()`, `unwrap()` and the transfers.

    `response` is the whole response; `status_code`, `code` and `request_id` are taken from it.
    """

    def __init__(self, response: FailedResponse) -> None:
        error = response.error or {}
        super().__init__(str(error.get("message", f"HTTP {response.status_code}")))
        self.response = response
        self.status_code = response.status_code
        self.code = str(error.get("code", ""))

    @property
    def transient(self) -> bool:
        """True if the same request may succeed later, by the status and the error code: for 408,
        425, 429 and 5xx, and for some codes of the object store."""
        if (self.status_code, self.code) in TRANSIENT_CODES:
            return True
        return self.status_code in TRANSIENT_STATUSES or self.status_code >= 500

    @property
    def tries(self) -> int:
        """How often the request was sent in all: 1 if it was not repeated."""
        return self.response.tries

    @property
    def request_id(self) -> str | None:
        """The server's id of the request, to quote to its operator; None if it gave none."""
        found = (self.response.meta or {}).get("requestId")
        return found if isinstance(found, str) else None


class AuthenticationError(ApiError):
    """401: no key, an unknown key, or the key of a disabled customer."""


class PermissionDeniedError(ApiError):
    """403: the key may not do this, or the version is not enabled for download.

    A gateway that has no such path is an ApiError with the code NO_SUCH_PATH.
    """


class NotFoundError(ApiError):
    """404 or 410: the object does not exist, no longer exists, or is not visible to this key."""


class ConflictError(ApiError):
    """409: the object exists already, or is in a state that forbids the request."""


class QuotaError(ApiError):
    """413: the storage quota is exceeded, as the API says itself. A gateway that refuses a body as
    too large is an ApiError with the code REQUEST_TOO_LARGE."""


class RateLimitError(ApiError):
    """429: too many requests, still after all retries."""


class ServerError(ApiError):
    """5xx: the server, or a gateway in front of it, failed, still after all retries."""


class IntegrityError(BinDistError, ValueError):
    """The length, checksum, name or address of a file is wrong; nothing was kept."""


class SignatureError(IntegrityError):
    """The version has no valid signature by a trusted key, or other files than were signed."""


class MissingExtraError(BinDistError):
    """What was asked for needs the extra `extra` of this package, which is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} need the extra `{extra}`: pip install 'bindist[{extra}]'")
        self.extra = extra


class DifferentContentError(BinDistError):
    """The version exists with other files than these.

    `differences` has (file name, checksum on the server, local checksum) for each file that
    differs; a checksum is None if that side lacks the file. `incomplete` is True if the version is
    not enabled and only lacks files: another run is making it, or was interrupted. `mixed` is True
    if it has files of this run as well: no run can complete it any more.
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
    """The target of a download is a file that this call may not replace, and did not replace.

    The file existed before the call, or it appeared during the download. If it appeared, the bytes
    are kept in `NAME.part`, and the next call resumes from there.
    """


class TargetConflictError(BinDistError, ValueError):
    """Two files of a version cannot be in one folder: they have the same name there, or one has the
    name that the other has while it is downloaded. Nothing was downloaded."""


class FileNameError(BinDistError, ValueError):
    """The object store takes a file of this name, and then refuses each download of it.

    Nothing was sent. `names` has for each such file name a similar one that works.
    """

    def __init__(self, message: str, names: dict[str, str]) -> None:
        super().__init__(message)
        self.names = names


class IncompleteDownloadError(BinDistError):
    """Some, or all, of several files could not be downloaded.

    `downloads` has the `Download` of each file that could, in the order asked for; `failures` the
    exception of each other one by its file name. Calling again resumes from what is there.
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
    """Another process uses the same file or release; it is safe to try again later."""


REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
"""The code of a 413 that is not the API's: something in front of it takes no body of that size."""

SIGNED_CHECKSUM = "SIGNED_CHECKSUM"
"""The code of an upload that the object store refuses because its URL has the checksum of other
bytes, which the server signed before there were any."""

NO_SUCH_PATH = "NO_SUCH_PATH"
"""The code of what AWS's gateway says, with 403, of a path that it does not have: the address lacks
its stage, or leads elsewhere."""

TRANSIENT_STATUSES = frozenset({408, 425, 429})
"""The statuses below 500 of failures that may pass."""

TRANSIENT_CODES = frozenset({(400, "RequestTimeout"), (307, "TemporaryRedirect")})
"""Failures that may pass, by status and error code: S3 reports a slow upload as such a 400, and
sends uploads to a bucket that is new elsewhere for a while."""

_BY_STATUS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    413: QuotaError,
    429: RateLimitError,
}


def error_for_status(status: int, code: object = "") -> type[ApiError]:
    """The exception class for an HTTP status and an error code."""
    if code in (REQUEST_TOO_LARGE, NO_SUCH_PATH):
        return ApiError
    return _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
