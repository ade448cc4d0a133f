"""Neither the key nor a signature shows: not in logs, nor exceptions, nor at other hosts."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from bindist import AdminClient, ApiError, BinDistError, CustomerClient
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY, CUSTOMER_KEY
from tests.sdk.canned import CannedServer

Connect = Callable[..., AdminClient]
LogText = Callable[[], str]
STORE = "path=/store/*,times=0"


def signatures(server: SandboxServer) -> set[str]:
    """All signatures that the server has seen."""
    queries = [parse_qs(record.query) for record in server.requests]
    return {query["X-Amz-Signature"][0] for query in queries if "X-Amz-Signature" in query}


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and all that it came from, and those in their arguments."""
    waiting, seen = [error], set[int]()
    while waiting:
        found = waiting.pop()
        if found is not None and id(found) not in seen:
            seen.add(id(found))
            yield found
            waiting += [found.__cause__, found.__context__]
            waiting += [arg for arg in found.args if isinstance(arg, BaseException)]


def timeout_for(fault: str) -> float:
    """Seconds to wait for an answer: few only where none is to come."""
    return 0.5 if "stall" in fault else 30


def everything(error: BaseException) -> str:
    """All that can be printed of an exception."""
    shown = "".join(f"{found}\n{found!r}\n{found.args}\n" for found in chain(error))
    return shown + "".join(traceback.format_exception(error))


@pytest.fixture
def version(admin: AdminClient, application: str) -> str:
    admin.upload_small_file(application, "1.0", "a.exe", b"bytes").raise_for_error()
    admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
    return "1.0"


# repr


def test_the_key_is_not_in_any_repr_of_a_client(admin: AdminClient) -> None:
    parts = [admin, admin._transport, admin._transport._sessions.api.auth]
    assert ADMIN_KEY not in repr(parts) + str(parts)


def test_a_new_key_is_not_in_the_repr_of_its_response(admin: AdminClient) -> None:
    answer = admin.create_customer("New")
    assert answer.require()["apiKey"] not in repr(answer)


def test_a_signature_is_not_in_the_repr_of_its_response(
    customer: CustomerClient, application: str, version: str
) -> None:
    answer = customer.get_download_url(application, version)
    (signature,) = parse_qs(urlsplit(answer.require()["url"]).query)["X-Amz-Signature"]
    assert signature not in repr(answer)


def test_a_share_token_is_not_in_the_repr_of_its_response(
    customer: CustomerClient, application: str, version: str
) -> None:
    answer = customer.create_share_link(application, version)
    assert answer.require()["token"] not in repr(answer)


def test_the_repr_of_a_response_identifies_it(admin: AdminClient) -> None:
    shown = repr(admin.get_application("nothing"))
    assert "status_code=404" in shown and "not found" in shown


# Logs


def test_debug_logs_show_neither_key_nor_signature(
    server: SandboxServer, admin: AdminClient, application: str, log_text: LogText
) -> None:
    admin.upload_large_file(application, "1.0", "a.exe", b"bytes").raise_for_error()
    admin.download_file(application, "1.0", test_channel=True)
    text, seen = log_text(), signatures(server)
    assert len(seen) == 2
    assert not [secret for secret in (ADMIN_KEY, *seen) if secret in text]


def test_debug_logs_show_no_new_key(admin: AdminClient, log_text: LogText) -> None:
    created = admin.create_customer("New").require()
    renewed = admin.regenerate_customer_key(created["customerId"]).require()
    secrets = {created["apiKey"], renewed["apiKey"], renewed["apiSecret"]}
    assert not [secret for secret in secrets if secret in log_text()]


def test_debug_logs_show_no_share_token(
    customer: CustomerClient, application: str, version: str, log_text: LogText
) -> None:
    token = customer.create_share_link(application, version).require()["token"]
    assert token not in log_text()


@pytest.mark.parametrize("fault", ["refuse", "lost", "status:503", "cut:0", "expire", "html:502"])
def test_debug_logs_of_a_failed_download_show_no_secret(
    server: SandboxServer, application: str, version: str, log_text: LogText, fault: str
) -> None:
    server.faults.add(f"{fault},{STORE}")
    client = CustomerClient(server.url, CUSTOMER_KEY, retries=1, backoff=0.001)
    with client, pytest.raises(BinDistError):
        client.download_file(application, version)
    text = log_text()
    assert not [secret for secret in (CUSTOMER_KEY, *signatures(server)) if secret in text]


def test_debug_logs_show_no_proxy_password(
    canned: CannedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch, log_text: LogText
) -> None:
    monkeypatch.setenv("HTTP_PROXY", canned.url.replace("://", "://me:pass-word@"))
    canned.answer({"success": True})
    connect("http://api.example", allow_http=True).list_customers()
    sent = base64.b64encode(b"me:pass-word").decode()
    assert canned.asked[0].headers["proxy-authorization"] == f"Basic {sent}"
    assert "pass-word" not in log_text() and sent not in log_text()


def test_the_request_log_has_one_line_for_each_request(
    admin: AdminClient, caplog: pytest.LogCaptureFixture, log_text: LogText
) -> None:
    admin.list_customers()
    admin.get_application("nothing")
    lines = [record.message for record in caplog.records if record.name == "bindist.request"]
    assert [line.partition(" -> ")[0].split("/v1")[1] for line in lines] == [
        "/management/customers",
        "/applications/nothing",
    ]
    assert " -> 404 in " in lines[1] and " request " in lines[1]


def test_the_wire_log_shows_headers_and_bodies(admin: AdminClient, log_text: LogText) -> None:
    admin.create_customer("Somebody new")
    assert "> Authorization: Bearer ***" in log_text()
    assert "Somebody new" in log_text()


def test_a_retry_is_logged_with_its_reason(
    server: SandboxServer, admin: AdminClient, log_text: LogText
) -> None:
    server.faults.add("status:503")
    admin.list_customers()
    assert "bindist.retry service unavailable (503); trying again in" in log_text()


# Exceptions


@pytest.mark.parametrize(
    "fault",
    [
        "refuse",
        "lost",
        "reset:2",
        "cut:2",
        "stall:30",
        "stall-body:2/30",
        "status:403",
        "html:502",
        "text:500",
        "expire",
        "length:5",
        "flip:1",
        "redirect:http://127.0.0.1:1/k?X-Amz-Signature=elsewhere",
        "redirect:http://[",
        "redirect-loop",
    ],
)
def test_exceptions_of_a_download_show_neither_key_nor_signature(
    server: SandboxServer, application: str, version: str, fault: str
) -> None:
    server.faults.add(f"{fault},{STORE}")
    client = CustomerClient(server.url, CUSTOMER_KEY, retries=0, timeout=timeout_for(fault))
    with client, pytest.raises(BinDistError) as caught:
        client.download_file(application, version)
    text = everything(caught.value)
    assert signatures(server)
    assert not [s for s in (CUSTOMER_KEY, "elsewhere", *signatures(server)) if s in text]


@pytest.mark.parametrize("fault", ["refuse", "lost", "stall:30", "reset-request:2"])
def test_exceptions_of_an_upload_show_neither_key_nor_signature(
    server: SandboxServer, connect: Connect, application: str, fault: str
) -> None:
    server.faults.add(f"{fault},{STORE}")
    client = connect(server.url, retries=0, timeout=timeout_for(fault))
    with pytest.raises(BinDistError) as caught:
        client.upload_large_file(application, "1.0", "a.exe", b"bytes")
    text = everything(caught.value)
    assert signatures(server)
    assert not [s for s in (ADMIN_KEY, *signatures(server)) if s in text]


def test_exceptions_of_an_unreachable_api_show_no_key(
    closed: CannedServer, connect: Connect
) -> None:
    with pytest.raises(BinDistError) as caught:
        connect(closed.url).list_customers()
    assert ADMIN_KEY not in everything(caught.value)


@pytest.mark.parametrize("limit", [None, 80_000], ids=["broken off", "too large"])
def test_the_frames_of_a_failed_response_hold_no_secret(
    canned: CannedServer, connect: Connect, limit: int | None
) -> None:
    """As what reports errors may read them: a new key, or a URL's signature."""
    body = b'{"success":true,"data":{"apiKey":"secret-0123456789abcdef",' + b" " * 100_000
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    canned.answer(raw=head + b"%x\r\n%s\r\n-7\r\n" % (len(body), body))
    client = connect(canned.url, retries=0)
    if limit:
        client._transport._answer_limit = limit
    with pytest.raises(BinDistError) as caught:
        client.create_customer("New")
    for error in chain(caught.value):
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                assert "secret-0123456789" not in repr(frame.f_locals)


def test_a_transport_error_has_no_cause(closed: CannedServer, connect: Connect) -> None:
    with pytest.raises(BinDistError) as caught:
        connect(closed.url).list_customers()
    assert list(chain(caught.value)) == [caught.value]


def test_the_key_in_a_gateways_error_page_is_redacted(
    canned: CannedServer, asker: AdminClient
) -> None:
    canned.answer(
        f"<pre>Bad request:\nAuthorization: Bearer {ADMIN_KEY}\nKey {ADMIN_KEY}</pre>", 400
    )
    answer = asker.list_customers()
    assert ADMIN_KEY not in str(ApiError(answer)) + repr(answer)


def test_the_signature_in_a_proxys_error_page_is_redacted(
    canned: CannedServer, asker: AdminClient
) -> None:
    url = f"{canned.url}/k?X-Amz-Date=1&X-Amz-Signature=abcdef123456"
    grant = {"url": url, "fileName": "a.exe", "fileSize": 5, "checksum": "0" * 64}
    canned.answer({"success": True, "data": grant})
    canned.answer(f"<p>The URL <a href='{url}'>{url}</a> could not be retrieved</p>", 403)
    with pytest.raises(ApiError) as caught:
        asker.download_file("tool", "1.0")
    assert "could not be retrieved" in str(caught.value)
    assert "abcdef123456" not in everything(caught.value)


# Other hosts


def sent_to_store(server: SandboxServer) -> list[dict[str, str]]:
    return [found.headers for found in server.requests if found.path.startswith("/store/")]


def test_the_object_store_gets_no_headers_of_the_api(
    server: SandboxServer, admin: AdminClient, application: str
) -> None:
    admin.upload_large_file(application, "1.0", "a.exe", b"bytes").raise_for_error()
    admin.download_file(application, "1.0", test_channel=True)
    put, get = sent_to_store(server)
    for headers in (put, get):
        assert not headers.keys() & {"authorization", "x-channel", "cookie"}
        assert not [name for name in headers if name.startswith("x-amz")]


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: SandboxServer) -> None:
    """An entry for this machine that requests would use."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    assert requests.utils.get_netrc_auth(server.url) == ("somebody", "else")


def test_a_netrc_does_not_replace_the_key(
    netrc: None, server: SandboxServer, admin: AdminClient
) -> None:
    assert admin.list_customers().success
    assert server.requests[0].headers["authorization"] == f"Bearer {ADMIN_KEY}"


def test_a_netrc_is_not_sent_to_the_object_store(
    netrc: None, server: SandboxServer, admin: AdminClient, application: str
) -> None:
    admin.upload_large_file(application, "1.0", "a.exe", b"bytes").raise_for_error()
    admin.download_file(application, "1.0", test_channel=True)
    assert [headers.get("authorization") for headers in sent_to_store(server)] == [None, None]


@pytest.mark.parametrize("with_netrc", [False, True])
def test_the_redirect_target_of_the_object_store_gets_no_credentials(
    request: pytest.FixtureRequest,
    server: SandboxServer,
    canned: CannedServer,
    admin: AdminClient,
    application: str,
    with_netrc: bool,
) -> None:
    if with_netrc:
        request.getfixturevalue("netrc")
    admin.upload_small_file(application, "1.0", "a.exe", b"bytes").raise_for_error()
    canned.answer(b"bytes")
    server.faults.add(f"redirect:{canned.url}/k,{STORE}")
    content, _ = admin.download_file(application, "1.0", test_channel=True)
    assert content == b"bytes"
    assert "authorization" not in canned.asked[0].headers


def test_the_cookies_of_the_api_are_not_sent_to_the_object_store(
    canned: CannedServer, asker: Any
) -> None:
    grant = {"url": f"{canned.url}/k", "fileName": "a", "fileSize": 5, "checksum": "0" * 64}
    canned.answer({"success": True, "data": grant}, headers={"Set-Cookie": "session=abc"})
    canned.answer(b"bytes")
    asker.download_file("tool", "1.0", verify_checksum=False)
    assert "cookie" not in canned.asked[1].headers
