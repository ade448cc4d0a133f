"""What an administrator may do besides publishing: applications, customers, keys, what happened."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bindist import AdminClient, CustomerClient, PermissionDeniedError, ServerError
from bindist.http.response import ApiResponse
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY, CUSTOMER_KEY
from tests.sdk.canned import CannedServer

Connect = Callable[..., AdminClient]


def names(answer: ApiResponse) -> list[str]:
    return [row["name"] for row in answer.require()["customers"]]


@pytest.fixture
def customers(admin: AdminClient) -> list[str]:
    """The names of all customers, in the server's order."""
    for number in range(6):
        admin.create_customer(f"Customer {number}").raise_for_error()
    return names(admin.list_customers())


@pytest.fixture
def happened(admin: AdminClient, customer: CustomerClient, application: str) -> None:
    """Three uploads and four downloads of two applications."""
    admin.create_application("other", "Other", ["seed-customer"]).raise_for_error()
    for name, version in ((application, "1.0"), (application, "2.0"), ("other", "1.0")):
        admin.upload_small_file(name, version, "a.exe", b"bytes").raise_for_error()
    for name in (application, application, application, "other"):
        customer.get_download_url(name, "1.0", test_channel=True).raise_for_error()


# Applications


def test_a_new_application_is_visible_to_its_customers(
    admin: AdminClient, customer: CustomerClient
) -> None:
    answer = admin.create_application("tool", "Tool", ["seed-customer"], "text", ["a"])
    assert (answer.status_code, answer.require()["tags"]) == (201, ["a"])
    assert customer.get_application("tool").success


def test_the_id_of_a_deleted_application_cannot_be_used_again(
    admin: AdminClient, application: str
) -> None:
    assert admin.delete_application(application).require()["deletedAt"]
    assert admin.get_application(application).status_code == 404
    assert admin.create_application(application, "Again").status_code == 409


def test_an_application_is_granted_and_revoked(
    admin: AdminClient, customer: CustomerClient
) -> None:
    admin.create_application("tool", "Tool").raise_for_error()
    granted = admin.update_application_customers("tool", add_customer_ids=["seed-customer"])
    assert granted.require()["customerIds"] == ["seed-customer"]
    assert customer.get_application("tool").success
    admin.update_application_customers("tool", remove_customer_ids=["seed-customer"])
    assert customer.get_application("tool").status_code == 404


# Customers and keys


def test_a_new_customer_gets_a_key_that_works(
    server: SandboxServer, admin: AdminClient, connect: Connect
) -> None:
    key = admin.create_customer("New", "note").require()["apiKey"]
    answer = connect(server.url, key).list_applications()
    assert answer.require()["isAdmin"] is False


def test_all_fields_of_a_customer_are_stored(admin: AdminClient) -> None:
    known = {"notes": "n", "email": "a@b.cd", "reference": "r", "license": "l"}
    created = admin.create_customer("New", **known).require()
    rows = admin.list_customers().require()["customers"]
    (row,) = [row for row in rows if row["customerId"] == created["customerId"]]
    assert {name: row[name] for name in known} == known


def test_fields_that_are_not_given_are_unchanged(admin: AdminClient) -> None:
    customer_id = admin.create_customer("New", "note").require()["customerId"]
    changed = admin.update_customer(customer_id, name="Renamed").require()
    assert (changed["name"], changed["notes"], changed["isActive"]) == ("Renamed", "note", True)


def test_an_empty_text_clears_a_field(admin: AdminClient) -> None:
    customer_id = admin.create_customer("New", reference="r").require()["customerId"]
    assert admin.update_customer(customer_id, reference="").require()["reference"] == ""


def test_the_key_of_an_inactive_customer_does_not_work(
    admin: AdminClient, customer: CustomerClient
) -> None:
    admin.update_customer("seed-customer", is_active=False).raise_for_error()
    assert customer.list_applications().status_code == 401
    admin.update_customer("seed-customer", is_active=True).raise_for_error()
    assert customer.list_applications().success


@pytest.mark.parametrize(
    ("renew", "old"),
    [
        (lambda c: c.regenerate_customer_key("seed-customer"), CUSTOMER_KEY),
        (lambda c: c.regenerate_admin_key(), ADMIN_KEY),
        (lambda c: c.regenerate_apps_admin_key(), APPS_ADMIN_KEY),
    ],
)
def test_a_new_key_replaces_the_old_one_at_once(
    server: SandboxServer,
    admin: AdminClient,
    connect: Connect,
    renew: Callable[[AdminClient], ApiResponse],
    old: str,
) -> None:
    secret = renew(admin).require()["apiSecret"]
    assert connect(server.url, secret).list_applications().success
    assert connect(server.url, old).list_applications().status_code == 401


def test_without_a_page_all_customers_are_listed(admin: AdminClient, customers: list[str]) -> None:
    answer = admin.list_customers()
    assert names(answer) == customers and len(customers) == 7
    assert "pagination" not in (answer.meta or {})


@pytest.mark.parametrize(
    ("page", "page_size", "part"),
    [
        (1, 3, slice(0, 3)),
        (2, 3, slice(3, 6)),
        (3, 3, slice(6, 9)),
        (4, 3, slice(9, 9)),
        (None, 2, slice(0, 2)),
        (1, None, slice(0, 20)),
    ],
)
def test_a_page_of_customers_is_a_slice_of_the_list(
    admin: AdminClient, customers: list[str], page: int | None, page_size: int | None, part: slice
) -> None:
    assert names(admin.list_customers(page=page, page_size=page_size)) == customers[part]


def test_a_page_of_customers_has_its_position_in_meta(
    admin: AdminClient, customers: list[str]
) -> None:
    meta = admin.list_customers(page=2, page_size=3).meta or {}
    assert meta["pagination"] == {
        "page": 2,
        "limit": 3,
        "total": 7,
        "hasNext": True,
        "hasPrevious": True,
    }


def test_a_page_of_customers_does_not_change_raw(admin: AdminClient, customers: list[str]) -> None:
    answer = admin.list_customers(page=1, page_size=2)
    assert len(answer.raw["data"]["customers"]) == 7


@pytest.mark.parametrize("arguments", [{"page": 0}, {"page": -1}, {"page": 1, "page_size": 0}])
@pytest.mark.parametrize("method", ["list_customers", "list_activity"])
def test_pages_count_from_one_and_are_checked_before_any_request(
    server: SandboxServer, admin: AdminClient, method: str, arguments: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match="must be 1 or more"):
        getattr(admin, method)(**arguments)
    assert server.requests == []


def test_a_failed_response_stays_failed_with_a_page(
    server: SandboxServer, connect: Connect
) -> None:
    client = connect(server.url, CUSTOMER_KEY)
    assert client.list_customers(page=1).status_code == 403
    assert client.list_activity(page=1).status_code == 403


# Activity


@pytest.mark.parametrize(("kind", "count"), [("upload", 3), ("download", 4), ("all", 7), (None, 7)])
def test_activity_is_filtered_by_type(
    admin: AdminClient, happened: None, kind: str | None, count: int
) -> None:
    data = admin.list_activity(activity_type=kind).require()
    assert (len(data["activities"]), data["count"]) == (count, count)


def test_activity_of_one_application_is_filtered_by_the_client(
    admin: AdminClient, happened: None
) -> None:
    data = admin.list_activity(application_id="other").require()
    assert {row["applicationId"] for row in data["activities"]} == {"other"}
    assert data["count"] == 2


def test_activity_of_one_customer_is_filtered_by_the_server(
    admin: AdminClient, happened: None
) -> None:
    rows = admin.list_activity(customer_id="seed-customer").require()["activities"]
    assert {row["customerId"] for row in rows} == {"seed-customer"} and len(rows) == 4


def test_the_pages_of_activity_together_are_the_whole_list(
    admin: AdminClient, happened: None
) -> None:
    whole = admin.list_activity().require()["activities"]
    parts = [admin.list_activity(page=page, page_size=3).require() for page in (1, 2, 3, 4)]
    assert [len(part["activities"]) for part in parts] == [3, 3, 1, 0]
    assert [row for part in parts for row in part["activities"]] == whole


def test_a_page_of_activity_counts_the_filtered_rows(admin: AdminClient, happened: None) -> None:
    meta = admin.list_activity("download", 1, 2, application_id="tool").meta or {}
    assert (meta["pagination"]["total"], meta["pagination"]["hasNext"]) == (3, True)


def test_activity_is_filtered_by_time(admin: AdminClient, happened: None) -> None:
    assert admin.list_activity(end_date="2020-01-01T00:00:00Z").require()["activities"] == []
    assert admin.list_activity(start_date="2020-01-01T00:00:00Z").require()["count"] == 7


@pytest.mark.parametrize(("rows", "reached"), [(99, False), (100, True)])
def test_activity_says_that_the_server_may_have_more(
    canned: CannedServer, asker: AdminClient, rows: int, reached: bool
) -> None:
    canned.answer({"success": True, "data": {"activities": [{"n": n} for n in range(rows)]}})
    assert asker.list_activity().require()["limitReached"] is reached


# Audit


def test_audit_events_are_filtered_by_type(admin: AdminClient, customers: list[str]) -> None:
    events = admin.list_audit_events("CUSTOMER_CREATED", limit=4).require()["events"]
    assert [event["eventType"] for event in events] == ["CUSTOMER_CREATED"] * 4


def test_audit_events_continue_after_the_last_event_id(
    admin: AdminClient, customers: list[str]
) -> None:
    first = admin.list_audit_events("CUSTOMER_CREATED", limit=4).require()
    last = first["pagination"]["lastEventId"]
    rest = admin.list_audit_events("CUSTOMER_CREATED", last_event_id=last).require()
    assert [len(first["events"]), len(rest["events"])] == [4, 2]


@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 6, 100])
def test_iter_audit_events_yields_each_event_once(
    admin: AdminClient, customers: list[str], page_size: int
) -> None:
    walked = list(admin.iter_audit_events("CUSTOMER_CREATED", page_size=page_size))
    assert walked == admin.list_audit_events("CUSTOMER_CREATED").require()["events"]
    assert len(walked) == 6


def test_iter_audit_events_without_a_type_reads_one_page(
    canned: CannedServer, asker: AdminClient
) -> None:
    paging = {"hasMore": True, "lastEventId": "e1"}
    canned.answer({"success": True, "data": {"events": [{"n": 1}], "pagination": paging}})
    assert list(asker.iter_audit_events()) == [{"n": 1}]
    assert len(canned.asked) == 1


def test_iter_audit_events_raises_for_a_failed_page(
    server: SandboxServer, admin: AdminClient, customers: list[str]
) -> None:
    server.faults.add("text:500,path=/v1/audit,nth=2")
    walk = admin.iter_audit_events("CUSTOMER_CREATED", page_size=2)
    assert [next(walk), next(walk)]
    with pytest.raises(ServerError):
        next(walk)


def test_the_audit_needs_a_financial_administrator(server: SandboxServer, connect: Connect) -> None:
    with pytest.raises(PermissionDeniedError):
        list(connect(server.url, APPS_ADMIN_KEY).iter_audit_events())
