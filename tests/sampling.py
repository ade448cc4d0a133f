"""How much of a matrix one run tries: each day another part of it, or all at once with

WHOLE_MATRIX=1 pytest ...
"""

from __future__ import annotations

import os
from datetime import date

WHOLE = bool(os.environ.get("WHOLE_MATRIX"))
TODAY = date.today().toordinal()


def is_due(place: int, parts: int) -> bool:
    """Whether the case at that place is tried today: on one day of so many it is."""
    return WHOLE or (place + TODAY) % parts == 0
