"""What a row of `the table` is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LIST, ONE, TEXT = "list", "one", "text"
"""What a command prints: a list of objects, one object, or text of its own."""

CONTENT = bytes(range(250)) * 12
"""Of a small file."""

_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Example:
    """Arguments of a method, and the query or body that it must send for them, exactly.

    `path` gives parameters of the path that differ from `EXAMPLE_PATH`.
    """

    fields: Mapping[str, Any] | None
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    path: Mapping[str, str]


EXAMPLE_PATH = {"applicationId": "tool", "version": "1.0", "customerId": "c1"}


def sends(
    fields: Mapping[str, Any] | None, *args: Any, at: Mapping[str, str] = {}, **kwargs: Any
) -> Example:
    return Example(fields, args, kwargs, at)


@dataclass(frozen=True)
class Method:
    """A method of the clients that calls one endpoint.

    `signature`: its name, parameters and defaults, as the product page promises them.
    `args`, `kwargs`: a valid call; `{library}`, `{shelf}` and `{tool}` stand for an application
    that is read, downloaded from and changed, `{version}` and `{customer}` for existing ones, and
    `{mark}` for a name that is not in use.
    `returns`: default an ApiResponse with the endpoint's data. `pages`: it returns an iterator over
    all pages. `raises`: a failed response is an ApiError.
    `prepared`: an application `{mark}` must exist. `lookups`: paths that it reads before.
    """

    signature: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    returns: str = ""
    pages: bool = False
    raises: bool = False
    prepared: bool = False
    lookups: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.signature.partition("(")[0]

    def call(self, client: Any, names: Mapping[str, str]) -> Any:
        """Makes the valid call, with these names for the placeholders."""
        args = [_filled(value, names) for value in self.args]
        kwargs = {key: _filled(value, names) for key, value in self.kwargs.items()}
        result = getattr(client, self.name)(*args, **kwargs)
        return list(result) if self.pages else result


@dataclass(frozen=True)
class Recorded:
    """Arguments that make a command succeed on the recorded responses.

    `reads`: the list in `data` that it cannot do without. `prints`: its format whatever `-o` says.
    """

    arguments: str = ""
    reads: str = ""
    prints: str = ""


@dataclass(frozen=True)
class Command:
    """A command, what it prints, and arguments that make it succeed on the sample catalogue.

    `recorded`: calls of it on the recorded responses; none if it reads no response.
    `elsewhere`: why it is not among the commands that are tried in every format, and where it is.
    """

    path: str
    shape: str
    arguments: str = ""
    recorded: tuple[Recorded, ...] = ()
    exit: int = 0
    elsewhere: str = ""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the API.

    `data`: the type in `bindist.types` of a successful response's data.
    `rows`: the key in `data` of its list of objects.
    `effect`: a query of the sandbox's database for how often the request was carried out; `?`
    stands for the name that is not in use.
    `admin`: the methods are the administrator's alone. `hands_out_url`: of the object store.
    """

    verb: str
    path: str
    data: str
    methods: tuple[Method, ...]
    commands: tuple[Command, ...] = ()
    rows: str = ""
    effect: str = ""
    admin: bool = True
    hands_out_url: bool = False

    @property
    def pattern(self) -> str:
        """The request with `*` for each parameter: `GET /v1/applications/*/versions`."""
        return f"{self.verb} {_PARAMETER.sub('*', self.path)}"

    def example_path(self, example: Example) -> str:
        values = {**EXAMPLE_PATH, **example.path}
        return _PARAMETER.sub(lambda found: values[found[1]], self.path)

    def matches(self, verb: str, path: str) -> bool:
        pattern = _PARAMETER.sub("[^/]+", self.path)
        return verb == self.verb and re.fullmatch(pattern, path) is not None


def audited(event: str) -> str:
    """The effect of a request that the audit log has as this event."""
    return f"SELECT count(*) FROM audit WHERE eventType = '{event}'"


def count(table: str) -> str:
    """The effect of a request that makes a row in this table."""
    return f"SELECT count(*) FROM {table}"


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _PARAMETER.sub(lambda found: names[found[1]], value)
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    return value
