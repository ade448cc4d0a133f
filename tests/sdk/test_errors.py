"""The exceptions: what they are, and what they tell."""

from __future__ import annotations

import inspect

import pytest

from bindist import AdminClient, errors
from bindist.http.response import failure, from_body

ALL = [
    found
    for found in vars(errors).values()
    if inspect.isclass(found) and found.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_exception_is_a_bindist_error(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.BinDistError)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_the_tree_in_the_docstring_shows_every_exception(kind: type[Exception]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


def test_an_integrity_error_is_a_value_error_as_the_product_page_promises() -> None:
    assert issubclass(errors.IntegrityError, ValueError)


@pytest.mark.parametrize("status", range(400, 600))
def test_only_statuses_from_500_are_server_errors(status: int) -> None:
    assert issubclass(errors.error_for_status(status), errors.ServerError) == (status >= 500)


def test_an_api_error_has_the_response() -> None:
    answer = failure(409, "exists already")
    assert errors.ConflictError(answer).response is answer


def test_an_api_error_has_status_and_code() -> None:
    error = errors.QuotaError(failure(413, "full", code="QUOTA_EXCEEDED"))
    assert (error.status_code, error.code) == (413, "QUOTA_EXCEEDED")


def test_the_text_of_an_api_error_is_the_servers_message() -> None:
    assert (
        str(errors.ApiError(failure(400, "Validation failed: name"))) == "Validation failed: name"
    )


def test_an_api_error_of_the_server_knows_the_request_id(admin: AdminClient) -> None:
    with pytest.raises(errors.NotFoundError) as caught:
        admin.get_application("nothing").raise_for_error()
    assert caught.value.request_id == (caught.value.response.meta or {})["requestId"]


def test_a_gateway_response_has_no_request_id() -> None:
    assert errors.ApiError(from_body(502, b"")).request_id is None


def test_a_request_id_that_is_not_a_string_is_none() -> None:
    answer = from_body(500, b'{"success": false, "meta": {"requestId": 5}}')
    assert errors.ServerError(answer).request_id is None


@pytest.mark.parametrize("ambiguous", [True, False])
def test_a_transport_error_says_whether_it_is_ambiguous(ambiguous: bool) -> None:
    assert errors.TransportError("no answer", ambiguous=ambiguous).ambiguous is ambiguous


def test_different_content_lists_the_differences() -> None:
    found = [("a.zip", "00", "11"), ("b.zip", None, "22")]
    assert errors.DifferentContentError("other content", found).differences == found
