"""One connection: read requests, send answers, and break things where a fault says so."""

from __future__ import annotations

import re
import socket
import struct
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import unquote_to_bytes

from werkzeug.wrappers import Request, Response

from .address import STORE_PATH
from .faults import effects
from .faults.plan import Arguments
from .routes.call import json_response
from .steps import AbortError
from .storage.objects import FileSlice
from .storage.signing import IDENTITY_PATH

if TYPE_CHECKING:
    import threading

    from .dispatch import Dispatcher
    from .faults.plan import FaultPlan

FAULT_HEADER = "X-Sandbox-Fault"
_SENDFILE_BLOCK = 8 << 20
_DRAIN_SECONDS = 5.0
_ORIGIN = re.compile(r"^https?://[^/?]*")
_WITHOUT_BODY = (204, 304)
_STEPS_PER_SECOND = 20
_SMALL = 65536


@dataclass
class RequestRecord:
    """What came in and what went out, for tests."""

    method: str
    path: str
    query: str
    headers: dict[str, str] = field(repr=False)
    status: int = 0  # 0: no answer was sent
    bytes_in: int = 0
    bytes_out: int = 0


class ResetError(AbortError):
    """Stop here and reset the connection, so that the other side sees it broken."""


class Body:
    """The request's body. Asks for it where the client waits to be asked, counts, and slows."""

    def __init__(self, connection: Connection, length: int, rate: float | None) -> None:
        self._connection = connection
        self._rate = rate
        self.left = length

    def read(self, size: int = -1) -> bytes:
        """Exactly so many bytes, or all that are left."""
        wanted = self.left if size < 0 else min(size, self.left)
        if not self._rate:
            return self._receive(wanted)
        step = max(1, int(self._rate / _STEPS_PER_SECOND))
        blocks = []
        for start in range(0, wanted, step):
            block = self._receive(min(step, wanted - start))
            self._connection.wait(len(block) / self._rate)
            blocks.append(block)
        return b"".join(blocks)

    def _receive(self, wanted: int) -> bytes:
        if not wanted:
            return b""
        self._connection.invite_body()
        try:
            block = self._connection.rfile.read(wanted)
        except OSError:
            block = b""
        self.left -= len(block)
        self._connection.record.bytes_in += len(block)
        if len(block) < wanted:
            raise AbortError  # the client went away: nothing is carried out
        return block

    def discard(self) -> None:
        """Read over what nobody wanted, if that is little: the connection can then go on."""
        if self.left <= _SMALL and self._connection.body_is_coming:
            self.read()

    def readline(self, size: int = -1) -> bytes:
        raise NotImplementedError  # bodies are not read by lines here


class Sandbox(Protocol):
    """What a connection needs of the server that it belongs to."""

    faults: FaultPlan
    requests: list[RequestRecord]
    dispatcher: Dispatcher
    record_requests: bool
    stopping: threading.Event

    def identify(self, query: str) -> dict[str, str]: ...


class Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    record: RequestRecord

    def __init__(
        self, sock: socket.socket, address: Any, sandbox: Sandbox, once: bool = False
    ) -> None:
        self._once = once  # closed after one request, for those who wait
        self._sandbox = sandbox
        self.body_is_coming = True
        self._headers_buffer: list[bytes] = []
        super().__init__(sock, address, cast("Any", None))

    def handle(self) -> None:
        try:
            super().handle()
        except ResetError:
            self._reset()
        except (AbortError, OSError):
            pass

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.body_is_coming = True
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            return
        if len(self.raw_requestline) > 65536:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
            return
        if self.parse_request():
            self._exchange()

    def handle_expect_100(self) -> bool:
        self.body_is_coming = False
        return True

    def invite_body(self) -> None:
        """Tell a client that waits with the body that it is wanted."""
        if not self.body_is_coming:
            self.body_is_coming = True
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def version_string(self) -> str:
        return "BinDist sandbox"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def wait(self, seconds: float) -> None:
        """Let time pass, unless the server is stopped meanwhile."""
        if self._sandbox.stopping.wait(seconds):
            raise AbortError

    def _exchange(self) -> None:
        path, _, query = _ORIGIN.sub("", self.path).partition("?")
        headers = cast("HTTPMessage", self.headers)
        self.record = RequestRecord(
            self.command, path, query, {name.lower(): value for name, value in headers.items()}
        )
        if path == IDENTITY_PATH:
            self._send(json_response(self._sandbox.identify(query), 200), {})
            return
        if self._sandbox.record_requests:
            self._sandbox.requests.append(self.record)
        try:
            faults = self._sandbox.faults.strike(
                self.command, path, headers.get_all(FAULT_HEADER, [])
            )
        except ValueError as error:
            self._send(json_response({"message": str(error)}, 400), {})
            return
        if "refuse" in faults:
            raise ResetError
        if "stall" in faults:
            self.wait(faults["stall"][0])
        length = headers.get("Content-Length", "")
        body = Body(self, int(length) if length.isdecimal() else 0, *faults.get("slow", (None,)))
        if "reset-request" in faults:
            self._read_then_reset(body, *faults["reset-request"])
        if "range-ignore" in faults:
            del headers["Range"]
        response = self._respond(Request(self._environ(query, path, body)), path, faults)
        try:
            effects.alter(faults, response)
            if "lost" in faults:
                raise AbortError
            body.discard()
            self.close_connection = body.left > 0 or self._once or self._wants_close(headers)
            self._send(response, faults)
        finally:
            response.close()
        if body.left:
            self._drain()

    def _respond(self, request: Request, path: str, faults: Mapping[str, Arguments]) -> Response:
        if "Transfer-Encoding" in self.headers and not path.startswith(STORE_PATH):
            return json_response({"message": "Length Required"}, 411)
        instead = effects.answer_instead(faults, request, path)
        if instead is not None:
            return instead
        return self._sandbox.dispatcher.respond(request, path, faults)

    def _environ(self, query: str, path: str, body: Body) -> dict[str, Any]:
        """The request as WSGI has it, which is what Werkzeug reads."""
        host, port = self.connection.getsockname()[:2]
        environ: dict[str, Any] = {
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "REQUEST_METHOD": self.command,
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self.path,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = "HTTP_" + key
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def _wants_close(self, headers: HTTPMessage) -> bool:
        asked = headers.get("Connection", "").lower()
        if "Transfer-Encoding" in headers:  # where such a body ends is not known here
            return True
        return asked == "close" or (self.request_version == "HTTP/1.0" and asked != "keep-alive")

    def _send(self, response: Response, faults: Mapping[str, Arguments]) -> None:
        status, headers = response.status_code, response.headers
        body: object = response.response
        if isinstance(body, list):
            body = b"".join(body)
            headers["Content-Length"] = str(len(body))
        if self.command == "HEAD" or status in _WITHOUT_BODY:
            body = b""
        chunked = "Content-Length" not in headers and status not in _WITHOUT_BODY
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif "length" in faults:
            claimed = int(headers["Content-Length"]) + faults["length"][0]
            headers["Content-Length"] = str(max(0, claimed))
            self.close_connection = True
        if self.close_connection:
            headers["Connection"] = "close"
        self.record.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        head = self._take_headers()
        if isinstance(body, bytes) and not faults:
            self._write(body, head)  # in one piece: two would wait for an acknowledgement between
        elif isinstance(body, FileSlice) and not faults:
            self.connection.sendall(head)
            self._send_file(body)
        else:
            self.connection.sendall(head)
            blocks = [body] if isinstance(body, bytes) else cast("Iterable[bytes]", body)
            self._send_blocks(blocks, chunked, faults)

    def _take_headers(self) -> bytes:
        buffer, self._headers_buffer = self._headers_buffer, []
        return b"".join([*buffer, b"\r\n"])

    def _write(self, body: bytes, head: bytes = b"") -> None:
        # Counted first: who has the whole answer may look at the record at once.
        self.record.bytes_out += len(body)
        try:
            self.connection.sendall(head + body)
        except OSError:
            self.record.bytes_out -= len(body)
            raise

    def _send_file(self, body: FileSlice) -> None:
        """Let the system copy the file into the connection, where it can."""
        position, end = body.start, body.start + body.length
        while position < end:
            count = min(_SENDFILE_BLOCK, end - position)
            self.record.bytes_out += count
            try:
                sent = self.connection.sendfile(body.file, position, count)
            except OSError:
                self.record.bytes_out -= count - (body.file.tell() - position)
                raise
            if not sent:
                raise AbortError  # the file is shorter than it was
            position += sent

    def _send_blocks(
        self, blocks: Iterable[bytes], chunked: bool, faults: Mapping[str, Arguments]
    ) -> None:
        stop = min((faults[kind][0] for kind in ("reset", "cut") if kind in faults), default=None)
        pause_at, pause = faults.get("stall-body", (None, 0.0))
        (rate,) = faults.get("slow", (None,))
        for block in _pieces(blocks, (stop, pause_at), rate):
            if self.record.bytes_out == stop:
                break
            if self.record.bytes_out == pause_at:
                self.wait(pause)
            if rate:
                self.wait(len(block) / rate)
            if chunked:
                self.connection.sendall(b"%x\r\n" % len(block))
            self._write(block)
            if chunked:
                self.connection.sendall(b"\r\n")
        if stop is not None:
            raise ResetError if "reset" in faults else AbortError
        if chunked:
            self.connection.sendall(b"0\r\n\r\n")

    def _read_then_reset(self, body: Body, count: int) -> None:
        while count > 0 and (block := body.read(min(count, 65536))):
            count -= len(block)
        raise ResetError

    def _drain(self) -> None:
        """Read what is still coming, or the client would see a reset instead of the answer."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DRAIN_SECONDS)
            deadline = time.monotonic() + _DRAIN_SECONDS
            while time.monotonic() < deadline and self.connection.recv(65536):
                pass

    def _reset(self) -> None:
        """Close with a reset instead of a goodbye, once what was sent has left this side."""
        with suppress(OSError):
            _await_delivery(self.connection)
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if _WINDOWS else "ii", 1, 0)
            )
            self.connection.close()


_WINDOWS = sys.platform == "win32"


def _pieces(
    blocks: Iterable[bytes], marks: tuple[int | None, int | None], rate: float | None
) -> Iterator[bytes]:
    """The blocks without empty ones, cut at the marks, and small where they go out slowly."""
    at = 0
    for block in blocks:
        view = memoryview(block)
        while view:
            size = min(len(view), max(1, int(rate / _STEPS_PER_SECOND))) if rate else len(view)
            size = min([size, *(mark - at for mark in marks if mark is not None and mark > at)])
            yield bytes(view[:size])
            at += size
            view = view[size:]


if sys.platform == "linux":
    import fcntl
    import termios

    def _await_delivery(sock: socket.socket) -> None:
        """A reset throws away what still waits to be sent."""
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            waiting = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
            if not int.from_bytes(waiting, sys.byteorder):
                return
            time.sleep(0.001)

else:

    def _await_delivery(_: socket.socket) -> None:
        time.sleep(0.02)
