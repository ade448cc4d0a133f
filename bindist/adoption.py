"""Which versions of an application its customers have downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .activity_walk import ActivityCheck, ActivityWalk
from .http.response import text_in
from .version_order import version_key

if TYPE_CHECKING:
    from .types import ApplicationCustomer


@dataclass(frozen=True)
class CustomerAdoption:
    """What one customer has downloaded of an application, within the 90 days that servers keep.

    Attributes:
        customer_id, name: of the customer; `email`, `reference`: the same, None where not set.
        is_active: whether the customer's key works; None where the server does not say.
        has_access: whether the customer may download the application now.
        version: the highest version downloaded; None without a download.
        downloaded_at: when that version was last downloaded, as a timestamp of the API.
        behind: how many enabled versions are higher than `version`; None without a download.
        downloads: how many downloads there are, of all versions.
        versions: all versions downloaded, the highest first.
    """

    customer_id: str
    name: str
    email: str | None = None
    reference: str | None = None
    is_active: bool | None = None
    has_access: bool = True
    version: str | None = None
    downloaded_at: str | None = None
    behind: int | None = None
    downloads: int = 0
    versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adoption:
    """Who has downloaded which version of an application. Downloaded is not installed.

    Attributes:
        application_id: the application.
        latest: its highest enabled version; None where no version is enabled.
        customers: the customers who may download it, and those who have; by name.
        other_downloads: the downloads that are no customer's: of administrators, whose own share
            links count as theirs, and of customers that no list has.
        check: whether the downloads add up to the server's statistics.
        crowded: as in `ActivityWalk`.
    """

    application_id: str
    latest: str | None
    customers: tuple[CustomerAdoption, ...]
    other_downloads: int
    check: ActivityCheck | None
    crowded: tuple[tuple[str, str], ...] = ()


@dataclass
class _Downloads:
    """What one customer downloaded: the time of the last download of each version, and how many."""

    last: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def add(self, version: str, timestamp: str) -> None:
        self.count += 1
        self.last[version] = max(timestamp, self.last.get(version, ""))


def adoption(
    application_id: str,
    granted: Iterable[ApplicationCustomer],
    customers: Iterable[dict[str, Any]],
    enabled: Sequence[str],
    walk: ActivityWalk,
) -> Adoption:
    """Puts together who may have an application, who downloaded what, and what is enabled."""
    downloads: dict[str, _Downloads] = {}
    for row in walk:
        found = downloads.setdefault(row["customerId"], _Downloads())
        found.add(text_in(row, "version"), row["timestamp"])
    names = {each["customerId"]: each["name"] for each in granted}
    records = {text_in(row, "customerId"): row for row in customers}
    known = [each for each in records if each in names or each in downloads]
    known += [each for each in names if each not in records]
    ranks = sorted(map(version_key, enabled))
    rows = [
        _row(each, records.get(each, {}), names, downloads.get(each, _Downloads()), ranks)
        for each in known
    ]
    rows.sort(key=lambda row: (row.name.casefold(), row.customer_id))
    others = sum(found.count for each, found in downloads.items() if each not in known)
    return Adoption(
        application_id,
        max(enabled, key=version_key, default=None),
        tuple(rows),
        others,
        walk.check(),
        tuple(walk.crowded),
    )


def _row(
    customer_id: str,
    record: dict[str, Any],
    names: dict[str, str],
    found: _Downloads,
    ranks: list[Any],
) -> CustomerAdoption:
    versions = tuple(sorted(found.last, key=version_key, reverse=True))
    highest = versions[0] if versions else None
    return CustomerAdoption(
        customer_id,
        str(record.get("name") or names.get(customer_id) or ""),
        record.get("email"),
        record.get("reference"),
        record.get("isActive"),
        customer_id in names,
        highest,
        found.last[highest] if highest else None,
        sum(rank > version_key(highest) for rank in ranks) if highest else None,
        found.count,
        versions,
    )


def having(
    adopted: Adoption, matches: Callable[[str], bool], *, not_updated: bool = False
) -> list[CustomerAdoption]:
    """The customers who have downloaded a version that `matches`; with `not_updated`, only those
    whose highest version does."""
    return [
        row
        for row in adopted.customers
        if any(map(matches, row.versions[:1] if not_updated else row.versions))
    ]
