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
    from .objects import (
        Activities,
        Activity,
        ActivityFilters,
        Application,
        ApplicationCustomer,
        Applications,
        AuditEvent,
        AuditEvents,
        AuditPagination,
        ChangedCustomer,
        ChangedVersion,
        Customer,
        Customers,
        DeletedApplication,
        DownloadedFile,
        DownloadUrl,
        File,
        Files,
        GrantedCustomers,
        NewApplication,
        NewCustomer,
        NewKey,
        NewVersion,
        RecentDownload,
        ShareLink,
        Stats,
        UploadTicket,
        Version,
        Versions,
    )
    from .response import ApiResponse

__all__ = [
    "Activities",
    "Activity",
    "ActivityFilters",
    "AdminClient",
    "ApiError",
    "ApiResponse",
    "Application",
    "ApplicationCustomer",
    "Applications",
    "AuditEvent",
    "AuditEvents",
    "AuditPagination",
    "AuthenticationError",
    "BinDistError",
    "BusyError",
    "ChangedCustomer",
    "ChangedVersion",
    "ConflictError",
    "Customer",
    "CustomerClient",
    "Customers",
    "DeletedApplication",
    "DifferentContentError",
    "Download",
    "DownloadUrl",
    "DownloadedFile",
    "File",
    "Files",
    "GrantedCustomers",
    "IntegrityError",
    "NewApplication",
    "NewCustomer",
    "NewKey",
    "NewVersion",
    "NotFoundError",
    "PermissionDeniedError",
    "QuotaError",
    "RateLimitError",
    "RecentDownload",
    "ServerError",
    "ShareLink",
    "Stats",
    "TransportError",
    "UploadTicket",
    "Version",
    "Versions",
    "__version__",
]

# What needs requests is imported when it is first asked for: a help text or a completion needs the
# exceptions alone, and importing requests takes several times as long as all the rest.
_LATE = {
    "AdminClient": "admin",
    "ApiResponse": "response",
    "CustomerClient": "customer",
    "Download": "download",
    **dict.fromkeys(
        (
            "Activities",
            "Activity",
            "ActivityFilters",
            "Application",
            "ApplicationCustomer",
            "Applications",
            "AuditEvent",
            "AuditEvents",
            "AuditPagination",
            "ChangedCustomer",
            "ChangedVersion",
            "Customer",
            "Customers",
            "DeletedApplication",
            "DownloadUrl",
            "DownloadedFile",
            "File",
            "Files",
            "GrantedCustomers",
            "NewApplication",
            "NewCustomer",
            "NewKey",
            "NewVersion",
            "RecentDownload",
            "ShareLink",
            "Stats",
            "UploadTicket",
            "Version",
            "Versions",
        ),
        "objects",
    ),
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
