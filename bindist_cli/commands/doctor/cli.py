"""`bindist doctor`"""

from __future__ import annotations

import click

from ...context import App, pass_app
from ...exit_codes import CliError, Exit
from ...options import Command
from ...output import columns


@click.command(
    "doctor",
    cls=Command,
    examples=("bindist doctor", "bindist doctor --json", "bindist doctor --upload"),
)
@click.option(
    "--upload",
    is_flag=True,
    help="Also send one byte to the object store, as an upload that makes no version.",
)
@pass_app
def command(app: App, upload: bool) -> None:
    """Check this installation and suggest a fix for each problem.

    Checks versions, files and their permissions, environment variables (prints only their names),
    proxies, the server, the clock and the key. Exits with 4 if the key is missing or rejected, with
    1 for any other problem.
    """
    from .diagnostics import OK, PROBLEM, examine

    app.settings, problems = app.resolve_anyway()
    rows, code = examine(app, problems, upload=upload)
    app.printer.rows(columns.CHECKS, rows)
    if app.printer.format == "table":
        for row in rows:
            if row["status"] != OK:
                advice = f"\n  {row['hint']}" if row["hint"] else ""
                app.printer.note(f"{row['status']}: {row['check']}: {row['details']}{advice}")
    count = sum(row["status"] == PROBLEM for row in rows)
    if code is not Exit.DONE:
        raise CliError(f"{count} problem" + ("s" if count > 1 else "") + " found", code)
