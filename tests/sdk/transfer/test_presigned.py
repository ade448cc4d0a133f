"""Where a file is to be had: which addresses and answers are taken, and how often one is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bindist import IntegrityError
from bindist.errors import NotFoundError
from bindist.http.response import failure, from_body
from bindist.http.transport import Transport
from bindist.transfer.presigned import (
    ChangedError,
    DownloadSource,
    PresignedDownload,
    pick_file,
    read_presigned_download,
)
from tests.sdk.canned import CannedServer


def made(url: str = "https://api.example", **options: Any) -> Transport:
    return Transport(url, "key", timeout=(1, 1), retries=0, backoff=0, verify=None, **options)


API = made()
URL = "https://store.example/b/k?X-Amz-Signature=abcdef"
DATA = {"url": URL, "fileName": "app.exe", "fileSize": 5, "checksum": "SHA256:ABC"}


def answer(**changes: Any) -> Any:
    data = {**DATA, **changes}
    reply = from_body(200, b'{"success": true}')
    reply.data = {key: value for key, value in data.items() if value is not None}
    return reply


def presigned(url: str = URL, checksum: str = "00") -> PresignedDownload:
    return PresignedDownload(url, "app.exe", 5, checksum)


def asking(*urls: PresignedDownload) -> tuple[DownloadSource, list[PresignedDownload]]:
    """A source that is given these urls one after the other, and those it still has."""
    waiting = list(urls)
    transport = Transport(API, "key", timeout=(1, 1), retries=0, backoff=0, verify=None)
    return DownloadSource(transport, lambda: waiting.pop(0)), waiting


# Reading a presigned


def test_a_presigned_download_has_the_fields_of_the_response() -> None:
    assert read_presigned_download(answer(), API) == PresignedDownload(URL, "app.exe", 5, "abc")


def test_a_presigned_download_is_read_under_the_hosted_name_too() -> None:
    assert read_presigned_download(answer(url=None, downloadUrl=URL), API).url == URL


def test_the_signature_is_not_in_the_repr_of_a_presigned_download() -> None:
    assert "abcdef" not in repr(read_presigned_download(answer(), API))


@pytest.mark.parametrize("size", [None, -1, "5", 5.0, True])
def test_an_invalid_size_is_an_integrity_error(size: object) -> None:
    with pytest.raises(IntegrityError):
        read_presigned_download(answer(fileSize=size), API)


@pytest.mark.parametrize("name", [None, "", "../up", "a/b"])
def test_an_unsafe_name_is_an_integrity_error(name: str | None) -> None:
    with pytest.raises(IntegrityError):
        read_presigned_download(answer(fileName=name), API)


def test_a_failed_response_raises_its_exception() -> None:
    with pytest.raises(NotFoundError):
        read_presigned_download(failure(404, "no such version"), API)


@pytest.mark.parametrize(
    "url",
    [
        None,
        5,
        "",
        "store.example/k",
        "ftp://store.example/k",
        "file:///etc/passwd",
        "https://",
        "https://[",
        "https://store.example:99999/k",
        "https://store.example:0/k",
        "https://store.example:x/k",
    ],
)
def test_an_invalid_url_is_an_integrity_error(url: object) -> None:
    with pytest.raises(IntegrityError):
        API.check_store_url(url, "says")


def test_a_url_without_tls_is_refused_if_the_api_has_tls() -> None:
    with pytest.raises(IntegrityError, match="TLS"):
        API.check_store_url("http://store.example/k", "says")


def test_a_url_without_tls_is_accepted_if_the_api_has_none() -> None:
    assert made("http://127.0.0.1:1").check_store_url("http://store.example/k", "says")


def test_the_error_does_not_show_the_url() -> None:
    with pytest.raises(IntegrityError) as caught:
        API.check_store_url("http://store.example/k?X-Amz-Signature=abcdef", "says")
    assert "abcdef" not in str(caught.value)


# Asking no more often than needed


def test_a_source_requests_one_url() -> None:
    source, waiting = asking(presigned(), presigned())
    assert source.presigned() is source.presigned()
    assert len(waiting) == 1


def test_an_expired_url_is_replaced() -> None:
    source, _ = asking(presigned("https://a.example/"), presigned("https://b.example/"))
    source.renew(source.presigned())
    assert source.presigned().url == "https://b.example/"


def test_a_url_that_another_thread_has_replaced_is_not_replaced_again() -> None:
    source, waiting = asking(
        presigned("https://a.example/"), presigned("https://b.example/"), presigned()
    )
    expired = source.presigned()
    source.renew(expired)
    source.renew(expired)
    assert len(waiting) == 1


def test_a_new_url_for_other_content_is_a_change() -> None:
    source, _ = asking(presigned(checksum="00"), presigned(checksum="11"))
    with pytest.raises(ChangedError):
        source.renew(source.presigned())


def test_a_dropped_url_is_requested_again() -> None:
    source, waiting = asking(presigned(), presigned())
    source.presigned()
    source.reset()
    source.presigned()
    assert not waiting


def test_another_etag_is_a_change() -> None:
    source, _ = asking()
    source.expect_etag('"a"')
    with pytest.raises(ChangedError):
        source.expect_etag('"b"')


def test_the_same_etag_is_no_change() -> None:
    source, _ = asking()
    source.expect_etag('"a"')
    source.expect_etag('"a"')
    assert source.etag == '"a"'


def test_an_unusable_url_is_refused_before_any_request_to_it(
    canned: CannedServer, connect: Callable[..., Any]
) -> None:
    data = {**DATA, "url": "http://127.0.0.1:99999/k?X-Amz-Signature=abcdef"}
    canned.answer({"success": True, "data": data})
    with pytest.raises(IntegrityError, match="no usable address"):
        connect(canned.url).download_file("tool", "1.0")


# Choosing a file


FILES = {
    "version": "1.0",
    "files": [
        {"fileId": "a", "fileType": "DOCUMENTATION"},
        {"fileId": "b", "fileType": "MAIN"},
        "odd",
        {"fileId": "c", "fileType": "MAIN"},
    ],
}


def test_without_an_id_the_first_main_file_is_chosen() -> None:
    assert pick_file(FILES, None)["fileId"] == "b"


def test_a_file_is_chosen_by_its_id() -> None:
    assert pick_file(FILES, "a")["fileId"] == "a"


def test_without_a_main_file_the_first_one_is_chosen() -> None:
    assert pick_file({"files": FILES["files"][:1]}, None)["fileId"] == "a"


@pytest.mark.parametrize("files", [{}, {"files": None}, {"files": []}, {"files": ["odd"]}])
def test_a_list_without_files_is_an_integrity_error(files: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="has no files"):
        pick_file(files, None)


def test_an_unknown_id_is_an_integrity_error() -> None:
    with pytest.raises(IntegrityError, match="no file 'z'"):
        pick_file(FILES, "z")
