"""Odd file systems: without locks, without free space told, without flushing, with small files."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bindist import file_system
from bindist_cli.auth.key_store import stored_keys
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


COMMANDS = """
import json, os, sys
from click.testing import CliRunner
from bindist_cli.cli import cli

done = []
for words, typed, oddities in json.load(sys.stdin):
    os.environ.update(oddities)
    result = CliRunner().invoke(cli, words, input=typed)
    for name in oddities:
        del os.environ[name]
    done.append((result.exit_code, result.stderr))
json.dump(done, sys.stdout)
"""


@pytest.fixture
def python(library, tmp_path, inside):
    """Runs Python with `tmp_path` on an odd file system."""

    def run(script, *arguments, input=None, **oddities):
        return subprocess.run(
            [sys.executable, "-W", "always", "-c", script, *arguments],
            input=input,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            cwd=inside,
            check=False,
            env={
                **os.environ,
                "LD_PRELOAD": str(library),
                "SHIM_DIR": str(tmp_path),
                **{name: str(number) for name, number in oddities.items()},
            },
        )

    return run


@pytest.fixture
def odd(python):
    """Runs commands, each (words, oddities) or (words, oddities, stdin), in one process; gives the
    exit code and stderr of each."""

    def run(*commands):
        given = [
            (words.split(), "".join(typed), {name: str(of[name]) for name in of})
            for words, of, *typed in commands
        ]
        done = python(COMMANDS, input=json.dumps(given))
        assert (done.returncode, "arning" in done.stderr) == (0, False), done.stderr
        return [tuple(each) for each in json.loads(done.stdout)]

    return run


def beside(folder):
    return sorted(path.name for path in folder.iterdir())


# Locks, free space, flushing

NO_LOCKS_OR_FLUSHING = {
    "SHIM_FLOCK": errno.ENOLCK,
    "SHIM_STATVFS0": 1,
    "SHIM_FSYNC": errno.EINVAL,
    "SHIM_DIRFSYNC": errno.EINVAL,
}
NO_PERMISSIONS_OR_LINKS = {
    "SHIM_STATVFS": errno.EOPNOTSUPP,
    "SHIM_DIRFSYNC": errno.EIO,
    "SHIM_CHMOD": errno.EPERM,
    "SHIM_LINK": errno.EPERM,
}


@pytest.mark.parametrize("oddities", [NO_LOCKS_OR_FLUSHING, NO_PERMISSIONS_OR_LINKS])
def test_what_a_file_system_cannot_do_or_tell_hinders_nothing_and_leaves_nothing(
    odd, published, inside, environment, at_server, monkeypatch, oddities
):
    (inside / "a.bin").write_bytes(CONTENT)
    monkeypatch.delenv("BINDIST_API_KEY", raising=False)
    monkeypatch.setenv("BINDIST_API_URL", at_server.url)
    with_key = {**oddities, "BINDIST_API_KEY": ADMIN_KEY}
    done = odd(
        ("versions upload tool 2.0 a.bin --enable", with_key),
        ("versions download tool 1.0", with_key),
        ("customers create --name New --key-file new.key", with_key),
        ("config set timeout 5", oddities),
        ("--profile sandbox apps list", oddities),
        ("auth login --with-key", oddities, ADMIN_KEY),
    )
    assert [code for code, _ in done] == [0] * len(done), done
    assert beside(inside) == ["a.bin", "new.key", "tool.bin"]
    assert beside(environment) == ["config.toml", "credentials.toml", "releases", "sandbox"]
    assert {path.suffix for path in (environment / "releases").iterdir()} == {".json"}
    assert stored_keys(environment / "credentials.toml") == {"default": ADMIN_KEY}


HELD = """
import sys
from bindist import file_system
from pathlib import Path

with file_system.exclusive_lock(Path(sys.argv[1])):
    print("held", flush=True)
    try:
        with file_system.exclusive_lock(Path(sys.argv[1]), seconds=0.1):
            print("twice", flush=True)
    except BlockingIOError:
        print("once", flush=True)
"""


@pytest.mark.parametrize("number", NO_LOCKS, ids=errno.errorcode.get)
def test_a_lock_by_exclusive_creation_is_held_once_and_leaves_nothing(python, tmp_path, number):
    path = tmp_path / "lock"
    done = python(HELD, str(path), SHIM_FLOCK=number)
    assert (done.stdout, done.stderr) == ("held\nonce\n", "")
    assert not path.exists()


def test_a_lock_that_a_killed_process_left_is_removed_and_one_of_another_host_is_not(
    odd, published, inside
):
    ended = subprocess.Popen(["true"])
    ended.wait()
    lock, command = inside / "tool.bin.part.lock", "versions download tool 1.0"
    lock.write_text(f"{ended.pid}\nanother host\nlocked by bindist\n")
    ((code, said),) = odd((command, {"SHIM_FLOCK": errno.ENOLCK}))
    assert code == 7
    assert "another process is downloading" in said
    lock.write_text(f"{ended.pid}\n{os.uname().nodename}\nlocked by bindist\n")
    assert odd((command, {"SHIM_FLOCK": errno.ENOLCK}))[0][0] == 0
    assert beside(inside) == ["tool.bin"]


LARGE = """
import sys
from bindist import CustomerClient, TransferConfig
config = TransferConfig(parallel_above=65536)
client = CustomerClient(*sys.argv[1:3], transfer_config=config)
client.download_to_file("tool", "1.0", sys.argv[3], connections=2)
"""


def test_writes_past_the_cache_that_are_refused_take_the_usual_way(
    at_server, published, python, inside
):
    target = inside / "tool.bin"
    done = python(LARGE, at_server.url, ADMIN_KEY, str(target), SHIM_PWRITEV=errno.EOPNOTSUPP)
    assert done.returncode == 0, done.stderr
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
    ((code, said),) = odd(("versions download tool 1.0", oddity))
    assert code == 1
    assert words in said
    assert "use another folder" in said, "a hint"
    assert beside(inside) == []


def test_a_limit_of_the_process_is_named_with_its_number(sh, published, inside):
    done = sh("versions download tool 1.0", before="ulimit -f 100")
    assert done.returncode == 1
    assert "this process may write 51200 bytes to a file at most (ulimit -f)" in done.stderr
    assert "`ulimit -f unlimited`" in done.stderr
    assert beside(inside) == []


def test_a_copy_of_stdin_that_cannot_be_written_is_named(sh, published, tmp_path):
    done = sh("versions upload tool 2.0 - --name a.bin", "< /dev/zero", before="ulimit -f 100")
    assert done.returncode == 1
    assert "stdin: File too large: this process may write 51200 bytes" in done.stderr


# Names


def test_the_file_system_says_how_long_a_name_may_be(odd, at_server, admin, application, inside):
    name = "n" * 140
    (inside / name).write_bytes(CONTENT)
    admin.publish(application, "3.0", inside / name, enable=True)
    (inside / name).unlink()
    long, short = "versions download tool 3.0", "versions download tool 3.0 -O short"
    there, too_long, renamed = odd(
        (long + " --dir got", {"SHIM_NAME_MAX": 143}),
        (long, {"SHIM_NAME_MAX": 100}),
        (short, {"SHIM_NAME_MAX": 100}),
    )
    assert (there[0], too_long[0], renamed[0]) == (0, 1, 0)
    assert "File name too long: 140 bytes; 100 are allowed here" in too_long[1]
    assert "-O PATH" in too_long[1]
    assert beside(inside) == ["got", "short"]
    assert beside(inside / "got") == [name]


# The module itself


def test_only_one_thread_has_a_lock(tmp_path):
    path = tmp_path / "lock"
    with file_system.exclusive_lock(path):  # noqa: SIM117
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
