"""`versions upload --description`: of a single file, inside a single request."""

from __future__ import annotations

import pytest


@pytest.fixture
def dist(inside, at_server, application):
    folder = inside / "dist"
    folder.mkdir()
    for name in ("tool.exe", "tool.dll"):
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.mark.server
@pytest.mark.parametrize("kind", [(), ("--type", "DOCUMENTATION")])
def test_description_option_describes_a_single_file(invoke, answer, dist, kind, inside):
    words = "versions", "upload", "tool", "1.0.0", "dist/tool.exe", *kind
    assert answer(*words, "--description", "The installer", "--dry-run")
    made = answer(*words, "--description", "The installer", "--enable")
    assert [file["description"] for file in made["files"]] == ["The installer"]
    (file,) = answer("versions", "files", "tool", "1.0.0")
    assert (file["description"], file["fileType"]) == (
        "The installer",
        kind[1] if kind else "MAIN",
    )
    assert answer("versions", "download", "tool", "1.0.0", "--dir", "got")
    assert (inside / "got/tool.exe").read_bytes() == b"tool.exe"
    again = invoke(*words, "--description", "The installer")
    assert (again.exit_code, "keeps the description" in again.stderr) == (0, False)
    other = invoke(*words, "--description", "Another")
    assert (other.exit_code, "keeps the description" in other.stderr) == (0, True)


@pytest.mark.parametrize(
    ("files", "text", "problem"),
    [
        (["tool.exe", "tool.dll"], "Text", "for a single file only"),
        (["tool.exe"], "x" * 2001, "the description has 2001 characters; the limit is 2000"),
        (["tool.exe"], "a\0b", "the description has a NUL"),
        (["large.exe"], "Text", "is larger than 4 MiB: it can have no description"),
    ],
)
def test_a_description_that_cannot_be_is_refused_before_any_request(
    invoke, dist, at_server, admin, files, text, problem
):
    (dist / "large.exe").write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    at_server.requests.clear()
    paths = [f"dist/{name}" for name in files]
    done = invoke("versions", "upload", "tool", "1.0.0", *paths, "--description", text)
    assert (done.exit_code, problem in done.stderr) == (2, True)
    if problem.startswith("the description"):
        with pytest.raises(ValueError, match="the description has"):
            admin.upload_small_file("tool", "1.0.0", "a.exe", b"x", description=text)
    assert not at_server.requests
