"""What each method sends: verb, path, query and body, with nothing that was not asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from bindist import AdminClient
from tests.api_table import METHODS, Endpoint, Example, Method
from tests.sdk.canned import CannedServer

Call = Callable[[AdminClient], Any]
EXAMPLES = [
    pytest.param(endpoint, method, example, id=f"{method.name}-{number}")
    for endpoint, method in METHODS
    for number, example in enumerate(method.examples)
]
RESPONSE = {"success": True, "data": {"applications": [], "events": [], "versions": []}}


@pytest.mark.parametrize(("endpoint", "method", "example"), EXAMPLES)
def test_a_method_sends_the_given_fields_and_no_others(
    canned: CannedServer, asker: AdminClient, endpoint: Endpoint, method: Method, example: Example
) -> None:
    canned.answer(RESPONSE)
    result = getattr(asker, method.name)(*example.args, **example.kwargs)
    if method.pages:
        assert list(result) == []
    *lookups, sent = canned.asked
    assert {lookup.method for lookup in lookups} <= {"GET"}
    assert endpoint.verb != "GET" or lookups == []
    path, _, query = sent.target.partition("?")
    assert (sent.method, path) == (endpoint.verb, endpoint.example_path(example))
    if endpoint.verb == "GET":
        assert dict(parse_qsl(query, keep_blank_values=True)) == example.fields
    else:
        assert (sent.json if sent.body else None) == example.fields
        assert query == ""


@pytest.mark.parametrize(
    "call",
    [
        lambda client, **more: client.list_versions("tool", **more),
        lambda client, **more: client.get_download_url("tool", "1.0", **more),
    ],
)
@pytest.mark.parametrize(("test_channel", "header"), [(True, "Test"), (False, None)])
def test_the_test_channel_is_a_header(
    canned: CannedServer,
    asker: AdminClient,
    call: Callable[..., Any],
    test_channel: bool,
    header: str | None,
) -> None:
    canned.answer({"success": True, "data": {}})
    call(asker, test_channel=test_channel)
    assert canned.asked[0].headers.get("x-channel") == header


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.create_application("tool", "Tool", customer_ids="c1"),
        lambda c: c.create_application("tool", "Tool", tags="windows"),
        lambda c: c.update_application_customers("tool", "c1"),
    ],
)
def test_a_string_in_place_of_a_list_is_a_value_error_before_any_request(
    canned: CannedServer, asker: AdminClient, call: Call
) -> None:
    with pytest.raises(ValueError, match="must be a list"):
        call(asker)
    assert canned.asked == []
