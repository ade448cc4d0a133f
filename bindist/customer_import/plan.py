"""Which customer on the server each row of an import is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .rows import FIELDS, ImportRow, folded

Customer = Mapping[str, Any]


@dataclass(frozen=True)
class Match:
    """The customer that a row is, or why that cannot be told; neither where there is none."""

    customer: Customer | None = None
    conflict: str | None = None


def match_rows(rows: Sequence[ImportRow], customers: Iterable[Customer]) -> list[Match]:
    """Matches by reference first, then by email among the customers that no reference claims."""
    by_reference: dict[str, list[Customer]] = {}
    by_email: dict[str, list[Customer]] = {}
    for customer in customers:
        by_reference.setdefault(str(customer.get("reference") or "").strip(), []).append(customer)
        by_email.setdefault(folded(customer.get("email")), []).append(customer)
    found = [
        _one(by_reference.get(row.reference, ()), "reference") if row.reference else Match()
        for row in rows
    ]
    claimed = {str(match.customer["customerId"]) for match in found if match.customer}
    return [
        match
        if match.customer or match.conflict or not row.email
        else _by_email(row, by_email.get(folded(row.email), ()), claimed)
        for row, match in zip(rows, found, strict=True)
    ]


def _by_email(row: ImportRow, customers: Iterable[Customer], claimed: set[str]) -> Match:
    match = _one([each for each in customers if each["customerId"] not in claimed], "email")
    other = str(match.customer.get("reference") or "").strip() if match.customer else ""
    if row.reference and other:
        return Match(
            conflict=f"customer {match.customer and match.customer['customerId']} has this email, "
            f"and the reference {other}"
        )
    return match


def _one(customers: Sequence[Customer], what: str) -> Match:
    if len(customers) > 1:
        names = ", ".join(str(each["customerId"]) for each in customers[:5])
        return Match(conflict=f"{len(customers)} customers have this {what}: {names}")
    return Match(customers[0]) if customers else Match()


def differing(row: ImportRow, customer: Customer) -> tuple[str, ...]:
    """The fields of the row that the customer on the server has otherwise; empty ones count not."""
    return tuple(
        name for name in FIELDS if name in row.fields and not _same(name, row.fields, customer)
    )


def new_customers(
    customers: Iterable[Customer], known: Iterable[str], fields: Mapping[str, str]
) -> list[Customer]:
    """The customers that were not known before, and have just these fields."""
    known = frozenset(known)
    return [
        each
        for each in customers
        if each["customerId"] not in known and all(_same(name, fields, each) for name in FIELDS)
    ]


def _same(name: str, fields: Mapping[str, str], customer: Customer) -> bool:
    sent, found = fields.get(name) or "", str(customer.get(name) or "")
    if name == "email":
        return folded(sent) == folded(found)
    return _text(sent) == _text(found)


def _text(value: str) -> str:
    return value.replace("\r\n", "\n").strip()
