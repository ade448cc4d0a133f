"""Text input from a file, or from stdin for the name `-`."""

from __future__ import annotations

import sys
from pathlib import Path

from .exit_codes import CliError, Exit


def read_text(name: str) -> str:
    """Returns the text of a file without its byte order mark. Raises CliError if unreadable."""
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CliError(f"{name} is not UTF-8 text", Exit.USAGE) from None
    except OSError as error:
        raise CliError(f"cannot read {name}: {error.strerror}", Exit.USAGE) from None
