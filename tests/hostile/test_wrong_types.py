"""Any field of any answer may be anything: an error that says so, or shown harmlessly."""

from __future__ import annotations

import contextlib
import io
import json
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
from tests.api_table import COMMANDS, ENDPOINTS, METHODS
from tests.counters import Record
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

CALLS = {
    f"{command.path} {number}": (command.path, call)
    for command in COMMANDS
    for number, call in enumerate(command.recorded, 1)
}
"""Each call of a command on the recorded responses, by the command's name and a number."""


@pytest.fixture
def run(
    recorded: RecordedServer, invoke: Callable[..., Result], inside: Path
) -> Callable[..., Result]:
    """Runs a command of the table, in an empty folder each time."""
    version = recorded.answers["GET /v1/applications/*/versions"]["data"]["versions"][0]["version"]
    customers = recorded.answers["GET /v1/management/customers"]["data"]["customers"]
    (inside.parent / "tool.exe").write_bytes(CONTENT)  # what `versions upload` finds there already
    (inside.parent / "customers.csv").write_text("name,reference\nInitech,CRM-7\n")
    names = {"version": version, "customer": customers[0]["customerId"]}

    def again(name: str, *more: str) -> Result:
        for left in inside.rglob("*.*"):
            left.unlink()
        path, call = CALLS[name]
        words = [*path.split(), *call.arguments.format(**names).split()]
        return invoke(*words, *more, input="a-key" if path == "auth login" else None)

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


@pytest.mark.parametrize("name", CALLS)
def test_a_field_of_another_type_is_an_error_or_harmless(
    recorded: RecordedServer,
    run: Callable[..., Result],
    name: str,
    record_property: Record,
) -> None:
    plain = run(name)
    assert plain.exit_code == (Exit.INTEGRITY if name == "versions verify 1" else 0), plain.output
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
        check(run(name, "-o", format), format, CALLS[name][1].prints or format)
        record_property("hostile", 1)

    any_field()


LISTS = {name: call.reads for name, (_, call) in CALLS.items() if call.reads}
ROUTES = {endpoint.rows: endpoint.pattern for endpoint in ENDPOINTS if endpoint.rows}


@pytest.mark.parametrize("value", [GONE, None, 5, "text", {}, [1], [{}, None]], ids=repr)
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.counts("hostile")
def test_an_invalid_list_is_an_error_and_not_an_empty_list(
    recorded: RecordedServer, run: Callable[..., Result], name: str, value: Any
) -> None:
    recorded.change(ROUTES[LISTS[name]], ("data", LISTS[name]), value)
    result = run(name, "--no-color")
    assert (result.exit_code, result.stdout) == (Exit.FAILED, "")
    error, *_ = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert error.endswith(f": the response has no list of {LISTS[name]}")


# Found once
FOUND = [
    ("apps stats 1", "GET /v1/applications/*/stats", "downloadsByDate", {"0001-01-01": 1}),
    ("apps stats 1", "GET /v1/applications/*/stats", "recentDownloads", [1]),
    ("apps stats 1", "GET /v1/applications/*/stats", "recentDownloads", 5),
    ("apps show 1", "GET /v1/applications/*", "name", "\ud800"),
    ("apps show 1", "GET /v1/applications/*", "name", {"a": 1}),
    ("versions list 1", ROUTES["versions"], ("versions", 0, "version"), "9" * 5000),
    ("versions list 1", ROUTES["versions"], ("versions", 0, "version"), "1.0a" + "9" * 5000),
    ("versions list 1", ROUTES["versions"], ("versions", 0, "fileSize"), 10**400),
    ("versions download 1", ROUTES["versions"], ("versions", 0, "version"), GONE),
    ("versions download 1", ROUTES["versions"], ("versions", 0, "version"), ".."),
    ("versions download 2", ROUTES["files"], ("files", 0, "fileId"), ["x"]),
    ("versions share 2", ROUTES["files"], ("files", 0, "fileId"), None),
]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("name", "route", "keys", "value"), FOUND)
@pytest.mark.counts("hostile")
def test_inputs_that_once_failed_are_handled(
    recorded: RecordedServer,
    run: Callable[..., Result],
    name: str,
    route: str,
    keys: Any,
    value: Any,
    format: str,
) -> None:
    keys = keys if isinstance(keys, tuple) else (keys,)
    recorded.change(route, ("data", *keys), value)
    check(run(name, "-o", format), format, format)


@pytest.mark.counts("hostile")
def test_an_unrepresentable_server_date_is_reported_as_missing() -> None:
    row = clock_row("Mon, 01 Jan 99999999999999 00:00:00 GMT", datetime.now(timezone.utc))
    assert row["details"] == "not checked: the server does not report its time"


# The SDK


def uploaded(folder: Path) -> Path:
    """A file that the recorded version has."""
    path = folder.parent / "tool.exe"
    path.write_bytes(CONTENT)
    return path


NAMES = {
    **dict.fromkeys(("library", "shelf", "tool"), "alpha"),
    "version": "1.0.0",
    "customer": "c1",
    "mark": "fresh",
}
"""What the placeholders of the table of the API stand for in the recorded responses."""

FURTHER: dict[str, Callable[[AdminClient, Path], Any]] = {
    "download_file": lambda c, _: c.download_file("alpha", "1.0.0"),
    "download_to_file": lambda c, folder: c.download_to_file("alpha", "1.0.0", folder),
    "download_to_stream": lambda c, _: c.download_to_stream("alpha", "1.0.0", io.BytesIO()),
    "download_version": lambda c, folder: c.download_version("alpha", "1.0.0", folder),
    "upload_large_file": lambda c, _: c.upload_large_file("alpha", "1", "a.exe", b"bytes"),
    "upload_file": lambda c, _: c.upload_file("a", "1", io.BytesIO(b"bytes"), file_name="a.exe"),
    "publish": lambda c, folder: publish(c, "alpha", "1.0.0", local_files([uploaded(folder)])),
    "update_version, enabling": lambda c, _: c.update_version("alpha", "1.0.0", True),
    "list_customers, all": lambda c, _: c.list_customers(),
    "list_audit_events, of any type": lambda c, _: c.list_audit_events(),
    "iter_audit_events, of any type": lambda c, _: list(c.iter_audit_events()),
}
SDK_CALLS: dict[str, Callable[[AdminClient, Path], Any]] = {
    **{
        method.name: lambda client, _, method=method: method.call(client, NAMES)
        for _, method in METHODS
    },
    **FURTHER,
}
RAISE = ("iter", "download", "upload", "publish")


@pytest.mark.parametrize("name", SDK_CALLS)
def test_a_method_returns_a_response_or_raises_a_documented_exception(
    recorded: RecordedServer,
    connect: Callable[..., AdminClient],
    inside: Path,
    name: str,
    record_property: Record,
) -> None:
    client = connect(recorded.url, retries=0)
    with contextlib.suppress(BinDistError):  # an upload is not what was recorded, and refused
        SDK_CALLS[name](client, inside)
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
            SDK_CALLS[name](client, inside)
        except (BinDistError, OSError):  # OSError: larger than the disk
            assert name.startswith(RAISE)
        kept = [path for path in inside.iterdir() if ".part" not in path.name]
        assert all(path.read_bytes() == CONTENT for path in kept)
        record_property("hostile", 1)

    any_field()
