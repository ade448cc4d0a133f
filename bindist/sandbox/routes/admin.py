"""The routes that need an administrator's key: applications, versions, customers, keys."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Any

from werkzeug.wrappers import Response

from ..clock import timestamp
from ..storage.applications import Application, new_grants, read_application, write_application
from ..storage.database import Row
from ..validation import javascript, shapes
from ..validation.collation import collation_key
from ..validation.schema import validate
from .call import ApiError, Call, find_version, one_page, success
from .customer import pick

_CUSTOMER_FIELDS = (
    "customerId", "name", "isActive", "createdAt", "notes", "email", "reference", "license",
)  # fmt: skip
_UPDATED_CUSTOMER_FIELDS = (
    "customerId", "name", "isActive", "notes", "email", "reference", "license", "updatedAt",
)  # fmt: skip
_EMAIL = re.compile(
    rf"[^{javascript.WHITESPACE}@]+@[^{javascript.WHITESPACE}@]+"
    rf"\.[^{javascript.WHITESPACE}@]+"
)
_BOOLEAN_TEXT = {
    **dict.fromkeys(("t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"), True),
    **dict.fromkeys(("f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"), False),
}


def create_application(call: Call) -> Response:
    asked = call.body(shapes.APPLICATION)
    application_id, customer_ids = asked["applicationId"], list(asked["customerIds"])
    existing = _any_application(call, application_id)
    if existing:
        raise ApiError(
            409,
            f"Application '{application_id}' was previously deleted; IDs cannot be reused"
            if existing.row["deletedAt"]
            else f"Application '{application_id}' already exists",
        )
    _names_to_grant(call, customer_ids)
    now = timestamp()
    application = {
        "applicationId": application_id,
        "name": asked["name"],
        "description": asked.get("description", ""),
        "isActive": True,
        "createdAt": now,
        "updatedAt": now,
        "tags": asked.get("tags", []),
    }
    grants = new_grants(customer_ids, application_id, timestamp(), call.caller.customer_id)
    with call.step("write-application", writes=True):
        write_application(call.db, Application(application, grants))
    call.record_event(
        "APPLICATION_CREATED", applicationId=application_id, applicationName=asked["name"]
    )
    return success({**application, "customerIds": customer_ids}, 201)


def delete_application(call: Call) -> Response:
    application_id = call.params["applicationId"]
    application = _any_application(call, application_id)
    if application is None:
        raise ApiError(404, f"Application '{application_id}' not found")
    if application.row["deletedAt"]:
        raise ApiError(400, f"Application '{application_id}' is already deleted")
    now = timestamp()
    with call.step("write-application", writes=True):
        deleted = application.changed(deletedAt=now, updatedAt=now, isActive=False)
        write_application(call.db, deleted)
    name = application.row["name"]
    call.record_event("APPLICATION_DELETED", applicationId=application_id, applicationName=name)
    return success(
        {
            "message": f"Application '{application_id}' has been deleted",
            "applicationId": application_id,
            "deletedAt": now,
        }
    )


def update_application_customers(call: Call) -> Response:
    application_id = call.params["applicationId"]
    asked = call.body(shapes.APPLICATION_CUSTOMERS)
    add, remove = list(asked["addCustomerIds"]), list(asked["removeCustomerIds"])
    if not add and not remove:
        raise ApiError(400, "Must specify addCustomerIds or removeCustomerIds")
    if both := [customer_id for customer_id in add if customer_id in remove]:
        raise ApiError(400, f"Customer IDs cannot be in both add and remove: {', '.join(both)}")
    application = _any_application(call, application_id)
    if application is None or application.row["deletedAt"]:
        raise ApiError(404, f"Application '{application_id}' not found")
    names = _names_to_grant(call, add)
    linked = [one for one in add if one not in application.customer_ids]
    grants = new_grants(linked, application_id, timestamp(), call.caller.customer_id)
    changed = application.with_customers(grants, remove)
    with call.step("write-application", writes=True):
        write_application(call.db, changed)
    _record_links(call, application.row, linked, remove, names)
    return success(
        {
            "applicationId": application_id,
            "customerIds": changed.customer_ids,
            "added": add,
            "removed": remove,
        }
    )


def _record_links(
    call: Call, application: Row, linked: list[str], removed: list[str], names: dict[str, str]
) -> None:
    if removed:
        with call.step("read-removed-customers"):
            names = {**names, **_names(call, removed)}
    for change, customer_ids in (("LINKED", linked), ("UNLINKED", removed)):
        for customer_id in customer_ids:
            call.record_event(
                f"CUSTOMER_APP_{change}",
                customerId=customer_id,
                customerName=names.get(customer_id, customer_id),
                applicationId=application["applicationId"],
                applicationName=application["name"],
            )


def update_version(call: Call) -> Response:
    application_id, version = call.params["applicationId"], call.params["version"]
    changes = call.body(shapes.VERSION_UPDATE)
    if not changes:
        raise ApiError(400, "No update fields provided")
    with call.step("read-version"):
        row = find_version(call, application_id, version)
    if row is None:
        raise ApiError(404, f"Version '{version}' not found for application '{application_id}'")
    with call.step("write-version", writes=True):
        shown = {**row, **changes, "updatedAt": timestamp()}
        stored = dict(shown)
        if not changes.get("releaseNotes", "keep"):
            # The reference server answers as if the notes were gone; its table keeps the old ones.
            shown["releaseNotes"], stored["releaseNotes"] = None, row["releaseNotes"]
        # All of the record as it was read: what was written meanwhile is undone.
        call.db.put("versions", ("applicationId", "version"), **stored)
    fields = ("applicationId", "version", "releaseNotes", "isActive", "isEnabled", "updatedAt")
    return success({"message": "Version updated successfully", **pick(shown, fields)})


def list_customers(call: Call) -> Response:
    rows = one_page(call, call.db.rows("SELECT * FROM customers ORDER BY rowid"))
    rows = [row for row in rows if not row["isAdmin"]]
    rows.sort(key=lambda row: collation_key(row["name"]))
    return success({"customers": [pick(row, _CUSTOMER_FIELDS) for row in rows]})


def create_customer(call: Call) -> Response:
    if not call.text:
        raise ApiError(400, "Request body is required")
    asked = validate(shapes.CUSTOMER, javascript.parse_json(call.text))  # not JSON: a 500
    with call.step("read-customer"):
        _existing_customer(call, call.params["customerId"])
    customer_id, secret, now = str(uuid.uuid4()), _new_secret(), timestamp()
    with call.step("write-customer", writes=True):
        call.db.put(
            "customers",
            ("customerId",),
            customerId=customer_id,
            isActive=True,
            isAdmin=False,
            isFinancialAdmin=False,
            createdAt=now,
            updatedAt=now,
            parentCustomerId=call.params["customerId"],
            **asked,
        )
        call.db.set_key(customer_id, secret)
    call.record_event("CUSTOMER_CREATED", customerId=customer_id, customerName=asked["name"])
    answer = {"customerId": customer_id, "apiKey": secret, "name": asked["name"], "createdAt": now}
    return success(answer, 201)


def update_customer(call: Call) -> Response:
    sent = call.json()
    with call.step("read-customer"):
        customer = _existing_customer(call, call.params["customerId"])
    if customer["isAdmin"]:
        raise ApiError(403, "Cannot modify admin customers")
    if sent is None:
        raise javascript.ScriptError("Cannot read properties of null (reading 'isActive')")
    changes = _customer_changes(sent if isinstance(sent, dict) else {})
    with call.step("write-customer", writes=True):
        whole = {**customer, **changes, "updatedAt": timestamp()}
        call.db.put("customers", ("customerId",), **whole)
        written = _existing_customer(call, customer["customerId"])
    if "isActive" in changes and sent["isActive"] is not customer["isActive"]:
        change = "ENABLED" if javascript.truthy(sent["isActive"]) else "DISABLED"
        call.record_event(
            f"CUSTOMER_{change}", customerId=customer["customerId"], customerName=customer["name"]
        )
    return success(pick(written, _UPDATED_CUSTOMER_FIELDS))


def _customer_changes(sent: dict[str, Any]) -> dict[str, Any]:
    """What to change. This route has no schema: a wrong type is an exception in its code."""
    changes: dict[str, Any] = {}
    if "isActive" in sent:
        changes["isActive"] = _as_boolean(sent["isActive"])
    if "name" in sent:
        changes["name"] = javascript.trim_member(sent["name"], "body.name")
        if not changes["name"]:
            raise ApiError(400, "Name cannot be empty")
    if "notes" in sent:
        notes = sent["notes"]
        changes["notes"] = notes if notes is None or isinstance(notes, str) else str(notes)
    if "email" in sent:
        email = changes["email"] = javascript.trim_member(sent["email"], "body.email")
        if email and (javascript.length(email) > 320 or not _EMAIL.fullmatch(email)):
            raise ApiError(400, "Invalid email")
    for name, title, limit in (("reference", "Reference", 200), ("license", "License", 500)):
        if name in sent:
            changes[name] = javascript.trim_member(sent[name], f"body.{name}")
            if javascript.length(changes[name]) > limit:
                raise ApiError(400, f"{title} too long (max {limit} chars)")
    return changes


def _as_boolean(value: Any) -> bool | None:
    """A value as the reference server's boolean column takes it."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    if text.strip().lower() not in _BOOLEAN_TEXT:
        raise javascript.ScriptError(f'invalid input syntax for type boolean: "{text}"')
    return _BOOLEAN_TEXT[text.strip().lower()]


def regenerate_customer_key(call: Call) -> Response:
    return _regenerate(call, call.params["customerId"], "CUSTOMER_KEY_REGENERATED")


def regenerate_admin_key(call: Call) -> Response:
    return _regenerate(call, call.caller.customer_id, "ADMIN_KEY_REGENERATED")


def regenerate_apps_admin_key(call: Call) -> Response:
    return _regenerate(call, "admin-apps", "ADMIN_KEY_REGENERATED")


def _regenerate(call: Call, customer_id: str, event_type: str) -> Response:
    with call.step("read-customer"):
        customer = _existing_customer(call, customer_id)
    if customer["isAdmin"] and event_type == "CUSTOMER_KEY_REGENERATED":
        raise ApiError(403, "Cannot regenerate admin API keys")
    secret, now = _new_secret(), timestamp()
    with call.step("write-key", writes=True):
        call.db.set_key(customer_id, secret)
        call.db.execute("UPDATE customers SET updatedAt = ? WHERE customerId = ?", now, customer_id)
    call.record_event(event_type, customerId=customer["customerId"], customerName=customer["name"])
    return success(
        {
            "customerId": customer["customerId"],
            "apiKey": f"{call.address.tenant}.{secret}",
            "apiSecret": secret,
            "regeneratedAt": now,
        }
    )


def _new_secret() -> str:
    return secrets.token_urlsafe(32)


def _any_application(call: Call, application_id: str) -> Application | None:
    with call.step("read-application"):
        return read_application(call.db, application_id)


def _customer(call: Call, customer_id: str) -> Row | None:
    return call.db.row("SELECT * FROM customers WHERE customerId = ?", customer_id)


def _existing_customer(call: Call, customer_id: str) -> Row:
    row = _customer(call, customer_id)
    if row is None:
        raise ApiError(404, f"Customer '{customer_id}' not found")
    return row


def _names(call: Call, customer_ids: list[str]) -> dict[str, str]:
    rows = [row for one in customer_ids if (row := _customer(call, one)) is not None]
    return {row["customerId"]: row["name"] for row in rows}


def _names_to_grant(call: Call, customer_ids: list[str]) -> dict[str, str]:
    """What the customers are called. Raises ApiError where one cannot be granted anything."""
    if not customer_ids:
        return {}
    with call.step("read-customers"):
        rows = [row for one in customer_ids if (row := _customer(call, one)) is not None]
    found = {row["customerId"]: row for row in rows}
    if unknown := [customer_id for customer_id in customer_ids if customer_id not in found]:
        raise ApiError(400, f"Customer(s) not found: {', '.join(unknown)}")
    if admins := [customer_id for customer_id in customer_ids if found[customer_id]["isAdmin"]]:
        raise ApiError(400, f"Cannot assign applications to admin customer(s): {', '.join(admins)}")
    return {customer_id: row["name"] for customer_id, row in found.items()}
