"""What the product page promises by name: clients, methods, parameters, defaults, exceptions."""

from __future__ import annotations

import dataclasses
import importlib.resources
import inspect
import subprocess
import sys
from typing import Any

import pytest

import bindist
from bindist import AdminClient, ApiResponse, CustomerClient
from tests.api_table import METHODS, TRANSFERS, Method

NO = inspect.Parameter.empty  # a parameter without a default


def defaults(kind: type, method: str, *, by_name: bool) -> dict[str, Any]:
    parameters = list(inspect.signature(getattr(kind, method)).parameters.values())[1:]
    return {
        found.name: found.default
        for found in parameters
        if (found.kind is found.KEYWORD_ONLY) == by_name
    }


def public_methods(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}


def signature(method: str) -> str:
    """Name, parameters and defaults, without the types."""
    found = inspect.signature(getattr(AdminClient, method))
    _, *parameters = (each.replace(annotation=NO) for each in found.parameters.values())
    return f"{method}{found.replace(parameters=parameters, return_annotation=NO)}"


PROMISED = [
    *((method, endpoint.data, endpoint.admin) for endpoint, method in METHODS),
    *((method, "NewVersion", method.name.startswith("upload")) for method in TRANSFERS),
]
PROMISED = [row for row in PROMISED if "(" in row[0].signature]
names = pytest.mark.parametrize(
    ("method", "data", "is_admins"), PROMISED, ids=[method.name for method, *_ in PROMISED]
)


@names
def test_a_method_has_the_promised_parameters_and_defaults(
    method: Method, data: str, is_admins: bool
) -> None:
    assert signature(method.name) == method.signature


@names
def test_a_method_returns_what_is_promised(method: Method, data: str, is_admins: bool) -> None:
    returned = inspect.signature(getattr(AdminClient, method.name)).return_annotation
    assert returned == (method.returns or f"ApiResponse[{data}]")


@names
def test_administrators_methods_are_missing_from_the_customers_client(
    method: Method, data: str, is_admins: bool
) -> None:
    assert hasattr(CustomerClient, method.name) is not is_admins


@pytest.mark.parametrize("method", sorted(public_methods(AdminClient)))
def test_every_public_method_is_documented(method: str) -> None:
    assert inspect.getdoc(getattr(AdminClient, method))


@pytest.mark.parametrize("kind", [CustomerClient, AdminClient])
def test_a_client_takes_an_address_and_a_key(kind: type) -> None:
    assert defaults(kind, "__init__", by_name=False) == {"base_url": NO, "api_key": NO}


@pytest.mark.parametrize("kind", [CustomerClient, AdminClient])
def test_time_outs_and_retries_have_their_defaults(kind: type) -> None:
    found = defaults(kind, "__init__", by_name=True)
    assert found == {
        "timeout": (10.0, 60.0),
        "retries": 3,
        "backoff": 0.5,
        "verify": None,
        "store_etag": "md5",
        "allow_http": False,
        "allow_private_store": False,
        "total_timeout": None,
        "answer_limit": 16 * 1024 * 1024,
        "transfer_config": None,
    }


def test_a_response_is_a_dataclass_with_the_promised_fields() -> None:
    assert {field.name: field.type for field in dataclasses.fields(ApiResponse)} == {
        "success": "bool",
        "status_code": "int",
        "data": "Data | None",
        "error": "Json | None",
        "meta": "Json | None",
        "raw": "Json",
        "date": "float | None",
        "tries": "int",
    }


def test_every_public_name_can_be_imported_from_the_package() -> None:
    assert {name for name in bindist.__all__ if getattr(bindist, name, None) is None} == set()


def test_every_exception_is_public() -> None:
    found = {
        name
        for name, value in vars(bindist.errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert found <= set(bindist.__all__)


def test_dir_includes_lazily_imported_names() -> None:
    assert set(bindist.__all__) <= set(dir(bindist))


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        bindist.Nothing  # noqa: B018


def modules_after(code: str) -> set[str]:
    """The top-level modules that a new interpreter has after running the code."""
    program = f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert not done.stderr
    return set(done.stdout.split())


def test_importing_the_package_does_not_import_requests() -> None:
    assert "requests" not in modules_after("import bindist")


def test_the_clients_import_nothing_of_the_command_line() -> None:
    code = "from bindist import *; import bindist.release"
    assert not modules_after(code) & {"click", "rich", "bindist_cli", "tomlkit"}


def test_a_star_import_brings_everything_public() -> None:
    code = "from bindist import *; import bindist; [globals()[name] for name in bindist.__all__]"
    assert "requests" in modules_after(code)


@pytest.mark.parametrize("package", ["bindist", "bindist_cli"])
def test_the_packages_are_marked_as_typed(package: str) -> None:
    assert importlib.resources.files(package).joinpath("py.typed").is_file()
