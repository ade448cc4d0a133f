"""A complete BinDist server on this machine, for trying out, rehearsing and testing.

It shares no code with the SDK or the commands: if both sides had the same mistake, nobody would
see it. The server and its database are imported only when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .faults.plan import KINDS, FaultPlan
from .steps import LIKES, Step
from .storage.folder import SandboxError, check_removable

if TYPE_CHECKING:
    from .connection import RequestRecord as RequestRecord
    from .endpoint import Endpoint as Endpoint
    from .endpoint import find_running as find_running
    from .endpoint import open_sandbox as open_sandbox
    from .endpoint import reset as reset
    from .server import SandboxServer as SandboxServer
    from .storage.keys import SandboxKeys as SandboxKeys
    from .storage.records import VersionState as VersionState

__all__ = [
    "KINDS",
    "LIKES",
    "Endpoint",
    "FaultPlan",
    "RequestRecord",
    "SandboxError",
    "SandboxKeys",
    "SandboxServer",
    "Step",
    "VersionState",
    "check_removable",
    "find_running",
    "open_sandbox",
    "reset",
]

_LAZY = {
    "Endpoint": "endpoint",
    "RequestRecord": "connection",
    "SandboxKeys": "storage.keys",
    "SandboxServer": "server",
    "VersionState": "storage.records",
    "find_running": "endpoint",
    "open_sandbox": "endpoint",
    "reset": "endpoint",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_LAZY[name]}", __name__), name)
