"""A release from a shell script, with a file of a size that releases have."""

from __future__ import annotations

import hashlib
import random

SIZE = 50_000_000

SCRIPT = """
export BINDIST_API_URL="$SERVER" BINDIST_API_KEY="$ADMIN_KEY"

made=$(bindist customers create --name Initech --key-file initech.key --json)
customer=$(jq -r .customerId <<< "$made")
bindist apps create hello --name 'Hello, world' --customer "$customer"
bindist versions upload hello 1.0.0 hello.bin --notes 'First release'
bindist versions enable hello 1.0.0

unset BINDIST_API_KEY
export BINDIST_API_KEY_FILE=initech.key
test "$(bindist apps list | cut -f1)" = hello
bindist versions download hello --dir received
cmp hello.bin received/hello.bin
bindist versions checksums hello 1.0.0 | (cd received && sha256sum -c)
"""


def test_a_shell_script_makes_a_release(shell, server, admin, tmp_path):
    content = random.Random(1).randbytes(SIZE)
    (tmp_path / "hello.bin").write_bytes(content)
    done = shell(SCRIPT, SERVER=server.url, ADMIN_KEY=server.keys.admin)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("hello.bin: OK\n")
    (file,) = admin.list_version_files("hello", "1.0.0").require()["files"]
    assert file["checksum"] == hashlib.sha256(content).hexdigest()
    assert admin.get_stats("hello").require()["totalDownloads"] == 1


def test_a_script_ends_at_the_first_failing_command(shell, server):
    done = shell(
        "bindist apps show nothing --json | jq -r .name\necho not reached",
        BINDIST_API_URL=server.url,
        BINDIST_API_KEY=server.keys.admin,
    )
    assert done.returncode == 3
    assert done.stdout == ""
