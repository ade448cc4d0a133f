"""Disks that are full, read only, or not ours to write on."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from bindist_cli.settings.resolve import load_config
from tests.conftest import ADMIN_KEY
from tests.surroundings.conftest import CONTENT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs permissions and limits of POSIX")

NO_BYTE = "ulimit -f 0"
"""No file may get a byte: what a full disk does, without a disk."""


@pytest.fixture
def disk(tmp_path):
    """A file system of 256 KiB, and what mounts it again in another way."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def beside(folder):
    return sorted(path.name for path in folder.iterdir())


def told(done, *words):
    """It failed, saying why, without a traceback."""
    assert done.returncode not in (0, -1, 1 << 7), done.stdout
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1
    for word in words:
        assert word in done.stderr


# Not ours


@pytest.mark.counts("hostile", 3)
def test_an_unwritable_folder_is_an_error_that_names_it(weak, published, tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    for options in (("--dir", str(folder)), ("-O", str(folder / "x")), ("--dir", f"{folder}/new")):
        done = weak("versions", "download", "tool", "1.0", *options)
        assert done.returncode == 2
        told(done, "Permission denied", str(folder))
    assert beside(folder) == []


@pytest.mark.counts("hostile")
def test_a_file_that_cannot_be_read_is_not_uploaded(weak, published, inside):
    (inside / "secret.bin").write_bytes(b"x")
    (inside / "secret.bin").chmod(0)
    done = weak("versions", "upload", "tool", "2.0", "secret.bin")
    assert done.returncode == 2
    told(done, "secret.bin: Permission denied")


# Read only


@pytest.mark.counts("hostile", 3)
def test_a_read_only_disk_is_an_error_that_names_it(
    disk, invoke, published, environment, monkeypatch
):
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    result = invoke("versions", "download", "tool", "1.0", "--dir", str(disk))
    assert result.exit_code == 1
    assert "Read-only file system" in result.stderr
    monkeypatch.setenv("BINDIST_CONFIG_DIR", str(disk / "config"))
    result = invoke("config", "set", "timeout", "5")
    assert result.exit_code == 2
    assert f"cannot write {disk}" in result.stderr
    result = invoke("customers", "create", "--name", "New", "--key-file", str(disk / "key"))
    assert result.exit_code == 2
    assert "Read-only file system" in result.stderr
    assert invoke("apps", "list").exit_code == 0


# Full


@pytest.mark.counts("hostile")
def test_a_disk_too_small_for_the_file_is_reported_before_the_download(
    disk, invoke, published, at_server
):
    (disk / "others").write_bytes(b"x" * 150_000)
    result = invoke("versions", "download", "tool", "1.0", "--dir", str(disk))
    assert result.exit_code == 1
    assert f"{len(CONTENT)} bytes are needed in {disk}" in result.stderr
    assert not [request for request in at_server.requests if request.path.startswith("/store/")]
    assert not (disk / "tool.bin").exists()
    (disk / "others").unlink()
    assert invoke("versions", "download", "tool", "1.0", "--dir", str(disk)).exit_code == 0
    assert (disk / "tool.bin").read_bytes() == CONTENT


@pytest.mark.counts("hostile")
def test_a_disk_that_fills_up_keeps_only_whole_files(disk, invoke, admin, published, inside):
    files = {f"{number}.bin": bytes([number]) * 100_000 for number in range(4)}
    for name, content in files.items():
        (inside / name).write_bytes(content)
    done = invoke("versions", "upload", "tool", "4.0", "--enable", *map(str, inside.glob("*.bin")))
    assert done.exit_code == 0, done.stderr
    result = invoke("versions", "download", "tool", "4.0", "--all", "--dir", str(disk))
    assert result.exit_code in (1, 9)
    assert "No space left on device" in result.stderr or "bytes are needed" in result.stderr
    whole = [path for path in disk.iterdir() if path.suffix == ".bin"]
    assert len(whole) < 4
    assert all(path.read_bytes() == files[path.name] for path in whole)


@pytest.mark.counts("hostile")
def test_a_download_resumes_after_a_file_size_limit_stopped_it(sh, invoke, published, inside):
    done = sh("versions download tool 1.0", before="ulimit -f 100")
    told(done, "File too large")
    assert not (inside / "tool.bin").exists()
    assert invoke("versions", "download", "tool", "1.0").exit_code == 0
    assert (inside / "tool.bin").read_bytes() == CONTENT
    assert beside(inside) == ["tool.bin"]


@pytest.mark.counts("hostile")
def test_settings_are_unchanged_if_new_ones_cannot_be_written(sh, profile):
    folder = profile("[profiles.default]\ntimeout = 7\n", default="stored")
    told(sh("config set timeout 5", before=NO_BYTE), f"cannot write {folder / 'config.toml'}")
    assert load_config(folder) == {"profiles": {"default": {"timeout": 7}}}
    assert {name.lstrip(".") for name in beside(folder)} <= {
        *("config.toml", "credentials.toml", "lock")
    }


@pytest.mark.counts("hostile")
def test_a_key_that_cannot_be_stored_leaves_the_old_one(sh, profile, server, inside):
    folder = profile(f"[profiles.default]\napi_url = '{server.url}'\n", default="stored")
    (inside / "key").write_text(ADMIN_KEY)
    done = sh("auth login --with-key", "< key", before=NO_BYTE)
    told(done, f"cannot write {folder / 'credentials.toml'}")
    assert ADMIN_KEY not in done.stderr
    assert "stored" in (folder / "credentials.toml").read_text()


@pytest.mark.counts("hostile")
def test_a_release_whose_journal_cannot_be_written_creates_no_version(
    sh, admin, application, at_server, inside, environment
):
    for name in ("a.bin", "b.bin"):
        (inside / name).write_bytes(CONTENT)
    done = sh("versions upload tool 2.0 a.bin b.bin --enable", before=NO_BYTE)
    told(done, f"{environment / 'releases' / 'tool-2.0-'}", ".json: File too large")
    assert not admin.list_version_files("tool", "2.0").success
    done = sh("versions upload tool 2.0 a.bin b.bin --enable")
    assert done.returncode == 0, done.stderr


# A key that exists once


@pytest.mark.parametrize(
    "words",
    ["customers create --name New", "admin rotate-key --yes", "customers rotate-key x --yes"],
)
@pytest.mark.counts("hostile")
def test_no_key_is_created_if_it_cannot_be_stored(sh, at_server, inside, words):
    done = sh(words, "--key-file new.key", before=NO_BYTE)
    assert done.returncode == 2
    told(done, "cannot write new.key: File too large")
    assert at_server.requests == []
    assert beside(inside) == []


@pytest.mark.counts("hostile")
def test_a_new_key_that_cannot_be_stored_is_printed(start, wait_until, at_server, tmp_path):
    resource = pytest.importorskip("resource", reason="needs limits of processes")
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system cannot limit a process that runs")
    at_server.faults.add("stall:0.5,method=POST")
    path = tmp_path / "new.key"
    process = start("admin", "rotate-key", "--yes", "--key-file", str(path), "--json")
    wait_until(lambda: at_server.requests)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the key was printed instead" in stderr
    assert at_server.keys.admin in stdout
    assert at_server.keys.admin not in stderr
    assert not path.exists()


# Folders


@pytest.mark.counts("hostile", 3)
def test_a_deleted_current_folder_prevents_only_writing_there(sh, published, inside, tmp_path):
    gone = "mkdir ../gone && cd ../gone && rmdir ../gone"
    done = sh("apps list", before=gone)
    assert (done.returncode, done.stderr) == (0, "")
    done = sh("versions download tool 1.0", before=gone)
    assert done.returncode == 2
    told(done, "No such file or directory")
    done = sh(f"versions download tool 1.0 --dir {shlex.quote(str(inside))}", before=gone)
    assert done.returncode == 0, done.stderr
    assert (inside / "tool.bin").read_bytes() == CONTENT


@pytest.mark.counts("hostile")
def test_a_missing_temporary_folder_does_not_matter(sh, published, inside, invoke):
    done = sh(
        "versions upload tool 2.0 - --name two.bin --enable",
        f"< {shlex.quote(sys.executable)}",
        TMPDIR=str(inside / "nowhere"),
    )
    assert done.returncode == 0, done.stderr
    assert invoke("versions", "download", "tool", "2.0").exit_code == 0
    assert (inside / "two.bin").stat().st_size == os.stat(sys.executable).st_size
