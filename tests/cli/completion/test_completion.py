"""Completion, as a shell requests it: words, values, and no output for invalid input."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from bindist_cli.cli import COMMANDS
from tests.conftest import ADMIN_KEY

Run = Callable[..., subprocess.CompletedProcess[str]]
Complete = Callable[..., list[str]]


# Words


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bindist ", list(COMMANDS)),
        ("bindist ap", ["apps", "api"]),
        ("bindist apps li", ["list"]),
        ("bindist apps g", ["grant"]),
        ("bindist apps list --so", ["--sort"]),
        ("bindist apps list --act", ["--active"]),
        ("bindist apps list --sort c", ["created"]),
        ("bindist apps list --sort=c", ["--sort=created"]),
        ("bindist -o js", ["json", "jsonl"]),
        ("bindist apps list --ca", ["--ca-bundle"]),
        ("bindist versions upload --if-exists s", ["skip"]),
        ("bindist versions upload --type M", ["MAIN"]),
        ("bindist completion f", ["fish"]),
        ("bindist config get api", ["api_url"]),
        ("bindist versions share acme 1.0 --fields sh", ["shareUrl"]),
        (
            "bindist versions list acme --fields=version,is",
            ["--fields=version,isEnabled", "--fields=version,isActive"],
        ),
        ("bindist versions checksums acme --fields checksum,", ["checksum,fileName"]),
        ("bindist api GET x --fields ", []),
        (
            "bindist versions upload acme 1.0 a --type ",
            ["MAIN", "DEPENDENCY", "DOCUMENTATION", "CONFIGURATION"],
        ),
        ("bindist activity list --type ", ["upload", "download"]),
        ("bindist versions download acme l", ["latest"]),
        ("bindist config set output ", ["table", "json", "jsonl", "csv", "tsv"]),
        ("bindist config set store_etag o", ["opaque"]),
        ("bindist config set allow_http ", ["true", "false"]),
        ("bindist config set profile s", ["sandbox"]),
        ("bindist config set ca_bundle ", ["file,"]),
        ("bindist config set timeout ", []),
        ("bindist config set no_such_key ", []),
        ("bindist sandbox serve --fault late", ["late-completion"]),
        ("bindist apps list ", []),
        ("bindist apps no-such-command ", []),
        ("bindist no-such-command ", []),
        ("bindist 'apps' \"li", ["list"]),
        ("bindist apps list --ca-bundle ", ["file,"]),
        ("bindist versions upload acme 1.0 ", ["file,"]),
        ("bindist versions download acme 1.0 --dir ", ["dir,"]),
    ],
)
def test_commands_and_options_complete_without_a_server(
    complete: Complete, line: str, expected: list[str]
) -> None:
    assert complete(line) == expected


def test_shared_options_are_offered_after_a_dash_alone(complete: Complete) -> None:
    assert "--profile" not in complete("bindist apps ")
    assert "--profile" in complete("bindist apps -")
    assert "--profile" in complete("bindist apps list -")


def test_descriptions_are_printed_for_shells_that_show_them(ask: Run) -> None:
    zsh = ask("bindist custom", "zsh").stdout.splitlines()
    assert zsh == ["plain", "customers", COMMANDS["customers"]]
    fish = ask("bindist custom", "fish").stdout.splitlines()
    assert fish == [f"plain,customers\t{COMMANDS['customers']}"]
    powershell = ask("bindist apps list --sort n", "powershell").stdout.splitlines()
    assert powershell == ["plain", "name", "_"]


def test_profiles(complete: Complete, profile: Callable[..., Path]) -> None:
    profile("[profiles.work]\napi_url = 'https://bindist.example.com'\n")
    assert complete("bindist apps list --profile ") == ["default", "work", "sandbox"]
    assert complete("bindist --profile=w") == ["--profile=work"]


def test_completion_imports_only_what_it_uses(
    at_catalogue: SandboxServer, complete: Complete, ask: Run, tmp_path: Path
) -> None:
    complete("bindist versions list ")  # warms the cache
    code = "import sys; from bindist_cli.__main__ import main; main()"

    def imported(line: str) -> set[str]:
        done = subprocess.run(
            (sys.executable, "-X", "importtime", "-c", code),
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "COMP_WORDS": line,
                "COMP_CWORD": str(line.count(" ")),
                "_BINDIST_COMPLETE": "bash_complete",
            },
            check=True,
        )
        assert done.stdout
        return {row.rpartition("|")[2].strip() for row in done.stderr.splitlines()}

    for line in ("bindist ", "bindist versions list sk"):
        ours = {name for name in imported(line) if name.startswith("bindist_cli.")}
        assert ours == {
            "bindist_cli.__main__",
            "bindist_cli.completion",
            "bindist_cli.completion.cache",
            "bindist_cli.completion.engine",
            "bindist_cli.completion.scripts",
            "bindist_cli.settings",
            "bindist_cli.settings.ownership",
        }
        assert not imported(line) & {"click", "requests", "rich", "tomllib", "typing", "inspect"}


# Values


def test_values(at_catalogue: SandboxServer, complete: Complete) -> None:
    assert complete("bindist apps show ") == ["harbor", "skylark", "tidewatch"]
    assert complete("bindist apps show s") == ["skylark"]
    assert complete("bindist apps create ") == []
    assert complete("bindist versions list --limit 3 h") == ["harbor"]
    assert complete("bindist customers show g") == ["globex"]
    assert complete("bindist apps create new --customer a") == ["acme"]
    assert complete("bindist apps grant harbor acme ") == ["globex"]
    assert complete("bindist apps stats skylark --version 1.9") == ["1.9.0"]
    files = ["skylark-setup.exe", "skylark-spelling.dll", "README.md", "skylark.ini"]
    assert complete("bindist versions share skylark 1.10.0 --file ") == files
    assert complete("bindist versions download skylark --file R") == ["README.md"]
    line = "bindist versions download skylark 1.10.0 --file README.md --file sky"
    assert complete(line) == ["skylark-setup.exe", "skylark-spelling.dll", "skylark.ini"]


def test_versions_of_the_application_on_the_line_the_highest_first(
    at_catalogue: SandboxServer, complete: Complete, ask: Run
) -> None:
    ordered = ["2.0.0", "1.10.0", "1.10.0-beta", "1.9.0"]
    assert complete("bindist versions enable skylark ") == ordered
    assert complete("bindist versions show skylark ") == ["latest", *ordered]
    assert complete("bindist versions show skylark l") == ["latest"]
    assert complete("bindist versions download skylark ") == ["latest", *ordered[1:]]
    assert complete("bindist versions download --test-channel skylark ") == ["latest", *ordered]
    assert "2.0.0" not in complete("bindist versions show harbor ")
    zsh = ask("bindist versions show skylark 2", "zsh").stdout.splitlines()
    assert zsh == ["plain", "2.0.0", "not enabled"]


def test_descriptions_are_names_without_control_characters(
    at_server: SandboxServer, admin: AdminClient, ask: Run
) -> None:
    admin.create_application("tool", "A\x1b[31m red\u202e name").raise_for_error()
    assert ask("bindist apps show ", "fish").stdout == "plain,tool\tA [31m red  name\n"


def test_the_profile_option_on_the_line_is_used(
    catalogue: SandboxServer, complete: Complete, profile: Callable[..., Path]
) -> None:
    profile(f"[profiles.work]\napi_url = '{catalogue.url}'\n", work=ADMIN_KEY)
    assert complete("bindist apps show ") == []
    assert complete("bindist --profile work apps show s") == ["skylark"]
    assert complete("bindist apps show --profile work t") == ["tidewatch"]


# Silence


def test_no_request_without_a_key(
    catalogue: SandboxServer, complete: Complete, environment: Path
) -> None:
    lines = ("bindist apps show ", "bindist versions enable skylark ", "bindist customers show ")
    for line in lines:
        assert complete(line, BINDIST_API_URL=catalogue.url) == []
    assert catalogue.requests == []
    assert not environment.exists()


@pytest.mark.parametrize(
    "broken",
    [
        {"BINDIST_API_KEY_FILE": "/no/such/file"},
        {"BINDIST_PROFILE": "no-such-profile"},
        {"BINDIST_TIMEOUT": "soon"},
        {"BINDIST_API_URL": "http://bindist.example.com"},  # the key would travel in the clear
        {"BINDIST_API_KEY": "k\ney"},
        {"BINDIST_API_URL": "not an address"},
    ],
)
def test_invalid_settings_print_nothing(
    at_catalogue: SandboxServer, complete: Complete, broken: dict[str, str]
) -> None:
    assert complete("bindist apps show ", **broken) == []
    assert complete("bindist apps li", **broken) == ["list"]
    assert at_catalogue.requests == []


def test_invalid_files_print_nothing(
    catalogue: SandboxServer, complete: Complete, profile: Callable[..., Path]
) -> None:
    profile(f"[profiles.default]\napi_url = '{catalogue.url}'\n", default=ADMIN_KEY)
    assert complete("bindist apps show s") == ["skylark"]
    (profile("this is [ no TOML") / "credentials.toml").chmod(0o644)
    assert complete("bindist apps show s") == []
    assert complete("bindist --profile ") == []
    assert complete("bindist apps li") == ["list"]


def test_values_are_offered_without_a_cache_folder(
    at_catalogue: SandboxServer, complete: Complete, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "config", tmp_path / "no" / "such" / "home"):
        where = {"BINDIST_CONFIG_DIR": str(folder)}
        assert complete("bindist apps show s", **where) == ["skylark"]
        assert not folder.exists()
    nowhere = {"BINDIST_CONFIG_DIR": "", "XDG_CONFIG_HOME": "", "HOME": str(tmp_path / "gone")}
    assert complete("bindist apps show s", **nowhere) == ["skylark"]
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"_BINDIST_COMPLETE": "tcsh_complete"},
        {"_BINDIST_COMPLETE": "nonsense"},
        {"COMP_CWORD": "two"},
        {"COMP_WORDS": "", "COMP_CWORD": "7"},
        {"COMP_WORDS": "bindist 'apps", "COMP_CWORD": "2"},
        {"COMP_WORDS": "bindist apps show \\", "COMP_CWORD": "3"},
    ],
)
def test_an_invalid_completion_request_prints_nothing(
    bindist: Run, changes: dict[str, str]
) -> None:
    usual = {"COMP_WORDS": "bindist a", "COMP_CWORD": "1", "_BINDIST_COMPLETE": "zsh_complete"}
    done = bindist(**usual | changes)
    assert (done.returncode, done.stderr) == (0, "")


# The sandbox


def test_a_running_sandbox_completes_values(
    complete: Complete, environment: Path, start: Any
) -> None:
    assert complete("bindist --profile sandbox apps show ") == []
    assert not environment.exists()  # a completion makes no sandbox
    serving = start("sandbox", "serve")
    assert serving.stdout.readline().startswith("http")
    assert complete("bindist --profile sandbox apps show s") == ["skylark"]
    serving.kill()
    serving.wait()
    assert complete("bindist --profile sandbox apps show s") == ["skylark"]
    assert complete("bindist --profile sandbox versions enable skylark ") == []
