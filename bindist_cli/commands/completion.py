"""`bindist completion`"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click

from ..completion import scripts
from ..context import App, pass_app
from ..exit_codes import CliError, Exit
from ..options import Command
from ..output import columns
from ..settings import private_files, resolve


class Place(NamedTuple):
    """Where a shell looks for a user's completions, and the next step."""

    variable: str
    default: str
    path: str
    next_step: str


_PLACES = {
    "bash": Place(
        "XDG_DATA_HOME",
        "~/.local/share",
        "bash-completion/completions/bindist",
        "open a new shell; requires the package bash-completion",
    ),
    "zsh": Place(
        "XDG_DATA_HOME",
        "~/.local/share",
        "zsh/site-functions/_bindist",
        "unless fpath already has this folder, add this line before compinit in ~/.zshrc:\n"
        "  fpath=({folder} $fpath)",
    ),
    "fish": Place(
        "XDG_CONFIG_HOME", "~/.config", "fish/completions/bindist.fish", "open a new shell"
    ),
}
_OURS = b"_BINDIST_COMPLETE="  # in every version of every script
_POWERSHELL = "bindist completion powershell | Out-String | Invoke-Expression"


@click.command(
    "completion",
    cls=Command,
    examples=("bindist completion bash --install", "bindist completion zsh > _bindist"),
)
@click.argument("shell", metavar="bash|zsh|fish|powershell", type=click.Choice([*scripts.SCRIPTS]))
@click.option(
    "--install", is_flag=True, help="Write it to the folder where the shell looks for it."
)
@pass_app
def command(app: App, shell: str, install: bool) -> None:
    """Print or install the script for shell completion.

    The shell then completes commands, options, and values such as the names of your applications.
    --install writes the script to your own folder for such scripts, and changes no other file.
    """
    script = scripts.SCRIPTS[shell]
    if not install:
        app.printer.text(script)
    elif shell not in _PLACES:
        app.printer.text(_POWERSHELL)
        app.printer.note("add this line to the file that $PROFILE names")
    else:
        place = _PLACES[shell]
        path = _path(place, resolve.environment())
        status = _install(path, script)
        app.printer.one(columns.SANDBOX, {"path": str(path), "status": status})
        app.printer.note(place.next_step.format(folder=path.parent))


def _path(place: Place, env: Mapping[str, str]) -> Path:
    root = Path(env.get(place.variable) or os.path.expanduser(place.default))  # noqa: PTH111
    if not root.is_absolute():
        raise CliError(
            "there is no home folder to install the script in",
            Exit.USAGE,
            hint="print the script with `bindist completion SHELL`",
        )
    return root / place.path


def _install(path: Path, script: str) -> str:
    try:
        found = path.read_bytes()
    except OSError:
        found = b""
    if found == script.encode():
        return "unchanged"
    if found and _OURS not in found:
        raise CliError(
            f"{path} exists and is not a completion script of bindist",
            Exit.CONFLICT,
            hint="move it, then run this again",
            code="EXISTS",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CliError(f"cannot create {path.parent}: {error.strerror}", Exit.USAGE) from error
    private_files.write(path, script)
    return "written"
