"""Each message that the README explains is provoked, and is printed as it is quoted."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient
from bindist.release.journal import Journal, ReleaseId
from bindist.sandbox import SandboxServer, Step
from bindist.transfer.part_file import PartFile
from tests.conftest import ADMIN_KEY
from tests.readme.page import matches, table
from tests.sdk.canned import CERTIFICATE, CannedServer

UPLOAD = ("versions", "upload", "acme", "1.0.0")
DOWNLOAD = ("versions", "download", "acme", "1.0.0")
EXTRA = "import sys; sys.modules['werkzeug'] = None; from bindist_cli.__main__ import main; main()"

NO_BYTE = (
    "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
    "from bindist_cli.__main__ import main; main()"
)


@dataclass
class Scene:
    """A server with `acme`, and its version 1.0.0; what a reader may do; what was printed."""

    run: Callable[..., Any]
    server: SandboxServer
    folder: Path
    config: Path
    patch: pytest.MonkeyPatch
    stack: ExitStack

    def __post_init__(self) -> None:
        self.seen: list[tuple[int, str]] = []

    def __call__(self, *words: str) -> None:
        done = self.run(*words)
        self.note(done.exit_code, done.stderr)

    def note(self, code: int, stderr: str) -> None:
        lines = stderr.splitlines()
        (line,) = (line for line in lines if line.startswith("error: "))
        self.seen.append((code, line.removeprefix("error: ")))

    def settings(self, name: str, text: str, mode: int = 0o600) -> None:
        self.config.mkdir(exist_ok=True)
        (self.config / name).write_text(text)
        (self.config / name).chmod(mode)

    def without_key(self) -> None:
        self.patch.delenv("BINDIST_API_KEY")

    def listing(self, fault: str, *options: str) -> None:
        self.server.faults.add(f"{fault},path=/v1/applications")
        self("apps", "list", "--retries", "0", *options)


@pytest.fixture
def scene(invoke, at_server, admin, tmp_path, environment, monkeypatch) -> Iterator[Scene]:
    (tmp_path / "acme.exe").write_bytes(b"the program")
    (tmp_path / "manual.txt").write_bytes(b"how to use it")
    monkeypatch.chdir(tmp_path)
    admin.create_application("acme", "Acme").raise_for_error()
    admin.upload_small_file("acme", "1.0.0", "acme.exe", b"the program").raise_for_error()
    with ExitStack() as stack:
        yield Scene(invoke, at_server, tmp_path, environment, monkeypatch, stack)


def enabled(scene: Scene) -> None:
    assert scene.run("versions", "enable", "acme", "1.0.0").exit_code == 0


def no_key(scene: Scene) -> None:
    scene.without_key()
    scene("apps", "list")


def wrong_key(scene: Scene) -> None:
    scene.patch.setenv("BINDIST_API_KEY", "another")
    scene("apps", "list")


def key_of_another_address(scene: Scene) -> None:
    scene.without_key()
    scene.settings("credentials.toml", "[profiles.default]\nkey = 'k'\n")
    scene("apps", "list")


def broken_settings(scene: Scene) -> None:
    scene.settings("config.toml", "[profiles\n")
    scene("apps", "list")


def open_keys(scene: Scene) -> None:
    if os.name == "nt":
        pytest.skip("Windows has no such modes")
    scene.without_key()
    scene.settings("credentials.toml", "[profiles.default]\nkey = 'k'\n", 0o644)
    scene("apps", "list")


def two_keys(scene: Scene) -> None:
    scene.patch.setenv("BINDIST_API_KEY_FILE", "key.txt")
    scene("apps", "list")


def refused() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{unused.getsockname()[1]}"


def not_trusted(scene: Scene) -> None:
    server = scene.stack.enter_context(CannedServer(tls=True))
    server.open()
    scene("--api-url", server.url, "apps", "list", "--retries", "0")


def no_proxy(scene: Scene) -> None:
    scene.patch.setenv("https_proxy", f"http://{refused()}")
    scene("--api-url", "https://bindist.example.com", "apps", "list", "--retries", "0")


def pages(scene: Scene) -> None:
    for fault in ("not-json", "html:403", "html:502"):
        scene.listing(fault)


def no_such_path(scene: Scene) -> None:
    server = scene.stack.enter_context(CannedServer())
    server.open()
    server.answer({"message": "Missing Authentication Token"}, 403)
    scene("--api-url", server.url, "apps", "list")


def different(scene: Scene) -> None:
    (scene.folder / "acme.exe").write_bytes(b"another program")
    scene(*UPLOAD, "acme.exe")


def half_made(scene: Scene) -> None:
    with AdminClient(scene.server.url, ADMIN_KEY) as other:
        other.upload_small_file(
            "acme", "2.0.0", "manual.txt", b"how to use it", file_type="DOCUMENTATION"
        )
    scene("versions", "upload", "acme", "2.0.0", "acme.exe", "manual.txt", "--dry-run")


def two_releases(scene: Scene) -> None:
    """Another machine completes its file between this run's look and its completion."""
    once = threading.Lock()
    other = scene.stack.enter_context(AdminClient(scene.server.url, ADMIN_KEY))
    sent = other.get_large_upload_url("acme", "2.0.0", "other.exe", 5).require()

    def meanwhile(step: Step) -> None:
        if step.path.endswith("large-complete") and once.acquire(blocking=False):
            other.complete_large_upload(sent["uploadId"], "acme", "2.0.0", "other.exe", 5, "0" * 64)

    scene.server.on_step = meanwhile
    scene("versions", "upload", "acme", "2.0.0", "acme.exe")


def busy_release(scene: Scene) -> None:
    folder = scene.config / "releases"
    release = ReleaseId.of(scene.server.url, ADMIN_KEY, "acme", "2.0.0")
    scene.stack.enter_context(Journal.opened(folder, release))
    scene("versions", "upload", "acme", "2.0.0", "acme.exe")


def busy_download(scene: Scene) -> None:
    enabled(scene)
    scene.stack.enter_context(PartFile(Path("got.exe")).locked())
    scene(*DOWNLOAD, "-O", "got.exe")


def in_the_way(scene: Scene) -> None:
    (scene.folder / "acme.exe").write_bytes(b"something else")
    scene(*DOWNLOAD)


def appeared(scene: Scene) -> None:
    enabled(scene)
    scene.server.faults.add("stall-body:3/1,path=/store/*")

    def put() -> None:
        while not (scene.folder / "got.exe.part.journal").exists():
            time.sleep(0.01)
        (scene.folder / "got.exe").write_bytes(b"mine")

    thread = threading.Thread(target=put, daemon=True)
    thread.start()
    scene(*DOWNLOAD, "-O", "got.exe")
    thread.join()


def a_part_of_ones_own(scene: Scene) -> None:
    enabled(scene)
    (scene.folder / "got.exe.part").write_bytes(b"mine")
    scene(*DOWNLOAD, "-O", "got.exe")


def damaged(scene: Scene) -> None:
    enabled(scene)
    scene.server.faults.add("flip:3,path=/store/*,times=0")
    scene(*DOWNLOAD, "-O", "got.exe")


def other_files(scene: Scene) -> None:
    (scene.folder / "acme.exe").write_bytes(b"another program")
    scene("versions", "verify", "acme", "1.0.0", "acme.exe")


def other_list(scene: Scene) -> None:
    (scene.folder / "SHA256SUMS").write_text(f"{'0' * 64}  acme.exe\n")
    scene("versions", "upload", "acme", "2.0.0", "acme.exe", "--checksums", "SHA256SUMS")


def same_version_id(scene: Scene) -> None:
    assert scene.run("apps", "create", "acme-cli", "--name", "CLI").exit_code == 0
    assert scene.run("versions", "upload", "acme-cli", "1.0", "acme.exe").exit_code == 0
    scene("versions", "upload", "acme", "cli-1.0", "acme.exe")


def not_whole(scene: Scene) -> None:
    with AdminClient(scene.server.url, ADMIN_KEY) as client:
        client._make_empty_version("acme", "2.0.0", "acme.exe", None).raise_for_error()
    scene("versions", "enable", "acme", "2.0.0")


def mixed(scene: Scene) -> None:
    with AdminClient(scene.server.url, ADMIN_KEY) as client:
        for upload_id in ("u1", "u2"):
            client.complete_large_upload(
                upload_id, "acme", "2.0.0", "a.exe", 1, upload_id[1] * 64
            ).raise_for_error()
    scene("versions", "checksums", "acme", "2.0.0")


def altered(scene: Scene) -> None:
    scene.server.faults.add(f"etag:{'0' * 32},method=PUT,path=/store/*")
    scene("versions", "upload", "acme", "2.0.0", "acme.exe", "manual.txt")


def signed_checksum(scene: Scene) -> None:
    scene.server.faults.add("strict-crc")
    scene("versions", "upload", "acme", "2.0.0", "acme.exe", "manual.txt")


def changing(scene: Scene) -> None:
    """The file is written to while the object store takes its time."""
    scene.server.faults.add("stall:1,method=PUT,path=/store/*")
    scene.server.requests.clear()

    def write() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if any(each.method == "PUT" for each in list(scene.server.requests)):
                break
            time.sleep(0.01)
        for name in ("acme.exe", "manual.txt"):
            os.utime(scene.folder / name, (1, 1))

    writer = threading.Thread(target=write)
    writer.start()
    scene("versions", "upload", "acme", "2.0.0", "acme.exe", "manual.txt")
    writer.join()


def hostile_name(scene: Scene) -> None:
    server = scene.stack.enter_context(CannedServer())
    server.open()
    row = {"fileName": "../.bashrc", "fileId": "f1", "fileSize": 1, "checksum": "0" * 64}
    server.answer({"success": True, "data": {"files": [{**row, "fileType": "MAIN"}]}})
    scene("--api-url", server.url, *DOWNLOAD)


def store_without_tls(scene: Scene) -> None:
    server = scene.stack.enter_context(CannedServer(tls=True))
    server.open()
    row = {"fileName": "acme.zip", "fileId": "f1", "fileSize": 1, "checksum": "0" * 64}
    server.answer({"success": True, "data": {"files": [{**row, "fileType": "MAIN"}]}})
    server.answer({"success": True, "data": {**row, "url": "http://store.example.com/acme"}})
    scene("--api-url", server.url, "--ca-bundle", str(CERTIFICATE), *DOWNLOAD)


def no_extra(scene: Scene) -> None:
    done = subprocess.run(
        (sys.executable, "-c", EXTRA, "--profile", "sandbox", "apps", "list"),
        env={name: text for name, text in os.environ.items() if name != "BINDIST_API_KEY"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    scene.note(done.returncode, done.stderr)


def quota(scene: Scene) -> None:
    scene.server.faults.add("quota,path=*large-url")
    scene("versions", "upload", "acme", "2.0.0", "acme.exe", "manual.txt")


def too_large(scene: Scene) -> None:
    if os.name == "nt":
        pytest.skip("needs limits of processes")
    enabled(scene)
    done = subprocess.run(
        [sys.executable, "-c", NO_BYTE, *DOWNLOAD, "-O", "got.exe"], capture_output=True, text=True
    )
    scene.note(done.returncode, done.stderr)


def huge(scene: Scene) -> None:
    os.truncate(scene.folder / "acme.exe", 5 * 1024**3 + 1)
    scene("versions", "upload", "acme", "2.0.0", "acme.exe")


def two_checksums(scene: Scene) -> None:
    text = f"{'a' * 64}  linux/acme.exe\n{'b' * 64}  windows/acme.exe\n"
    (scene.folder / "SHA256SUMS").write_text(text)
    scene(*UPLOAD, "acme.exe", "--checksums", "SHA256SUMS")


def unservable(scene: Scene) -> None:
    """A server of its own, whose object store seems to be a bucket of S3."""
    bucket = "releases.s3.eu-central-1.amazonaws.com"
    server = SandboxServer(scene.folder / "s3", admin_key=ADMIN_KEY, like="aws", store_host=bucket)
    scene.patch.setenv("BINDIST_API_URL", scene.stack.enter_context(server).url)
    scene.patch.setenv("HTTP_PROXY", server.url)
    (scene.folder / "–.exe").write_bytes(b"the program")


def no_administrator(scene: Scene) -> None:
    server = SandboxServer(scene.folder / "fresh", admin_key=ADMIN_KEY, fresh=True)
    scene.patch.setenv("BINDIST_API_URL", scene.stack.enter_context(server).url)
    scene("customers", "create", "--name", "Globex")


def refused_name(scene: Scene) -> None:
    unservable(scene)
    scene("versions", "upload", "harbor", "9.0.0", "–.exe")


def refused_download(scene: Scene) -> None:
    unservable(scene)
    scene.run("versions", "upload", "harbor", "9.0.0", "–.exe", "--allow-any-name", "--enable")
    scene("versions", "download", "harbor", "9.0.0", "-O", "got.exe")


PROVOKED: dict[str, Callable[[Scene], None]] = {
    "not authenticated: no API key found": no_key,
    "not authenticated: …": wrong_key,
    'the key of profile "…" is for …, not for …': key_of_another_address,
    "refusing to send the key unencrypted, over http, to …": lambda scene: scene(
        "--api-url", "http://bindist.example.com", "apps", "list"
    ),
    "there is no profile '…'": lambda scene: scene("apps", "list", "--profile", "nobody"),
    "…config.toml is not valid TOML: …": broken_settings,
    "other users can read …credentials.toml (mode …)": open_keys,
    "both … and … are set": two_keys,
    "… cannot be reached: …": lambda scene: scene(
        "--api-url", f"http://{refused()}", "apps", "list", "--retries", "0"
    ),
    "… did not respond within … s": lambda scene: scene.listing("stall:30", "--timeout", "0.2"),
    "the connection to … is not trusted: …": not_trusted,
    "… speaks http without TLS, not https: …": lambda scene: scene(
        "--api-url", scene.server.url.replace("http:", "https:"), "apps", "list", "--retries", "0"
    ),
    "… cannot be reached through the proxy: …": no_proxy,
    "HTTP … with an HTML page instead of an API response: …": pages,
    "the gateway has no such path: Missing Authentication Token": no_such_path,
    "the server redirects to …; give the address it names": lambda scene: scene.listing(
        "redirect:https://elsewhere.example/"
    ),
    "Too Many Requests": lambda scene: scene.listing("status:429"),
    "Application '…' not found": lambda scene: scene("apps", "show", "nobody"),
    "Version '…' is not enabled for download": lambda scene: scene(*DOWNLOAD, "-O", "got.exe"),
    "this server has no administrator `admin` to create a customer under, and … others are known": (
        no_administrator
    ),
    "… has no enabled version": lambda scene: scene("versions", "download", "acme"),
    "version … of … exists with different content": different,
    "version … of … lacks some of these files": half_made,
    "version … of … exists with fewer files": lambda scene: scene(
        *UPLOAD, "acme.exe", "manual.txt", "--dry-run"
    ),
    "version … of … has the files of another run, too": two_releases,
    "version … of … would share the files of version … of …: …": same_version_id,
    "version … of … was not enabled: …": not_whole,
    "another process is uploading version … of …": busy_release,
    "another process is downloading …": busy_download,
    "the command took longer than --max-time …": lambda scene: scene.listing(
        "stall:30", "--max-time", "0.5"
    ),
    "…: File too large: …": too_large,
    "…: File name too long": lambda scene: scene(*DOWNLOAD, "-O", "n" * 300),
    "… has … bytes: the object store takes … GiB in one request; …": huge,
    "the release notes have …": lambda scene: scene(*UPLOAD, "acme.exe", "--notes", "x" * 5001),
    "Amazon's object store refuses each download of a file whose name has characters above "
    "U+00FF: …; nothing was sent": refused_name,
    "Header value cannot be represented using ISO-8859-1.": refused_download,
    "…, line …: another checksum of … than in line …": two_checksums,
    "… exists with other content": in_the_way,
    "… appeared while the file was downloaded, and was not replaced; …": appeared,
    "… is in the way: …; move it or remove it": a_part_of_ones_own,
    "the checksum of … does not match: the server says …, the bytes are …": damaged,
    "… of … files do not match version …": other_files,
    "the version has two files called …, with the checksums … and …": mixed,
    "the object store has other bytes than were sent of …": altered,
    "the object store refuses the upload: the server has signed the checksum of other bytes into "
    "its URL …": signed_checksum,
    "… is not the file that was expected: its SHA-256 is …, listed is …": other_list,
    "… changed while it was sent; nothing was completed": changing,
    "the server's file name … has … in it": hostile_name,
    "the server gives for the file an address …": store_without_tls,
    "Storage quota exceeded.": quota,
    "confirmation required, but stdin is not a terminal": lambda scene: scene(
        "apps", "delete", "acme"
    ),
    "the sandbox requires the extra `sandbox`": no_extra,
}
ROWS = {re.sub(r"^(`+) ?(.*?) ?\1$", r"\2", cells[0]): cells for cells in table("messages")}


def test_every_quoted_message_is_produced_by_a_test():
    assert list(ROWS) == list(PROVOKED)
    assert ADMIN_KEY not in str(ROWS)


@pytest.mark.parametrize("quoted", PROVOKED)
def test_a_quoted_message_is_printed_verbatim(quoted, scene):
    PROVOKED[quoted](scene)
    assert scene.seen
    for _, line in scene.seen:
        assert matches(quoted, line), line
    _, codes, advice = ROWS[quoted]
    assert {code for code, _ in scene.seen} == set(map(int, codes.split(", ")))
    assert advice
