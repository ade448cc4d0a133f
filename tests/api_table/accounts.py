"""Endpoints for customers, keys and reports."""

from __future__ import annotations

from .rows import LIST, ONE, Command, Endpoint, Method, Recorded, audited, sends

_NEW = {"name": "New", "notes": "n", "email": "a@b.cd", "reference": "r", "license": "l"}

ACCOUNTS = (
    Endpoint(
        "GET",
        "/v1/management/customers",
        "Customers",
        rows="customers",
        methods=(
            Method(
                "list_customers(page=None, page_size=None)",
                (1, 1),
                examples=(sends({}), sends({}, 2, 5)),
            ),
        ),
        commands=(
            Command("customers list", LIST, "", (Recorded("", "customers"),)),
            Command("customers show", ONE, "acme", (Recorded("{customer}", "customers"),)),
            Command("customers access", LIST, "", (Recorded("", "customers"),)),
        ),
    ),
    Endpoint(
        "PATCH",
        "/v1/management/customers/{customerId}",
        "ChangedCustomer",
        effect="SELECT count(*) FROM customers WHERE notes = ?",
        methods=(
            Method(
                "update_customer(customer_id, name=None, is_active=None, notes=None, *, "
                "email=None, reference=None, license=None)",
                ("{customer}",),
                {"notes": "{mark}"},
                examples=(
                    sends({"isActive": False}, "c1", is_active=False),
                    sends(
                        {
                            "name": "N",
                            "isActive": True,
                            **dict.fromkeys(("notes", "email", "reference", "license"), ""),
                        },
                        *("c1", "N", True, ""),
                        **dict.fromkeys(("email", "reference", "license"), ""),
                    ),
                ),
            ),
        ),
        commands=(
            Command("customers update", ONE, "acme --notes changed", (Recorded("c1 --notes new"),)),
            Command("customers enable", ONE, "acme", (Recorded("c1"),)),
            Command("customers disable", ONE, "acme", (Recorded("c1"),)),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/management/customers/{customerId}/apikeys",
        "NewCustomer",
        effect=audited("CUSTOMER_CREATED"),
        methods=(
            Method(
                "create_customer(name, notes=None, *, email=None, reference=None, license=None, "
                "parent_customer_id='admin')",
                ("New",),
                examples=(
                    sends({"name": "New"}, "New", at={"customerId": "admin"}),
                    sends(_NEW, at={"customerId": "p%2Fq"}, **_NEW, parent_customer_id="p/q"),
                ),
            ),
        ),
        commands=(
            Command(
                "customers create",
                ONE,
                "--name New --email new@example.com",
                (Recorded("--name New"), Recorded("--name New --key-file new.key")),
            ),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/management/customers/{customerId}/regenerate-key",
        "NewKey",
        effect=audited("CUSTOMER_KEY_REGENERATED"),
        methods=(
            Method(
                "regenerate_customer_key(customer_id)",
                ("{customer}",),
                examples=(sends(None, "c1"),),
            ),
        ),
        commands=(
            Command(
                "customers rotate-key",
                ONE,
                "acme --yes",
                (Recorded("c1 --yes"), Recorded("c1 --yes --key-file new.key")),
            ),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/management/admin/regenerate-key",
        "NewKey",
        effect=audited("ADMIN_KEY_REGENERATED"),
        methods=(Method("regenerate_admin_key()", examples=(sends(None),)),),
    ),
    Endpoint(
        "POST",
        "/v1/management/admin/regenerate-apps-key",
        "NewKey",
        effect=audited("ADMIN_KEY_REGENERATED"),
        methods=(Method("regenerate_apps_admin_key()", examples=(sends(None),)),),
        commands=(
            Command(
                "admin rotate-key",
                ONE,
                "--apps-admin --yes",
                (Recorded("--yes"), Recorded("--yes --apps-admin")),
            ),
        ),
    ),
    Endpoint(
        "GET",
        "/v1/activity",
        "Activities",
        rows="activities",
        methods=(
            Method(
                "list_activity(activity_type=None, page=1, page_size=50, *, application_id=None, "
                "customer_id=None, start_date=None, end_date=None)",
                kwargs={"customer_id": "{customer}"},
                examples=(
                    sends({"limit": "100"}),
                    sends({"type": "all", "limit": "100"}, "all"),
                    sends({"type": "downloads", "limit": "100"}, "downloads"),
                    sends(
                        {"type": "uploads", "limit": "100"},
                        *("upload", 2, 5),
                        application_id="tool",
                    ),
                    sends(
                        {
                            "type": "downloads",
                            "limit": "100",
                            "customerId": "c1",
                            "startDate": "s",
                            "endDate": "e",
                        },
                        "download",
                        customer_id="c1",
                        start_date="s",
                        end_date="e",
                    ),
                ),
            ),
        ),
        commands=(
            Command(
                "activity list",
                LIST,
                "--all",
                (Recorded("--app alpha", "activities"), Recorded("--all", "activities")),
            ),
        ),
    ),
    Endpoint(
        "GET",
        "/v1/audit",
        "AuditEvents",
        rows="events",
        methods=(
            Method(
                "list_audit_events(event_type=None, *, "
                "start_date=None, end_date=None, limit=50, last_event_id=None)",
                ("CUSTOMER_DISABLED",),
                examples=(
                    sends({"limit": "50"}),
                    sends(
                        {
                            "eventType": "CUSTOMER_CREATED",
                            "startDate": "s",
                            "endDate": "e",
                            "limit": "5",
                            "lastEventId": "x",
                        },
                        "CUSTOMER_CREATED",
                        start_date="s",
                        end_date="e",
                        limit=5,
                        last_event_id="x",
                    ),
                ),
            ),
            Method(
                "iter_audit_events(event_type=None, *, "
                "start_date=None, end_date=None, page_size=100)",
                ("CUSTOMER_DISABLED",),
                {"page_size": 2},
                examples=(
                    sends(
                        {"eventType": "CUSTOMER_CREATED", "limit": "5"},
                        "CUSTOMER_CREATED",
                        page_size=5,
                    ),
                ),
                returns="Iterator[AuditEvent]",
                pages=True,
                raises=True,
            ),
        ),
        commands=(
            Command(
                "audit list",
                LIST,
                "--limit 5",
                (Recorded("", "events"), Recorded("--type CUSTOMER_CREATED", "events")),
            ),
        ),
    ),
)
