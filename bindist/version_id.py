"""The id that the server keeps a version's files under: `APPLICATION-VERSION`.

Several versions may have the same one: `cli-1.0` of `zeta`, and `1.0` of `zeta-cli`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_APPLICATION = re.compile(r"[A-Za-z0-9_-]{1,100}")
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,50}")


def version_id(application_id: str, version: str) -> str:
    """The id of a version on the server."""
    return f"{application_id}-{version}"


def namesakes(application_id: str, version: str) -> Iterator[tuple[str, str]]:
    """Yields every other (application id, version) that the server would give the same id."""
    shared = version_id(application_id, version)
    for hyphen in re.finditer("-", shared):
        other = shared[: hyphen.start()], shared[hyphen.end() :]
        possible = _APPLICATION.fullmatch(other[0]) and _VERSION.fullmatch(other[1])
        if possible and other != (application_id, version):
            yield other
