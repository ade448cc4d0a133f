"""The Python SDK of BinDist: list, download and verify, publish and administer.

    from bindist import CustomerClient

    client = CustomerClient("https://api.bindist.eu", "YOUR_API_KEY")
    for app in client.iter_applications():
        print(app["applicationId"], app["name"])

    admin = AdminClient("https://api.bindist.eu", "YOUR_API_KEY")
    release = admin.publish("acme", "1.0", ["dist/acme.exe", "dist/acme.dll"], enable=True)
    files = client.download_version("acme", "1.0", "downloads")

Calls return an `ApiResponse` and never raise for an answer; transfers raise the exceptions of
`bindist.errors` and return a `Download`, `Release` or `StoredBytes`. What answers hold are plain
dictionaries; `bindist.types` has their types, and each can be had from here too
(`from bindist import Application`). Nothing here prints, asks, or reads the environment beyond what
requests does for proxies and CA bundles.

Public besides this module, and stable like it:

    bindist.errors         the tree of exceptions
    bindist.types          the objects in the server's responses, and the types of arguments
    bindist.choices        the values of arguments that take one of a few
    bindist.rows           rows of the server's lists, checked: one row a file, a file by its name
    bindist.pagination     walking through the pages of any list
    bindist.comparison     which version a file is of, and what changed between two
    bindist.checksums      computing and comparing SHA-256
    bindist.file_names     what a server takes for a file name, and the type that it derives
    bindist.file_system    locks, and files replaced whole, on whatever file system there is
    bindist.release_notes  what a server takes for release notes
    bindist.version_order  which of two versions is the higher one
    bindist.version_list   versions of a list: the latest, those between two others
    bindist.connection     checks of addresses and keys
    bindist.redaction      hiding keys and signatures in text
    bindist.special_files  devices, pipes and descriptors, which no download replaces
    bindist.mirror         versions in a plain folder: pulled, verified, pushed
    bindist.signing        signed checksum lists of versions (extra `signing`)
    bindist.sandbox        a server for tests (extra `sandbox`)

All other modules and packages (`bindist.clients`, `bindist.http`, `bindist.transfer`,
`bindist.release`, ...) are private: import the clients and results from `bindist`.
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
    FileNameError,
    IncompleteDownloadError,
    IntegrityError,
    MissingExtraError,
    NotFoundError,
    PermissionDeniedError,
    QuotaError,
    RateLimitError,
    ServerError,
    SignatureError,
    TargetConflictError,
    TargetExistsError,
    TransportError,
)

TYPE_CHECKING = False  # as type checkers know it; importing typing takes longer than all of this
if TYPE_CHECKING:
    from .clients.administration import AdminClient
    from .clients.customer import CustomerClient
    from .comparison import IdentifiedFile, VersionComparison
    from .http.response import ApiResponse
    from .probe import ServerProbe, UploadProbe, probe_server, probe_upload
    from .release.results import Release, ReleasePreview
    from .transfer.config import TransferConfig
    from .transfer.download import Download, DownloadPreview
    from .transfer.stored import StoredBytes
    from .types import *  # noqa: F403  each of its __all__ can be had from here

# The types of the answers are left out: a star import shall not bring names such as `File`.
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
    "DownloadPreview",
    "FileNameError",
    "IdentifiedFile",
    "IncompleteDownloadError",
    "IntegrityError",
    "MissingExtraError",
    "NotFoundError",
    "PermissionDeniedError",
    "QuotaError",
    "RateLimitError",
    "Release",
    "ReleasePreview",
    "ServerError",
    "ServerProbe",
    "SignatureError",
    "StoredBytes",
    "TargetConflictError",
    "TargetExistsError",
    "TransferConfig",
    "TransportError",
    "UploadProbe",
    "VersionComparison",
    "__version__",
    "probe_server",
    "probe_upload",
]

# What needs requests is imported when it is first asked for: a help text or a completion needs the
# exceptions alone, and importing requests takes several times as long as all the rest.
_LATE = {
    "AdminClient": "clients.administration",
    "ApiResponse": "http.response",
    "CustomerClient": "clients.customer",
    "Download": "transfer.download",
    "DownloadPreview": "transfer.download",
    "IdentifiedFile": "comparison",
    "Release": "release.results",
    "ReleasePreview": "release.results",
    "ServerProbe": "probe",
    "StoredBytes": "transfer.stored",
    "TransferConfig": "transfer.config",
    "UploadProbe": "probe",
    "VersionComparison": "comparison",
    "probe_server": "probe",
    "probe_upload": "probe",
}


def __getattr__(name: str) -> object:
    import importlib

    module = importlib.import_module(f".{_LATE.get(name, 'types')}", __name__)
    if name not in _LATE and name not in module.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from . import types

    return sorted({*globals(), *_LATE, *types.__all__})
