"""What an administrator may do, and answers that take several requests: reports about customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..choices import ActivityType, check_given_choices
from ..errors import NotFoundError
from ..http.response import ApiResponse, failure, text_in
from .admin import ManagementClient
from .base import named_if_given
from .catalogue import MAX_PAGE_SIZE

if TYPE_CHECKING:
    from ..access import CustomerAccess
    from ..activity_walk import ActivityWalk
    from ..adoption import Adoption
    from ..types import Activities


class AdminClient(ManagementClient):
    """Everything a `CustomerClient` does; publishing; managing applications, customers and keys.

    Methods that return an `ApiResponse` do not raise for a failed response: only `TransportError`
    if no response arrives, and `ValueError` for a wrong argument, before any request.
    `CustomerClient` describes `application_id`, `version`, `file_id` and `test_channel`;
    `customer_id` is the id in the list of customers.
    """

    def iter_activity(
        self,
        activity_type: ActivityType | None = None,
        *,
        application_id: str | None = None,
        customer_id: str | None = None,
        start_date: str | None = None,
        end_date: str | None = None,
    ) -> ActivityWalk:
        """Returns an iterator over all uploads and downloads, of every customer.

        `GET /v1/activity` once for all and, where that response is full (100 rows), once for each
        100 rows of each customer. The customers are those of `list_customers` and of
        `iter_applications`, and those that activity and `get_stats` name: administrators are in no
        list. The server keeps downloads for 90 days.

        Args:
            activity_type: `upload`, `download` or `all`; default all.
            application_id, customer_id: only theirs; default all.
            start_date, end_date: full ISO 8601 timestamps in UTC, compared as text; default none.

        Returns an `ActivityWalk`, which requests rows when they are needed, and holds at most 100
        of them. Its `check()` compares the downloads with the statistics. While it is iterated, it
        raises ApiError for a response that fails, TransportError if no response arrives. Raises
        ValueError for a wrong argument.
        """
        from ..activity_walk import ActivityApi, ActivityWalk

        check_given_choices(activity_type=activity_type)
        kind = {"all": None, "uploads": "upload", "downloads": "download"}
        return ActivityWalk(
            ActivityApi(
                self._activity_of,
                lambda: self.list_customers().rows("customers"),
                self.iter_applications,
                lambda application: self.get_stats(application).unwrap(),
            ),
            kind.get(activity_type or "all", activity_type),
            named_if_given(application_id, "application_id"),
            named_if_given(customer_id, "customer_id"),
            start_date,
            end_date,
        )

    def _activity_of(
        self, kind: str | None, customer: str | None, until: str | None
    ) -> ApiResponse[Activities]:
        query = {"type": kind, "customerId": customer, "endDate": until, "limit": MAX_PAGE_SIZE}
        return self._get("/activity", query)

    def get_adoption(self, application_id: str) -> Adoption:
        """Returns who may download an application, and which versions they have downloaded.

        Calls `iter_applications`, `list_customers`, `list_versions`, and `iter_activity` until the
        downloads add up to those that `get_stats` counts. Downloads older than 90 days are not
        kept. A download by a share link counts for whoever made the link.

        Returns an `Adoption`. `bindist.adoption.having` finds in it who has certain versions.
        Raises NotFoundError for an unknown application, ApiError, TransportError.
        """
        from ..access import customers_of
        from ..adoption import adoption

        self.get_application(application_id).raise_for_error()
        versions = self.list_versions(application_id).rows("versions")
        granted = [
            customer
            for each in self.iter_applications()
            if each.get("applicationId") == application_id
            for customer in customers_of(each)
        ]
        return adoption(
            application_id,
            granted,
            self.list_customers().rows("customers"),
            [text_in(row, "version") for row in versions],
            self.iter_activity("download", application_id=application_id),
        )

    def list_access(self, customer_id: str | None = None) -> list[CustomerAccess]:
        """Returns the customers, each with the applications that it may download; by name.

        Calls `list_customers`, and `iter_applications`, which is one request for each 100
        applications. `customer_id` asks about one customer; default None, all. Administrators, who
        may download everything, are left out. Returns `CustomerAccess` objects. Raises
        NotFoundError for an unknown customer, ApiError, TransportError.
        """
        from ..access import access_of

        named_if_given(customer_id, "customer_id")
        customers = self.list_customers().rows("customers")
        found = access_of(customers, self.iter_applications())
        if customer_id is None:
            return found
        found = [row for row in found if row.customer_id == customer_id]
        if not found:
            raise NotFoundError(failure(404, f"customer {customer_id!r:.300} not found"))
        return found
