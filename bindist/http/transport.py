"""Requests and answers: time-outs, retries, the key, and what is logged of it all.

Two sessions: one carries the key and talks to the API alone; the other talks to the object store
and carries nothing. Two loggers: `bindist.request` has one line per request, `bindist.wire` headers
and bodies, both at DEBUG and both redacted.
"""

from __future__ import annotations

import contextlib
import itertools
import json as json_module
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests

from ..errors import TransportError
from .adapters import BoundedResponse
from .error_mapping import SENDING_ERRORS, transport_error
from .redaction import HiddenUrl, guard_urllib3_logs, redact, redact_and_cut, secrets_of
from .response import MAX_ERROR_BODY, ApiResponse, from_body, from_store
from .retry import RetryPolicy
from .sessions import Session, Sessions
from .throttle import OVERLOAD_STATUSES
from .url_policy import check_address

if TYPE_CHECKING:
    from ..types import StrPath

Timeout = tuple[float, float]

ANSWER_LIMIT = 16 * 1024 * 1024
"""The most bytes of one answer of the API by default; a larger one is a TransportError."""

TOTAL_TIMEOUT = 330.0
"""Seconds that an answer of the API may take in all by default: the slowest server needs 300."""

REPEATABLE = frozenset({"GET", "HEAD"})
MAX_REDIRECTS = 10
MAX_OVERLOADS = 50
"""So many attempts of a call that a server has too much to do for do not count, at most."""

ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})

request_log = logging.getLogger("bindist.request")
wire_log = logging.getLogger("bindist.wire")


class Transport:
    """What both clients send their requests through.

    `timeout` is (connect, read) in seconds. `retries` and `backoff` are those of `retry_policy`.
    `verify` names a CA bundle; None leaves it to the environment and requests' own. `store_etag`
    says what the object store's ETags are: `md5` of the bytes, or `opaque`. `total_timeout`
    is how many seconds an answer of the API may take in all, None for 330 or what `timeout` makes
    of it, whichever is more; `answer_limit` how many bytes it may have. `allow_private_store` lets
    a server outside lead to an object store inside a private network.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: Timeout,
        retries: int,
        backoff: float,
        verify: StrPath | None,
        store_etag: str = "md5",
        total_timeout: float | None = None,
        answer_limit: int = ANSWER_LIMIT,
        allow_private_store: bool = False,
    ) -> None:
        self.base_url = base_url
        self.store_etag = store_etag
        self.retry_policy = RetryPolicy(retries, backoff)
        """When calls of the API are repeated."""
        self.send_before: float | None = None
        """A time of `time.monotonic` after which no call is sent any more; None for no limit."""
        self._secrets = secrets_of(api_key)
        self._timeout = timeout
        self._total_timeout = (
            max(TOTAL_TIMEOUT, sum(timeout)) if total_timeout is None else total_timeout
        )
        self._answer_limit = answer_limit
        self._allow_private_store = allow_private_store
        self._verify = None if verify is None else os.fspath(verify)
        self._opened = self._new_sessions()
        guard_urllib3_logs()

    def __repr__(self) -> str:
        return f"Transport({redact(self.base_url)!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client's connections and its key cannot be pickled or copied")

    @property
    def _sessions(self) -> Sessions:
        """Those of this process: a forked one leaves its parent's connections to the parent."""
        if self._opened.process != os.getpid():
            self._opened = self._new_sessions()
        return self._opened

    def _new_sessions(self) -> Sessions:
        return Sessions(self._secrets[0], self._timeout[1], self._total_timeout)

    @property
    def api_key(self) -> str:
        """The key, for what has to tell one tenant from another."""
        return self._secrets[0]

    @property
    def read_timeout(self) -> float:
        """Seconds that an answer may take."""
        return self._timeout[1]

    @property
    def store_retry_policy(self) -> RetryPolicy:
        """When requests to the object store are repeated."""
        return self.retry_policy.for_object_store()

    def for_writes(self) -> Transport:
        """The same connections for requests that may only follow a look at what they change: none
        is repeated, and none is sent after `send_before`, which the caller sets after each look."""
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__, retry_policy=replace(self.retry_policy, retries=0))
        return view

    def close(self) -> None:
        self._sessions.close()

    def check_store_url(
        self, url: object, says: str = "the server gives for the file", giver: str | None = None
    ) -> HiddenUrl:
        """A URL of the object store that may be used; raises IntegrityError for any other.

        `giver` is the address of who gives it, by default that of the API; `says` begins the
        message.
        """
        url = HiddenUrl(url) if isinstance(url, str) else url
        inside = self._allow_private_store
        return HiddenUrl(check_address(url, giver or self.base_url, says, inside=inside))

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> ApiResponse:
        """Sends one call of the API, repeated where that is safe, and returns the last answer.

        An attempt that a server refuses because it has too much to do counts only where no other
        call has been answered since the one before. Raises TransportError where there is no answer.
        """
        repeatable = repeatable or method in REPEATABLE
        throttle = self._sessions.throttle
        attempt, overloads, progress = 0, 0, throttle.progress
        for sent in itertools.count(1):
            try:
                answer, retry_after = self._attempt(method, path, params, json, headers)
            except TransportError as error:
                error.tries = sent
                if not self.retry_policy.retries_error(attempt, error, repeatable=repeatable):
                    raise
                pause = self.retry_policy.announce(attempt, error)
            else:
                answer.tries = sent
                overloaded = answer.status_code in OVERLOAD_STATUSES
                if overloaded and throttle.progress > progress and overloads < MAX_OVERLOADS:
                    attempt, progress = 0, throttle.progress
                    overloads += 1
                if not self.retry_policy.retries_response(attempt, answer, repeatable=repeatable):
                    return answer
                pause = self.retry_policy.announce(attempt, answer, retry_after)
            time.sleep(pause)
            attempt += 1
        raise AssertionError("unreachable")

    def _attempt(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        json: Any,
        headers: Mapping[str, str] | None,
    ) -> tuple[ApiResponse, str | None]:
        throttle = self._sessions.throttle
        with throttle.call() as began_at:
            started = time.monotonic()
            if self.send_before is not None and started > self.send_before:
                raise TransportError(
                    "the request was not sent: the server had it wait too long", ambiguous=False
                )
            response = self._send(
                self._sessions.api,
                method,
                self.base_url + path,
                headers=headers,
                params=params,
                json=json,
            )
            with response:
                body = self._read_body(response, self._answer_limit, harmless=method in REPEATABLE)
            asked = response.headers.get("Retry-After")
            pause = self.retry_policy.pause(0, asked) if asked else 0.0
            throttle.note(began_at, response.status_code, pause)
        location = response.headers.get("Location", "")
        answer = from_body(response.status_code, body, location, self._secrets)
        answer.date = _seconds(response.headers.get("Date"))
        self._log(response, body, json, (answer.meta or {}).get("requestId"), started)
        return answer, response.headers.get("Retry-After")

    def open_store(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> requests.Response:
        """One request to the object store, without the key; the answer's body is still unread.

        `body` is bytes or a file that can rewind. A GET goes where the store redirects it to.
        Raises TransportError where no answer came, IntegrityError for a redirect to where nobody
        is to be sent. The caller closes the response.
        """
        url = HiddenUrl(url)
        for _ in range(MAX_REDIRECTS):
            started = time.monotonic()
            response = self._send(self._sessions.store, method, url, headers=headers, data=body)
            self._log(response, None, None, response.headers.get("x-amz-request-id"), started)
            if method != "GET" or not response.is_redirect:
                return response
            response.close()
            url = self.check_store_url(
                _joined(response.url, response.headers["Location"]),
                "the object store redirects to",
                HiddenUrl(response.url),
            )
        raise TransportError(
            f"{urlsplit(url).hostname} redirects in a circle", ambiguous=False, transient=False
        )

    def _send(self, session: Session, method: str, url: str, **arguments: Any) -> requests.Response:
        try:
            return session.request(
                method,
                url,
                timeout=self._timeout,
                verify=self._verify,
                stream=True,
                allow_redirects=False,
                **arguments,
            )
        except SENDING_ERRORS as error:
            failed = self.transport_error(error, url)
            failed.harmless = session is self._sessions.store or method in REPEATABLE
        # Raised out here, so that no traceback leads to the request with its key and signature.
        raise failed

    def read_failure(self, response: requests.Response) -> ApiResponse:
        """A failed answer of the object store, with the store's own code and message; closes it."""
        body = self._read_rest(response)
        location = response.headers.get("Location", "")
        return from_store(response.status_code, body, location, self._secrets)

    def release(self, response: requests.Response) -> None:
        """Gives back the connection of an answer whose body nobody wants: what is short is read,
        what is long, or does not come, closes it."""
        with contextlib.suppress(TransportError):
            self._read_rest(response)

    def _read_rest(self, response: requests.Response) -> bytes:
        below = getattr(response.raw, "_fp", None)
        if isinstance(below, BoundedResponse):
            below.start_clock()
        with response:
            return self._read_body(response, MAX_ERROR_BODY, harmless=True, truncate=True)

    def _read_body(
        self, response: requests.Response, limit: int, *, harmless: bool, truncate: bool = False
    ) -> bytes:
        """The decoded body, up to `limit` bytes. `harmless` is that of the TransportError it
        raises.

        Encodings that nobody asked for, and several in a row, could make of any block more than
        there is memory.
        """
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ENCODINGS:
            raise TransportError(
                f"the answer is {redact_and_cut(encoding, 30, *self._secrets)}-encoded, "
                "which was not asked for",
                ambiguous=True,
                transient=False,
                harmless=harmless,
            )
        received = bytearray()
        try:
            for block in response.iter_content(64 * 1024):
                received += block
                if len(received) > limit:
                    break
        except Exception as error:  # what decodes it raises whatever the bytes make it raise
            failed = self.transport_error(error, response.url)
        else:
            if truncate or len(received) <= limit:
                return bytes(received)
            failed = TransportError(
                f"the answer is larger than {_size(limit)}", ambiguous=True, transient=False
            )
        # The traceback leads to these, and a signature or a new key may be in them.
        received, block = bytearray(), b""
        failed.harmless = harmless
        raise failed

    def transport_error(self, error: Exception, url: str) -> TransportError:
        """What went wrong, in words, without the address's query: it may hold a signature."""
        return transport_error(error, url, self._timeout, self._secrets)

    def _log(
        self,
        response: requests.Response,
        body: bytes | None,
        sent: Any,
        request_id: object,
        started: float,
    ) -> None:
        if not request_log.isEnabledFor(logging.DEBUG):
            return
        request = response.request
        took = (time.monotonic() - started) * 1000
        name = f" request {request_id}" if request_id else ""
        self._line(
            request_log,
            f"{request.method} {request.url} -> {response.status_code} in {took:.0f} ms{name}",
        )
        if wire_log.isEnabledFor(logging.DEBUG):
            lines = [f"> {name}: {value}" for name, value in request.headers.items()]
            if sent is not None:
                lines.append("> " + self._shown(json_module.dumps(sent)))
            lines += [f"< {name}: {self._shown(value)}" for name, value in response.headers.items()]
            if body:
                lines.append("< " + self._shown(body.decode("utf-8", "replace")))
            self._line(wire_log, "\n".join(lines))

    def _shown(self, text: str, limit: int = 10_000) -> str:
        shown = redact_and_cut(text, limit, *self._secrets)
        return shown if len(text) <= limit else f"{shown}… ({len(text)} characters)"

    def _line(self, log: logging.Logger, text: str) -> None:
        log.debug("%s", redact(text, *self._secrets))


def _seconds(date: str | None) -> float | None:
    """Unix time of a `Date` header; None where there is none, or none that makes sense."""
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, TypeError, OverflowError):
        return None


def _joined(url: str, location: str) -> str:
    """Where a redirect leads to; empty where that is no address."""
    try:
        return urljoin(url, location.encode("latin-1").decode("utf-8", "replace"))
    except ValueError:
        return ""


def _size(count: int) -> str:
    mib = 1024 * 1024
    return f"{count // mib} MiB" if count % mib == 0 else f"{count} bytes"
