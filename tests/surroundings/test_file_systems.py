"""Odd file systems: without locks, without free space told, without flushing, with small files."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bindist import file_system
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY
from tests.surroundings.conftest import CONTENT

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the odd file system is a library for Linux"
)

NO_LOCKS = [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS]


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """What makes a folder odd, compiled."""
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    path = tmp_path_factory.mktemp("odd") / "odd_disk.so"
    source = Path(__file__).with_name("odd_disk.c")
    command = ["gcc", "-w", "-shared", "-fPIC", "-o", str(path), str(source), "-ldl"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("gcc cannot compile for this system")
    return path


@pytest.fixture
def odd(sh, library, tmp_path):
    """Runs the installed command with `tmp_path` on an odd file system."""

    def run(words, redirections="", before="", **oddities):
        variables = {name: str(number) for name, number in oddities.items()}
        preload = f"export LD_PRELOAD={library}"
        return sh(
            words, redirections, f"{before}\n{preload}", SHIM_DIR=str(tmp_path), **variables
        )

    return run


def beside(folder):
    return sorted(path.name for path in folder.iterdir())


def succeeded(done):
    assert (done.returncode, "arning" in done.stderr) == (0, False), done.stderr


# Locks


@pytest.mark.parametrize("number", NO_LOCKS, ids=errno.errorcode.get)
def test_without_locks_of_the_system_everything_works_and_nothing_stays(
    odd, published, inside, environment, server, monkeypatch, number
):
    (inside / "key").write_text(ADMIN_KEY)
    (inside / "a.bin").write_bytes(CONTENT)
    succeeded(odd("versions upload tool 2.0 a.bin --enable", SHIM_FLOCK=number))
    succeeded(odd("versions download tool 1.0 --dir got", SHIM_FLOCK=number))
    monkeypatch.delenv("BINDIST_API_KEY")
    done = odd(f"auth login --with-key --api-url {server.url}", "< key", SHIM_FLOCK=number)
    assert done.returncode == 0, done.stderr
    assert "arning" not in done.stderr
    succeeded(odd("config set timeout 5", SHIM_FLOCK=number))
    succeeded(odd("--profile sandbox apps list", SHIM_FLOCK=number))
    assert beside(inside / "got") == ["tool.bin"]
    assert not [path for path in environment.rglob("*") if path.suffix == ".lock"][2:]
    assert not list(environment.glob(".*")), "neither a lock nor a draft"


def test_a_lock_by_exclusive_creation_keeps_a_second_process_out(
    start, odd, published, at_server, inside, library, tmp_path, monkeypatch, wait_until
):
    at_server.faults.add("stall:1,path=/store/*")
    monkeypatch.setenv("SHIM_DIR", str(tmp_path))
    monkeypatch.setenv("SHIM_FLOCK", str(errno.ENOLCK))
    with monkeypatch.context() as preloading:
        preloading.setenv("LD_PRELOAD", str(library))
        first = start("versions", "download", "tool", "1.0", "--dir", str(inside))
    wait_until((inside / "tool.bin.part.lock").exists)
    second = odd("versions download tool 1.0", SHIM_FLOCK=errno.ENOLCK)
    assert second.returncode == 7
    assert "another process is downloading" in second.stderr
    first.communicate(timeout=30)
    assert first.returncode == 0
    assert beside(inside) == ["tool.bin"]


def test_a_lock_that_a_killed_process_left_is_removed_and_one_of_another_host_is_not(
    odd, published, inside
):
    ended = subprocess.Popen(["true"])
    ended.wait()
    lock = inside / "tool.bin.part.lock"
    lock.write_text(f"{ended.pid}\nanother host\n")
    assert odd("versions download tool 1.0", SHIM_FLOCK=errno.ENOLCK).returncode == 7
    lock.write_text(f"{ended.pid}\n{os.uname().nodename}\n")
    succeeded(odd("versions download tool 1.0", SHIM_FLOCK=errno.ENOLCK))
    assert beside(inside) == ["tool.bin"]


# Free space and flushing


@pytest.mark.parametrize(
    "oddity",
    [
        {"SHIM_STATVFS0": 1},
        {"SHIM_STATVFS": errno.EOPNOTSUPP},
        {"SHIM_FSYNC": errno.EINVAL},
        {"SHIM_DIRFSYNC": errno.EINVAL},
        {"SHIM_DIRFSYNC": errno.EIO},
        {"SHIM_CHMOD": errno.EPERM},
        {"SHIM_LINK": errno.EPERM},
    ],
    ids=lambda oddity: "-".join(oddity),
)
def test_what_a_file_system_cannot_do_or_tell_hinders_nothing(
    odd, published, inside, environment, server, monkeypatch, oddity
):
    (inside / "key").write_text(ADMIN_KEY)
    (inside / "a.bin").write_bytes(CONTENT)
    succeeded(odd("versions upload tool 2.0 a.bin --enable", **oddity))
    succeeded(odd("versions download tool 1.0", **oddity))
    succeeded(odd("customers create --name New --key-file new.key", **oddity))
    succeeded(odd("--profile sandbox apps list", **oddity))
    monkeypatch.delenv("BINDIST_API_KEY")
    done = odd(f"auth login --with-key --api-url {server.url}", "< key", **oddity)
    assert done.returncode == 0, done.stderr
    assert ADMIN_KEY in (environment / "credentials.toml").read_text()


def test_writes_past_the_cache_that_are_refused_take_the_usual_way(
    at_server: SandboxServer, published, library, inside
):
    script = (
        "import sys\n"
        "from bindist import CustomerClient, TransferConfig\n"
        "config = TransferConfig(parallel_above=65536)\n"
        f"client = CustomerClient({at_server.url!r}, {ADMIN_KEY!r}, transfer_config=config)\n"
        "client.download_to_file('tool', '1.0', sys.argv[1], connections=2)\n"
    )
    target = inside / "tool.bin"
    subprocess.run(
        [sys.executable, "-c", script, str(target)],
        env={
            **os.environ,
            "LD_PRELOAD": str(library),
            "SHIM_DIR": str(inside),
            "SHIM_PWRITEV": str(errno.EOPNOTSUPP),
        },
        check=True,
        timeout=60,
    )
    assert target.read_bytes() == CONTENT


# Files that cannot be written


@pytest.mark.parametrize(
    ("oddity", "words"),
    [
        ({"SHIM_TRUNC": errno.EFBIG}, f"does not take a file of {len(CONTENT)} bytes (FAT: 42949"),
        ({"SHIM_TRUNC": errno.EOPNOTSUPP}, "tool.bin.part: Operation not supported"),
        ({"SHIM_TRUNC": errno.EIO}, "tool.bin.part: Input/output error"),
        ({"SHIM_WRITE": errno.EIO}, "tool.bin.part: Input/output error"),
        ({"SHIM_FSYNC": errno.EIO}, "tool.bin.part: Input/output error"),
    ],
    ids=["FAT", "ENOTSUP", "EIO allocating", "EIO writing", "EIO flushing"],
)
def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(
    odd, published, inside, oddity, words
):
    done = odd("versions download tool 1.0", **oddity)
    assert done.returncode == 1
    assert f"{inside}/" in done.stderr or "error: tool.bin.part" in done.stderr
    assert words in done.stderr
    assert "another folder" in done.stderr, "a hint"
    assert beside(inside) == []


def test_a_limit_of_the_process_is_named_with_its_number(sh, published, inside):
    done = sh("versions download tool 1.0", before="ulimit -f 100")
    assert done.returncode == 1
    assert "this process may write 51200 bytes to a file at most (ulimit -f)" in done.stderr
    assert "`ulimit -f unlimited`" in done.stderr
    assert beside(inside) == []


def test_a_copy_of_stdin_that_cannot_be_written_is_named(sh, published, tmp_path):
    done = sh(
        "versions upload tool 2.0 - --name a.bin", "< /dev/zero", before="ulimit -f 100"
    )
    assert done.returncode == 1
    assert "stdin: File too large: this process may write 51200 bytes" in done.stderr


# Names


def test_the_file_system_says_how_long_a_name_may_be(odd, admin, application, inside):
    name = "n" * 140
    (inside / name).write_bytes(CONTENT)
    admin.publish(application, "3.0", inside / name, enable=True)
    (inside / name).unlink()
    succeeded(odd("versions download tool 3.0", SHIM_NAME_MAX=143))
    (inside / name).unlink()
    done = odd("versions download tool 3.0", SHIM_NAME_MAX=100)
    assert done.returncode == 1
    assert "File name too long: 140 bytes; 100 are allowed here" in done.stderr
    assert "-O PATH" in done.stderr
    succeeded(odd("versions download tool 3.0 -O short", SHIM_NAME_MAX=100))
    assert beside(inside) == ["short"]


# The module itself


def test_only_one_thread_has_a_lock(tmp_path):
    path = tmp_path / "lock"
    with file_system.exclusive_lock(path):
        with pytest.raises(BlockingIOError), file_system.exclusive_lock(path, seconds=0.1):
            pass
    assert beside(tmp_path) == []


def test_a_failed_replacement_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match="folder") as raised:
        file_system.replace_file(path, b"x", tmp_path / "draft")
    assert raised.value.filename == str(path)
    assert beside(tmp_path) == ["folder"]


def test_free_space_of_nowhere_is_unknown(tmp_path):
    assert file_system.free_bytes(tmp_path / "missing") is None


def test_a_folder_that_is_not_there_yet_has_the_names_of_the_one_above(tmp_path):
    assert file_system.max_name_bytes(tmp_path / "a" / "b") == os.pathconf(tmp_path, "PC_NAME_MAX")
