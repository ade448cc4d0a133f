"""A server with many customers and downloads, written as its routes write them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from typing import Any

from bindist.sandbox import SandboxServer
from bindist.sandbox.clock import timestamp
from bindist.sandbox.storage.database import Session
from bindist.sandbox.storage.folder import DATABASE

DAY = 24 * 3600 * 1000
VERSIONS = ("1.0.0", "1.9.0", "1.10.0", "2.0.0-beta", "2.0.0")


def customer(number: int) -> str:
    return f"customer-{number:02}"


def moment(milliseconds_ago: int) -> str:
    return timestamp(time.time_ns() // 1_000_000 - milliseconds_ago)


def fill(server: SandboxServer, customers: int, applications: Iterable[str] = ("tool",)) -> None:
    """Customers who may all have the applications, whose VERSIONS are enabled."""
    with closing(Session(server.data_dir / DATABASE)) as session, session.writing():
        for number in range(customers):
            name = customer(number)
            session.put(
                "customers", ("customerId",),
                customerId=name, name=f"Customer {number:02}", email=f"{name}@example.com",
                reference=f"CRM-{number}", isActive=True, isAdmin=False, isFinancialAdmin=False,
                createdAt=moment(DAY * 90), updatedAt=moment(DAY * 90), parentCustomerId="admin",
            )  # fmt: skip
        for application in applications:
            made = {"createdAt": moment(DAY * 90), "updatedAt": moment(DAY * 90), "isActive": True}
            session.put(
                "applications", ("applicationId",),
                applicationId=application, name=application.title(), description="", tags=[],
                **made,
            )  # fmt: skip
            for version in VERSIONS:
                session.put(
                    "versions", ("applicationId", "version"),
                    applicationId=application, version=version,
                    versionId=f"{application}-{version}", isEnabled=True, fileSize=1,
                    checksum="0" * 64, downloadCount=0, **made,
                )  # fmt: skip
            for number in range(customers):
                session.put(
                    "grants", ("applicationId", "customerId"),
                    applicationId=application, customerId=customer(number), grantedBy="admin",
                )  # fmt: skip


def add_downloads(server: SandboxServer, downloads: Iterable[tuple[str, str, str, str]]) -> None:
    """Adds downloads: application, version, customer, timestamp."""
    with closing(Session(server.data_dir / DATABASE)) as session, session.writing():
        ((before,),) = (row.values() for row in session.rows("SELECT count(*) FROM downloads"))
        for number, (application, version, who, when) in enumerate(downloads, before):
            session.put("downloads", ("downloadId",), **_download(number, application, version),
                        customerId=who, downloadedAt=when)  # fmt: skip


def _download(number: int, application: str, version: str) -> dict[str, Any]:
    return {
        "downloadId": f"download-{number:05}",
        "applicationId": application,
        "versionId": f"{application}-{version}",
        "fileId": "file",
        "clientIp": "127.0.0.1",
        "userAgent": "test",
        "fileSize": 1,
        "downloadSource": "api",
    }
