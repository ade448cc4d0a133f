"""Proxies, with their passwords: used as asked, and never shown."""

from __future__ import annotations

import base64
import socket
import socketserver

import pytest
from pytest_socket import socket_allow_hosts

from bindist import AdminClient, CustomerClient, TransportError
from tests.sdk.canned import CERTIFICATE, CannedServer, Tunnel

PASSWORD = "hush-hush-pass"
SENT = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
APPLICATIONS = {"success": True, "data": {"applications": []}}


@pytest.fixture
def canned_tls():
    with CannedServer(tls=True) as running:
        running.open()
        running.answer(APPLICATIONS)
        yield running


@pytest.fixture
def tunnel():
    with Tunnel() as running:
        yield running


@pytest.fixture
def refusing():
    """A proxy that wants another password and quotes the one it got."""
    with CannedServer() as running:
        running.open()
        page = f"<p>Basic {SENT} will not do</p><pre>Proxy-Authorization: Basic {SENT}</pre>"
        running.answer(
            raw=b"HTTP/1.1 407 Basic %s is wrong\r\nContent-Length: %d\r\n\r\n%s"
            % (SENT.encode(), len(page), page.encode())
        )
        yield running


@pytest.fixture
def mute():
    """A proxy that hangs up."""
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as running:
        import threading

        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{running.server_address[1]}"
        running.shutdown()


@pytest.fixture
def through(monkeypatch):
    """Sets the proxy for https, with a user and a password, and the API behind it."""

    def use(proxy, url="https://api.example:1"):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("BINDIST_API_URL", url)
        monkeypatch.setenv("BINDIST_API_KEY", "key-of-the-proxy-tests")
        monkeypatch.setenv("BINDIST_CA_BUNDLE", str(CERTIFICATE))
        monkeypatch.setenv("BINDIST_RETRIES", "0")

    return use


@pytest.fixture
def allow_http(environment):
    """Lets the profile in use send its key over plain http."""

    def allow():
        environment.mkdir(exist_ok=True)
        (environment / "config.toml").write_text("[profiles.default]\nallow_http = true\n")

    return allow


def quiet(*results):
    """Nothing told the password, in whatever form it was sent."""
    for result in results:
        assert PASSWORD not in result.output + result.stderr
        assert SENT not in result.output + result.stderr


@pytest.mark.counts("hostile")
def test_only_the_proxy_gets_its_password(invoke, through, canned_tls, tunnel):
    through(tunnel.url.replace("://", f"://me:{PASSWORD}@"), canned_tls.named_url)
    result = invoke("apps", "list", "--debug", "-o", "json")
    assert result.exit_code == 0, result.stderr
    assert f"Proxy-Authorization: Basic {SENT}" in tunnel.asked[0]
    assert "proxy-authorization" not in canned_tls.asked[0].headers
    checked = invoke("doctor", "--debug")
    assert checked.exit_code == 0, checked.output
    quiet(result, checked)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.counts("hostile")
def test_a_refused_proxy_password_is_an_error_without_the_password(
    invoke, through, refusing, allow_http, monkeypatch, scheme
):
    through(f"http://me:{PASSWORD}@{refusing.host}")
    if scheme == "http":
        monkeypatch.setenv("HTTP_PROXY", f"http://me:{PASSWORD}@{refusing.host}")
        monkeypatch.setenv("BINDIST_API_URL", "http://api.example:1")
        allow_http()
    result = invoke("apps", "list", "--debug")
    assert result.exit_code not in (0, 2)
    assert "407" in result.stderr or "proxy" in result.stderr
    assert refusing.asked[0].headers["proxy-authorization"] == f"Basic {SENT}"
    quiet(result, invoke("doctor", "--debug"))


@pytest.mark.parametrize(
    "proxy",
    [
        "http://me:{password}@127.0.0.1:1",
        "https://me:{password}@127.0.0.1:1",
        "me:{password}@127.0.0.1:1",
        "http://me:a/{password}@127.0.0.1:1",
        "http://me:{password}?@127.0.0.1:1",
        "http://me:{password}@[",
        "http://me:{password}@",
        "http://me:{password}@127.0.0.1:99999",
        "http://me:{password}@127.0.0.1:port",
        "socks5://me:{password}@127.0.0.1:1",
        "ftp://me:{password}@127.0.0.1:1",
        "://me:{password}@127.0.0.1:1",
        "http:/me:{password}@127.0.0.1:1",
    ],
)
@pytest.mark.counts("hostile")
def test_an_invalid_proxy_is_an_error(invoke, through, proxy):
    through(proxy.format(password=PASSWORD))
    result = invoke("apps", "list", "--debug")
    assert result.exit_code == 7, result.stderr
    assert "error: " in result.stderr
    checked = invoke("doctor", "--debug")
    assert checked.exit_code == 1
    quiet(result, checked)


@pytest.mark.counts("hostile")
def test_a_proxy_that_closes_the_connection_is_an_error(invoke, through, mute):
    through(f"http://me:{PASSWORD}@{mute}")
    result = invoke("apps", "list", "--debug")
    assert result.exit_code == 7
    quiet(result)


# This machine


LOOPBACK = [
    "127.0.0.1",
    "127.9.8.7",
    "127.1",
    "0x7f.1",
    "2130706433",
    "0177.0.0.1",
    "localhost",
    "LocalHost",
    "x.localhost",
    "localhost.",
    "0.0.0.0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
]
PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]


@pytest.fixture
def recording(monkeypatch):
    """A proxy for everything, that remembers what reaches it; also what requests come without."""
    with CannedServer() as running:
        running.open()
        running.answer(APPLICATIONS)
        for name in PROXIES:
            monkeypatch.setenv(name, running.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        yield running


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", LOOPBACK)
@pytest.mark.counts("hostile")
def test_requests_to_loopback_use_no_proxy(recording, host, scheme):
    socket_allow_hosts(["127.0.0.1", "127.9.8.7", "0.0.0.0", "::1", "::ffff:127.0.0.1"])
    with AdminClient(f"{scheme}://{host}:1", "the-key-itself", retries=0, timeout=2) as client:
        for call in (client.list_applications, lambda: client.create_customer("New")):
            with pytest.raises(TransportError):
                call()
        with pytest.raises(TransportError):  # the other session: the object store's
            client._transport.open_store("GET", f"{scheme}://{host}:1/k?X-Amz-Signature=abc")
    assert recording.asked == []


@pytest.mark.parametrize("host", ["x.localhost", "a.b.LOCALHOST.", "localhost"])
def test_a_local_name_is_not_looked_up(recording, host, monkeypatch):
    """DNS could lead the key, in clear, to another machine."""
    asked, lookup = [], socket.getaddrinfo

    def look_up(name, *arguments, **more):
        asked.append(name)
        return lookup(name, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    port = recording.url.rpartition(":")[2]
    with AdminClient(f"http://{host}:{port}", "the-key-itself", retries=0) as client:
        assert client.list_applications().success
    assert set(asked) <= {"127.0.0.1", "::1"}
    assert [each.headers["host"] for each in recording.asked] == [
        f"{host.rstrip('.').lower()}:{port}"
    ]


def test_requests_to_other_hosts_use_the_proxy(recording):
    with AdminClient("http://10.0.0.1", "the-key-itself", allow_http=True) as client:
        assert client.list_applications().success
    assert recording.asked[0].target.startswith("http://10.0.0.1/")


def test_the_first_command_of_the_readme_works_behind_any_proxy(recording, bindist):
    done = bindist("--profile", "sandbox", "apps", "list")
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert recording.asked == []


def test_doctor_says_that_a_proxy_is_not_used_for_this_machine(recording, invoke, at_server):
    result = invoke("doctor")
    assert "; not used for 127.0.0.1" in result.output
    assert recording.asked == []


# Other machines, without encryption


@pytest.mark.parametrize(
    "host",
    [
        "api.example",
        "10.0.0.1",
        "127.0.0.1.",
        "localhost.example",
        "128.0.0.1",
        "[::2]",
        "１２７.0.0.1",
    ],
)
@pytest.mark.parametrize("kind", [CustomerClient, AdminClient])
def test_the_key_is_not_sent_over_plain_http_to_another_machine(recording, kind, host):
    with pytest.raises(ValueError, match=r"the key is not sent over plain http to .*allow_http"):
        kind(f"http://{host}", "the-key-itself")
    assert recording.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "%31%32%37.0.0.1",
        "evil.example\\.localhost",
        "evil.example%2f.localhost",
        "evil.example,localhost",
        "[::1].evil.example",
        "[fe80::1%25eth0]",
        "[::1%25lo]",
    ],
)
def test_an_ambiguous_host_is_refused(recording, host):
    for scheme in ("http", "https"):
        with pytest.raises(ValueError, match=r"address|host"):
            AdminClient(f"{scheme}://{host}/", "the-key-itself", allow_http=True)
    assert recording.asked == []


@pytest.mark.parametrize("allowed", [False, True])
def test_the_command_line_passes_on_what_its_profile_allows(
    recording, invoke, allow_http, monkeypatch, allowed
):
    monkeypatch.setenv("BINDIST_API_URL", "http://api.example")
    monkeypatch.setenv("BINDIST_API_KEY", "the-key-itself")
    if allowed:
        allow_http()
    result = invoke("apps", "list")
    assert result.exit_code == (0 if allowed else 2)
    assert len(recording.asked) == allowed
