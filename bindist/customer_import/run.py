"""Carries an import out: creates what is missing, and finishes what an earlier run has begun.

Creating a customer must not be repeated blindly, and shows the key once. So each creation is noted
in the journal with the ids that exist before it. If its response is lost, the new customer is the
one whose id is not among those, and whose fields were sent: only its key is replaced.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..access import customers_of
from ..errors import ApiError, BinDistError, NotFoundError, TransportError
from ..http.response import ApiResponse, Json, failure, text_in
from ..http.retry import RetryPolicy
from ..key_file import NewKeyFile, key_in
from ..rows import may_be_cut
from .journal import Begun, ImportJournal
from .plan import Customer, Match, differing, match_rows, new_customers
from .results import ImportedCustomer
from .rows import ImportRow, check_rows

if TYPE_CHECKING:
    from ..types import Application

_REFUSALS = (400, 409)
"""The statuses of a refusal that is about this customer alone; the import goes on."""

_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class ImportApi:
    """What an import needs of a client. `settle` is for how many seconds the server may still carry
    out a request without a response."""

    list_customers: Callable[[], list[Json]]
    create: Callable[[dict[str, str]], ApiResponse]
    update: Callable[[str, dict[str, Any]], ApiResponse]
    rotate: Callable[[str], str]
    """Returns a customer's new key; raises ApiError, TransportError."""
    applications: Callable[[], Iterable[Application]]
    grant: Callable[[str, list[str]], ApiResponse]
    policy: RetryPolicy
    settle: float


class _Uncertain(Exception):  # noqa: N818
    """Several customers might be the one that was created."""


class CustomerImport:
    """One run of an import. `results` has what became of the rows so far, by their place."""

    def __init__(
        self,
        api: ImportApi,
        rows: Sequence[ImportRow],
        folder: Path,
        journal: ImportJournal,
        *,
        grant: Iterable[str],
        update: bool,
        notify: Callable[[str], None] | None,
        done: Callable[[ImportedCustomer], None] | None,
    ) -> None:
        self._api = api
        self._rows = rows
        self._folder = folder
        self._journal = journal
        self._for_all = tuple(grant)
        self._update = update
        self._notify = notify or _ignore
        self._done = done or _ignore
        self._finished: set[str] = set()
        self._uncertain: dict[str, str] = {}
        self.results: dict[int, ImportedCustomer] = {}

    # The run

    def run(self) -> list[ImportedCustomer]:
        """Imports the rows, and returns what became of each."""
        check_rows(self._rows)
        access = self._access()
        for begun in self._journal.begun():
            self._finish(begun)
        for place, match in enumerate(self._matches()):
            self._take(place, self._existing(place, match) or self._create(place))
        self._grant(access)
        return [self.results[place] for place in sorted(self.results)]

    def preview(self) -> list[ImportedCustomer]:
        """Returns what `run` would do, and changes nothing."""
        check_rows(self._rows)
        access = self._access()
        for place, match in enumerate(self._matches()):
            row = self._rows[place]
            found = self._existing(place, match, dry=True) or self._occupied(row)
            self.results[place] = found or _result(row, "created", key_file=self._path(row))
        for place, result in self.results.items():
            missing = self._missing(place, result, access)
            name = "granted" if self._may_grant(place) else "differs"
            self.results[place] = _with(result, name, missing)
        return list(self.results.values())

    def _take(self, place: int, result: ImportedCustomer) -> None:
        self.results[place] = result
        self._done(result)

    def _matches(self) -> list[Match]:
        customers = self._customers()
        if may_be_cut(customers):
            self._notify(
                "the list of customers is so long that a server on AWS may have cut it, without "
                "saying so: customers that it lacks would be created again"
            )
        return match_rows(self._rows, customers)

    def _customers(self) -> list[Customer]:
        rows = self._api.list_customers()
        for row in rows:
            text_in(row, "customerId")
        return list(rows)

    def _path(self, row: ImportRow) -> str:
        return str(self._folder / row.key_file_name)

    # A row whose customer exists, or cannot be told

    def _existing(self, place: int, match: Match, *, dry: bool = False) -> ImportedCustomer | None:
        row = self._rows[place]
        if reason := self._uncertain.get(row.identity) or match.conflict:
            return _result(row, "conflict", reason=reason)
        if match.customer is None:
            return None
        customer_id = match.customer["customerId"]
        is_ours = self._journal.made.get(row.identity) == customer_id
        found = _result(
            row,
            "created" if row.identity in self._finished else "unchanged",
            customer_id,
            key_file=self._path(row) if is_ours else None,
        )
        differs = differing(row, match.customer)
        if not differs or not self._update:
            return replace(found, differs=differs)
        if not dry:
            response = self._api.update(customer_id, {name: row.fields[name] for name in differs})
            if response.status_code in _REFUSALS:
                return replace(found, status="refused", differs=differs, reason=_said(response))
            response.raise_for_error()
        return replace(found, status="changed")

    def _occupied(self, row: ImportRow) -> ImportedCustomer | None:
        """The result for a row whose key file is in use, although its customer does not exist."""
        path = self._folder / row.key_file_name
        mine = {begun.key_file for begun in self._journal.begun()}
        if not path.is_symlink() and (not path.exists() or row.key_file_name in mine):
            return None
        reason = f"{path} exists, and key files are never overwritten"
        return _result(row, "conflict", reason=reason)

    # Creating

    def _create(self, place: int) -> ImportedCustomer:
        row = self._rows[place]
        if occupied := self._occupied(row):
            return occupied
        failed: BinDistError | None = None
        for _ in range(self._api.policy.attempts):
            customers = self._customers()
            found = self._existing(place, match_rows(self._rows, customers)[place])
            if found:  # somebody else has created it
                return found
            known = [each["customerId"] for each in customers]
            begun = self._journal.begin(row.identity, row.fields, row.key_file_name, known)
            try:
                file = NewKeyFile(self._folder / row.key_file_name)
            except OSError:
                self._journal.absent(row.identity)
                raise
            try:
                result, failed = self._request(row, begun, file)
            finally:
                file.close()
            if result:
                return result
        assert failed is not None, "there is at least one attempt"
        raise failed

    def _request(
        self, row: ImportRow, begun: Begun, file: NewKeyFile
    ) -> tuple[ImportedCustomer | None, BinDistError | None]:
        """Sends the request that creates a customer, and finds out what it did."""
        failed: BinDistError
        try:
            response = self._api.create(row.fields)
        except TransportError as error:
            if not error.ambiguous:
                self._undo(begun, file)
                raise
            failed = error
        else:
            if response.success:
                made = response.require()
                created = text_in(made, "customerId")
                return self._created(row, created, text_in(made, "apiKey"), file), None
            if self._api.policy.is_refusal(response):
                self._undo(begun, file)
                if response.status_code in _REFUSALS:
                    return _result(row, "refused", reason=_said(response)), None
                response.raise_for_error()
            failed = _error(response)
        try:
            customer_id = self._look_for(begun)
        except _Uncertain as error:
            file.discard()
            return _result(row, "conflict", reason=str(error)), None
        if customer_id is None:
            self._undo(begun, file)
            return None, failed
        self._journal.found(begun.identity, customer_id)
        return self._created(row, customer_id, self._rotate(customer_id), file), None

    def _created(
        self, row: ImportRow, customer_id: str, key: str, file: NewKeyFile
    ) -> ImportedCustomer:
        """The result for a new customer, when its key is on the disk."""
        file.finish(key)
        self._journal.done(row.identity, customer_id)
        return _result(row, "created", customer_id, key_file=str(file.path))

    def _undo(self, begun: Begun, file: NewKeyFile) -> None:
        file.discard()
        self._journal.absent(begun.identity)

    def _rotate(self, customer_id: str) -> str:
        """A new key of a customer that was created here, and whose key nobody has."""
        for attempt in range(self._api.policy.attempts):
            try:
                return self._api.rotate(customer_id)
            except (TransportError, ApiError) as error:
                if attempt + 1 == self._api.policy.attempts or not _may_be_carried_out(error):
                    raise
            # Carried out late, it would replace the key of the next attempt.
            time.sleep(self._api.settle)
        raise AssertionError("unreachable")

    # What an earlier run, or a lost response, has left

    def _finish(self, begun: Begun) -> None:
        """Ends the creation of a customer that an interruption has left in the middle."""
        path = self._folder / begun.key_file
        key = key_in(path)
        try:
            customer_id = begun.customer_id or self._look_for(begun)
        except _Uncertain as error:
            self._uncertain[begun.identity] = str(error)
            return
        if key and customer_id:
            self._journal.done(begun.identity, customer_id)
            self._finished.add(begun.identity)
            return
        if key == "":
            path.unlink()
        if customer_id is None:
            self._journal.absent(begun.identity)
            return
        if begun.customer_id:
            self._wait(begun)
        self._journal.found(begun.identity, customer_id)
        file = NewKeyFile(path)
        try:
            file.finish(self._rotate(customer_id))
        finally:
            file.close()
        self._journal.done(begun.identity, customer_id)
        self._finished.add(begun.identity)

    def _look_for(self, begun: Begun) -> str | None:
        """The id of a customer whose creation got no response; None if it was not created.

        Raises _Uncertain where it cannot be told from another new one.
        """
        known = begun.known | set(self._journal.made.values())
        told = False
        while True:
            remaining = self._remaining(begun)
            found = new_customers(self._customers(), known, begun.fields)
            if len(found) > 1:
                names = ", ".join(each["customerId"] for each in found)
                raise _Uncertain(
                    f"one of these customers was created by this import, without a key on disk: "
                    f"{names}; disable or rename the others"
                )
            if found:
                return str(found[0]["customerId"])
            if not remaining:
                return None
            if not told:
                self._notify(_waiting(begun, remaining))
                told = True
            time.sleep(min(_POLL_SECONDS, remaining))

    def _wait(self, begun: Begun) -> None:
        if remaining := self._remaining(begun):
            self._notify(_waiting(begun, remaining))
            time.sleep(remaining)

    def _remaining(self, begun: Begun) -> float:
        """For how many seconds the server may still carry out the last request."""
        return min(max(begun.at + self._api.settle - time.time(), 0.0), self._api.settle)

    # Grants

    def _access(self) -> dict[str, set[str]]:
        """Who may download the applications that are to be granted. Raises NotFoundError."""
        wanted = {*self._for_all, *(name for row in self._rows for name in row.grants)}
        if not wanted:
            return {}
        found = {
            str(each.get("applicationId")): {one["customerId"] for one in customers_of(each)}
            for each in self._api.applications()
        }
        if unknown := sorted(wanted - found.keys()):
            raise NotFoundError(failure(404, f"application {unknown[0]!r:.300} not found"))
        return {name: found[name] for name in wanted}

    def _missing(
        self, place: int, result: ImportedCustomer, access: dict[str, set[str]]
    ) -> tuple[str, ...]:
        """The applications that the row asks for, and its customer may not download."""
        if result.status in ("conflict", "refused"):
            return ()
        wanted = dict.fromkeys((*self._rows[place].grants, *self._for_all))
        customer = result.customer_id or ""
        before = self._journal.granted
        return tuple(
            name
            for name in wanted
            if customer not in access[name] and (name, customer) not in before
        )

    def _may_grant(self, place: int) -> bool:
        """Whether this import may change what the customer may download."""
        result, row = self.results[place], self._rows[place]
        ours = result.status == "created" or row.identity in self._journal.made
        return ours or self._update

    def _grant(self, access: dict[str, set[str]]) -> None:
        wanted: dict[str, list[int]] = {}
        for place, result in self.results.items():
            missing = self._missing(place, result, access)
            if not self._may_grant(place):
                self.results[place] = _with(result, "differs", missing)
                continue
            for name in missing:
                wanted.setdefault(name, []).append(place)
        for name, places in wanted.items():
            ids = [text for place in places if (text := self.results[place].customer_id)]
            self._api.grant(name, ids).raise_for_error()
            self._journal.grant(name, ids)
            for place in places:
                self.results[place] = _with(self.results[place], "granted", (name,))


def _with(result: ImportedCustomer, name: str, more: tuple[str, ...]) -> ImportedCustomer:
    """The result with further grants, or with `grants` among what differs."""
    if not more:
        return result
    if name == "differs":
        return replace(result, differs=(*result.differs, "grants"))
    status = "changed" if result.status == "unchanged" else result.status
    return replace(result, status=status, granted=(*result.granted, *more))


def _result(
    row: ImportRow,
    status: str,
    customer_id: str | None = None,
    *,
    key_file: str | None = None,
    reason: str | None = None,
) -> ImportedCustomer:
    return ImportedCustomer(
        row.name,
        row.reference,
        row.email,
        status,  # type: ignore[arg-type]
        customer_id,
        key_file,
        reason=reason,
    )


def _ignore(_: object) -> None:
    pass


def _said(response: ApiResponse) -> str:
    return str((response.error or {}).get("message"))


def _error(response: ApiResponse) -> ApiError:
    try:
        response.raise_for_error()
    except ApiError as error:
        return error
    raise AssertionError("the response has failed")


def _may_be_carried_out(error: TransportError | ApiError) -> bool:
    if isinstance(error, TransportError):
        return error.ambiguous
    return error.status_code >= 500


def _waiting(begun: Begun, seconds: float) -> str:
    return (
        f"waiting up to {seconds:.0f} s: the server may still be carrying out the last request "
        f"for {begun.identity}"
    )
