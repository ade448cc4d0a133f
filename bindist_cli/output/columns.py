"""The columns of each object of the API, as data for tables, cards and lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import formatting

Json = Mapping[str, Any]
Human = Callable[[Any, datetime], str]


def _text(value: Any, now: datetime) -> str:  # noqa: ARG001
    return formatting.one_line(value)


def _prose(value: Any, now: datetime) -> str:  # noqa: ARG001
    return formatting.visible(value)


def _age(value: Any, now: datetime) -> str:
    return formatting.age(value, now) if value else ""


def _in_minutes(value: Any, now: datetime) -> str:  # noqa: ARG001
    """When something expires, as it was asked for: the clocks of two machines may differ."""
    return formatting.in_minutes(value)


def _size(value: Any, now: datetime) -> str:  # noqa: ARG001
    return "" if value is None else formatting.size(value)


def _milliseconds(value: Any, now: datetime) -> str:  # noqa: ARG001
    return "" if value is None else f"{formatting.one_line(value)} ms"


def _words(yes: str, no: str) -> Human:
    def human(value: Any, now: datetime) -> str:  # noqa: ARG001
        return {True: yes, False: no}.get(value, "") if isinstance(value, bool) else ""

    return human


def _or(nothing: str) -> Human:
    def human(value: Any, now: datetime) -> str:  # noqa: ARG001
        return nothing if value is None else formatting.one_line(value)

    return human


def _short_hash(value: Any, now: datetime) -> str:  # noqa: ARG001
    text = formatting.one_line(value)
    return text[:12] + "…" if len(text) > 20 else text


def _list(value: Any, now: datetime) -> str:  # noqa: ARG001
    return formatting.one_line(formatting.plain(value)).replace(",", ", ")


def _version_or_none(value: Any, now: datetime) -> str:  # noqa: ARG001
    return formatting.one_line(value) if value else "not within 90 days"


def _counts(value: Any, now: datetime) -> str:  # noqa: ARG001
    counts = value if isinstance(value, dict) else {}
    names = {key: formatting.one_line(key) for key in counts}
    width = max(map(len, names.values()), default=0)
    return "\n".join(f"{names[key]:{width}}  {formatting.one_line(counts[key])}" for key in counts)


def _details(value: Any, now: datetime) -> str:  # noqa: ARG001
    pairs = value.items() if isinstance(value, dict) else ()
    return ", ".join(
        f"{formatting.one_line(key)} {formatting.one_line(item)}" for key, item in pairs
    )


STYLES = {
    "enabled": "green",
    "active": "green",
    "created": "green",
    "downloaded": "green",
    "resumed": "green",
    "ok": "green",
    "disabled": "yellow",
    "inactive": "red",
    "hidden everywhere": "red",
    "different": "red",
    "changed": "yellow",
    "added": "green",
    "removed": "red",
    "same": "dim",
    "unknown": "yellow",
    "extra": "yellow",
    "missing": "red",
    "works": "green",
    "refused": "red",
    "warning": "yellow",
    "problem": "red",
    "unchanged": "dim",
    "skipped": "dim",
    "conflict": "red",
}
"""Colours of status words; nothing else is coloured."""


@dataclass(frozen=True)
class Column:
    """One field: its key in the API, its heading, and its format for people.

    Tables show `wide` columns only on wide terminals, never show `hidden` ones, and shorten
    `flexible` ones first. What is to be copied is `whole`: the card of an object never breaks it
    into lines. Scripts get every column, in this order.
    """

    key: str
    title: str
    human: Human = _text
    right: bool = False
    wide: bool = False
    hidden: bool = False
    flexible: bool = False
    whole: bool = False


def row_of(thing: object) -> Json:
    """A dataclass of the SDK as a row, with the keys in the API's style: `customerId`."""
    return {
        _CAMEL.sub(lambda found: found[1].upper(), name): list(value)
        if isinstance(value, tuple)
        else value
        for name, value in vars(thing).items()
    }


_CAMEL = re.compile("_([a-z])")

ACTIVE = _words("active", "inactive")
ENABLED = _words("enabled", "disabled")
YES = _words("yes", "no")

APPLICATIONS = (
    Column("applicationId", "Application"),
    Column("name", "Name", flexible=True),
    Column("isActive", "State", ACTIVE),
    Column("tags", "Tags", _list, flexible=True),
    Column("updatedAt", "Updated", _age),
    Column("createdAt", "Created", _age, wide=True),
    Column("customers", "Customers", _list, wide=True, flexible=True),
    Column("description", "Description", wide=True, flexible=True),
)
APPLICATION = (
    *APPLICATIONS[:4],
    Column("description", "Description", flexible=True),
    Column("customers", "Customers", _list, flexible=True),
    Column("customerIds", "Customers", _list, flexible=True),
    Column("createdAt", "Created", _age),
    Column("updatedAt", "Updated", _age),
)
GRANTS = (
    Column("applicationId", "Application"),
    Column("customerIds", "Customers", _list, flexible=True),
    Column("added", "Granted", _list, flexible=True),
    Column("removed", "Revoked", _list, flexible=True),
)
DELETED = (
    Column("applicationId", "Application"),
    Column("deletedAt", "Deleted", _age),
    Column("message", "", hidden=True),
)
VERSIONS = (
    Column("version", "Version"),
    Column("isEnabled", "State", ENABLED),
    Column("fileSize", "Size", _size, right=True),
    Column("downloadCount", "Downloads", right=True),
    Column("createdAt", "Created", _age),
    Column("updatedAt", "Updated", _age, wide=True),
    Column("isActive", "Active", YES, hidden=True),
    Column("applicationId", "Application", hidden=True),
    Column("versionId", "Id", hidden=True),
)
VERSION = (
    Column("applicationId", "Application"),
    Column("version", "Version"),
    Column("isEnabled", "Production", ENABLED),
    Column("isActive", "Test channel", _words("active", "hidden everywhere")),
    Column("fileSize", "Size", _size),
    Column("downloadCount", "Downloads"),
    Column("createdAt", "Created", _age),
    Column("updatedAt", "Updated", _age),
    Column("releaseNotes", "Notes", _prose, flexible=True),
)
SHOWN_VERSION = (*VERSION[:-1], Column("signature", "Signature"), VERSION[-1])
FILES = (
    Column("fileName", "File"),
    Column("fileType", "Type"),
    Column("fileSize", "Size", _size, right=True),
    Column("checksum", "SHA-256", _short_hash),
    Column("fileId", "Id", wide=True),
    Column("order", "Order", hidden=True),
    Column("description", "Description", wide=True, flexible=True),
)
UPLOAD = (
    Column("applicationId", "Application"),
    Column("version", "Version"),
    Column("status", "Status"),
    Column("isEnabled", "Production", ENABLED),
    Column("files", "Files", _list, flexible=True),
)
DOWNLOADS = (
    Column("fileName", "File"),
    Column("status", "Status"),
    Column("fileSize", "Size", _size, right=True),
    Column("path", "Path", flexible=True),
    Column("checksum", "SHA-256", _short_hash, wide=True),
    Column("version", "Version"),
    Column("applicationId", "Application", hidden=True),
)
CHECKSUMS = (
    Column("checksum", "SHA-256"),
    Column("fileName", "File"),
)
VERIFIED = (
    Column("fileName", "File"),
    Column("status", "Status"),
    Column("path", "Path", flexible=True),
    Column("serverChecksum", "Server", _short_hash, wide=True),
    Column("checksum", "Local", _short_hash, wide=True),
    Column("version", "Version", hidden=True),
)
IDENTIFIED = (
    Column("path", "File", flexible=True),
    Column("version", "Version", _or("unknown")),
    Column("isEnabled", "State", ENABLED),
    Column("newer", "Newer", right=True),
    Column("applicationId", "Application"),
    Column("fileName", "Name there", flexible=True),
    Column("fileSize", "Size", _size, right=True, hidden=True),
    Column("checksum", "SHA-256", _short_hash, wide=True),
    Column("fileId", "Id", hidden=True),
)
NOTES = (
    Column("version", "Version"),
    Column("createdAt", "Created", _age),
    Column("releaseNotes", "Notes", flexible=True),
)
COMPARED = (
    Column("applicationId", "Application"),
    Column("oldVersion", "Old"),
    Column("newVersion", "New"),
    Column("changed", "Changed", _list, hidden=True),
    Column("added", "Added", _list, hidden=True),
    Column("removed", "Removed", _list, hidden=True),
    Column("same", "Same", _list, hidden=True),
)
CHANGES = (
    Column("status", "Status"),
    Column("fileName", "File", flexible=True),
    Column("oldSize", "Old", _size, right=True),
    Column("newSize", "New", _size, right=True),
    Column("oldChecksum", "Old SHA-256", _short_hash, wide=True),
    Column("newChecksum", "New SHA-256", _short_hash, wide=True),
)
PLANNED = (
    Column("fileName", "File"),
    Column("status", "Planned"),
    Column("fileType", "Type"),
    Column("fileSize", "Size", _size, right=True),
    Column("checksum", "SHA-256", _short_hash, wide=True),
)
STATS = (
    Column("applicationId", "Application"),
    Column("version", "Version"),
    Column("totalDownloads", "Downloads"),
    Column("uniqueCustomers", "Customers"),
    Column("downloadsByVersion", "By version", _counts, hidden=True),
    Column("downloadsByDate", "By day", _counts, hidden=True),
)
SHARE = (
    Column("shareUrl", "Link", whole=True),
    Column("expiresInMinutes", "Expires", _in_minutes),
    Column("expiresAt", "Expires", _age, hidden=True),
    Column("token", "Token", hidden=True),
    Column("version", "Version"),
    Column("fileName", "File"),
    Column("applicationId", "Application", hidden=True),
    Column("commands", "Commands", hidden=True),
)
CUSTOMERS = (
    Column("customerId", "Customer"),
    Column("name", "Name", flexible=True),
    Column("isActive", "State", ACTIVE),
    Column("email", "Email", flexible=True),
    Column("reference", "Reference", wide=True, flexible=True),
    Column("license", "License", wide=True, flexible=True),
    Column("createdAt", "Created", _age),
    Column("notes", "Notes", wide=True, flexible=True),
)
CUSTOMER = (
    *CUSTOMERS[:6],
    Column("notes", "Notes", _prose, flexible=True),
    Column("createdAt", "Created", _age),
    Column("updatedAt", "Updated", _age),
)
NEW_KEY = (
    Column("customerId", "Customer", whole=True),
    Column("name", "Name"),
    Column("apiKey", "Key", whole=True),
    Column("createdAt", "Created", _age, hidden=True),
    Column("regeneratedAt", "Created", _age, hidden=True),
    Column("keyFile", "Key file"),
)
ACTIVITY = (
    Column("timestamp", "When", _age),
    Column("type", "What"),
    Column("applicationId", "Application", flexible=True),
    Column("version", "Version"),
    Column("customerName", "Customer", flexible=True),
    Column("fileSize", "Size", _size, right=True),
    Column("customerId", "Customer id", wide=True, flexible=True),
    Column("fileName", "File", wide=True, flexible=True),
    Column("clientIp", "IP address", wide=True),
    Column("id", "Id", hidden=True),
)
ADOPTION = (
    Column("customerId", "Customer", flexible=True),
    Column("name", "Name", flexible=True),
    Column("version", "Version", _version_or_none),
    Column("downloadedAt", "Downloaded", _age),
    Column("behind", "Behind", right=True),
    Column("email", "Email", flexible=True),
    Column("reference", "Reference", wide=True, flexible=True),
    Column("downloads", "Downloads", right=True, wide=True),
    Column("versions", "Versions", _list, wide=True, flexible=True),
    Column("hasAccess", "Access", YES, wide=True),
    Column("isActive", "State", ACTIVE, wide=True),
)
ACCESS = (
    Column("customerId", "Customer", flexible=True),
    Column("name", "Name", flexible=True),
    Column("isActive", "State", ACTIVE),
    Column("applications", "Applications", _list, flexible=True),
    Column("email", "Email", wide=True, flexible=True),
    Column("reference", "Reference", wide=True, flexible=True),
)
IMPORTED = (
    Column("name", "Name", flexible=True),
    Column("reference", "Reference", flexible=True),
    Column("status", "Status"),
    Column("customerId", "Customer", wide=True),
    Column("keyFile", "Key file", flexible=True),
    Column("granted", "Granted", _list, flexible=True),
    Column("differs", "Differs in", _list, flexible=True),
    Column("reason", "Why not", flexible=True),
    Column("email", "Email", wide=True, flexible=True),
)


def access_matrix(applications: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a matrix with the customers' access, one for each application."""
    return (*_ACCESS_NAMES, *(Column(name, name, YES) for name in applications))


def access_row(row: Json, applications: Sequence[str]) -> Json:
    """A row of ACCESS as a row of that matrix."""
    may = {name: name in row["applications"] for name in applications}
    return {**may, "customerId": row["customerId"], "customerName": row["name"]}


_ACCESS_NAMES = (
    Column("customerId", "Customer", flexible=True),
    Column("customerName", "Name", flexible=True),
)
AUDIT = (
    Column("timestamp", "When", _age),
    Column("eventType", "Event"),
    Column("actor", "By", flexible=True),
    Column("outcome", "Outcome"),
    Column("details", "Details", _details, flexible=True),
    Column("eventId", "Id", hidden=True),
)
RECENT_DOWNLOADS = (
    Column("downloadedAt", "When", _age),
    Column("version", "Version"),
    Column("customerId", "Customer"),
)
SIGNING_KEY = (
    Column("keyId", "Key id"),
    Column("publicKey", "Public key"),
    Column("keyFile", "Secret key"),
)
TRUSTED_KEYS = (
    Column("applicationId", "Application"),
    Column("keyId", "Key id"),
    Column("publicKey", "Public key", wide=True),
    Column("server", "Server", flexible=True),
)
TRUSTED = (*TRUSTED_KEYS[:2], Column("status", "Status"), *TRUSTED_KEYS[2:])
MIRRORED = (
    Column("applicationId", "Application"),
    Column("version", "Version"),
    Column("status", "Status"),
    Column("error", "Error", hidden=True),
)
MIRROR_PLAN = (
    Column("applicationId", "Application"),
    Column("version", "Version"),
    Column("action", "Planned"),
    Column("fileSize", "To fetch", _size, right=True),
    Column("files", "Files", _list, flexible=True),
)
MIRROR_FILES = (
    Column("applicationId", "Application"),
    Column("version", "Version"),
    Column("fileName", "File", flexible=True),
    Column("status", "Status"),
    Column("path", "Path", wide=True, flexible=True),
)
PATHS = (Column("path", "Path"),)
SANDBOX = (
    Column("path", "Folder"),
    Column("status", "Status"),
)
LOGIN = (
    Column("profile", "Profile"),
    Column("apiUrl", "API URL"),
    Column("role", "Role"),
    Column("keySource", "Key stored in", flexible=True),
)
LOGOUT = (
    Column("profile", "Profile"),
    Column("status", "Key"),
    Column("places", "Removed from", _list),
)
AUTH_STATUS = (
    Column("profile", "Profile"),
    Column("apiUrl", "API URL"),
    Column("apiUrlSource", "API URL from"),
    Column("keySource", "Key from"),
    Column("status", "Key"),
    Column("role", "Role"),
    Column("answerMs", "Response time", _milliseconds),
    Column("isAdmin", "Administrator", hidden=True),
    Column("isFinancialAdmin", "Financial administrator", hidden=True),
)
PROFILES = (
    Column("profile", "Profile"),
    Column("apiUrl", "API URL", flexible=True),
    Column("keySource", "Key from", flexible=True),
    Column("isCurrent", "In use", YES),
)
TOKEN = (Column("token", "Key", whole=True),)
SETTINGS = (
    Column("key", "Setting"),
    Column("value", "Value", flexible=True),
    Column("source", "From"),
)
CHECKS = (
    Column("check", "Check"),
    Column("status", "Status"),
    Column("details", "Details", flexible=True),
    Column("hint", "What to do", hidden=True),
)
TOPICS = (
    Column("topic", "Topic"),
    Column("summary", "What it explains"),
)
