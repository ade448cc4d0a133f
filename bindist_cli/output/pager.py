"""Markdown on a terminal: formatted to its width, in a pager where it is longer than the screen."""

from __future__ import annotations

import io
import re
import shutil
import sys

import click

from ..settings import resolve
from ..settings.resolve import Settings

WIDEST, NARROWEST = 100, 20
"""Columns: longer lines are hard to read, shorter ones hold no word."""

_STYLES = {"markdown.code": "bold cyan", "markdown.h1": "bold", "markdown.h2": "bold underline"}
"""Without rich's own background colours, which suit dark terminals alone."""

_TOPIC_LINK = re.compile(r"\[([^\]]+)\]\([\w-]+\.md\)")


def show(markdown: str, settings: Settings) -> None:
    """Prints Markdown on the terminal; a pager shows it unless it fits, or nothing may be asked."""
    text = render(markdown, text_width(), color=settings.color)
    fits = text.count("\n") < shutil.get_terminal_size().lines
    if fits or settings.no_input or not sys.stdin.isatty() or not _has_pager():
        sys.stdout.write(text)
    else:
        click.echo_via_pager(text, color=settings.color)  # None: styles where `less` shows them


def text_width() -> int:
    """How many columns a text may have on this terminal."""
    return max(NARROWEST, min(shutil.get_terminal_size().columns, WIDEST))


def render(markdown: str, width: int, *, color: bool | None) -> str:
    """The text for a terminal that is `width` columns wide; `color=False` leaves out all styles."""
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    target = io.StringIO()
    console = Console(
        file=target,
        width=width,
        force_terminal=color is not False,
        color_system=None if color is False else "standard",
        emoji=False,
        highlight=False,
        theme=Theme(_STYLES),
    )
    # A link to a topic is written as the command that shows it; other links keep their addresses.
    plain_links = _TOPIC_LINK.sub(r"\1", markdown)
    console.print(Markdown(plain_links, code_theme="ansi_dark", hyperlinks=False))
    lines = (line.rstrip() for line in target.getvalue().splitlines())
    return "".join(f"{line}\n" for line in lines)


def _has_pager() -> bool:
    """Whether the user wants one: an empty PAGER and `cat` both say no, as for git and man."""
    return resolve.environment().get("PAGER", "less").strip() not in ("", "cat")
