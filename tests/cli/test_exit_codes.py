"""Every exit code of the table, reached through the installed command as a process."""

from __future__ import annotations

import pytest

from bindist_cli.exit_codes import MEANINGS, Exit


def failed(done, code):
    """The process ended with this code, with an error on stderr and nothing of it on stdout."""
    assert done.returncode == code, done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr
    assert "error" not in done.stdout
    return done.stderr


def test_0_for_success(bindist, at_server):
    done = bindist("apps", "create", "tool")
    assert (done.returncode, done.stderr) == (0, "")


def test_0_if_there_is_nothing_to_do(bindist, at_server, application):
    done = bindist("apps", "create", "tool", "--if-not-exists")
    assert done.returncode == 0
    assert "nothing was changed" in done.stderr


def test_1_for_failures_without_their_own_code(bindist, tmp_path):
    (tmp_path / "photo.jpg").touch()
    done = bindist("sandbox", "serve", "--data-dir", str(tmp_path))
    assert "choose an empty folder" in failed(done, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("apps", "show"),
        ("apps", "show", "not/an id"),
        ("apps", "list", "--limit", "none"),
        ("no-such-command",),
        ("apps", "list", "--output", "xml"),
    ],
)
def test_2_for_a_wrong_command_line(bindist, arguments):
    failed(bindist(*arguments), 2)


def test_2_for_a_missing_local_file(bindist, at_server, application):
    done = bindist("versions", "upload", "tool", "1.0.0", "missing.zip")
    assert "missing.zip" in failed(done, 2)


def test_2_for_a_request_that_the_server_calls_malformed(bindist, at_server, application):
    done = bindist("apps", "grant", "tool", "nobody")
    assert "nobody" in failed(done, 2)


def test_3_for_a_missing_application(bindist, at_server):
    assert "nothing-here" in failed(bindist("apps", "show", "nothing-here"), 3)


def test_4_without_a_key(bindist, server):
    done = bindist("apps", "list", BINDIST_API_URL=server.url)
    assert "no API key found" in failed(done, 4)


def test_4_with_a_rejected_key(bindist, server):
    done = bindist("apps", "list", BINDIST_API_URL=server.url, BINDIST_API_KEY="wrong")
    assert "not authenticated" in failed(done, 4)


def test_5_without_permission(bindist, at_server):
    failed(bindist("customers", "list", BINDIST_API_KEY=at_server.keys.customer), 5)


def test_5_for_a_version_that_is_disabled(bindist, release):
    release("1.0.0", enable=False, tool_exe=b"program")
    done = bindist("versions", "download", "tool", "1.0.0")
    assert "bindist versions enable tool 1.0.0" in failed(done, 5)


def test_6_for_different_content(bindist, release, tmp_path):
    release("1.0.0", tool_exe=b"program")
    (tmp_path / "tool.exe").write_bytes(b"another program")
    done = bindist("versions", "upload", "tool", "1.0.0", "tool.exe")
    assert "different content" in failed(done, 6)


def test_7_for_a_refused_connection(bindist, refused_url):
    done = bindist(
        "--api-url", refused_url, "apps", "list", BINDIST_API_KEY="key", BINDIST_RETRIES="0"
    )
    assert "cannot be reached" in failed(done, 7)


@pytest.mark.parametrize("fault", ["status:503", "html:502", "status:429/0", "refuse", "lost"])
def test_7_for_a_server_error(bindist, at_server, fault):
    at_server.faults.add(f"{fault},path=/v1/applications,times=0")
    failed(bindist("apps", "list", "--retries", "0"), 7)


def test_7_for_a_timeout(bindist, at_server):
    at_server.faults.add("stall:30,path=/v1/applications")
    done = bindist("apps", "list", "--timeout", "0.2", "--retries", "0")
    assert "within 0.2 s" in failed(done, 7)


def test_8_for_wrong_bytes(bindist, release, at_server, tmp_path):
    release("1.0.0", tool_exe=b"program" * 1000)
    at_server.faults.add("flip:100,method=GET,path=/store/*,times=0")
    done = bindist("versions", "download", "tool", "1.0.0", "--dir", "out", "--retries", "0")
    assert "does not match" in failed(done, 8)
    assert {path.suffix for path in (tmp_path / "out").iterdir()} <= {".lock"}


def test_9_if_some_files_failed(bindist, release, tmp_path):
    release("1.0.0", tool_exe=b"program", notes_txt=b"notes")
    (tmp_path / "notes.txt").write_bytes(b"my own notes")
    done = bindist("versions", "download", "tool", "1.0.0", "--all")
    assert "1 of 2 files failed" in failed(done, 9)
    assert done.stdout.splitlines() == [done.stdout.strip()], "the other file is reported"
    assert (tmp_path / "tool.exe").read_bytes() == b"program"
    assert (tmp_path / "notes.txt").read_bytes() == b"my own notes"


def test_10_over_the_storage_quota(bindist, at_server, application, tmp_path):
    at_server.faults.add("quota,path=*/large-url,times=0")
    (tmp_path / "a.exe").write_bytes(b"a")
    (tmp_path / "b.txt").write_bytes(b"b")
    done = bindist("versions", "upload", "tool", "1.0.0", "a.exe", "b.txt")
    failed(done, 10)


def test_130_for_ctrl_c(start, interrupt, wait_until, release, at_server, tmp_path):
    release("1.0.0", tool_exe=b"x" * 100_000)
    at_server.faults.add("slow:2000,method=GET,path=/store/*,times=0")
    process = start("versions", "download", "tool", "1.0.0")
    wait_until(lambda: any("/store/" in r.path and r.bytes_out > 0 for r in at_server.requests))
    interrupt(process)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stdout == ""
    assert "error: interrupted" in stderr
    assert "Traceback" not in stderr
    assert not (tmp_path / "tool.exe").exists()


def test_the_table_has_every_code_and_no_other():
    codes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 129, 130, 143]
    assert [int(code) for code in MEANINGS] == codes == [int(code) for code in Exit]
