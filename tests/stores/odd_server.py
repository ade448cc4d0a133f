"""A gateway and an object store that misbehave: a reverse proxy before a sandbox.

`MODES` has the ways in which real ones do. A mode is one function of a request; it answers, or
forwards the request and changes the answer, or leaves it to `_pass_on`.
"""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

from bindist.sandbox import SandboxServer
from tests.sdk.canned import CERTIFICATE

Headers = list[tuple[str, str]]

BLOCK = 64 * 1024
XML = [("Content-Type", "application/xml"), ("x-amz-request-id", "REQ1")]
HTML = [("Content-Type", "text/html"), ("Server", "nginx")]
_OF_THE_CONNECTION = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})


@dataclass
class Answer:
    """A response as it is to be sent. `chunked` and `has_length` say how its end is told."""

    status: int
    reason: str
    headers: Headers
    body: bytes
    version: str = "HTTP/1.1"
    chunked: bool = False
    has_length: bool = True

    @property
    def head(self) -> bytes:
        lines = [f"{self.version} {self.status} {self.reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
        elif self.has_length:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")

    def rename(self, change: Callable[[str, str], tuple[str, str]]) -> Answer:
        """The same with each header as `change` makes it of (name, value)."""
        self.headers = [change(name, value) for name, value in self.headers]
        return self

    def with_header(self, name: str, change: Callable[[str], str]) -> Answer:
        def changed(each: str, value: str) -> tuple[str, str]:
            return each, change(value) if each.lower() == name.lower() else value

        return self.rename(changed)


def store_error(status: int, code: str, message: str, *more: tuple[str, str]) -> Answer:
    text = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, code, [*XML, *more], text.encode())


def page(status: int, reason: str) -> Answer:
    text = f"<html><head><title>{status} {reason}</title></head><h1>{status} {reason}</h1></html>"
    return Answer(status, reason, list(HTML), text.encode())


@dataclass
class Exchange:
    """One request, and the connection to answer it on."""

    server: OddServer
    connection: Any
    reader: Any
    method: str
    target: str
    headers: Headers
    low: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.low = {name.lower(): value for name, value in self.headers}

    @property
    def is_api(self) -> bool:
        return "/v1/" in self.target

    @property
    def is_get(self) -> bool:
        """Whether it asks the object store for a file."""
        return self.method == "GET" and not self.is_api

    @property
    def is_put(self) -> bool:
        return self.method == "PUT" and not self.is_api

    @property
    def length(self) -> int:
        return int(self.low.get("content-length", 0))

    def body(self) -> Iterator[bytes]:
        left = self.length
        while left and (block := self.reader.read(min(left, BLOCK))):
            left -= len(block)
            yield block

    def read_all(self) -> None:
        for _ in self.body():
            pass

    def send(self, answer: Answer) -> None:
        self.connection.sendall(answer.head)
        if answer.chunked:
            for at in range(0, len(answer.body), 40_000):
                piece = answer.body[at : at + 40_000]
                self.connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.connection.sendall(b"0\r\n\r\n")
        else:
            self.connection.sendall(answer.body)

    def send_slowly(self, answer: Answer, before_the_end: Callable[[], None]) -> None:
        blocks = [answer.body[at : at + BLOCK] for at in range(0, len(answer.body), BLOCK)]
        self.connection.sendall(answer.head)
        for block in blocks[:-1]:
            time.sleep(len(block) / self.server.rate)
            self.connection.sendall(block)
        before_the_end()
        self.connection.sendall(b"".join(blocks[-1:]))

    def reset(self) -> None:
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def forward(self) -> Answer:
        """What the sandbox answers. Its signatures are of its own host; its URLs lead here."""
        upstream = self.server.upstream
        connection = HTTPConnection(upstream, timeout=30)
        try:
            connection.putrequest(
                self.method, self.target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers:
                if name.lower() != "connection":
                    connection.putheader(name, upstream if name.lower() == "host" else value)
            connection.endheaders()
            for block in self.body():
                connection.send(block)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        headers = [
            each for each in response.getheaders() if each[0].lower() not in _OF_THE_CONNECTION
        ]
        if self.is_api:
            body = body.replace(f"http://{upstream}/".encode(), f"{self.server.url}/".encode())
        return Answer(response.status, response.reason, headers, body)


Mode = Callable[[Exchange], "Answer | None"]
"""Returns what to send; None where it has done, or said, all itself."""


class OddServer:
    """The proxy, on loopback: `mode` says how it misbehaves, `times` for how many of the requests
    that the mode is about (None for all). `rate` is in bytes a second, for modes that are slow.
    `asked` has each request as (method, path)."""

    def __init__(
        self,
        upstream: SandboxServer,
        mode: str,
        *,
        times: int | None = None,
        tls: bool = False,
        rate: float = 4e6,
    ) -> None:
        self.upstream = upstream.url.partition("://")[2]
        self.rate = rate
        self.asked: list[tuple[str, str]] = []
        self.refused = 0
        self.ended = threading.Event()
        self._mode = MODES[mode]
        self._left = times
        self._open = 0
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(CERTIFICATE)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> OddServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def takes_effect(self) -> bool:
        """Whether this request, which the mode is about, is one of the first `times`."""
        with self._lock:
            if self._left is None:
                return True
            self._left -= 1
            return self._left >= 0

    def enter(self, limit: int) -> bool:
        """Counts a connection in, unless there are `limit` already."""
        with self._lock:
            if self._open >= limit:
                self.refused += 1
                return False
            self._open += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._open -= 1

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # Else what is small waits for an acknowledgement, and a reset throws it away.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A client that hangs up is what many modes are about.
        with suppress(OSError, ValueError):
            try:
                if self._context:
                    connection = self._context.wrap_socket(connection, server_side=True)
                with connection.makefile("rb", buffering=BLOCK) as reader:
                    exchange = self._read(connection, reader)
                    if exchange and (answer := self._mode(exchange)):
                        exchange.send(answer)
            finally:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
                connection.close()

    def _read(self, connection: Any, reader: Any) -> Exchange | None:
        line = reader.readline()
        if not line:
            return None
        method, target, _ = line.decode().split()
        headers = []
        while header := reader.readline().strip():
            name, _, value = header.decode("latin-1").partition(":")
            headers.append((name.strip(), value.strip()))
        self.asked.append((method, target.partition("?")[0]))
        return Exchange(self, connection, reader, method, target, headers)


# The modes: what is refused


TOO_LARGE = store_error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum")
SLOW_UPLOAD = store_error(400, "RequestTimeout", "Your socket connection was idle for too long.")


def refused_early(answer: Answer, end: str) -> Mode:
    """The store refuses while the body is still on its way; then it closes at once (`close`),
    resets (`reset`), or reads on until the client has seen the answer (`linger`)."""

    def mode(exchange: Exchange) -> Answer | None:
        if not exchange.is_put or not exchange.server.takes_effect():
            return exchange.forward()
        next(exchange.body(), None)
        exchange.send(answer)
        if end == "reset":
            exchange.reset()
        elif end == "close":
            time.sleep(0.05)
        else:
            with suppress(OSError, ValueError):
                exchange.connection.shutdown(socket.SHUT_WR)
                exchange.read_all()
        return None

    return mode


def put_answered(answer: Answer) -> Mode:
    """The store reads all of the body and then says this."""

    def mode(exchange: Exchange) -> Answer | None:
        if not exchange.is_put or not exchange.server.takes_effect():
            return exchange.forward()
        exchange.read_all()
        return answer

    return mode


def silent(about_api: bool) -> Mode:
    """The store, or the API, takes the request and never answers."""

    def mode(exchange: Exchange) -> Answer | None:
        if exchange.is_api is not about_api or not exchange.server.takes_effect():
            return exchange.forward()
        exchange.read_all()
        exchange.server.ended.wait(30)
        return None

    return mode


def silent_early(exchange: Exchange) -> Answer | None:
    """The store reads no body, and never answers."""
    if exchange.is_api or not exchange.server.takes_effect():
        return exchange.forward()
    exchange.server.ended.wait(30)
    return None


def api_answered(answer: Answer, methods: str = "GET POST PUT PATCH DELETE") -> Mode:
    """The gateway says this instead of the API."""

    def mode(exchange: Exchange) -> Answer | None:
        concerns = exchange.is_api and exchange.method in methods.split()
        if not concerns or not exchange.server.takes_effect():
            return exchange.forward()
        exchange.read_all()
        return answer

    return mode


def body_over_1_mib(exchange: Exchange) -> Answer | None:
    """nginx's default for `client_max_body_size`."""
    if exchange.is_api and exchange.length > 1 << 20:
        exchange.send(page(413, "Request Entity Too Large"))
        time.sleep(0.05)
        return None
    return exchange.forward()


def few_connections(limit: int, end: str) -> Mode:
    """The store serves so many at once; others get a 503 (`status`) or a reset."""

    def mode(exchange: Exchange) -> Answer | None:
        if exchange.is_api:
            return exchange.forward()
        server = exchange.server
        if not server.enter(limit):
            if end == "status":
                return page(503, "Service Temporarily Unavailable")
            exchange.reset()
            return None
        with ExitStack() as counted:
            counted.callback(server.leave)  # before the client can ask for more
            if exchange.is_put:
                time.sleep(exchange.length / server.rate)
            exchange.send_slowly(exchange.forward(), counted.close)
        return None

    return mode


# The modes: what is answered in an odd way


def interim(line: str) -> Mode:
    """An interim answer comes first, for every request."""

    def mode(exchange: Exchange) -> Answer | None:
        exchange.connection.sendall(f"HTTP/1.1 {line}\r\nLink: </x>; rel=preload\r\n\r\n".encode())
        return exchange.forward()

    return mode


def changed(change: Callable[[Answer], Answer], where: str = "everywhere") -> Mode:
    def mode(exchange: Exchange) -> Answer | None:
        answer = exchange.forward()
        concerns = {
            "everywhere": True,
            "api": exchange.is_api,
            "get": exchange.is_get,
            "put": exchange.is_put,
        }
        return change(answer) if concerns[where] else answer

    return mode


def weak_etags(exchange: Exchange) -> Answer | None:
    """Weak ETags, which never match in If-Match; the first answers are cut."""
    if exchange.is_get and "w/" in exchange.low.get("if-match", "").lower():
        return store_error(412, "PreconditionFailed", "A precondition did not hold")
    answer = exchange.forward()
    if not exchange.is_get:
        return answer
    answer.with_header("ETag", lambda value: f"W/{value}")
    if answer.status in (200, 206) and exchange.server.takes_effect():
        exchange.connection.sendall(answer.head + answer.body[: len(answer.body) // 3])
        return None
    return answer


def no_if_match(exchange: Exchange) -> Answer | None:
    """A store that does not know the header, before which the first answers are cut."""
    if exchange.is_get and "if-match" in exchange.low:
        return store_error(501, "NotImplemented", "A header implies what is not implemented")
    return exchange.forward()


def dripping(exchange: Exchange) -> Answer | None:
    """The head comes byte by byte."""
    answer = exchange.forward()
    for byte in answer.head:
        exchange.connection.sendall(bytes([byte]))
    exchange.connection.sendall(answer.body)
    return None


def other_etag_each_time(exchange: Exchange) -> Answer | None:
    answer = exchange.forward()
    if not exchange.is_get:
        return answer
    number = sum(path.startswith("/store/") for _, path in exchange.server.asked)
    return answer.with_header("ETag", lambda _: f'"e{number}"')


def _with(**attributes: Any) -> Callable[[Answer], Answer]:
    def change(answer: Answer) -> Answer:
        for name, value in attributes.items():
            setattr(answer, name, value)
        return answer

    return change


def _body(change: Callable[[bytes], bytes], *more: tuple[str, str]) -> Callable[[Answer], Answer]:
    def changed_body(answer: Answer) -> Answer:
        answer.body = change(answer.body)
        answer.headers += more
        return answer

    return changed_body


def _utf16(answer: Answer) -> Answer:
    answer.body = answer.body.decode().encode("utf-16")
    return answer.with_header("Content-Type", lambda _: "application/json; charset=utf-16")


def _size(template: str) -> Callable[[Answer], Answer]:
    """File sizes written in another way."""
    found = re.compile(rb'"fileSize": ?(\d+)')
    return _body(
        lambda body: found.sub(lambda size: b'"fileSize":' + template.encode() % size[1], body)
    )


def redirect(status: int, code: str) -> Answer:
    message = "Please re-send this request to the specified temporary endpoint."
    return store_error(
        status, code, message, ("Location", "http://bucket.eu-south-1.example/k?s=1")
    )


_DUPLICATES = (
    ("Content-Type", "text/html"),
    ("Retry-After", "1"),
    ("Retry-After", "2"),
    ("Content-Encoding", "identity"),
)

MODES: dict[str, Mode] = {
    "plain": Exchange.forward,
    "early400": refused_early(TOO_LARGE, "close"),
    "early400-reset": refused_early(TOO_LARGE, "reset"),
    "early400-linger": refused_early(TOO_LARGE, "linger"),
    "early-success": refused_early(Answer(200, "OK", [("ETag", f'"{"0" * 32}"')], b""), "linger"),
    "early-request-timeout": refused_early(SLOW_UPLOAD, "close"),
    "request-timeout": put_answered(SLOW_UPLOAD),
    "put408": put_answered(Answer(408, "Request Timeout", [], b"")),
    "put425": put_answered(Answer(425, "Too Early", [], b"")),
    "put413": put_answered(page(413, "Request Entity Too Large")),
    "put301": put_answered(redirect(301, "PermanentRedirect")),
    "put307": put_answered(redirect(307, "TemporaryRedirect")),
    "put308": put_answered(redirect(308, "PermanentRedirect")),
    "slow-down": put_answered(store_error(503, "SlowDown", "Please reduce your request rate.")),
    "put307-empty": put_answered(Answer(307, "Temporary Redirect", [], b"")),
    "silent": silent(about_api=False),
    "silent-api": silent(about_api=True),
    "silent-early": silent_early,
    "api408": api_answered(page(408, "Request Timeout")),
    "api425": api_answered(page(425, "Too Early")),
    "api403-html": api_answered(page(403, "Forbidden")),
    "api404-html": api_answered(page(404, "Not Found")),
    "api502-html": api_answered(page(502, "Bad Gateway")),
    "write413": api_answered(page(413, "Request Entity Too Large"), "POST PUT PATCH"),
    "write425": api_answered(page(425, "Too Early"), "POST PUT PATCH"),
    "no-route": api_answered(
        Answer(403, "Forbidden", [], b'{"message":"Missing Authentication Token"}')
    ),
    "nginx413": body_over_1_mib,
    "limit0": few_connections(0, "status"),
    "limit1": few_connections(1, "status"),
    "limit2": few_connections(2, "status"),
    "limit1-reset": few_connections(1, "reset"),
    "limit2-reset": few_connections(2, "reset"),
    "limit3-reset": few_connections(3, "reset"),
    "100": interim("100 Continue"),
    "102": interim("102 Processing"),
    "103": interim("103 Early Hints"),
    "weak": weak_etags,
    "no-if-match": no_if_match,
    "other-etags": other_etag_each_time,
    "drip": dripping,
    "http10": changed(_with(version="HTTP/1.0", has_length=False)),
    "no-length": changed(_with(has_length=False)),
    "chunked": changed(_with(chunked=True)),
    "no-reason": changed(_with(reason="")),
    "lower": changed(lambda answer: answer.rename(lambda name, value: (name.lower(), value))),
    "gzip-json": changed(_body(gzip.compress, ("Content-Encoding", "gzip")), "api"),
    "bom-json": changed(_body(lambda body: b"\xef\xbb\xbf" + body), "api"),
    "utf16-json": changed(_utf16, "api"),
    "prefixed-json": changed(_body(lambda body: b")]}',\n" + body), "api"),
    "float-sizes": changed(_size("%b.0"), "api"),
    "exponent-sizes": changed(_size("%be0"), "api"),
    "text-sizes": changed(_size('"%b"'), "api"),
    "big-numbers": changed(_size('%b, "other": 99999999999999999999999999999999'), "api"),
    "duplicate-headers": changed(_body(bytes, *_DUPLICATES), "api"),
    "star-range": changed(
        lambda answer: answer.with_header(
            "Content-Range", lambda value: re.sub(r"/\d+$", "/*", value)
        ),
        "get",
    ),
    "says-gzip": changed(_body(bytes, ("Content-Encoding", "gzip")), "get"),
    "encrypted": changed(
        lambda answer: answer.with_header("ETag", lambda _: f'"{"0123456789abcdef" * 2}"'), "put"
    ),
}

LIMITS_ALONE = frozenset({"limit0", "limit3-reset"})
"""Modes for tests of the limits alone."""
