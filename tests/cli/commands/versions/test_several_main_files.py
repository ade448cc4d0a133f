"""Versions with several MAIN files: the same one is meant each time, and is named."""

from __future__ import annotations

import json
import urllib.request

import pytest

NAMES = ("acme.zip", "acme.exe", "acme.tar.gz", "manual.txt")


@pytest.fixture
def upload(invoke, inside, at_server, application):
    """Uploads files named in this order; the server lists them in another one on AWS."""

    def run(version, *names, options=()):
        for size, name in enumerate(names, 3):
            (inside / name).write_bytes(b"x" * size)
        return invoke("versions", "upload", "tool", version, *names, "--enable", *options)

    return run


@pytest.mark.server
@pytest.mark.parametrize("first", range(3))
def test_the_file_named_first_is_downloaded_and_named(invoke, upload, first):
    names = (*NAMES[first:], *NAMES[:first])
    named_first = next(name for name in names if name != "manual.txt")
    others = ", ".join(sorted(NAMES[:3]))
    said = f"3 MAIN files: {others}; where a download names none, bindist takes {named_first}"
    assert said in upload("1.0", *names, options=["--dry-run"]).stderr
    assert said in upload("1.0", *names).stderr
    assert said in upload("1.0", *names).stderr, "also where the version is unchanged"
    done = invoke("versions", "download", "tool", "--dir", "got", "--json")
    assert f'"fileName": "{named_first}"' in done.stdout
    assert f"{named_first} was chosen; name another one with --file" in done.stderr


@pytest.mark.server
def test_a_link_leads_to_the_file_that_a_download_takes(invoke, upload, inside):
    upload("1.0", *NAMES)
    done = invoke("versions", "share", "tool", "1.0", "--json")
    assert "acme.zip was chosen" in done.stderr
    with urllib.request.urlopen(json.loads(done.stdout)["shareUrl"]) as found:
        assert len(found.read()) == (inside / "acme.zip").stat().st_size


@pytest.mark.server
def test_the_sdk_puts_the_same_file_on_disk(admin, upload, tmp_path):
    upload("1.0", *NAMES)
    assert admin.download_to_file("tool", "1.0", tmp_path).file_name == "acme.zip"


def test_without_a_main_file_the_one_named_first_is_meant(invoke, upload):
    names = ("b.txt", "a.txt")
    said = "2 files, none of them MAIN: a.txt, b.txt; where a download names none, bindist takes b"
    assert said in upload("1.0", *names).stderr
    assert "b.txt was chosen" in invoke("versions", "download", "tool", "--dir", "got").stderr


@pytest.mark.parametrize("names", [("acme.exe",), ("acme.exe", "acme.dll", "manual.txt")])
def test_where_it_is_plain_nothing_is_said_and_nothing_asked(invoke, upload, at_server, names):
    assert "MAIN" not in upload("1.0", *names).stderr
    at_server.requests.clear()
    for words in (("download", "tool", "1.0", "--dir", "got"), ("share", "tool", "1.0")):
        assert "was chosen" not in invoke("versions", *words).stderr
    assert not [each for each in at_server.requests if each.path.endswith("/versions")]


def test_no_link_is_made_of_a_version_without_files(admin, application, at_server, invoke):
    admin._make_empty_version("tool", "1.0", "a.exe", None).raise_for_error()
    done = invoke("versions", "share", "tool", "1.0")
    assert (done.exit_code, "has no files" in done.stderr) == (3, True)
    assert not [each for each in at_server.requests if each.path == "/v1/downloads/share"]
