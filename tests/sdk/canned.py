"""A server that answers whatever it is told to, for answers that the sandbox never gives."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

CERTIFICATE = Path(__file__).with_name("loopback.pem")
"""A self-signed certificate for 127.0.0.1 and api.example with its private key; trusted by these
tests alone."""


@dataclass
class Asked:
    """A request as it came over the wire; the names of headers in lower case.

    `connection` is the client's port: the same for all that came over one connection.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """`body`: JSON, text, bytes, or blocks of bytes that end with the connection.

    `raw` is sent instead of a whole answer, and the connection closed; `below_tls` the same, past
    the encryption.
    """

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    below_tls: bool = False


class CannedServer(socketserver.ThreadingTCPServer):
    """`answer` says what comes next; the last answer stays. Nobody listens before `open`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *, tls: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self.server_bind()
        self.server_port = self.server_address[1]
        self.asked: list[Asked] = []
        self._replies: deque[Reply] = deque()
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        if tls:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(CERTIFICATE)
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        self.server_activate()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http{'s' if self._tls else ''}://{self.host}"

    @property
    def named_url(self) -> str:
        """The address by a name that only a `Tunnel` knows."""
        return self.url.replace("127.0.0.1", "api.example")

    def answer(self, body: Any = b"", status: int = 200, **more: Any) -> None:
        self._replies.append(Reply(body, status, **more))

    def reply_to(self, asked: Asked) -> Reply:
        """What is answered; for those that go by the question."""
        return self.next_reply()

    def next_reply(self) -> Reply:
        with self._lock:
            return self._replies.popleft() if len(self._replies) > 1 else self._replies[0]

    def __enter__(self) -> CannedServer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.server_close()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._tls is None:
            super().finish_request(request, client_address)
            return
        try:
            with self._tls.wrap_socket(request.dup(), server_side=True) as wrapped:
                wrapped.below = request  # type: ignore[attr-defined]
                super().finish_request(wrapped, client_address)
        except OSError:
            pass  # the other side did not like the certificate, or hung up

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that goes away is what some tests are about


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out one by one
    server: CannedServer
    timeout = 30

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if self.raw_requestline and self.parse_request():
            length = int(self.headers.get("Content-Length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body, connection = self.rfile.read(length), self.client_address[1]
            asked = Asked(self.command, self.path, headers, body, connection)
            self.server.asked.append(asked)
            self._reply(self.server.reply_to(asked))

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _reply(self, reply: Reply) -> None:
        if reply.raw is not None:
            self._send_raw(reply)
            return
        body, headers = reply.body, dict(reply.headers)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        if isinstance(body, bytes):
            headers["Content-Length"] = str(len(body))
        else:
            headers["Connection"] = "close"
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self._send_blocks([body] if isinstance(body, bytes) else body)

    def _send_blocks(self, blocks: Iterable[bytes]) -> None:
        try:
            for block in blocks:
                self.wfile.write(block)
        except OSError:
            self.close_connection = True

    def _send_raw(self, reply: Reply) -> None:
        self.close_connection = True
        if reply.below_tls:
            self.connection.below.sendall(reply.raw)  # type: ignore[attr-defined]
        else:
            self.wfile.write(reply.raw or b"")


class Tunnel(socketserver.ThreadingTCPServer):
    """A proxy for https: does what CONNECT asks for, on this machine, and remembers it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnelled)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Tunnelled(socketserver.StreamRequestHandler):
    server: Tunnel

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.request.recv(1)
        self.server.asked.append(head.decode())
        port = head.split()[1].decode().rpartition(":")[2]
        with socket.create_connection(("127.0.0.1", int(port))) as there:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(there, self.request), daemon=True)
            back.start()
            _pump(self.request, there)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while block := source.recv(65536):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
