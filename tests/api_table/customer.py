"""Endpoints that customers may call, too."""

from __future__ import annotations

from .rows import LIST, ONE, TEXT, Command, Endpoint, Method, Recorded, count, sends

_PAGE = {"page": "1", "limit": "20"}

CUSTOMER = (
    Endpoint(
        "GET",
        "/v1/applications",
        "Applications",
        rows="applications",
        admin=False,
        methods=(
            Method(
                "list_applications(search=None, tags=None, page=1, page_size=20, *, "
                "is_active=None, sort_by=None, sort_order=None)",
                ("{library}",),
                examples=(
                    sends(_PAGE),
                    sends(_PAGE, tags=[]),
                    sends(
                        {"search": "my app", "tags": "a,b", "page": "2", "limit": "50"},
                        *("my app", ["a", "b"], 2, 50),
                    ),
                    sends(
                        {**_PAGE, "isActive": "false", "sortBy": "createdAt", "sortOrder": "desc"},
                        is_active=False,
                        sort_by="createdAt",
                        sort_order="desc",
                    ),
                    sends({**_PAGE, "isActive": "true", "tags": "one"}, is_active=True, tags="one"),
                ),
            ),
            Method(
                "iter_applications(search=None, tags=None, *, "
                "is_active=None, sort_by=None, sort_order=None, page_size=100, limit=None)",
                ("{library}",),
                {"page_size": 2},
                examples=(sends({"limit": "100"}),),
                returns="Iterator[Application]",
                pages=True,
                raises=True,
            ),
        ),
        commands=(
            Command(
                "apps list",
                LIST,
                recorded=(Recorded(reads="applications"), Recorded("--page 1", "applications")),
            ),
        ),
    ),
    Endpoint(
        "GET",
        "/v1/applications/{applicationId}",
        "Application",
        admin=False,
        methods=(
            Method(
                "get_application(application_id)",
                ("{library}",),
                examples=(sends({}, "tool"),),
            ),
        ),
        commands=(Command("apps show", ONE, "harbor", (Recorded("beta"),)),),
    ),
    Endpoint(
        "GET",
        "/v1/applications/{applicationId}/versions",
        "Versions",
        rows="versions",
        admin=False,
        methods=(
            Method(
                "list_versions(application_id, test_channel=False, *, changelog=None)",
                ("{library}",),
                examples=(
                    sends({}, "tool"),
                    sends({"changelog": "fix & go"}, "tool", changelog="fix & go"),
                ),
            ),
        ),
        commands=(
            Command(
                "versions list",
                LIST,
                "skylark --test-channel",
                (Recorded("alpha", "versions"),),
            ),
            Command(
                "versions show",
                ONE,
                "skylark 1.10.0",
                (Recorded("alpha {version}", "versions"),),
            ),
            Command("versions latest", TEXT, "skylark", (Recorded("alpha"),)),
        ),
    ),
    Endpoint(
        "GET",
        "/v1/applications/{applicationId}/versions/{version}/files",
        "Files",
        rows="files",
        admin=False,
        methods=(
            Method(
                "list_version_files(application_id, version)",
                ("{shelf}", "{version}"),
                examples=(sends({}, "tool", "1.0"),),
            ),
        ),
        commands=(
            Command("versions files", LIST, "skylark 1.10.0", (Recorded("alpha 1.0.0", "files"),)),
            Command(
                "versions checksums",
                LIST,
                "skylark 1.10.0",
                (Recorded("alpha 1.0.0", "files"),),
            ),
            Command(
                "versions verify",
                LIST,
                "harbor 1.0.1 file.bin",
                (Recorded("alpha 1.0.0 .", "files"), Recorded("alpha 1.0.0 --remote")),
                exit=8,
            ),
        ),
    ),
    Endpoint(
        "GET",
        "/v1/applications/{applicationId}/stats",
        "Stats",
        admin=False,
        methods=(
            Method(
                "get_stats(application_id, *, version=None)",
                ("{library}",),
                examples=(sends({}, "tool"), sends({"version": "1"}, "tool", version="1")),
            ),
        ),
        commands=(
            Command("apps stats", ONE, "skylark", (Recorded("alpha"),)),
            Command("apps adoption", LIST, "skylark", (Recorded("alpha", "activities"),)),
        ),
    ),
    Endpoint(
        "GET",
        "/v1/downloads/url",
        "DownloadUrl",
        effect=count("downloads"),
        admin=False,
        hands_out_url=True,
        methods=(
            Method(
                "get_download_url(application_id, version, file_id=None, test_channel=False)",
                ("{shelf}", "{version}"),
                examples=(
                    sends({"applicationId": "tool", "version": "1.0"}, "tool", "1.0"),
                    sends(
                        {"applicationId": "tool", "version": "1.0", "fileId": "f1"},
                        *("tool", "1.0", "f1"),
                    ),
                ),
            ),
        ),
        commands=(
            Command(
                "versions download",
                LIST,
                "skylark --all --dir got",
                (
                    Recorded("alpha --force", "versions"),
                    Recorded("alpha 1.0.0 --all --dir got", "files"),
                    Recorded("alpha 1.0.0 --file tool.exe -O -", prints="tsv"),
                ),
            ),
        ),
    ),
    Endpoint(
        "POST",
        "/v1/downloads/share",
        "ShareLink",
        effect=count("shares"),
        admin=False,
        methods=(
            Method(
                "create_share_link(application_id, version, file_id=None, expires_minutes=30)",
                ("{library}", "{version}"),
                examples=(
                    sends(
                        {"applicationId": "tool", "version": "1.0", "expiresInMinutes": 30},
                        *("tool", "1.0"),
                    ),
                    sends(
                        {
                            "applicationId": "tool",
                            "version": "1.0",
                            "fileId": "f1",
                            "expiresInMinutes": 60,
                        },
                        *("tool", "1.0", "f1"),
                        expires_minutes=60,
                    ),
                ),
            ),
        ),
        commands=(
            Command(
                "versions share",
                ONE,
                "skylark 1.10.0",
                (Recorded("alpha 1.0.0"), Recorded("alpha 1.0.0 --file tool.exe", "files")),
            ),
        ),
    ),
)
