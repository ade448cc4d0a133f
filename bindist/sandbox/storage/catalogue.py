"""What a new sandbox holds: a small catalogue to look around in, or nearly nothing."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from typing import NamedTuple

from ..clock import milliseconds, timestamp
from .database import Session
from .objects import Objects, object_columns, object_key
from .records import audit_event

_DAY = 24 * 3600 * 1000


class _Customer(NamedTuple):
    customer_id: str
    name: str
    is_admin: bool = False
    is_financial_admin: bool = False
    notes: str | None = None
    email: str | None = None
    reference: str | None = None
    license: str | None = None


class _File(NamedTuple):
    name: str
    type: str
    content: int | str  # so many bytes, or this text
    description: str | None = None


class _Version(NamedTuple):
    application_id: str
    version: str
    days_ago: int
    notes: str | None
    files: tuple[_File, ...]
    enabled: bool = True


_ADMINS = (
    _Customer("admin", "Admin", is_admin=True, is_financial_admin=True),
    _Customer("admin-apps", "Apps Admin", is_admin=True),
)
_SEED_CUSTOMER = _Customer("seed-customer", "Seed Customer")
_CUSTOMERS = (
    _Customer("acme", "Acme Corp", notes="Pilot customer, prefers the stable releases",
              email="it@acme.example.com", reference="CRM-1001", license="SITE-2026-ACME"),
    _Customer("globex", "Globex Corporation", email="ops@globex.example.com",
              reference="CRM-1002"),
)  # fmt: skip
_APPLICATIONS = (
    ("skylark", "Skylark Editor", "A text editor for large files", ["desktop", "windows"]),
    ("harbor", "Harbor CLI", "Ships containers from the command line", ["cli", "linux"]),
    ("tidewatch", "Tidewatch Agent", "Watches disks, reports before they fail",
     ["service", "linux", "windows"]),
)  # fmt: skip
_GRANTS = (
    ("acme", "skylark"),
    ("acme", "harbor"),
    ("globex", "skylark"),
    ("globex", "tidewatch"),
)


def _setup(size: int) -> tuple[_File, ...]:
    return (_File("skylark-setup.exe", "MAIN", size),)


def _archive(version: str, size: int) -> tuple[_File, ...]:
    return (_File(f"harbor-{version}-linux-x64.tar.gz", "MAIN", size),)


def _package(version: str, size: int) -> tuple[_File, ...]:
    return (_File(f"tidewatch_{version}_amd64.deb", "MAIN", size),)


_VERSIONS = (
    _Version("skylark", "1.9.0", 70, "Opens files of several gigabytes at once.", _setup(181_000)),
    _Version("skylark", "1.10.0-beta", 40, "For testers: the new search.", _setup(187_500)),
    _Version("skylark", "1.10.0", 21, "The new search: ten times as fast.\nBug fixes.", (
        _File("skylark-setup.exe", "MAIN", 188_416, "The installer, all you need"),
        _File("skylark-spelling.dll", "DEPENDENCY", 65_536, "Spelling, for installs by hand"),
        _File("README.md", "DOCUMENTATION", "# Skylark 1.10\n\nStart `skylark-setup.exe`.\n"),
        _File("skylark.ini", "CONFIGURATION", "[search]\nthreads = 4\nignore_case = yes\n"),
    )),
    _Version("skylark", "2.0.0", 2, "Tabs, at last. Not released yet.", _setup(204_800),
             enabled=False),
    _Version("harbor", "0.9.3", 60, None, _archive("0.9.3", 48_128)),
    _Version("harbor", "1.0.0", 33, "First stable release.", _archive("1.0.0", 51_200)),
    _Version("harbor", "1.0.1", 9, "Bug fix: `harbor push` resumes.", _archive("1.0.1", 51_712)),
    _Version("tidewatch", "2026.1", 52, "Supports NVMe drives.", _package("2026.1", 92_160)),
    _Version("tidewatch", "2026.2", 12, "Quieter logs. Bug fixes.", _package("2026.2", 93_184)),
)  # fmt: skip

# Who downloaded what, how many days ago.
_DOWNLOADS = (
    ("acme", "skylark", "1.9.0", (26, 25, 24, 24)),
    ("globex", "skylark", "1.9.0", (25, 23)),
    ("acme", "skylark", "1.10.0-beta", (23, 22)),
    ("acme", "skylark", "1.10.0", (20, 19, 19, 16, 13, 9, 6, 3, 1)),
    ("globex", "skylark", "1.10.0", (18, 17, 12, 8, 5, 2)),
    ("acme", "harbor", "1.0.0", (15, 14, 11)),
    ("acme", "harbor", "1.0.1", (8, 7, 4, 2)),
    ("globex", "tidewatch", "2026.1", (22, 14)),
    ("globex", "tidewatch", "2026.2", (10, 9, 4, 1)),
)


def create_fresh(session: Session) -> None:
    """What a new server on AWS holds: an administrator, who is not called `admin`."""
    administrator = _ADMINS[0]._replace(customer_id=str(uuid.uuid4()))
    _add_customer(session, administrator, milliseconds())
    session.put("settings", ("name",), name="admin", value=administrator.customer_id)
    session.put("settings", ("name",), name="customer", value="")


def create(session: Session, objects: Objects, *, empty: bool) -> None:
    """Fill the new tables, inside the caller's transaction."""
    now = milliseconds()
    customers = (*_ADMINS, _SEED_CUSTOMER) if empty else (*_ADMINS, *_CUSTOMERS)
    for customer in customers:
        _add_customer(session, customer, now - 90 * _DAY)
    keyed = customers[len(_ADMINS)].customer_id
    session.put("settings", ("name",), name="customer", value=keyed)
    if not empty:
        _add_applications(session, now - 80 * _DAY)
        for version in _VERSIONS:
            _add_version(session, objects, version, now - version.days_ago * _DAY)
        _add_downloads(session, now)


def _add_customer(session: Session, customer: _Customer, unix_ms: int) -> None:
    values = customer._asdict()
    made = timestamp(unix_ms)
    session.put(
        "customers",
        ("customerId",),
        customerId=values.pop("customer_id"),
        isAdmin=values.pop("is_admin"),
        isFinancialAdmin=values.pop("is_financial_admin"),
        isActive=True,
        createdAt=made,
        updatedAt=made,
        parentCustomerId=None if customer.is_admin else "admin",
        **values,
    )
    if not customer.is_admin and customer is not _SEED_CUSTOMER:
        _add_event(
            session,
            "CUSTOMER_CREATED",
            unix_ms,
            customerId=customer.customer_id,
            customerName=customer.name,
        )


def _add_applications(session: Session, unix_ms: int) -> None:
    names = {}
    for application_id, name, description, tags in _APPLICATIONS:
        names[application_id] = name
        made = timestamp(unix_ms)
        session.put(
            "applications",
            ("applicationId",),
            applicationId=application_id,
            name=name,
            description=description,
            isActive=True,
            createdAt=made,
            updatedAt=made,
            tags=tags,
        )
        _add_event(
            session,
            "APPLICATION_CREATED",
            unix_ms,
            applicationId=application_id,
            applicationName=name,
        )
        unix_ms += 60_000
    customers = {customer.customer_id: customer.name for customer in _CUSTOMERS}
    for customer_id, application_id in _GRANTS:
        session.put(
            "grants",
            ("customerId", "applicationId"),
            customerId=customer_id,
            applicationId=application_id,
            grantedAt=timestamp(unix_ms),
            grantedBy="admin",
        )
        _add_event(
            session,
            "CUSTOMER_APP_LINKED",
            unix_ms,
            customerId=customer_id,
            customerName=customers[customer_id],
            applicationId=application_id,
            applicationName=names[application_id],
        )
        unix_ms += 60_000


def _add_version(session: Session, objects: Objects, version: _Version, unix_ms: int) -> None:
    version_id, made = f"{version.application_id}-{version.version}", timestamp(unix_ms)
    sizes = {}
    for file in version.files:
        content = _content(version_id, file)
        file_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{version_id}/{file.name}"))
        checksum = hashlib.sha256(content).hexdigest()
        sizes[file.type] = (len(content), checksum)
        key = object_key(version.application_id, version_id, file_id, file.name)
        session.put("objects", ("key",), key=key, **object_columns(objects.write([content])))
        session.put(
            "files",
            ("versionId", "fileId"),
            versionId=version_id,
            fileId=file_id,
            fileName=file.name,
            fileType=file.type,
            fileSize=len(content),
            checksum=checksum,
            order=1,
            description=file.description,
            createdAt=made,
        )
        session.put(
            "uploads",
            ("uploadId",),
            uploadId=str(uuid.uuid4()),
            applicationId=version.application_id,
            version=version.version,
            fileId=file_id,
            fileName=file.name,
            fileSize=len(content),
            customerId="admin",
            clientIp="127.0.0.1",
            userAgent="sample",
            uploadedAt=made,
            uploadMethod="large",
            ipChanged=False,
        )
    downloads = Counter({(a, v): 0 for _, a, v, _ in _DOWNLOADS})
    for _, application_id, number, days in _DOWNLOADS:
        downloads[application_id, number] += len(days)
    size, checksum = sizes["MAIN"]
    session.put(
        "versions",
        ("applicationId", "version"),
        applicationId=version.application_id,
        version=version.version,
        versionId=version_id,
        releaseNotes=version.notes,
        isActive=True,
        isEnabled=version.enabled,
        createdAt=made,
        updatedAt=made,
        fileSize=size,
        checksum=checksum,
        downloadCount=downloads[version.application_id, version.version],
    )
    session.execute(
        "UPDATE applications SET updatedAt = ? WHERE applicationId = ?",
        made,
        version.application_id,
    )


def _content(version_id: str, file: _File) -> bytes:
    if isinstance(file.content, str):
        return file.content.encode()
    return hashlib.shake_128(f"{version_id}/{file.name}".encode()).digest(file.content)


def _add_downloads(session: Session, now: int) -> None:
    rows = [
        (now - days_ago * _DAY - (number * 37 % 480) * 60_000, customer_id, application_id, version)
        for customer_id, application_id, version, days in _DOWNLOADS
        for number, days_ago in enumerate(days)
    ]
    for unix_ms, customer_id, application_id, version in sorted(rows):
        version_id = f"{application_id}-{version}"
        file = session.row(
            "SELECT * FROM files WHERE versionId = ? AND fileType = 'MAIN'", version_id
        )
        session.put(
            "downloads",
            ("downloadId",),
            downloadId=str(uuid.uuid4()),
            applicationId=application_id,
            versionId=version_id,
            fileId=file and file["fileId"],
            customerId=customer_id,
            clientIp="127.0.0.1",
            userAgent="sample",
            downloadedAt=timestamp(unix_ms),
            fileSize=file and file["fileSize"],
            downloadSource="api",
        )


def _add_event(session: Session, event_type: str, unix_ms: int, **details: object) -> None:
    session.put("audit", ("eventId",), **audit_event(event_type, unix_ms, "user:admin", details))
