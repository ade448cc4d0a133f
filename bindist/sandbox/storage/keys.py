"""The three keys that a sandbox hands out by itself."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from .database import Session
from .folder import SandboxError


@dataclass(frozen=True)
class SandboxKeys:
    """The keys that work now; empty for whom there is not."""

    admin: str = field(repr=False)
    apps_admin: str = field(repr=False)
    customer: str = field(repr=False)


def read_keys(session: Session) -> SandboxKeys:
    stored = {row["customerId"]: row["secret"] for row in session.rows("SELECT * FROM keys")}
    return SandboxKeys(*(stored.get(customer_id, "") for customer_id in _holders(session)))


def write_keys(
    session: Session, admin: str | None, apps_admin: str | None, customer: str | None
) -> None:
    """Set the keys that are given; make up those that are neither given nor there."""
    stored = {row["customerId"] for row in session.rows("SELECT customerId FROM keys")}
    for customer_id, key in zip(_holders(session), (admin, apps_admin, customer), strict=True):
        if not customer_id:
            if key is not None:
                raise SandboxError("this sandbox has one administrator, and takes no other keys")
        elif key is not None or customer_id not in stored:
            session.set_key(customer_id, key or secrets.token_urlsafe(32))


def _holders(session: Session) -> tuple[str, str, str]:
    """The ids of the three whose keys these are; empty for whom there is not."""
    customer = session.setting("customer")
    found = session.row("SELECT value FROM settings WHERE name = 'admin'")
    return (str(found["value"]), "", customer) if found else ("admin", "admin-apps", customer)
