"""Connections: answers that never end or are none, and as many connections as there are threads."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from bindist import AdminClient, CustomerClient, IntegrityError, TransportError
from bindist.http.adapters import MAX_INTERIM
from bindist.http.transport import TOTAL_TIMEOUT, Transport
from tests.sdk.canned import CannedServer

Connect = Callable[..., AdminClient]
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
BODY = b'{"success": true, "data": {"n": 1}}'
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


@contextmanager
def answering(head: bytes, drops: Iterable[bytes] = (), pause: float = 0.05) -> Iterator[str]:
    """A server that answers each connection with `head`, then a drop after each pause."""
    ended = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(head)
                    for drop in drops:
                        if ended.wait(pause):
                            return
                        connection.sendall(drop)
                except OSError:
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


class Endless:
    """The same bytes again and again."""

    def __init__(self, drop: bytes) -> None:
        self._drop = drop

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield self._drop


# An answer has an end

ENDLESS = {
    "a status line": (b"", b"H"),
    "a header": (HEAD + b"X: ", b"y"),
    "a body": (HEAD + b"Content-Length: 999999\r\n\r\n", b" "),
    "a body without a length": (HEAD + b"\r\n", b" "),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "the length of a chunk": (CHUNKED, b"0"),
    "a trailer": (CHUNKED + b"0\r\n", b"X: y\r\n"),
    "interim answers": (b"", EARLY),
}


@pytest.mark.parametrize("what", ENDLESS)
@pytest.mark.counts("hostile")
def test_an_endless_response_is_abandoned(connect: Connect, what: str) -> None:
    head, drop = ENDLESS[what]
    with answering(head, Endless(drop)) as url:
        client = connect(url, timeout=20, total_timeout=0.5)
        started = time.monotonic()
        with pytest.raises(TransportError, match=r"did not end within 0\.5 s") as caught:
            client.list_customers()
        assert time.monotonic() - started < 10
    assert caught.value.ambiguous and not caught.value.transient


@pytest.mark.parametrize("head", [b"", HEAD + b"X: "], ids=["status", "header"])
def test_endless_headers_of_the_object_store_are_abandoned(
    canned: CannedServer, connect: Connect, head: bytes
) -> None:
    with answering(head, Endless(b"y")) as url:
        data = {"url": f"{url}/k", "fileName": "a", "fileSize": 5, "checksum": "0" * 64}
        canned.answer({"success": True, "data": data})
        client = connect(canned.url, timeout=20, total_timeout=0.5, retries=0)
        with pytest.raises(TransportError, match=r"did not end within 0\.5 s"):
            client.download_file("a", "1")


def test_an_endless_error_of_the_object_store_is_abandoned(
    canned: CannedServer, connect: Connect
) -> None:
    with answering(b"HTTP/1.1 403 No\r\n\r\n<Error>", Endless(b"y")) as url:
        data = {"url": f"{url}/k", "fileName": "a", "fileSize": 5, "checksum": "0" * 64}
        canned.answer({"success": True, "data": data})
        client = connect(canned.url, timeout=20, total_timeout=0.5, retries=0)
        with pytest.raises(TransportError, match=r"did not end within 0\.5 s"):
            client.download_file("a", "1")


def test_the_total_time_out_does_not_limit_a_file(canned: CannedServer, connect: Connect) -> None:
    content = b"0123456789abcdef"
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(content)
    with answering(head, [content[i : i + 1] for i in range(len(content))], 0.1) as url:
        data = {"url": f"{url}/k", "fileName": "a", "fileSize": len(content), "checksum": "0" * 64}
        canned.answer({"success": True, "data": data})
        client = connect(canned.url, total_timeout=0.5)
        assert client.download_file("a", "1", verify_checksum=False)[0] == content


def test_a_slow_response_within_the_limit_is_accepted(connect: Connect) -> None:
    with answering(WHOLE[:-8], [WHOLE[i : i + 1] for i in range(-8, -1)] + [WHOLE[-1:]]) as url:
        assert connect(url, total_timeout=30).list_customers().data == {"n": 1}


def test_the_total_time_out_is_longer_than_the_slowest_server_takes() -> None:
    def total(**options: Any) -> float:
        settings = {"timeout": (10.0, 60.0), "retries": 0, "backoff": 0, "verify": None}
        return Transport("http://x", "", **{**settings, **options})._total_timeout

    assert total() == TOTAL_TIMEOUT == 330
    assert total(timeout=(10.0, 900.0)) == 910, "who waits longer for a byte waits longer in all"
    assert total(total_timeout=5) == 5


# Interim answers


@pytest.mark.parametrize("interim", [CONTINUE, EARLY, b"HTTP/1.1 102 Processing\r\n\r\n"])
@pytest.mark.parametrize("count", [1, 3])
def test_interim_responses_are_skipped(connect: Connect, interim: bytes, count: int) -> None:
    with answering(interim * count + WHOLE) as url:
        assert connect(url, retries=0).list_customers().data == {"n": 1}


@pytest.mark.parametrize("interim", [CONTINUE, EARLY])
def test_endless_interim_responses_are_abandoned(connect: Connect, interim: bytes) -> None:
    with (
        answering(interim * (MAX_INTERIM + 1) + WHOLE) as url,
        pytest.raises(TransportError, match="more than 32 interim answers"),
    ):
        connect(url, retries=0).list_customers()


# Bytes that are no answer

NO_ANSWERS = {
    "a chunk of -5": CHUNKED + b"-5\r\n{}",
    "a chunk of -1": CHUNKED + b"-1\r\n" + BODY,
    "a chunk of nothing known": CHUNKED + b"five\r\n{}",
    "a chunk without a length": CHUNKED + b"\r\n{}",
    "a chunk beyond all": CHUNKED + b"f" * 40 + b"\r\n{}",
    "a chunk length of 70 000 digits": CHUNKED + b"0" * 70_000 + b"\r\n{}",
    "a chunk after one": CHUNKED + b"2\r\n{}\r\n-2\r\n",
    "a status of letters": b"HTTP/1.1 ok fine\r\n\r\n",
    "a status of 0": b"HTTP/1.1 0 x\r\n\r\n",
    "a status of 99999 digits": b"HTTP/1.1 " + b"9" * 60_000 + b"\r\n\r\n",
    "another protocol": b"HTTP/9.9 200 OK\r\n\r\n",
    "nothing but bytes": bytes(range(256)) * 20 + b"\r\n\r\n",
    "headers without number": HEAD + b"A: b\r\n" * 300 + b"\r\n",
    "gzip that is none": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "deflate that is none": HEAD + b"Content-Encoding: deflate\r\nContent-Length: 3\r\n\r\n\xff{}",
    "two lengths": HEAD + b"Content-Length: 2, 3\r\n\r\n{}",
}


@pytest.mark.parametrize("what", NO_ANSWERS)
@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.counts("hostile")
def test_bytes_that_are_not_http_are_a_transport_error(
    canned: CannedServer, connect: Connect, what: str, verb: str
) -> None:
    canned.answer(raw=NO_ANSWERS[what])
    with pytest.raises(TransportError) as caught:
        connect(canned.url, retries=0).request(verb, "/v1/applications")
    assert caught.value.ambiguous


@pytest.mark.parametrize("what", NO_ANSWERS)
@pytest.mark.counts("hostile")
def test_bytes_of_the_object_store_that_are_not_http_fail_the_download(
    canned: CannedServer, connect: Connect, what: str
) -> None:
    data = {"url": f"{canned.url}/k", "fileName": "a", "fileSize": 35, "checksum": "0" * 64}
    canned.answer({"success": True, "data": data})
    canned.answer(raw=NO_ANSWERS[what])
    with pytest.raises((TransportError, IntegrityError)):
        connect(canned.url, retries=0).download_file("a", "1")


ODD_ANSWERS = {
    "a negative length": b"Content-Length: -5\r\n",
    "a length of 5000 digits": b"Content-Length: " + b"9" * 5000 + b"\r\n",
    "a charset of nobody": b"Content-Type: text/html; charset=klingon\r\n",
    "a charset without an end": b'Content-Type: text/html; charset="\r\n',
    "bytes": b"X-\xff\xfe: \xf0\x9f\x92\xa9\r\n",
    "a cookie of the year 99999": b"Set-Cookie: a=b; expires=Fri, 01-Jan-99999 00:00:00 GMT\r\n",
    "a cookie of no time": b"Set-Cookie: a=b; max-age=" + b"9" * 5000 + b"\r\n",
    "a header without a name": b": x\r\n",
    "a date of no time": b"Date: never\r\nRetry-After: \xff\r\n",
}


@pytest.mark.parametrize("what", ODD_ANSWERS)
@pytest.mark.counts("hostile")
def test_odd_headers_are_a_response_or_a_transport_error(
    canned: CannedServer, connect: Connect, what: str
) -> None:
    canned.answer(raw=HEAD + ODD_ANSWERS[what] + b"\r\n" + BODY)
    try:
        assert connect(canned.url, retries=0).list_customers().data == {"n": 1}
    except TransportError as error:
        assert error.ambiguous


def test_the_command_line_exits_with_7(canned: CannedServer, bindist: Any) -> None:
    canned.answer(raw=CHUNKED + b"-5\r\n{}")
    done = bindist(
        "apps", "list", BINDIST_API_URL=canned.url, BINDIST_API_KEY="k", BINDIST_RETRIES="0"
    )
    assert done.returncode == 7
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


# Connections


def test_fifty_threads_keep_their_connections(
    canned: CannedServer, caplog: pytest.LogCaptureFixture
) -> None:
    canned.answer({"success": True, "data": {}})
    canned.request_queue_size = 128
    together = threading.Barrier(50)

    def ask(_: int) -> bool:
        together.wait(30)
        return client.list_applications().success

    with (
        caplog.at_level(logging.DEBUG, "urllib3"),
        CustomerClient(canned.url, "key") as client,
        ThreadPoolExecutor(50) as pool,
    ):
        for _ in range(4):
            assert all(pool.map(ask, range(50)))
    assert len(canned.asked) == 200
    assert len({asked.connection for asked in canned.asked}) <= 50
    assert "pool is full" not in caplog.text
