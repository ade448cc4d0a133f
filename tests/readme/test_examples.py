"""Every example of the README and of the topics runs as it is shown there."""

from __future__ import annotations

import hashlib
import json
import re
import runpy

import pytest

from tests.conftest import ADMIN_KEY
from tests.readme.page import BLOCKS, REPOSITORY, TEXTS, abridged

# Blocks that are run elsewhere: where, and the words by which they are named there.
ELSEWHERE = {
    "ci: install": (".ci/run", "$(readme install)"),
    "ci: test": (".ci/run", "$(readme test)"),
    "pipeline: github-action": ("tests/pipelines/test_examples.py", '"github-action"'),
    "pipeline: github": ("tests/pipelines/test_examples.py", 'example("github")'),
    "pipeline: gitlab": ("tests/pipelines/test_examples.py", 'example("gitlab")'),
    "pipeline: shell": ("tests/pipelines/test_examples.py", 'example("shell")'),
}
NOT_RUN = ("text",)  # drawings, and commands that test_commands.py parses


def here(language):
    """The blocks of a language that are run in this file, each a case of its own."""
    found = [each for each in BLOCKS if each.language == language and not each.marker]
    return [pytest.param(each.text, id=each.name) for each in found]


def test_every_example_is_run_here_or_in_a_named_test():
    markers = [each.marker for each in BLOCKS if each.marker]
    assert sorted(markers) == sorted(ELSEWHERE)
    assert len(BLOCKS) == sum(text.count("\n```") for text in TEXTS.values()) / 2
    run_here = {each.language for each in BLOCKS if not each.marker}
    assert run_here == {"bash", "console", "python", "toml", *NOT_RUN}


@pytest.mark.parametrize("marker", ELSEWHERE)
def test_examples_run_elsewhere_are_named_in_that_test(marker):
    place, words = ELSEWHERE[marker]
    assert words in (REPOSITORY / place).read_text(encoding="utf-8")


@pytest.mark.parametrize("block", here("bash"))
def test_a_script_runs(block, acme, bash, reader):
    done = bash(block)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
    listed = acme.list_versions("acme").require()["versions"]
    assert [(row["version"], row["releaseNotes"]) for row in listed] == [("2.1.0", "Faster")]
    if "download" in block:
        assert (reader / "got" / "acme.exe").read_bytes() == b"the program"
        assert "acme.exe: OK" in done.stdout
        assert "2.1.0" in (reader / "activity.csv").read_text()


@pytest.mark.parametrize("block", here("python"))
def test_a_program_runs(block, acme, reader, capsys):
    (reader / "example.py").write_text(block, encoding="utf-8")
    runpy.run_path("example.py")
    contents = {"acme.exe": b"the program", "manual.txt": b"how to use it"}
    downloads = [
        f"downloaded {len(content)} {hashlib.sha256(content).hexdigest()}"
        for content in contents.values()
    ]
    listed = ["acme Acme"] if "iter_applications" in block else []
    printed = capsys.readouterr().out.splitlines()
    assert printed[: -len(downloads)] == [*listed, "created True"]
    assert sorted(printed[-len(downloads) :]) == sorted(downloads)
    for name, content in contents.items():
        assert (reader / "got" / name).read_bytes() == content


@pytest.mark.parametrize("block", here("toml"))
def test_examples_of_settings_are_valid(block, invoke, environment):
    environment.mkdir()
    (environment / "config.toml").write_text(block, encoding="utf-8")
    found = invoke("config", "list", "--json")
    assert found.exit_code == 0, found.stderr
    used = {row["key"]: row["value"] for row in json.loads(found.stdout)}
    assert used["api_url"] == "https://bindist.example.com"
    assert used["timeout"] == 30


@pytest.mark.parametrize("block", here("console"))
def test_examples_of_sessions_print_what_the_text_shows(block, typed):
    first, *rest = re.split(r"^\$ (.*)\n", block, flags=re.M)
    assert first == ""
    commands, shown = rest[::2], rest[1::2]
    printed = typed(commands)
    assert len(printed) == len(commands)
    for command, wanted, found in zip(commands, shown, printed, strict=True):
        assert abridged(wanted.splitlines(), found.splitlines()), f"{command}\n{found}"


def test_no_example_has_a_key_in_it():
    text = "".join(TEXTS.values())
    assert ADMIN_KEY not in text
    assert not re.findall(r"--api-key|Bearer \w", text)
