"""All of the activity, although the server sends 100 rows at most and no pages.

Without a customer, the server's rows are not reliably the newest, and filters may hide rows. One
customer's rows are complete, newest first, and `endDate` continues them: so each customer is walked
backwards in time. Only `customerId` and `endDate` are asked for; all other filters apply here.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .access import customers_of
from .errors import IntegrityError, NotFoundError
from .http.response import ApiResponse, count_in, text_in

if TYPE_CHECKING:
    from .types import Activity, Application, Stats

PAGE = 100
"""Rows that the server sends at most."""

USUAL_ADMINISTRATORS = ("admin", "admin-apps")
"""The ids of administrators on a self-hosted server: the list of customers leaves them out."""

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class ActivityApi:
    """The requests that a walk makes. `activity` takes a type, a customer's id, and the latest
    timestamp, None for any."""

    activity: Callable[[str | None, str | None, str | None], ApiResponse]
    customers: Callable[[], list[dict[str, Any]]]
    applications: Callable[[], Iterable[Application]]
    administrators: Callable[[], list[str]]
    stats: Callable[[str], Stats]


@dataclass(frozen=True)
class ActivityDifference:
    """An application whose downloads do not add up: `listed` were found, the statistics count
    `counted`."""

    application_id: str
    listed: int
    counted: int


@dataclass(frozen=True)
class ActivityCheck:
    """Whether the downloads of an `ActivityWalk` add up to the server's statistics.

    Attributes:
        listed: the downloads that the walk found, on the days that can be compared.
        counted: the downloads that the statistics count on these days.
        differences: the applications for which the two differ. A download made during the walk
            may be a difference.
        by_day: whether only whole days (UTC) are compared, as with dates.
    """

    listed: int
    counted: int
    differences: tuple[ActivityDifference, ...] = ()
    by_day: bool = False


class ActivityWalk:
    """An iterator over all uploads and downloads, as `AdminClient.iter_activity` returns it.

        walk = client.iter_activity("download")
        for row in walk:
            print(row["timestamp"], row["customerName"])
        print(walk.count, walk.check())

    It yields `Activity` rows customer by customer, each customer's newest first, as they arrive.

    Attributes:
        count: the rows yielded so far.
        customers: the number of customers and administrators walked so far; 0 where one response
            held all rows.
        crowded: (customer id, timestamp) where 100 rows or more of one customer have the same
            millisecond: there the server sends only 100 of them, and no request leads to others.
    """

    def __init__(
        self,
        api: ActivityApi,
        activity_type: str | None,
        application_id: str | None,
        customer_id: str | None,
        start_date: str | None,
        end_date: str | None,
    ) -> None:
        self.count = 0
        self.customers = 0
        self.crowded: list[tuple[str, str]] = []
        self._api = api
        self._type = activity_type
        self._application = application_id
        self._customer = customer_id
        self._start, self._end = start_date or "", end_date
        self._downloads: Counter[tuple[str, str]] = Counter()
        self._stats: dict[str, Stats] = {}
        self._listed: list[Application] | None = None
        self._rows = self._counted(self._walk())

    def __iter__(self) -> ActivityWalk:
        return self

    def __next__(self) -> Activity:
        return next(self._rows)

    @property
    def is_comparable(self) -> bool:
        """Whether there are statistics of what is walked: of downloads, by all customers."""
        return self._customer is None and self._type != "upload"

    def check(self) -> ActivityCheck | None:
        """Compares the downloads found with the server's statistics, application by application.

        `GET /v1/applications/{id}/stats`, once for each application that was not asked about
        before. With dates, only whole days (UTC) between them are compared. Call it after the
        iteration. Returns None where there are no statistics to compare with: of uploads alone, or
        of one customer. Raises ApiError, TransportError.
        """
        if not self.is_comparable:
            return None
        listed: Counter[str] = Counter()
        for (application, day), number in self._downloads.items():
            listed[application] += number * self._is_whole(day)
        counted = {name: self._total(stats) for name, stats in self._statistics(listed).items()}
        differences = tuple(
            ActivityDifference(name, listed[name], counted[name])
            for name in sorted(counted)
            if listed[name] != counted[name]
        )
        total = sum(listed[name] for name in counted)
        return ActivityCheck(total, sum(counted.values()), differences, self._is_dated)

    def _counted(self, rows: Iterator[Activity]) -> Iterator[Activity]:
        for row in rows:
            self.count += 1
            if row["type"] == "download":
                self._downloads[row["applicationId"], row["timestamp"][:10]] += 1
            yield row

    def _walk(self) -> Iterator[Activity]:
        if self._customer is not None:
            yield from self._of_customer(self._customer)
            return
        newest = self._page(None, None, None)
        if len(newest) < PAGE:  # everything that there is, as nothing was filtered
            yield from filter(self._is_wanted, newest)
            return
        walked: set[str] = set()
        for customer in self._customers(newest):
            if self._has_all():
                return
            if customer not in walked:
                walked.add(customer)
                yield from self._of_customer(customer)

    def _customers(self, newest: list[Activity]) -> Iterator[str]:
        """Whose activity there may be; the likeliest first, some of them repeatedly.

        No list names administrators: those are known that some report mentions.
        """
        if self._is_one_total:
            yield from self._recent_downloaders()
        for application in self._applications():
            if self._application in (None, application["applicationId"]):
                yield from (each["customerId"] for each in customers_of(application))
        yield from (text_in(row, "customerId") for row in self._api.customers())
        for rows in (newest, self._page("downloads", None, None)):
            yield from (row["customerId"] for row in rows)
        yield from (*self._api.administrators(), *USUAL_ADMINISTRATORS)
        if self.is_comparable:
            yield from self._recent_downloaders()

    def _recent_downloaders(self) -> Iterator[str]:
        for stats in self._statistics().values():
            recent: Any = stats.get("recentDownloads")
            for row in recent if isinstance(recent, list) else ():
                if isinstance(row, dict):
                    yield text_in(row, "customerId")

    @property
    def _is_one_total(self) -> bool:
        """Whether the statistics of one application say how many rows there are."""
        return self._type == "download" and self._application is not None and not self._is_dated

    @property
    def _is_dated(self) -> bool:
        return bool(self._start) or self._end is not None

    def _has_all(self) -> bool:
        return self._is_one_total and self.count >= sum(
            map(self._total, self._statistics().values())
        )

    def _of_customer(self, customer: str) -> Iterator[Activity]:
        self.customers += 1
        until = self._end
        seen: set[tuple[str, str]] = set()
        while until is None or until >= self._start:
            rows = self._page(None, customer, until)
            for row in rows:
                if _identity(row) not in seen and self._is_wanted(row):
                    yield row
            if len(rows) < PAGE or rows[-1]["timestamp"] < self._start:
                return
            newest, oldest = rows[0]["timestamp"], rows[-1]["timestamp"]
            if newest == oldest:
                self.crowded.append((customer, oldest))
                until, seen = _just_before(oldest), set()
            else:
                until = oldest
                seen = {_identity(row) for row in rows if row["timestamp"] == oldest}

    def _page(self, kind: str | None, customer: str | None, until: str | None) -> list[Activity]:
        answer = self._api.activity(kind, customer, until)
        rows: list[Any] = answer.rows("activities")
        for row in rows:
            for name in ("timestamp", "id", "type", "customerId", "applicationId"):
                text_in(row, name)
        rows.sort(key=lambda row: str(row["timestamp"]), reverse=True)
        if rows and until is not None and rows[0]["timestamp"] > until:
            raise answer.invalid_response("the server ignores endDate: its list would never end")
        return rows

    def _is_wanted(self, row: Activity) -> bool:
        return (
            self._type in (None, row["type"])
            and self._application in (None, row["applicationId"])
            and self._start <= row["timestamp"]
            and (self._end is None or row["timestamp"] <= self._end)
        )

    def _is_whole(self, day: str) -> bool:
        """Whether the whole day was walked."""
        ends = f"{day}T23:59:59.999Z"
        return f"{day}T00:00:00.000Z" >= self._start and (self._end is None or ends <= self._end)

    def _total(self, stats: Stats) -> int:
        if not self._is_dated:
            return count_in(stats, "totalDownloads")
        days: Any = stats.get("downloadsByDate")
        if not isinstance(days, dict):
            raise IntegrityError("the server's statistics have no downloadsByDate")
        return sum(count_in(days, day) for day in days if self._is_whole(day))

    def _applications(self) -> list[Application]:
        if self._listed is None:
            self._listed = list(self._api.applications())
        return self._listed

    def _statistics(self, found: Iterable[str] = ()) -> dict[str, Stats]:
        """The statistics of each application, those `found` included; each is asked for once."""
        if self._application is not None:
            names = [self._application]
        else:
            names = [text_in(each, "applicationId") for each in self._applications()]
        for name in {*names, *found} - self._stats.keys():
            # Applications of which only rows are left are deleted.
            with contextlib.suppress(*() if name in names else (NotFoundError,)):
                self._stats[name] = self._api.stats(name)
        return self._stats


def _identity(row: Activity) -> tuple[str, str]:
    return row["type"], row["id"]


def _just_before(timestamp: str) -> str:
    """The millisecond before, in the API's format. Raises IntegrityError for no timestamp."""
    try:
        moment = datetime.fromisoformat(timestamp.replace("Z", "+00:00")) - _MILLISECOND
    except (ValueError, OverflowError):
        raise IntegrityError(
            f"the server gives no usable timestamp but {timestamp!a:.100}"
        ) from None
    shown = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return shown.replace("+00:00", "Z")
