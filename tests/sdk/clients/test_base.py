"""What both clients share: their arguments, identifiers, `request`, and walking pages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bindist import AdminClient, ApiError, CustomerClient, ServerError, TransportError
from bindist.clients.base import named_if_given, segment
from bindist.http.response import from_body
from bindist.pagination import next_query, walk_pages
from bindist.sandbox import SandboxServer
from tests.sdk.canned import CannedServer

KEY = "tenant.very-secret-key-42"
URL = "https://api.example"

# Arguments


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example",
        "ftp://api.example",
        "https://",
        "https:///v1",
        "https://api.example:x",
        "https://api.example:0",
        "https://api.example:99999",
        "https://[",
        "https://api example",
        "https://api.example/\n",
        "https://user@api.example",
        "https://user:password@api.example",
        "https://@api.example",
        "https://api.example?x=1",
        "https://api.example?",
        "https://api.example#top",
        "https://api.example#",
        "https://good.example\\@evil.example",
        None,
    ],
)
def test_an_invalid_base_url_is_a_value_error(url: Any) -> None:
    with pytest.raises(ValueError, match="address"):
        CustomerClient(url, KEY)


@pytest.mark.parametrize(
    "url", ["https://user:pass-word@api.example", "https://user:pass-word@api.example:x"]
)
def test_a_password_in_an_address_is_not_in_the_error(url: str) -> None:
    with pytest.raises(ValueError, match="address") as caught:
        CustomerClient(url, KEY)
    assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.example/", "https://api.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://x.example/dev/", "https://x.example/dev"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_a_trailing_slash_of_the_base_url_is_removed(url: str, base: str) -> None:
    with CustomerClient(url, KEY) as client:
        assert client.base_url == base


def test_an_address_with_a_path_puts_it_before_every_path(
    canned: CannedServer, connect: Callable[..., AdminClient]
) -> None:
    canned.answer({"success": True})
    connect(f"{canned.url}/dev/").get_application("tool")
    assert canned.asked[0].target == "/dev/v1/applications/tool"


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "a\r\nX-Evil: 1", "ключ", "a\x00", "a\x7f"])
def test_a_key_that_is_no_header_value_is_a_value_error_that_does_not_show_it(key: str) -> None:
    with pytest.raises(ValueError, match="API key") as caught:
        CustomerClient(URL, key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize("timeout", [0, -1, (0, 1), (1, 0), math.nan, math.inf, (1, math.inf)])
def test_a_time_out_is_a_real_number_of_seconds(timeout: Any) -> None:
    with pytest.raises(ValueError, match="timeout"):
        CustomerClient(URL, KEY, timeout=timeout)


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf])
def test_the_total_time_out_is_a_real_number_of_seconds(seconds: float) -> None:
    with pytest.raises(ValueError, match="total_timeout"):
        CustomerClient(URL, KEY, total_timeout=seconds)


@pytest.mark.parametrize("size", [0, -1])
def test_the_answer_limit_is_at_least_one_byte(size: int) -> None:
    with pytest.raises(ValueError, match="answer_limit"):
        CustomerClient(URL, KEY, answer_limit=size)


@pytest.mark.parametrize("kind", [CustomerClient, AdminClient])
def test_the_answer_limit_can_be_set(canned: CannedServer, kind: Any) -> None:
    canned.answer(b'{"success": true, "data": {}}' + b" " * 71)
    with kind(canned.url, KEY, answer_limit=100) as client:
        assert client.list_applications().success
    with (
        kind(canned.url, KEY, answer_limit=99) as client,
        pytest.raises(TransportError, match="the answer is larger than 99 bytes"),
    ):
        client.list_applications()


def test_retries_are_not_negative() -> None:
    with pytest.raises(ValueError, match="retries"):
        CustomerClient(URL, KEY, retries=-1)


@pytest.mark.parametrize("backoff", [-0.1, math.nan])
def test_the_pause_between_retries_is_not_negative(backoff: float) -> None:
    with pytest.raises(ValueError, match="backoff"):
        CustomerClient(URL, KEY, backoff=backoff)


def test_the_key_goes_out_verbatim(server: SandboxServer) -> None:
    with CustomerClient(server.url, KEY) as client:
        assert client.list_applications().status_code == 401
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_closed_client_can_be_used_again(admin: AdminClient) -> None:
    admin.close()
    assert admin.list_applications().success


# Identifiers


@pytest.mark.parametrize("value", ["", ".", "..", None, 5, b"tool", "\ud800"])
def test_an_identifier_that_cannot_be_in_a_path_is_a_value_error(value: Any) -> None:
    with pytest.raises(ValueError, match=r"application_id|surrogates"):
        segment(value, "application_id")


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
@example("a/b?c#d%2e%2e")
@example("%2e%2e")
def test_any_other_identifier_is_one_segment_that_decodes_to_itself(value: str) -> None:
    if value in (".", ".."):
        return
    encoded = segment(value, "application_id")
    assert unquote(encoded) == value and not set(encoded) & set("/?#\\ ")


def test_a_missing_identifier_stays_none() -> None:
    assert named_if_given(None, "file_id") is None


@pytest.mark.parametrize("value", ["a/b", "a b", "a?b=c#d", "100%", "%2e%2e", "ä", "...", "a+b"])
def test_an_identifier_arrives_as_one_segment(
    canned: CannedServer, asker: AdminClient, value: str
) -> None:
    canned.answer({"success": True})
    asker.get_application(value)
    *before, last = canned.asked[0].target.split("/")
    assert (before, unquote(last)) == (["", "v1", "applications"], value)


IN_A_PATH: list[Callable[[AdminClient, str], Any]] = [
    lambda c, v: c.get_application(v),
    lambda c, v: c.list_versions(v),
    lambda c, v: c.list_version_files(v, "1.0"),
    lambda c, v: c.list_version_files("tool", v),
    lambda c, v: c.get_stats(v),
    lambda c, v: c.get_stats("tool", version=v),
    lambda c, v: c.get_download_url(v, "1.0"),
    lambda c, v: c.get_download_url("tool", v),
    lambda c, v: c.get_download_url("tool", "1.0", v),
    lambda c, v: c.create_share_link(v, "1.0"),
    lambda c, v: c.create_share_link("tool", v),
    lambda c, v: c.create_share_link("tool", "1.0", v),
    lambda c, v: c.download_file(v, "1.0"),
    lambda c, v: c.download_file("tool", v),
    lambda c, v: c.update_version(v, "1.0", True),
    lambda c, v: c.update_version("tool", v, True),
    lambda c, v: c.upload_small_file(v, "1.0", "a.exe", b"x"),
    lambda c, v: c.upload_small_file("tool", v, "a.exe", b"x"),
    lambda c, v: c.upload_large_file(v, "1.0", "a.exe", b"x"),
    lambda c, v: c.upload_large_file("tool", v, "a.exe", b"x"),
    lambda c, v: c.complete_large_upload(v, "tool", "1.0", "a.exe", 1, "0" * 64),
    lambda c, v: c.create_application(v, "Tool"),
    lambda c, v: c.delete_application(v),
    lambda c, v: c.update_application_customers(v, ["c1"]),
    lambda c, v: c.create_customer("New", parent_customer_id=v),
    lambda c, v: c.update_customer(v, "New"),
    lambda c, v: c.regenerate_customer_key(v),
    lambda c, v: c.list_activity(customer_id=v),
]


@pytest.mark.parametrize("value", ["", ".", ".."])
@pytest.mark.parametrize("call", IN_A_PATH)
def test_an_unusable_identifier_is_a_value_error_before_any_request(
    canned: CannedServer, asker: AdminClient, call: Callable[..., Any], value: str
) -> None:
    with pytest.raises(ValueError, match="must not be"):
        call(asker, value)
    assert canned.asked == []


def test_an_identifier_that_cannot_be_encoded_is_a_value_error_in_a_query_too(
    canned: CannedServer, asker: AdminClient
) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        asker.get_download_url("\ud800", "1.0")
    assert canned.asked == []


# Any call


def test_request_sends_its_arguments(canned: CannedServer, asker: AdminClient) -> None:
    canned.answer({"success": True})
    asker.request(
        "patch", "/v1/x%2Fy", params={"a": "b&c", "n": None}, json={"k": 1}, headers={"X-Q": "q"}
    )
    asked = canned.asked[0]
    assert (asked.method, asked.target) == ("PATCH", "/v1/x%2Fy?a=b%26c")
    assert (asked.json, asked.headers["x-q"]) == ({"k": 1}, "q")


@pytest.mark.parametrize("path", ["", "v1/x", "@evil.example/v1", ".evil.example/v1", ":99/v1"])
def test_a_path_that_would_change_the_host_is_a_value_error_before_any_request(
    canned: CannedServer, asker: AdminClient, path: str
) -> None:
    with pytest.raises(ValueError, match="path"):
        asker.request("GET", path)
    assert canned.asked == []


def test_a_header_of_the_caller_does_not_replace_the_key(
    canned: CannedServer, asker: AdminClient
) -> None:
    canned.answer({"success": True})
    asker.request("GET", "/v1/x", headers={"Authorization": "Bearer other"})
    assert canned.asked[0].headers["authorization"] == "Bearer test-admin-key-0001"


# Pages


def pages(*answers: dict[str, Any]) -> tuple[Callable[[Any], Any], list[Any]]:
    """A server of pages, and the queries it has been asked with."""
    waiting, asked = list(answers), list[Any]()

    def fetch(query: Any) -> Any:
        asked.append(query)
        answer = from_body(200, b'{"success": true}')
        answer.data, answer.meta = waiting.pop(0), {}
        answer.meta = answer.data.pop("meta", None)
        return answer

    return fetch, asked


def test_numbered_pages_are_requested_in_order() -> None:
    more = {"pagination": {"hasNext": True}}
    fetch, asked = pages(
        {"rows": [{"n": 1}], "meta": more}, {"rows": [{"n": 2}], "meta": more}, {"rows": [{"n": 3}]}
    )
    assert [row["n"] for row in walk_pages(fetch, "rows")] == [1, 2, 3]
    assert asked == [{}, {"page": 2}, {"page": 3}]


@pytest.mark.parametrize(
    ("answered", "query"), [("nextCursor", "cursor"), ("lastEventId", "lastEventId")]
)
def test_cursors_are_followed(answered: str, query: str) -> None:
    fetch, asked = pages(
        {"rows": [{"n": 1}], "pagination": {"hasMore": True, answered: "c1"}},
        {"rows": [{"n": 2}], "pagination": {"hasMore": False, answered: "c2"}},
    )
    assert [row["n"] for row in walk_pages(fetch, "rows")] == [1, 2]
    assert asked == [{}, {query: "c1"}]


def test_pages_are_requested_lazily() -> None:
    fetch, asked = pages({"rows": [{"n": 1}], "meta": {"pagination": {"hasNext": True}}})
    assert next(walk_pages(fetch, "rows")) == {"n": 1}
    assert len(asked) == 1


def numbered(*rows: int) -> dict[str, Any]:
    return {"rows": [{"n": n} for n in rows], "meta": {"pagination": {"hasNext": True}}}


def at(cursor: Any, *rows: int) -> dict[str, Any]:
    pagination = {"hasMore": True, "nextCursor": cursor}
    return {"rows": [{"n": n} for n in rows], "pagination": pagination}


STYLES: dict[str, Callable[..., dict[str, Any]]] = {
    "numbers": lambda _, *rows: numbered(*rows),
    "cursors": at,
}


@pytest.mark.parametrize("style", STYLES)
def test_an_empty_page_with_a_next_page_is_skipped(style: str) -> None:
    page = STYLES[style]
    fetch, asked = pages(page("a", 1), page("b"), page("c"), {"rows": [{"n": 2}]})
    assert [row["n"] for row in walk_pages(fetch, "rows")] == [1, 2]
    assert len(asked) == 4


@pytest.mark.parametrize("style", STYLES)
def test_endless_empty_pages_are_an_incomplete_list(style: str) -> None:
    page = STYLES[style]
    fetch, asked = pages(page("start", 1), *(page(f"c{n}") for n in range(200)))
    walk = walk_pages(fetch, "rows")
    assert next(walk) == {"n": 1}
    with pytest.raises(ApiError, match=r"the list is incomplete.* 100 empty pages in a row"):
        next(walk)
    assert len(asked) == 101


@pytest.mark.parametrize("cursors", ["aa", "aba", "abcb"])
@pytest.mark.parametrize("empty", [False, True])
def test_a_repeated_cursor_is_an_incomplete_list(cursors: str, empty: bool) -> None:
    fetch, asked = pages(*(at(c, *([] if empty else [n])) for n, c in enumerate(cursors)))
    with pytest.raises(ApiError, match=r"the list is incomplete.*has sent already"):
        list(walk_pages(fetch, "rows"))
    assert len(asked) == len(cursors)


@pytest.mark.parametrize("cursor", [None, "", 5, ["a"]])
@pytest.mark.parametrize("rows", [(), (1,)])
def test_a_next_page_without_a_usable_cursor_is_an_incomplete_list(cursor: Any, rows: Any) -> None:
    fetch, _ = pages(at(cursor, *rows))
    with pytest.raises(ApiError, match=r"the list is incomplete.*and not where"):
        list(walk_pages(fetch, "rows"))


def test_an_empty_page_without_a_next_page_ends_the_list() -> None:
    fetch, _ = pages({"rows": [], "meta": {"pagination": {"hasNext": False}}})
    assert list(walk_pages(fetch, "rows")) == []


def test_a_failed_page_raises_after_the_earlier_rows() -> None:
    first, _ = pages({"rows": [{"n": 1}], "meta": {"pagination": {"hasNext": True}}})
    walk = walk_pages(lambda query: from_body(500, b"") if query else first(query), "rows")
    assert next(walk) == {"n": 1}
    with pytest.raises(ServerError):
        next(walk)


@pytest.mark.parametrize("rows", [None, "text", 5, {"n": 1}, [1, None, "x"]])
def test_an_invalid_list_is_an_error_and_not_an_empty_page(rows: Any) -> None:
    fetch, _ = pages({"rows": rows})
    with pytest.raises(ApiError, match="the response has no list of rows"):
        list(walk_pages(fetch, "rows"))


@pytest.mark.parametrize(
    ("meta", "data"),
    [
        ({}, {}),
        ({"pagination": None}, {"pagination": []}),
        ({"pagination": {"hasNext": "yes"}}, {}),
        ({"pagination": {"hasNext": False}}, {"pagination": {"hasMore": True}}),
        ({}, {"pagination": {"hasMore": True, "nextCursor": ""}}),
        ({}, {"pagination": {"hasMore": True, "nextCursor": 5}}),
        ({}, {"pagination": {"hasMore": False, "nextCursor": "c"}}),
    ],
)
def test_a_response_without_a_next_page_ends_the_list(meta: Any, data: Any) -> None:
    assert next_query({}, meta, data) is None
