"""Reports that take several requests: all of the activity, adoption, access."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from bindist import AdminClient, ApiError, CustomerClient, IntegrityError, NotFoundError
from bindist.activity_walk import ActivityCheck, ActivityDifference
from bindist.adoption import CustomerAdoption, having
from bindist.sandbox import SandboxServer
from bindist.sandbox.steps import LIKES
from bindist.version_match import version_matcher
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY, CUSTOMER_KEY
from tests.downloads import DAY, VERSIONS, add_downloads, customer, fill, moment
from tests.sdk.canned import CannedServer

CUSTOMERS, DOWNLOADS = 40, 5000
HOUR = DAY // 24


@pytest.fixture(scope="module", params=LIKES)
def busy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SandboxServer]:
    """5,000 downloads of `tool` by 40 customers, over 80 days; ten are the administrators'."""
    with SandboxServer(
        tmp_path_factory.mktemp("busy"),
        catalogue=False,
        admin_key=ADMIN_KEY,
        apps_admin_key=APPS_ADMIN_KEY,
        customer_key=CUSTOMER_KEY,
        like=request.param,
    ) as server:
        fill(server, CUSTOMERS, ("tool", "other"))
        add_downloads(server, made())
        yield server


def made() -> Iterator[tuple[str, str, str, str]]:
    for number in range(DOWNLOADS):
        who = customer(number % CUSTOMERS if number % 3 else 0) if number % 500 else "admin"
        when = moment(number * 80 * DAY // DOWNLOADS + HOUR)
        yield "tool", VERSIONS[number % 3], who, when


@pytest.fixture
def client(busy: SandboxServer) -> Iterator[AdminClient]:
    busy.requests.clear()
    with AdminClient(busy.url, ADMIN_KEY) as client:
        yield client


# All of the activity


@pytest.mark.parametrize("application", [None, "tool"])
def test_activity_is_complete_and_equals_the_statistics(
    client: AdminClient, application: str | None
) -> None:
    walk = client.iter_activity("download", application_id=application)
    ids = [row["id"] for row in walk]
    assert len(set(ids)) == len(ids) == walk.count == DOWNLOADS
    assert walk.check() == ActivityCheck(DOWNLOADS, DOWNLOADS)
    assert walk.crowded == []


def test_a_walk_takes_a_request_for_each_100_rows_and_customer(
    busy: SandboxServer, client: AdminClient
) -> None:
    walk = client.iter_activity()
    assert sum(1 for _ in walk) == DOWNLOADS
    asked = Counter(sent.path for sent in busy.requests)
    assert asked["/v1/activity"] <= DOWNLOADS // 100 + 2 * CUSTOMERS + 8
    assert asked["/v1/applications/tool/stats"] == asked["/v1/applications/other/stats"] == 1


def test_a_walk_since_some_time_compares_whole_days(client: AdminClient) -> None:
    since, until = moment(40 * DAY), moment(10 * DAY)
    walk = client.iter_activity(start_date=since, end_date=until)
    times = [row["timestamp"] for row in walk]
    expected = [when for *_, when in made() if since <= when <= until]
    assert abs(len(times) - len(expected)) < 3  # the clock went on
    assert min(times) >= since and max(times) <= until
    check = walk.check()
    assert check and check.differences == ()
    assert 0 < check.listed < len(times)


def test_one_customer_is_walked_alone(client: AdminClient) -> None:
    walk = client.iter_activity(customer_id=customer(1))
    times = [row["timestamp"] for row in walk]
    assert times == sorted(times, reverse=True)
    assert len(times) == sum(who == customer(1) for _, _, who, _ in made())
    assert walk.check() is None, "the statistics do not count customers apart"


def test_uploads_have_no_statistics(client: AdminClient) -> None:
    walk = client.iter_activity("upload")
    assert list(walk) == []
    assert walk.check() is None


def test_rows_arrive_while_the_walk_goes_on(busy: SandboxServer, client: AdminClient) -> None:
    next(client.iter_activity())
    assert len(busy.requests) < 10


def test_a_short_history_takes_one_request(
    server: SandboxServer, admin: AdminClient, application: str, customer: CustomerClient
) -> None:
    admin.upload_small_file(application, "1.0", "a.exe", b"bytes").raise_for_error()
    customer.get_download_url(application, "1.0", test_channel=True).raise_for_error()
    server.requests.clear()
    assert {row["type"] for row in admin.iter_activity()} == {"upload", "download"}
    assert len(server.requests) == 1
    walk = admin.iter_activity("download", start_date="2999-01-01T00:00:00.000Z")
    assert list(walk) == []


def test_more_than_100_rows_of_one_millisecond_are_told(
    server: SandboxServer, admin: AdminClient
) -> None:
    fill(server, 1)
    same, earlier = moment(HOUR), moment(2 * HOUR)
    add_downloads(server, [("tool", "1.0.0", customer(0), same)] * 130)
    add_downloads(server, [("tool", "1.0.0", customer(0), earlier)] * 20)
    walk = admin.iter_activity()
    times = Counter(row["timestamp"] for row in walk)
    assert times == {same: 100, earlier: 20}, "what comes before is found all the same"
    assert walk.crowded == [(customer(0), same)]
    assert walk.check() == ActivityCheck(120, 150, (ActivityDifference("tool", 120, 150),))


def test_rows_at_the_boundary_of_two_pages_come_once(
    server: SandboxServer, admin: AdminClient
) -> None:
    fill(server, 1)
    times = [moment(HOUR)] * 95 + [moment(2 * HOUR)] * 20 + [moment(3 * HOUR)] * 95
    add_downloads(server, [("tool", "1.0.0", customer(0), when) for when in times])
    walk = admin.iter_activity()
    assert len({row["id"] for row in walk}) == walk.count == len(times)
    assert walk.crowded == []


def test_downloads_of_an_administrator_that_no_list_names_are_found(
    server: SandboxServer, admin: AdminClient
) -> None:
    """As on AWS, where an administrator's id is a UUID."""
    fill(server, 2)
    add_downloads(
        server, [("tool", "1.0.0", customer(n % 2), moment(HOUR + n)) for n in range(300)]
    )
    add_downloads(server, [("tool", "1.0.0", "0b8f-unknown", moment(n)) for n in range(3)])
    walk = admin.iter_activity("download")
    assert {row["customerId"] for row in walk} == {customer(0), customer(1), "0b8f-unknown"}
    assert walk.check() == ActivityCheck(303, 303)


ROW = {"type": "download", "applicationId": "a", "version": "1", "customerId": "c"}


def canned_rows(timestamp: str, count: int = 100) -> dict[str, object]:
    rows = [{**ROW, "id": str(number), "timestamp": timestamp} for number in range(count)]
    return {"success": True, "data": {"activities": rows}}


def test_a_server_that_ignores_the_end_is_not_asked_for_ever(
    canned: CannedServer, asker: AdminClient
) -> None:
    canned.answer(canned_rows("2026-01-01T00:00:00.000Z"))
    with pytest.raises(ApiError, match="ignores endDate"):
        list(asker.iter_activity(customer_id="c"))
    assert len(canned.asked) == 2


@pytest.mark.parametrize("timestamp", ["now", "0001-01-01T00:00:00.000Z"])
def test_a_timestamp_that_is_none_is_an_error(
    canned: CannedServer, asker: AdminClient, timestamp: str
) -> None:
    canned.answer(canned_rows(timestamp))
    with pytest.raises(IntegrityError, match="no usable timestamp"):
        list(asker.iter_activity(customer_id="c"))


# Adoption


def test_adoption_accounts_for_every_download(busy: SandboxServer, client: AdminClient) -> None:
    found = client.get_adoption("tool")
    assert found.latest == "2.0.0"
    assert len(found.customers) == CUSTOMERS
    downloads = sum(row.downloads for row in found.customers) + found.other_downloads
    assert downloads == DOWNLOADS
    assert found.check == ActivityCheck(DOWNLOADS, DOWNLOADS)
    expected = Counter(who for _, _, who, _ in made())
    assert {row.customer_id: row.downloads for row in found.customers} == {
        customer(number): expected[customer(number)] for number in range(CUSTOMERS)
    }


def test_adoption_of_an_application_without_downloads(client: AdminClient) -> None:
    found = client.get_adoption("other")
    assert {row.version for row in found.customers} == {None}
    assert found.check == ActivityCheck(0, 0)


@pytest.fixture
def adopted(server: SandboxServer, admin: AdminClient) -> dict[str, CustomerAdoption]:
    """Five customers: one who skipped a version, one with the highest, one with a pre-release, one
    without any, and one who lost access."""
    fill(server, 5)
    downloads = [
        ("1.9.0", customer(0), moment(3 * HOUR)),
        ("1.0.0", customer(0), moment(2 * HOUR)),
        ("1.9.0", customer(1), moment(2 * HOUR)),
        ("2.0.0", customer(1), moment(1 * HOUR)),
        ("2.0.0-beta", customer(2), moment(1 * HOUR)),
        ("1.9.0", customer(4), moment(9 * HOUR)),
        ("1.9.0", "admin", moment(1 * HOUR)),
    ]
    add_downloads(server, (("tool", *download) for download in downloads))
    admin.update_application_customers("tool", remove_customer_ids=[customer(4)]).require()
    found = admin.get_adoption("tool")
    assert found.other_downloads == 1
    return {row.customer_id: row for row in found.customers}


def test_adoption_says_how_far_behind_each_customer_is(
    adopted: dict[str, CustomerAdoption],
) -> None:
    shown = {name: (row.version, row.behind) for name, row in adopted.items()}
    assert shown == {
        customer(0): ("1.9.0", 3),
        customer(1): ("2.0.0", 0),
        customer(2): ("2.0.0-beta", 1),
        customer(3): (None, None),
        customer(4): ("1.9.0", 3),
    }
    assert [name for name, row in adopted.items() if not row.has_access] == [customer(4)]
    assert adopted[customer(0)].versions == ("1.9.0", "1.0.0")
    assert adopted[customer(0)].downloaded_at <= moment(3 * HOUR), "of the highest version"
    assert (adopted[customer(0)].email, adopted[customer(0)].reference) == (
        "customer-00@example.com",
        "CRM-0",
    )


@pytest.mark.parametrize(
    ("meant", "any_download", "not_updated"),
    [
        ("1.9.0", (0, 1, 4), (0, 4)),
        ("<2.0.0", (0, 1, 2, 4), (0, 2, 4)),
        (">=1.10,<2", (2,), (2,)),
        ("!=1.9.0", (0, 1, 2), (1, 2)),
        ("3.0", (), ()),
    ],
)
def test_having_finds_who_has_certain_versions(
    admin: AdminClient,
    adopted: dict[str, CustomerAdoption],
    meant: str,
    any_download: tuple[int, ...],
    not_updated: tuple[int, ...],
) -> None:
    found, matches = admin.get_adoption("tool"), version_matcher(meant)
    for expected, only in ((any_download, False), (not_updated, True)):
        rows = having(found, matches, not_updated=only)
        assert [row.customer_id for row in rows] == [customer(number) for number in expected]


@pytest.mark.parametrize("text", ["", "<", "<2,", "~1.0", "2 0", "1.0;2.0", ">=<2"])
def test_what_means_no_versions_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no versions"):
        version_matcher(text)


def test_adoption_of_an_unknown_application_is_an_error(admin: AdminClient) -> None:
    with pytest.raises(NotFoundError):
        admin.get_adoption("nothing")


# Access


def test_access_names_the_applications_of_each_customer(
    server: SandboxServer, admin: AdminClient
) -> None:
    fill(server, 2, ("tool", "other"))
    admin.update_application_customers("other", remove_customer_ids=[customer(1)]).require()
    found = {row.customer_id: row.applications for row in admin.list_access()}
    assert found == {
        customer(0): ("other", "tool"),
        customer(1): ("tool",),
        "seed-customer": (),
    }


def test_access_of_one_customer(server: SandboxServer, admin: AdminClient) -> None:
    fill(server, 2)
    (row,) = admin.list_access(customer(1))
    assert (row.name, row.email, row.is_active) == ("Customer 01", "customer-01@example.com", True)
    with pytest.raises(NotFoundError, match="'nobody' not found"):
        admin.list_access("nobody")


def test_access_takes_a_request_for_each_100_applications(
    server: SandboxServer, admin: AdminClient
) -> None:
    fill(server, 3, [f"app-{number}" for number in range(250)])
    server.requests.clear()
    assert {len(row.applications) for row in admin.list_access()} == {250, 0}
    assert Counter(sent.path for sent in server.requests) == {
        "/v1/applications": 3,
        "/v1/management/customers": 1,
    }
