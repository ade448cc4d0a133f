"""The API in one table: endpoints, the methods and commands that call them, and their fields.

The tests derive their own tables from it. A new endpoint is one row in `customer`, `publishing` or
`accounts`; tests/test_api_table.py fails where the sandbox has an endpoint, a client a method, or
the program a command without a row.
"""

from __future__ import annotations

from .accounts import ACCOUNTS
from .customer import CUSTOMER
from .other import OTHER_COMMANDS, OTHER_METHODS, TRANSFERS
from .publishing import PUBLISHING
from .rows import CONTENT, LIST, ONE, TEXT, Command, Endpoint, Example, Method, Recorded

__all__ = [
    "COMMANDS",
    "CONTENT",
    "ENDPOINTS",
    "LIST",
    "METHODS",
    "ONE",
    "OTHER_METHODS",
    "TEXT",
    "TRANSFERS",
    "Command",
    "Endpoint",
    "Example",
    "Method",
    "Recorded",
]

ENDPOINTS: tuple[Endpoint, ...] = (*CUSTOMER, *PUBLISHING, *ACCOUNTS)
METHODS: tuple[tuple[Endpoint, Method], ...] = tuple(
    (endpoint, method) for endpoint in ENDPOINTS for method in endpoint.methods
)
COMMANDS: tuple[Command, ...] = (
    *(command for endpoint in ENDPOINTS for command in endpoint.commands),
    *OTHER_COMMANDS,
)
