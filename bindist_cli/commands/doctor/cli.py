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
    examples=("bindist doctor", "bindist doctor --json"),
)
@pass_app
def command(app: App) -> None:
    """Check this installation and explain how to solve each problem.

    Versions, files and who may read them, the environment (names only), proxies, the server, the
    clock and the key. Exit 1 where there is a problem, 4 where it is the key.
    """
    from .diagnostics import OK, PROBLEM, examine

    app.settings, problems = app.resolve_anyway()
    rows, code = examine(app, problems)
    app.sink.rows(columns.CHECKS, rows)
    if app.sink.format == "table":
        for row in rows:
            if row["status"] != OK:
                advice = f"\n  {row['hint']}" if row["hint"] else ""
                app.sink.note(f"{row['status']}: {row['check']}: {row['details']}{advice}")
    count = sum(row["status"] == PROBLEM for row in rows)
    if code is not Exit.DONE:
        raise CliError(f"{count} problem" + ("s" if count > 1 else ""), code)
