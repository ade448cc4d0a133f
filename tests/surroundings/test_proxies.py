"""Proxies, with their passwords: used as asked, and never shown."""

from __future__ import annotations

import base64
import socketserver

import pytest

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

    def use(proxy, url="https://127.0.0.1:1"):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("BINDIST_API_URL", url)
        monkeypatch.setenv("BINDIST_API_KEY", "key-of-the-proxy-tests")
        monkeypatch.setenv("BINDIST_CA_BUNDLE", str(CERTIFICATE))
        monkeypatch.setenv("BINDIST_RETRIES", "0")

    return use


def quiet(*results):
    """Nothing told the password, in whatever form it was sent."""
    for result in results:
        assert PASSWORD not in result.output + result.stderr
        assert SENT not in result.output + result.stderr


def test_a_proxy_gets_the_password_and_nobody_else_sees_it(
    invoke, through, canned_tls, tunnel, tally
):
    through(tunnel.url.replace("://", f"://me:{PASSWORD}@"), canned_tls.url)
    result = invoke("apps", "list", "--debug", "-o", "json")
    assert result.exit_code == 0, result.stderr
    assert f"Proxy-Authorization: Basic {SENT}" in tunnel.asked[0]
    assert "proxy-authorization" not in canned_tls.asked[0].headers
    checked = invoke("doctor", "--debug")
    assert checked.exit_code == 0, checked.output
    quiet(result, checked)
    tally("hostile")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_the_password(invoke, through, refusing, monkeypatch, tally, scheme):
    through(f"http://me:{PASSWORD}@{refusing.host}")
    if scheme == "http":
        monkeypatch.setenv("HTTP_PROXY", f"http://me:{PASSWORD}@{refusing.host}")
        monkeypatch.setenv("BINDIST_API_URL", "http://localhost:1")
        monkeypatch.setenv("NO_PROXY", "none.example")
    result = invoke("apps", "list", "--debug")
    assert result.exit_code not in (0, 2)
    assert "407" in result.stderr or "proxy" in result.stderr
    assert refusing.asked[0].headers["proxy-authorization"] == f"Basic {SENT}"
    quiet(result, invoke("doctor", "--debug"))
    tally("hostile")


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
def test_a_proxy_that_is_none(invoke, through, tally, proxy):
    through(proxy.format(password=PASSWORD))
    result = invoke("apps", "list", "--debug")
    assert result.exit_code == 7, result.stderr
    assert "error: " in result.stderr
    checked = invoke("doctor", "--debug")
    assert checked.exit_code == 1
    quiet(result, checked)
    tally("hostile")


def test_a_proxy_that_hangs_up(invoke, through, mute, tally):
    through(f"http://me:{PASSWORD}@{mute}")
    result = invoke("apps", "list", "--debug")
    assert result.exit_code == 7
    quiet(result)
    tally("hostile")
