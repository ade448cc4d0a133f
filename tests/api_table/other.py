"""Methods and commands of more than one endpoint, or of none."""

from __future__ import annotations

from .rows import LIST, ONE, TEXT, Command, Method, Recorded

TRANSFERS = (
    Method(
        "download_file(application_id, version, file_id=None, verify_checksum=True, "
        "test_channel=False)",
        returns="tuple[bytes, DownloadedFile]",
    ),
    Method(
        "upload_large_file(application_id, version, file_name, content, release_notes=None, *, "
        "allow_any_name=False)"
    ),
    *map(
        Method,
        (
            "check_stored_bytes",
            "check_stored_version",
            "compare_versions",
            "download_to_file",
            "download_to_stream",
            "download_version",
            "identify_files",
            "preview_download",
            "find_customer",
            "get_adoption",
            "import_customers",
            "iter_activity",
            "list_access",
            "preview_publish",
            "publish",
            "signed_checksums",
            "upload_file",
            "wait_for_newer_version",
        ),
    ),
)
OTHER_METHODS = ("close", "find_administrators", "release_progress", "request")
OTHER_COMMANDS = (
    Command(
        "versions identify",
        LIST,
        "--all-apps file.bin README.md",
        (Recorded("alpha ../tool.exe", "versions"), Recorded("--all-apps ../tool.exe")),
    ),
    Command(
        "versions notes",
        LIST,
        "skylark --from 1.9.0",
        (Recorded("alpha", "versions"), Recorded("alpha --to latest")),
    ),
    Command(
        "versions diff",
        ONE,
        "skylark 1.9.0 latest",
        (Recorded("alpha 1.0.0 1.0.0", "files"),),
    ),
    Command(
        "auth login", ONE, recorded=(Recorded("--with-key"),), elsewhere="asks a person: test_auth"
    ),
    Command("auth status", ONE, recorded=(Recorded(),)),
    Command("auth list", LIST),
    Command("auth token", TEXT),
    Command("auth logout", ONE),
    Command("config list", LIST),
    Command("config get", TEXT, "api_url"),
    Command("config set", ONE, "timeout 20"),
    Command("config unset", ONE, "timeout"),
    Command("config path", TEXT),
    Command("keys generate", ONE, "--no-password"),
    Command("keys show", ONE, elsewhere="reads a key file: test_signing"),
    Command("trust add", ONE, "skylark RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"),
    Command("trust list", LIST, elsewhere="reads what was added: test_signing"),
    Command("trust remove", LIST, elsewhere="removes what was added: test_signing"),
    Command("mirror pull", LIST, "mirror"),
    Command("mirror push", LIST, elsewhere="publishes a mirror: test_mirror"),
    Command("mirror verify", LIST, elsewhere="reads a mirror: test_mirror"),
    Command("sandbox path", TEXT),
    Command("sandbox reset", ONE, "--yes"),
    Command("sandbox serve", TEXT, elsewhere="runs until it is stopped: test_sandbox"),
    Command("sandbox demo", TEXT, elsewhere="prints a walk-through: test_sandbox"),
    Command(
        "api",
        TEXT,
        "GET applications",
        (
            Recorded("GET applications", prints="json"),
            Recorded("GET applications --paginate", prints="json"),
        ),
    ),
    Command("doctor", LIST, recorded=(Recorded(),)),
    Command(
        "customers import",
        LIST,
        "customers.csv --keys-dir keys",
        (Recorded("../customers.csv --keys-dir keys", "customers"),),
    ),
    Command("completion", TEXT, "bash"),
    Command("help", LIST),
)
