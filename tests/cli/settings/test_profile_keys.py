"""One line in the table of profile keys is all that a new setting needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bindist_cli.exit_codes import CliError
from bindist_cli.settings.profile_keys import PROFILE_KEYS, ProfileKey, one_of, shown_address

# The program, with one entry more.
PROGRAM = """
import sys
from bindist_cli.settings.profile_keys import PROFILE_KEYS, ProfileKey, one_of
PROFILE_KEYS["new_key"] = {entry}
{then}
"""
RUN = "from bindist_cli.__main__ import main; main()"
ENTRIES = {
    "a text": ('ProfileKey(str, "a text")', "some text", "some text", None),
    "a choice": ('ProfileKey(str, "a choice", one_of(("a", "b")), "a")', "b", "b", "a"),
    "a number": ('ProfileKey(float, "a number")', "1.5", 1.5, None),
    "a count": ('ProfileKey(int, "a count", default=3)', "0", 0, 3),
    "a switch": ('ProfileKey(bool, "a switch", default=False)', "on", True, False),
}


def run(entry: str, *arguments: str, then: str = RUN) -> str:
    """What the program with one entry more prints."""
    done = subprocess.run(
        (sys.executable, "-c", PROGRAM.format(entry=entry, then=then), *arguments),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("kind", ENTRIES)
def test_a_new_key_can_be_set_read_listed_and_unset(kind, environment):
    entry, text, value, default = ENTRIES[kind]

    def row(*arguments):
        found = json.loads(run(entry, "config", *arguments, "--json"))
        (found,) = (
            [each for each in found if each["key"] == "new_key"]
            if (arguments[0] == "list")
            else [found]
        )
        return found["value"], found["source"]

    assert row("get", "new_key") == (default, "default")
    assert row("set", "new_key", text) == (value, "profile")
    assert row("get", "new_key") == row("list") == (value, "profile")
    assert row("unset", "new_key") == (default, "default")
    assert row("list") == (default, "default")


def test_a_new_key_of_the_wrong_type_in_the_file_is_named(profile):
    profile("[profiles.default]\nnew_key = 5\n")
    then = (
        "from bindist_cli.settings.resolve import resolve, load_config, config_dir\n"
        "import os\n"
        "problems = []\n"
        "resolve({}, os.environ, load_config(config_dir(os.environ)), problems=problems)\n"
        "print(*problems)"
    )
    assert "new_key of profile 'default' must be of type str, not 5" in run(
        ENTRIES["a text"][0], then=then
    )


def test_a_new_key_is_completed_and_in_the_reference(tmp_path):
    then = (
        "from bindist_cli.generate.grammar import text\n"
        "from bindist_cli.generate.reference import settings\n"
        "print(text(), settings())"
    )
    shown = run(ENTRIES["a text"][0], then=then)
    assert '"new_key",\n' in shown  # among the values of `config set`
    assert "| `new_key` | a text |" in shown


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        (ProfileKey(str, "", one_of(("a", "b"))), "c", "invalid value for k: 'c'"),
        (ProfileKey(bool, ""), "maybe", "k must be true or false, not 'maybe'"),
        (ProfileKey(int, ""), "-1", "k must be a whole number, 0 or more, not '-1'"),
        (ProfileKey(int, ""), "1.5", "k must be a whole number, 0 or more, not '1.5'"),
        (ProfileKey(float, ""), "0", "k must be a number of seconds above 0, not '0'"),
        (ProfileKey(float, ""), "inf", "k must be a number of seconds above 0, not 'inf'"),
        (ProfileKey(float, ""), "nan", "k must be a number of seconds above 0, not 'nan'"),
        (ProfileKey(float, ""), "x", "k must be a number of seconds above 0, not 'x'"),
    ],
)
def test_a_text_that_is_no_value_is_refused(key, text, said):
    with pytest.raises(CliError) as caught:
        key.read("k", text)
    assert str(caught.value) == said


def test_every_default_is_a_value_of_its_key():
    wrong = [
        name
        for name, key in PROFILE_KEYS.items()
        if key.default is not None and key.read(name, str(key.default)) != key.default
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.example/v1", "https://api.example/v1"),
        ("https://api.example?token=abc", "https://api.example?***"),
        ("http://u:p@proxy:3128/?key=abc#x", "http://***@proxy:3128/?***"),
        ("http://u:p?q@proxy:3128", "http://***@proxy:3128"),
        ("api.example#abc", "api.example#***"),
        ("https://api.example?token=abc&next=http://x", "https://api.example?***"),
        ("u:p@proxy://x", "***@proxy://x"),
    ],
)
def test_what_is_secret_in_an_address_is_hidden(url, shown):
    assert shown_address(url) == shown
