"""Imports against a server: what is created, what is left alone, and lost responses."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, BusyError, NotFoundError, TransportError
from bindist.customer_import import ImportedCustomer, ImportRow
from bindist.customer_import.journal import JOURNAL, ImportJournal
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY

Connect = Callable[..., AdminClient]
ROWS = [ImportRow(f"Customer {n}", f"c{n}@x.example.com", f"CRM-{n}", notes="n") for n in range(3)]
CREATE, ROTATE = "*/apikeys", "*/regenerate-key"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def statuses(found: list[ImportedCustomer]) -> list[str]:
    return [result.status for result in found]


def listed(admin: AdminClient) -> dict[str, Any]:
    """All customers by reference; fails where two have the same."""
    rows = admin.list_customers().rows("customers")
    found = {row["reference"]: row for row in rows if row.get("reference")}
    assert len(found) == len([row for row in rows if row.get("reference")])
    return found


@pytest.fixture
def check(server: SandboxServer, admin: AdminClient, keys: Path, connect: Connect) -> Any:
    """Each row is one customer, with one key file whose key works."""

    def whole(rows: list[ImportRow] = ROWS) -> None:
        found = listed(admin)
        assert set(found) == {row.reference for row in rows}
        assert {path.name for path in keys.glob("*.key")} == {
            f"{row.reference}.key" for row in rows
        }
        assert {path.name for path in keys.iterdir()} - {JOURNAL} == {
            path.name for path in keys.glob("*.key")
        }
        for row in rows:
            path = keys / f"{row.reference}.key"
            with connect(server.url, path.read_text().strip()) as client:
                assert client.list_applications().require()["isAdmin"] is False
            if os.name == "posix":
                assert stat.S_IMODE(path.stat().st_mode) == 0o600

    return whole


# What is created, and what is not


def test_what_is_missing_is_created_and_the_second_time_nothing(
    server: SandboxServer, admin: AdminClient, keys: Path, check: Any
) -> None:
    first = admin.import_customers(ROWS, keys)
    assert statuses(first) == ["created"] * 3
    assert [result.key_file for result in first] == [str(keys / f"CRM-{n}.key") for n in range(3)]
    check()
    server.requests.clear()
    second = admin.import_customers(ROWS, keys)
    assert statuses(second) == ["unchanged"] * 3
    assert [result.key_file for result in second] == [result.key_file for result in first]
    assert [sent.method for sent in server.requests] == ["GET"]


def test_existing_customers_change_only_with_update(admin: AdminClient, keys: Path) -> None:
    admin.import_customers(ROWS[:1], keys)
    row = ImportRow("Renamed", "c0@x.example.com", "CRM-0", license="L")
    (found,) = admin.import_customers([row], keys)
    assert (found.status, found.differs) == ("unchanged", ("name", "license"))
    (found,) = admin.import_customers([row], keys, update=True)
    assert (found.status, found.differs) == ("changed", ())
    now = listed(admin)["CRM-0"]
    assert (now["name"], now["license"], now["notes"]) == ("Renamed", "L", "n")


def test_a_customer_that_was_there_before_keeps_its_key(
    server: SandboxServer, admin: AdminClient, keys: Path, connect: Connect
) -> None:
    key = admin.create_customer("Old", reference="CRM-0", email="c0@x.example.com").require()[
        "apiKey"
    ]
    (found,) = admin.import_customers(ROWS[:1], keys, update=True)
    assert (found.status, found.key_file) == ("changed", None)
    assert connect(server.url, key).list_applications().success


def test_a_preview_changes_nothing(server: SandboxServer, admin: AdminClient, keys: Path) -> None:
    admin.create_application("tool", "Tool").raise_for_error()
    found = admin.import_customers(ROWS, keys, grant=["tool"], dry_run=True)
    assert statuses(found) == ["created"] * 3
    assert {result.granted for result in found} == {("tool",)}
    assert not keys.exists()
    assert {sent.method for sent in server.requests[1:]} == {"GET"}


def test_applications_are_granted_in_one_request_each(
    server: SandboxServer, admin: AdminClient, keys: Path
) -> None:
    for name in ("tool", "other"):
        admin.create_application(name, name).raise_for_error()
    rows = [*ROWS, ImportRow("D", reference="CRM-9", grants=("other",))]
    server.requests.clear()
    found = admin.import_customers(rows, keys, grant=["tool"])
    assert [result.granted for result in found] == [("tool",)] * 3 + [("tool", "other")]
    assert [sent.method for sent in server.requests].count("PUT") == 2
    access = {row.customer_id: row.applications for row in admin.list_access()}
    assert [access[result.customer_id or ""] for result in found] == [
        *[("tool",)] * 3,
        ("other", "tool"),
    ]


def test_what_somebody_has_revoked_is_not_granted_again(admin: AdminClient, keys: Path) -> None:
    admin.create_application("tool", "Tool").raise_for_error()
    (found,) = admin.import_customers(ROWS[:1], keys, grant=["tool"])
    assert found.customer_id
    admin.update_application_customers("tool", remove_customer_ids=[found.customer_id]).require()
    (again,) = admin.import_customers(ROWS[:1], keys, grant=["tool"])
    assert again.granted == ()


def test_grants_of_existing_customers_differ_unless_updated(admin: AdminClient, keys: Path) -> None:
    admin.create_application("tool", "Tool").raise_for_error()
    admin.create_customer("Customer 0", "n", email="c0@x.example.com", reference="CRM-0").require()
    (found,) = admin.import_customers(ROWS[:1], keys, grant=["tool"])
    assert (found.status, found.differs) == ("unchanged", ("grants",))
    (found,) = admin.import_customers(ROWS[:1], keys, grant=["tool"], update=True)
    assert (found.status, found.granted) == ("changed", ("tool",))


def test_an_unknown_application_is_an_error_before_anything_changes(
    server: SandboxServer, admin: AdminClient, keys: Path
) -> None:
    with pytest.raises(NotFoundError, match="'nothing' not found"):
        admin.import_customers(ROWS, keys, grant=["nothing"])
    assert {sent.method for sent in server.requests} == {"GET"}
    assert not list(keys.glob("*.key"))


def test_a_key_file_is_never_overwritten(admin: AdminClient, keys: Path) -> None:
    keys.mkdir()
    (keys / "CRM-1.key").write_text("precious")
    found = admin.import_customers(ROWS, keys)
    assert statuses(found) == ["created", "conflict", "created"]
    assert "key files are never overwritten" in (found[1].reason or "")
    assert (keys / "CRM-1.key").read_text() == "precious"
    assert set(listed(admin)) == {"CRM-0", "CRM-2"}


def test_a_refused_customer_does_not_stop_the_others(admin: AdminClient, keys: Path) -> None:
    rows = [ROWS[0], ImportRow("Bad", "a@b", "CRM-8"), ROWS[2]]
    found = admin.import_customers(rows, keys)
    assert statuses(found) == ["created", "refused", "created"]
    assert "Validation failed" in (found[1].reason or "")
    assert not (keys / "CRM-8.key").exists()


def test_the_journal_is_private_and_has_no_key(admin: AdminClient, keys: Path) -> None:
    admin.import_customers(ROWS, keys)
    text = (keys / JOURNAL).read_text()
    for path in keys.glob("*.key"):
        assert path.read_text().strip() not in text
    assert ADMIN_KEY not in text
    if os.name == "posix":
        assert stat.S_IMODE((keys / JOURNAL).stat().st_mode) == 0o600


def test_another_servers_folder_is_refused(
    admin: AdminClient, keys: Path, connect: Connect
) -> None:
    admin.import_customers(ROWS[:1], keys)
    other = connect("http://127.0.0.1:9")
    with pytest.raises(ValueError, match="has the keys of customers on"):
        other.import_customers(ROWS, keys)


def test_only_one_import_at_a_time_uses_a_folder(admin: AdminClient, keys: Path) -> None:
    with ImportJournal.opened(keys, admin.base_url, ADMIN_KEY), pytest.raises(BusyError):
        admin.import_customers(ROWS, keys)


@pytest.mark.parametrize("content", [b"{", b"[]\n", b'{"format": 1}\n', b"{}\n{}\n"])
def test_a_journal_that_is_none_is_an_error(admin: AdminClient, keys: Path, content: bytes) -> None:
    keys.mkdir()
    (keys / JOURNAL).write_bytes(content)
    if content == b"{":  # cut off at once: nothing has begun
        assert statuses(admin.import_customers(ROWS, keys)) == ["created"] * 3
    else:
        with pytest.raises(ValueError, match=r"is damaged|has the keys of"):
            admin.import_customers(ROWS, keys)


# Lost responses


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    "fault", ["lost", "status:504", "html:502", "reset:10", "late-completion:0.3"]
)
def test_a_lost_response_to_a_creation_makes_no_second_customer(
    server: SandboxServer, admin: AdminClient, keys: Path, check: Any, fault: str, place: int
) -> None:
    server.faults.add(f"{fault},method=POST,path={CREATE},nth={place + 1}")
    assert statuses(admin.import_customers(ROWS, keys, settle=1.5)) == ["created"] * 3
    assert server.faults.all_struck
    check()


@pytest.mark.parametrize("fault", ["lost", "status:504"])
def test_a_lost_response_to_a_rotation_is_followed_by_another(
    server: SandboxServer, admin: AdminClient, keys: Path, check: Any, fault: str
) -> None:
    server.faults.add(f"lost,method=POST,path={CREATE}")
    server.faults.add(f"{fault},method=POST,path={ROTATE}")
    assert statuses(admin.import_customers(ROWS, keys, settle=0.05)) == ["created"] * 3
    check()


def test_a_creation_that_never_succeeds_leaves_nothing(
    server: SandboxServer, admin: AdminClient, keys: Path, check: Any
) -> None:
    server.faults.add(f"status:504,method=POST,path={CREATE},nth=2,times=0")
    done: list[ImportedCustomer] = []
    with pytest.raises(Exception, match="Gateway Time"):
        admin.import_customers(ROWS, keys, settle=0.01, done=done.append)
    assert statuses(done) == ["created"]
    assert [path.name for path in keys.glob("*.key")] == ["CRM-0.key"]
    server.faults.clear()
    assert statuses(admin.import_customers(ROWS, keys)) == ["unchanged", "created", "created"]
    check()


def test_only_a_new_customer_with_these_fields_is_taken_for_ones_own(
    server: SandboxServer, admin: AdminClient, keys: Path, connect: Connect
) -> None:
    """Somebody else creates others at the same time: none of their keys is replaced."""
    theirs: list[str] = []

    def interfere(step: Any) -> None:
        if step.name == "create-customer" and step.caller == "admin" and not theirs:
            theirs.append("")
            theirs[:] = [
                admin.create_customer(name, reference=reference).require()["apiKey"]
                for name, reference in (("Other", "CRM-50"), ("Customer 0", "CRM-51"))
            ]

    server.after_step = interfere
    server.faults.add(f"lost,method=POST,path={CREATE}")
    assert statuses(admin.import_customers(ROWS[:1], keys, settle=1)) == ["created"]
    assert len(theirs) == 2
    for key in theirs:
        assert connect(server.url, key).list_applications().success
    assert not [sent for sent in server.requests if sent.path.endswith("regenerate-key")][1:]


def test_two_candidates_are_a_conflict_and_no_key_is_replaced(
    server: SandboxServer, admin: AdminClient, keys: Path
) -> None:
    fields = {"email": "c0@x.example.com", "reference": "CRM-0"}
    twins = iter(range(1))

    def interfere(step: Any) -> None:
        if step.name == "create-customer" and next(twins, None) is not None:
            admin.create_customer("Customer 0", "n", **fields).raise_for_error()

    server.after_step = interfere
    server.faults.add(f"lost,method=POST,path={CREATE},nth=1")
    for _ in range(2):
        (found,) = admin.import_customers(ROWS[:1], keys, settle=0.05)
        assert found.status == "conflict"
        assert "one of these customers was created by this import" in (found.reason or "")
    assert not [sent for sent in server.requests if sent.path.endswith("regenerate-key")]
    assert not list(keys.glob("*.key"))


def test_a_server_that_cannot_be_reached_leaves_no_key_file(
    keys: Path, connect: Connect, server: SandboxServer
) -> None:
    client = connect(server.url, retries=0)
    server.faults.add(f"refuse,path={CREATE}")
    with pytest.raises(TransportError):
        client.import_customers(ROWS, keys, settle=0.01)
    assert not list(keys.glob("*.key"))


def test_a_folder_that_cannot_be_written_is_an_error_before_any_creation(
    server: SandboxServer, admin: AdminClient, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        admin.import_customers(ROWS, tmp_path / "file")
    assert not server.requests


# Who is found


def test_find_customer(admin: AdminClient) -> None:
    made = admin.create_customer("A", email="a@x.example.com", reference="r").require()[
        "customerId"
    ]
    assert admin.find_customer(reference="other") is None
    for found in (admin.find_customer(reference="r"), admin.find_customer(email="A@x.example.com")):
        assert found and found["customerId"] == made
    with pytest.raises(ValueError, match="give a reference or an email"):
        admin.find_customer()
