"""The table of the API is complete: what the product has, has a row."""

from __future__ import annotations

import inspect

import pytest

from bindist import AdminClient, CustomerClient
from bindist.sandbox.routes.table import ROUTES
from bindist_cli.generate.reference import walk
from tests.api_table import COMMANDS, ENDPOINTS, METHODS, OTHER_METHODS, TRANSFERS, Method
from tests.faults.calls import CALLS, OF_SEVERAL_STEPS

SHARED_DOWNLOAD = ("GET", "/v1/downloads/d/{token}")
"""Browsers open it: no method calls it."""


LOCAL = ("config ", "keys ", "mirror ", "sandbox ", "trust ")
"""Groups whose commands read files of this machine, or print no response as it is."""


def test_every_endpoint_of_the_sandbox_has_a_row() -> None:
    served = {(route.method, route.path) for route in ROUTES}
    assert {(row.verb, row.path) for row in ENDPOINTS} == served - {SHARED_DOWNLOAD}


def test_every_public_method_has_a_row() -> None:
    public = {
        name
        for client in (CustomerClient, AdminClient)
        for name, _ in inspect.getmembers(client, callable)
        if not name.startswith("_")
    }
    rows = [method.name for _, method in METHODS] + [method.name for method in TRANSFERS]
    assert sorted((*rows, *OTHER_METHODS)) == sorted(public)


def test_every_command_has_a_row() -> None:
    assert sorted(command.path for command in COMMANDS) == sorted(path for path, _ in walk())


def test_every_command_that_reads_a_response_has_recorded_calls() -> None:
    without = {command.path for command in COMMANDS if not command.recorded}
    others = {path for path in without if not path.startswith(LOCAL)}
    assert others == {"auth list", "auth logout", "auth token", "completion", "help"}


@pytest.mark.parametrize("method", [method for _, method in METHODS], ids=lambda row: row.name)
def test_every_method_of_one_endpoint_has_an_example(method: Method) -> None:
    assert method.examples


def test_every_method_that_sends_requests_is_in_the_fault_matrix() -> None:
    called = {call.method for call in CALLS}
    rows = {method.name for _, method in METHODS} | {method.name for method in TRANSFERS}
    assert called == (rows | {"request"}) - OF_SEVERAL_STEPS
