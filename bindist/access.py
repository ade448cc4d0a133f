"""Which applications each customer may download."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import IntegrityError
from .http.response import text_in

if TYPE_CHECKING:
    from .types import Application, ApplicationCustomer


@dataclass(frozen=True)
class CustomerAccess:
    """A customer, and the applications that it may download.

    Attributes:
        customer_id, name: of the customer; `email`, `reference`: the same, None where not set.
        is_active: whether the customer's key works; None where the server does not say.
        applications: the ids of the applications, sorted.
    """

    customer_id: str
    name: str
    email: str | None = None
    reference: str | None = None
    is_active: bool | None = None
    applications: tuple[str, ...] = ()


def customers_of(application: Application) -> list[ApplicationCustomer]:
    """The customers who may download an application, as a list for administrators has them.

    Raises IntegrityError for one without an id.
    """
    listed: Any = application.get("customers") or ()
    if not isinstance(listed, (list, tuple)) or not all(isinstance(each, dict) for each in listed):
        raise IntegrityError("the server gives no usable customers of an application")
    return [
        {"customerId": text_in(each, "customerId"), "name": str(each.get("name") or "")}
        for each in listed
    ]


def access_of(
    customers: Iterable[dict[str, Any]], applications: Iterable[Application]
) -> list[CustomerAccess]:
    """Puts the lists together, by name. Customers that only applications name come along."""
    granted: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for application in applications:
        for customer in customers_of(application):
            application_id = text_in(application, "applicationId")
            granted.setdefault(customer["customerId"], []).append(application_id)
            names[customer["customerId"]] = customer["name"]
    records: dict[str, dict[str, Any]] = {each: {} for each in names}
    records.update({text_in(row, "customerId"): row for row in customers})
    found = [
        CustomerAccess(
            each,
            str(record.get("name") or names.get(each) or ""),
            record.get("email"),
            record.get("reference"),
            record.get("isActive"),
            tuple(sorted(granted.get(each, ()))),
        )
        for each, record in records.items()
    ]
    return sorted(found, key=lambda row: (row.name.casefold(), row.customer_id))
