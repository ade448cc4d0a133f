"""What the transfers are measured against: nginx as the object store, and an API that hands out its
addresses and does nothing else, so that only the moving of bytes is timed."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# An object store answers a PUT with an ETag; nginx has to be told to.
_PUT = """
      alias {folder}/put/; dav_methods PUT; create_full_put_path on;
      add_header ETag '"stored"' always;
"""

_CONFIG = """
worker_processes 2;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_max_body_size 0;
  client_body_buffer_size 1m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{plain};
    location /files/ {{ alias {folder}/files/; }}
    location /slow/ {{ alias {folder}/files/; limit_rate 20000000; }}
    location /put/ {{ {put} }}
  }}
  server {{
    listen 127.0.0.1:{tls} ssl;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    location /files/ {{ alias {folder}/files/; }}
    location /put/ {{ {put} }}
  }}
}}
"""


@dataclass(frozen=True)
class Store:
    """A running nginx: its folder, its addresses, and the certificate that it shows."""

    folder: Path
    plain: str
    tls: str
    certificate: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[Store]:
    """Runs nginx in the foreground of a child process, and ends that child."""
    plain, tls = free_port(), free_port()
    for name in ("files", "put", "body"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name).chmod(0o777)
    folder.chmod(0o755)
    certificate = folder / "cert.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {folder}/key.pem -out {certificate}",
        shell=True,
        check=True,
        capture_output=True,
    )
    config = folder / "nginx.conf"
    config.write_text(
        _CONFIG.format(folder=folder, plain=plain, tls=tls, put=_PUT.format(folder=folder))
    )
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    child = subprocess.Popen([program, "-c", str(config), "-e", f"{folder}/error.log"])
    try:
        for port in (plain, tls):
            _wait_for(port)
        yield Store(folder, f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}", certificate)
    finally:
        child.terminate()
        child.wait()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("nginx does not answer")


Answer = tuple[int, dict[str, Any] | None]
"""A status, and the data of a good answer."""

_EXPIRES = "2099-01-01T00:00:00.000Z"


class Api:
    """An API with one application, whose version 1.0 is one file in the store; any other version
    can be uploaded to it. `forget` makes it as it was."""

    def __init__(self, store_url: str, name: str, size: int, checksum: str, get: str) -> None:
        self._store_url = store_url
        self._get = get
        self._first = _row("f1", name, size, checksum)
        self.url = ""
        self.forget()

    def forget(self) -> None:
        self._versions: dict[str, list[dict[str, Any]]] = {"1.0": [self._first]}

    def get(self, path: str) -> Answer:
        if path.endswith("/downloads/url"):
            url = f"{self._store_url}/{self._get}/{self._first['fileName']}"
            return 200, {**self._first, "url": url, "expiresAt": _EXPIRES}
        if path.endswith("/files"):
            version = path.split("/")[-2]
            files = self._versions.get(version)
            here = {"applicationId": "a", "version": version, "files": files}
            return (404, None) if files is None else (200, here)
        if path.endswith("/versions"):
            rows = [
                {"version": version, "isEnabled": version == "1.0", "isActive": True}
                for version in self._versions
            ]
            return 200, {"versions": rows}
        return 200, {"applicationId": "a", "name": "a"}

    def post(self, path: str, sent: dict[str, Any]) -> Answer:
        name = sent["fileName"]
        if path.endswith("/large-url"):
            url = f"{self._store_url}/put/{name}"
            return 200, {"uploadId": "u1", "uploadUrl": url, "expiresAt": _EXPIRES}
        if path.endswith("/large-complete"):
            row = _row(sent["uploadId"], name, sent["fileSize"], sent["checksum"])
            self._versions[sent["version"]].append(row)
        elif sent["version"] in self._versions:
            return 409, None
        else:
            self._versions[sent["version"]] = []
        return 201, {**sent, "message": "Version created successfully"}


def _row(file_id: str, name: str, size: int, checksum: str) -> dict[str, Any]:
    row = {"fileId": file_id, "fileName": name, "fileSize": size, "checksum": checksum}
    return {**row, "fileType": "MAIN", "order": 1}


@contextlib.contextmanager
def api(store_url: str, name: str, size: int, checksum: str, get: str = "files") -> Iterator[Api]:
    """Runs an API whose files are at `store_url`; nothing it does takes time worth measuring."""
    served = Api(store_url, name, size, checksum, get)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else a body waits for the head to be acknowledged: 40 ms

        def log_message(self, *arguments: object) -> None:
            pass

        def _answer(self, status: int, data: dict[str, Any] | None) -> None:
            envelope: dict[str, Any] = {"success": data is not None, "meta": {"requestId": "bench"}}
            if data is None:
                envelope["error"] = {"code": "REFUSED", "message": "not there, or there already"}
            else:
                envelope["data"] = data
            body = json.dumps(envelope).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer(*served.get(self.path.partition("?")[0]))

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(*served.post(self.path, sent))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
