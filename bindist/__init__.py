"""The Python SDK of BinDist: list, download and verify, publish and administer.

    from bindist import CustomerClient

    client = CustomerClient("https://api.bindist.eu", "YOUR_API_KEY")
    for app in client.iter_applications():
        print(app["applicationId"], app["name"])

Calls return an `ApiResponse` and never raise for an answer; transfers raise the exceptions of
`bindist.errors`. Nothing here prints, asks, or reads the environment beyond what requests does for
proxies and CA bundles.
"""

from __future__ import annotations

from ._version import __version__
from .errors import (
    ApiError,
    AuthenticationError,
    BinDistError,
    BusyError,
    ConflictError,
    DifferentContentError,
    IntegrityError,
    NotFoundError,
    PermissionDeniedError,
    QuotaError,
    RateLimitError,
    ServerError,
    TransportError,
)

TYPE_CHECKING = False  # as type checkers know it; importing typing takes longer than all of this
if TYPE_CHECKING:
    from .admin import AdminClient
    from .customer import CustomerClient
    from .download import Download
    from .response import ApiResponse

__all__ = [
    "AdminClient",
    "ApiError",
    "ApiResponse",
    "AuthenticationError",
    "BinDistError",
    "BusyError",
    "ConflictError",
    "CustomerClient",
    "DifferentContentError",
    "Download",
    "IntegrityError",
    "NotFoundError",
    "PermissionDeniedError",
    "QuotaError",
    "RateLimitError",
    "ServerError",
    "TransportError",
    "__version__",
]

# What needs requests is imported when it is first asked for: a help text or a completion needs the
# exceptions alone, and importing requests takes several times as long as all the rest.
_LATE = {
    "AdminClient": "admin",
    "ApiResponse": "response",
    "CustomerClient": "customer",
    "Download": "download",
}


def __getattr__(name: str) -> object:
    import importlib

    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_LATE[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
