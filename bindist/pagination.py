"""Lists of several pages, read one page after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .errors import ApiError
from .http.response import ApiResponse, Json, response_of

MAX_PAGES = 10_000
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
