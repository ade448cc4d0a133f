"""What an administrator may do, and answers that take several requests: reports about customers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..choices import ActivityType, check_given_choices
from ..errors import ConflictError, NotFoundError
from ..http.response import ApiResponse, failure, text_in
from .admin import ManagementClient
from .base import named_if_given
from .catalogue import MAX_PAGE_SIZE
from .publishing import check_settle

if TYPE_CHECKING:
    from ..access import CustomerAccess
    from ..activity_walk import ActivityWalk
    from ..adoption import Adoption
    from ..customer_import import ImportedCustomer, ImportRow
    from ..types import Activities, Customer, Stats, StrPath

USUAL_ADMINISTRATOR = "admin"
"""The id of the administrator on most servers."""

MAX_SETTLE = 60.0
"""Seconds for which a server may still carry out a request without a response, by default."""


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
        100 rows of each customer. The customers are those of `list_customers` and
        `iter_applications`, and those that activity, `get_stats` and `find_administrators` name.
        The server keeps downloads for 90 days.

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
                self.find_administrators,
                lambda application: cast("Stats", self.get_stats(application).require()),
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

    def find_customer(
        self, *, reference: str | None = None, email: str | None = None
    ) -> Customer | None:
        """Returns the customer with this reference or, if none has it, with this email.

        Calls `list_customers`. Emails are compared in any case. Returns a `Customer`; None if there
        is none. Raises ValueError where neither is given; ConflictError where several customers
        have it, and where the one with the email has another reference; ApiError, TransportError.
        """
        from ..customer_import.plan import match_rows
        from ..customer_import.rows import ImportRow

        if not reference and not email:
            raise ValueError("give a reference or an email")
        customers = self.list_customers().rows("customers")
        (found,) = match_rows([ImportRow("", email, reference)], customers)
        if found.conflict:
            raise ConflictError(failure(409, found.conflict))
        return cast("Customer | None", found.customer)

    def import_customers(
        self,
        rows: Iterable[ImportRow],
        keys_dir: StrPath,
        *,
        grant: Iterable[str] = (),
        update: bool = False,
        dry_run: bool = False,
        parent_customer_id: str | None = None,
        settle: float | None = None,
        notify: Callable[[str], None] | None = None,
        done: Callable[[ImportedCustomer], None] | None = None,
    ) -> list[ImportedCustomer]:
        """Creates the customers that are missing, and writes the key of each into its own file.

        A customer is matched by its reference, then by its email. Nothing is ever deleted, and no
        existing customer changes without `update`. Call it again after any interruption: the same
        call finishes the import, without a second customer for any row, and without one whose key
        is on no disk. Calls `list_customers` before each `create_customer`; after a lost response,
        `regenerate_customer_key` of the new customer; `update_customer`; and, for grants,
        `iter_applications` and `update_application_customers`, once for each application.

        Args:
            rows: the customers, as `bindist.customer_import.read_rows` reads them from CSV. Each
                has a reference or an email.
            keys_dir: the folder for the key files (`REFERENCE.key`, or `EMAIL.key`, mode 0600) and
                for the journal; created if it does not exist. Key files are never overwritten.
            grant: the ids of applications that all of them may download; default none.
            update: True changes existing customers, and what they may download, to what the rows
                say; empty values change nothing; default False.
            dry_run: True only returns what would be done; default False.
            parent_customer_id: the customer above the new ones; default None, which is `admin` or,
                on a server without it, the only one of `find_administrators`.
            settle: for how many seconds the server may still carry out a request without a
                response; default None, which is 60 seconds, or the client's read time-out if that
                is shorter.
            notify: called with a sentence when the import waits; default None.
            done: called with each row's result when its customer is there, before the grants;
                default None.

        Returns an `ImportedCustomer` for each row. Raises ValueError for rows that cannot be told
        apart or are invalid, and for a folder with keys of another server; NotFoundError for an
        unknown application; BusyError if another process imports into the folder; OSError for files
        that cannot be written; ApiError, TransportError.
        """
        from ..customer_import.journal import ImportJournal
        from ..customer_import.run import CustomerImport, ImportApi

        check_settle(settle)
        folder, transport = Path(keys_dir), self._transport
        api = ImportApi(
            lambda: self.list_customers().rows("customers"),
            self._creation(parent_customer_id),
            lambda customer, fields: self.update_customer(customer, **fields),
            self._new_key,
            self.iter_applications,
            self.update_application_customers,
            transport.retry_policy,
            min(MAX_SETTLE, transport.read_timeout) if settle is None else settle,
        )

        def of(journal: ImportJournal) -> CustomerImport:
            return CustomerImport(
                api,
                list(rows),
                folder,
                journal,
                grant=grant,
                update=update,
                notify=notify,
                done=done,
            )

        scope = self.base_url, transport.api_key
        if dry_run:
            return of(ImportJournal(folder, *scope)).preview()
        with ImportJournal.opened(folder, *scope) as journal:
            return of(journal).run()

    def _creation(self, parent: str | None) -> Callable[[dict[str, str]], ApiResponse]:
        """A function that creates a customer under `parent`, or under the only administrator."""
        parents = [parent or USUAL_ADMINISTRATOR]

        def create(fields: dict[str, str]) -> ApiResponse:
            response = self.create_customer(**fields, parent_customer_id=parents[-1])
            if response.status_code == 404 and parent is None and len(parents) == 1:
                found = self.find_administrators()
                if len(found) == 1:
                    parents.extend(found)
                    return create(fields)
            return response

        return create

    def _new_key(self, customer_id: str) -> str:
        """A customer's new key, in the form that works on this server."""
        from ..key_file import usable_key

        made = self.regenerate_customer_key(customer_id).require()
        return text_in({"apiKey": usable_key(made, self._transport.api_key)}, "apiKey")
