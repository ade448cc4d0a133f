"""`bindist help`: the topics, on a terminal and in a pipe, and the help of commands."""

from __future__ import annotations

import os
import re
import unicodedata

import pytest

from bindist_cli import topics
from bindist_cli.output import pager

NAMES = [
    *("commands", "contributing", "customers", "downloads", "exit-codes", "file-types", "mirrors"),
    "output",
    *("performance", "pipelines", "releases", "sandbox", "sdk", "security", "settings"),
    *("signing", "troubleshooting"),
]
STYLE = re.compile(r"\x1b\[[0-9;]*m")
on_terminal = pytest.mark.skipif(os.name == "nt", reason="needs pseudo-terminals")


def test_the_topics_are_listed_with_their_first_sentences(invoke, answer):
    result = invoke("help")
    assert result.exit_code == 0
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [name for name, _ in rows] == NAMES
    assert answer("help") == [{"topic": name, "summary": text} for name, text in rows]


@pytest.mark.parametrize("name", NAMES)
def test_a_topic_has_one_heading_and_a_first_sentence(name):
    text = topics.read(name)
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)
    assert len(re.findall(r"^# ", outside, re.M)) == 1
    assert text.startswith("# ")
    assert re.fullmatch(r"[`\w].{20,}[.]", topics.summary(name))
    assert not re.search(r"[*\[\]]", topics.summary(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_topic_is_markdown_in_a_pipe(invoke, name):
    result = invoke("help", name)
    assert result.exit_code == 0
    assert result.stdout.startswith("# ")
    assert not re.search(r"<!--|\[\[\[|\x1b|!\[", result.stdout)


def test_a_topic_is_shown_with_broken_settings(invoke, environment):
    environment.mkdir()
    (environment / "config.toml").write_text("[profiles\n")
    assert invoke("help", "settings").exit_code == 0


@pytest.mark.parametrize("words", ["apps list", "versions", "sandbox serve", "help"])
def test_a_command_is_shown_as_its_own_help_shows_it(invoke, words):
    result = invoke("help", *words.split())
    assert result.exit_code == 0
    assert result.stdout == invoke(*words.split(), "--help").stdout


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["relases"], "no topic or command 'relases'", "`bindist help releases`?"),
        (["app"], "no topic or command 'app'", "`bindist help apps`"),
        (["apps", "lst"], "no command 'apps lst'", "`bindist help apps list`?"),
        (["apps", "list", "x"], "no command 'apps list x'", "see `bindist help apps list`"),
        (["zzz"], "no topic or command 'zzz'", "see `bindist help`"),
    ],
    ids=str,
)
def test_an_unknown_subject_gets_a_suggestion(invoke, words, message, hint):
    result = invoke("help", *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"error: there is {message}\n" in result.stderr
    assert hint in result.stderr


def test_the_root_help_mentions_the_topics(invoke):
    assert "`bindist help` lists" in " ".join(invoke("--help").stdout.split())


# On a terminal


@on_terminal
@pytest.mark.parametrize("columns", [40, 80])
def test_the_list_of_topics_has_whole_sentences_at_any_width(terminal, columns):
    screen = terminal("help", "-q", columns=columns)
    assert screen.returncode == 0
    listed = " ".join(screen.text.split())
    assert all(topics.summary(name) in listed for name in NAMES)
    assert max(map(len, screen.lines)) <= columns


@on_terminal
def test_less_shows_styles_and_no_escape_sequences(terminal):
    screen = terminal("help", "releases", PAGER="less", typed="q")
    assert "\x1b[1m" in screen.text
    assert "ESC[" not in screen.text


@on_terminal
def test_a_topic_is_formatted_on_a_terminal(terminal):
    screen = terminal("help", "exit-codes", "--no-input")
    assert screen.returncode == 0
    assert "\x1b[1m" in screen.text
    assert not re.search(r"^# |```|\]\(", STYLE.sub("", screen.text), re.M)


@on_terminal
@pytest.mark.parametrize("way", ["--no-color", "NO_COLOR"])
def test_a_topic_has_no_styles_without_colour(terminal, way):
    options = [way] if way.startswith("-") else []
    environment = {} if options else {way: "1"}
    screen = terminal("help", "releases", "--no-input", *options, **environment)
    assert screen.returncode == 0
    assert "\x1b" not in screen.text


@on_terminal
def test_a_long_topic_is_shown_in_the_pager(terminal):
    shown = terminal("help", "releases", PAGER="head -n 3")
    assert shown.returncode == 0
    assert len(shown.text.splitlines()) <= 4


@on_terminal
@pytest.mark.parametrize("value", ["", "cat"])
def test_no_pager_starts_if_the_user_wants_none(terminal, value):
    screen = terminal("help", "releases", PAGER=value)
    assert screen.returncode == 0
    assert "When a version number is lost" in screen.text


@on_terminal
def test_no_pager_starts_with_no_input(terminal):
    screen = terminal("help", "releases", "--no-input", PAGER="false")
    assert "When a version number is lost" in screen.text


@on_terminal
def test_a_short_topic_needs_no_pager(terminal):
    assert "Exit codes" in terminal("help", "exit-codes", PAGER="head -n 0", LINES="200").text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [40, 80])
def test_a_topic_fits_the_terminal(name, width):
    lines = pager.render(topics.read(name), width, color=False).splitlines()
    assert len(lines) > 10
    assert max(map(cells, lines)) <= width


def cells(line):
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in line)
