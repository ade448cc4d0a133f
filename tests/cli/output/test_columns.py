"""The columns are of fields that the server really answers with."""

from __future__ import annotations

import json

import pytest

from bindist_cli.output import columns

# What a command prints as columns, and what that server's answer leaves out by its own rules.
SHOWN = {
    "APPLICATIONS": (("apps", "list"), ()),
    "APPLICATION": (("apps", "show", "skylark"), ("customerIds",)),
    "GRANTS": (("apps", "grant", "harbor", "globex"), ()),
    "DELETED": (("apps", "delete", "tidewatch", "--yes"), ()),
    "VERSIONS": (("versions", "list", "skylark"), ()),
    "VERSION": (("versions", "show", "skylark", "1.10.0"), ()),
    "FILES": (("versions", "files", "skylark", "1.10.0"), ()),
    "CHECKSUMS": (("versions", "checksums", "skylark", "1.10.0"), ()),
    "UPLOAD": (("versions", "upload", "harbor", "9.0.0", "FILE"), ()),
    "PLANNED": (("versions", "upload", "harbor", "9.0.0", "FILE", "--dry-run"), ()),
    "DOWNLOADS": (("versions", "download", "harbor"), ()),
    "VERIFIED": (("versions", "verify", "skylark", "1.10.0", "FILE"), ()),
    "IDENTIFIED": (("versions", "identify", "skylark", "README.md"), ()),
    "NOTES": (("versions", "notes", "skylark"), ()),
    "COMPARED": (("versions", "diff", "skylark", "1.9.0", "1.10.0"), ()),
    "STATS": (("apps", "stats", "skylark", "--version", "1.9.0"), ()),
    "SHARE": (("versions", "share", "harbor", "1.0.0", "--command"), ()),
    "CUSTOMERS": (("customers", "list"), ()),
    "CUSTOMER": (("customers", "show", "acme"), ("updatedAt",)),
    "NEW_KEY": (("customers", "create", "--name", "Initech"), ("keyFile", "regeneratedAt")),
    "ACTIVITY": (("activity", "list"), ()),
    "ADOPTION": (("apps", "adoption", "skylark"), ()),
    "ACCESS": (("customers", "access"), ()),
    "IMPORTED": (("customers", "import", "customers.csv", "--keys-dir", "keys"), ()),
    "AUDIT": (("audit", "list"), ()),
    "PATHS": (("sandbox", "path"), ()),
    "SANDBOX": (("sandbox", "reset", "--yes"), ()),
}
MADE_HERE = {
    "LOGIN",
    "LOGOUT",
    "AUTH_STATUS",
    "SETTINGS",
    "CHECKS",
    "TOKEN",
    "PROFILES",
    "TOPICS",
    "SHOWN_VERSION",
    "SIGNING_KEY",
    "TRUSTED",
    "TRUSTED_KEYS",
    "MIRRORED",
    "MIRROR_FILES",
    "MIRROR_PLAN",
    "_ACCESS_NAMES",
}  # of no server's answer
ELSEWHERE = {
    "customerIds": ("apps", "create", "new"),
    "updatedAt": ("customers", "update", "acme", "--notes", "x"),
    "keyFile": ("customers", "create", "--name", "Initech", "--key-file", "key"),
    "regeneratedAt": ("customers", "rotate-key", "acme", "--yes"),
}


def keys_of(name):
    return {column.key for column in getattr(columns, name)}


@pytest.fixture
def printed(answer, at_catalogue, inside):
    (inside / "FILE").write_bytes(b"content")
    (inside / "README.md").write_text("# Skylark 1.10\n\nStart `skylark-setup.exe`.\n")
    (inside / "customers.csv").write_text("name,reference\nInitech,CRM-7\n")

    def keys(words):
        found = answer(*words)
        return {key for row in (found if isinstance(found, list) else [found]) for key in row}

    return keys


@pytest.mark.parametrize("name", [name for name in SHOWN if name != "VERIFIED"])
def test_every_column_is_in_a_response(printed, name):
    words, absent = SHOWN[name]
    assert keys_of(name) - printed(words) == set(absent)


@pytest.mark.parametrize("key", ELSEWHERE)
def test_columns_of_a_single_object_are_in_its_response(printed, key):
    assert key in printed(ELSEWHERE[key])


def test_verification_has_every_column(invoke, at_catalogue, inside):
    (inside / "README.md").write_bytes(b"other")
    result = invoke("versions", "verify", "skylark", "1.10.0", "README.md", "--json")
    assert keys_of("VERIFIED") == set(json.loads(result.stdout)[0])


def test_recent_downloads_have_every_column(answer, at_catalogue):
    recent = answer("apps", "stats", "skylark")["recentDownloads"][0]
    assert keys_of("RECENT_DOWNLOADS") <= set(recent)


def test_changes_have_every_column(answer, at_catalogue):
    change = answer("versions", "diff", "skylark", "1.9.0", "1.10.0")["files"][0]
    assert keys_of("CHANGES") == set(change)


def test_every_set_of_columns_is_tested():
    tables = {name for name, value in vars(columns).items() if isinstance(value, tuple)}
    assert tables - {"RECENT_DOWNLOADS", "CHANGES"} - MADE_HERE == set(SHOWN)


def test_no_set_has_a_column_twice():
    for name in SHOWN:
        assert len(keys_of(name)) == len(getattr(columns, name)), name
