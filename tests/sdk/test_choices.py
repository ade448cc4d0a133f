"""Arguments with a closed set of values: typed as a Literal, and checked before any request."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, CustomerClient
from bindist import types as public_types
from bindist.choices import CHOICES, check_choices, check_given_choices
from bindist.sandbox.routes.reports import EVENT_TYPES
from tests.sdk.canned import CannedServer

# Every argument of a public method that may be any text. One with a closed set has a Literal type.
FREE_TEXTS = {
    "api_key", "application_id", "application_ids", "base_url", "changelog", "checksum",
    "content_type",
    "customer_id", "customer_ids", "description", "email", "end_date", "expected", "file_id",
    "file_lists", "file_name", "files", "grant", "add_customer_ids", "headers",
    "remove_customer_ids",
    "last_event_id", "license", "listed", "method", "name", "notes", "params",
    "new", "old", "parent_customer_id", "reference", "release_notes", "search", "start_date",
    "tags", "than", "trusted_keys", "upload_id", "version",
}  # fmt: skip
PATHS = {
    "cache", "folder", "journal", "keys_dir", "path", "paths", "path_or_file", "signature_cache",
    "verify",
}  # fmt: skip


def public_calls() -> Iterator[tuple[str, str, Any]]:
    """(method, parameter, its type) for each parameter of each public method."""
    from bindist.clients import customer, publishing, uploads, version_download

    names: dict[str, Any] = {**vars(public_types)}
    for module in (customer, publishing, uploads, version_download):
        names |= vars(module)
    results = ("Download", "StoredBytes", "Release", "ReleasePreview")
    signing = ("SignedChecksums", "SigningKey", "TrustedKey")
    imports = ("ImportRow", "ImportedCustomer")
    stand_ins = dict.fromkeys((*results, *signing, *imports), Any)
    for method, function in inspect.getmembers(AdminClient, inspect.isfunction):
        if method.startswith("_") and method != "__init__":
            continue
        known = {**vars(inspect.getmodule(function)), **stand_ins, **names}
        for parameter in list(inspect.signature(function).parameters.values())[1:]:
            yield method, parameter.name, eval(parameter.annotation, known)


def choices_in(kind: Any) -> tuple[str, ...] | None:
    """The values of a Literal, or of one that may be None."""
    for each in (kind, *typing.get_args(kind)):
        if typing.get_origin(each) is typing.Literal:
            return typing.get_args(each)
    return None


def takes_any_text(kind: Any) -> bool:
    if typing.get_origin(kind) in (typing.Union, types.UnionType, Iterable):
        return any(map(takes_any_text, typing.get_args(kind)))
    origin = typing.get_origin(kind)
    is_iterable = isinstance(origin, type) and issubclass(origin, Iterable)
    return kind is str or (is_iterable and any(map(takes_any_text, typing.get_args(kind)[:1])))


CALLS = list(public_calls())
CHECKED = [(method, name) for method, name, kind in CALLS if choices_in(kind)]
NEEDED = {
    "application_id": "tool",
    "version": "1.0",
    "file_name": "a.exe",
    "content": b"bytes",
}


def required(method: str, path: Path) -> dict[str, Any]:
    """Values for the arguments that this method cannot do without."""
    given = {**NEEDED, "path_or_file": path, "paths": [path]}
    parameters = inspect.signature(getattr(AdminClient, method)).parameters.values()
    return {each.name: given[each.name] for each in parameters if each.name in given}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.exe"
    path.write_bytes(b"bytes")
    return path


def test_each_argument_is_free_text_or_has_its_values_in_the_table() -> None:
    unknown = {
        name
        for _, name, kind in CALLS
        if takes_any_text(kind) and name not in FREE_TEXTS and name not in PATHS
    }
    assert unknown == set()


def test_the_type_of_an_argument_has_the_values_of_the_table() -> None:
    typed = {name: choices_in(kind) for _, name, kind in CALLS if choices_in(kind)}
    assert typed == CHOICES


@pytest.mark.parametrize(("method", "name"), [each for each in CHECKED if each[0] != "__init__"])
def test_a_wrong_value_is_a_value_error_before_any_request(
    asker: AdminClient, canned: CannedServer, file: Path, method: str, name: str
) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be one of ") as caught:
        getattr(asker, method)(**{**required(method, file), name: "matchh"})
    assert str(caught.value).endswith(f"{', '.join(CHOICES[name])}, not 'matchh'")
    assert canned.asked == []


@pytest.mark.parametrize("kind", [AdminClient, CustomerClient])
def test_a_wrong_value_is_a_value_error_when_a_client_is_made(kind: Any) -> None:
    with pytest.raises(ValueError, match="store_etag must be one of md5, opaque, not 'MD5'"):
        kind("https://example.com", "key", store_etag="MD5")


@pytest.mark.parametrize("value", ["Match", "", "match ", 1, None, ["match"]])
def test_only_the_values_themselves_are_right(value: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(f"match, skip, fail, not {value!r}")):
        check_choices(if_exists=value)


@pytest.mark.parametrize("name", CHOICES)
def test_each_value_is_accepted_and_so_is_none_where_an_argument_may_be_left_out(name: str) -> None:
    for value in (*CHOICES[name], None):
        check_given_choices(**{name: value})


def test_event_types_are_those_of_the_server() -> None:
    assert CHOICES["event_type"] == EVENT_TYPES


@pytest.mark.parametrize("name", ["ActivityType", "FileType", "IfExists", "SortBy", "StoreEtag"])
def test_the_types_of_arguments_can_be_had_from_the_package(name: str) -> None:
    import bindist

    assert getattr(bindist, name) is getattr(public_types, name)
