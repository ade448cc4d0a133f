"""A complete BinDist server on this machine, for trying out, rehearsing and testing.

It shares no code with the SDK or the commands: if both sides had the same mistake, nobody would
see it. The server itself is imported only when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .endpoint import Endpoint, open_sandbox, reset
from .faults import FaultPlan
from .folder import SandboxError, check_removable
from .keys import SandboxKeys

if TYPE_CHECKING:
    from .connection import RequestRecord as RequestRecord
    from .server import SandboxServer as SandboxServer

__all__ = [
    "Endpoint",
    "FaultPlan",
    "RequestRecord",
    "SandboxError",
    "SandboxKeys",
    "SandboxServer",
    "check_removable",
    "open_sandbox",
    "reset",
]

_LAZY = {"SandboxServer": "server", "RequestRecord": "connection"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LAZY[name]}", __name__), name)
