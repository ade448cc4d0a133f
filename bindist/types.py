"""The objects in the server's responses, and the types of arguments, for editors and type checkers.

At run time the objects are plain dictionaries. Keys are the API's own. Times are ISO 8601 in UTC,
sizes bytes, checksums SHA-256 in lower-case hex.
Read a key that may be missing with `.get()`; a newer server may send further keys. Nothing is
checked when a response arrives; `ApiResponse.rows()` checks that there is a list of objects.

    for app in client.iter_applications():  # app is an Application
        print(app["applicationId"])
    versions = client.list_versions("acme").unwrap()  # versions is Versions
"""

from __future__ import annotations

import os
from typing import Any, TypedDict

from .choices import ActivityType, EventType, FileType, IfExists, SortBy, SortOrder, StoreEtag

__all__ = [
    "Activities",
    "Activity",
    "ActivityFilters",
    "ActivityType",
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
    "EventType",
    "File",
    "FileType",
    "Files",
    "GrantedCustomers",
    "IfExists",
    "NewApplication",
    "NewCustomer",
    "NewKey",
    "NewVersion",
    "RecentDownload",
    "ShareLink",
    "SortBy",
    "SortOrder",
    "Stats",
    "StoreEtag",
    "StrPath",
    "UploadUrl",
    "Version",
    "Versions",
]

StrPath = str | os.PathLike[str]

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
    """An application. Only lists have `customers`, and only for administrators."""

    customers: list[ApplicationCustomer]


class NewApplication(_Application):
    """A new application, and the customers who may see it."""

    customerIds: list[str]


class DeletedApplication(TypedDict):
    """A deleted application."""

    message: str
    applicationId: str
    deletedAt: str


class GrantedCustomers(TypedDict):
    """Who may see an application; `added` and `removed` repeat the request."""

    applicationId: str
    customerIds: list[str]
    added: list[str]
    removed: list[str]


class Applications(TypedDict):
    """One page of applications, and the role of the key."""

    applications: list[Application]
    isAdmin: bool
    isFinancialAdmin: bool


class Version(TypedDict):
    """A version; `fileSize` is that of the file that was completed last, in bytes."""

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
    """A version after a change; it has no `releaseNotes` if there are no notes."""

    releaseNotes: str | None


class NewVersion(TypedDict):
    """A new version, or one that a file was just added to."""

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
    """A presigned URL to download a file from, and what the server says of the file."""

    downloadId: str
    url: str
    expiresAt: str
    fileName: str
    fileSize: int
    checksum: str


class DownloadedFile(TypedDict):
    """The metadata that `download_file` returns with the bytes."""

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
    """Download statistics. Days are `YYYY-MM-DD`; `version` is present if one was requested."""

    version: str


class UploadUrl(TypedDict):
    """A presigned URL to upload a file to, and the id to complete the upload with."""

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
    """A customer after a change; `isActive` is None if a request has set it to null."""

    customerId: str
    name: str
    isActive: bool | None
    updatedAt: str


class NewCustomer(TypedDict):
    """A new customer. The key is shown only this once."""

    customerId: str
    apiKey: str
    name: str
    createdAt: str


class NewKey(TypedDict):
    """A new key, shown only this once: `apiKey` for servers of several tenants, such as the hosted
    service, `apiSecret` for others."""

    customerId: str
    apiKey: str
    apiSecret: str
    regeneratedAt: str


class Customers(TypedDict):
    """Customers, sorted by name."""

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
    """An upload or a download, as `type` says; keys of the other kind are missing."""

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
    """The filters that the server applied."""

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
    """An administrative event; `ttl` is when it is deleted, in seconds of Unix time."""

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
    """Where to continue; without events there is no `lastEventId`."""

    lastEventId: str


class _AuditEvents(TypedDict):
    events: list[AuditEvent]
    pagination: AuditPagination


class AuditEvents(_AuditEvents, total=False):
    """Administrative events; `limitReached` is added by `list_audit_events` without a type."""

    limitReached: bool
