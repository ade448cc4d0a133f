"""The dictionaries' types say what the server sent: every key of every recorded answer."""

from __future__ import annotations

import json
import types
import typing
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bindist
from bindist import AdminClient
from bindist import types as objects
from tests.api_table import ENDPOINTS

RECORDED = Path(__file__).parents[1] / "contract" / "exchanges.jsonl"
NOT_THE_SERVERS = {"Activities.limitReached", "AuditEvents.limitReached", "DownloadedFile"}
PUBLIC = {
    name: value
    for name, value in vars(objects).items()
    if typing.is_typeddict(value) and not name.startswith("_")
}


def recorded() -> Iterator[tuple[str, str, Any]]:
    """(name of the exchange, call, data) of each successful answer."""
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        exchange = json.loads(line)
        request, body = exchange["request"], exchange["response"].get("body")
        if isinstance(body, dict) and body.get("success") is True:
            path = request["path"].partition("?")[0].rstrip("/")
            yield exchange["name"], f"{request['method']} {path}", body["data"]


def misfits(value: Any, kind: Any, at: str) -> Iterator[str]:
    """Where a value is not what its type says."""
    if typing.is_typeddict(kind):
        if not isinstance(value, dict):
            yield f"{at}: {type(value).__name__}"
            return
        hints = typing.get_type_hints(kind)
        yield from (f"{at}.{key}: unknown" for key in value.keys() - hints.keys())
        yield from (f"{at}.{key}: missing" for key in kind.__required_keys__ - value.keys())
        for key in value.keys() & hints.keys():
            yield from misfits(value[key], hints[key], f"{at}.{key}")
        return
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        if not any(not list(misfits(value, each, at)) for each in arguments):
            yield f"{at}: {value!r}"
    elif origin in (list, dict):
        if not isinstance(value, origin):
            yield f"{at}: {type(value).__name__}"
            return
        for item in value if origin is list else value.values():
            yield from misfits(item, arguments[-1], f"{at}[]")
    elif kind is not Any and type(value) is not kind:
        yield f"{at}: {type(value).__name__}"


def kind_of(call: str) -> Any:
    verb, _, path = call.partition(" ")
    (found,) = [endpoint.data for endpoint in ENDPOINTS if endpoint.matches(verb, path)]
    return getattr(objects, found)


def test_every_recorded_response_matches_its_type() -> None:
    found = {
        f"{name}: {problem}"
        for name, call, data in recorded()
        for problem in misfits(data, kind_of(call), kind_of(call).__name__)
    }
    assert found == set()


def test_every_key_of_a_type_is_in_a_recorded_response() -> None:
    seen: dict[str, set[str]] = defaultdict(set)

    def look(value: Any, kind: Any) -> None:
        if typing.is_typeddict(kind):
            seen[kind.__name__] |= value.keys()
            for key, inner in typing.get_type_hints(kind).items():
                if key in value:
                    look(value[key], inner)
        elif typing.get_origin(kind) is list:
            for item in value:
                look(item, typing.get_args(kind)[0])

    for _, call, data in recorded():
        look(data, kind_of(call))
    unseen = {
        f"{name}.{key}"
        for name, kind in PUBLIC.items()
        for key in typing.get_type_hints(kind).keys() - seen[name]
        if not {name, f"{name}.{key}"} & NOT_THE_SERVERS
    }
    assert unseen == set()


@pytest.mark.parametrize("name", PUBLIC)
def test_a_type_can_be_imported_from_the_package(name: str) -> None:
    assert getattr(bindist, name) is PUBLIC[name]
    assert name in dir(bindist)


def test_a_star_import_has_no_response_types() -> None:
    assert not PUBLIC.keys() & set(bindist.__all__)


@pytest.mark.parametrize(
    ("method", "kind"),
    [("list_activity", objects.Activities), ("list_customers", objects.Customers)],
)
def test_keys_that_a_client_adds_are_in_the_type(
    admin: AdminClient, method: str, kind: Any
) -> None:
    data = getattr(admin, method)(page=1).data
    assert list(misfits(data, kind, "data")) == []


def test_the_metadata_of_download_file_match_their_type(
    admin: AdminClient, application: str
) -> None:
    admin.upload_small_file(application, "1.0", "a.zip", b"bytes").raise_for_error()
    _, told = admin.download_file(application, "1.0", test_channel=True)
    assert list(misfits(told, objects.DownloadedFile, "told")) == []
    assert type(told) is dict


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"customerId": "a"}, objects.ApplicationCustomer),
        ({"customerId": "a", "name": "A", "more": 1}, objects.ApplicationCustomer),
        ({"customerId": "a", "name": None}, objects.ApplicationCustomer),
        ({"customerId": 1, "name": "A"}, objects.ApplicationCustomer),
        ({"versions": [{}]}, objects.Versions),
        ({"versions": {}}, objects.Versions),
        ([], objects.Versions),
        ({"hasMore": 1}, objects.AuditPagination),
    ],
)
def test_the_comparison_reports_mismatches(value: Any, kind: Any) -> None:
    assert list(misfits(value, kind, "data"))
