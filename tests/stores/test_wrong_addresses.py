"""An address that is almost right: the error says what is there, and what to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bindist.sandbox import SandboxServer
from tests.sdk.canned import CannedServer
from tests.stores.odd_server import OddServer

Invoke = Callable[..., Any]
MISSING_TOKEN = {"message": "Missing Authentication Token"}
NGINX = "<html><center>The plain HTTP request was sent to HTTPS port</center></html>"
GO = "Client sent an HTTP request to an HTTPS server.\n"
PAGE = "<!DOCTYPE html><html><body><h1>Welcome to our intranet</h1></body></html>"
BASE_URL = "check that --api-url is the base URL of the API"
HTTPS = "this port speaks https: write https:// in the address"
OTHERS = "another server, or a proxy, responded: check --api-url and the proxy settings"


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedServer]:
    with CannedServer() as running:
        running.open()
        monkeypatch.setenv("BINDIST_API_URL", running.url)
        monkeypatch.setenv("BINDIST_API_KEY", "a-key")
        monkeypatch.setenv("BINDIST_RETRIES", "0")
        yield running


@pytest.mark.parametrize(
    ("answer", "code", "message", "hint"),
    [
        (
            (MISSING_TOKEN, 403),
            1,
            "the gateway has no such path: ",
            f"{BASE_URL}, with",
        ),
        ((NGINX, 400), 2, "The plain HTTP request was sent to HTTPS port", HTTPS),
        ((GO, 400), 2, "Client sent an HTTP request to an HTTPS server.", HTTPS),
        ((PAGE, 200), 1, "HTTP 200 with an HTML page instead", BASE_URL),
        ((PAGE, 403), 5, "HTTP 403 with an HTML page instead", OTHERS),
        ((PAGE, 404), 3, "HTTP 404 with an HTML page instead", OTHERS),
        ((PAGE, 401), 4, "HTTP 401 with an HTML page instead", OTHERS),
        ((PAGE, 502), 7, "HTTP 502 with an HTML page instead", "run the command again"),
        (({"message": "Forbidden"}, 403), 5, "Forbidden", ""),
    ],
)
@pytest.mark.parametrize("words", [("apps", "list"), ("doctor",)])
def test_an_answer_says_what_it_is(
    canned: CannedServer,
    invoke: Invoke,
    words: tuple[str, ...],
    answer: tuple[Any, int],
    code: int,
    message: str,
    hint: str,
) -> None:
    canned.answer(*answer)
    result = invoke(*words)
    assert message in result.output
    assert hint in result.output
    if words[0] != "doctor":
        assert result.exit_code == code


@pytest.mark.parametrize("mode", ["plain", "no-route"])
@pytest.mark.parametrize("tail", ["/v1", "/v1/"])
def test_the_version_of_the_api_is_no_part_of_the_address(
    catalogue: SandboxServer,
    odd: Callable[..., OddServer],
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    tail: str,
) -> None:
    monkeypatch.setenv("BINDIST_API_KEY", catalogue.keys.admin)
    monkeypatch.setenv("BINDIST_API_URL", odd(mode).url + tail)
    for words in (("apps", "list"), ("versions", "list", "tool"), ("doctor",)):
        result = invoke(*words)
        assert result.exit_code != 0
        assert "leave out /v1 at the end of the address" in result.output


def test_what_is_not_found_is_no_wrong_address(at_server: SandboxServer, invoke: Invoke) -> None:
    result = invoke("apps", "show", "nobody")
    assert result.exit_code == 3
    assert "address" not in result.stderr


def test_a_port_with_tls_that_http_is_sent_to_says_so(canned: CannedServer, invoke: Invoke) -> None:
    canned.answer(raw=b"\x15\x03\x01\x00\x02\x02\x50")
    result = invoke("apps", "list")
    assert result.exit_code == 7
    assert f"{canned.host} speaks https, not http without TLS" in result.stderr
