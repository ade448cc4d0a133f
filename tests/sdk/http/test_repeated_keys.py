"""What a server repeats of the key, and what a debugger sees of a signature."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any
from urllib.parse import quote

import pytest

from bindist import AdminClient, ApiError, ApiResponse, BinDistError, TransportError
from bindist.http.redaction import HIDDEN, HiddenUrl
from bindist.http.response import MAX_MESSAGE
from bindist.http.transport import Transport
from bindist.transfer.presigned import PresignedUpload
from tests.sdk.canned import CannedServer

Connect = Callable[..., AdminClient]
LogText = Callable[[], str]
SECRET = "s3cr3t-half/of+the=key-0123456789"
KEY = f"0b0b0b0b-1111-4222-8333-444444444444.{SECRET}"
SIGNATURE = "abcdef0123456789"


@pytest.fixture
def client(canned: CannedServer, connect: Connect) -> AdminClient:
    return connect(canned.url, KEY, retries=0)


def shown(answer: ApiResponse) -> str:
    """All that an answer and its exception show, and all that they hold."""
    held = json.dumps([answer.error, answer.meta, answer.raw, answer.data])
    error = ApiError(answer) if not answer.success else None
    told = f"{error} {error!r} {error.code} {error.request_id}" if error else ""
    return f"{held} {answer!r} {told}"


def failing(**changes: Any) -> dict[str, Any]:
    error = {"code": "CODE", "message": "message"}
    return {"success": False, "error": error, "meta": {"requestId": "r1"}, **changes}


REPEATED = {
    "message": failing(error={"code": "C", "message": f"key {KEY} is unknown"}),
    "half of it": failing(error={"code": "C", "message": f"secret {SECRET} is unknown"}),
    "code": failing(error={"code": KEY, "message": "m"}),
    "details": failing(error={"code": "C", "message": "m", "details": [{"key": KEY}]}),
    "a name": failing(error={"code": "C", "message": "m", KEY: 1}),
    "a text": failing(error=f"bad {KEY}"),
    "request id": failing(meta={"requestId": KEY}),
    "elsewhere": failing(more=[KEY, {"deep": [quote(KEY, safe="")]}]),
    "of a gateway": {"message": f"Bearer {KEY}", "Message": KEY},
    "a success's request id": {"success": True, "data": {}, "meta": {"requestId": KEY}},
    "a success's data": {"success": True, "data": {"applications": [], "asked": KEY}},
    "data that is none": {"success": True, "data": [KEY]},
    "a page": f"<pre>GET / Authorization: Bearer {KEY}</pre>",
    "a page in HTML": f"<p>{KEY.replace('+', '&#43;')} {KEY}</p>",
    "XML": f"<Error><Code>{KEY}</Code><Message>no {KEY}</Message></Error>",
}


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize("where", REPEATED)
def test_the_key_is_hidden_wherever_the_server_repeats_it(
    canned: CannedServer, client: AdminClient, where: str, status: int, log_text: LogText
) -> None:
    canned.answer(REPEATED[where], status, headers={"X-Seen": KEY, "X-Half": f"a{SECRET}"})
    found = shown(client.list_customers()) + log_text()
    assert SECRET not in found and quote(SECRET, safe="") not in found
    assert HIDDEN in found


def test_the_key_is_hidden_in_a_redirect(
    canned: CannedServer, client: AdminClient, log_text: LogText
) -> None:
    canned.answer(b"", 302, headers={"Location": f"https://else.example/{KEY}?k={quote(KEY)}"})
    assert SECRET not in shown(client.list_customers()) + log_text()


@pytest.mark.parametrize(
    "raw",
    [
        f"HTTP/1.1 {KEY} no\r\n\r\n",
        f"{KEY}\r\n\r\n",
        f"HTTP/1.1 401 {KEY}\r\nContent-Length: 0\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Encoding: {KEY}\r\nContent-Length: 0\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Encoding: {'x' * 20}{KEY}\r\nContent-Length: 0\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}\r\n",
        f"HTTP/{KEY} 200 OK\r\n\r\n",
        f"HTTP/1.1 200 OK\r\nContent-Length: 2, {KEY}\r\n\r\n",
    ],
    ids=lambda raw: raw.replace(KEY, "KEY")[:60],
)
def test_the_key_is_hidden_in_the_error_for_an_invalid_response(
    canned: CannedServer, client: AdminClient, raw: str, log_text: LogText
) -> None:
    canned.answer(raw=raw.encode())
    try:
        found = shown(client.list_customers())
    except TransportError as error:
        found = f"{error} {error!r} {error.args}"
    assert SECRET[:12] not in found + log_text()


@pytest.mark.parametrize("before", range(0, len(KEY) + 1, 6))
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("limit", [MAX_MESSAGE, 10_000])
def test_truncation_leaves_no_part_of_the_key(
    canned: CannedServer,
    client: AdminClient,
    log_text: LogText,
    before: int,
    as_json: bool,
    limit: int,
) -> None:
    text = "x" * (limit - before) + KEY + "y" * 9000
    canned.answer({"message": text} if as_json else text, 500)
    answer = client.list_customers()
    found = shown(answer) + log_text()
    assert SECRET[:8] not in found and KEY[:12] not in found


@pytest.mark.parametrize("size", [64, 128, 320])
def test_a_truncated_error_of_the_object_store_leaves_no_part_of_the_key(
    canned: CannedServer, client: AdminClient, size: int
) -> None:
    data = {"url": f"{canned.url}/k", "fileName": "a", "fileSize": 5, "checksum": "0" * 64}
    canned.answer({"success": True, "data": data})
    canned.answer("é" * (size * 512 - 10) + KEY * 3000, 403)
    with pytest.raises(ApiError) as caught:
        client.download_file("a", "1")
    assert SECRET[:8] not in shown(caught.value.response)


def test_a_short_key_does_not_change_successful_data(
    canned: CannedServer, connect: Connect
) -> None:
    canned.answer({"success": True, "data": {"customers": [], "role": "admin"}})
    assert connect(canned.url, "admin").list_customers().require()["role"] == "admin"


# Cookies


def test_cookies_are_hidden_in_the_wire_log(
    canned: CannedServer, client: AdminClient, log_text: LogText
) -> None:
    canned.answer({"success": True}, headers={"Set-Cookie": "session=a-cookie-s-value; Path=/"})
    client.list_customers()
    client.list_customers()
    assert "a-cookie-s-value" in canned.asked[1].headers["cookie"]
    text = log_text()
    assert "a-cookie-s-value" not in text
    assert "Cookie: ***" in text and "Set-Cookie: ***" in text


# What a debugger shows


def frames(trace: TracebackType | None) -> Iterator[dict[str, Any]]:
    while trace is not None:
        yield trace.tb_frame.f_locals
        trace = trace.tb_next


def local_variables(error: BaseException) -> str:
    """As those who report errors print them, frame by frame, of ours and of others."""
    shown = []
    while error is not None:
        for variables in list(frames(error.__traceback__))[1:]:  # the first is the test's own
            shown += [repr(value) for value in variables.values()]
            shown += [repr(vars(v)) for v in variables.values() if isinstance(v, Transport)]
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return "\n".join(shown)


def signed(url: str) -> str:
    return f"{url}/k?X-Amz-Date=1&X-Amz-Signature={SIGNATURE}"


FAILURES: dict[str, Callable[[CannedServer], Any]] = {
    "refused": lambda c: c.answer("<Error><Code>No</Code></Error>", 403),
    "lost": lambda c: c.answer(raw=b""),
    "no answer": lambda c: c.answer(raw=b"SSH-2.0\r\n"),
    "cut": lambda c: c.answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\nab"),
    "redirect": lambda c: c.answer(b"", 302, headers={"Location": signed("ftp://else.example")}),
    "redirect to nowhere": lambda c: c.answer(b"", 302, headers={"Location": signed("http://[")}),
    "other bytes": lambda c: c.answer(b"other"),
}
UNUSABLE: dict[str, dict[str, Any]] = {
    "a size": {"fileSize": "five", "uploadId": "u\n1"},
    "a name": {"fileName": "../x", "uploadId": ""},
    "an address": {"url": signed("ftp://else.example"), "uploadUrl": signed("ftp://else.example")},
    "a user": {"url": signed("http://me@else.example"), "uploadUrl": signed("http://me@x.example")},
    "no checksum": {"checksum": "", "uploadId": None},
}


def told(at: str, **changes: Any) -> dict[str, Any]:
    download = {"url": signed(at), "fileName": "a", "fileSize": 5, "checksum": "0" * 64}
    upload = {"uploadUrl": signed(at), "uploadId": "u1"}
    return {"success": True, "data": {**download, **upload, **changes}}


TRANSFERS: dict[str, Callable[[AdminClient], Any]] = {
    "download": lambda c: c.download_file("a", "1"),
    "upload": lambda c: c.upload_large_file("a", "1", "a.bin", b"bytes").raise_for_error(),
}


@pytest.mark.parametrize("what", [*FAILURES, *UNUSABLE])
@pytest.mark.parametrize("transfer", TRANSFERS)
def test_a_failed_transfer_shows_no_signature_and_no_key_in_its_variables(
    canned: CannedServer, client: AdminClient, transfer: str, what: str
) -> None:
    canned.answer(told(canned.url, **UNUSABLE.get(what, {})))
    FAILURES.get(what, FAILURES["refused"])(canned)
    try:
        TRANSFERS[transfer](client)
    except BinDistError as error:
        found = local_variables(error)
        assert "Transport(" in found or "AdminClient(" in found, "there is something to see"
        assert SIGNATURE not in found
        assert SECRET not in found
    else:
        assert transfer == "upload", "no URL comes into an upload's size, name or checksum"


def test_the_repr_of_a_signed_url_has_no_query() -> None:
    url = HiddenUrl(signed("https://store.example"))
    assert repr(url) == f"'https://store.example/k?{HIDDEN}'"
    assert url == signed("https://store.example"), "it is a text like any other"
    assert SIGNATURE not in repr([PresignedUpload("u1", url)])
