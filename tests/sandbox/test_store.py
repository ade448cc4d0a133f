"""The object store: signatures, expiry, ranges, conditions, uploads, and errors in XML."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import xml.etree.ElementTree as ET
from urllib.parse import parse_qs, urlsplit

import pytest

from bindist.sandbox import SandboxServer

REFUSED = [
    # method, change of the URL, headers, status, code
    ("GET", lambda url: url.replace("X-Amz-Expires=1800", "X-Amz-Expires=9999"), {}, 403,
     "SignatureDoesNotMatch"),
    ("GET", lambda url: url.replace("/tool-2.0.0/", "/tool-2.0.1/"), {}, 403,
     "SignatureDoesNotMatch"),
    ("GET", lambda url: url + "&response-content-type=text/html", {}, 403,
     "SignatureDoesNotMatch"),
    ("GET", lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"), {}, 403,
     "SignatureDoesNotMatch"),
    ("GET", lambda url: url, {"Host": "elsewhere.example"}, 403, "SignatureDoesNotMatch"),
    ("PUT", lambda url: url, {}, 403, "SignatureDoesNotMatch"),
    ("DELETE", lambda url: url, {}, 403, "SignatureDoesNotMatch"),
    ("GET", lambda url: url.partition("?")[0], {}, 403, "AccessDenied"),
    ("GET", lambda url: re.sub(r"X-Amz-Date=\w+", "X-Amz-Date=20200101T000000Z", url), {}, 403,
     "AccessDenied"),
    ("GET", lambda url: re.sub(r"X-Amz-Date=\w+", "X-Amz-Date=now", url), {}, 400,
     "AuthorizationQueryParametersError"),
    ("GET", lambda url: url, {"x-amz-acl": "private"}, 403, "AccessDenied"),
    ("GET", lambda url: url, {"Authorization": "Bearer test-admin"}, 400, "InvalidArgument"),
]  # fmt: skip


def error_of(answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/xml"
    return answer.status, ET.fromstring(answer.body).findtext("Code")


@pytest.mark.parametrize(("method", "change", "headers", "status", "code"), REFUSED)
def test_refuses(call, download_url, method, change, headers, status, code):
    answer = call(method, change(download_url), headers=headers)
    assert error_of(answer) == (status, code)


def test_a_whole_object(call, download_url, content):
    answer = call("GET", download_url)
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["etag"] == f'"{hashlib.md5(content).hexdigest()}"'
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "binary/octet-stream"
    assert answer.headers["last-modified"].endswith("GMT")


def test_a_url_signed_for_get_refuses_head(call, download_url):
    answer = call("HEAD", download_url)
    assert (answer.status, answer.body) == (403, b"")


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=255999-", 255999, 256000),
        ("bytes=0-", 0, 256000),
        ("bytes=0-999999999", 0, 256000),
        ("bytes=-10", 255990, 256000),
    ],
)
def test_range(call, download_url, content, asked, start, stop):
    answer = call("GET", download_url, headers={"Range": asked})
    assert (answer.status, answer.body) == (206, content[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/256000"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-5", "lines=1-2", "bytes", "bytes=a-b"])
def test_anything_but_a_single_range_gets_the_whole_object(call, download_url, content, asked):
    answer = call("GET", download_url, headers={"Range": asked})
    assert (answer.status, answer.body) == (200, content)


def test_range_past_the_end(call, download_url):
    answer = call("GET", download_url, headers={"Range": "bytes=256000-"})
    assert error_of(answer) == (416, "InvalidRange")
    assert answer.headers["content-range"] == "bytes */256000"


def test_conditions(call, download_url, content):
    etag = call("GET", download_url).headers["etag"]
    statuses = {
        ("If-Match", etag): 200,
        ("If-Match", "*"): 200,
        ("If-Match", f'"other", {etag}'): 200,
        ("If-Match", '"other"'): 412,
        ("If-None-Match", etag): 304,
        ("If-None-Match", '"other"'): 200,
        ("If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT"): 304,
        ("If-Modified-Since", "Thu, 01 Jan 2009 00:00:00 GMT"): 200,
        ("If-Unmodified-Since", "Thu, 01 Jan 2009 00:00:00 GMT"): 412,
    }
    assert {
        (name, value): call("GET", download_url, headers={name: value}).status
        for name, value in statuses
    } == statuses
    part = call("GET", download_url, headers={"If-Match": etag, "Range": "bytes=5-9"})
    assert (part.status, part.body) == (206, content[5:10])


def test_if_range_is_ignored(call, download_url):
    headers = {"Range": "bytes=1-2", "If-Range": '"other"'}
    assert call("GET", download_url, headers=headers).status == 206


def test_a_missing_object_is_not_found(call, application):
    body = {"applicationId": "tool", "version": "3", "fileName": "a.exe", "fileSize": 5,
            "uploadId": "never-put", "checksum": "0" * 64}  # fmt: skip
    call("POST", "/v1/management/upload/large-complete", body)
    query = {"applicationId": "tool", "version": "3"}
    url = call("GET", "/v1/downloads/url", query=query, headers={"X-Channel": "Test"}).data["url"]
    assert error_of(call("GET", url)) == (404, "NoSuchKey")


def test_put_and_put_again(call, upload_url, server):
    first, second = call("PUT", upload_url, b"first"), call("PUT", upload_url, b"second")
    assert first.status == second.status == 200
    assert second.headers["etag"] == f'"{hashlib.md5(b"second").hexdigest()}"'
    files = list((server.data_dir / "objects").iterdir())
    assert [file.read_bytes() for file in files] == [b"second"]


def test_put_of_an_empty_file(call, upload_url):
    answer = call("PUT", upload_url, b"")
    assert (answer.status, answer.headers["etag"]) == (200, f'"{hashlib.md5(b"").hexdigest()}"')


def test_put_with_any_content_type_and_with_its_checksum(call, upload_url):
    digest = base64.b64encode(hashlib.md5(b"abc").digest()).decode()
    headers = {"Content-Type": "text/x-whatever", "Content-MD5": digest}
    assert call("PUT", upload_url, b"abc", headers=headers).status == 200
    assert error_of(call("PUT", upload_url, b"abd", headers=headers)) == (400, "BadDigest")


def test_put_without_a_length(raw, upload_url, server):
    target = upload_url[len(server.url) :]
    host = urlsplit(server.url).netloc
    request = f"PUT {target} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
    sock = raw(request.encode() + b"3\r\nabc\r\n0\r\n\r\n")
    with sock.makefile("rb") as answer:
        assert b" 411 " in answer.readline()
    assert list((server.data_dir / "objects").iterdir()) == []


def test_a_put_cut_short_leaves_nothing(raw, call, upload_url, server):
    call("PUT", upload_url, b"before")
    target, host = upload_url[len(server.url) :], urlsplit(server.url).netloc
    sock = raw(
        f"PUT {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3000000\r\n\r\n".encode()
        + bytes(2_000_000)
    )
    sock.shutdown(socket.SHUT_WR)
    assert sock.recv(1) == b""
    files = list((server.data_dir / "objects").iterdir())
    assert [file.read_bytes() for file in files] == [b"before"]


def test_100_continue_is_sent_only_if_the_request_will_be_accepted(raw, upload_url, server):
    target, host = upload_url[len(server.url) :], urlsplit(server.url).netloc
    head = f"Host: {host}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    sock = raw(f"PUT {target} HTTP/1.1\r\n{head}".encode())
    assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    sock.sendall(b"abc")
    assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
    sock = raw(f"PUT {target}x HTTP/1.1\r\n{head}".encode())
    assert sock.recv(1000).startswith(b"HTTP/1.1 403 ")


def test_upload_urls_look_like_those_of_current_servers(upload_url):
    query = parse_qs(urlsplit(upload_url).query)
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert query["X-Amz-Expires"] == ["1800"]
    assert query["x-amz-checksum-crc32"] == ["AAAAAA=="]


@pytest.mark.parametrize("name", ["my tool+1.exe", "100%#&.bin", "a;b,c=d.exe", "résumé 日本.bin"])
def test_names_that_need_encoding(call, application, name):
    body = {"applicationId": "tool", "version": "1", "fileName": name, "fileContent": "YWJj"}
    assert call("POST", "/v1/management/upload", body).status == 201
    query = {"applicationId": "tool", "version": "1"}
    url = call("GET", "/v1/downloads/url", query=query, headers={"X-Channel": "Test"}).data["url"]
    assert call("GET", url).body == b"abc"


def test_urls_expire(tmp_path, caller_of):
    with SandboxServer(tmp_path / "data", admin_key="k", url_lifetime=0.05) as server:
        call = caller_of(server)
        query = {"applicationId": "skylark", "version": "1.9.0"}
        url = call("GET", "/v1/downloads/url", query=query, key="k").data["url"]
        answer = call("GET", url)
        while answer.status == 200:  # until its time is over
            answer = call("GET", url)
        assert error_of(answer) == (403, "AccessDenied")
        assert b"Request has expired" in answer.body


def test_a_big_object_both_ways(call, upload_url, application, server):
    content = hashlib.shake_128(b"big").digest(5_000_001)
    assert call("PUT", upload_url, content).headers["etag"] == (
        f'"{hashlib.md5(content).hexdigest()}"'
    )
    assert server.requests[-1].bytes_in == len(content)
