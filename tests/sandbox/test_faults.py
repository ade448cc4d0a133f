"""Each kind of fault, seen from the other side of the connection."""

from __future__ import annotations

import gzip
import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from bindist.sandbox import FaultPlan
from bindist.sandbox.faults.plan import KINDS, parse_fault

APPS = "/v1/applications"


def with_fault(spec: str) -> dict[str, str]:
    return {"X-Sandbox-Fault": spec}


# The grammar


@pytest.mark.parametrize(
    ("spec", "kind", "arguments"),
    [
        ("refuse", "refuse", ()),
        ("reset:100", "reset", (100,)),
        ("status:429/3", "status", (429, "3")),
        ("status:503", "status", (503,)),
        ("html", "html", (502,)),
        ("html:504", "html", (504,)),
        ("stall-body:10/0.5", "stall-body", (10, 0.5)),
        ("slow:1e6", "slow", (1e6,)),
        ("length:-5", "length", (-5,)),
        ("redirect:http://127.0.0.1:1/a,b?c=d", "redirect", ("http://127.0.0.1:1/a,b?c=d",)),
        ("etag:abc", "etag", ('"abc"',)),
    ],
)
def test_reads_a_fault(spec, kind, arguments):
    fault = parse_fault(spec)
    assert (fault.kind, fault.arguments) == (kind, arguments)


def test_reads_the_options_of_a_fault():
    fault = parse_fault("redirect:/a,b,method=get,path=/v1/*,nth=2,times=0")
    assert fault.arguments == ("/a,b",)
    assert (fault.method, fault.path, fault.nth, fault.times) == ("GET", "/v1/*", 2, 0)


@pytest.mark.parametrize(
    "spec",
    ["", "boom", "reset", "reset:", "reset:-1", "reset:x", "refuse:1", "status:99", "slow:0",
     "stall-body:5", "status:abc", "reset:5,nth=0", "reset:5,nth=x", "reset:5,when=now",
     "redirect:", "redirect:a b", "etag:"],
)  # fmt: skip
def test_a_wrong_fault_names_the_kinds(spec):
    with pytest.raises(ValueError, match="kinds") as error:
        FaultPlan([spec])
    assert all(kind in str(error.value) for kind in KINDS)


def test_counts_matches_and_no_others():
    plan = FaultPlan(["status:500,method=GET,path=/a*,nth=2,times=2"])
    asked = [("GET", "/b"), ("POST", "/a"), ("GET", "/a"), ("GET", "/a1"), ("GET", "/a2"),
             ("GET", "/a3")]  # fmt: skip
    assert [bool(plan.strike(*one)) for one in asked] == [False, False, False, True, True, False]


def test_each_fault_counts_for_itself_and_clear_ends_them():
    plan = FaultPlan(["status:500", "flip:0,times=0"])
    assert set(plan.strike("GET", "/")) == {"status", "flip"}
    assert set(plan.strike("GET", "/")) == {"flip"}
    plan.clear()
    assert not plan.strike("GET", "/")


def test_counts_right_from_many_threads(server, caller_of):
    server.faults.add("status:500,nth=5,times=10")

    def ask(_: int) -> int:
        return caller_of(server)("GET", APPS).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, range(40)))
    assert statuses.count(500) == 10


def test_an_invalid_fault_in_a_header_is_reported(call):
    answer = call("GET", APPS, headers=with_fault("boom"))
    assert answer.status == 400
    assert "refuse" in answer.json["message"]


def test_a_fault_header_applies_to_one_request(call):
    assert call("GET", APPS, headers=with_fault("status:500")).status == 500
    assert call("GET", APPS).status == 200


# Answers instead of the real one


def test_status(call, server):
    answer = call("GET", APPS, headers=with_fault("status:429"))
    assert (answer.status, answer.json) == (429, {"message": "Too Many Requests"})
    assert "retry-after" not in answer.headers
    answer = call("GET", APPS, headers=with_fault("status:429/7"))
    assert answer.headers["retry-after"] == "7"
    body = {"applicationId": "x", "name": "X"}
    assert call("POST", "/v1/management/applications", body,
                headers=with_fault("status:503")).status == 503  # fmt: skip
    assert call("GET", f"{APPS}/x").status == 404, "it was not carried out"


def test_pages_and_texts(call):
    answer = call("GET", APPS, headers=with_fault("html"))
    assert (answer.status, answer.body[:9]) == (502, b"<!DOCTYPE")
    assert answer.headers["content-type"].startswith("text/html")
    assert call("GET", APPS, headers=with_fault("html:504")).status == 504
    answer = call("GET", APPS, headers=with_fault("empty:503"))
    assert (answer.status, answer.body) == (503, b"")
    answer = call("GET", APPS, headers=with_fault("text:500"))
    assert (answer.status, answer.body) == (500, b"Internal Server Error\n")
    answer = call("GET", APPS, headers=with_fault("not-json"))
    assert (answer.status, answer.body[:9]) == (200, b"<!DOCTYPE")
    answer = call("GET", APPS, headers=with_fault("json-array"))
    assert (answer.status, type(answer.json)) == (200, list)


def test_redirects(call):
    answer = call("GET", APPS, headers=with_fault("redirect:http://127.0.0.1:1/x,y"))
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:1/x,y")
    answer = call("GET", APPS, query={"page": 1}, headers=with_fault("redirect-loop"))
    assert (answer.status, answer.headers["location"]) == (302, f"{APPS}?page=1")


def test_quota(call, application):
    body = {"applicationId": "tool", "version": "9", "fileName": "a", "fileSize": 5}
    answer = call("POST", "/v1/management/upload/large-url", body, headers=with_fault("quota"))
    assert (answer.status, answer.json["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    details = answer.json["error"]["details"]
    assert set(details) == {"currentBytes", "limitBytes", "requestedBytes"}


def test_expire(call, download_url):
    answer = call("GET", download_url, headers=with_fault("expire"))
    assert (answer.status, b"Request has expired" in answer.body) == (403, True)
    assert call("GET", download_url).status == 200
    query = {"applicationId": "tool", "version": "2.0.0"}
    headers = {"X-Channel": "Test", **with_fault("expire")}
    url = call("GET", "/v1/downloads/url", query=query, headers=headers).data["url"]
    answer = call("GET", url)
    assert (answer.status, b"Request has expired" in answer.body) == (403, True)


# Answers altered


def test_flip(call, download_url, content):
    answer = call("GET", download_url, headers=with_fault("flip:1000"))
    differing = [i for i, pair in enumerate(zip(answer.body, content, strict=True)) if
                 pair[0] != pair[1]]  # fmt: skip
    assert differing == [1000]
    assert answer.headers["content-length"] == str(len(content))


def test_other_etag(call, download_url):
    assert call("GET", download_url, headers=with_fault("etag:new")).headers["etag"] == '"new"'


def test_range_lie(call, download_url, content):
    headers = {"Range": "bytes=100-199", **with_fault("range-lie")}
    answer = call("GET", download_url, headers=headers)
    assert (answer.status, answer.body) == (206, content[99:199])
    assert answer.headers["content-range"] == f"bytes 99-198/{len(content)}"
    headers = {"Range": "bytes=0-", **with_fault("range-lie")}
    answer = call("GET", download_url, headers=headers)
    assert answer.headers["content-range"] == f"bytes 1-{len(content) - 1}/{len(content)}"
    assert answer.body == content[1:]


def test_range_ignore(call, download_url, content):
    headers = {"Range": "bytes=100-199", **with_fault("range-ignore")}
    answer = call("GET", download_url, headers=headers)
    assert (answer.status, answer.body) == (200, content)


@pytest.mark.parametrize("of_the_store", [True, False])
def test_gzip(call, download_url, content, of_the_store):
    plain = call("GET", download_url if of_the_store else f"{APPS}/tool")
    packed = call("GET", download_url if of_the_store else f"{APPS}/tool",
                  headers=with_fault("gzip"))  # fmt: skip
    assert packed.headers["content-encoding"] == "gzip"
    unpacked = gzip.decompress(packed.body)
    assert len(unpacked) == len(plain.body)
    assert not of_the_store or unpacked == content


def test_length_too_long(call, download_url, content):
    with pytest.raises(http.client.IncompleteRead) as error:
        call("GET", download_url, headers=with_fault("length:10"))
    assert (error.value.partial, error.value.expected) == (content, 10)


def test_length_too_short(call, download_url, content):
    answer = call("GET", download_url, headers=with_fault("length:-10"))
    assert answer.body == content[:-10]


# Connections broken


def read_all(sock) -> tuple[bytes, bool]:
    """What arrives, and whether the end is a reset."""
    received = b""
    try:
        while block := sock.recv(65536):
            received += block
    except ConnectionResetError:
        return received, True
    return received, False


def get(server, url: str, fault: str) -> bytes:
    target = url.removeprefix(server.url)
    head = f"GET {target} HTTP/1.1\r\nHost: {urlsplit(server.url).netloc}\r\n"
    return f"{head}Authorization: Bearer test-admin\r\nX-Sandbox-Fault: {fault}\r\n\r\n".encode()


def test_refuse(server, raw):
    assert read_all(raw(get(server, APPS, "refuse"))) == (b"", True)
    assert server.requests[-1].status == 0


@pytest.mark.parametrize("count", [0, 1, 100_000, 200_000])
def test_reset(server, raw, download_url, count, content):
    sock = raw(get(server, download_url, f"reset:{count}").replace(b"Authorization", b"X"))
    received, was_reset = read_all(sock)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b" 200 " in head
    assert was_reset
    assert body == content[:count]
    assert server.requests[-1].bytes_out == count


def test_cut(server, raw, download_url, content):
    sock = raw(get(server, download_url, "cut:1000").replace(b"Authorization", b"X"))
    received, was_reset = read_all(sock)
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(content)}".encode() in head
    assert (body, was_reset) == (content[:1000], False)


def test_lost(call, server):
    body = {"applicationId": "lost", "name": "Lost"}
    with pytest.raises(http.client.RemoteDisconnected):
        call("POST", "/v1/management/applications", body, headers=with_fault("lost"))
    assert server.requests[-1].status == 0
    assert call("GET", f"{APPS}/lost").status == 200, "it was carried out"


def test_reset_request(server, call, upload_url):
    content = bytes(2_000_000)
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        call("PUT", upload_url, content, headers=with_fault("reset-request:1000"))
    assert server.requests[-1].bytes_in == 1000
    assert list((server.data_dir / "objects").iterdir()) == []


# Time


def test_stall(call):
    start = time.monotonic()
    assert call("GET", APPS, headers=with_fault("stall:0.2")).status == 200
    assert time.monotonic() - start >= 0.2


def test_stall_body(server, raw, download_url, content):
    sock = raw(get(server, download_url, "stall-body:1000/0.2").replace(b"Authorization", b"X"))
    received = b""
    while not received.endswith(content[:1000]):
        received += sock.recv(65536)
    start = time.monotonic()
    while len(received) < len(content):
        received += sock.recv(65536)
    assert received.endswith(content)
    assert time.monotonic() - start >= 0.1


def test_slow_both_ways(call, download_url, upload_url, content):
    for method, url, body in (("GET", download_url, None), ("PUT", upload_url, content)):
        start = time.monotonic()
        assert call(method, url, body, headers=with_fault("slow:1000000")).status == 200
        assert time.monotonic() - start >= 0.2


def test_slow_requests_to_the_api_are_read_whole(call):
    body = {"applicationId": "slow", "name": "S" * 200}
    headers = with_fault("slow:2000")
    assert call("POST", "/v1/management/applications", body, headers=headers).status == 201


def test_stopping_does_not_wait_for_stalled_requests(server, raw):
    sock = raw(get(server, APPS, "stall:60"))
    while not server.requests:
        time.sleep(0.001)
    start = time.monotonic()
    server.stop()
    assert time.monotonic() - start < 1
    assert read_all(sock)[0] == b""
    assert not [t for t in threading.enumerate() if t.name == "sandbox"]
