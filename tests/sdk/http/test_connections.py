"""How many connections a release and a download open: as many as they use at once, and no more."""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bindist import AdminClient, TransportError
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY
from tests.delay_proxy import DelayProxy
from tests.sdk.canned import CERTIFICATE

AT_ONCE = 4
FILES = 12


class TlsFront:
    """A server's TLS, as a gateway before it does it; counts connections, and sessions resumed."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.connections = self.resumed = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(CERTIFICATE)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> TlsFront:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(connection,), daemon=True).start()

    def _forward(self, connection: socket.socket) -> None:
        self.connections += 1
        try:
            with (
                self._context.wrap_socket(connection, server_side=True) as near,
                socket.create_connection(("127.0.0.1", self._target)) as far,
            ):
                self.resumed += bool(near.session_reused)
                while True:
                    ready = [near] if near.pending() else select.select([near, far], [], [])[0]
                    for source in ready:
                        block = source.recv(65536)
                        if not block:
                            return
                        (far if source is near else near).sendall(block)
        except OSError:
            pass


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"part{number}.dll" for number in range(FILES - 1)]
    found.append(tmp_path / "tool.exe")
    for path in found:
        path.write_bytes(os.urandom(1000))
    return found


@pytest.fixture
def port(server: SandboxServer, application: str) -> Iterator[int]:
    yield int(server.url.rpartition(":")[2])


def release_and_download(client: AdminClient, paths: list[Path]) -> None:
    done = client.publish("tool", "1.0", paths, enable=True, parallel=AT_ONCE)
    assert done.is_enabled
    folder = paths[0].parent / "downloaded"
    downloads = client.download_version("tool", "1.0", folder, parallel=AT_ONCE)
    assert {each.status for each in downloads} == {"downloaded"}


def test_connections_are_as_many_as_requests_at_once(port: int, paths: list[Path]) -> None:
    with DelayProxy(port, 0.005) as proxy:
        with AdminClient(proxy.url, ADMIN_KEY) as client:
            release_and_download(client, paths)
            release_and_download_again = proxy.connections
            client.list_version_files("tool", "1.0").require()
        assert 2 <= proxy.connections <= AT_ONCE
        assert proxy.connections == release_and_download_again


def test_over_tls_they_are_no_more_and_their_sessions_resume(
    server: SandboxServer, port: int, paths: list[Path]
) -> None:
    with TlsFront(port) as api, TlsFront(port) as store:
        server._address.url = store.url  # a server with TLS gives no address without
        with AdminClient(api.url, ADMIN_KEY, verify=CERTIFICATE) as client:
            client.get_application("tool").require()
            release_and_download(client, paths)
        assert 2 <= api.connections <= AT_ONCE
        assert api.resumed == api.connections - 1
        assert 2 <= store.connections <= AT_ONCE


def test_a_certificate_that_is_not_trusted_is_refused_each_time(port: int, tmp_path: Path) -> None:
    other = ssl.create_default_context().get_ca_certs(binary_form=True)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("".join(map(ssl.DER_cert_to_PEM_cert, other[:1])))
    with TlsFront(port) as front:
        for verify in (bundle, CERTIFICATE, bundle):
            with AdminClient(front.url, ADMIN_KEY, verify=verify, retries=0) as client:
                trusted = verify == CERTIFICATE
                if trusted:
                    client.get_application("tool").require()
                else:
                    with pytest.raises(TransportError, match="not trusted"):
                        client.get_application("tool")
