"""Any field of any answer may be anything: an error that says so, or shown harmlessly."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from bindist import AdminClient, BinDistError
from bindist.release.files import local_files
from bindist_cli.commands.doctor.diagnostics import clock_row
from bindist_cli.exit_codes import Exit
from bindist_cli.generate.reference import walk
from tests.hostile.recorded import CONTENT, CONTROLS, GONE, RecordedServer, fields
from tests.publishing import publish

REPLACEMENTS = (
    None,
    0,
    -1,
    1.5,
    2**70,
    10**300,
    True,
    "",
    "text",
    "\x1b[31m\u202e\r\n\x00",
    "\ud800",
    "9" * 5000,
    [],
    [1],
    [None, "a"],
    [[[]]],
    [{}],
    {},
    {"x": {"y": [1]}},
    {"0001-01-01": 10**300},
    GONE,
)
FORMATS = ("table", "tsv", "json", "jsonl", "csv")

# What each command is given. A name may stand here more than once, numbered.
COMMANDS = {
    "apps list": "",
    "apps list 2": "--page 1",
    "apps show": "beta",
    "apps create": "fresh",
    "apps delete": "beta --yes",
    "apps stats": "alpha",
    "apps grant": "alpha c1",
    "apps revoke": "alpha c1",
    "versions list": "alpha",
    "versions show": "alpha {version}",
    "versions latest": "alpha",
    "versions files": "alpha 1.0.0",
    "versions checksums": "alpha 1.0.0",
    "versions upload": "alpha 1.0.0 ../tool.exe --dry-run",
    "versions update": "alpha 1.0.0 --notes new",
    "versions update 2": "alpha {version} --clear-notes",
    "versions enable": "alpha {version}",
    "versions disable": "alpha 1.0.0",
    "versions download": "alpha --force",
    "versions download 2": "alpha 1.0.0 --all --dir got",
    "versions download 3": "alpha 1.0.0 --file tool.exe -O -",
    "versions verify": "alpha 1.0.0 .",
    "versions verify 2": "alpha 1.0.0 --remote",
    "versions share": "alpha 1.0.0",
    "versions share 2": "alpha 1.0.0 --file tool.exe",
    "customers list": "",
    "customers show": "{customer}",
    "customers create": "--name New",
    "customers create 2": "--name New --key-file new.key",
    "customers update": "c1 --notes new",
    "customers enable": "c1",
    "customers disable": "c1",
    "customers rotate-key": "c1 --yes",
    "customers rotate-key 2": "c1 --yes --key-file new.key",
    "activity list": "--app alpha",
    "audit list": "",
    "audit list 2": "--type x",
    "admin rotate-key": "--yes",
    "admin rotate-key 2": "--yes --apps-admin",
    "auth login": "--with-key",
    "auth status": "",
    "api": "GET applications",
    "api 2": "GET applications --paginate",
    "doctor": "",
}
OWN_FORMAT = {"versions download 3": "tsv", "api": "json", "api 2": "json"}
"""What they print whatever is asked for."""

NO_ANSWER_IS_READ = {"auth logout", "auth token", "completion", "help"} | {
    path for path, _ in walk() if path.startswith(("config ", "sandbox "))
}


def test_every_command_that_reads_an_answer_is_here() -> None:
    here = {re.sub(r" \d$", "", name) for name in COMMANDS}
    assert here | NO_ANSWER_IS_READ == {path for path, _ in walk()}


@pytest.fixture
def run(
    recorded: RecordedServer, invoke: Callable[..., Result], inside: Path
) -> Callable[..., Result]:
    """Runs a command of the table, in an empty folder each time."""
    version = recorded.answers["GET /v1/applications/*/versions"]["data"]["versions"][0]["version"]
    customers = recorded.answers["GET /v1/management/customers"]["data"]["customers"]
    (inside.parent / "tool.exe").write_bytes(CONTENT)  # what `versions upload` finds there already
    names = {"version": version, "customer": customers[0]["customerId"]}

    def again(name: str, *more: str) -> Result:
        for left in inside.rglob("*.*"):
            left.unlink()
        words = re.sub(r" \d$", "", name).split() + COMMANDS[name].format(**names).split()
        return invoke(*words, *more, input="a-key" if name == "auth login" else None)

    return again


def check(result: Result, asked: str, printed: str) -> None:
    """What a script may rely on, whatever the server says, in the format it asked for."""
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code in set(Exit)
    assert "Traceback" not in result.output and "unexpected" not in result.stderr
    if printed != "csv":  # which has no way to write them, and is not for terminals
        assert not CONTROLS.search(result.stdout.replace("\n", "")), ascii(result.stdout)
    assert not CONTROLS.search(result.stderr.replace("\n", "")), ascii(result.stderr)
    if result.exit_code:
        lines = result.stderr.splitlines()
        told = [line for line in lines if line.startswith(("error: ", '{"error": '))]
        assert len(told) == 1, result.stderr
        if asked in ("json", "jsonl"):
            assert json.loads(told[0])["error"]["exitCode"] == result.exit_code
    if result.stdout and printed == "json":
        json.loads(result.stdout)
    if printed == "jsonl":
        assert all(json.loads(line) is not None for line in result.stdout.splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_field_of_another_type_is_an_error_or_harmless(
    recorded: RecordedServer, run: Callable[..., Result], name: str, tally: Any
) -> None:
    plain = run(name)
    assert plain.exit_code == (Exit.INTEGRITY if name == "versions verify" else 0), plain.output
    cases = [
        (route, keys)
        for route in recorded.routes
        if route in recorded.answers
        for keys in fields(recorded.answers[route])
    ]
    assert cases

    @settings(max_examples=15, deadline=None, database=None)
    @given(st.sampled_from(cases), st.sampled_from(REPLACEMENTS), st.sampled_from(FORMATS))
    def any_field(case: tuple[str, tuple[Any, ...]], value: Any, format: str) -> None:
        recorded.change(*case, value)
        check(run(name, "-o", format), format, OWN_FORMAT.get(name, format))
        tally("hostile")

    any_field()


LISTS = {
    "apps list": "applications",
    "apps list 2": "applications",
    "versions list": "versions",
    "versions show": "versions",
    "versions update 2": "versions",
    "versions download": "versions",
    "versions download 2": "files",
    "versions files": "files",
    "versions checksums": "files",
    "versions verify": "files",
    "versions share 2": "files",
    "customers list": "customers",
    "customers show": "customers",
    "activity list": "activities",
    "audit list": "events",
    "audit list 2": "events",
}
ROUTES = {
    "applications": "GET /v1/applications",
    "versions": "GET /v1/applications/*/versions",
    "files": "GET /v1/applications/*/versions/*/files",
    "customers": "GET /v1/management/customers",
    "activities": "GET /v1/activity",
    "events": "GET /v1/audit",
}


@pytest.mark.parametrize("value", [GONE, None, 5, "text", {}, [1], [{}, None]], ids=repr)
@pytest.mark.parametrize("name", LISTS)
def test_what_is_no_list_of_objects_is_not_taken_for_an_empty_one(
    recorded: RecordedServer, run: Callable[..., Result], name: str, value: Any, tally: Any
) -> None:
    recorded.change(ROUTES[LISTS[name]], ("data", LISTS[name]), value)
    result = run(name, "--no-color")
    assert (result.exit_code, result.stdout) == (Exit.FAILED, "")
    error, *_ = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert error.endswith(f": the answer has no list of {LISTS[name]}")
    tally("hostile")


# Found once
FOUND = [
    ("apps stats", "GET /v1/applications/*/stats", "downloadsByDate", {"0001-01-01": 1}),
    ("apps stats", "GET /v1/applications/*/stats", "recentDownloads", [1]),
    ("apps stats", "GET /v1/applications/*/stats", "recentDownloads", 5),
    ("apps show", "GET /v1/applications/*", "name", "\ud800"),
    ("apps show", "GET /v1/applications/*", "name", {"a": 1}),
    ("versions list", ROUTES["versions"], ("versions", 0, "version"), "9" * 5000),
    ("versions list", ROUTES["versions"], ("versions", 0, "version"), "1.0a" + "9" * 5000),
    ("versions list", ROUTES["versions"], ("versions", 0, "fileSize"), 10**400),
    ("versions download", ROUTES["versions"], ("versions", 0, "version"), GONE),
    ("versions download", ROUTES["versions"], ("versions", 0, "version"), ".."),
    ("versions download 2", ROUTES["files"], ("files", 0, "fileId"), ["x"]),
    ("versions share 2", ROUTES["files"], ("files", 0, "fileId"), None),
]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("name", "route", "keys", "value"), FOUND)
def test_what_was_found_once(
    recorded: RecordedServer,
    run: Callable[..., Result],
    name: str,
    route: str,
    keys: Any,
    value: Any,
    format: str,
    tally: Any,
) -> None:
    keys = keys if isinstance(keys, tuple) else (keys,)
    recorded.change(route, ("data", *keys), value)
    check(run(name, "-o", format), format, format)
    tally("hostile")


def test_a_clock_beyond_all_years_is_none(tally: Any) -> None:
    row = clock_row("Mon, 01 Jan 99999999999999 00:00:00 GMT", datetime.now(timezone.utc))
    assert row["details"] == "not checked: the server does not report its time"
    tally("hostile")


# The SDK


def uploaded(folder: Path) -> Path:
    """A file that the recorded version has."""
    path = folder.parent / "tool.exe"
    path.write_bytes(CONTENT)
    return path


METHODS: dict[str, Callable[[AdminClient, Path], Any]] = {
    "list_applications": lambda c, _: c.list_applications(),
    "iter_applications": lambda c, _: list(c.iter_applications()),
    "get_application": lambda c, _: c.get_application("alpha"),
    "list_versions": lambda c, _: c.list_versions("alpha"),
    "list_version_files": lambda c, _: c.list_version_files("alpha", "1.0.0"),
    "get_stats": lambda c, _: c.get_stats("alpha"),
    "get_download_url": lambda c, _: c.get_download_url("alpha", "1.0.0"),
    "create_share_link": lambda c, _: c.create_share_link("alpha", "1.0.0"),
    "download_file": lambda c, _: c.download_file("alpha", "1.0.0"),
    "download_to_file": lambda c, folder: c.download_to_file("alpha", "1.0.0", folder),
    "download_to_stream": lambda c, _: c.download_to_stream("alpha", "1.0.0", io.BytesIO()),
    "download_version": lambda c, folder: c.download_version("alpha", "1.0.0", folder),
    "update_version": lambda c, _: c.update_version("alpha", "1.0.0", True),
    "upload_small_file": lambda c, _: c.upload_small_file("alpha", "1", "a.exe", b"bytes"),
    "upload_large_file": lambda c, _: c.upload_large_file("alpha", "1", "a.exe", b"bytes"),
    "upload_file": lambda c, _: c.upload_file("a", "1", io.BytesIO(b"bytes"), file_name="a.exe"),
    "publish": lambda c, folder: publish(c, "alpha", "1.0.0", local_files([uploaded(folder)])),
    "list_customers": lambda c, _: c.list_customers(),
    "list_customers, a page": lambda c, _: c.list_customers(1, 1),
    "list_activity": lambda c, _: c.list_activity(application_id="alpha"),
    "list_audit_events": lambda c, _: c.list_audit_events(),
    "iter_audit_events": lambda c, _: list(c.iter_audit_events()),
    "iter_audit_events, of a type": lambda c, _: list(c.iter_audit_events("TENANT_PROVISIONED")),
}
RAISE = ("iter", "download", "upload", "publish")


@pytest.mark.parametrize("name", METHODS)
def test_a_method_returns_an_answer_or_raises_what_is_documented(
    recorded: RecordedServer,
    connect: Callable[..., AdminClient],
    inside: Path,
    name: str,
    tally: Any,
) -> None:
    client = connect(recorded.url, retries=0)
    with contextlib.suppress(BinDistError):  # an upload is not what was recorded, and refused
        METHODS[name](client, inside)
    cases = [
        (route, keys)
        for route in recorded.routes
        if route in recorded.answers
        for keys in fields(recorded.answers[route])
    ]
    assert cases

    @settings(max_examples=25, deadline=None, database=None)
    @given(st.sampled_from(cases), st.sampled_from(REPLACEMENTS))
    def any_field(case: tuple[str, tuple[Any, ...]], value: Any) -> None:
        recorded.change(*case, value)
        try:
            METHODS[name](client, inside)
        except (BinDistError, OSError):  # OSError: larger than the disk
            assert name.startswith(RAISE)
        kept = [path for path in inside.iterdir() if ".part" not in path.name]
        assert all(path.read_bytes() == CONTENT for path in kept)
        tally("hostile")

    any_field()
