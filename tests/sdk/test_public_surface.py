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

NO = inspect.Parameter.empty  # a parameter without a default

# The parameters that may be given by position, in order, with their defaults.
CUSTOMER_METHODS: dict[str, dict[str, Any]] = {
    "list_applications": {"search": None, "tags": None, "page": 1, "page_size": 20},
    "iter_applications": {"search": None, "tags": None},
    "get_application": {"application_id": NO},
    "list_versions": {"application_id": NO, "test_channel": False},
    "list_version_files": {"application_id": NO, "version": NO},
    "get_download_url": {
        "application_id": NO,
        "version": NO,
        "file_id": None,
        "test_channel": False,
    },
    "create_share_link": {
        "application_id": NO,
        "version": NO,
        "file_id": None,
        "expires_minutes": 30,
    },
    "get_stats": {"application_id": NO},
    "download_file": {
        "application_id": NO,
        "version": NO,
        "file_id": None,
        "verify_checksum": True,
        "test_channel": False,
    },
}
ADMIN_METHODS: dict[str, dict[str, Any]] = {
    "create_customer": {"name": NO, "notes": None},
    "update_customer": {"customer_id": NO, "name": None, "is_active": None, "notes": None},
    "list_customers": {"page": None, "page_size": None},
    "create_application": {
        "application_id": NO,
        "name": NO,
        "customer_ids": None,
        "description": None,
        "tags": None,
    },
    "delete_application": {"application_id": NO},
    "update_application_customers": {
        "application_id": NO,
        "add_customer_ids": None,
        "remove_customer_ids": None,
    },
    "update_version": {
        "application_id": NO,
        "version": NO,
        "is_enabled": None,
        "is_active": None,
        "release_notes": None,
    },
    "upload_small_file": {
        "application_id": NO,
        "version": NO,
        "file_name": NO,
        "content": NO,
        "release_notes": None,
    },
    "upload_large_file": {
        "application_id": NO,
        "version": NO,
        "file_name": NO,
        "content": NO,
        "release_notes": None,
    },
    "get_large_upload_url": {
        "application_id": NO,
        "version": NO,
        "file_name": NO,
        "file_size": NO,
        "content_type": None,
    },
    "complete_large_upload": {
        "upload_id": NO,
        "application_id": NO,
        "version": NO,
        "file_name": NO,
        "file_size": NO,
        "checksum": NO,
        "release_notes": None,
    },
    "list_activity": {"activity_type": None, "page": 1, "page_size": 50},
    "list_audit_events": {"event_type": None},
    "iter_audit_events": {"event_type": None},
    "regenerate_customer_key": {"customer_id": NO},
    "regenerate_admin_key": {},
    "regenerate_apps_admin_key": {},
}
# What goes beyond the product page is given by name alone.
BY_NAME: dict[str, dict[str, Any]] = {
    "list_applications": {"is_active": None, "sort_by": None, "sort_order": None},
    "iter_applications": {"is_active": None, "sort_by": None, "sort_order": None, "page_size": 100},
    "list_versions": {"changelog": None},
    "get_stats": {"version": None},
    "create_customer": {
        "email": None,
        "reference": None,
        "license": None,
        "parent_customer_id": "admin",
    },
    "update_customer": {"email": None, "reference": None, "license": None},
    "upload_small_file": {"file_type": None, "description": None},
    "list_activity": {
        "application_id": None,
        "customer_id": None,
        "start_date": None,
        "end_date": None,
    },
    "list_audit_events": {
        "start_date": None,
        "end_date": None,
        "limit": 50,
        "last_event_id": None,
    },
    "iter_audit_events": {"start_date": None, "end_date": None, "page_size": 100},
}
RETURNS = {
    "download_file": "tuple[bytes, DownloadedFile]",
    "iter_applications": "Iterator[Application]",
    "iter_audit_events": "Iterator[AuditEvent]",
}


def defaults(kind: type, method: str, *, by_name: bool) -> dict[str, Any]:
    parameters = list(inspect.signature(getattr(kind, method)).parameters.values())[1:]
    return {
        found.name: found.default
        for found in parameters
        if (found.kind is found.KEYWORD_ONLY) == by_name
    }


def public_methods(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}


@pytest.mark.parametrize("method", CUSTOMER_METHODS)
def test_a_customers_method_has_the_promised_parameters(method: str) -> None:
    found = defaults(CustomerClient, method, by_name=False)
    assert list(found.items()) == list(CUSTOMER_METHODS[method].items())


@pytest.mark.parametrize("method", ADMIN_METHODS)
def test_an_administrators_method_has_the_promised_parameters(method: str) -> None:
    found = defaults(AdminClient, method, by_name=False)
    assert list(found.items()) == list(ADMIN_METHODS[method].items())


@pytest.mark.parametrize("method", [*CUSTOMER_METHODS, *ADMIN_METHODS])
def test_what_goes_beyond_is_given_by_name(method: str) -> None:
    assert defaults(AdminClient, method, by_name=True) == BY_NAME.get(method, {})


@pytest.mark.parametrize("method", [*CUSTOMER_METHODS, *ADMIN_METHODS])
def test_a_method_returns_what_is_promised(method: str) -> None:
    returned = inspect.signature(getattr(AdminClient, method)).return_annotation
    if method in RETURNS:
        assert returned == RETURNS[method]
    else:
        assert returned.startswith("ApiResponse[")  # of what, is for type checkers alone


@pytest.mark.parametrize("method", CUSTOMER_METHODS)
def test_an_administrator_may_do_what_a_customer_may(method: str) -> None:
    assert inspect.signature(getattr(AdminClient, method)) == inspect.signature(
        getattr(CustomerClient, method)
    )


@pytest.mark.parametrize("method", ADMIN_METHODS)
def test_a_customers_client_offers_nothing_of_the_administrators(method: str) -> None:
    assert not hasattr(CustomerClient, method)


@pytest.mark.parametrize("method", sorted(public_methods(AdminClient)))
def test_every_public_method_is_documented(method: str) -> None:
    assert inspect.getdoc(getattr(AdminClient, method))


@pytest.mark.parametrize("kind", [CustomerClient, AdminClient])
def test_a_client_is_made_of_an_address_and_a_key(kind: type) -> None:
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


def test_an_answer_is_a_dataclass_with_the_promised_fields() -> None:
    assert {field.name: field.type for field in dataclasses.fields(ApiResponse)} == {
        "success": "bool",
        "status_code": "int",
        "data": "Data | None",
        "error": "Json | None",
        "meta": "Json | None",
        "raw": "Json",
        "date": "float | None",
    }


def test_everything_public_can_be_had_from_the_package() -> None:
    assert {name for name in bindist.__all__ if getattr(bindist, name, None) is None} == set()


def test_every_exception_is_public() -> None:
    found = {
        name
        for name, value in vars(bindist.errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert found <= set(bindist.__all__)


def test_dir_shows_what_is_imported_late() -> None:
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
def test_the_packages_say_that_they_are_typed(package: str) -> None:
    assert importlib.resources.files(package).joinpath("py.typed").is_file()
