"""The command line uses what of the SDK is public: no name with an underscore, no private module.

The modules are kept by a contract of import-linter; the attributes here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bindist
import bindist_cli

SOURCES = sorted(Path(bindist_cli.__file__).parent.rglob("*.py"))
OF_OTHERS = {"os._exit"}


def private_uses(source: str) -> Iterator[str]:
    """Attributes that start with one underscore, of anything but `self` and `cls`; and imports of
    such names from `bindist`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            is_private = node.attr.startswith("_") and not node.attr.startswith("__")
            if is_private and ast.unparse(node.value) not in ("self", "cls"):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bindist."):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (part for part in parts if part.startswith("_"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_private_attribute_of_the_sdk_is_used(path: Path) -> None:
    assert set(private_uses(path.read_text("utf-8"))) <= OF_OTHERS


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("app.client._transport.pause(1)", ["app.client._transport"]),
        ("from bindist._version import __version__", ["_version", "__version__"]),
        ("from bindist.errors import _remade", ["_remade"]),
        ("self._made; cls._made; type(self).__name__", []),
        ("from bindist.errors import ApiError", []),
    ],
)
def test_a_private_use_is_found(source: str, found: list[str]) -> None:
    assert list(private_uses(source)) == found


def test_every_public_module_exists() -> None:
    import importlib
    import re

    named = re.findall(r"(?m)^    (bindist\.\w+) ", bindist.__doc__ or "")
    assert len(named) > 8
    for name in named:
        assert importlib.import_module(name).__doc__
