"""`customers import` and `customers create --if-not-exists`."""

from __future__ import annotations

import json

import pytest

from bindist import AdminClient

CSV = """name,email,reference,grants
Initech,it@initech.example.com,CRM-7,harbor
Hooli,,CRM-8,
Acme Corporation,,CRM-1001,
"""


@pytest.fixture
def file(inside):
    (inside / "customers.csv").write_text(CSV)
    return inside / "customers.csv"


IMPORT = ("customers", "import", "customers.csv", "--keys-dir", "keys")


def test_import_creates_what_is_missing(at_catalogue, answer, file, inside):
    rows = answer(*IMPORT)
    assert [row["status"] for row in rows] == ["created", "created", "unchanged"]
    assert rows[0]["granted"] == ["harbor"]
    assert rows[2]["differs"] == ["name"]
    for row in rows[:2]:
        with AdminClient(at_catalogue.url, (inside / row["keyFile"]).read_text().strip()) as client:
            assert client.list_applications().success


def test_the_second_import_creates_nothing(at_catalogue, answer, file):
    first, second = answer(*IMPORT), answer(*IMPORT)
    assert [row["status"] for row in second] == ["unchanged"] * 3
    assert [row["customerId"] for row in second] == [row["customerId"] for row in first]


def test_a_note_counts_the_results_and_names_update(at_catalogue, invoke, file):
    said = invoke(*IMPORT).stderr.splitlines()
    assert said[0] == "2 created, 1 unchanged"
    assert said[1].startswith("1 existing customer differs from the file")
    assert "--update" in said[1]
    assert invoke(*IMPORT, "--update").stderr.splitlines() == ["2 unchanged, 1 changed"]


def test_a_dry_run_says_that_nothing_was_changed(at_catalogue, invoke, file, inside):
    done = invoke(*IMPORT, "--dry-run")
    assert "nothing was changed; it would be: 2 created, 1 unchanged" in done.stderr
    assert not (inside / "keys").exists()


def test_no_key_is_printed(at_catalogue, invoke, file, inside):
    done = invoke(*IMPORT, "--json")
    for path in (inside / "keys").glob("*.key"):
        assert path.read_text().strip() not in done.output


def test_a_table_has_only_the_columns_that_have_values(at_catalogue, invoke, file):
    head = invoke(*IMPORT, "-o", "table").stdout.splitlines()[0].split("  ")
    assert "Status" in "".join(head)
    assert "Why not" not in "".join(head)


def test_a_conflict_is_exit_code_6_and_the_others_are_imported(at_catalogue, invoke, file, inside):
    (inside / "keys").mkdir()
    (inside / "keys" / "CRM-7.key").write_text("precious")
    done = invoke(*IMPORT, "--json")
    assert done.exit_code == 6
    assert [row["status"] for row in json.loads(done.stdout)] == [
        "conflict",
        "created",
        "unchanged",
    ]
    assert "1 of 3 customers were not imported" in done.stderr
    assert "CRM-7.key exists" in done.stderr


def test_what_was_done_before_an_error_is_printed(at_catalogue, invoke, file):
    at_catalogue.faults.add("status:403,path=*/apikeys,nth=2")
    done = invoke(*IMPORT, "--json")
    assert done.exit_code == 5
    assert [row["reference"] for row in json.loads(done.stdout)] == ["CRM-7"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,phone\nA,1\n", "unknown column 'phone'"),
        ("name,email\nA,\n", "line 2: neither a reference nor an email"),
        ("name,reference\nA,r\nB,r\n", "line 3 has the same reference as line 2"),
    ],
)
def test_a_wrong_file_is_refused_before_any_request(at_catalogue, invoke, inside, text, said):
    (inside / "customers.csv").write_text(text)
    done = invoke(*IMPORT)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not at_catalogue.requests


def test_an_empty_file_imports_nothing(at_catalogue, invoke, inside):
    (inside / "customers.csv").write_text("name,reference\n")
    done = invoke(*IMPORT, "-o", "table")
    assert (done.exit_code, done.stderr) == (0, "no customers in customers.csv\n")


def test_stdin(at_catalogue, invoke, inside):
    done = invoke("customers", "import", "-", "--keys-dir", "keys", "--json", input=CSV)
    assert len(json.loads(done.stdout)) == 3


# create --if-not-exists


@pytest.mark.parametrize(
    "words", [("--reference", "CRM-1001"), ("--email", "IT@acme.example.com")], ids=" ".join
)
def test_an_existing_customer_is_not_created_again(at_catalogue, invoke, inside, words):
    create = ("customers", "create", "--name", "Acme", *words, "--if-not-exists", "--json")
    done = invoke(*create, "--key-file", "acme.key")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["customerId"] == "acme"
    assert "acme already exists; nothing was changed" in done.stderr
    assert not (inside / "acme.key").exists()
    assert {sent.method for sent in at_catalogue.requests} == {"GET"}


def test_a_missing_customer_is_created_once(at_catalogue, answer):
    create = ("customers", "create", "--name", "Initech", "--reference", "r", "--if-not-exists")
    first, second = answer(*create), answer(*create)
    assert first["apiKey"]
    assert second["customerId"] == first["customerId"]
    assert "apiKey" not in second


def test_if_not_exists_needs_something_to_compare(at_catalogue, invoke):
    done = invoke("customers", "create", "--name", "Initech", "--if-not-exists")
    assert done.exit_code == 2
    assert not at_catalogue.requests


def test_several_such_customers_are_a_conflict(at_catalogue, invoke, answer):
    for name in ("One", "Two"):
        answer("customers", "create", "--name", name, "--reference", "r")
    done = invoke("customers", "create", "--name", "X", "--reference", "r", "--if-not-exists")
    assert done.exit_code == 6
    assert "2 customers have this reference" in done.stderr
