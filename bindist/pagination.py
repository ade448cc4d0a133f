"""Lists of several pages, read one page after the other, and ahead where their number is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .errors import ApiError
from .http.response import ApiResponse, Json, response_of, unix_time
from .transfer.concurrency import Pending

MAX_PAGES = 10_000
MAX_AHEAD = 4
"""How many pages are read at once."""

MAX_WALKS = 5
"""How often a list is read that changes each time while it is read."""
MAX_EMPTY_PAGES = 100
_INCOMPLETE = "the list is incomplete: the server says that there is more"


def walk_pages(fetch: Callable[[Json], ApiResponse], items: str) -> Iterator[Any]:
    """Yields the objects of all pages, whichever way the server pages.

    `fetch` takes the query of one page; `items` is the list's key in `data`. The answer decides
    what comes next: `meta.pagination.hasNext` (page numbers), or a cursor in `data.pagination`
    (`nextCursor`, or `lastEventId`). Raises ApiError for a page that fails, and where the pages do
    not end.
    """
    for _, rows in walk_answers(fetch, lambda answer: answer.rows(items)):
        yield from rows


def walk_answers(
    fetch: Callable[[Json], ApiResponse], rows_of: Callable[[ApiResponse], list[Any]]
) -> Iterator[tuple[ApiResponse, list[Any]]]:
    """Yields the answer of each page with its rows; the last is the one that names no other.

    A page without rows that names another is passed over, as from a server that filters what it has
    read. Raises ApiError where the list has no end, or none that can be reached: where a page
    repeats the one before, where the next one is named that was asked for already, or not named at
    all, after 100 pages without a row, and after 10 000 pages.
    """
    query: Json = {}
    before: list[Any] = []
    visited, empty = set[tuple[Any, ...]](), 0
    for _ in range(MAX_PAGES):
        answer = fetch(query)
        rows = rows_of(answer)
        if rows and rows == before:
            break
        yield answer, rows
        following = next_query(query, answer.meta or {}, answer.data or {})
        if following is None:
            if _says_more(answer.data or {}):
                raise answer.invalid_response(f"{_INCOMPLETE}, and not where")
            return
        place = tuple(following.items())
        if place in visited:
            raise answer.invalid_response(
                f"{_INCOMPLETE}, and names a page that it has sent already"
            )
        empty = 0 if rows else empty + 1
        if empty == MAX_EMPTY_PAGES:
            raise answer.invalid_response(f"{_INCOMPLETE}, and sends {empty} empty pages in a row")
        visited.add(place)
        query, before = following, list(rows) or before
    raise answer.invalid_response(
        "the list never ends: the server says each time that there is more of it"
    )


def walk_distinct(
    fetch: Callable[[Json], ApiResponse], items: str, key: str, wanted: int | None = None
) -> Iterator[Any]:
    """Yields the objects of all pages as `walk_pages` does, several pages being read at once where
    the server numbers them and tells how many objects there are.

    `key` names what tells one object from the other: none is yielded twice, and where the list has
    changed between two pages, it is read again for those that have moved from a page that was still
    to come to one that had been read. `wanted` is how many objects the caller will take at most;
    default None, for all.
    """
    yielded: set[Any] = set()
    for number in range(MAX_WALKS):
        before = len(yielded)
        walk = _Walk(key, frozenset(yielded))
        ahead = PagesAhead(fetch, wanted)
        for answer, rows in walk_answers(ahead, lambda answer: answer.rows(items)):
            walk.note(answer, rows)
            for row in rows:
                found = row.get(key)
                if not (walk.is_counted and isinstance(found, str)):
                    if not number:
                        yield row
                elif found not in yielded:
                    yielded.add(found)
                    yield row
        # A server may count what it does not show; then the count is wrong each time.
        if not (walk.has_changed or (walk.is_miscounted and len(yielded) > before)):
            return


class PagesAhead:
    """Fetches pages, and with each numbered one those that follow it, `MAX_AHEAD` at once: called
    with the query of a page, it returns the answer. It holds no more pages than these, and asks for
    none that the caller, who wants so many objects, does not need."""

    def __init__(self, fetch: Callable[[Json], ApiResponse], wanted: int | None = None) -> None:
        self._fetch = fetch
        self._wanted = wanted
        self._last = 0
        self._pending: dict[int, Pending[ApiResponse]] = {}

    def __call__(self, query: Json) -> ApiResponse:
        """The answer to the query of a page; raises TransportError."""
        page = query.get("page", 0)
        for number in range(page, min(page + MAX_AHEAD, self._last + 1)) if page else ():
            if number not in self._pending:
                call = partial(self._fetch, {**query, "page": number})
                self._pending[number] = Pending(call)
        pending = self._pending.pop(page, None)
        answer = pending.get() if pending else self._fetch(query)
        counted = _count(answer)
        if counted is not None:
            total, size = counted
            self._last = -(-min(total, total if self._wanted is None else self._wanted) // size)
        return answer


def _count(answer: ApiResponse) -> tuple[int, int] | None:
    """How many objects a numbered list and a page of it have; None where that is not told."""
    told = (answer.meta or {}).get("pagination")
    if not isinstance(told, dict):
        return None
    total, size = told.get("total"), told.get("limit")
    if type(total) is not int or type(size) is not int or total < 0 or size < 1:
        return None
    return total, size


class _Walk:
    """What tells whether a list has changed while its pages were read, in whatever order the server
    has answered: another total, an object on two pages, or one that is younger than the first
    answer and that no earlier walk has seen."""

    def __init__(self, key: str, seen_before: frozenset[Any]) -> None:
        self._key = key
        self._seen_before = seen_before
        self._totals: set[int] = set()
        self._objects: set[Any] = set()
        self._pages = self._rows = 0
        self._started: float | None = None
        self._is_younger = False
        self.is_counted = False

    def note(self, answer: ApiResponse, rows: list[Any]) -> None:
        """Takes note of the answer of a page."""
        counted = _count(answer)
        if not self._pages:
            self._started, self.is_counted = answer.date, counted is not None
        self._pages += 1
        if counted is not None:
            self._totals.add(counted[0])
        self._rows += len(rows)
        for row in rows:
            found = row.get(self._key)
            if isinstance(found, str):
                self._objects.add(found)
                self._is_younger |= found not in self._seen_before and self._is_new(row)

    def _is_new(self, row: Any) -> bool:
        created = unix_time(row.get("createdAt"))
        return self._started is not None and created is not None and created >= self._started

    @property
    def has_changed(self) -> bool:
        """Whether the list has changed, as can be seen, between its first and its last page."""
        if self._pages < 2 or not self.is_counted:
            return False
        repeats = len(self._objects) != self._rows
        return self._is_younger or repeats or len(self._totals) > 1

    @property
    def is_miscounted(self) -> bool:
        """Whether there were fewer or more objects than the server says: it may have changed."""
        return self._pages > 1 and self.is_counted and self._totals != {len(self._objects)}


def one_page(answer: ApiResponse, items: str, page: int, size: int) -> ApiResponse:
    """One page of a response that holds all rows; `raw` stays what the server sent."""
    try:
        rows = answer.rows(items)
    except ApiError as error:
        return response_of(error)
    start = (page - 1) * size
    pagination = {
        "page": page,
        "limit": size,
        "total": len(rows),
        "hasNext": start + size < len(rows),
        "hasPrevious": page > 1,
    }
    answer.meta = {**(answer.meta or {}), "pagination": pagination}
    answer.data = {**(answer.data or {}), items: rows[start : start + size]}
    return answer


def next_query(query: Json, meta: Json, data: Json) -> Json | None:
    """What to add to a query for the page after the answered one; None where there is none."""
    numbered = meta.get("pagination")
    if isinstance(numbered, dict) and numbered.get("hasNext") is True:
        return {"page": int(query.get("page", 1)) + 1}
    cursors = data.get("pagination")
    if isinstance(cursors, dict) and cursors.get("hasMore") is True:
        for answered, asked in (("nextCursor", "cursor"), ("lastEventId", "lastEventId")):
            if isinstance(cursors.get(answered), str) and cursors[answered]:
                return {asked: cursors[answered]}
    return None


def _says_more(data: Json) -> bool:
    """Whether the server says that there is more, in a way that needs a cursor."""
    cursors = data.get("pagination")
    return isinstance(cursors, dict) and cursors.get("hasMore") is True
