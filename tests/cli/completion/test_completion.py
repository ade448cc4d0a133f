"""Completion, as a shell asks for it: words, values, the cache behind them, and silence."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from bindist_cli.cli import COMMANDS
from tests.conftest import ADMIN_KEY, CUSTOMER_KEY

Run = Callable[..., subprocess.CompletedProcess[str]]
Complete = Callable[..., list[str]]


@pytest.fixture
def ask(bindist: Run) -> Run:
    """What a shell gets for a line that ends at the cursor; nothing may go wrong or be said."""

    def run(line: str, shell: str = "bash", **environment: str) -> subprocess.CompletedProcess[str]:
        at = line.split(" ")[-1] if shell == "fish" else str(line.count(" "))
        done = bindist(
            COMP_WORDS=line, COMP_CWORD=at, _BINDIST_COMPLETE=f"{shell}_complete", **environment
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done

    return run


@pytest.fixture
def complete(ask: Run) -> Complete:
    """The words that bash is offered for a line that ends at the cursor."""

    def words(line: str, **environment: str) -> list[str]:
        lines = ask(line, **environment).stdout.splitlines()
        return [line.removeprefix("plain,") for line in lines]

    return words


@pytest.fixture
def cache(environment: Path) -> Callable[[], Path]:
    """The file of the cache, of which there must be one."""

    def find() -> Path:
        (found,) = environment.glob("completion-*.json")
        return found

    return find


@pytest.fixture
def aged(cache: Callable[[], Path]) -> Callable[[float], None]:
    """Makes the cache older by so many seconds, and renames what is in it."""

    def change(seconds: float) -> None:
        lists = json.loads(cache().read_text())
        for entry in lists.values():
            entry[0] -= seconds
            entry[1] = [[f"old-{value}", meaning] for value, meaning in entry[1]]
        cache().write_text(json.dumps(lists))

    return change


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
    assert complete("bindist versions show skylark ") == ordered
    assert complete("bindist versions download skylark ") == ordered[1:]
    assert complete("bindist versions download --test-channel skylark ") == ordered
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


# The cache


def test_the_cache_is_used_for_a_minute(
    at_catalogue: SandboxServer, complete: Complete, aged: Callable[[float], None]
) -> None:
    complete("bindist apps show ")
    assert len(at_catalogue.requests) == 1
    aged(50)
    assert complete("bindist apps show ") == ["old-harbor", "old-skylark", "old-tidewatch"]
    assert len(at_catalogue.requests) == 1
    aged(11)
    assert complete("bindist apps show ") == ["harbor", "skylark", "tidewatch"]
    assert len(at_catalogue.requests) == 2
    aged(-100)  # the clock was put back
    complete("bindist apps show ")
    assert len(at_catalogue.requests) == 3


def test_the_cache_is_private(
    at_catalogue: SandboxServer, complete: Complete, cache: Callable[[], Path], environment: Path
) -> None:
    complete("bindist apps show ")
    assert stat.S_IMODE(cache().stat().st_mode) == 0o600
    assert stat.S_IMODE(environment.stat().st_mode) == 0o700
    assert ADMIN_KEY not in cache().read_text() + cache().name
    assert [each.name for each in environment.iterdir()] == [cache().name]


def test_each_key_has_its_own_cache(
    at_catalogue: SandboxServer, complete: Complete, environment: Path
) -> None:
    assert complete("bindist customers show a")
    assert complete("bindist customers show a", BINDIST_API_KEY=CUSTOMER_KEY) == []
    complete("bindist apps show ", BINDIST_API_KEY=CUSTOMER_KEY)
    assert len(list(environment.glob("completion-*.json"))) == 2


OLD = "completion-0123456789abcdef.json"


@pytest.mark.parametrize(
    ("name", "content", "kept"),
    [
        (OLD, '{"apps": [1.0, [["tool", ""]]]}', False),
        (OLD, "{}", False),
        (OLD, '{"apps": [1, 2, 3]}', True),
        (OLD, '["mine"]', True),
        (OLD, "mine", True),
        (OLD, "", True),
        ("completion-rules.json", '{"apps": [1.0, []]}', True),
        ("completion-.json", "{}", True),
    ],
)
def test_an_old_file_is_removed_where_name_and_content_are_those_of_a_cache(
    at_catalogue: SandboxServer,
    complete: Complete,
    environment: Path,
    name: str,
    content: str,
    kept: bool,
) -> None:
    environment.mkdir(mode=0o700, exist_ok=True)
    (environment / name).write_text(content)
    (environment / name).chmod(0o600)
    os.utime(environment / name, (1, 1))
    complete("bindist apps show ")
    assert (environment / name).exists() == kept


@pytest.mark.parametrize("fault", ["stall:50", "refuse", "status:503", "html", "not-json"])
def test_old_values_are_offered_if_the_server_fails(
    at_catalogue: SandboxServer,
    complete: Complete,
    aged: Callable[[float], None],
    fault: str,
) -> None:
    complete("bindist apps show ")
    aged(3600)
    at_catalogue.faults.add(f"{fault},times=0")
    begun = time.monotonic()
    assert complete("bindist apps show h") == []
    assert complete("bindist apps show old-h") == ["old-harbor"]
    assert complete("bindist customers show ") == []
    assert time.monotonic() - begun < 25  # three processes on a busy machine, and no stall


def test_a_stalled_server_is_abandoned_at_the_time_limit(
    at_catalogue: SandboxServer, ask: Run
) -> None:
    ask("bindist apps show ")
    at_catalogue.faults.add("stall:50,times=0")

    def seconds(line: str) -> float:
        begun = time.monotonic()
        ask(line)
        return time.monotonic() - begun

    warm = min(seconds("bindist apps show ") for _ in range(5))
    cold = min(seconds("bindist customers show ") for _ in range(5))
    assert 0.4 < cold < warm + 0.4 + 1.5  # to import what speaks HTTP takes a while


@pytest.mark.parametrize("content", ["", "[]", "{", '{"applications": 3}', '{"a": [[1]]}'])
def test_an_invalid_cache_is_ignored(
    at_catalogue: SandboxServer, complete: Complete, cache: Callable[[], Path], content: str
) -> None:
    complete("bindist apps show ")
    cache().write_text(content)
    assert complete("bindist apps show s") == ["skylark"]
    assert complete("bindist apps show s") == ["skylark"]
    assert len(at_catalogue.requests) == 2


def test_a_cache_that_others_can_read_is_ignored(
    at_catalogue: SandboxServer, complete: Complete, cache: Callable[[], Path]
) -> None:
    complete("bindist apps show ")
    cache().chmod(0o644)
    assert complete("bindist apps show s") == ["skylark"]
    assert len(at_catalogue.requests) == 2
    assert stat.S_IMODE(cache().stat().st_mode) == 0o600


# Silence


def test_no_request_without_a_key(
    catalogue: SandboxServer, complete: Complete, environment: Path
) -> None:
    lines = ("bindist apps show ", "bindist versions show skylark ", "bindist customers show ")
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
    assert complete("bindist --profile sandbox versions show skylark ") == []
