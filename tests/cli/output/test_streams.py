"""Build runners take lines of a log for commands: none that a server or a publisher wrote."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from bindist_cli.output import streams
from bindist_cli.output.formatting import unescape
from tests.sdk.canned import CannedServer

Run = Callable[..., subprocess.CompletedProcess[str]]

RUNNERS = {
    "GITHUB_ACTIONS": "true",
    "GITLAB_CI": "true",
    "TF_BUILD": "True",
    "TEAMCITY_VERSION": "2026.1",
}
TEXTS = (
    "::error::a",
    " \t::set-env name=PATH::b",
    "c\n::add-path::c",
    "d\r\u00a0::stop-commands::d",
    "##[error]e",
    "f ###[group]f",
    "g##vso[task.setvariable variable=x]g",
    "h ##VSO[task.complete]h",
    "section_start:1:i\r\x1b[0K",
    "##teamcity[buildStop comment='j']",
    "\u200b::error::k",
    "#\u200b#[error]l",
)


def commands(runner: str, log: str) -> list[str]:
    """The lines that a runner obeys, as it reads them."""
    lines = re.split(r"\r\n|\r|\n", log)
    if runner == "GITHUB_ACTIONS":
        # Its comparisons may pass over what has no width.
        seen = [re.sub("[\x00-\x08\x0e-\x1b\u200b-\u200f]", "", line) for line in lines]
        return [line for line in seen if line.lstrip().startswith("::") or "##[" in line]
    wanted = {
        "GITLAB_CI": ("section_start:", "section_end:"),
        "TF_BUILD": ("##vso[", "##["),
        "TEAMCITY_VERSION": ("##teamcity[",),
    }[runner]
    return [line for line in lines if any(each in line.lower() for each in wanted)]


@pytest.fixture(params=RUNNERS)
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The variable of a build runner, set as it sets it."""
    monkeypatch.setenv(request.param, RUNNERS[request.param])
    return str(request.param)


@pytest.fixture
def on_github(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")


@pytest.fixture
def hostile(at_server: SandboxServer, admin: AdminClient) -> list[str]:
    """The names of applications that are commands; they are descriptions and tags, too."""
    for number, text in enumerate(TEXTS):
        admin.create_application(
            f"app{number}", f"n{text}", description=text, tags=[text.strip() or "x"]
        ).raise_for_error()
    return [f"n{text}" for text in TEXTS]


@pytest.mark.parametrize("options", [(), ("--debug",)], ids=str)
@pytest.mark.parametrize("format", ["table", "json", "jsonl", "csv", "tsv"])
def test_no_output_is_a_workflow_command(
    runner: str,
    invoke: Callable[..., Result],
    hostile: list[str],
    format: str,
    options: tuple[str, ...],
) -> None:
    result = invoke("apps", "list", "-o", format, *options)
    described = invoke("apps", "list", "-o", format, "--fields", "description")
    assert result.exit_code == 0, result.stderr
    for text in (result.stdout, described.stdout, result.stderr):
        assert commands(runner, text) == []


@pytest.mark.parametrize("words", [("apps", "list", "--json"), ("api", "GET", "applications")])
def test_guarded_json_has_the_same_value(
    runner: str,
    invoke: Callable[..., Result],
    hostile: list[str],
    admin: AdminClient,
    words: tuple[str, ...],
) -> None:
    text = invoke(*words).stdout
    found = json.loads(text)
    rows = found["data"]["applications"] if words[0] == "api" else found
    assert rows == admin.list_applications().data["applications"]  # type: ignore[index]
    assert commands(runner, text) == []


def test_guarded_tsv_reads_back(
    runner: str, invoke: Callable[..., Result], hostile: list[str]
) -> None:
    rows = json.loads(invoke("apps", "list", "--json").stdout)
    lines = invoke("apps", "list", "-o", "tsv", "--fields", "description").stdout.split("\n")[:-1]
    assert [unescape(line) for line in lines] == [row["description"] for row in rows]


def test_outside_a_known_runner_output_is_unchanged(
    invoke: Callable[..., Result], hostile: list[str]
) -> None:
    text = invoke("apps", "list", "-o", "csv", "--fields", "description").stdout
    cells = [row[0] for row in csv.reader(io.StringIO(text, newline=""))]
    assert "::error::a" in cells and "##[error]e" in cells


@pytest.mark.parametrize("options", [(), ("--json",), ("--debug",)], ids=str)
def test_an_error_message_of_a_server_is_no_workflow_command(
    runner: str,
    invoke: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
) -> None:
    monkeypatch.setenv("BINDIST_API_KEY", "some-test-key")
    for text in TEXTS:
        with CannedServer() as server:
            server.open()
            error = {"code": text, "message": text}
            body = {"success": False, "error": error, "meta": {"requestId": text}}
            server.answer(body, 404)
            monkeypatch.setenv("BINDIST_API_URL", server.url)
            for words in (("apps", "show", "x"), ("api", "GET", "x"), ("doctor",)):
                result = invoke(*words, *options)
                assert result.exit_code != 0
                assert commands(runner, result.stdout) == []
                assert commands(runner, result.stderr) == []
                if options == ("--json",):
                    assert json.loads(result.stderr.splitlines()[-1])["error"]


@pytest.mark.parametrize(
    "words", [("apps", "##[x]"), ("##[x]",), ("apps", "show", "::x"), ("::x",)]
)
def test_a_usage_error_is_no_workflow_command(
    runner: str, invoke: Callable[..., Result], words: tuple[str, ...]
) -> None:
    result = invoke(*words)
    assert result.exit_code == 2
    assert commands(runner, result.output) == []


def test_local_file_names_are_no_workflow_commands(
    runner: str,
    invoke: Callable[..., Result],
    at_server: SandboxServer,
    application: str,
    inside: Path,
) -> None:
    name = "##[error]##vso[x]##teamcity[y].bin"
    (inside / name).write_bytes(b"##[error] stays")
    (inside / "::error::y").write_bytes(b"x")
    for words in (
        ("versions", "upload", application, "1", name, "--enable"),
        ("versions", "upload", application, "1", name, "--dry-run"),
        ("versions", "upload", application, "2", "::error::y"),
        ("versions", "files", application, "1"),
        ("versions", "checksums", application, "1"),
        ("versions", "download", application, "1", "--dir", "got"),
        ("versions", "download", application, "1", "--dir", "got", "-v", "--no-resume", "--force"),
        ("versions", "download", application, "1", "--file", "::error::no"),
        ("versions", "verify", application, "1", "got"),
        ("versions", "verify", application, "1", "::error::y"),
    ):
        result = invoke(*words)
        assert commands(runner, result.stdout) == []
        assert commands(runner, result.stderr) == []


def test_the_bytes_of_a_download_to_stdout_are_unchanged(
    runner: str, bindist: Run, at_server: SandboxServer, application: str, tmp_path: Path
) -> None:
    content = "".join(f"{text}\n" for text in TEXTS)
    (tmp_path / "file.bin").write_text(content, newline="")
    assert bindist("versions", "upload", application, "1", "file.bin", "--enable").returncode == 0
    done = subprocess.run(
        (sys.executable, "-m", "bindist_cli", "versions", "download", application, "1", "-O", "-"),
        capture_output=True,
        check=False,
    )
    assert done.stdout == content.encode()


@pytest.mark.parametrize("key", ["::key::", "##[key]", "plain-key"])
def test_the_key_is_printed_unchanged_after_its_mask(
    on_github: None, bindist: Run, key: str
) -> None:
    done = bindist("auth", "token", BINDIST_API_KEY=key)
    assert done.stdout == f"{key}\n"
    assert done.stderr == f"::add-mask::{key}\n"


def test_on_an_ascii_terminal_output_is_guarded_too(
    on_github: None, bindist: Run, hostile: list[str]
) -> None:
    done = bindist("apps", "show", "::x", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert "error" in done.stderr
    assert commands("GITHUB_ACTIONS", done.stderr) == []


def written(env: dict[str, str], *texts: str) -> str:
    """What a guarded stream prints of texts that come one after the other."""
    plain = io.StringIO()
    guard = streams.GuardedStream(plain, streams.commands_obeyed(env), hides=False)
    for text in texts:
        guard.write(text)
    return plain.getvalue()


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_workflow_command_written_in_pieces_is_broken_too(runner: str, text: str) -> None:
    env = {runner: RUNNERS[runner]}
    for pieces in ([*text], [text[:1], text[1:]], [" " * 100, *text], ["\n", " " * 70, text]):
        assert commands(runner, written(env, *pieces)) == []


def test_a_long_line_is_guarded_in_linear_time(runner: str) -> None:
    env = {runner: RUNNERS[runner]}
    for unit in (" ", "\x1b[0m", "\x1f", "\x85", "#", "#\u200b", "\n", "\u200b", ":"):
        before = time.process_time()
        written(env, unit * 100_000)
        assert time.process_time() - before < 5, ascii(unit)  # quadratic: minutes
