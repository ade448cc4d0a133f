"""Connections on which what is sent has as much time as what is awaited, piece by piece, what is
answered has an end, and a refusal is heard while the body is still on its way.

urllib3 gives what is sent the time for connecting, and a body in memory that time as a whole: over
a line that is too slow for that, nothing large would ever arrive. An answer, on the other hand, may
take as long as each of its bytes comes in time, which is for ever. And a server that refuses an
upload does so after its head and then closes: who goes on sending sees a broken connection only.
"""

from __future__ import annotations

import io
import re
import ssl
import time
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException, HTTPResponse, LineTooLong, parse_headers
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError
from urllib3.poolmanager import PoolManager
from urllib3.util.wait import wait_for_read

from .error_mapping import CONNECTION_ERRORS, OverdueError, UnreadableError, unreadable_response
from .tls import sharing
from .url_policy import is_local_name

PIECE = 256 * 1024
"""So many bytes must go out within the time-out."""

MAX_INTERIM = 32
"""So many interim answers (100 Continue, 103 Early Hints) may come before the answer."""

LOOPBACK = ("127.0.0.1", "::1")
_MAX_LINE = 64 * 1024
_HOSTS = 64  # whose connections are kept
_UNLIMITED = 0  # connections to each: as many as were ever needed at once


@dataclass(frozen=True)
class TimeLimits:
    """Seconds. `piece` is for each piece that goes out; `answer` for an answer from its first byte
    to its last, or to the end of its head where it `is_long`: a file takes as long as it takes."""

    piece: float
    answer: float
    is_long: bool


class BoundedResponse(HTTPResponse):
    """An answer whose length in time, in lines and in interim answers is bounded."""

    def __init__(
        self, sock: Any, *arguments: Any, limits: TimeLimits, early: EarlyAnswer, **more: Any
    ) -> None:
        self._clock = _Clock(sock, early.received)
        self._limits = limits
        self._early = early
        super().__init__(self._clock, *arguments, **more)  # type: ignore[arg-type]
        self.start_clock()

    def start_clock(self) -> None:
        """From now on, the rest has as much time as an answer."""
        self._clock.start(self._limits.answer)

    def begin(self) -> None:
        super().begin()
        if self._limits.is_long:
            self._clock.stop()
        if self._early.is_cut:  # the server would take the next request for the rest of the body
            self.will_close = True

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == 101:
                return version, status, reason
            parse_headers(self.fp)
        raise HTTPException(f"more than {MAX_INTERIM} interim answers")

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise HTTPException(f"a chunk of {size} bytes")
        return size

    def _read_and_discard_trailer(self) -> None:
        self.start_clock()
        super()._read_and_discard_trailer()  # type: ignore[misc]


class _Clock(io.RawIOBase):
    """What comes over a socket, up to a point in time; a socket to those who only read from it."""

    def __init__(self, sock: Any, before: bytes) -> None:
        self._before = before
        self._socket = sock
        self._each = sock.gettimeout()
        self._below = sock.makefile("rb", buffering=0)
        self._end: float | None = None
        self._seconds = 0.0

    def makefile(self, mode: str) -> _Lines:  # noqa: ARG002  the one way to use it
        return _Lines(self)

    def start(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def stop(self) -> None:
        self._end = None
        self._socket.settimeout(self._each)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int
        if self._before:
            count = min(len(buffer), len(self._before))
            buffer[:count], self._before = self._before[:count], self._before[count:]
            return count
        if self._end is None:
            count = self._below.readinto(buffer)
            return count
        left = self._end - time.monotonic()
        if left <= 0:
            raise OverdueError(self._seconds)
        self._socket.settimeout(left if self._each is None else min(left, self._each))
        try:
            count = self._below.readinto(buffer)
        except TimeoutError:
            if time.monotonic() >= self._end:
                raise OverdueError(self._seconds) from None
            raise
        return count

    def close(self) -> None:
        self._below.close()
        super().close()


class _Lines(io.BufferedReader):
    """No line without an end, nor a number of bytes that is none: urllib3 asks for both."""

    def readline(self, size: int | None = -1) -> bytes:
        if size is not None and size >= 0:
            return super().readline(size)
        line = super().readline(_MAX_LINE + 1)
        if len(line) > _MAX_LINE:
            raise LineTooLong("line of a chunked answer")
        return line

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            raise HTTPException("a chunk of fewer than 0 bytes")
        return super().read(size)


class EarlyAnswer:
    """What has come of an answer while the request's body is being sent.

    `received` has its bytes; `is_cut` tells that the rest of the body was not sent; `error` is why
    it could not be sent, None where it was not tried.
    """

    def __init__(self) -> None:
        self.received = b""
        self.is_cut = False
        self.error: OSError | None = None

    def has_refused(self, sock: Any) -> bool:
        """Whether a final answer other than a success has come by now; does not wait for one."""
        while len(self.received) < _MAX_LINE and wait_for_read(sock, 0.0):
            timeout = sock.gettimeout()
            sock.settimeout(0.0)
            try:
                block = sock.recv(_MAX_LINE)
            except (BlockingIOError, ssl.SSLWantReadError):  # TLS has sent something of its own
                break
            finally:
                sock.settimeout(timeout)
            if not block:
                return True
            self.received += block
        final = _FINAL.match(_INTERIM.sub(b"", self.received))
        return final is not None and final[1] >= b"3"


_INTERIM = re.compile(rb"\A(?:HTTP/1\.[01] 1\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)+")
_FINAL = re.compile(rb"HTTP/1\.[01] ([2-9])")


class TimeoutAdapter(HTTPAdapter):
    """Keeps to `limits`, and each connection for the next request, however many there are."""

    def __init__(self, limits: TimeLimits, blocksize: int) -> None:
        self._limits = limits
        super().__init__(pool_connections=_HOSTS, pool_maxsize=_UNLIMITED)
        self.init_poolmanager(_HOSTS, _UNLIMITED, blocksize=blocksize)

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        super().init_poolmanager(*arguments, **more)
        _limit(self.poolmanager, self._limits)

    def proxy_manager_for(self, proxy: Any, **more: Any) -> PoolManager:
        is_new = proxy not in self.proxy_manager
        manager: PoolManager = super().proxy_manager_for(proxy, **more)
        if is_new:
            _limit(manager, self._limits)
        return manager

    def build_response(self, request: Any, found: Any) -> requests.Response:
        """The answer; whatever its headers may do to their reader is the connection's failure."""
        try:
            return super().build_response(request, found)
        except Exception as error:
            raise unreadable_response(error) from None


def _limit(manager: PoolManager, limits: TimeLimits) -> None:
    """Makes all connections of a manager keep to the limits, whichever kind they are of."""

    class Limited(HTTPConnection):
        def connect(self) -> None:
            self._begin()
            super().connect()

        def request(self, *arguments: Any, **more: Any) -> None:
            self._begin()
            super().request(*arguments, **more)

        def _begin(self) -> None:
            self.early = EarlyAnswer()
            self.response_class = partial(  # type: ignore[assignment]
                BoundedResponse, limits=limits, early=self.early
            )

        def _new_conn(self) -> Any:
            name = self._dns_host
            if not is_local_name(name):
                return super()._new_conn()
            failures = []
            try:
                for number in LOOPBACK:  # whatever DNS says: the key may go there in clear
                    self._dns_host = number
                    try:
                        return super()._new_conn()
                    except NewConnectionError as error:
                        failures.append(error)
            finally:
                self._dns_host = name
            raise failures[0]

        def send(self, data: Any) -> None:
            view = memoryview(data)
            for start in range(0, len(view), PIECE):
                self._send_piece(view[start : start + PIECE])

        def _send_piece(self, piece: memoryview) -> None:
            if self.sock is None:  # it is opened now
                super().send(piece)
                return
            self.sock.settimeout(limits.piece)
            try:
                if not self.early.has_refused(self.sock):
                    super().send(piece)
                    return
            except TimeoutError as error:
                if not wait_for_read(self.sock, 0.0):
                    raise
                self.early.error = error
            except OSError as error:
                self.early.error = error
            self.early.is_cut = True
            raise BrokenPipeError  # after which urllib3 reads the answer, which may be there

        def getresponse(self) -> Any:
            try:
                return super().getresponse()
            except CONNECTION_ERRORS:
                if self.early.error is not None:
                    raise self.early.error from None
                raise
            except Exception as error:
                raise UnreadableError(error) from None

    def limited(pool: Any) -> Any:
        kind = type(pool.ConnectionCls.__name__, (Limited, pool.ConnectionCls), {})
        return type(pool.__name__, (pool,), {"ConnectionCls": kind})

    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {
        scheme: sharing(limited(pool)) if scheme == "https" else limited(pool)
        for scheme, pool in pools.items()
    }
