"""`versions share`: a link without a key, and the commands to send along with it."""

from __future__ import annotations

import re
from shlex import quote

from ...context import App
from ...exit_codes import CliError, Exit
from ...output import columns
from ...output.columns import Json
from .lookups import choose_files, default_file, files_of

_POWERSHELL_QUOTE = re.compile("['\u2018\u2019\u201a\u201b]")  # each ends a quoted text there


def share_link(
    app: App, app_id: str, version: str, wanted: str | None, minutes: int, *, commands: bool
) -> None:
    """Runs `versions share`: creates the link, checks its address, and prints it."""
    from bindist.connection import check_address
    from bindist.rows import text_in

    app.printer.check_fields(columns.SHARE)
    if app.settings.is_sandbox and app.endpoint.own:
        raise CliError(
            "a link to this sandbox would stop working when this command ends",
            Exit.FAILED,
            hint="run `bindist sandbox serve` in another terminal, then repeat this command",
        )
    file = _shared_file(app, app_id, version, wanted)
    made = app.client.create_share_link(app_id, version, text_in(file, "fileId"), minutes).require()
    url = made.get("shareUrl")
    check_address(
        url, app.api_url, "the server gives as the link", inside=app.settings.allow_private_store
    )
    shown = {**made, "applicationId": app_id, "version": version, "fileName": file.get("fileName")}
    if str(url).startswith("https://") and app.api_url.startswith("http://"):
        app.printer.warn(
            f"the link is https, and this command reached the server by {app.api_url}: the link "
            "works only if the server has TLS as well"
        )
    if not commands:
        app.printer.one(columns.SHARE, shown)
        return
    lines = {
        "sh": shell_commands(str(url), file),
        "powershell": powershell_commands(str(url), file),
    }
    if app.printer.as_text:
        app.printer.text(_message(made, lines))
    else:
        app.printer.one(columns.SHARE, {**shown, "commands": lines})


def _shared_file(app: App, app_id: str, version: str, wanted: str | None) -> Json:
    rows = files_of(app, app_id, version)
    if not wanted:
        return default_file(app, app_id, version, rows)
    chosen = choose_files(rows, (wanted,), app_id, version)
    if len(chosen) > 1:
        names = ", ".join(str(row.get("fileName")) for row in chosen)
        raise CliError(
            f"{wanted!r} matches {len(chosen)} files, and a link is of one",
            Exit.USAGE,
            facts=[f"files: {names}"],
        )
    return chosen[0]


def shell_commands(url: str, file: Json) -> list[str]:
    """Returns the lines for a shell that download a file with curl and verify its checksum.

    Raises CliError if the server lists no SHA-256, IntegrityError for a name that is unsafe.
    """
    name, checksum = _name_and_checksum(file)
    return [
        f"curl -fL -o {quote(name)} {quote(url)}",
        f"echo {quote(f'{checksum}  {name}')} | sha256sum -c",
    ]


def powershell_commands(url: str, file: Json) -> list[str]:
    """Returns the lines for PowerShell that download a file and verify its checksum.

    Raises what `shell_commands` raises.
    """

    def quoted(text: str) -> str:
        return f"'{_POWERSHELL_QUOTE.sub(lambda found: found[0] * 2, text)}'"

    name, checksum = _name_and_checksum(file)
    return [
        f"Invoke-WebRequest -UseBasicParsing -Uri {quoted(url)} -OutFile {quoted(name)}",
        f"if ((Get-FileHash -LiteralPath {quoted(name)}).Hash -ne {quoted(checksum)}) "
        f"{{ throw {quoted(f'{name}: FAILED')} }} else {{ {quoted(f'{name}: OK')} }}",
    ]


def _name_and_checksum(file: Json) -> tuple[str, str]:
    """Returns a name that no tool takes for an option, and the SHA-256 in lower-case hex."""
    from bindist.checksums import is_sha256, normalize_checksum
    from bindist.file_names import safe_file_name

    name, checksum = safe_file_name(file.get("fileName")), file.get("checksum")
    if not is_sha256(checksum):
        raise CliError(f"the server has no SHA-256 checksum for {name}", Exit.INTEGRITY)
    return f"./{name}" if name.startswith("-") else name, normalize_checksum(checksum)


def _message(made: Json, lines: dict[str, list[str]]) -> str:
    """Returns what to send to a customer: the commands, and comments that both shells accept."""
    from ...output.formatting import one_line

    return "\n".join(
        [
            f"# The link works until {one_line(made.get('expiresAt'))}, without a key.",
            "# Linux (on macOS, write `shasum -a 256` instead of `sha256sum`):",
            *lines["sh"],
            "",
            "# Windows PowerShell:",
            *lines["powershell"],
        ]
    )
