"""What an import returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ImportStatus = Literal["created", "changed", "unchanged", "conflict", "refused"]


@dataclass(frozen=True)
class ImportedCustomer:
    """What became of one row of an import, or would become of it.

    Attributes:
        name, reference, email: as in the row; None where it has none.
        status: `created`; `changed` (it existed, and was changed as asked); `unchanged` (it
            existed); `conflict` (nothing was done: `reason` says why); `refused` (the server
            refused to create or change it: `reason` is its message).
        customer_id: the customer's id; None where there is none, or not one.
        key_file: the path of the file with the key; None where this import has made none.
        differs: the columns in which the customer on the server differs from the row, left as they
            were.
        granted: the ids of the applications that this import has granted.
        reason: why nothing was done; None otherwise.
    """

    name: str
    reference: str | None
    email: str | None
    status: ImportStatus
    customer_id: str | None = None
    key_file: str | None = None
    differs: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    reason: str | None = None
