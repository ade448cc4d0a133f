"""Endpoints that make, change and delete applications and versions."""

from __future__ import annotations

from .rows import CONTENT, ONE, Command, Endpoint, Method, Recorded, audited, count, sends

_FILE = {"applicationId": "tool", "version": "1.0", "fileName": "a.exe"}

PUBLISHING = (
    Endpoint(
        "PATCH",
        "/v1/applications/{applicationId}/versions/{version}",
        "ChangedVersion",
        effect="SELECT count(*) FROM versions WHERE releaseNotes = ?",
        methods=(
            Method(
                "update_version(application_id, version, "
                "is_enabled=None, is_active=None, release_notes=None)",
                ("{tool}", "{version}"),
                {"release_notes": "{mark}"},
                examples=(
                    sends({"isEnabled": True}, "tool", "1.0", True),
                    sends({"releaseNotes": "new"}, "tool", "1.0", release_notes="new"),
                    sends(
                        {"isEnabled": False, "isActive": False, "releaseNotes": ""},
                        *("tool", "1.0", False, False, ""),
                    ),
                ),
            ),
        ),
        commands=(
            Command(
                "versions update",
                ONE,
                "skylark 1.10.0 --notes changed",
                (
                    Recorded("alpha 1.0.0 --notes new"),
                    Recorded("alpha {version} --clear-notes", "versions"),
                ),
            ),
            Command("versions enable", ONE, "skylark 2.0.0", (Recorded("alpha {version}"),)),
            Command("versions disable", ONE, "skylark 1.9.0", (Recorded("alpha 1.0.0"),)),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/management/applications",
        "NewApplication",
        effect=audited("APPLICATION_CREATED"),
        methods=(
            Method(
                "create_application(application_id, name, "
                "customer_ids=None, description=None, tags=None)",
                ("{mark}", "New"),
                examples=(
                    sends({"applicationId": "tool", "name": "Tool"}, "tool", "Tool"),
                    sends(
                        {
                            "applicationId": "tool",
                            "name": "Tool",
                            "customerIds": ["c1", "c2"],
                            "description": "",
                            "tags": ["t"],
                        },
                        *("tool", "Tool", ("c1", "c2"), "", ["t"]),
                    ),
                ),
            ),
        ),
        commands=(
            Command("apps create", ONE, "fresh --name Fresh --tag new", (Recorded("fresh"),)),
        ),
    ),
    Endpoint(
        "DELETE",
        "/v1/management/applications/{applicationId}",
        "DeletedApplication",
        effect=audited("APPLICATION_DELETED"),
        methods=(
            Method(
                "delete_application(application_id)",
                ("{mark}",),
                examples=(sends(None, "tool"),),
                prepared=True,
            ),
        ),
        commands=(Command("apps delete", ONE, "harbor --yes", (Recorded("beta --yes"),)),),
    ),
    Endpoint(
        "PUT",
        "/v1/management/applications/{applicationId}/customers",
        "GrantedCustomers",
        effect=audited("CUSTOMER_APP_UNLINKED"),
        methods=(
            Method(
                "update_application_customers(application_id, "
                "add_customer_ids=None, remove_customer_ids=None)",
                ("{tool}", None, ["{customer}"]),
                examples=(
                    sends(
                        {"addCustomerIds": ["c1"], "removeCustomerIds": ["c2"]},
                        *("tool", ["c1"], {"c2"}),
                    ),
                    sends({"removeCustomerIds": ["c2"]}, "tool", remove_customer_ids=["c2"]),
                ),
            ),
        ),
        commands=(
            Command("apps grant", ONE, "harbor globex", (Recorded("alpha c1"),)),
            Command("apps revoke", ONE, "harbor acme", (Recorded("alpha c1"),)),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/management/upload",
        "NewVersion",
        effect=count("uploads"),
        methods=(
            Method(
                "upload_small_file(application_id, version, file_name, content, "
                "release_notes=None, *, file_type=None, description=None, allow_any_name=False)",
                ("{tool}", "{mark}", "a.bin", CONTENT),
                examples=(
                    sends({**_FILE, "fileContent": "AP8="}, "tool", "1.0", "a.exe", b"\x00\xff"),
                    sends(
                        {
                            **_FILE,
                            "fileContent": "eA==",
                            "releaseNotes": "notes",
                            "fileType": "DEPENDENCY",
                            "description": "d",
                        },
                        *("tool", "1.0", "a.exe", b"x", "notes"),
                        file_type="DEPENDENCY",
                        description="d",
                    ),
                ),
            ),
        ),
        commands=(
            Command(
                "versions upload",
                ONE,
                "harbor 9.0 file.bin --enable",
                (Recorded("alpha 1.0.0 ../tool.exe --dry-run"),),
            ),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/management/upload/large-url",
        "UploadUrl",
        hands_out_url=True,
        methods=(
            Method(
                "get_large_upload_url(application_id, version, file_name, file_size, "
                "content_type=None)",
                ("{tool}", "{mark}", "a.bin", 5),
                examples=(
                    sends({**_FILE, "fileSize": 5}, "tool", "1.0", "a.exe", 5),
                    sends(
                        {**_FILE, "fileSize": 5, "contentType": "text/plain"},
                        *("tool", "1.0", "a.exe", 5, "text/plain"),
                    ),
                ),
            ),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/management/upload/large-complete",
        "NewVersion",
        effect=count("uploads"),
        methods=(
            Method(
                "complete_large_upload(upload_id, application_id, version, file_name, file_size, "
                "checksum, release_notes=None)",
                ("u1", "{tool}", "{mark}", "a.bin", 5, "0" * 64),
                examples=(
                    sends(
                        {**_FILE, "uploadId": "u1", "fileSize": 5, "checksum": "ab"},
                        *("u1", "tool", "1.0", "a.exe", 5, "ab"),
                    ),
                    sends(
                        {
                            **_FILE,
                            "uploadId": "u1",
                            "fileSize": 5,
                            "checksum": "ab",
                            "releaseNotes": "notes",
                        },
                        *("u1", "tool", "1.0", "a.exe", 5, "ab", "notes"),
                    ),
                ),
                lookups=("/v1/applications/{tool}/versions",),
            ),
        ),
    ),
)
