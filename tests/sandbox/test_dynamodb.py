"""What a server like AWS leaves out of its lists and reports, as DynamoDB does."""

from __future__ import annotations

import pytest

from bindist.sandbox import LIKES
from tests.sandbox.requests_held import APPS, CUSTOMERS, INLINE, MANAGED, TOOL, UPLOAD

TEXT = "日" * 2000  # 6000 bytes
MIB = 1024 * 1024


def application(number):
    body = {"applicationId": f"a{number}", "name": "A", "description": TEXT}
    return "POST", MANAGED, body


def customer(number):
    return "POST", f"{CUSTOMERS}/admin/apikeys", {"name": f"N{number}", "notes": TEXT}


def version(number):
    body = {**INLINE, "version": f"{number}", "fileContent": "", "releaseNotes": TEXT}
    return "POST", UPLOAD, body


LISTS = {
    "applications": (application, APPS, {"limit": "100"}),
    "customers": (customer, CUSTOMERS, {}),
    "versions": (version, f"{TOOL}/versions", {}),
}


@pytest.mark.parametrize("like", LIKES)
@pytest.mark.parametrize("name", LISTS)
def test_only_what_is_like_aws_cuts_a_list_at_one_megabyte(serve, like, name):
    _, call = serve(like)
    make, path, query = LISTS[name]
    count = MIB // len(TEXT.encode()) + 5
    for number in range(count):
        assert call(*make(number)).status == 201

    def listed():
        headers = {"X-Channel": "Test"}
        first = call("GET", path, query=query, headers=headers)
        rows = first.data[name]
        if first.json["meta"].get("pagination", {}).get("hasNext"):
            rows += call("GET", path, query={**query, "page": "2"}, headers=headers).data[name]
        return [row for row in rows if row.get("customerId") != "seed-customer"]

    before = len(listed())
    others = 1 if name == "applications" else 0  # `tool`
    if like == "aws":
        assert count - 20 < before < count + others
    else:
        assert before == count + others
    # What is left out of the list counts all the same.
    hidden = {
        "applications": ("DELETE", f"{MANAGED}/a0"),
        "versions": ("PATCH", f"{TOOL}/versions/0", {"isActive": False}),
    }
    if name in hidden:
        assert call(*hidden[name]).status == 200
        assert len(listed()) == before - 1


@pytest.mark.parametrize("like", LIKES)
def test_only_what_is_like_aws_looks_at_so_many_rows_before_it_selects_by_time(serve, like):
    _, call = serve(like)
    for number in range(4):
        call("POST", UPLOAD, {**INLINE, "version": f"1.{number}"})
    rows = call("GET", "/v1/activity", query={"type": "uploads"}).data["activities"]
    newest = rows[0]["timestamp"]
    query = {"type": "uploads", "startDate": newest, "limit": "1"}
    found = call("GET", "/v1/activity", query=query).data["activities"]
    assert len(found) == (0 if like == "aws" else 1)
    one = call("GET", "/v1/activity", query={**query, "customerId": "admin"}).data["activities"]
    assert [row["id"] for row in one] == [rows[0]["id"]], "a customer's are looked at all"

    for number in range(3):
        call("POST", MANAGED, {"applicationId": f"a{number}", "name": "A"})
    events = call("GET", "/v1/audit").data["events"]
    query = {"startDate": events[0]["timestamp"], "limit": "1"}
    found = call("GET", "/v1/audit", query=query).data["events"]
    assert len(found) == (0 if like == "aws" else 1)
