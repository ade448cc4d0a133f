"""Requests and answers over the wire: what goes out, and what is said where nothing comes back."""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from bindist import AdminClient, IntegrityError, TransportError, __version__
from bindist.http.transport import ANSWER_LIMIT, Transport
from bindist.sandbox import SandboxServer
from tests.sdk.canned import CERTIFICATE, CannedServer, Tunnel

Connect = Callable[..., AdminClient]
MIB = 1024 * 1024
OK = {"success": True, "data": {"n": 1}}


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport("http://x", "key", timeout=(3, 7), retries=0, backoff=1.0, verify=None)
    yield made
    made.close()


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    with Tunnel() as running:
        yield running


# What goes out


def test_every_request_has_a_user_agent_and_accepts_only_identity_encoding(
    canned: CannedServer, asker: AdminClient
) -> None:
    canned.answer(OK)
    asker.list_customers()
    headers = canned.asked[0].headers
    assert headers["user-agent"] == f"bindist-python/{__version__}"
    assert headers["accept-encoding"] == "identity"


def test_a_compressed_response_is_decoded(canned: CannedServer, asker: AdminClient) -> None:
    body = gzip.compress(b'{"success": true, "data": {"n": 5}}')
    canned.answer(body, headers={"Content-Encoding": "gzip"})
    assert asker.list_customers().data == {"n": 5}


def test_threads_that_share_a_client_get_their_own_responses(admin: AdminClient) -> None:
    for number in range(4):
        admin.create_application(f"app-{number}", "App").raise_for_error()

    def ask(number: int) -> bool:
        name = f"app-{number % 4}"
        return admin.get_application(name).require()["applicationId"] == name

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(200)))


# No answer


def test_a_refused_connection_is_not_ambiguous(closed: CannedServer, connect: Connect) -> None:
    with pytest.raises(TransportError, match=f"^{closed.host} cannot be reached: ") as caught:
        connect(closed.url).list_customers()
    assert not caught.value.ambiguous


def test_a_read_time_out_is_ambiguous(server: SandboxServer, connect: Connect) -> None:
    server.faults.add("stall:30,times=0")
    client = connect(server.url, timeout=0.1, retries=0)
    with pytest.raises(TransportError, match=r"did not respond within 0\.1 s") as caught:
        client.create_customer("New")
    assert caught.value.ambiguous


def test_a_stalled_response_body_is_a_time_out(server: SandboxServer, connect: Connect) -> None:
    server.faults.add("stall-body:10/30,times=0")
    client = connect(server.url, timeout=(5, 0.1), retries=0)
    with pytest.raises(TransportError, match=r"within 0\.1 s") as caught:
        client.list_customers()
    assert caught.value.ambiguous


def test_sending_a_body_may_take_longer_than_connecting(
    server: SandboxServer, connect: Connect, application: str
) -> None:
    server.faults.add("slow:10000000,times=0")
    client = connect(server.url, timeout=(0.2, 30), retries=0)
    assert client.upload_small_file(application, "1.0", "a.exe", bytes(11_000_000)).success


@pytest.mark.parametrize("upload", ["upload_small_file", "upload_large_file"])
def test_a_request_body_that_is_not_received_is_a_time_out(
    server: SandboxServer, connect: Connect, application: str, upload: str
) -> None:
    server.faults.add("stall:60,times=0,path=*/*load")
    server.faults.add("stall:60,times=0,path=/store/*")
    client = connect(server.url, timeout=(30, 0.3), retries=0)
    started = time.monotonic()
    with pytest.raises(TransportError, match=r"within 0\.3 s") as caught:
        getattr(client, upload)(application, "1.0", "a.exe", bytes(11_000_000))
    assert caught.value.ambiguous
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("fault", ["refuse", "lost", "reset:5", "cut:5", "cut:0"])
def test_a_lost_connection_is_ambiguous(
    server: SandboxServer, connect: Connect, fault: str
) -> None:
    server.faults.add(fault)
    with pytest.raises(TransportError, match="was lost") as caught:
        connect(server.url, retries=0).list_customers()
    assert caught.value.ambiguous


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 twohundred OK\r\n\r\n",
        HEAD + b"A: b\r\n" * 200 + b"\r\n",
        HEAD + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
        HEAD + b"Content-Length: 50\r\n\r\n{}",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
    ],
    ids=lambda raw: ascii(raw[-24:])[2:-1],
)
def test_a_response_that_is_not_http_is_a_transport_error(
    canned: CannedServer, connect: Connect, raw: bytes
) -> None:
    canned.answer(raw=raw)
    with pytest.raises(TransportError) as caught:
        connect(canned.url, retries=0).create_customer("New")
    assert caught.value.ambiguous


def test_a_response_over_the_limit_is_not_read_to_its_end(
    canned: CannedServer, connect: Connect
) -> None:
    sent = itertools.count()
    canned.answer(b"x" * MIB for _ in itertools.takewhile(lambda n: n < 200, sent))
    with pytest.raises(TransportError, match="larger than 16 MiB"):
        connect(canned.url, retries=0).list_customers()
    assert next(sent) < ANSWER_LIMIT // MIB + 60


# Explanations of what cannot be made to happen on loopback


def unreached(reason: Exception) -> requests.ConnectionError:
    pool = HTTPConnectionPool("files.example")
    return requests.ConnectionError(MaxRetryError(pool, "/k?X-Amz-Signature=abcdef", reason))


@pytest.mark.parametrize(
    "reason",
    [
        NewConnectionError(HTTPConnection("files.example"), "[Errno 110] Connection timed out"),
        NewConnectionError(HTTPConnection("files.example"), "[Errno 113] No route to host"),
        NameResolutionError("files.example", HTTPConnection("files.example"), OSError(-2, "who?")),
    ],
    ids=["timed-out", "no-route", "unknown-host"],
)
def test_an_unreachable_host_is_not_ambiguous(transport: Transport, reason: Exception) -> None:
    url = "https://files.example/k?X-Amz-Signature=abcdef"
    found = transport.transport_error(unreached(reason), url)
    assert str(found).startswith("files.example cannot be reached:") and not found.ambiguous


def test_a_connection_that_takes_too_long_names_the_time_for_connecting(
    transport: Transport,
) -> None:
    found = transport.transport_error(requests.ConnectTimeout(), "https://files.example:99/k")
    assert (
        str(found) == "files.example:99 accepted no connection within 3 s" and not found.ambiguous
    )


# TLS


def test_an_untrusted_certificate_is_not_ambiguous(
    canned_tls: CannedServer, connect: Connect
) -> None:
    with pytest.raises(
        TransportError, match=r"the connection to .* is not trusted: .*certificate"
    ) as caught:
        connect(canned_tls.url, retries=0).list_customers()
    assert not caught.value.ambiguous
    assert canned_tls.asked == []


def test_verify_names_the_certificates_to_trust(canned_tls: CannedServer, connect: Connect) -> None:
    canned_tls.answer(OK)
    assert connect(canned_tls.url, verify=str(CERTIFICATE)).list_customers().success


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_names_the_certificates_to_trust(
    canned_tls: CannedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(CERTIFICATE))
    canned_tls.answer(OK)
    assert connect(canned_tls.url).list_customers().success


def test_a_missing_file_of_certificates_is_a_transport_error(
    canned_tls: CannedServer, connect: Connect, tmp_path: Path
) -> None:
    with pytest.raises(TransportError, match="CA certificate"):
        connect(canned_tls.url, verify=str(tmp_path / "none.pem"), retries=0).list_customers()


def test_a_tls_failure_after_the_request_is_ambiguous(
    canned_tls: CannedServer, connect: Connect
) -> None:
    canned_tls.answer(raw=b"this is no record of TLS", below_tls=True)
    with pytest.raises(TransportError) as caught:
        connect(canned_tls.url, verify=str(CERTIFICATE)).create_customer("New")
    assert caught.value.ambiguous
    assert len(canned_tls.asked) == 1


def test_a_server_without_tls_behind_an_https_address_is_a_transport_error(
    canned: CannedServer, connect: Connect
) -> None:
    canned.answer(OK)
    with pytest.raises(TransportError, match="speaks http without TLS") as caught:
        connect(canned.url.replace("http:", "https:"), retries=0).list_customers()
    assert not caught.value.ambiguous


# Proxies


def test_the_proxy_of_the_environment_is_used(
    canned: CannedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", canned.url)
    canned.answer(OK)
    connect("http://api.example", allow_http=True).get_application("tool")
    assert canned.asked[0].target == "http://api.example/v1/applications/tool"


def test_no_proxy_is_honoured(
    canned: CannedServer, closed: CannedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", canned.url)
    monkeypatch.setenv("NO_PROXY", "api.invalid")
    canned.answer(OK)
    with pytest.raises(TransportError, match=r"api\.invalid cannot be reached"):
        connect("http://api.invalid", retries=0, allow_http=True).list_customers()
    assert canned.asked == []


def test_https_is_tunnelled_through_the_proxy(
    canned_tls: CannedServer, tunnel: Tunnel, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
    canned_tls.answer(OK)
    assert connect(canned_tls.named_url, verify=str(CERTIFICATE)).list_customers().success
    assert tunnel.asked[0].startswith(f"CONNECT api.example:{canned_tls.server_port} ")
    assert "authorization" not in tunnel.asked[0].lower()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_unreachable_proxy_is_not_ambiguous(
    closed: CannedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", closed.url)
    with pytest.raises(
        TransportError, match=r"api\.example cannot be reached through the proxy"
    ) as caught:
        connect(f"{scheme}://api.example", retries=0, allow_http=True).list_customers()
    assert not caught.value.ambiguous


def test_a_refused_tunnel_is_not_ambiguous(
    canned: CannedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", canned.url)
    canned.answer(b"", 403)
    with pytest.raises(TransportError, match="through the proxy") as caught:
        connect("https://api.example", retries=0).list_customers()
    assert not caught.value.ambiguous


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_redirect_is_returned_and_not_followed(
    canned: CannedServer, asker: AdminClient, closed: CannedServer, method: str, status: int
) -> None:
    closed.open()
    closed.answer(OK)
    canned.answer(b"", status, headers={"Location": f"{closed.url}/v1/applications"})
    answer = asker.request(method, "/v1/applications", json={"a": 1})
    assert answer.error is not None and answer.error["code"] == "REDIRECT"
    assert (len(canned.asked), closed.asked) == (1, [])


@pytest.mark.parametrize("target", ["http://[", "http://h:x/", "//", "\xff\xfe", ""])
def test_a_redirect_without_a_location_is_returned(
    canned: CannedServer, asker: AdminClient, target: str
) -> None:
    canned.answer(b"", 302, headers={"Location": target})
    error = asker.list_customers().error
    assert error is not None and error["code"] == "REDIRECT"


def test_the_body_of_a_redirect_is_limited(canned: CannedServer, connect: Connect) -> None:
    body = itertools.repeat(b"x" * MIB, 100)
    canned.answer(body, 302, headers={"Location": "/v1/applications"})
    with pytest.raises(TransportError, match="larger than 16 MiB"):
        connect(canned.url, retries=0).list_customers()


@pytest.mark.parametrize("target", ["http://[", "http://h:99999/", "ftp://x/"])
def test_an_object_store_redirect_without_a_location_is_an_integrity_error(
    server: SandboxServer, admin: AdminClient, application: str, target: str
) -> None:
    admin.upload_small_file(application, "1.0", "a.exe", b"bytes").raise_for_error()
    server.faults.add(f"redirect:{target},path=/store/*,times=0")
    with pytest.raises(IntegrityError, match="redirects to no usable address"):
        admin.download_file(application, "1.0", test_channel=True)


def test_an_object_store_redirect_loop_is_a_transport_error(
    server: SandboxServer, connect: Connect, admin: AdminClient, application: str
) -> None:
    admin.upload_small_file(application, "1.0", "a.exe", b"bytes").raise_for_error()
    server.faults.add("redirect-loop,path=/store/*,times=0")
    with pytest.raises(TransportError, match="redirects in a circle") as caught:
        connect(server.url, retries=3).download_file(application, "1.0", test_channel=True)
    assert not caught.value.transient
    assert sum(record.path.startswith("/store/") for record in server.requests) < 40
