"""Where a download may go, and how it gets its name there without replacing a file that this call
was not asked to replace."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TargetExistsError
from ..file_system import rename_to_free_name

if TYPE_CHECKING:
    from ..types import StrPath

Seen = tuple[int, int]
"""Size in bytes and modification time in nanoseconds of what has a name."""

_DESCRIPTOR = re.compile(r"/(?:dev|proc/(\d+)(?:/task/\d+)?)/fd/(\d+)")
_MAX_LINKS = 40


def look(target: Path) -> Seen | None:
    """What has this name now, a link being what it is itself; None for nothing."""
    try:
        found = target.lstat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def is_special(target: StrPath) -> bool:
    """Whether this is neither a file nor a folder: a device, a pipe, a socket, or a name for one of
    this process's descriptors, such as /dev/stdout, wherever that leads."""
    if descriptor_of(target) is not None:
        return True
    try:
        mode = Path(target).stat().st_mode
    except OSError:  # nothing, or a link that leads nowhere
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def descriptor_of(path: StrPath) -> int | None:
    """The descriptor of this process that /dev/stdout, /dev/fd/N and links to them stand for."""
    path = Path(path)
    for _ in range(_MAX_LINKS):
        found = _DESCRIPTOR.fullmatch(f"{os.path.realpath(path.parent)}/{path.name}")
        if found and found[1] in (None, str(os.getpid())):
            return int(found[2])
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)  # noqa: PTH115  which drops no `..`
    return None


def publish(part: Path, target: Path, before: Seen | None) -> None:
    """Renames `part` to `target`, in the place of what was there `before` and of nothing else.

    Raises TargetExistsError, and leaves both alone, where something else has the name by now. A
    file system with neither hard links nor a rename that replaces nothing is only looked at once
    more, right before the rename.
    """
    found = look(target)
    if found is not None and found == before:
        part.replace(target)
    elif found is not None or not _rename_to_free_name(part, target):
        verb = "appeared" if before is None else "was changed"
        raise TargetExistsError(
            f"{target} {verb} while the file was downloaded, and was not replaced; "
            f"what was downloaded is in {part}"
        )


def _rename_to_free_name(part: Path, target: Path) -> bool:
    """False, and nothing is done, where the name is taken."""
    try:
        _place(part, target)
    except FileExistsError:
        return False
    return True


def _place(part: Path, target: Path) -> None:
    """Raises FileExistsError where the name is taken."""
    if os.name == "nt":
        rename_to_free_name(part, target)
        return
    try:
        os.link(part, target)
    except OSError:
        found = look(target)
        if found is None:  # no hard links here
            if not rename_to_free_name(part, target):
                part.rename(target)
            return
        if not os.path.samestat(part.lstat(), target.lstat()):
            raise FileExistsError from None
        # NFS: the link was made, and the answer was lost.
    part.unlink()
