"""The server as a process among others: folders, keys, discovery, stopping."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bindist.sandbox import SandboxError, SandboxServer, open_sandbox, reset
from bindist.sandbox.endpoint import find_running

SERVE = """
import sys
from pathlib import Path
from bindist.sandbox import SandboxServer
server = SandboxServer(Path(sys.argv[1]))
server.serve_forever(lambda: print(server.url, flush=True))
"""
OPEN = """
import sys
from pathlib import Path
from bindist.sandbox import open_sandbox
sys.stdin.readline()
with open_sandbox(Path(sys.argv[1])) as endpoint:
    print(endpoint.keys.admin, endpoint.own, flush=True)
    sys.stdin.readline()
"""
ROOT = Path(__file__).parents[2]


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def serving(data_dir):
    """A server in another process."""
    with python(SERVE, str(data_dir)) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        yield process, url
        process.kill()


def modules_after(code: str) -> set[str]:
    program = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return set(done.stdout.split())


def test_importing_the_sandbox_imports_neither_its_server_nor_its_database():
    loaded = modules_after("import bindist.sandbox")
    assert not {"werkzeug", "requests", "click", "rich", "sqlite3"} & loaded


def test_the_running_sandbox_loads_only_the_version_and_the_exceptions_of_the_sdk():
    """These come with the parent package, which loads everything else when it is asked for."""
    loaded = modules_after("import bindist.sandbox.server, bindist.sandbox.endpoint")
    sdk = {name for name in loaded if re.match(r"bindist(_cli)?(?!\.sandbox)\b", name)}
    assert sdk == {"bindist", "bindist._version", "bindist.errors"}
    assert not {"requests", "urllib3", "click", "rich"} & loaded


def test_the_own_server_ends_with_the_context(data_dir):
    with open_sandbox(data_dir) as endpoint:
        assert endpoint.own
        port = int(endpoint.url.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port)).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox"]


def test_finds_the_server_that_runs(data_dir, serving):
    _, url = serving
    with open_sandbox(data_dir) as endpoint:
        assert (endpoint.url, endpoint.own) == (url, False)


def test_a_server_that_died_is_not_found(data_dir, serving):
    process, _ = serving
    process.kill()
    process.wait()
    assert (data_dir / "server.json").exists()
    assert find_running(data_dir) is None
    with open_sandbox(data_dir) as endpoint:
        assert endpoint.own


def test_a_server_of_another_folder_is_not_found(data_dir, tmp_path):
    with SandboxServer(tmp_path / "other") as other, SandboxServer(data_dir) as server:
        (data_dir / "server.json").write_text(f'{{"url": "{other.url}", "pid": 1}}')
        assert find_running(data_dir) is None
        (data_dir / "server.json").write_text(f'{{"url": "{server.url}", "pid": 1}}')
        assert find_running(data_dir) is not None
        for junk in ("", "{", "[]", '{"url": 5}', '{"url": "http://example.com/"}'):
            (data_dir / "server.json").write_text(junk)
            assert find_running(data_dir) is None


def test_a_folder_is_served_once(data_dir, serving):
    _, url = serving
    with pytest.raises(SandboxError, match=re.escape(url)):
        SandboxServer(data_dir).serve_forever()
    with pytest.raises(SandboxError, match="stop it first"):
        reset(data_dir)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_ctrl_c_leaves_nothing_behind(data_dir, serving):
    process, _ = serving
    process.send_signal(signal.SIGINT)
    process.wait(5)
    assert not (data_dir / "server.json").exists()
    assert reset(data_dir)


def test_stop_from_another_thread(data_dir):
    server = SandboxServer(data_dir)
    server.serve_forever(lambda: threading.Thread(target=server.stop).start())
    assert not (data_dir / "server.json").exists()


def test_the_catalogue_is_made_once_even_by_many_at_once(data_dir):
    processes = [python(OPEN, str(data_dir)) for _ in range(4)]
    answers = []
    try:
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [process.stdout.readline() for process in processes]
    finally:
        for process in processes:
            _, errors = process.communicate("end\n", timeout=20)
            assert process.returncode == 0, errors
    assert answers == [answers[0]] * 4
    assert answers[0].endswith(" True\n")
    assert len(list((data_dir / "objects").iterdir())) == 12


def test_several_processes_write_at_once(data_dir, caller_of):
    code = """
import http.client, json, sys
from pathlib import Path
from bindist.sandbox import SandboxServer
with SandboxServer(Path(sys.argv[1]), catalogue=False) as server:
    connection = http.client.HTTPConnection(server.url.partition("://")[2])
    for number in range(25):
        body = json.dumps({"applicationId": f"{sys.argv[2]}-{number}", "name": "x"})
        headers = {"Authorization": "Bearer " + server.keys.admin}
        connection.request("POST", "/v1/management/applications", body, headers)
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()
        answer.read()
    connection.close()
"""
    processes = [python(code, str(data_dir), name) for name in "abc"]
    for process in processes:
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0, errors
    with SandboxServer(data_dir, admin_key="k") as server:
        answer = caller_of(server)("GET", "/v1/applications", key="k")
        assert answer.json["meta"]["pagination"]["total"] == 75


def test_keys_survive_and_given_ones_are_set(data_dir, caller_of):
    with SandboxServer(data_dir, catalogue=False, customer_key="mine") as server:
        keys = server.keys
        assert keys.customer == "mine"
        assert len(keys.admin) > 30
        assert keys.admin not in repr(keys)
    with SandboxServer(data_dir, admin_key="new") as server:
        assert (server.keys.admin, server.keys.apps_admin) == ("new", keys.apps_admin)
        call = caller_of(server)
        assert call("GET", "/v1/applications", key="new").status == 200
        assert call("GET", "/v1/applications", key=keys.admin).status == 401
        rotated = call("POST", "/v1/management/admin/regenerate-key", key="new").data
        assert server.keys.admin == rotated["apiSecret"]


def test_equal_keys_are_refused(data_dir):
    with pytest.raises(SandboxError, match="differ"):
        SandboxServer(data_dir, admin_key="k", customer_key="k")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such modes")
def test_only_the_owner_can_read(data_dir):
    with SandboxServer(data_dir):
        modes = {
            stat.S_IMODE(path.stat().st_mode): path.is_dir()
            for path in (data_dir, *data_dir.rglob("*"))
        }
    assert modes == {0o700: True, 0o600: False}


def test_reset(data_dir, tmp_path):
    assert not reset(data_dir)
    with SandboxServer(data_dir), pytest.raises(SandboxError, match="stop it first"):
        reset(data_dir)
    assert reset(data_dir)
    assert not data_dir.exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("precious")
    with pytest.raises(SandboxError, match="not a sandbox"):
        reset(tmp_path / "mine")
    with pytest.raises(SandboxError, match="choose an empty folder"):
        SandboxServer(tmp_path / "mine")
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["file"]


def test_reset_leaves_the_files_of_others(data_dir):
    SandboxServer(data_dir)
    (data_dir / "notes.txt").write_text("mine")
    assert reset(data_dir)
    assert [file.name for file in data_dir.iterdir()] == ["notes.txt"]


def test_reset_leaves_what_others_have_put_among_the_objects(data_dir):
    SandboxServer(data_dir)
    (data_dir / "objects" / "notes.txt").write_text("mine")
    (data_dir / "objects" / "folder").mkdir()
    (data_dir / "objects" / "folder" / "photo.jpg").write_text("mine")
    assert reset(data_dir)
    left = {str(path.relative_to(data_dir)) for path in data_dir.rglob("*") if path.is_file()}
    assert left == {str(Path("objects/notes.txt")), str(Path("objects/folder/photo.jpg"))}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own there")
def test_reset_follows_no_link(data_dir, tmp_path):
    SandboxServer(data_dir)
    (data_dir / "objects").rename(tmp_path / "objects")
    (data_dir / "objects").symlink_to(tmp_path / "objects")
    before = sorted((tmp_path / "objects").iterdir())
    assert before
    assert reset(data_dir)
    assert sorted((tmp_path / "objects").iterdir()) == before


@pytest.mark.parametrize("marker", ["a file of this name with something in it", None])
def test_reset_refuses_a_folder_that_only_looks_like_a_sandbox(tmp_path, marker):
    for name in ("sandbox.db", "server.json"):
        (tmp_path / name).write_text("precious")
    (tmp_path / "objects").mkdir()
    if marker:
        (tmp_path / "BINDIST-SANDBOX").write_text(marker)
    with pytest.raises(SandboxError, match="not a sandbox's folder: nothing was removed"):
        reset(tmp_path)
    assert (tmp_path / "sandbox.db").read_text() == "precious"


def test_a_damaged_database_is_reported_and_can_be_reset(data_dir):
    SandboxServer(data_dir)
    (data_dir / "sandbox.db").write_bytes(b"no database" * 1000)
    with pytest.raises(SandboxError, match="sandbox reset"):
        SandboxServer(data_dir)
    assert reset(data_dir)
    SandboxServer(data_dir)


def test_folders_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    for impossible in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SandboxError, match="choose another"):
            SandboxServer(impossible)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="needs a folder that refuses"
)
def test_a_folder_that_is_not_writable(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SandboxError, match="cannot write"):
            SandboxServer(tmp_path / "data")
    finally:
        tmp_path.chmod(0o700)


def test_a_port_in_use(data_dir, tmp_path):
    with SandboxServer(tmp_path / "first") as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(SandboxError, match="choose another"):
            SandboxServer(data_dir, port=port).start()
    with SandboxServer(data_dir, port=port) as second:
        assert second.url.endswith(f":{port}")


def test_loopback_only(server):
    assert server.url.startswith("http://127.0.0.1:")


def test_starts_again_after_stop(data_dir, caller_of):
    server = SandboxServer(data_dir, admin_key="k")
    for _ in range(2):
        with server:
            assert caller_of(server)("GET", "/v1/applications", key="k").status == 200
    with pytest.raises(SandboxError, match="not running"):
        server.url  # noqa: B018


def test_the_log_of_requests(call, server, application):
    call("GET", "/v1/applications", query={"page": 1}, headers={"X-Mine": "Yes"})
    record = server.requests[-1]
    assert (record.method, record.path, record.query) == ("GET", "/v1/applications", "page=1")
    assert record.headers["x-mine"] == "Yes"
    assert (record.status, record.bytes_in) == (200, 0)
    assert record.bytes_out > 100
    assert server.requests[0].bytes_in > 30
