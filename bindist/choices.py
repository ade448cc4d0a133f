"""Arguments that take one of a few values: the values as types and as data, and the check.

    from bindist.choices import CHOICES

    CHOICES["file_type"]  # ("MAIN", "DEPENDENCY", "DOCUMENTATION", "CONFIGURATION")

A method raises ValueError for any other value, before it sends a request.
"""

from __future__ import annotations

from typing import Literal, get_args

__all__ = [
    "CHOICES",
    "LATEST",
    "ActivityType",
    "EventType",
    "FileType",
    "IfExists",
    "SortBy",
    "SortOrder",
    "StoreEtag",
    "check_choices",
    "check_given_choices",
]

LATEST = "latest"
"""In place of a version, to the command line: the highest enabled one. No version may have this
name."""

ActivityType = Literal["upload", "download", "all", "uploads", "downloads"]
FileType = Literal["MAIN", "DEPENDENCY", "DOCUMENTATION", "CONFIGURATION"]
IfExists = Literal["match", "skip", "fail"]
SortBy = Literal["name", "createdAt", "updatedAt"]
SortOrder = Literal["asc", "desc"]
StoreEtag = Literal["md5", "opaque"]
EventType = Literal[
    "SESSION_CREATED",
    "CARD_VALIDATION_SUCCESS",
    "CARD_VALIDATION_FAILED",
    "PAYMENT_AUTHORIZED",
    "PAYMENT_FAILED",
    "FIRST_CHARGE_SUCCESS",
    "FIRST_CHARGE_FAILED",
    "TIER_UPGRADE_STARTED",
    "TIER_UPGRADE_COMPLETED",
    "TIER_DOWNGRADE_PAYMENT_FAILURE",
    "PAYMENT_METHOD_UPDATE_STARTED",
    "PAYMENT_METHOD_UPDATED",
    "PAYMENT_METHOD_UPDATE_FAILED",
    "WEBHOOK_RECEIVED",
    "WEBHOOK_HMAC_FAILED",
    "PAYMENT_FAILURE_EMAIL_SENT",
    "PAYMENT_FAILURE_EMAIL_FAILED",
    "WELCOME_EMAIL_SENT",
    "WELCOME_EMAIL_FAILED",
    "STORAGE_QUOTA_REJECTED",
    "TENANT_PROVISIONED",
    "APPLICATION_CREATED",
    "APPLICATION_DELETED",
    "CUSTOMER_CREATED",
    "CUSTOMER_ENABLED",
    "CUSTOMER_DISABLED",
    "CUSTOMER_KEY_REGENERATED",
    "ADMIN_KEY_REGENERATED",
    "CUSTOMER_APP_LINKED",
    "CUSTOMER_APP_UNLINKED",
]

CHOICES: dict[str, tuple[str, ...]] = {
    "activity_type": get_args(ActivityType),
    "event_type": get_args(EventType),
    "file_type": get_args(FileType),
    "if_exists": get_args(IfExists),
    "sort_by": get_args(SortBy),
    "sort_order": get_args(SortOrder),
    "store_etag": get_args(StoreEtag),
}
"""The values of each such argument, by the argument's name."""


def check_choices(**arguments: object) -> None:
    """Raises ValueError for an argument that has none of its values, and names those."""
    for name, value in arguments.items():
        allowed = CHOICES[name]
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def check_given_choices(**arguments: object) -> None:
    """The same for arguments that may be left out: None is not checked."""
    check_choices(**{name: value for name, value in arguments.items() if value is not None})
