"""Requests and answers: time-outs, retries, the key, and what is logged of it all.

Two sessions: one carries the key and talks to the API alone; the other talks to the object store
and carries nothing. Two loggers: `bindist.request` has one line per request, `bindist.wire` headers
and bodies, both at DEBUG and both redacted.
"""

from __future__ import annotations

import json as json_module
import logging
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase
from requests.utils import select_proxy
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from ._version import __version__
from .addresses import check_address, is_proxy
from .errors import TransportError
from .reasons import explain
from .redaction import guard_urllib3_logs, redact
from .response import ApiResponse, from_body
from .sending import PatientAdapter

Timeout = tuple[float, float]

ANSWER_LIMIT = 64 * 1024 * 1024
"""The most bytes that are read of one answer of the API; a larger one is a TransportError."""

ERROR_LIMIT = 64 * 1024
BLOCK = 1024 * 1024
RETRY_STATUSES = frozenset({429, 502, 503, 504})
REPEATABLE = frozenset({"GET", "HEAD"})
MOST_REDIRECTS = 10
ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
RETRY_AFTER_CAP = 60.0
BACKOFF_CAP = 30.0

request_log = logging.getLogger("bindist.request")
wire_log = logging.getLogger("bindist.wire")


class KeyAuth(AuthBase):
    """Sends the key. Being an auth object, it wins over an entry in a `~/.netrc`."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request

    def __repr__(self) -> str:
        return "KeyAuth(***)"


class NoAuth(AuthBase):
    """Sends nothing, and by being there keeps requests from looking into a `~/.netrc`."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Session(requests.Session):
    def __init__(self, auth: AuthBase, connections: int, patience: float) -> None:
        super().__init__()
        self.auth = auth
        self.headers.update(
            {"User-Agent": f"bindist-python/{__version__}", "Accept-Encoding": "identity"}
        )
        # Retries are decided in this module; blocks of 1 MiB keep Python from being the limit.
        adapter = PatientAdapter(patience, connections, blocksize=BLOCK)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def merge_environment_settings(self, url: Any, *others: Any) -> Any:
        """With the proxies; requests fails with a TypeError over one that it cannot take apart."""
        merged = super().merge_environment_settings(url, *others)
        proxy = select_proxy(url, merged["proxies"])
        if proxy is not None and not is_proxy(proxy):
            raise requests.exceptions.InvalidProxyURL("the address of the proxy makes no sense")
        return merged

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: requests would read a redirect's whole body, however long, and fail over a target
        that it cannot parse, even where it is not to follow it. `open_store` follows."""
        return None


class Transport:
    """What both clients send their requests through.

    `timeout` is (connect, read) in seconds. `retries` is how often a request is repeated, where
    repeating is safe; `backoff` the first pause in seconds, doubled each time, with jitter.
    `verify` names a CA bundle; None leaves it to the environment and requests' own. `store_etag`
    says what the object store's ETags are: `md5` of the bytes, or `opaque`.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: Timeout,
        retries: int,
        backoff: float,
        verify: str | None,
        store_etag: str = "md5",
    ) -> None:
        self.base_url = base_url
        self.store_etag = store_etag
        self.retries = retries
        self.backoff = backoff
        self._key = api_key
        self._timeout = timeout
        self._verify = verify
        self._api = _Session(KeyAuth(api_key), connections=4, patience=timeout[1])
        self._api.headers["Accept"] = "application/json"
        self._store = _Session(NoAuth(), connections=64, patience=timeout[1])
        guard_urllib3_logs()

    def __repr__(self) -> str:
        return f"Transport({redact(self.base_url)!r})"

    @property
    def api_key(self) -> str:
        """The key, for what has to tell one tenant from another."""
        return self._key

    @property
    def read_timeout(self) -> float:
        """Seconds that an answer may take."""
        return self._timeout[1]

    def close(self) -> None:
        self._api.close()
        self._store.close()

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

        Raises TransportError where there is none.
        """
        repeatable = repeatable or method in REPEATABLE
        for attempt in range(self.retries + 1):
            try:
                answer, retry_after = self._attempt(method, path, params, json, headers)
            except TransportError as error:
                safe = repeatable or not error.ambiguous
                if attempt == self.retries or not error.transient or not safe:
                    raise
                reason, retry_after = str(error), None
            else:
                status = answer.status_code
                safe = repeatable or status == 429
                if attempt == self.retries or status not in RETRY_STATUSES or not safe:
                    return answer
                reason = f"HTTP {status}"
            pause = self.pause(attempt, retry_after)
            request_log.debug("%s %s: %s, again in %.1f s", method, path, reason, pause)
            time.sleep(pause)
        raise AssertionError("unreachable")

    def pause(self, attempt: int, retry_after: str | None = None) -> float:
        """Seconds to wait after the failed attempt of that number (from 0)."""
        if retry_after:
            try:
                return min(max(Retry().parse_retry_after(retry_after), 0.0), RETRY_AFTER_CAP)
            except (InvalidHeader, ValueError, OverflowError):  # endless digits, the year 99999
                pass
        ceiling = min(self.backoff * 2.0 ** min(attempt, 30), BACKOFF_CAP)
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311  spreads clients, hides nothing

    def _attempt(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        json: Any,
        headers: Mapping[str, str] | None,
    ) -> tuple[ApiResponse, str | None]:
        started = time.monotonic()
        response = self._send(
            self._api, method, self.base_url + path, headers=headers, params=params, json=json
        )
        with response:
            body = self._read_body(response, ANSWER_LIMIT)
        location = response.headers.get("Location", "")
        answer = self._masked(from_body(response.status_code, body, location))
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
        for _ in range(MOST_REDIRECTS):
            started = time.monotonic()
            response = self._send(self._store, method, url, headers=headers, data=body)
            self._log(response, None, None, response.headers.get("x-amz-request-id"), started)
            if method != "GET" or not response.is_redirect:
                return response
            response.close()
            target = _joined(response.url, response.headers["Location"])
            url = check_address(target, response.url, "the object store redirects to")
        raise TransportError(
            f"{urlsplit(url).hostname} redirects in a circle", ambiguous=False, transient=False
        )

    def _send(
        self, session: _Session, method: str, url: str, **arguments: Any
    ) -> requests.Response:
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
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            failed = self.explain(error, url)
        # Raised out here, so that no traceback leads to the request with its key and signature.
        raise failed

    def read_failure(self, response: requests.Response) -> ApiResponse:
        """A failed answer of the object store, with the store's own code and message; closes it."""
        with response:
            body = self._read_body(response, ERROR_LIMIT, truncate=True)
        return self._masked(from_body(response.status_code, body))

    def _masked(self, answer: ApiResponse) -> ApiResponse:
        """Whoever answers may quote in the message what it was asked with: not to be passed on."""
        if answer.error:
            answer.error["message"] = redact(answer.error["message"], self._key)
        return answer

    def _read_body(
        self, response: requests.Response, limit: int, *, truncate: bool = False
    ) -> bytes:
        """The decoded body, up to `limit` bytes.

        Encodings that nobody asked for, and several in a row, could make of any block more than
        there is memory.
        """
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ENCODINGS:
            raise TransportError(
                f"the answer is {encoding:.30}-encoded, which was not asked for",
                ambiguous=True,
                transient=False,
            )
        received = bytearray()
        try:
            for block in response.iter_content(64 * 1024):
                received += block
                if len(received) > limit:
                    if truncate:
                        break
                    raise TransportError(
                        f"the answer is larger than {limit // 1024 // 1024} MiB",
                        ambiguous=True,
                        transient=False,
                    )
        except (requests.RequestException, HTTPError, OSError) as error:
            failed = self.explain(error, response.url)
        else:
            return bytes(received)
        raise failed

    def explain(self, error: Exception, url: str) -> TransportError:
        """What went wrong, in words, without the address's query: it may hold a signature."""
        return explain(error, url, self._timeout)

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
            lines = [f"> {key}: {value}" for key, value in request.headers.items()]
            if sent is not None:
                lines.append("> " + _shown(json_module.dumps(sent)))
            lines += [f"< {key}: {value}" for key, value in response.headers.items()]
            if body:
                lines.append("< " + _shown(body.decode("utf-8", "replace")))
            self._line(wire_log, "\n".join(lines))

    def _line(self, log: logging.Logger, text: str) -> None:
        log.debug("%s", redact(text, self._key))


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


def _shown(text: str, limit: int = 10_000) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
