"""The three keys that a sandbox hands out by itself."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from .database import Session


@dataclass(frozen=True)
class SandboxKeys:
    """The keys that work now."""

    admin: str = field(repr=False)
    apps_admin: str = field(repr=False)
    customer: str = field(repr=False)


def read_keys(session: Session) -> SandboxKeys:
    ids = ("admin", "admin-apps", session.setting("customer"))
    stored = {row["customerId"]: row["secret"] for row in session.rows("SELECT * FROM keys")}
    return SandboxKeys(*(stored[customer_id] for customer_id in ids))


def write_keys(
    session: Session, admin: str | None, apps_admin: str | None, customer: str | None
) -> None:
    """Set the keys that are given; make up those that are neither given nor there."""
    given = {"admin": admin, "admin-apps": apps_admin, session.setting("customer"): customer}
    stored = {row["customerId"] for row in session.rows("SELECT customerId FROM keys")}
    for customer_id, key in given.items():
        if key is not None or customer_id not in stored:
            session.set_key(customer_id, key or secrets.token_urlsafe(32))
