"""`bindist keys`, `bindist trust`, and the options that sign and verify versions."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from bindist.signing import SIGNATURE_FILE, SUMS_FILE, SigningKey
from tests.conftest import ADMIN_KEY

Invoke = Callable[..., Result]
PASSWORD = "a pass word"


@pytest.fixture(scope="module")
def vendor() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture
def place(
    at_server: SandboxServer,
    admin: AdminClient,
    application: str,
    vendor: SigningKey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The current folder: two files to publish, and the vendor's secret key."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tool.exe").write_bytes(b"the program")
    (tmp_path / "manual.txt").write_bytes(b"the manual")
    (tmp_path / "vendor.key").write_bytes(vendor.to_bytes())
    return tmp_path


@pytest.fixture
def ok(invoke: Invoke) -> Callable[..., str]:
    def run(*words: str, **options: Any) -> str:
        done = invoke(*words, **options)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    return run


def upload(ok: Callable[..., str], version: str, *options: str) -> dict[str, Any]:
    words = ("versions", "upload", "tool", version, "tool.exe", "manual.txt", "--enable", "--json")
    found: dict[str, Any] = json.loads(ok(*words, *options))
    return found


def is_signed(result: dict[str, Any]) -> bool:
    return {SUMS_FILE, SIGNATURE_FILE} <= {row["fileName"] for row in result["files"]}


# Keys


def test_a_new_key_is_private_encrypted_and_never_overwritten(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BINDIST_SIGNING_PASSWORD", PASSWORD)
    made = invoke("keys", "generate", "--out", str(tmp_path / "keys"), "--json")
    assert made.exit_code == 0, made.stderr
    secret, public = tmp_path / "keys" / "bindist.key", tmp_path / "keys" / "bindist.pub"
    if os.name == "posix":
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    key = SigningKey.read(secret, PASSWORD)
    shown = json.loads(made.stdout)
    assert shown["publicKey"] == str(key.trusted_key)
    assert public.read_text().splitlines()[1] == shown["publicKey"]
    assert shown["keyId"] in public.read_text()
    before = secret.read_bytes()
    again = invoke("keys", "generate", "--out", str(tmp_path / "keys"))
    assert again.exit_code == 2
    assert "never overwritten" in again.stderr
    assert secret.read_bytes() == before


def test_a_new_key_without_a_terminal_needs_a_password_or_a_flag(
    invoke: Invoke, tmp_path: Path
) -> None:
    refused = invoke("keys", "generate", "--out", str(tmp_path))
    assert refused.exit_code == 2
    assert "--no-password" in refused.stderr
    assert invoke("keys", "generate", "--out", str(tmp_path), "--no-password").exit_code == 0
    SigningKey.read(tmp_path / "bindist.key")


@pytest.mark.parametrize("name", ["bindist.key", "bindist.pub"])
def test_both_files_of_a_key_show_the_public_one(
    ok: Callable[..., str], tmp_path: Path, name: str
) -> None:
    made = json.loads(ok("keys", "generate", "--out", str(tmp_path), "--no-password", "--json"))
    shown = json.loads(ok("keys", "show", str(tmp_path / name), "--json"))
    assert shown == {key: made[key] for key in ("keyId", "publicKey")}


# Signing


def test_upload_signs_with_the_key_of_the_option(place: Path, ok: Callable[..., str]) -> None:
    assert is_signed(upload(ok, "1.0", "--sign", "vendor.key"))
    assert upload(ok, "1.0", "--sign", "vendor.key")["status"] == "unchanged"


def test_upload_signs_with_the_key_of_the_environment_or_the_profile(
    place: Path, ok: Callable[..., str], vendor: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok("config", "set", "signing_key", "vendor.key")
    assert is_signed(upload(ok, "1.0"))
    assert not is_signed(upload(ok, "1.1", "--no-sign"))
    ok("config", "unset", "signing_key")
    assert not is_signed(upload(ok, "1.2"))
    monkeypatch.setenv("BINDIST_SIGNING_KEY", vendor.to_bytes(PASSWORD).decode())
    monkeypatch.setenv("BINDIST_SIGNING_PASSWORD", PASSWORD)
    assert is_signed(upload(ok, "1.3"))
    monkeypatch.delenv("BINDIST_SIGNING_KEY")
    monkeypatch.setenv("BINDIST_SIGNING_KEY_FILE", "vendor.key")
    assert is_signed(upload(ok, "1.4"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--sign", "absent.key"), "absent.key"),
        (("--sign", "manual.txt"), "not a secret key"),
        (("--sign", "locked.key"), "BINDIST_SIGNING_PASSWORD"),
        (("--sign", "vendor.key", "--no-sign"), "exclude each other"),
    ],
)
def test_a_key_that_cannot_sign_is_an_error_before_any_request(
    place: Path,
    invoke: Invoke,
    at_server: SandboxServer,
    vendor: SigningKey,
    options: tuple[str, ...],
    said: str,
) -> None:
    (place / "locked.key").write_bytes(vendor.to_bytes(PASSWORD))
    at_server.requests.clear()
    refused = invoke("versions", "upload", "tool", "1.0", "tool.exe", *options)
    assert (refused.exit_code, at_server.requests) == (2, [])
    assert said in refused.stderr


def test_a_list_of_ones_own_beside_a_signature_is_an_error(place: Path, invoke: Invoke) -> None:
    (place / SUMS_FILE).write_text("x")
    refused = invoke("versions", "upload", "tool", "1.0", SUMS_FILE, "--sign", "vendor.key")
    assert refused.exit_code == 2
    assert "makes its own" in refused.stderr


def test_the_keys_content_and_its_password_are_in_no_output(
    place: Path, invoke: Invoke, vendor: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = vendor.to_bytes(PASSWORD).decode()
    monkeypatch.setenv("BINDIST_SIGNING_KEY", content)
    monkeypatch.setenv("BINDIST_SIGNING_PASSWORD", PASSWORD)
    for words in (
        ("versions", "upload", "tool", "1.0", "tool.exe", "--debug"),
        ("versions", "show", "tool", "1.0", "--debug"),
        ("config", "list"),
        ("doctor",),
    ):
        done = invoke(*words)
        said = done.stdout + done.stderr
        assert PASSWORD not in said
        assert content.splitlines()[1] not in said
    monkeypatch.setenv("BINDIST_SIGNING_PASSWORD", "wr0ng pass word")
    refused = invoke("versions", "upload", "tool", "1.1", "tool.exe")
    assert refused.exit_code == 2
    assert "wrong password" in refused.stderr
    assert "wr0ng" not in refused.stderr


# Trusting


@pytest.fixture
def signed(place: Path, ok: Callable[..., str]) -> Path:
    upload(ok, "1.0", "--sign", "vendor.key")
    return place


def test_keys_are_added_listed_and_removed(
    ok: Callable[..., str], invoke: Invoke, vendor: SigningKey, environment: Path
) -> None:
    other, key = str(SigningKey.generate().trusted_key), vendor.trusted_key
    assert json.loads(ok("trust", "add", "tool", str(key), "--json"))["status"] == "added"
    assert json.loads(ok("trust", "add", "tool", str(key), "--json"))["status"] == "unchanged"
    ok("trust", "add", "tool", other, "--server", "https://bindist.example.com/")
    listed = json.loads(ok("trust", "list", "--json"))
    assert [(row["publicKey"], row["server"]) for row in listed] == [
        (str(key), None),
        (other, "https://bindist.example.com"),
    ]
    if os.name == "posix":
        assert stat.S_IMODE((environment / "trust.toml").stat().st_mode) == 0o600
    ok("trust", "remove", "tool", key.key_id)
    assert [row["publicKey"] for row in json.loads(ok("trust", "list", "--json"))] == [other]
    ok("trust", "remove", "tool")
    assert json.loads(ok("trust", "list", "--json")) == []
    assert invoke("trust", "remove", "tool").exit_code == 3


@pytest.mark.parametrize("key", ["RWQshort", "no-such-file", "RWQ" + "!" * 53])
def test_what_is_no_key_is_not_added(invoke: Invoke, environment: Path, key: str) -> None:
    refused = invoke("trust", "add", "tool", key)
    assert refused.exit_code == 2
    assert "not a public key" in refused.stderr
    assert not (environment / "trust.toml").exists()


def test_a_broken_trust_file_is_an_error_and_trusts_nobody(
    signed: Path, invoke: Invoke, environment: Path
) -> None:
    environment.mkdir(exist_ok=True)
    for text in ("keys = 1\n", "[[keys]]\napplication = 1\nkey = 'x'\n", "[[keys]\n"):
        (environment / "trust.toml").write_text(text)
        refused = invoke("versions", "download", "tool", "1.0", "--dir", "got")
        assert refused.exit_code == 2, refused.stderr
        assert "trust.toml" in refused.stderr
    assert not (signed / "got").exists()


def test_a_trusted_version_is_downloaded_and_says_by_which_key(
    signed: Path, ok: Callable[..., str], invoke: Invoke, vendor: SigningKey
) -> None:
    ok("trust", "add", "tool", str(vendor.trusted_key))
    done = invoke("versions", "download", "tool", "1.0", "--dir", "got", "--all")
    assert done.exit_code == 0, done.stderr
    assert vendor.trusted_key.key_id in done.stderr
    assert (signed / "got" / "tool.exe").read_bytes() == b"the program"
    piped = invoke("versions", "download", "tool", "1.0", "-O", "-")
    assert piped.stdout_bytes == b"the program"


@pytest.mark.parametrize("options", [("--dir", "got"), ("-O", "got"), ("-O", "-")], ids=" ".join)
def test_an_unsigned_version_of_a_trusted_application_is_refused(
    place: Path, ok: Callable[..., str], invoke: Invoke, vendor: SigningKey, options: Any
) -> None:
    upload(ok, "1.0")
    ok("trust", "add", "tool", str(vendor.trusted_key))
    refused = invoke("versions", "download", "tool", "1.0", *options)
    assert (refused.exit_code, refused.stdout) == (8, "")
    assert "is not signed" in refused.stderr
    assert not (place / "got").exists()
    anyway = invoke("versions", "download", "tool", "1.0", *options, "--insecure-skip-signature")
    assert anyway.exit_code == 0
    assert "warning: the signature is not verified" in anyway.stderr


def test_keys_of_the_environment_and_of_a_file_are_trusted(
    signed: Path,
    invoke: Invoke,
    ok: Callable[..., str],
    vendor: SigningKey,
    environment: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ("versions", "download", "tool", "1.0", "--dir", "got", "--require-signature")
    assert invoke(*words).exit_code == 8, "no key is trusted"
    ok("trust", "add", "tool", str(vendor.trusted_key))
    (environment / "trust.toml").rename(signed / "keys.toml")
    assert invoke(*words, "--trust-file", "keys.toml").exit_code == 0
    assert invoke(*words, "--trust-file", "absent.toml").exit_code == 2
    stranger = SigningKey.generate().trusted_key
    for text, code in (
        (str(vendor.trusted_key), 0),
        (f"other={stranger}, tool={vendor.trusted_key}", 0),
        (f"other={vendor.trusted_key}", 8),
        (str(stranger), 8),
        ("nonsense", 2),
    ):
        monkeypatch.setenv("BINDIST_TRUSTED_KEYS", text)
        assert invoke(*words).exit_code == code, text


def test_a_key_of_another_server_does_not_count(
    place: Path, ok: Callable[..., str], invoke: Invoke, vendor: SigningKey
) -> None:
    upload(ok, "1.0")
    key = str(vendor.trusted_key)
    ok("trust", "add", "tool", key, "--server", "https://other.example.com")
    assert invoke("versions", "download", "tool", "1.0", "--dir", "got").exit_code == 0


def test_no_verify_is_refused_where_a_key_is_trusted(
    signed: Path, ok: Callable[..., str], invoke: Invoke, vendor: SigningKey
) -> None:
    ok("trust", "add", "tool", str(vendor.trusted_key))
    refused = invoke("versions", "download", "tool", "1.0", "--no-verify")
    assert refused.exit_code == 2
    assert "--insecure-skip-signature" in refused.stderr


def test_the_key_of_a_version_is_never_trusted_without_the_key_itself(
    signed: Path, invoke: Invoke, vendor: SigningKey, environment: Path
) -> None:
    asked = invoke("trust", "add", "tool", "--from-version", "1.0")
    assert asked.exit_code == 2
    assert vendor.trusted_key.key_id in asked.stderr
    assert not (environment / "trust.toml").exists()


def test_verify_needs_a_signature_where_a_key_is_trusted(
    signed: Path, ok: Callable[..., str], invoke: Invoke, vendor: SigningKey
) -> None:
    upload(ok, "2.0", "--no-sign")
    ok("trust", "add", "tool", str(vendor.trusted_key))
    ok("versions", "verify", "tool", "1.0", "tool.exe")
    assert invoke("versions", "verify", "tool", "2.0", "tool.exe").exit_code == 8


def test_show_tells_what_is_known_of_a_signature_and_counts_no_download(
    signed: Path, ok: Callable[..., str], admin: AdminClient, vendor: SigningKey
) -> None:
    def shown() -> Any:
        return json.loads(ok("versions", "show", "tool", "1.0", "--json"))["signature"]

    upload(ok, "2.0", "--no-sign")
    assert "signature" not in json.loads(ok("versions", "show", "tool", "2.0", "--json"))
    unknown = {"keyId": None, "trusted": None, "verified": None}
    assert shown() == unknown
    key = vendor.trusted_key
    ok("trust", "add", "tool", str(key))
    assert shown() == unknown
    ok("versions", "verify", "tool", "1.0", "tool.exe")
    before = admin.get_stats("tool").require()["totalDownloads"]
    assert shown() == {"keyId": key.key_id, "trusted": True, "verified": True}
    assert f"signed by {key.key_id} (trusted)" in ok(
        "versions", "show", "tool", "1.0", "-o", "table"
    )
    ok("trust", "remove", "tool")
    assert shown() == {"keyId": key.key_id, "trusted": False, "verified": False}
    assert admin.get_stats("tool").require()["totalDownloads"] == before


# Offline


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No socket can be opened."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", refuse)
        yield


@pytest.fixture
def stick(signed: Path, ok: Callable[..., str], vendor: SigningKey) -> Path:
    """A folder with version 1.0, whose vendor is trusted."""
    ok("versions", "download", "tool", "1.0", "--all", "--dir", "stick")
    ok("trust", "add", "tool", str(vendor.trusted_key))
    return signed / "stick"


def test_a_folder_is_verified_without_any_network(
    stick: Path, offline: None, ok: Callable[..., str], vendor: SigningKey
) -> None:
    rows = json.loads(ok("versions", "verify", "--offline", "stick", "--app", "tool", "--json"))
    assert {row["fileName"]: row["status"] for row in rows} == {
        "tool.exe": "ok",
        "manual.txt": "ok",
    }


def change(folder: Path) -> None:
    (folder / "tool.exe").write_bytes(b"evil")


def remove(folder: Path) -> None:
    (folder / "manual.txt").unlink()


def add(folder: Path) -> None:
    (folder / "evil.dll").write_bytes(b"evil")


def edit_list(folder: Path) -> None:
    path = folder / SUMS_FILE
    path.write_bytes(path.read_bytes().replace(b"a", b"b"))


def drop_signature(folder: Path) -> None:
    (folder / SIGNATURE_FILE).unlink()


@pytest.mark.parametrize("harm", [change, remove, add, edit_list, drop_signature])
def test_a_folder_that_was_changed_is_refused(
    stick: Path, invoke: Invoke, harm: Callable[[Path], None]
) -> None:
    harm(stick)
    assert invoke("versions", "verify", "--offline", "stick", "--app", "tool").exit_code == 8


def test_a_folder_is_refused_for_another_application_or_version_or_without_a_key(
    stick: Path, invoke: Invoke, ok: Callable[..., str], vendor: SigningKey
) -> None:
    words = ("versions", "verify", "--offline", "stick")
    assert invoke(*words, "tool", "1.0").exit_code == 0
    assert invoke(*words, "tool", "1.1").exit_code == 8
    assert invoke(*words, "--app", "other").exit_code == 8, "no key is trusted for it"
    ok("trust", "add", "other", str(vendor.trusted_key))
    refused = invoke(*words, "--app", "other")
    assert refused.exit_code == 8
    assert "is for version 1.0 of tool" in refused.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--offline", "stick"),
        ("--offline", "stick", "--app", "tool", "--remote"),
        ("tool", "1.0", "stick", "--app", "tool"),
        ("tool",),
        ("tool", "1.0"),
    ],
    ids=" ".join,
)
def test_wrong_usage_of_verify(stick: Path, invoke: Invoke, words: tuple[str, ...]) -> None:
    assert invoke("versions", "verify", *words).exit_code == 2


def test_the_extra_is_named_where_it_is_missing(
    place: Path, bindist: Callable[..., Any], vendor: SigningKey, at_server: SandboxServer
) -> None:
    import subprocess
    import sys

    program = (
        "import sys; sys.modules['minisign'] = None; from bindist_cli.__main__ import main; main()"
    )
    words = ("trust", "add", "tool", str(vendor.trusted_key))
    done = subprocess.run(
        (sys.executable, "-c", program, *words),
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "BINDIST_API_KEY": ADMIN_KEY},
    )
    assert done.returncode == 2
    assert "pip install 'bindist[signing]'" in done.stderr
