"""Texts that a command takes from a file, or from stdin where the name is `-`."""

from __future__ import annotations

import sys
from pathlib import Path

from .exit_codes import CliError, Exit


def read_text(name: str) -> str:
    """The text of a file, without a byte order mark; raises CliError for what is none."""
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CliError(f"{name} is not UTF-8 text", Exit.USAGE) from None
    except OSError as error:
        raise CliError(f"cannot read {name}: {error.strerror}", Exit.USAGE) from None
