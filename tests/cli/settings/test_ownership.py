"""Whose a file is: one table for settings, keys and what completion keeps."""

from __future__ import annotations

import os
import stat

import pytest

from bindist_cli.settings.ownership import (
    IS_FOLDER,
    IS_FOREIGN,
    IS_NO_FILE,
    IS_OPEN,
    objection,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX has owners and modes")
ME = os.geteuid() if os.name == "posix" else 0
OTHER = ME + 1
FILE, FOLDER, PIPE = stat.S_IFREG, stat.S_IFDIR, stat.S_IFIFO


@pytest.mark.parametrize(
    ("kind", "mode", "owner", "private", "found"),
    [
        (FILE, 0o600, ME, True, None),
        (FILE, 0o400, ME, True, None),
        (FILE, 0o640, ME, True, IS_OPEN),
        (FILE, 0o601, ME, True, IS_OPEN),
        (FILE, 0o644, ME, False, None),
        (FILE, 0o664, ME, False, None),
        (FILE, 0o666, ME, False, IS_OPEN),
        (FILE, 0o600, OTHER, True, IS_FOREIGN),
        (FILE, 0o600, OTHER, False, IS_FOREIGN),
        (FILE, 0o644, 0, False, None),
        (FOLDER, 0o700, ME, True, IS_FOLDER),
        (PIPE, 0o600, ME, True, IS_NO_FILE),
        (PIPE, 0o600, ME, False, IS_NO_FILE),
    ],
)
def test_what_is_wrong_with_a_file(kind, mode, owner, private, found):
    status = os.stat_result((kind | mode, 1, 1, 1, owner, owner, 0, 0, 0, 0))
    assert objection(status, private=private) == found
