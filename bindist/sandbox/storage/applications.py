"""An application and its grants, which the real server keeps in one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .database import Row, Session


@dataclass(frozen=True)
class Application:
    """The record as it was read, and as it is written: whole."""

    row: Row
    grants: tuple[Row, ...]

    @property
    def customer_ids(self) -> list[str]:
        return [grant["customerId"] for grant in self.grants]

    def changed(self, **changes: Any) -> Application:
        return Application({**self.row, **changes}, self.grants)

    def with_customers(self, grants: tuple[Row, ...], removed: list[str]) -> Application:
        kept = [grant for grant in self.grants if grant["customerId"] not in removed]
        return Application(self.row, (*kept, *grants))


def new_grants(customer_ids: list[str], application_id: str, now: str, by: str) -> tuple[Row, ...]:
    return tuple(
        {
            "customerId": customer_id,
            "applicationId": application_id,
            "grantedAt": now,
            "grantedBy": by,
        }
        for customer_id in dict.fromkeys(customer_ids)
    )


def read_application(db: Session, application_id: str) -> Application | None:
    """The application, also where it is deleted."""
    row = db.row("SELECT * FROM applications WHERE applicationId = ?", application_id)
    return None if row is None else with_grants(db, row)


def with_grants(db: Session, row: Row) -> Application:
    return Application(row, _grants(db, row["applicationId"]))


def write_application(db: Session, application: Application) -> None:
    """Write the whole record, so that what was changed since it was read is undone."""
    application_id = application.row["applicationId"]
    db.put("applications", ("applicationId",), **application.row)
    present = {grant["customerId"] for grant in _grants(db, application_id)}
    for customer_id in present.difference(application.customer_ids):
        db.execute(
            "DELETE FROM grants WHERE applicationId = ? AND customerId = ?",
            application_id,
            customer_id,
        )
    for grant in application.grants:
        if grant["customerId"] not in present:
            db.put("grants", ("customerId", "applicationId"), **grant)


def _grants(db: Session, application_id: str) -> tuple[Row, ...]:
    return tuple(
        db.rows("SELECT * FROM grants WHERE applicationId = ? ORDER BY rowid", application_id)
    )
