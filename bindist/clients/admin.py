"""What an administrator may do besides publishing: manage applications, customers and keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..choices import ActivityType, EventType, check_given_choices
from ..errors import ApiError
from ..http.response import ApiResponse, Json, response_of
from ..pagination import one_page, walk_pages
from .base import named, named_if_given, present, segment
from .catalogue import MAX_PAGE_SIZE
from .publishing import PublishingClient

if TYPE_CHECKING:  # dictionaries' types are for type checkers, and take 4 ms to make
    from ..types import (
        Activities,
        AuditEvent,
        AuditEvents,
        ChangedCustomer,
        Customers,
        DeletedApplication,
        GrantedCustomers,
        NewApplication,
        NewCustomer,
        NewKey,
    )

_USER = "user:"
"""What an actor in the audit log begins with, before the id."""

# The server reads the plural alone; the singular is what its own rows are called.
_ACTIVITY_TYPES = {"upload": "uploads", "download": "downloads"}


class ManagementClient(PublishingClient):
    """The part of an `AdminClient` that manages applications, customers and keys."""

    # Applications

    def create_application(
        self,
        application_id: str,
        name: str,
        customer_ids: Iterable[str] | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> ApiResponse[NewApplication]:
        """Creates an application. `POST /v1/management/applications`

        Args:
            application_id: 1 to 100 of `A-Z a-z 0-9 _ -`; on the hosted service 3 to 50, in lower
                case and without `_`. Fails with 409 if it exists or was ever deleted.
            name: 1 to 200 characters.
            customer_ids: the customers who may see it from the start; default none.
            description: up to 2000 characters; default none.
            tags: up to 20, each of up to 50 characters; default none.

        Returns `NewApplication`.
        """
        body = {
            "applicationId": named(application_id, "application_id"),
            "name": name,
            "customerIds": _listed(customer_ids),
            "description": description,
            "tags": _listed(tags),
        }
        return self._send("POST", "/management/applications", present(body))

    def delete_application(self, application_id: str) -> ApiResponse[DeletedApplication]:
        """Deletes an application; its id can never be used again, and share links work on.

        `DELETE /v1/management/applications/{id}`. Returns `DeletedApplication`; deleting it again
        fails with 400.
        """
        application = segment(application_id, "application_id")
        return self._send("DELETE", f"/management/applications/{application}")

    def update_application_customers(
        self,
        application_id: str,
        add_customer_ids: Iterable[str] | None = None,
        remove_customer_ids: Iterable[str] | None = None,
    ) -> ApiResponse[GrantedCustomers]:
        """Grants an application to customers, and revokes it from others, in one request.

        `PUT /v1/management/applications/{id}/customers`. `add_customer_ids` are granted access,
        `remove_customer_ids` lose it; default none. Returns `GrantedCustomers`: `customerIds` are
        all customers who have access now; `added` and `removed` repeat the arguments.
        """
        body = {
            "addCustomerIds": _listed(add_customer_ids),
            "removeCustomerIds": _listed(remove_customer_ids),
        }
        application = segment(application_id, "application_id")
        return self._send("PUT", f"/management/applications/{application}/customers", present(body))

    # Customers and keys

    def list_customers(
        self, page: int | None = None, page_size: int | None = None
    ) -> ApiResponse[Customers]:
        """Lists all customers by name, or one page of them. `GET /v1/management/customers`

        The server sends all of them in one response. With `page` (from 1; default 1) or `page_size`
        (default 20), `customers` holds only that page, and `meta["pagination"]` describes it. A
        long list may lack customers: `bindist.rows.may_be_cut`.
        Returns `Customers`, without administrators.
        """
        if page is None and page_size is None:
            return self._get("/management/customers")
        wanted = _checked_page(1 if page is None else page, 20 if page_size is None else page_size)
        return one_page(self._get("/management/customers"), "customers", *wanted)

    def create_customer(
        self,
        name: str,
        notes: str | None = None,
        *,
        email: str | None = None,
        reference: str | None = None,
        license: str | None = None,
        parent_customer_id: str = "admin",
    ) -> ApiResponse[NewCustomer]:
        """Creates a customer. `POST /v1/management/customers/{parent}/apikeys`

        Args:
            name: 1 to 200 characters.
            notes: up to 2000 characters; default none.
            email: a valid address, up to 320 characters; default none.
            reference: up to 200 characters; default none.
            license: up to 500 characters; default none.
            parent_customer_id: the customer above the new one; default `admin`. A server on AWS may
                have no `admin` (404): `find_administrators` may tell its administrator's id.

        Returns `NewCustomer`: `customerId` and `apiKey`. **The key is shown only this once.**
        """
        body = {
            "name": name,
            "notes": notes,
            "email": email,
            "reference": reference,
            "license": license,
        }
        parent = segment(parent_customer_id, "parent_customer_id")
        return self._send("POST", f"/management/customers/{parent}/apikeys", present(body))

    def find_administrators(self) -> list[str]:
        """Returns the ids of administrators, as far as reports mention them, in alphabetical order.

        `GET /v1/audit`, whose actors are administrators, and `GET /v1/activity`, whose uploads are
        theirs. A new server on AWS has one administrator, whose id is a UUID: nothing else tells
        it, and no report mentions it before something was changed. Without access to the audit log,
        uploads alone are looked at. Raises ApiError, TransportError.
        """
        audit = self._get("/audit", {"limit": MAX_PAGE_SIZE})
        events = [] if audit.status_code == 403 else audit.rows("events")
        query = {"type": "uploads", "limit": MAX_PAGE_SIZE}
        uploads = self._get("/activity", query).rows("activities")
        actors = [str(event.get("actor")).partition(_USER) for event in events]
        found = {actor for before, user, actor in actors if user and not before}
        found |= {str(row["customerId"]) for row in uploads if row.get("customerId")}
        return sorted(found)

    def update_customer(
        self,
        customer_id: str,
        name: str | None = None,
        is_active: bool | None = None,
        notes: str | None = None,
        *,
        email: str | None = None,
        reference: str | None = None,
        license: str | None = None,
    ) -> ApiResponse[ChangedCustomer]:
        """Changes a customer; None leaves a field as it is. `PATCH /v1/management/customers/{id}`

        Args:
            customer_id: the customer to change.
            name: 1 to 200 characters.
            is_active: False disables the customer's key until it is True again; on AWS, a key that
                was just used works for up to 60 seconds more.
            notes, email, reference, license: as with `create_customer`; `""` clears one.

        Returns `ChangedCustomer`. An administrator cannot be changed: 403.
        """
        body = {
            "name": name,
            "isActive": is_active,
            "notes": notes,
            "email": email,
            "reference": reference,
            "license": license,
        }
        customer = segment(customer_id, "customer_id")
        return self._send("PATCH", f"/management/customers/{customer}", present(body))

    def regenerate_customer_key(self, customer_id: str) -> ApiResponse[NewKey]:
        """Gives a customer a new key; the old key stops working, on AWS within 60 seconds.

        `POST /v1/management/customers/{id}/regenerate-key`. Returns `NewKey`: `apiKey`, which works
        on a server of several tenants, such as the hosted service (keys there have a tenant before
        their dot), and `apiSecret`, which works on other servers. **They are shown only this
        once.**
        """
        customer = segment(customer_id, "customer_id")
        return self._send("POST", f"/management/customers/{customer}/regenerate-key")

    def regenerate_admin_key(self) -> ApiResponse[NewKey]:
        """Gives the caller, an administrator, a new key.

        The old key stops working immediately, on AWS within 60 seconds.

        `POST /v1/management/admin/regenerate-key`. Returns `NewKey`, as `regenerate_customer_key`
        does. This client still has the old key: make a new client with the new one.
        """
        return self._send("POST", "/management/admin/regenerate-key")

    def regenerate_apps_admin_key(self) -> ApiResponse[NewKey]:
        """Gives the restricted administrator `admin-apps` a new key; for financial administrators.

        `POST /v1/management/admin/regenerate-apps-key`. Returns `NewKey`, as
        `regenerate_customer_key` does.
        """
        return self._send("POST", "/management/admin/regenerate-apps-key")

    # What happened

    def list_activity(
        self,
        activity_type: ActivityType | None = None,
        page: int = 1,
        page_size: int = 50,
        *,
        application_id: str | None = None,
        customer_id: str | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
    ) -> ApiResponse[Activities]:
        """Lists uploads and downloads. `GET /v1/activity`

        The server sends 100 rows at most and knows neither pages nor applications: both are applied
        here to the rows it sends. `data["limitReached"]` is True where there may be more: where it
        sends 100, and where it was asked for dates without a customer and has 100 rows or more of
        any date. On AWS it looks at 200 uploads and 200 downloads, and then drops other dates. To
        tell that, one more request asks for any date.

        Args:
            activity_type: `upload`, `download` or `all`; default all.
            page: from 1; default 1.
            page_size: rows a page; default 50.
            application_id, customer_id: only theirs; default all.
            start_date, end_date: full ISO 8601 timestamps in UTC, compared as text by the server;
                default none.

        Returns `Activities`: `activities`, `count`, `filters`, `limitReached`. Raises ValueError
        for a page below 1.
        """
        check_given_choices(activity_type=activity_type)
        query = {
            "type": _ACTIVITY_TYPES.get(activity_type or "", activity_type),
            "limit": MAX_PAGE_SIZE,
            "customerId": named_if_given(customer_id, "customer_id"),
            "startDate": start_date,
            "endDate": end_date,
        }
        wanted = _checked_page(page, page_size)
        answer = self._get("/activity", query)
        try:
            rows = answer.rows("activities")
            reached = len(rows) >= MAX_PAGE_SIZE or (
                customer_id is None
                and self._may_lack_rows("/activity", "activities", query, MAX_PAGE_SIZE)
            )
        except ApiError as error:
            return response_of(error)
        if application_id is not None:
            rows = [row for row in rows if row.get("applicationId") == application_id]
        answer = one_page(_with(answer, activities=rows), "activities", *wanted)
        return _with(answer, limitReached=reached, count=len(answer.rows("activities")))

    def list_audit_events(
        self,
        event_type: EventType | None = None,
        *,
        start_date: str | None = None,
        end_date: str | None = None,
        limit: int = 50,
        last_event_id: str | None = None,
    ) -> ApiResponse[AuditEvents]:
        """Lists administrative events; for financial administrators. `GET /v1/audit`

        Args:
            event_type: one of `bindist.choices.CHOICES["event_type"]`, such as
                `APPLICATION_CREATED`; default all.
            start_date, end_date: full ISO 8601 timestamps in UTC; default none.
            limit: 1 to 100 events; default 50.
            last_event_id: continues after this event, the last one of an earlier response; needs
                `event_type`; default None.

        Returns `AuditEvents`: `events` and `pagination`. Without `event_type`, the events are not
        certain to be the newest, and `data["limitReached"]` is True where there may be more, as in
        `list_activity`.
        """
        query = _audit_query(event_type, start_date, end_date, limit)
        answer = self._get("/audit", {**query, "lastEventId": last_event_id})
        if event_type is not None or not answer.success:
            return answer
        try:
            reached = len(answer.rows("events")) >= limit
            reached = reached or self._may_lack_rows("/audit", "events", query, limit)
        except ApiError as error:
            return response_of(error)
        return _with(answer, limitReached=reached)

    def iter_audit_events(
        self,
        event_type: EventType | None = None,
        *,
        start_date: str | None = None,
        end_date: str | None = None,
        page_size: int = MAX_PAGE_SIZE,
    ) -> Iterator[AuditEvent]:
        """Yields each `AuditEvent` of all pages; without `event_type` there is only one page.

        `GET /v1/audit`, once for each page. `start_date` and `end_date` are those of
        `list_audit_events`; `page_size` is the number of events per request, 1 to 100; default 100.
        Raises ApiError for a page that fails, TransportError if no response arrives. With
        `event_type`, the server sends events of any date, newest first: those of other dates are
        left out here.
        """
        query = _audit_query(event_type, start_date, end_date, page_size)

        def fetch(following: Json) -> ApiResponse:
            answer = self._get("/audit", {**query, **following})
            if event_type is None and answer.data:
                return _with(answer, pagination=None)
            return answer

        return _between(walk_pages(fetch, "events"), start_date, end_date)

    def _may_lack_rows(self, path: str, items: str, query: Json, limit: int) -> bool:
        """Whether a report of certain dates may lack rows that the server did not look at.

        One on AWS looks at the first rows of its table, and drops those of other dates afterwards.
        The report is complete where the table has fewer rows than are looked at: so one more
        request asks for any date. Raises ApiError.
        """
        if query["startDate"] is None and query["endDate"] is None:
            return False
        of_any_date = {**query, "startDate": None, "endDate": None}
        return len(self._get(path, of_any_date).rows(items)) >= limit


def _audit_query(
    event_type: EventType | None, start: str | None, end: str | None, limit: int
) -> Json:
    check_given_choices(event_type=event_type)
    return {"eventType": event_type, "startDate": start, "endDate": end, "limit": limit}


def _between(
    events: Iterator[AuditEvent], start: str | None, end: str | None
) -> Iterator[AuditEvent]:
    """The events within these dates, which are compared as text, as the server does."""
    for event in events:
        if (start or "") <= str(event.get("timestamp")) and (
            not end or str(event.get("timestamp")) <= end
        ):
            yield event


def _listed(values: Iterable[str] | None) -> list[str] | None:
    if isinstance(values, str):
        raise ValueError(f"the argument must be a list of texts, not the text {values!r}")  # noqa: TRY004
    return None if values is None else list(values)


def _with(answer: ApiResponse, **changes: Any) -> ApiResponse:
    answer.data = {**(answer.data or {}), **changes}
    return answer


def _checked_page(page: int, size: int) -> tuple[int, int]:
    if page < 1 or size < 1:
        raise ValueError(f"page and page_size must be 1 or more, not {page!r} and {size!r}")
    return page, size
