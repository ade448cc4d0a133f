"""Whether an open file is one of ours that others cannot interfere with.

Read at every press of TAB, so nothing is imported here that costs time.
"""

from __future__ import annotations

import os
import stat

IS_FOLDER = "it is a folder"
IS_NO_FILE = "it is not a regular file"
IS_FOREIGN = "it belongs to somebody else"
IS_OPEN = "others have access to it"


def objection(status: os.stat_result, *, private: bool) -> str | None:
    """What is wrong with a file of that status: one of the texts above; None if nothing is.

    What is `private` must belong to the user, and nobody else may read it; any other file may also
    belong to root, and nobody else may change it.
    """
    if stat.S_ISDIR(status.st_mode):
        return IS_FOLDER
    if not stat.S_ISREG(status.st_mode):
        return IS_NO_FILE
    if os.name != "posix":
        return None
    if status.st_uid != os.geteuid() and (private or status.st_uid != 0):
        return IS_FOREIGN
    return IS_OPEN if status.st_mode & (0o077 if private else 0o002) else None
