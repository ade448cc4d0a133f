"""The objects in the server's answers, for editors and type checkers; plain dictionaries otherwise.

Keys are the API's own. Times are ISO 8601 in UTC, sizes bytes, checksums SHA-256 in lower-case hex.
A key that may be missing is to be asked for with `.get()`; a newer server may send further keys.
Nothing is checked when an answer comes: `ApiResponse.require()` and `rows()`, which return
dictionaries of anything, check that there is an object or a list.

    for app in client.iter_applications():  # app is an Application
        print(app["applicationId"])
    answer = client.list_versions("acme")  # answer.data is Versions, or None
"""

from __future__ import annotations

from typing import Any, TypedDict

__all__ = [
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
    "UploadUrl",
    "Version",
    "Versions",
]

# NotRequired came after Python 3.10: what may be missing is in a class of its own, total=False.


class ApplicationCustomer(TypedDict):
    """A customer who may see an application."""

    customerId: str
    name: str


class _Application(TypedDict):
    applicationId: str
    name: str
    description: str
    isActive: bool
    createdAt: str
    updatedAt: str
    tags: list[str]


class Application(_Application, total=False):
    """An application. `customers` is in lists alone, and there for administrators."""

    customers: list[ApplicationCustomer]


class NewApplication(_Application):
    """An application that was just made, and who may see it."""

    customerIds: list[str]


class DeletedApplication(TypedDict):
    """What is left of an application."""

    message: str
    applicationId: str
    deletedAt: str


class GrantedCustomers(TypedDict):
    """Who may see an application; `added` and `removed` repeat what was asked."""

    applicationId: str
    customerIds: list[str]
    added: list[str]
    removed: list[str]


class Applications(TypedDict):
    """One page of applications, and what the key is that asked."""

    applications: list[Application]
    isAdmin: bool
    isFinancialAdmin: bool


class Version(TypedDict):
    """A version; `fileSize` is that of the file that was completed last."""

    versionId: str
    applicationId: str
    version: str
    releaseNotes: str | None
    isActive: bool
    isEnabled: bool
    createdAt: str
    updatedAt: str
    fileSize: int
    downloadCount: int


class Versions(TypedDict):
    """The versions of an application."""

    versions: list[Version]


class _ChangedVersion(TypedDict):
    message: str
    applicationId: str
    version: str
    isActive: bool
    isEnabled: bool
    updatedAt: str


class ChangedVersion(_ChangedVersion, total=False):
    """A version after a change; without notes it has no `releaseNotes`."""

    releaseNotes: str | None


class NewVersion(TypedDict):
    """A version that was just made, or that a file was just added to."""

    message: str
    versionId: str
    applicationId: str
    version: str
    fileSize: int
    checksum: str


class _File(TypedDict):
    fileId: str
    fileName: str
    fileType: str
    fileSize: int
    checksum: str
    order: int


class File(_File, total=False):
    """A file of a version; `fileType` is MAIN, DEPENDENCY, DOCUMENTATION or CONFIGURATION."""

    description: str | None


class Files(TypedDict):
    """The files of a version."""

    applicationId: str
    version: str
    files: list[File]


class DownloadUrl(TypedDict):
    """A pre-signed URL to get a file from, and what is behind it."""

    downloadId: str
    url: str
    expiresAt: str
    fileName: str
    fileSize: int
    checksum: str


class DownloadedFile(TypedDict):
    """What `download_file` tells of the bytes that it returns."""

    fileName: str
    fileSize: int
    checksum: str


class ShareLink(TypedDict):
    """A link that works without a key."""

    shareUrl: str
    token: str
    expiresAt: str
    expiresInMinutes: int


class RecentDownload(TypedDict):
    """One of the latest downloads of an application."""

    downloadedAt: str
    version: str
    customerId: str


class _Stats(TypedDict):
    applicationId: str
    totalDownloads: int
    uniqueCustomers: int
    downloadsByVersion: dict[str, int]
    downloadsByDate: dict[str, int]
    recentDownloads: list[RecentDownload]


class Stats(_Stats, total=False):
    """Download statistics. Days are `YYYY-MM-DD`; `version` is there where one was asked for."""

    version: str


class UploadUrl(TypedDict):
    """A pre-signed URL to put a file to, and the id that completes it."""

    uploadId: str
    uploadUrl: str
    expiresAt: str


class _CustomerTexts(TypedDict, total=False):
    notes: str | None
    email: str | None
    reference: str | None
    license: str | None


class Customer(_CustomerTexts):
    """A customer."""

    customerId: str
    name: str
    isActive: bool
    createdAt: str


class ChangedCustomer(_CustomerTexts):
    """A customer after a change; `isActive` is None where a request has set it to null."""

    customerId: str
    name: str
    isActive: bool | None
    updatedAt: str


class NewCustomer(TypedDict):
    """A customer that was just made. The key is shown this once."""

    customerId: str
    apiKey: str
    name: str
    createdAt: str


class NewKey(TypedDict):
    """A new key, shown this once: `apiKey` on the hosted service, else `apiSecret`."""

    customerId: str
    apiKey: str
    apiSecret: str
    regeneratedAt: str


class Customers(TypedDict):
    """Customers by name."""

    customers: list[Customer]


class _Activity(TypedDict):
    type: str
    id: str
    applicationId: str
    applicationName: str
    version: str
    fileSize: int
    customerId: str
    customerName: str
    clientIp: str
    userAgent: str
    timestamp: str


class Activity(_Activity, total=False):
    """An upload or a download, as `type` says; of the other kind it lacks the keys."""

    downloadSource: str
    shareToken: str | None
    fileName: str
    uploadMethod: str
    ipChanged: bool
    previousIp: str | None


class _ActivityFilters(TypedDict):
    type: str
    limit: int


class ActivityFilters(_ActivityFilters, total=False):
    """What the server has looked for."""

    customerId: str
    startDate: str
    endDate: str


class _Activities(TypedDict):
    activities: list[Activity]
    count: int
    filters: ActivityFilters


class Activities(_Activities, total=False):
    """Uploads and downloads; `limitReached` is added by `list_activity`."""

    limitReached: bool


class AuditEvent(TypedDict):
    """An administrative event; `ttl` is when it is forgotten, in seconds since 1970."""

    eventType: str
    eventId: str
    timestamp: str
    ttl: int
    actor: str
    outcome: str
    signupId: str | None
    paymentReference: str | None
    clientIp: str | None
    userAgent: str | None
    details: dict[str, Any]


class _AuditPagination(TypedDict):
    hasMore: bool


class AuditPagination(_AuditPagination, total=False):
    """Where the events after these are; an empty answer has no `lastEventId`."""

    lastEventId: str


class AuditEvents(TypedDict):
    """Administrative events."""

    events: list[AuditEvent]
    pagination: AuditPagination
