"""The action for GitHub: its steps, run as GitHub runs them."""

from __future__ import annotations

import hashlib
import html
import json
import re
import runpy

import pytest

from tests.conftest import ADMIN_KEY
from tests.pipelines.actions import REPOSITORY, load_action
from tests.pipelines.conftest import ACTION

DEFAULTS = {"application": "acme", "version": "2.1.0", "files": "dist/*", "api-key": ADMIN_KEY}
WRONG_KEY = "wr0ng-key-nobody-may-see"


@pytest.fixture
def dist(workspace):
    """Two files to upload, one of them with a space in its name."""
    folder = workspace / "dist"
    folder.mkdir()
    (folder / "acme.zip").write_bytes(b"the archive")
    (folder / "acme setup.exe").write_bytes(b"the program")
    return folder


@pytest.fixture
def use(runner, dist, acme):
    """Uses the action, once more on the same machine where that is given: machine, outputs."""

    def run(machine=None, **inputs):
        machine = machine or runner()
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        return machine, machine.run_action(ACTION, **{**DEFAULTS, "pause": "0", **given})

    return run


# What it says


def test_no_script_holds_an_expression():
    scripts = [step["run"] for step in load_action(ACTION)["runs"]["steps"]]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_every_input_reaches_the_upload_and_the_key_as_bindists_own_variable():
    action = load_action(ACTION)
    env = action["runs"]["steps"][-1]["env"]
    own = {f"INPUT_{name.replace('-', '_').upper()}": name for name in action["inputs"]}
    for name in ("API_KEY", "SIGNING_KEY", "SIGNING_PASSWORD"):
        own[f"BINDIST_{name}"] = own.pop(f"INPUT_{name}")
    assert {name: f"${{{{ inputs.{given} }}}}" for name, given in own.items()} == {
        name: value for name, value in env.items() if name != "BIN"
    }


def test_no_other_step_has_the_key():
    *others, _ = load_action(ACTION)["runs"]["steps"]
    assert "api-key" not in json.dumps(others)


# What it does


def test_files_become_a_version(use, admin):
    machine, outputs = use(enable="true", notes="Faster")
    assert machine.returncode == 0, machine.log
    assert (outputs["status"], outputs["is-enabled"]) == ("created", "true")
    (version,) = admin.list_versions("acme").require()["versions"]
    assert (version["version"], version["releaseNotes"]) == ("2.1.0", "Faster")
    files = admin.list_version_files("acme", "2.1.0").require()["files"]
    assert {file["fileName"]: file["checksum"] for file in files} == {
        "acme.zip": hashlib.sha256(b"the archive").hexdigest(),
        "acme setup.exe": hashlib.sha256(b"the program").hexdigest(),
    }
    result = json.loads(outputs["result"])
    assert {file["fileId"] for file in result["files"]} == {file["fileId"] for file in files}


def test_files_are_names_and_patterns_one_a_line(use, dist):
    _, outputs = use(files="\n  dist/acme setup.exe\n\n  dist/*.zip\n")
    names = [file["fileName"] for file in json.loads(outputs["result"])["files"]]
    assert sorted(names) == ["acme setup.exe", "acme.zip"]


def test_a_table_of_the_files_is_on_the_runs_page(use, dist):
    (dist / "acme_setup#.exe").write_bytes(b"!")
    machine, _ = use(files="dist/*#.exe")
    checksum = hashlib.sha256(b"!").hexdigest()
    assert machine.summary.splitlines() == [
        "### acme 2.1.0: created, not enabled",
        "",
        "| file | bytes | SHA-256 |",
        "| --- | ---: | --- |",
        f"| acme&#95;setup&#35;.exe | 1 | `{checksum}` |",
        "",
    ]


HOSTILE = (
    "a|b",
    "[a](https://evil.example)",
    "![a](https://evil.example/pixel)",
    "<img src=x>",
    "`a` *b* _c_ ~d~ # e & f",
    "a\n\n# b\r\n| c |",
    "<!-- a",
    "https://evil.example www.evil.example",
    "a\u202eb\u200bc",
    "$a$ :b: @c #1",
    "\\`a",
)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_text_of_a_server_is_markdown_on_the_runs_page(text):
    made = runpy.run_path(str(REPOSITORY / ACTION / "upload.py"))["summary"](
        {
            "applicationId": text,
            "version": text,
            "status": text,
            "isEnabled": True,
            "files": [{"fileName": text, "fileSize": text, "checksum": text}],
        }
    )
    head, empty, _, _, row, *rest = made.split("\n")
    assert (empty, rest) == ("", ["", "", ""][: len(rest)])
    assert re.fullmatch(r"### ([\w ,.-]|&#\d+;)+: ([\w ,.-]|&#\d+;)+, enabled", head)
    assert re.fullmatch(r"(\| ([\w ,.-]|&#\d+;)+ ){3}\|", row)
    assert "_" not in row and "www." not in row
    cell = html.unescape(row.split(" | ")[1])
    assert text.isprintable() is (cell == text)


def test_the_second_run_finds_it_unchanged(use, server):
    machine, _ = use()
    writes = [request for request in server.requests if request.method != "GET"]
    _, outputs = use(machine)
    assert machine.returncode == 0
    assert (outputs["status"], outputs["is-enabled"]) == ("unchanged", "false")
    assert [request for request in server.requests if request.method != "GET"] == writes


def test_other_content_is_a_failed_step_with_the_reason_as_an_annotation(use, dist):
    machine, _ = use()
    (dist / "acme.zip").write_bytes(b"something else")
    _, outputs = use(machine)
    assert machine.returncode == 6
    assert outputs["status"] == ""
    (annotation,) = [line for line in machine.log.splitlines() if line.startswith("::")]
    assert annotation.startswith("::error title=bindist::version 2.1.0 of acme exists with diff")
    assert annotation.endswith("%0Ahint: upload the files under a new version number")


# The key


@pytest.mark.counts("hostile")
def test_a_wrong_key_fails_and_is_not_shown(use, runner, command_lines):
    machine, outputs = use(runner(), api_key=WRONG_KEY)
    assert machine.returncode == 4
    seen = machine.log + machine.summary + json.dumps(outputs) + command_lines.read_text()
    assert "not authenticated" in seen
    assert WRONG_KEY not in seen


def test_the_key_is_on_no_command_line(use, command_lines):
    machine, _ = use()
    assert machine.returncode == 0
    lines = command_lines.read_text()
    assert "upload.py" in lines
    assert "versions upload" in lines
    assert ADMIN_KEY not in lines


# What it refuses


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("api_key", "", "the input api-key is empty"),
        ("application", "", "the input application is empty"),
        ("version", " ", "the input version is empty"),
        ("files", "\n\n", "the input files is empty"),
        ("enable", "yes", "the input enable must be true or false, not 'yes'"),
        ("attempts", "0", "the input attempts must be a number from 1 on, not '0'"),
        ("pause", "a while", "the input pause must be a number from 0 on, not 'a while'"),
        ("files", "dist/*.rpm", "file not found: dist/*.rpm"),
        ("if_exists", "maybe", "maybe"),
        ("files", "--enable", "file not found: --enable"),
        ("version", '1.0"; touch pwned; echo "$(touch pwned)`touch pwned`', "touch pwned"),
    ],
)
@pytest.mark.counts("hostile")
def test_invalid_inputs_are_reported_and_run_nothing(use, server, workspace, name, value, said):
    asked = len(server.requests)
    machine, _ = use(**{name: value})
    assert machine.returncode == 2
    (annotation,) = [line for line in machine.log.splitlines() if line.startswith("::error ")]
    assert said in annotation
    assert "Traceback" not in machine.log
    assert [path.name for path in workspace.iterdir() if "pwned" in path.name] == []
    assert len(server.requests) == asked


@pytest.mark.counts("hostile")
def test_modules_in_the_workspace_are_not_imported(use, workspace):
    for name in ("json", "requests", "click", "bindist_cli"):
        (workspace / f"{name}.py").write_text("raise SystemExit('taken over')")
    machine, outputs = use()
    assert (machine.returncode, outputs["status"]) == (0, "created")


# Again


@pytest.mark.counts("faults")
def test_an_unavailable_service_is_retried(use, server, monkeypatch):
    monkeypatch.setenv("BINDIST_RETRIES", "0")
    server.faults.add("status:503,method=GET,times=1")
    machine, outputs = use()
    assert (machine.returncode, outputs["status"]) == (0, "created")
    assert "::warning title=bindist::" in machine.log
    assert "trying again in 0 s" in machine.log


@pytest.mark.counts("faults")
def test_the_number_of_attempts_is_limited(use, server, monkeypatch):
    monkeypatch.setenv("BINDIST_RETRIES", "0")
    server.faults.add("status:503,method=GET,times=0")
    machine, outputs = use(attempts="2")
    assert (machine.returncode, outputs["status"]) == (7, "")
    assert machine.log.count("trying again") == 1


# From nothing


@pytest.mark.slow
def test_the_action_installs_itself_on_a_new_machine(use, runner, on_path, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("PIP_NO_COMPILE", "1")  # what runs once compiles what it needs itself
    machine, outputs = use(runner(prepared=False))
    assert (machine.returncode, outputs["status"]) == (0, "created"), machine.log
    assert (machine.temp / "bindist-action" / "pyvenv.cfg").exists()


def test_a_missing_suitable_python_is_reported(use, runner, tmp_path, monkeypatch):
    for name in ("python3", "python"):
        old = tmp_path / "old" / name
        old.parent.mkdir(exist_ok=True)
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:/usr/bin:/bin")
    machine, _ = use(runner(prepared=False))
    assert machine.returncode == 1
    assert "::error::bindist needs Python 3.10 or newer" in machine.log


def test_a_signing_key_signs_the_version(use, acme):
    from bindist.signing import SIGNATURE_FILE, SigningKey

    key = SigningKey.generate()
    content = key.to_bytes("pass word").decode()
    machine, outputs = use(signing_key=content, signing_password="pass word")
    assert machine.returncode == 0, machine.log
    names = [row["fileName"] for row in json.loads(outputs["result"])["files"]]
    assert SIGNATURE_FILE in names
    assert content.splitlines()[1] not in machine.log
    assert "pass word" not in machine.log
