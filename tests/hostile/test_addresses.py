"""Where a server may send anybody: never from TLS to plain text, nor from outside to the inside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import Result

from bindist import AdminClient, ApiError, IntegrityError
from bindist.http.url_policy import check_address, is_inside
from bindist_cli.exit_codes import Exit
from tests.conftest import ADMIN_KEY
from tests.hostile.recorded import RecordedServer
from tests.sdk.canned import CERTIFICATE, CannedServer

Connect = Callable[..., AdminClient]
PUBLIC = "https://8.8.8.8"  # a number, so that nobody asks for a name
SIGNED = "?X-Amz-Signature=abcdef"

INSIDE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.192",
    "192.0.0.9",
    "::ffff:192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "localhost",
    "LOCALHOST.",
    "x.localhost",
    "printer.local",
    "metadata.google.internal",
    "minio",
]
OUTSIDE = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "s3.eu-west-1.amazonaws.com", "x.eu."]


@pytest.mark.parametrize("host", INSIDE)
def test_private_hosts_are_recognized(host: str) -> None:
    assert is_inside(host)


@pytest.mark.parametrize("host", OUTSIDE)
def test_public_hosts_are_recognized(host: str) -> None:
    assert not is_inside(host)


@pytest.mark.parametrize(
    ("found", "inside"),
    [
        ([], False),
        (["10.0.0.5"], True),
        (["10.0.0.5", "fd00::5"], True),
        (["8.8.8.8"], False),
        (["10.0.0.5", "8.8.8.8"], False),
    ],
)
def test_an_api_whose_name_resolves_to_a_private_address_is_private(
    found: list[str], inside: bool
) -> None:
    assert is_inside("bindist.example.com", lambda host: found) is inside


def url_of(host: str, scheme: str = "https") -> str:
    number = f"[{host}]" if ":" in host else host
    return f"{scheme}://{number}/k{SIGNED}"


@pytest.mark.parametrize("host", INSIDE)
@pytest.mark.counts("hostile")
def test_a_public_api_cannot_lead_to_a_private_host(host: str) -> None:
    with pytest.raises(IntegrityError, match="inside a private network") as caught:
        check_address(url_of(host), PUBLIC, "the server gives")
    assert "abcdef" not in str(caught.value)


@pytest.mark.parametrize("host", [*INSIDE, *OUTSIDE])
@pytest.mark.parametrize("giver", ["http://127.0.0.1:3000", "http://bindist:3000", "http://[::1]"])
def test_a_private_api_can_lead_to_private_hosts(giver: str, host: str) -> None:
    assert check_address(url_of(host, "http"), giver, "the server gives")


@pytest.mark.parametrize("host", OUTSIDE)
def test_a_public_api_can_lead_to_public_hosts(host: str) -> None:
    assert check_address(url_of(host), PUBLIC, "the server gives")


USELESS = [
    None,
    5,
    [],
    {},
    "",
    "//store.example/k",
    "/k",
    "file:///etc/passwd",
    "ftp://store.example/k",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "https:store.example",
    "https:///k",
    "https://[",
    "https://store.example:99999/k",
    "https://store.example\\@evil.example/k",
    "https://store.example/k\r\nX-Evil: 1",
    " https://store.example/k",
    "https://store.example/\x1b[31m",
    "https://１２７.0.0.1/k",
    "https://loc\u00adalhost/k",
    "https://%31%32%37.0.0.1/k",
    "https://store%2eexample/k",
    "https://127%2e0.0.1/k",
    "https://[fe80::1%25eth0]/k",
    "https://[::1%25lo]/k",
    "https://[::1%]/k",
    "https://[::1].evil.example/k",
    "https://evil[::1]/k",
    "https://store.example,evil.example/k",
    "https://store.example;evil.example/k",
    "https://store.example\\.evil.example/k",
    "https://store\u3002example/k",
    "https://\u2460.example/k",
    "https://store.example:80:443/k",
    "https://010.8.8.8/k",
    "https://8.8.2056/k",
    "https://0x08080808/k",
    "https://134744072/k",
    "https://8.8.8.8./k",
    "https://8.8.8.08/k",
    "https://1.2.3.4.5/k",
    "https://store.0x/k",
]
REFUSED = [
    *((url, "no usable address") for url in USELESS),
    ("https://me@store.example/k", "a user name"),
    ("https://me:pass-word@store.example/k", "a user name"),
    ("https://api.example@evil.example/k", "a user name"),
    ("http://store.example/k", "without TLS"),
    ("https://169.254.169.254/latest/meta-data", "inside a private network"),
]


@pytest.mark.parametrize(("url", "problem"), REFUSED, ids=lambda value: ascii(value)[:40])
@pytest.mark.counts("hostile")
def test_an_address_is_refused_without_showing_it(url: Any, problem: str) -> None:
    with pytest.raises(IntegrityError, match=f"^the server gives .*{problem}") as caught:
        check_address(url, PUBLIC, "the server gives")
    assert "pass-word" not in str(caught.value) and "evil" not in str(caught.value)


@pytest.mark.parametrize("url", USELESS, ids=lambda value: ascii(value)[:40])
def test_a_private_store_is_allowed_and_nothing_else_is(url: Any) -> None:
    with pytest.raises(IntegrityError):
        check_address(url, PUBLIC, "the server gives", inside=True)


SPELLED_ODDLY = {"127.1", "2130706433", "0x7f000001", "0177.0.0.1"}


@pytest.mark.parametrize("host", sorted({*INSIDE, *OUTSIDE} - SPELLED_ODDLY))
def test_a_private_store_is_accepted_where_that_is_allowed(host: str) -> None:
    assert check_address(url_of(host), PUBLIC, "the server gives", inside=True)
    with pytest.raises(IntegrityError, match="without TLS"):
        check_address(url_of(host, "http"), PUBLIC, "the server gives", inside=True)


@pytest.mark.parametrize("url", [f"https://{host}/k" for host in OUTSIDE if ":" not in host])
def test_the_checked_host_is_the_one_connected_to(url: str) -> None:
    prepared = requests.Request("GET", check_address(url, PUBLIC, "the server gives")).prepare()
    assert prepared.url == url


# As commands meet them

PLACES = {
    "versions download alpha 1.0.0": ("GET /v1/downloads/url", ("data", "url")),
    "versions share alpha 1.0.0": ("POST /v1/downloads/share", ("data", "shareUrl")),
    "versions upload new 1.0 a.exe b.txt": (
        "POST /v1/management/upload/large-url",
        ("data", "uploadUrl"),
    ),
}


@pytest.mark.parametrize(
    "url",
    [
        None,
        "file:///etc/passwd",
        "ftp://127.0.0.1/k",
        "javascript:alert(1)",
        "http://me:pass-word@127.0.0.1/k",
        "http://127.0.0.1:99999/k",
    ],
    ids=str,
)
@pytest.mark.parametrize("words", PLACES)
@pytest.mark.counts("hostile")
def test_a_command_refuses_an_address(
    recorded: RecordedServer,
    invoke: Callable[..., Result],
    inside: Path,
    words: str,
    url: Any,
) -> None:
    (inside / "a.exe").write_bytes(b"bytes")
    (inside / "b.txt").write_bytes(b"bytes")
    recorded.change(*PLACES[words], url)
    if "upload" in words:  # there is no such version yet
        del recorded.answers["GET /v1/applications/*/versions/*/files"]
    result = invoke(*words.split(), "--no-color")
    assert (result.exit_code, result.stdout) == (Exit.INTEGRITY, "")
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert error.startswith("error: the server gives") and "address" in error
    assert "pass-word" not in result.stderr
    assert not [asked for asked in recorded.asked if asked.target.startswith("/store/")]


# Redirects


@pytest.fixture
def secure() -> Iterator[CannedServer]:
    """A server with TLS."""
    with CannedServer(tls=True) as server:
        server.open()
        yield server


def grant(server: CannedServer, path: str = "/first") -> dict[str, Any]:
    data = {"url": f"{server.url}{path}", "fileName": "a", "fileSize": 5, "checksum": "0" * 64}
    return {"success": True, "data": data}


def sent_on(server: CannedServer, location: str, status: int = 302) -> None:
    """A store that redirects, and the answer that leads to it."""
    server.answer(grant(server))
    server.answer(b"", status, headers={"Location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.counts("hostile")
def test_a_store_with_tls_cannot_redirect_to_one_without(
    secure: CannedServer, elsewhere: CannedServer, connect: Connect, status: int
) -> None:
    sent_on(secure, f"{elsewhere.url}/k{SIGNED}", status)
    client = connect(secure.url, verify=str(CERTIFICATE))
    with pytest.raises(IntegrityError, match="redirects to an address without TLS") as caught:
        client.download_file("alpha", "1.0.0")
    assert "abcdef" not in str(caught.value)
    assert (len(secure.asked), elsewhere.asked) == (2, [])


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/k",
        "javascript:alert(1)",
        "http://me:pass-word@127.0.0.1/k",
        "http://127.0.0.1:0/k",
        "http://[",
        "http://127.0.0.1\\@x/",
    ],
)
@pytest.mark.counts("hostile")
def test_a_redirect_to_an_invalid_store_address_is_refused(
    canned: CannedServer, connect: Connect, inside: Path, location: str
) -> None:
    sent_on(canned, location)
    with pytest.raises(IntegrityError, match="the object store redirects to"):
        connect(canned.url).download_file("alpha", "1.0.0")
    assert len(canned.asked) == 2, "it is not asked again"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["{url}/k", "//{host}/k"])
@pytest.mark.counts("hostile")
def test_a_permitted_redirect_is_followed_without_the_key(
    canned: CannedServer,
    elsewhere: CannedServer,
    connect: Connect,
    status: int,
    location: str,
) -> None:
    sent_on(canned, location.format(url=elsewhere.url, host=elsewhere.host), status)
    content, _ = connect(canned.url).download_file("alpha", "1.0.0", verify_checksum=False)
    assert content == b"bytes"
    (asked,) = elsewhere.asked
    assert "authorization" not in asked.headers
    assert ADMIN_KEY not in json.dumps([asked.target, asked.headers])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.counts("hostile")
def test_an_upload_is_not_redirected(
    canned: CannedServer, elsewhere: CannedServer, connect: Connect, status: int
) -> None:
    upload = {"uploadId": "u1", "uploadUrl": f"{canned.url}/first"}
    canned.answer({"success": True, "data": upload})
    canned.answer(b"", status, headers={"Location": f"{elsewhere.url}/k"})
    answer = connect(canned.url).upload_large_file("alpha", "1.0.0", "a.exe", b"bytes")
    assert answer.error is not None
    assert answer.error["code"] == ("TemporaryRedirect" if status == 307 else "REDIRECT")
    assert elsewhere.asked == []


CALLS: dict[str, Callable[[AdminClient], Any]] = {
    "a question": lambda c: c.list_applications(),
    "a change": lambda c: c.create_customer("New"),
    "a new key": lambda c: c.regenerate_admin_key(),
    "a walk": lambda c: list(c.iter_applications()),
    "a download": lambda c: c.download_file("alpha", "1.0.0"),
}


@pytest.mark.parametrize("body", [b"", {"success": True, "data": {}}], ids=["bare", "a success"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.counts("hostile")
def test_the_key_is_not_sent_to_redirect_targets(
    canned: CannedServer,
    elsewhere: CannedServer,
    connect: Connect,
    call: str,
    status: int,
    body: Any,
) -> None:
    canned.answer(body, status, headers={"Location": f"{elsewhere.url}/v1/applications"})
    try:
        answer = CALLS[call](connect(canned.url))
    except ApiError as error:
        answer = error.response
    assert not answer.success and answer.status_code == status
    assert (len(canned.asked), elsewhere.asked) == (1, [])
