"""Shows Markdown on a terminal, in a pager if it is longer than the screen."""

from __future__ import annotations

import io
import re
import shutil
import sys

import click

from ..settings import resolve
from ..settings.resolve import Settings

WIDEST, NARROWEST = 100, 20
"""Limits of the text width, in columns: longer lines are hard to read, shorter ones fit no word."""

_STYLES = {"markdown.code": "bold cyan", "markdown.h1": "bold", "markdown.h2": "bold underline"}
"""Replaces styles of rich whose background colours suit only dark terminals."""

_TOPIC_LINK = re.compile(r"\[([^\]]+)\]\([\w-]+\.md\)")


def show(markdown: str, settings: Settings) -> None:
    """Prints Markdown on the terminal, through a pager if it is long and stdin is a terminal."""
    text = render(markdown, text_width(), color=settings.color)
    fits = text.count("\n") < shutil.get_terminal_size().lines
    if fits or settings.no_input or not sys.stdin.isatty() or not _has_pager():
        sys.stdout.write(text)
    else:
        click.echo_via_pager(
            text, color=settings.color
        )  # None: click keeps styles if `less` shows them


def text_width() -> int:
    """Returns the width of text for this terminal, in columns."""
    return max(NARROWEST, min(shutil.get_terminal_size().columns, WIDEST))


def render(markdown: str, width: int, *, color: bool | None) -> str:
    """Formats Markdown for a terminal of `width` columns; `color=False` omits all styles."""
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
    # The text of a link to a topic is the command that shows it; other links keep their addresses.
    plain_links = _TOPIC_LINK.sub(r"\1", markdown)
    console.print(Markdown(plain_links, code_theme="ansi_dark", hyperlinks=False))
    lines = (line.rstrip() for line in target.getvalue().splitlines())
    return "".join(f"{line}\n" for line in lines)


def _has_pager() -> bool:
    """Whether to use a pager: not if PAGER is empty or `cat`, as in git and man."""
    return resolve.environment().get("PAGER", "less").strip() not in ("", "cat")
