"""Whatever comes back is a value with a usable error, or the server's envelope."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bindist import AdminClient, NotFoundError, errors
from bindist.http.response import ApiResponse, code_for_status, failure, from_body
from bindist.sandbox import SandboxServer
from tests.sdk.canned import CannedServer

HTML = "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"
XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SignatureDoesNotMatch</Code>'
    "<Message>The signature does not match.</Message><RequestId>1</RequestId></Error>"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "success": st.booleans() | JSON,
        "data": st.none() | st.dictionaries(st.text(), JSON) | JSON,
        "error": st.fixed_dictionaries({}, optional={"code": JSON, "message": JSON}) | JSON,
        "message": JSON,
        "Message": JSON,
        "meta": JSON,
    },
)
BODIES = st.binary() | st.text().map(str.encode) | (ANSWERS | JSON).map(json.dumps).map(str.encode)


def envelope(**members: Any) -> bytes:
    return json.dumps(members).encode()


def numbers_in(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    for inner in (
        value.values() if isinstance(value, dict) else value if type(value) is list else ()
    ):
        yield from numbers_in(inner)


# Any body at all


@given(st.integers(100, 999), BODIES)
@example(200, b"[" * 100_000)
@example(200, b'{"data":' * 100_000)
@example(200, b"\xff\xfe\x00")
@example(500, b'{"error": {"message": "\\ud800"}}')
@example(200, b'{"success": true, "data": {"n": ' + b"9" * 5000 + b"}}")
@example(403, b"<Error><Code></Code></Error>")
def test_any_body_gives_a_success_or_an_error_with_code_and_message(
    status: int, body: bytes
) -> None:
    answer = from_body(status, body)
    if answer.success:
        assert answer.error is None
    else:
        assert answer.error is not None
        assert answer.error["code"].strip() and answer.error["message"].strip()


@given(st.integers(100, 999), BODIES)
def test_raw_is_always_an_object_and_data_and_meta_are_objects_or_none(
    status: int, body: bytes
) -> None:
    answer = from_body(status, body)
    assert isinstance(answer.raw, dict)
    assert answer.data is None or isinstance(answer.data, dict)
    assert answer.meta is None or isinstance(answer.meta, dict)


@given(st.integers(300, 999), BODIES)
def test_no_body_makes_an_error_status_a_success(status: int, body: bytes) -> None:
    assert not from_body(status, body).success


@given(st.integers(200, 299), BODIES)
@example(200, b'{"success": true, "data": {"n": NaN}}')
@example(200, b'{"success": true, "data": {"n": -Infinity}}')
@example(200, b'{"success": true, "data": {"n": 1e999}}')
def test_numbers_that_json_cannot_express_are_refused(status: int, body: bytes) -> None:
    assert all(math.isfinite(number) for number in numbers_in(from_body(status, body).raw))


# The envelope


def test_the_members_of_the_envelope_become_attributes() -> None:
    sent = {"success": True, "data": {"a": [1]}, "meta": {"requestId": "r1"}}
    answer = from_body(200, envelope(**sent))
    assert answer == ApiResponse(True, 200, {"a": [1]}, None, {"requestId": "r1"}, sent)


def test_a_failed_envelope_keeps_the_whole_error() -> None:
    error = {"code": "PAYLOAD_TOO_LARGE", "message": "full", "details": {"limitBytes": 1}}
    assert from_body(413, envelope(success=False, error=error)).error == error


def test_a_failed_envelope_is_failed_with_status_200_too() -> None:
    answer = from_body(200, envelope(success=False, error={"message": "no"}))
    assert (answer.success, answer.error) == (False, {"message": "no", "code": "INVALID_RESPONSE"})


def test_success_must_be_true_and_not_merely_truthy() -> None:
    assert not from_body(200, envelope(success="true", data={})).success


def test_data_that_is_not_an_object_is_a_failure_that_keeps_raw() -> None:
    answer = from_body(200, envelope(success=True, data=[1]))
    assert (answer.success, answer.data, answer.raw["data"]) == (False, None, [1])


def test_an_empty_message_of_the_gateway_is_replaced_by_the_reason() -> None:
    answer = from_body(401, envelope(success=False, error={"code": "UNAUTHORIZED", "message": ""}))
    assert answer.error == {"code": "UNAUTHORIZED", "message": "HTTP 401 Unauthorized"}


def test_lone_surrogates_are_kept() -> None:
    assert from_body(200, b'{"success": true, "data": {"n": "\\ud800"}}').data == {"n": "\ud800"}


# Answers that are not the envelope, each over the wire


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (401, {"message": "Unauthorized"}, "UNAUTHORIZED", "Unauthorized"),
        (
            403,
            {"success": False, "error": {"code": "ACCESS_DENIED", "message": "Denied"}},
            "ACCESS_DENIED",
            "Denied",
        ),
        (
            403,
            {"message": "Missing Authentication Token"},
            "NO_SUCH_PATH",
            "the gateway has no such path: Missing Authentication Token",
        ),
        (404, {"message": "Not Found"}, "NOT_FOUND", "Not Found"),
        (413, {"Message": "Request Too Long"}, "REQUEST_TOO_LARGE", "Request Too Long"),
        (429, {"message": "Too Many Requests"}, "TOO_MANY_REQUESTS", "Too Many Requests"),
        (502, HTML, "BAD_GATEWAY", HTML),
        (503, b"", "SERVICE_UNAVAILABLE", "HTTP 503 Service Unavailable"),
        (504, {"message": "timed out"}, "GATEWAY_TIMEOUT", "timed out"),
        (200, HTML, "INVALID_RESPONSE", HTML),
        (200, b"", "INVALID_RESPONSE", "HTTP 200: not an answer of the BinDist API"),
        (200, [1, 2], "INVALID_RESPONSE", "[1, 2]"),
        (500, "plain text\n", "INTERNAL_ERROR", "plain text"),
        (403, XML, "SignatureDoesNotMatch", "The signature does not match."),
        (418, b"", "HTTP_418", "HTTP 418 I'm a Teapot"),
        (599, {"error": "odd"}, "HTTP_599", "odd"),
    ],
)
def test_a_response_without_the_envelope_has_a_usable_error(
    canned: CannedServer, connect: Any, status: int, body: Any, code: str, message: str
) -> None:
    canned.answer(body, status)
    answer = connect(canned.url, retries=0).get_application("tool")
    assert (answer.success, answer.status_code) == (False, status)
    assert answer.error is not None
    assert (answer.error["code"], answer.error["message"]) == (code, message)


@pytest.mark.parametrize(
    "fault", ["status:403", "html", "empty", "text", "not-json", "json-array", "redirect:/x"]
)
def test_a_method_returns_a_failed_response_and_does_not_raise(
    server: SandboxServer, connect: Any, fault: str
) -> None:
    server.faults.add(f"{fault},times=0")
    answer = connect(server.url, retries=0).list_applications()
    assert not answer.success and answer.error["code"] and answer.error["message"]


def test_a_redirect_names_its_target(canned: CannedServer, asker: AdminClient) -> None:
    canned.answer(b"", 302, headers={"Location": "https://elsewhere.example/v1"})
    error = asker.list_applications().error
    assert error is not None
    assert error["code"] == "REDIRECT" and "https://elsewhere.example/v1" in error["message"]


# Raising


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.AuthenticationError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (409, errors.ConflictError),
        (410, errors.NotFoundError),
        (413, errors.QuotaError),
        (429, errors.RateLimitError),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (599, errors.ServerError),
        (400, errors.ApiError),
        (302, errors.ApiError),
        (200, errors.ApiError),
    ],
)
def test_raise_for_error_raises_the_exception_of_the_status(
    status: int, kind: type[errors.ApiError]
) -> None:
    with pytest.raises(errors.ApiError) as caught:
        failure(status, "it went wrong").raise_for_error()
    assert type(caught.value) is kind


def test_raise_for_error_returns_a_successful_response() -> None:
    answer = from_body(200, envelope(success=True, data={}))
    assert answer.raise_for_error() is answer


def test_require_returns_the_data_of_a_success() -> None:
    assert from_body(200, envelope(success=True, data={"a": 1})).require() == {"a": 1}


def test_require_returns_an_empty_object_for_a_success_without_data() -> None:
    assert from_body(200, envelope(success=True)).require() == {}


def test_require_raises_for_a_failure() -> None:
    with pytest.raises(errors.NotFoundError):
        failure(404, "gone").require()


def test_a_status_without_a_name_of_its_own_is_its_own_code() -> None:
    assert code_for_status(507) == "HTTP_507"


def test_unwrap_returns_the_data_of_a_successful_response():
    assert ApiResponse(True, 200, {"a": 1}, None, None, {}).unwrap() == {"a": 1}


def test_unwrap_raises_as_raise_for_error_does():
    error = {"code": "NOT_FOUND", "message": "no such version"}
    with pytest.raises(NotFoundError):
        ApiResponse(False, 404, None, error, None, {}).unwrap()
