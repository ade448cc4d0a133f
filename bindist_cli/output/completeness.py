"""Says whether a list of downloads is complete, as far as the server's statistics tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .printer import Printer

if TYPE_CHECKING:
    from bindist.activity_walk import ActivityCheck


def tell_of_walk(
    printer: Printer,
    count: int,
    customers: int,
    check: ActivityCheck | None,
    crowded: Sequence[tuple[str, str]],
) -> None:
    """Notes how many entries there are, and whether they are all; warns where they are not."""
    of = f" of {customers:,} customers and administrators" if customers else ""
    noun = "entry" if count == 1 else "entries"
    printer.note(f"{count:,} {noun}{of}")
    tell_of_check(printer, check, crowded)


def tell_of_check(
    printer: Printer, check: ActivityCheck | None, crowded: Sequence[tuple[str, str]]
) -> None:
    """Notes that the downloads add up to the statistics; warns where they do not."""
    if check is not None and not check.differences:
        days = " on whole days (UTC)" if check.by_day else ""
        printer.note(
            f"the downloads add up to the server's statistics{days}: "
            f"{check.listed:,} of {check.counted:,}"
        )
    for one in check.differences if check else ():
        printer.warn(
            f"{one.application_id}: found {one.listed:,} downloads, but the server's statistics "
            f"count {one.counted:,}; downloads made in the meantime are a reason"
        )
    for customer, timestamp in crowded:
        printer.warn(
            f"customer {customer} has 100 or more entries at {timestamp}: "
            "the server may hide others of the same millisecond"
        )
