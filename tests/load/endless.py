"""A server of one file that is nowhere: its bytes are made up while they are asked for.

    python endless.py

Answers what a download and an upload of `tool` 1.0 need, prints its address when it is ready, and
ends with its stdin. What is put to it is compared with zeros and thrown away.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MIB = 1024 * 1024
PATTERN = hashlib.shake_128(b"bindist").digest(MIB)
"""The file is this, again and again; so its checksum can be written down."""

SIZE = 5 * 1024 * MIB
SHA256 = "f120b7ed1659019c3c3c4344d56cdb5d13bc4b2163b0501f1a092f095a9c9d31"
ZEROS_SIZE = 1024 * MIB
ZEROS_SHA256 = "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14"

_TWICE = memoryview(PATTERN * 2)
_ZEROS = bytes(MIB)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/store/"):
            self._send_file()
        elif self.path.endswith("/versions"):
            self._answer({"versions": []})
        else:
            file = {"fileName": "tool.bin", "fileSize": SIZE, "checksum": SHA256}
            self._answer({"url": self._store, "expiresAt": "2099-01-01T00:00:00.000Z", **file})

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/large-url"):
            self._answer({"uploadId": "u1", "uploadUrl": self._store})
        else:
            self._answer(sent, 201)

    def do_PUT(self) -> None:
        left, buffer, zeros = int(self.headers["Content-Length"]), bytearray(MIB), True
        while left and (count := self.rfile.readinto(memoryview(buffer)[: min(MIB, left)])):
            zeros = zeros and buffer[:count] == _ZEROS[:count]
            left -= count
        self._head(200 if zeros and not left else 400, {"Content-Length": "0", "ETag": '"taken"'})

    @property
    def _store(self) -> str:
        return f"http://{self.headers['Host']}/store/tool.bin"

    def _send_file(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        position, last = map(int, asked.groups()) if asked else (0, SIZE - 1)
        headers = {"Content-Length": str(last + 1 - position), "ETag": '"made up"'}
        if asked:
            headers["Content-Range"] = f"bytes {position}-{last}/{SIZE}"
        self._head(206 if asked else 200, headers)
        while position <= last:
            start = position % MIB
            block = _TWICE[start : start + min(MIB, last + 1 - position)]
            self.connection.sendall(block)
            position += len(block)

    def _answer(self, data: dict[str, Any], status: int = 200) -> None:
        body = json.dumps({"success": True, "data": data}).encode()
        self._head(status, {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
