"""Why a request got no response: one error, in words, out of all that requests, urllib3 and
http.client raise. The one module that knows their exceptions: others catch the tuples made here."""

from __future__ import annotations

from http.client import BadStatusLine, HTTPException
from traceback import walk_tb
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import (
    HTTPError,
    InvalidHeader,
    LocationValueError,
    NewConnectionError,
)

from ..errors import TransportError
from .redaction import redact_and_cut

CONNECTION_ERRORS = (OSError, HTTPException, HTTPError)
"""What a connection raises by itself."""

SENDING_ERRORS = (requests.RequestException, HTTPError, OSError, UnicodeError)
"""What sending a request and reading the head of its response raises."""

CONNECTING_ERRORS = (NewConnectionError,)
"""What opening a connection raises where no other end accepts it."""

RECEIVING_ERRORS = (*CONNECTION_ERRORS, ValueError)
"""What reading the body of a response raises; ValueError where the connection was closed."""

HEADER_ERRORS = (InvalidHeader, ValueError, OverflowError)
"""What reading a `Retry-After` raises: for endless digits and the year 99999, too."""

_MAX_CAUSE = 1000
_TLS_ALERT = "\x15\x03"
"""What a server that expects a handshake says to a request in plain text."""

_PLAIN_HTTP = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST")
"""What OpenSSL's versions call an answer in plain text to a handshake."""
_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    LocationValueError,
)


class OverdueError(OSError):
    """A response that did not end in time, however steadily it came."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the answer did not end within {seconds:g} s")
        self.seconds = seconds


class UnreadableError(HTTPException):
    """A response that made its reader fail."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the answer cannot be read: {type(error).__name__}: {error}")


def unreadable_response(error: Exception) -> requests.ConnectionError:
    """The failed connection that requests' callers expect, for a response that made it fail."""
    return requests.ConnectionError(UnreadableError(error))


def transport_error(
    error: Exception, url: str, timeout: tuple[float, float], secrets: tuple[str, ...] = ()
) -> TransportError:
    """What went wrong with a request to `url`, in words, without the address's query: it may hold a
    signature. `timeout` is (connect, read) in seconds; `secrets` are what may have been quoted."""
    parts = urlsplit(url)
    host = parts.hostname or "the server"
    if parts.port:
        host = f"{host}:{parts.port}"
    cause = _cause(error, secrets)
    innermost = _innermost(error)
    if isinstance(innermost, OverdueError):
        return TransportError(
            f"the response of {host} did not end within {innermost.seconds:g} s",
            ambiguous=True,
            transient=False,  # it would take as long again
        )
    if _never_connected(error) and not isinstance(error, requests.ConnectTimeout):
        return TransportError(f"{host} cannot be reached: {cause}", ambiguous=False)
    if isinstance(error, requests.ConnectTimeout):
        return TransportError(
            f"{host} accepted no connection within {timeout[0]:g} s", ambiguous=False
        )
    if isinstance(error, requests.Timeout) or "timed out" in cause:
        return TransportError(f"{host} did not respond within {timeout[1]:g} s", ambiguous=True)
    if _in_handshake(innermost):
        return _failed_handshake(host, cause)
    if isinstance(error, requests.exceptions.ProxyError):
        return TransportError(
            f"{host} cannot be reached through the proxy: {cause}", ambiguous=False
        )
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        return TransportError(
            f"{host} cannot be reached through the proxy: SOCKS needs PySocks; "
            "install it with `pip install 'requests[socks]'`",
            ambiguous=False,
            transient=False,
        )
    if isinstance(innermost, BadStatusLine) and str(innermost).startswith(_TLS_ALERT):
        return TransportError(
            f"{host} speaks https, not http without TLS", ambiguous=False, transient=False
        )
    if isinstance(error, _NO_ADDRESS):  # of the proxy, mostly: nothing has been sent
        return TransportError(
            f"the request to {host} cannot be sent: {cause}", ambiguous=False, transient=False
        )
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return TransportError(f"the connection to {host} was lost: {cause}", ambiguous=True)
    return TransportError(f"the request to {host} failed: {cause}", ambiguous=True)


def _failed_handshake(host: str, cause: str) -> TransportError:
    if "certificate" in cause.lower():
        message = f"the connection to {host} is not trusted: {cause}"
        return TransportError(message, ambiguous=False, transient=False)
    if any(name in cause.upper().replace(" ", "_") for name in _PLAIN_HTTP):
        message = f"{host} speaks http without TLS, not https: {cause}"
        return TransportError(message, ambiguous=False, transient=False)
    return TransportError(f"no TLS connection to {host}: {cause}", ambiguous=False)


def _never_connected(error: Exception) -> bool:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")


def _in_handshake(error: BaseException) -> bool:
    """Whether TLS failed before it could carry anything; it may break later, too."""
    return any(frame.f_code.co_name == "do_handshake" for frame, _ in walk_tb(error.__traceback__))


def _cause(error: BaseException, secrets: tuple[str, ...]) -> str:
    """The innermost reason, since the outer ones repeat whole addresses."""
    error = _innermost(error)
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return redact_and_cut(" ".join(str(text).split()), _MAX_CAUSE, *secrets)


def _innermost(error: BaseException) -> BaseException:
    seen = 0
    while seen < 10:
        seen += 1
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            found = [arg for arg in error.args if isinstance(arg, BaseException)]
            inner = found[-1] if found else error.__cause__
        if inner is None:
            break
        error = inner
    return error
