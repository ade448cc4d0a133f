"""Completion in real shells, at a terminal; the scripts, and where they are installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from bindist_cli.completion import scripts

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)
from tests.cli.shell_terminal import PROMPT, SETUP, Terminal

# Only where a thread holds a lock that the shell needs would it matter: it is replaced at once.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")

REPOSITORY = Path(__file__).parents[3]
FILES = {
    "bash": "bindist.bash",
    "zsh": "_bindist",
    "fish": "bindist.fish",
    "powershell": "bindist.ps1",
}
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def at_prompt(
    at_catalogue: SandboxServer,
    catalogue_admin: AdminClient,
    bindist: Run,
    program: str,
    tmp_path: Path,
    wait_until: Callable[[Callable[[], Any]], None],
) -> Iterator[Callable[[str], Terminal]]:
    """Opens a shell whose completion knows the sample catalogue, its cache being warm."""
    home = tmp_path / "home"
    home.mkdir()
    opened: list[Terminal] = []

    def warm(line: str) -> bool:
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        return bool(bindist(_BINDIST_COMPLETE="bash_complete", **asked).stdout)

    def open_shell(shell: str) -> Terminal:
        if not shutil.which(shell):
            pytest.skip(f"{shell} is not installed")
        where = {"HOME": str(home), "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": ""}
        assert bindist("completion", shell, "--install", **where).returncode == 0
        lines = (
            "bindist apps show ",
            "bindist versions show skylark ",
            "bindist versions share tidewatch 0.9 --file ",
        )
        for line in lines:
            wait_until(lambda line=line: warm(line))
        (home / ".zshrc").write_text(
            f"fpath=({home}/.local/share/zsh/site-functions $fpath)\n"
            "autoload -U compinit; compinit -D -u\n"
        )
        terminal = Terminal(shell, home, program)
        opened.append(terminal)
        terminal.ready(setup[shell])
        return terminal

    setup = {
        "bash": f"source {home}/.local/share/bash-completion/completions/bindist",
        "zsh": f"PROMPT='{PROMPT}'",
        "fish": f"function fish_prompt; echo -n '{PROMPT}'; end",
    }
    source = tmp_path / "source"
    source.write_text("content")
    catalogue_admin.upload_file(
        "tidewatch", "0.9", source, file_name="read me (first) & last.txt"
    ).raise_for_error()
    (home / "only file.txt").touch()
    yield open_shell
    for terminal in opened:
        terminal.close()


@pytest.mark.parametrize("shell", SETUP)
def test_tab(shell: str, at_prompt: Callable[[str], Terminal], at_catalogue: SandboxServer) -> None:
    terminal = at_prompt(shell)
    assert terminal.completed("bindist apps li") == ["bindist", "apps", "list"]
    assert terminal.completed("bindist apps show sky")[2:] == ["show", "skylark"]
    assert terminal.completed("bindist versions show skylark 1.9")[3:] == ["skylark", "1.9.0"]
    assert terminal.completed("bindist apps list --act")[-1] == "--active"
    assert terminal.completed("bindist --output=ta")[1:] == ["--output=table"]
    line = f"bindist --api-url {at_catalogue.url} apps show tide"
    assert terminal.completed(line)[1:] == [*line.split()[1:-1], "tidewatch"]
    line = "bindist versions share tidewatch 0.9 --file "
    assert terminal.completed(line)[-1] == "read me (first) & last.txt"
    assert terminal.completed(f"{line}rea")[-1] == "read me (first) & last.txt"
    assert terminal.completed("bindist versions upload skylark 3 onl")[-1] == "only file.txt"
    assert terminal.completed("bindist apps show no-such")[-1] == "no-such"
    terminal.shown("bindist versions show skylark ", "2.0.0", "1.10.0", "1.10.0-beta", "1.9.0")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_descriptions(shell: str, at_prompt: Callable[[str], Terminal]) -> None:
    terminal = at_prompt(shell)
    terminal.shown("bindist apps show ", "Harbor CLI", "Skylark Editor", "Tidewatch Agent")


@pytest.mark.parametrize("shell", scripts.SCRIPTS)
def test_the_scripts_in_the_repository_are_those_that_are_printed(bindist: Run, shell: str) -> None:
    printed = bindist("completion", shell)
    assert printed.returncode == 0
    file = REPOSITORY / "completions" / FILES[shell]
    assert file.read_text() == printed.stdout, f"bindist completion {shell} > {file}"
    assert bindist(_BINDIST_COMPLETE=f"{shell}_source").stdout == printed.stdout


@pytest.mark.parametrize(
    ("shell", "path", "says"),
    [
        ("bash", ".local/share/bash-completion/completions/bindist", "bash-completion"),
        ("zsh", ".local/share/zsh/site-functions/_bindist", "fpath=("),
        ("fish", ".config/fish/completions/bindist.fish", "new shell"),
    ],
)
def test_install(bindist: Run, tmp_path: Path, shell: str, path: str, says: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".zshrc").write_text("# mine\n")
    (home / ".bashrc").write_text("# mine\n")
    where = {"HOME": str(home), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
    done = bindist("completion", shell, "--install", **where)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"path\t{home / path}\nstatus\twritten\n"
    assert says in done.stderr
    assert (home / path).read_text() == scripts.SCRIPTS[shell]
    again = bindist("completion", shell, "--install", "--json", **where)
    assert json.loads(again.stdout) == {"path": str(home / path), "status": "unchanged"}
    files = {str(each.relative_to(home)) for each in home.rglob("*") if each.is_file()}
    assert files == {".zshrc", ".bashrc", path}
    assert (home / ".zshrc").read_text() == (home / ".bashrc").read_text() == "# mine\n"


def test_install_for_powershell_prints_the_line_for_its_profile(bindist: Run) -> None:
    done = bindist("completion", "powershell", "--install")
    assert done.stdout == "bindist completion powershell | Out-String | Invoke-Expression\n"
    assert "$PROFILE" in done.stderr


def test_install_replaces_an_older_script_and_no_file_of_ones_own(
    bindist: Run, tmp_path: Path
) -> None:
    path = tmp_path / "fish/completions/bindist.fish"
    where = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert bindist("completion", "fish", "--install", **where).returncode == 0
    script = path.read_text()
    path.write_text("# older\n" + script)
    assert bindist("completion", "fish", "--install", **where).returncode == 0
    assert path.read_text() == script
    path.write_text("complete -c bindist -f\n")
    done = bindist("completion", "fish", "--install", **where)
    assert (done.returncode, path.read_text()) == (6, "complete -c bindist -f\n")
    assert "is not a completion script" in done.stderr


def test_install_where_nothing_can_be_written(bindist: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = bindist("completion", "fish", "--install", XDG_CONFIG_HOME=str(tmp_path / "file"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert str(tmp_path / "file") in done.stderr
