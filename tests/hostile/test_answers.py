"""Answers made to exhaust memory, time or patience: bounded, and a clear error."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import Result

from bindist import AdminClient, ApiError, TransportError
from bindist.http.response import MAX_DEPTH, from_body
from bindist.http.transport import ANSWER_LIMIT
from bindist.pagination import MAX_PAGES, walk_pages
from bindist_cli.exit_codes import Exit
from tests.hostile.recorded import RecordedServer
from tests.sdk.canned import CannedServer

Connect = Callable[..., AdminClient]
MIB = 1024 * 1024
OK = b'{"success": true, "data": {"applications": [], "x": '
STARTS = {
    "a text": (OK + b'"', b"a" * MIB),
    "a number": (OK, b"9" * MIB),
    "objects": (OK + b"[{}", b", {}" * (MIB // 4)),
    "white space": (OK, b" " * MIB),
    "a page": (b"<html><head>", b"<style " * (MIB // 7)),
}


class Counted:
    """Blocks without an end, or up to a number of them, that counts those that were taken."""

    def __init__(self, first: bytes, block: bytes, most: int | None = None) -> None:
        self.taken = 0
        self._blocks = itertools.chain([first], itertools.repeat(block, *([most] if most else [])))

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.taken += len(block)
            yield block


@contextmanager
def endless(head: bytes, block: bytes) -> Iterator[tuple[str, list[int]]]:
    """A server that begins an answer and never ends it: its address, and the bytes that left."""
    sent = [0]

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    connection.recv(65536)
                    connection.sendall(head)
                    while True:
                        sent[0] += connection.send(block)
                except OSError:
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", sent
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


# Length


@pytest.mark.parametrize("start", STARTS)
def test_two_gigabytes_of_an_answer_are_not_read(
    canned: CannedServer, connect: Connect, start: str, tally: Any
) -> None:
    body = Counted(*STARTS[start], most=2048)
    canned.answer(body)
    with pytest.raises(TransportError, match="larger than 16 MiB"):
        connect(canned.url).list_applications()
    assert body.taken < ANSWER_LIMIT + 32 * MIB
    assert len(canned.asked) == 1, "it would not get shorter"
    tally("hostile")


def test_what_is_too_long_is_told_in_one_line(
    canned: CannedServer, recorded: RecordedServer, invoke: Callable[..., Result], tally: Any
) -> None:
    canned.answer(Counted(*STARTS["a text"]))
    result = invoke("apps", "list", "--api-url", canned.url, "--no-color")
    assert result.exit_code == Exit.UNAVAILABLE
    assert result.stderr.startswith("error: the answer is larger than 16 MiB\n")
    tally("hostile")


def test_a_compressed_bomb_is_left_where_it_goes_off(
    canned: CannedServer, connect: Connect, tally: Any
) -> None:
    member = gzip.compress(b" " * 16 * MIB)
    canned.answer(member * 128, headers={"Content-Encoding": "gzip"})  # 2 GiB
    with pytest.raises(TransportError, match="larger than 16 MiB"):
        connect(canned.url).list_applications()
    assert len(canned.asked) == 1
    tally("hostile")


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "deflate, gzip", "x\x1b[31m"])
def test_an_encoding_that_nobody_asked_for_is_not_decoded(
    canned: CannedServer, connect: Connect, encoding: str, tally: Any
) -> None:
    body = gzip.compress(gzip.compress(b'{"success": true, "data": {}}'))
    canned.answer(body, headers={"Content-Encoding": encoding})
    with pytest.raises(TransportError, match="which was not asked for"):
        connect(canned.url).list_applications()
    assert len(canned.asked) == 1
    tally("hostile")


MEASURED = """
import resource, sys
from bindist import AdminClient, TransportError
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with AdminClient(sys.argv[1], "key", retries=0) as client:
    client.list_customers()
    before = peak()
    for _ in range(2):
        try:
            client.list_applications()
        except TransportError as error:
            assert "larger than" in str(error)
        else:
            sys.exit("no error")
    print((peak() - before) // (1024 if sys.platform != "darwin" else 1024 * 1024))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="tells no peak of memory")
def test_memory_stays_bounded_whatever_the_server_sends(canned: CannedServer, tally: Any) -> None:
    canned.answer({"success": True, "data": {"customers": []}})
    canned.answer(Counted(*STARTS["a text"], most=2048))
    bomb = gzip.compress(b" " * 16 * MIB) * 128
    canned.answer(bomb, headers={"Content-Encoding": "gzip"})
    done = subprocess.run(
        (sys.executable, "-c", MEASURED, canned.url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 4 * ANSWER_LIMIT // MIB
    tally("hostile", 2)


@pytest.mark.parametrize(
    ("head", "block"),
    [
        (b"", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n" * 5000),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 65536),
        (b"HTTP/1.1 200 ", b"x" * 65536),
    ],
    ids=["no answer", "many headers", "a long header", "a long status"],
)
def test_an_endless_head_is_not_read_for_ever(
    connect: Connect, head: bytes, block: bytes, tally: Any
) -> None:
    with endless(head, block) as (url, sent), pytest.raises(TransportError):
        connect(url, retries=0).list_applications()
    assert sent[0] < 32 * MIB
    tally("hostile")


def test_a_chunk_that_never_ends_is_an_answer_too_long(connect: Connect, tally: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n"
    with endless(head, b"x" * MIB) as (url, sent):
        with pytest.raises(TransportError, match="larger than 16 MiB"):
            connect(url).list_applications()
        assert sent[0] < ANSWER_LIMIT + 32 * MIB
    tally("hostile")


@pytest.mark.parametrize("status", [200, 302, 500])
def test_the_object_store_sends_no_more_than_the_server_promised(
    recorded: RecordedServer, connect: Connect, inside: Any, status: int, tally: Any
) -> None:
    head = f"HTTP/1.1 {status} OK\r\nLocation: {recorded.url}/store/file\r\n\r\nbytes".encode()
    with endless(head, b"x" * 65536) as (url, sent):
        recorded.change("GET /v1/downloads/url", ("data", "url"), f"{url}/file")
        client = connect(recorded.url, retries=0)
        if status == 500:
            with pytest.raises(ApiError):
                client.download_to_file("alpha", "1.0.0", inside)
        else:
            done = client.download_to_file("alpha", "1.0.0", inside)
            assert done.path is not None and done.path.read_bytes() == b"bytes"
        assert sent[0] < 32 * MIB
    tally("hostile")


# JSON


def nested(depth: int, opening: str, closing: str) -> bytes:
    return OK + (opening * depth + closing * depth).encode() + b"}}"


REFUSED = {
    "an array too deep": nested(MAX_DEPTH, "[", "]"),
    "an array much too deep": nested(900, "[", "]"),
    "objects much too deep": OK + b'{"x": ' * 900 + b"1" + b"}" * 900 + b"}}",
    "an array beyond all depth": nested(200_000, "[", "]"),
    "not a number": OK + b"NaN}}",
    "infinity": OK + b"-Infinity}}",
    "a float beyond floats": OK + b"1e999}}",
    "an integer beyond floats": OK + b"9" * 400 + b"}}",
    "an integer of a million digits": OK + b"9" * 1_000_000 + b"}}",
    "invalid UTF-8": OK + b'"\xff\xfe"}}',
    "an overlong slash": OK + b'"\xc0\xaf"}}',
    "half a document": OK,
    "two documents": OK + b"1}}" * 2,
    "an array": b"[]",
    "a number": b"5",
    "nothing": b"",
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_json_to_work_with_is_a_clear_error(
    recorded: RecordedServer,
    canned: CannedServer,
    invoke: Callable[..., Result],
    what: str,
    tally: Any,
) -> None:
    canned.answer(REFUSED[what])
    result = invoke("apps", "list", "--api-url", canned.url, "--no-color")
    assert (result.exit_code, result.stdout) == (Exit.FAILED, "")
    assert result.stderr.startswith("error: HTTP 200")
    assert "hint: check that --api-url is the base URL" in result.stderr
    assert len(result.stderr) < 600
    tally("hostile")


@pytest.mark.parametrize(
    "body",
    [
        b'{"success": false, "success": true, "data": 5, "data": {"applications": []}}',
        b"\xef\xbb\xbf" + OK + b"1}}",
        nested(MAX_DEPTH - 4, "[", "]"),
        OK + b"1" + b"0" * 300 + b"}}",
    ],
    ids=["keys twice", "a byte order mark", "deep enough", "a big integer"],
)
@pytest.mark.parametrize("format", ["table", "tsv", "json"])
def test_what_is_odd_but_json_is_taken(
    recorded: RecordedServer,
    canned: CannedServer,
    invoke: Callable[..., Result],
    body: bytes,
    format: str,
    tally: Any,
) -> None:
    canned.answer(body)
    result = invoke("apps", "list", "-o", format, "--api-url", canned.url)
    assert (result.exit_code, result.stdout) == (0, "[]\n" if format == "json" else "")
    tally("hostile")


@pytest.mark.parametrize(
    "text",
    ["<script" * 9000, "<" * 60_000, "<head>" * 10_000, "http://" * 9000],
    ids=lambda text: text[:7],
)
@pytest.mark.parametrize("in_json", [False, True])
def test_a_page_made_to_be_slow_to_read_is_not(
    recorded: RecordedServer,
    canned: CannedServer,
    invoke: Callable[..., Result],
    text: str,
    in_json: bool,
    tally: Any,
) -> None:
    canned.answer({"success": False, "error": {"message": text}} if in_json else text, 500)
    result = invoke("apps", "list", "--api-url", canned.url, "--no-color")
    assert result.exit_code == Exit.UNAVAILABLE
    assert result.stderr.startswith("error: ") and len(result.stderr) < 600
    tally("hostile")


def test_a_message_is_kept_as_far_as_anybody_reads() -> None:
    for body in (b"x" * 10 * MIB, json.dumps({"message": "x" * 10 * MIB}).encode()):
        error = from_body(500, body).error
        assert error is not None and len(error["message"]) == 65536


# What is logged


@pytest.mark.parametrize("option", ["-v", "--debug"])
def test_no_terminal_obeys_what_is_logged(
    recorded: RecordedServer,
    canned: CannedServer,
    invoke: Callable[..., Result],
    option: str,
    tally: Any,
) -> None:
    body = b'<p>\x1b[2J\x1b[31m</p>\xe2\x80\xae{"meta"'
    canned.answer(body, 500, headers={"X-Odd": "\x1b]0;title\x07"})
    result = invoke("apps", "list", option, "--api-url", canned.url)
    assert "500" in result.stderr
    assert not re.search("[\x07\x1b\u202e]", result.stderr)
    tally("hostile")


# Pages without an end


def pages(canned: CannedServer, *names: str) -> None:
    """Always these pages, each with more to come."""
    for name in names:
        canned.answer(
            {
                "success": True,
                "data": {"applications": [{"applicationId": name}]},
                "meta": {"pagination": {"page": 1, "hasNext": True}},
            }
        )


@pytest.mark.parametrize(
    "words", ["apps list", "apps list --json", "api GET applications --paginate"]
)
def test_a_server_that_knows_no_pages_is_not_walked_for_ever(
    recorded: RecordedServer,
    canned: CannedServer,
    invoke: Callable[..., Result],
    words: str,
    tally: Any,
) -> None:
    pages(canned, "a", "b")
    result = invoke(*words.split(), "--api-url", canned.url, "--no-color")
    assert result.exit_code == Exit.FAILED
    shown = json.loads(result.stderr)["error"]["message"] if "json" in words else result.stderr
    assert "the list never ends" in shown
    assert len(canned.asked) == 3
    tally("hostile")


def test_what_came_before_the_end_was_missed_is_yielded(
    canned: CannedServer, connect: Connect, tally: Any
) -> None:
    pages(canned, "a", "b")
    walk = connect(canned.url).iter_applications()
    assert [next(walk)["applicationId"], next(walk)["applicationId"]] == ["a", "b"]
    with pytest.raises(ApiError, match="the list never ends"):
        next(walk)
    tally("hostile")


def test_pages_that_are_all_different_end_too(tally: Any) -> None:
    numbers = itertools.count()

    def fetch(query: Any) -> Any:
        row = {"n": next(numbers)}
        page = {"data": {"rows": [row]}, "meta": {"pagination": {"hasNext": True}}}
        return from_body(200, json.dumps({"success": True, **page}).encode())

    with pytest.raises(ApiError, match="the list never ends"):
        list(walk_pages(fetch, "rows"))
    assert next(numbers) == MAX_PAGES
    tally("hostile")
