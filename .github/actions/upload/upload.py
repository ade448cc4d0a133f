"""The upload action's step: `bindist versions upload` with its inputs; the result as its outputs.

Inputs come in the environment, where no shell reads them; the key stays there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

USAGE = 2
UNAVAILABLE = 7
# All but letters, digits, and what means nothing in Markdown; `www.` makes a link.
_MARKDOWN = re.compile(r"[^\w ,.-]|_|(?<=[wW]{3})\.")
_CHECKSUM = re.compile(r"[0-9a-fA-F]{64}")


def given(name: str) -> str:
    """An input; spaces around it come from how YAML is written."""
    return os.environ.get("INPUT_" + name.replace("-", "_").upper(), "").strip()


def required(name: str) -> str:
    if not given(name):
        raise ValueError(f"the input {name} is empty")
    return given(name)


def whole_number(name: str, least: int) -> int:
    text = given(name)
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) < least:
        raise ValueError(f"the input {name} must be a number from {least} on, not {text!r}")
    return int(text)


def switch(name: str) -> bool:
    text = given(name).lower()
    if text not in ("true", "false"):
        raise ValueError(f"the input {name} must be true or false, not {text!r}")
    return text == "true"


def arguments() -> list[str]:
    """What `bindist` is called with; nothing that a user wrote is taken for an option."""
    if not os.environ.get("BINDIST_API_KEY", "").strip():
        raise ValueError("the input api-key is empty: is there such a secret, for this run too?")
    options = [
        f"--{name}={given(name)}"
        for name in ("notes", "notes-file", "checksums", "if-exists")
        if given(name)
    ]
    if switch("enable"):
        options.append("--enable")
    files = [line.strip() for line in required("files").splitlines() if line.strip()]
    version = [required("application"), required("version")]
    return ["versions", "upload", *options, "--", *version, *files]


def run(command: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
    """Exit code, result, error; everything else that is said goes to the log as it is said."""
    error = ""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as result:
        with subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=result,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        ) as process:
            assert process.stderr
            for line in process.stderr:
                found = error_in(line)
                error = found or error
                if not found:
                    print(line, end="", flush=True)
        result.seek(0)
        return process.returncode, result.read(), error


def error_in(line: str) -> str:
    """The text of an error, which the command gives as JSON; nothing for any other line."""
    try:
        error = json.loads(line)["error"]
        parts = [error["message"], *error.get("facts", [])]
    except (ValueError, TypeError, KeyError):
        return ""
    return "\n".join([*parts, f"hint: {error['hint']}"] if error.get("hint") else parts)


def annotate(kind: str, text: str) -> None:
    """Shows a text above the log, and in it."""
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::{kind} title=bindist::{escaped}", flush=True)


def outputs(result: dict[str, Any], line: str) -> str:
    enabled = str(result["isEnabled"]).lower()
    return f"status={result['status']}\nis-enabled={enabled}\nresult={line.strip()}\n"


def summary(result: dict[str, Any]) -> str:
    """A short table in Markdown."""
    state = "enabled" if result["isEnabled"] else "not enabled"
    lines = [
        f"### {plain(result['applicationId'])} {plain(result['version'])}: "
        f"{plain(result['status'])}, {state}",
        "",
        "| file | bytes | SHA-256 |",
        "| --- | ---: | --- |",
    ]
    for file in result["files"]:
        name, size, checksum = (file.get(key) for key in ("fileName", "fileSize", "checksum"))
        sha256 = str(checksum)
        shown = f"`{sha256}`" if _CHECKSUM.fullmatch(sha256) else plain(sha256)
        lines.append(f"| {plain(name)} | {plain(size)} | {shown} |")
    return "\n".join(lines) + "\n\n"


def plain(text: object) -> str:
    """A text as Markdown that shows it: as an entity, no character opens or ends anything."""
    return _MARKDOWN.sub(lambda found: entity(found[0]), str(text))


def entity(char: str) -> str:
    return f"&#{ord(char)};" if char.isprintable() else f"&#92;u{ord(char):04x}"


def append(variable: str, text: str) -> None:
    """Adds to one of the files that the runner reads after the step."""
    if os.environ.get(variable):
        with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
            file.write(text)


def main() -> int:
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        wanted = arguments()
        attempts, pause = whole_number("attempts", 1), whole_number("pause", 0)
    except ValueError as error:
        annotate("error", str(error))
        return USAGE
    program = shutil.which("bindist", path=os.environ["BIN"])
    assert program, "the step before this one installs it"
    environment = {**os.environ, "BINDIST_OUTPUT": "jsonl", "PYTHONIOENCODING": "utf-8"}
    if given("api-url"):
        environment["BINDIST_API_URL"] = given("api-url")
    for left in reversed(range(attempts)):
        code, line, error_text = run([program, *wanted], environment)
        again = code == UNAVAILABLE and left > 0
        if error_text:
            annotate("warning" if again else "error", error_text)
        if not again:
            break
        print(f"trying again in {pause} s", flush=True)
        time.sleep(pause)
    if code == 0:
        result = json.loads(line)
        append("GITHUB_OUTPUT", outputs(result, line))
        append("GITHUB_STEP_SUMMARY", summary(result))
        print(f"{result['applicationId']} {result['version']}: {result['status']}")
    return code


if __name__ == "__main__":
    sys.exit(main())
