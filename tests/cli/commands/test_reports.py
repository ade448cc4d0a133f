"""`activity list --all`, `apps adoption` and `customers access`."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.downloads import DAY, VERSIONS, add_downloads, customer, fill, moment

HOUR = DAY // 24
CUSTOMERS, DOWNLOADS = 4, 250
ADDS_UP = "the downloads add up to the server's statistics"


@pytest.fixture
def busy(at_server):
    """250 downloads of `tool` by four customers, one an hour."""
    fill(at_server, CUSTOMERS)
    add_downloads(
        at_server,
        (
            ("tool", VERSIONS[number % 2], customer(number % CUSTOMERS), moment(HOUR * number))
            for number in range(DOWNLOADS)
        ),
    )
    return at_server


def rows_of(text, output):
    if output == "csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    if output == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return json.loads(text)


@pytest.mark.parametrize("output", ["csv", "jsonl", "json"])
def test_all_activity_is_printed_and_said_to_be_all(busy, invoke, output):
    done = invoke("activity", "list", "--all", "-o", output)
    rows = rows_of(done.stdout, output)
    assert len({row["id"] for row in rows}) == len(rows) == DOWNLOADS
    assert "250 entries of 7 customers and administrators" in done.stderr
    assert f"{ADDS_UP}: 250 of 250" in done.stderr


@pytest.mark.parametrize("output", ["csv", "jsonl"])
def test_rows_are_printed_customer_by_customer(busy, invoke, output):
    rows = rows_of(invoke("activity", "list", "--all", "-o", output).stdout, output)
    owners = [row["customerId"] for row in rows]
    assert owners == sorted(owners)


def test_json_has_the_newest_first(busy, invoke):
    rows = json.loads(invoke("activity", "list", "--all", "--json").stdout)
    times = [row["timestamp"] for row in rows]
    assert times == sorted(times, reverse=True)


def test_a_limit_means_the_newest_of_all(busy, invoke):
    done = invoke("activity", "list", "--all", "--limit", "3", "-o", "jsonl")
    ids = [row["id"] for row in rows_of(done.stdout, "jsonl")]
    assert ids == ["download-00000", "download-00001", "download-00002"]


def test_entries_since_some_time_are_all_of_them(busy, invoke):
    done = invoke("activity", "list", "--since", "5d", "-o", "jsonl")
    assert 118 <= len(rows_of(done.stdout, "jsonl")) <= 120
    assert f"{ADDS_UP} on whole days (UTC): " in done.stderr


def test_quiet_prints_no_note(busy, invoke):
    assert invoke("activity", "list", "--all", "-q").stderr == ""


def test_without_all_a_warning_names_it(busy, invoke):
    done = invoke("activity", "list", "--json")
    assert len(json.loads(done.stdout)) == 100
    assert "--all" in done.stderr


def test_downloads_that_do_not_add_up_are_a_warning_even_with_quiet(at_server, invoke):
    fill(at_server, 1)
    add_downloads(at_server, [("tool", "1.0.0", customer(0), moment(HOUR))] * 130)
    done = invoke("activity", "list", "--all", "-q", "-o", "csv")
    assert done.exit_code == 0
    assert "found 100 downloads, but the server's statistics count 130" in done.stderr
    assert "100 or more entries at" in done.stderr


def test_nothing_at_all(at_server, invoke):
    done = invoke("activity", "list", "--all", "-o", "table")
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "no uploads or downloads",
        "0 entries",
        f"{ADDS_UP}: 0 of 0",
    ]


# Adoption


def test_adoption_shows_every_customer(busy, answer):
    rows = answer("apps", "adoption", "tool")
    assert [row["customerId"] for row in rows] == [customer(number) for number in range(4)]
    assert [row["version"] for row in rows] == ["1.0.0", "1.9.0"] * 2
    assert [row["behind"] for row in rows] == [4, 3] * 2
    assert rows[0]["email"] == "customer-00@example.com"


def test_adoption_says_what_it_cannot_tell(busy, invoke):
    said = invoke("apps", "adoption", "tool").stderr
    assert "downloaded is not installed" in said
    assert f"{ADDS_UP}: 250 of 250" in said


def test_adoption_of_some_versions_is_a_list_of_addresses(busy, invoke):
    done = invoke("apps", "adoption", "tool", "--has", "<1.9", "--fields", "email,reference")
    assert done.stdout == "customer-00@example.com\tCRM-0\ncustomer-02@example.com\tCRM-2\n"


def test_nobody_has_a_version(busy, invoke):
    done = invoke("apps", "adoption", "tool", "--has", "3.0", "-o", "table")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no customer has downloaded a matching version of tool" in done.stderr


def test_customers_without_a_download_are_told_from_others(busy, invoke, admin):
    made = admin.create_customer("Zoe").require()["customerId"]
    admin.update_application_customers("tool", [made]).raise_for_error()
    shown = invoke("apps", "adoption", "tool", "-o", "table").stdout.splitlines()
    assert "not within 90 days" in shown[-1]


def test_downloads_of_administrators_are_noted(busy, invoke):
    add_downloads(busy, [("tool", "1.0.0", "admin", moment(0))])
    assert "1 download is no customer's" in invoke("apps", "adoption", "tool").stderr


@pytest.mark.parametrize("words", [("--not-updated",), ("--has", "~1")])
def test_a_wrong_filter_is_refused_before_any_request(busy, invoke, words):
    assert invoke("apps", "adoption", "tool", *words).exit_code == 2
    assert not busy.requests


def test_adoption_of_an_unknown_application_is_not_found(at_server, invoke):
    assert invoke("apps", "adoption", "nothing").exit_code == 3


# Access


def test_access_lists_the_applications_of_each_customer(at_catalogue, answer):
    rows = answer("customers", "access")
    assert {row["customerId"]: row["applications"] for row in rows} == {
        "acme": ["harbor", "skylark"],
        "globex": ["skylark", "tidewatch"],
    }


def test_access_of_one_customer(at_catalogue, answer, invoke):
    (row,) = answer("customers", "access", "globex")
    assert row["name"] == "Globex Corporation"
    assert invoke("customers", "access", "nobody").exit_code == 3


def test_the_matrix_has_a_column_for_each_application(at_catalogue, invoke):
    done = invoke("customers", "access", "--matrix", "-o", "csv")
    assert done.stdout.splitlines() == [
        "customerId,customerName,harbor,skylark,tidewatch",
        "acme,Acme Corp,true,true,false",
        "globex,Globex Corporation,false,true,true",
    ]
