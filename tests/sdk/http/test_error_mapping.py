"""One module knows which exceptions requests, urllib3 and http.client raise."""

from __future__ import annotations

import ast
import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests.exceptions
import urllib3.exceptions

import bindist

PACKAGE = Path(bindist.__file__).parent
MODULES = [
    path.relative_to(PACKAGE).as_posix()
    for path in sorted(PACKAGE.rglob("*.py"))
    if "sandbox" not in path.parts and path.name != "error_mapping.py"
]
FOREIGN = {
    name
    for module in (requests.exceptions, urllib3.exceptions, http.client)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, Exception)
}
LIBRARIES = {"requests", "urllib3", "http"}
# Raised, as http.client and requests themselves would, and never caught.
RAISED = {
    ("http/adapters.py", "HTTPException"),
    ("http/adapters.py", "LineTooLong"),
    ("http/sessions.py", "InvalidProxyURL"),
}


def names_in(module: str) -> Iterator[str]:
    """What a module uses of the libraries."""
    for node in ast.walk(ast.parse((PACKAGE / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node).partition(".")[0] in LIBRARIES:
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and not node.level:
            is_theirs = (node.module or "").partition(".")[0] in LIBRARIES
            yield from (alias.name for alias in node.names if is_theirs)


@pytest.mark.parametrize("module", MODULES)
def test_no_other_module_names_an_exception_of_the_libraries(module: str) -> None:
    found = {(module, name) for name in names_in(module)} - RAISED
    assert {name for _, name in found} & FOREIGN == set()
