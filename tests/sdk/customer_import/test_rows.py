"""Rows of an import: how CSV is read, what is refused before any request, and who is who."""

from __future__ import annotations

from typing import Any

import pytest

from bindist.customer_import import ImportRow, read_rows
from bindist.customer_import.plan import differing, match_rows
from bindist.customer_import.rows import check_rows
from bindist.file_names import name_problem


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_come_in_any_order_and_case(separator: str) -> None:
    text = "Reference,NAME,grants,email\n r1 ,Acme Corp,tool other,\n\n,Globex,,g@x.example\n"
    assert read_rows(text.replace(",", separator)) == [
        ImportRow("Acme Corp", reference="r1", grants=("tool", "other"), line=2),
        ImportRow("Globex", "g@x.example", line=4),
    ]


@pytest.mark.parametrize("grants", ["tool;other", "tool other", '"tool, other"', "tool;tool;other"])
def test_grants_are_separated_by_anything_usual(grants: str) -> None:
    (row,) = read_rows(f"name,reference,grants\nAcme,r1,{grants}\n")
    assert row.grants == ("tool", "other")


def test_lines_are_counted_as_an_editor_does() -> None:
    rows = read_rows('name,reference,notes\nA,r1,"two\nlines"\nB,r2,\n')
    assert [(row.line, row.notes) for row in rows] == [(2, "two\nlines"), (4, None)]


def test_values_may_be_missing_at_the_end() -> None:
    assert read_rows("name,reference,notes\nA,r1\n") == [ImportRow("A", reference="r1", line=2)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "does not name the column name"),
        ("reference\nr1\n", "does not name the column name"),
        ("name,phone\nA,1\n", "unknown column 'phone': the columns are name, email"),
        ("name,name\nA,B\n", "names a column twice"),
        ("name,reference\nA,r1,more\n", "line 2 has 3 values for 2 columns"),
        ('name,reference\n"A,r1\n', "is not CSV"),
    ],
)
def test_what_is_no_such_csv_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_rows(text)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([ImportRow("", reference="r", line=3)], "line 3: the name is missing"),
        ([ImportRow("A")], "customer 'A': neither a reference nor an email"),
        ([ImportRow("A", "nobody")], "'nobody' is no email address"),
        ([ImportRow("A" * 201, reference="r")], "the name has 201 characters; 200 are allowed"),
        ([ImportRow("A", reference="r", notes="a\0b")], "NUL"),
        ([ImportRow("A", reference="r", grants=("a/b",))], "'a/b' is not the id"),
        ([ImportRow("A", reference="r", line=2), ImportRow("B", reference="r", line=3)],
         "line 3 has the same reference as line 2"),
        ([ImportRow("A", reference="r", line=2), ImportRow("B", reference="R", line=3)],
         "line 3 has the same reference as line 2"),  # key files on macOS and Windows
        ([ImportRow("A", "a@x.example"), ImportRow("B", "A@x.example")], "has the same email"),
        ([ImportRow("A", "a@x.example", "r"), ImportRow("B", "a@x.example")],
         "give both a reference"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_told_apart_are_refused(rows: list[ImportRow], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_rows(rows)


def test_two_customers_may_share_an_email_if_each_has_a_reference() -> None:
    check_rows([ImportRow("A", "a@x.example", "r1"), ImportRow("B", "a@x.example", "r2")])


@pytest.mark.parametrize(
    "reference",
    ["CRM-7", "../../x", ".hidden", "CON", "a/b", "a" * 200, "ü/日本", "a:b", " x ", "..", "%"],
)
def test_a_key_file_has_a_safe_name_of_its_own(reference: str) -> None:
    name = ImportRow("A", reference=reference).key_file_name
    assert name_problem(name) is None
    assert "/" not in name and not name.startswith(".") and len(name) <= 120
    assert name != ImportRow("A", reference=reference + "x").key_file_name


# Matching


def customer(customer_id: str, **fields: Any) -> dict[str, Any]:
    return {"customerId": customer_id, "name": customer_id, **fields}


CUSTOMERS = [
    customer("one", reference="r1", email="a@x.example"),
    customer("two", reference="r2"),
    customer("three", email="c@x.example"),
    customer("four", reference="same"),
    customer("five", reference="same"),
]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (ImportRow("A", reference="r1"), "one"),
        (ImportRow("A", "c@x.example", "r2"), "two"),
        (ImportRow("A", "C@X.example", "new"), "three"),
        (ImportRow("A", "c@x.example"), "three"),
        (ImportRow("A", "a@x.example"), "one"),
        (ImportRow("A", "new@x.example", "new"), None),
        (ImportRow("A", "a@x.example", "new"), "customer one has this email, and the reference r1"),
        (ImportRow("A", reference="same"), "2 customers have this reference: four, five"),
    ],
)
def test_a_row_is_matched_by_reference_then_by_email(row: ImportRow, found: str | None) -> None:
    (match,) = match_rows([row], CUSTOMERS)
    assert (match.conflict or (match.customer and match.customer["customerId"])) == found


def test_a_customer_that_another_row_claims_is_not_matched_by_email() -> None:
    rows = [ImportRow("A", "a@x.example", "r1"), ImportRow("B", "a@x.example", "r9")]
    first, second = match_rows(rows, CUSTOMERS)
    assert first.customer and first.customer["customerId"] == "one"
    assert (second.customer, second.conflict) == (None, None)


def test_empty_values_do_not_differ() -> None:
    found = customer("one", name="A ", email="A@x.example", notes="kept", license=None)
    assert differing(ImportRow("A", "a@x.example"), found) == ()
    assert differing(ImportRow("B", "a@x.example", license="L"), found) == ("name", "license")
