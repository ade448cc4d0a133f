"""`bindist customers`"""

from __future__ import annotations

import json
import os
import stat
import threading
import time

import pytest


def test_list_leaves_out_the_administrators(answer, at_catalogue):
    assert [row["customerId"] for row in answer("customers", "list")] == ["acme", "globex"]


def test_show(answer, at_catalogue):
    assert answer("customers", "show", "acme")["reference"] == "CRM-1001"


def test_show_of_a_missing_customer_is_not_found(invoke, at_catalogue):
    assert invoke("customers", "show", "nobody").exit_code == 3


def test_create_sends_every_option(answer, at_server):
    made = answer(
        *("customers", "create", "--name", "Initech", "--notes", "n", "--reference", "r"),
        *("--email", "it@initech.example.com", "--license", "l", "--parent", "admin"),
    )
    shown = answer("customers", "show", made["customerId"])
    fields = {name: shown[name] for name in ("name", "notes", "email", "reference", "license")}
    assert list(fields.values()) == ["Initech", "n", "it@initech.example.com", "r", "l"]


def test_the_key_that_create_prints_works(answer, invoke, at_server, monkeypatch):
    key = answer("customers", "create", "--name", "Initech")["apiKey"]
    monkeypatch.setenv("BINDIST_API_KEY", key)
    assert invoke("apps", "list").exit_code == 0


def test_create_needs_a_name(invoke, at_server):
    assert invoke("customers", "create").exit_code == 2


def test_create_notes_that_the_key_is_shown_once(invoke, at_server):
    assert "it is not shown again" in invoke("customers", "create", "--name", "Initech").stderr


@pytest.mark.parametrize("field", ["name", "notes", "email", "reference", "license"])
def test_update_changes_one_field(answer, at_catalogue, field):
    before = answer("customers", "show", "acme")
    new = "new@acme.example.com" if field == "email" else "new"
    answer("customers", "update", "acme", f"--{field}", new)
    assert answer("customers", "show", "acme") == {**before, field: new}


@pytest.mark.parametrize("field", ["notes", "email", "reference", "license"])
def test_update_with_an_empty_text_clears_the_field(answer, at_catalogue, field):
    answer("customers", "update", "acme", f"--{field}", "")
    assert not answer("customers", "show", "acme").get(field)


@pytest.mark.parametrize("options", [(), ("--name", " ")])
def test_update_without_a_field_is_a_usage_error(invoke, at_catalogue, options):
    assert invoke("customers", "update", "acme", *options).exit_code == 2
    assert at_catalogue.requests == []


def test_disable_and_enable(answer, invoke, at_catalogue, monkeypatch):
    key = at_catalogue.keys.customer
    assert answer("customers", "disable", "acme")["isActive"] is False
    monkeypatch.setenv("BINDIST_API_KEY", key)
    assert invoke("apps", "list").exit_code == 4
    monkeypatch.setenv("BINDIST_API_KEY", at_catalogue.keys.admin)
    assert answer("customers", "enable", "acme")["isActive"] is True
    monkeypatch.setenv("BINDIST_API_KEY", key)
    assert invoke("apps", "list").exit_code == 0


def test_after_a_rotation_only_the_new_key_works(answer, invoke, at_catalogue, monkeypatch):
    old = at_catalogue.keys.customer
    new = answer("customers", "rotate-key", "acme", "--yes")["apiKey"]
    codes = []
    for key in (old, new):
        monkeypatch.setenv("BINDIST_API_KEY", key)
        codes.append(invoke("apps", "list").exit_code)
    assert codes == [4, 0]


def test_an_administrators_key_is_not_rotated_here(invoke, at_catalogue):
    assert invoke("customers", "rotate-key", "admin", "--yes").exit_code == 5


# Key files


def test_only_the_key_file_shows_the_key(invoke, at_server, tmp_path, admin):
    path = tmp_path / "initech.key"
    result = invoke("customers", "create", "--name", "Initech", "--key-file", str(path), "--json")
    key = path.read_text().strip()
    assert key not in result.stdout + result.stderr
    assert f'"keyFile": "{path}"' in result.stdout


def test_the_settings_read_a_key_file(invoke, at_server, tmp_path, monkeypatch):
    path = tmp_path / "initech.key"
    invoke("customers", "create", "--name", "Initech", "--key-file", str(path))
    monkeypatch.delenv("BINDIST_API_KEY")
    monkeypatch.setenv("BINDIST_API_KEY_FILE", str(path))
    assert invoke("apps", "list").exit_code == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_key_file_is_private(invoke, at_server, tmp_path):
    path = tmp_path / "initech.key"
    invoke("customers", "create", "--name", "Initech", "--key-file", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "words", [("create", "--name", "Initech"), ("rotate-key", "acme", "--yes")], ids=str
)
def test_a_file_that_exists_is_never_overwritten(invoke, at_catalogue, tmp_path, words):
    path = tmp_path / "old.key"
    path.write_text("precious")
    result = invoke("customers", *words, "--key-file", str(path))
    assert result.exit_code == 2
    assert path.read_text() == "precious"
    assert at_catalogue.requests == [], "there is no key that could be lost"


def test_a_key_file_in_a_missing_folder_is_an_error_before_any_request(
    invoke, at_catalogue, tmp_path
):
    path = tmp_path / "nowhere" / "key"
    result = invoke("customers", "rotate-key", "acme", "--yes", "--key-file", str(path))
    assert (result.exit_code, at_catalogue.requests) == (2, [])


def test_a_failed_creation_leaves_no_key_file(invoke, at_catalogue, tmp_path):
    path = tmp_path / "nobody.key"
    invoke("customers", "rotate-key", "nobody", "--yes", "--key-file", str(path))
    assert not path.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows replaces no file that is open")
@pytest.mark.parametrize("instead", [None, "precious"], ids=["removed", "replaced"])
@pytest.mark.parametrize("customer", ["acme", "nobody"])
def test_a_key_file_removed_during_the_request_loses_neither_the_key_nor_another_file(
    invoke, at_catalogue, tmp_path, instead, customer
):
    path, other = tmp_path / "new.key", tmp_path / "other"
    at_catalogue.faults.add("stall:1,path=/v1/*")

    def replace() -> None:
        deadline = time.monotonic() + 30
        while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
        path.unlink()
        if instead:
            other.write_text(instead)
            other.replace(path)

    thread = threading.Thread(target=replace)
    thread.start()
    words = ("customers", "rotate-key", customer, "--yes", "--key-file", str(path))
    result = invoke(*words, "--json")
    thread.join()
    assert (path.read_text() if path.exists() else None) == instead
    if customer == "acme":
        assert result.exit_code == 1
        assert json.loads(result.stdout)["apiKey"]
        assert "the key was printed instead" in result.stderr
    else:
        assert (result.exit_code, result.stdout) == (3, "")


@pytest.mark.parametrize(
    "words",
    ["customers disable acme", "admin rotate-key --yes"],
    ids=lambda words: words.split()[1],
)
def test_a_note_says_how_long_a_server_on_aws_still_takes_the_key(invoke, at_catalogue, words):
    done = invoke(*words.split())
    assert (done.exit_code, "on AWS" in done.stderr, "60 s" in done.stderr) == (0, True, True)


@pytest.mark.parametrize("words", ["customers disable", "customers rotate-key", "admin rotate-key"])
def test_help_says_how_long_a_server_on_aws_still_takes_the_key(invoke, words):
    text = " ".join(invoke(*words.split(), "-h").stdout.split())
    assert "on AWS" in text
    assert "60 seconds" in text
