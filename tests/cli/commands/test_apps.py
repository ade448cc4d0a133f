"""`bindist apps`"""

from __future__ import annotations

import pytest


def ids(rows):
    return [row["applicationId"] for row in rows]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), ["harbor", "skylark", "tidewatch"]),
        (("--search", "COMMAND"), ["harbor"]),
        (("--tag", "windows"), ["skylark", "tidewatch"]),
        (("--tag", "cli", "--tag", "service"), ["harbor", "tidewatch"]),
        (("--active",), ["harbor", "skylark", "tidewatch"]),
        (("--inactive",), []),
        (("--sort", "name", "--desc"), ["tidewatch", "skylark", "harbor"]),
        (("--sort", "created"), ["skylark", "harbor", "tidewatch"]),
        (("--sort", "updated"), ["tidewatch", "harbor", "skylark"]),
        (("--limit", "2"), ["harbor", "skylark"]),
        (("--page", "2", "--page-size", "2"), ["tidewatch"]),
        (("--page-size", "1"), ["harbor", "skylark", "tidewatch"]),
        (("--page", "9"), []),
    ],
    ids=str,
)
def test_list(answer, at_catalogue, options, found):
    assert ids(answer("apps", "list", *options)) == found


def test_list_requests_only_the_pages_that_the_limit_needs(answer, at_catalogue):
    answer("apps", "list", "--page-size", "1", "--limit", "2")
    assert len(at_catalogue.requests) == 2


def test_a_customer_sees_its_own_applications(answer, at_catalogue, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", at_catalogue.keys.customer)
    assert ids(answer("apps", "list")) == ["harbor", "skylark"]


def test_show_includes_the_customers_for_an_administrator(answer, at_catalogue):
    shown = answer("apps", "show", "skylark")
    assert [customer["customerId"] for customer in shown["customers"]] == ["acme", "globex"]


def test_show_works_with_a_customers_key(answer, at_catalogue, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", at_catalogue.keys.customer)
    assert "customers" not in answer("apps", "show", "harbor")


def test_create_sends_every_option(answer, at_catalogue):
    made = answer(
        *("apps", "create", "new", "--name", "New", "--description", "Fresh"),
        *("--tag", "a", "--tag", "b", "--customer", "acme", "--customer", "globex"),
    )
    assert (made["name"], made["description"], made["tags"]) == ("New", "Fresh", ["a", "b"])
    assert made["customerIds"] == ["acme", "globex"]


def test_create_needs_only_the_id(answer, at_server):
    assert answer("apps", "create", "new")["name"] == "new"


def test_creating_an_existing_application_is_a_conflict(invoke, at_server, application):
    assert invoke("apps", "create", application).exit_code == 6


def test_create_if_not_exists_keeps_an_existing_application(answer, at_server, application):
    made = answer("apps", "create", application, "--name", "Another", "--if-not-exists")
    assert made["name"] == "Tool"


def test_create_if_not_exists_creates_a_missing_application(answer, at_server):
    assert answer("apps", "create", "new", "--if-not-exists")["applicationId"] == "new"


def test_create_if_not_exists_fails_for_the_id_of_a_deleted_application(
    invoke, at_server, application
):
    invoke("apps", "delete", application, "--yes")
    assert invoke("apps", "create", application, "--if-not-exists").exit_code == 3


def test_create_for_an_unknown_customer_creates_nothing(invoke, at_server, admin):
    assert invoke("apps", "create", "new", "--customer", "nobody").exit_code == 2
    assert admin.get_application("new").status_code == 404


def test_delete(answer, at_server, application, admin):
    assert answer("apps", "delete", application, "--yes")["deletedAt"]
    assert admin.get_application(application).status_code == 404


def test_deleting_a_missing_application_does_not_ask(invoke, at_server):
    assert invoke("apps", "delete", "nothing").exit_code == 3


def test_stats(answer, at_catalogue):
    found = answer("apps", "stats", "harbor")
    assert found["downloadsByVersion"] == {"1.0.0": 3, "1.0.1": 4}
    assert found["totalDownloads"] == sum(found["downloadsByDate"].values()) == 7


def test_stats_of_one_version(answer, at_catalogue):
    assert answer("apps", "stats", "harbor", "--version", "1.0.0")["totalDownloads"] == 3


def test_stats_of_a_missing_application_are_an_error(invoke, at_catalogue):
    assert invoke("apps", "stats", "nothing").exit_code == 3


def test_grant_sends_many_customers_in_one_request(answer, at_catalogue):
    found = answer("apps", "grant", "tidewatch", "acme", "globex")
    assert set(found["customerIds"]) == {"acme", "globex"}
    assert [r.method for r in at_catalogue.requests if r.method != "GET"] == ["PUT"]


def test_grant_says_who_had_access_before(invoke, at_catalogue):
    said = invoke("apps", "grant", "harbor", "acme", "globex").stderr
    assert said == "acme had access to harbor already\n"
    assert invoke("apps", "grant", "harbor", "acme", "-q").stderr == ""


def test_revoke(answer, at_catalogue):
    assert answer("apps", "revoke", "skylark", "globex")["customerIds"] == ["acme"]


def test_revoke_says_who_had_no_access(invoke, at_catalogue):
    said = invoke("apps", "revoke", "harbor", "acme", "globex", "nobody").stderr.splitlines()
    assert [line for line in said if "nothing was withdrawn" in line] == [
        "globex had no access to harbor: nothing was withdrawn",
        "nobody had no access to harbor: nothing was withdrawn",
    ]


def test_a_customer_does_not_see_a_revoked_application(answer, invoke, at_catalogue, monkeypatch):
    answer("apps", "revoke", "harbor", "acme")
    monkeypatch.setenv("BINDIST_API_KEY", at_catalogue.keys.customer)
    assert invoke("apps", "show", "harbor").exit_code == 3


@pytest.mark.parametrize("verb", ["grant", "revoke"])
def test_grant_and_revoke_without_customers_are_usage_errors(invoke, verb):
    assert invoke("apps", verb, "tool").exit_code == 2
