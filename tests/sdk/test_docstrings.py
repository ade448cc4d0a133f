"""What `help()` and an editor tell of each call: its endpoint, arguments, result and exceptions."""

from __future__ import annotations

import inspect
import pydoc
import re
from typing import Any

import pytest

import bindist
import bindist.types
from bindist import AdminClient, ApiResponse, CustomerClient, Download

CLIENTS = [AdminClient, CustomerClient]
# What sends nothing of its own, or anything.
WITHOUT_ENDPOINT = {"close", "request"}
ENDPOINT = re.compile(r"`(?:GET|POST|PUT|PATCH|DELETE) /v1/[\w/{}-]+`|`PUT` to the object store")


def methods(kind: type) -> list[str]:
    return [name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")]


def told(method: str, kind: type = AdminClient) -> str:
    """What is said of a method itself."""
    found = inspect.getdoc(getattr(kind, method))
    assert found
    return found


def told_for_all(method: str) -> str:
    """What the clients say once for the methods that they define."""
    owners = [kind for kind in AdminClient.__mro__ if method in vars(kind)]
    return "\n".join(inspect.getdoc(kind) or "" for kind in [*owners, CustomerClient, AdminClient])


def returned(method: str) -> str:
    return str(inspect.signature(getattr(AdminClient, method)).return_annotation)


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


@pytest.mark.parametrize("method", methods(AdminClient))
def test_a_method_names_its_endpoint_or_the_method_that_it_calls(method: str) -> None:
    called = set(re.findall(r"`(\w+)`", told(method))) & set(methods(AdminClient)) - {method}
    assert method in WITHOUT_ENDPOINT or ENDPOINT.search(told(method)) or called


@pytest.mark.parametrize("method", methods(AdminClient))
def test_a_method_tells_of_each_parameter(method: str) -> None:
    parameters = set(inspect.signature(getattr(AdminClient, method)).parameters) - {"self"}
    shared = re.search("(?s)Arguments that many.*", inspect.getdoc(CustomerClient) or "")
    assert shared
    known = names_in(told(method)) | names_in(shared[0]) | {"customer_id"}
    assert parameters - known == set()


@pytest.mark.parametrize("method", methods(AdminClient))
def test_a_method_tells_what_it_returns(method: str) -> None:
    if returned(method) == "None":
        assert "Returns" not in told(method)
    elif returned(method).startswith("Iterator["):
        assert "Yields" in told(method)
    else:
        assert "Returns" in told(method)


@pytest.mark.parametrize("method", methods(AdminClient))
def test_a_method_that_returns_an_answer_names_what_is_in_it(method: str) -> None:
    for kind in re.findall(r"(\w+)\]", returned(method)):
        assert f"`{kind}`" in told(method) or kind not in bindist.types.__all__


@pytest.mark.parametrize("method", methods(AdminClient))
def test_a_method_tells_what_it_raises_unless_that_is_said_for_all(method: str) -> None:
    if not returned(method).startswith("ApiResponse["):
        assert method == "close" or "Raises" in told(method)
    assert "do not raise for a failed response" in told_for_all(method)


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_client_tells_of_what_it_is_made(kind: Any) -> None:
    parameters = set(inspect.signature(kind).parameters)
    assert parameters - names_in(told("__init__", kind)) == set()


@pytest.mark.parametrize("method", methods(ApiResponse))
def test_a_method_of_an_answer_tells_what_it_returns_and_raises(method: str) -> None:
    assert "raise" in told(method, ApiResponse)


@pytest.mark.parametrize("kind", [ApiResponse, Download])
def test_a_value_tells_of_each_of_its_fields(kind: Any) -> None:
    assert set(kind.__dataclass_fields__) - names_in(kind.__doc__) == set()


@pytest.mark.parametrize("name", sorted({*bindist.__all__, *bindist.types.__all__}))
def test_everything_public_is_documented_itself(name: str) -> None:
    value = getattr(bindist, name)
    if isinstance(value, type):
        assert vars(value).get("__doc__", "").strip()
        assert not value.__doc__.startswith(f"{name}(")  # what dataclasses make up


def page(thing: Any) -> str:
    return pydoc.render_doc(thing, renderer=pydoc.plaintext)


def test_pydoc_shows_every_public_name() -> None:
    shown = names_in(page(bindist))
    assert set(bindist.__all__) - {"__version__"} <= shown
    assert bindist.__version__ in page(bindist)


@pytest.mark.parametrize("kind", CLIENTS)
def test_pydoc_shows_every_method_and_nothing_private(kind: type) -> None:
    shown = set(re.findall(r"(?m)^ \|  (\w+)\(", page(kind)))
    assert set(methods(kind)) <= shown
    assert not {name for name in shown if re.match("_[^_]", name)}


@pytest.mark.parametrize("thing", [bindist, *CLIENTS, ApiResponse, bindist.errors, bindist.types])
def test_pydoc_shows_no_default_that_is_an_address_in_memory(thing: Any) -> None:
    assert not re.search(r"<\w.* at 0x", page(thing))
