"""SHA256SUMS files, as sha256sum (GNU), shasum and sha256 --tag (BSD) write them."""

from __future__ import annotations

import re

from ...exit_codes import CliError, Exit

_GNU = re.compile(r"(?P<checksum>[0-9A-Fa-f]{64}) [ *]?(?P<name>.+)")
_BSD = re.compile(r"SHA256 ?\((?P<name>.+)\) ?= ?(?P<checksum>[0-9A-Fa-f]{64})")


def read_listing(source: str, text: str) -> dict[str, str]:
    """Returns the checksums by file name, without folders, as the server stores the names.

    `source` names the listing in errors. Raises CliError for a line that is neither form, and for
    a name with two checksums.
    """
    from bindist.file_names import server_name

    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(re.split("\r?\n", text), 1):
        if not line.strip() or line.startswith("#"):
            continue
        entry = _GNU.fullmatch(line.strip()) or _BSD.fullmatch(line.strip())
        if entry is None:
            raise CliError(f"{source}, line {number}: expected checksum and file name", Exit.USAGE)
        name = server_name(re.split(r"[/\\]", entry["name"].strip())[-1])
        checksum = entry["checksum"].lower()
        if found.setdefault(name, checksum) != checksum:
            raise CliError(
                f"{source}, line {number}: another checksum of {name} than in line {lines[name]}",
                Exit.USAGE,
                hint="files of a version have no folders: give each a name of its own",
            )
        lines.setdefault(name, number)
    return found
