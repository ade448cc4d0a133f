"""`latest` in place of a version: which one it is, and where it can be written."""

from __future__ import annotations

import pytest

NOTE = "the latest version of skylark is 1.10.0\n"


@pytest.mark.parametrize(("channel", "version"), [((), "1.10.0"), (("--test-channel",), "2.0.0")])
def test_latest_prints_only_the_version(invoke, at_catalogue, channel, version):
    result = invoke("versions", "latest", "skylark", *channel)
    assert (result.stdout, result.stderr) == (f"{version}\n", "")


def test_latest_as_json_is_the_whole_version(answer, at_catalogue):
    assert answer("versions", "latest", "skylark") == answer(
        "versions", "show", "skylark", "1.10.0"
    )


def test_latest_without_an_enabled_version_is_not_found(invoke, at_server, application):
    result = invoke("versions", "latest", application)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "has no enabled version" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("show", "{}"),
        ("files", "{}"),
        ("checksums", "{}"),
        ("verify", "{}", "."),
        ("download", "{}", "--all", "--force"),
        ("share", "{}", "--fields", "version,fileName"),
    ],
    ids=lambda words: words[0],
)
def test_latest_is_a_version_everywhere(invoke, at_catalogue, inside, words):
    invoke("versions", "download", "skylark", "1.10.0", "--all")
    command, *rest = words
    by_number, by_name = (
        invoke("versions", command, "skylark", *(word.format(version) for word in rest))
        for version in ("1.10.0", "latest")
    )
    assert (by_name.exit_code, by_name.stdout) == (by_number.exit_code, by_number.stdout)
    assert by_number.exit_code == 0
    assert (by_number.stderr, by_name.stderr) == ("", NOTE)


def test_quiet_leaves_out_the_note(invoke, at_catalogue):
    assert invoke("versions", "show", "skylark", "latest", "-q").stderr == ""


def test_a_download_says_which_version_it_is_of(answer, at_catalogue, inside):
    (row,) = answer("versions", "download", "skylark")
    assert (row["applicationId"], row["version"]) == ("skylark", "1.10.0")


def test_a_verification_says_which_version_it_compared_with(answer, at_catalogue, inside):
    answer("versions", "download", "skylark", "1.10.0")
    rows = answer("versions", "verify", "skylark", "latest", "skylark-setup.exe")
    assert [row["version"] for row in rows] == ["1.10.0"]


@pytest.mark.parametrize(
    ("enabled", "options", "version"),
    [
        (["1.0.0", "1.1.0-rc.1"], (), "1.0.0"),
        (["1.0.0", "1.1.0-rc.1"], ("--pre",), "1.1.0-rc.1"),
        (["1.0.0", "1.0.0-rc.1"], ("--pre",), "1.0.0"),
        (["0.9", "nightly"], (), "0.9"),
    ],
)
def test_pre_releases_are_latest_only_with_pre(invoke, release, enabled, options, version):
    for each in enabled:
        release(each, tool_exe=each.encode())
    result = invoke("versions", "latest", "tool", *options)
    assert (result.stdout, result.stderr) == (f"{version}\n", "")


def test_a_pre_release_is_latest_if_there_is_nothing_else_and_a_note_says_so(invoke, release):
    release("1.0.0-rc.1", tool_exe=b"one")
    release("1.0.0-rc.2", tool_exe=b"two")
    result = invoke("versions", "files", "tool", "latest")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "tool has no final release, so `latest` includes pre-releases",
        "the latest version of tool is 1.0.0-rc.2",
    ]


@pytest.mark.parametrize("command", ["enable", "disable"])
def test_commands_that_change_a_version_need_its_number(invoke, at_catalogue, command):
    assert invoke("versions", command, "skylark", "latest").exit_code == 3


# Newer than


@pytest.mark.parametrize(
    ("than", "options", "version"),
    [("1.9.0", (), "1.10.0"), ("1.10.0", ("--test-channel",), "2.0.0"), ("nightly", (), "1.10.0")],
)
def test_a_newer_version_is_printed(invoke, at_catalogue, than, options, version):
    result = invoke("versions", "latest", "skylark", "--newer-than", than, *options)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{version}\n", "")


@pytest.mark.parametrize("than", ["1.10.0", "v1.10", "9"])
def test_without_a_newer_version_the_exit_code_is_3(invoke, at_catalogue, than):
    result = invoke("versions", "latest", "skylark", "--newer-than", than)
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"skylark has no enabled version that is newer than {than}" in result.stderr


def test_a_script_can_ask_for_a_newer_version(shell, at_catalogue):
    done = shell(
        "if new=$(bindist versions latest skylark --newer-than 1.9.0); then echo got $new; fi\n"
        "bindist versions latest skylark --newer-than 1.10.0 -q || echo exit $?"
    )
    assert done.stdout == "got 1.10.0\nexit 3\n"


def test_waiting_ends_in_time(invoke, at_catalogue):
    words = ("versions", "latest", "skylark", "--newer-than", "1.10.0", "--wait", "0.2s")
    result = invoke(*words)
    assert result.exit_code == 3
    assert "waiting for a version of skylark that is newer than 1.10.0" in result.stderr
    assert len(at_catalogue.requests) == 2


def test_waiting_needs_a_version_to_compare_with(invoke, at_catalogue):
    result = invoke("versions", "latest", "skylark", "--wait", "1m")
    assert result.exit_code == 2
    assert "--newer-than" in result.stderr
    assert at_catalogue.requests == []
