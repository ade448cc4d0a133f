"""Numbered pages that are read ahead: in order, no more than wanted, right while they change."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from bindist import AdminClient, ApiError
from bindist.http.response import ApiResponse, from_body
from bindist.pagination import MAX_AHEAD, walk_distinct
from bindist.sandbox import SandboxServer

SIZE = 10
NOW = 1_700_000_000.0
OLD = "2023-01-01T00:00:00.000Z"


def created_at(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).isoformat().replace("+00:00", "Z")


class Listing:
    """A list that changes: `changes` are what is done before the request of that number."""

    def __init__(self, count: int, changes: dict[int, Callable[[], None]] | None = None) -> None:
        self.rows = [{"id": f"{number:04}", "createdAt": OLD} for number in range(count)]
        self.changes = changes or {}
        self.asked: list[int] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def fetch(self, query: dict[str, Any]) -> ApiResponse:
        page = query.get("page", 1)
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(0.001)
        with self._lock:
            self.changes.get(len(self.asked), lambda: None)()
            self.asked.append(page)
            total, start = len(self.rows), (page - 1) * SIZE
            rows = self.rows[start : start + SIZE]
            self._at_once -= 1
        numbered = {"total": total, "limit": SIZE, "hasNext": start + SIZE < total}
        envelope = {"success": True, "data": {"rows": rows}, "meta": {"pagination": numbered}}
        answer = from_body(200, json.dumps(envelope).encode())
        answer.date = NOW
        return answer

    def walk(self, wanted: int | None = None) -> Iterator[str]:
        walk = walk_distinct(self.fetch, "rows", "id", wanted)
        return (row["id"] for row in itertools.islice(walk, wanted))

    def insert(self, place: int, moment: float = NOW + 1) -> None:
        self.rows.insert(place, {"id": f"new-{place}", "createdAt": created_at(moment)})


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 40, 41, 95, 100])
def test_every_object_comes_once_and_in_order(count: int) -> None:
    listing = Listing(count)
    assert list(listing.walk()) == [row["id"] for row in listing.rows]
    assert sorted(listing.asked) == list(range(1, max(1, -(-count // SIZE)) + 1))
    assert listing.most_at_once <= MAX_AHEAD


@pytest.mark.parametrize(("wanted", "pages"), [(1, 1), (10, 1), (11, 2), (35, 4), (61, 7)])
def test_no_page_is_asked_for_that_is_not_wanted(wanted: int, pages: int) -> None:
    listing = Listing(200)
    assert list(listing.walk(wanted)) == [row["id"] for row in listing.rows[:wanted]]
    assert sorted(listing.asked) == list(range(1, pages + 1))


def test_no_more_than_four_pages_are_held_for_one_who_stops() -> None:
    listing = Listing(500)
    walk = listing.walk()
    for _ in range(SIZE):
        next(walk)
    assert listing.asked == [1]
    next(walk)
    deadline = time.monotonic() + 5
    while len(listing.asked) < 5 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.01)
    assert sorted(listing.asked) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("request_number", range(1, 10))
@pytest.mark.parametrize("change", ["insert", "delete", "both", "move to the front", "move back"])
@pytest.mark.parametrize("place", [0, 5, 15, 55, 88])
def test_a_list_that_changes_repeats_and_loses_nothing(
    request_number: int, change: str, place: int
) -> None:
    listing = Listing(90)
    always = {row["id"] for row in listing.rows}

    def alter() -> None:
        if change == "insert":
            listing.insert(place)
        elif change == "delete":
            always.discard(listing.rows.pop(place)["id"])
        elif change == "both":
            always.discard(listing.rows.pop(place)["id"])
            listing.insert(89 - place)
        elif change == "move to the front":
            listing.rows.insert(0, listing.rows.pop(place))
        else:
            listing.rows.append(listing.rows.pop(place))

    listing.changes[request_number] = alter
    found = list(listing.walk())
    assert len(found) == len(set(found))
    assert always <= set(found)


def test_a_list_that_always_changes_ends() -> None:
    listing = Listing(30)
    numbers = itertools.count()
    for request in range(200):
        listing.changes[request] = lambda: listing.insert(next(numbers) % 30)
    found = list(listing.walk())
    assert len(found) == len(set(found))
    assert len(listing.asked) < 100


def test_a_server_that_counts_what_it_does_not_show_is_read_twice_at_most() -> None:
    listing = Listing(60)

    def fetch(query: dict[str, Any]) -> ApiResponse:
        answer = listing.fetch(query)
        assert answer.meta
        answer.meta["pagination"]["total"] += 7
        return answer

    assert len(list(walk_distinct(fetch, "rows", "id"))) == 60
    assert len(listing.asked) <= 2 * 7


def test_a_page_that_fails_raises_when_its_turn_comes(admin: AdminClient) -> None:
    listing = Listing(60)

    def fetch(query: dict[str, Any]) -> ApiResponse:
        return from_body(500, b"") if query.get("page") == 4 else listing.fetch(query)

    walk = walk_distinct(fetch, "rows", "id")
    assert [next(walk)["id"] for _ in range(30)] == [row["id"] for row in listing.rows[:30]]
    with pytest.raises(ApiError):
        next(walk)


def test_the_pages_of_a_server_are_asked_for_four_at_once(
    server: SandboxServer, admin: AdminClient
) -> None:
    for number in range(9):
        admin.create_application(f"app-{number}", "App").raise_for_error()
    server.requests.clear()
    server.faults.add("stall:0.15,times=0")
    started = time.monotonic()
    assert len(list(admin.iter_applications(page_size=1, limit=5))) == 5
    assert time.monotonic() - started < 0.6, "one page, and then four at once"
    assert len(server.requests) == 5
    with pytest.raises(ValueError, match="limit must be 1 or more"):
        admin.iter_applications(limit=0)
