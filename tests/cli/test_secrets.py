"""Every command, with --debug, on a network that does its worst: no secret shows anywhere.

Secrets are the keys of all customers, new ones too, the tokens of share links, and the signatures
of pre-signed URLs. Where it is a command's purpose to print one, it is on stdout and nowhere else.
"""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bindist.sandbox.storage.database import Session
from bindist.sandbox.storage.folder import DATABASE
from bindist_cli.generate.reference import walk
from tests.cli.test_every_command import CASES
from tests.conftest import ADMIN_KEY

PURPOSE = {
    "customers create",
    "customers rotate-key",
    "admin rotate-key",
    "auth token",
    "versions share",
    "api",
}
"""What prints a secret on stdout because it is asked for one."""

COMMANDS = [
    *((path, case.arguments) for path, case in CASES.items()),
    ("auth login", "--with-key --profile stored"),
    ("auth login", "--with-key --profile stored --json"),
    ("versions download", "skylark 1.10.0 -O out.bin --no-resume --json"),
    ("versions download", "skylark 1.10.0 -O - -o csv"),
    ("versions upload", "harbor 9.1 file.bin other.bin"),
    ("versions upload", "harbor 9.2 large.bin --json"),
    ("versions share", "skylark 1.10.0 --json"),
    ("keys show", "bindist.pub"),
    ("mirror push", "mirror"),
    ("mirror verify", "mirror"),
    ("trust list", ""),
    ("trust remove", "skylark"),
    ("customers create", "--name Newer --json"),
    ("customers create", "--name Newest --key-file new.key"),
    ("customers rotate-key", "acme --yes -o csv"),
    ("api", "GET downloads/url -q applicationId=skylark -q version=1.10.0"),
    ("api", "POST downloads/share -f applicationId=skylark -f version=1.10.0"),
    ("api", "POST management/customers/acme/regenerate-key"),
]
STORE = [
    each
    for each in COMMANDS
    if each[0] in ("versions download", "versions upload", "versions verify")
]
UNTRIED = {"sandbox serve", "sandbox demo"}
"""They run a server of their own, whose keys are for everybody on this machine."""

FAULTS = {
    "nothing": ("", COMMANDS),
    "every call ends with 500": ("status:500,path=/v1/*", COMMANDS),
    "every call is answered with a page": ("html:502,path=/v1/*", COMMANDS),
    "every call is carried out and not answered": ("lost,path=/v1/*", COMMANDS),
    "every call is redirected": (
        "redirect:https://x.example/k?X-Amz-Signature=f00dfeedf00dfeed,path=/v1/*",
        COMMANDS,
    ),
    "every call is refused": ("refuse,path=/v1/*", COMMANDS),
    "every second call is cut": ("cut:40,path=/v1/*,nth=2", COMMANDS),
    "the storage is full": ("quota,path=*large-url", STORE),
    "every URL has expired": ("expire,path=/v1/downloads/url", STORE),
    "the store says that every URL has expired": ("expire,path=/store/*", STORE),
    "the store alters a byte": ("flip:3,path=/store/*", STORE),
    "the store ends with 500": ("status:500,path=/store/*", STORE),
    "the store answers with a page": ("html:502,path=/store/*", STORE),
    "the store resets": ("reset:3,path=/store/*", STORE),
    "the store takes a part": ("reset-request:3,path=/store/*", STORE),
    "the store does not answer": ("lost,path=/store/*", STORE),
    "the store redirects": (
        "redirect:http://127.0.0.1:1/k?X-Amz-Signature=f00dfeedf00dfeed,path=/store/*",
        STORE,
    ),
}
_SIGNED = re.compile(r"Signature=(?!\*\*\*)[^&\s]{8}")


@pytest.fixture(autouse=True)
def files(inside: Path) -> None:
    (inside / "file.bin").write_bytes(b"some bytes" * 100)
    (inside / "customers.csv").write_text("name,reference\nInitech,CRM-7\n")
    (inside / "other.bin").write_bytes(b"other bytes" * 100)
    with (inside / "large.bin").open("wb") as file:
        file.truncate(4 * 1024 * 1024 + 1)


def granted(server) -> set[str]:
    """The keys and tokens that the server has handed out, as far as it still knows them."""
    with contextlib.closing(Session(server.data_dir / DATABASE)) as session:
        keys = {row["secret"] for row in session.rows("SELECT secret FROM keys")}
        return keys | {row["token"] for row in session.rows("SELECT token FROM shares")}


def signatures(server) -> set[str]:
    queries = [parse_qs(record.query) for record in server.requests]
    return {query["X-Amz-Signature"][0] for query in queries if "X-Amz-Signature" in query}


def shown_in(text: str, secrets: set[str]) -> set[str]:
    return {secret for secret in secrets if secret in text} | set(_SIGNED.findall(text))


def written(*folders: Path) -> str:
    """All that is in the files below, and how they are called."""
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return "\n".join(f"{path} {path.read_bytes().decode('latin-1')}" for path in paths)


def test_every_command_is_tried():
    assert {path for path, _ in walk()} - {path for path, _ in COMMANDS} == UNTRIED


@pytest.mark.parametrize(("fault", "commands"), FAULTS.values(), ids=FAULTS)
def test_no_command_shows_a_secret(
    invoke, at_catalogue, inside, environment, record_property, fault, commands
):
    if fault:
        at_catalogue.faults.add(f"{fault},times=0")
    secrets, talked = granted(at_catalogue), 0
    for path, arguments in commands:
        words = [*path.split(), *arguments.split(), "--debug", "--retries", "0"]
        result = invoke(*words, input=ADMIN_KEY if path == "auth login" else None)
        secrets |= granted(at_catalogue)
        found = shown_in(result.stderr, secrets | signatures(at_catalogue))
        assert not found, f"{path}: {result.stderr}"
        if path not in PURPOSE:
            found = shown_in(result.stdout, secrets | signatures(at_catalogue))
            assert not found, f"{path}: {result.stdout}"
        talked += "Authorization: Bearer ***" in result.stderr or "Traceback" in result.stderr
    assert talked >= len(commands) * 0.6
    assert ADMIN_KEY in secrets
    stored = (environment / "credentials.toml", inside / "new.key", *inside.glob("keys/*"))
    for path in stored:  # where keys are meant to be
        path.unlink(missing_ok=True)
    assert not shown_in(written(inside, environment), secrets | signatures(at_catalogue))
    if fault:
        record_property("faults", len(at_catalogue.requests))


def test_the_search_finds_a_secret_that_is_printed(invoke, at_catalogue):
    """That none of it shows above is no accident of looking for the wrong things."""
    created = invoke("customers", "create", "--name", "New", "--json").stdout
    shared = invoke("versions", "share", "skylark", "1.10.0", "--json").stdout
    asked = invoke(
        "api", "GET", "downloads/url", *("-q", "applicationId=skylark"), "-q", "version=1.10.0"
    )
    invoke("versions", "download", "skylark", "1.10.0")
    assert len(shown_in(created, granted(at_catalogue))) == 1
    assert len(shown_in(shared, granted(at_catalogue))) == 1
    assert shown_in(asked.stdout, set())
    assert signatures(at_catalogue)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.parametrize(
    "words",
    [
        "versions download skylark 1.10.0",
        "versions upload harbor 9.0 file.bin other.bin",
        "customers rotate-key acme --yes --key-file new.key",
    ],
)
@pytest.mark.counts("hostile")
def test_no_secret_is_in_the_process_list(start, at_catalogue, inside, wait_until, words):
    where = "/store/*" if "versions" in words else "/v1/*"
    at_catalogue.faults.add(f"stall:0.4,path={where}")
    words = words.replace("file.bin other.bin", str(inside / "*.bin"))
    process = start(*words.split(), anew=True)
    seen = set[str]()

    def list_processes() -> bool:
        for found in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                parent = (found / "stat").read_text("latin-1").rpartition(")")[2].split()[1]
                if str(process.pid) in (found.name, parent):
                    seen.add((found / "cmdline").read_bytes().decode("latin-1"))
        return process.poll() is not None

    wait_until(list_processes)
    assert process.returncode == 0, process.communicate()
    assert any("bindist" in line for line in seen)
    secrets = granted(at_catalogue) | signatures(at_catalogue)
    assert ADMIN_KEY in secrets
    assert signatures(at_catalogue) or "customers" in words
    assert not shown_in("\n".join(seen), secrets)
