"""The help: every command has one, and every example in it works."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys

import click
import pytest

from bindist_cli.cli import COMMANDS, cli


def walk(command, path=()):
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from walk(command.get_command(context, name), (*path, name))


TREE = dict(walk(cli))
LEAVES = {path: command for path, command in TREE.items() if not isinstance(command, click.Group)}
EXAMPLES = [example for command in LEAVES.values() for example in command.examples]
ENDLESS = [example for example in EXAMPLES if "sandbox serve" in example]
METAVARS = {
    *("ADDRESS", "APP", "CUSTOMER", "DIR", "DURATION", "EVENT", "FIELD,...", "FILE", "KEY", "N"),
    *(
        "NAME",
        "NAME:VALUE",
        "NAME=VALUE",
        "NAME|ID",
        "PATH",
        "PATTERN",
        "PORT",
        "SECONDS",
        "SPEC",
        "TAG",
    ),
    *("TEXT", "TIME", "URL", "VERSION"),
}
# One is slow, one asks questions, others need files or keys; all are tested with their groups.
ELSEWHERE = [
    "bindist auth login",
    "bindist mirror push /tmp/mirror --create-apps --dry-run",
    "bindist mirror verify /tmp/mirror",
    "bindist keys generate --out ~/keys",
    "bindist keys show ~/keys/bindist.key",
    "bindist sandbox demo",
    "bindist trust add acme --from-version 1.0",
    "bindist trust remove acme 3488E7CD0FE178FC",
    "bindist trust remove acme",
    "bindist versions verify --offline /media/stick/skylark --app skylark",
]


@pytest.mark.parametrize("path", TREE, ids=lambda path: " ".join(path) or "bindist")
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_prints_to_stdout_and_exits_with_0(invoke, path, flag):
    result = invoke(*path, flag)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.startswith(f"Usage: {' '.join(('bindist', *path))} ")


@pytest.mark.parametrize("path", TREE, ids=lambda path: " ".join(path) or "bindist")
def test_every_command_has_a_description(path):
    (purpose, *_) = (TREE[path].help or "").strip().splitlines()
    assert purpose[0].isupper()
    assert purpose.endswith((".", ":", ","))


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_has_examples_of_itself(path):
    assert LEAVES[path].examples
    for example in LEAVES[path].examples:
        assert " ".join(path) in example


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_is_explained(path):
    options = [p for p in LEAVES[path].params if isinstance(p, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_help_has_no_empty_rows(invoke, path):
    text = invoke(*path, "--help").stdout
    options = text.partition("Options:\n")[2].partition("\n\n")[0].splitlines()
    assert options
    assert all(line.startswith(("  -", "      ")) for line in options)


@pytest.mark.parametrize("path", TREE, ids=lambda path: " ".join(path) or "bindist")
def test_help_fits_80_columns(invoke, monkeypatch, path):
    monkeypatch.setenv("COLUMNS", "80")
    text = invoke(*path, "--help").stdout
    examples = text.partition("Examples:\n")[2]
    assert max(map(len, text.removesuffix(examples).splitlines())) <= 80


@pytest.mark.parametrize("path", TREE, ids=lambda path: " ".join(path) or "bindist")
def test_every_option_has_a_metavar_of_the_list(path):
    options = [p for p in TREE[path].params if isinstance(p, click.Option) and not p.is_flag]
    chosen = [p for p in options if not isinstance(p.type, click.Choice)]
    assert {option.metavar for option in chosen} <= METAVARS


@pytest.mark.parametrize("path", TREE, ids=lambda path: " ".join(path) or "bindist")
def test_the_help_of_an_option_is_sentences_with_the_default_in_brackets(path):
    for option in TREE[path].params:
        if isinstance(option, click.Option):
            sentences = re.sub(r" \[default: [^]]+\]$", "", option.help)
            assert re.fullmatch(r"[A-Z].*\.", sentences), option.name
            assert "default" not in sentences.lower(), option.name


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_a_repeatable_option_says_so(path):
    options = [p for p in LEAVES[path].params if isinstance(p, click.Option) and p.multiple]
    assert [option.name for option in options if "repeatable" not in option.help] == []


@pytest.mark.parametrize("path", TREE, ids=lambda path: " ".join(path) or "bindist")
def test_default_and_range_share_a_pair_of_brackets(invoke, path):
    assert not re.search(r"\]\s+\[", invoke(*path, "--help").stdout.partition("Options")[2])


@pytest.mark.parametrize("path", [path for path in TREE if path not in LEAVES], ids=str)
def test_the_list_of_commands_cuts_no_sentence_at_80_columns(invoke, monkeypatch, path):
    monkeypatch.setenv("COLUMNS", "80")
    commands = invoke(*path, "--help").stdout.partition("Commands:")[2].partition("Options")[0]
    assert "..." not in commands


@pytest.mark.parametrize("path", [path for path in TREE if path not in LEAVES], ids=str)
def test_a_group_without_a_command_shows_its_help(invoke, path):
    result = invoke(*path)
    assert result.exit_code == 0
    for name in TREE[path].list_commands(click.Context(TREE[path])):
        assert f"\n  {name} " in result.stdout


def test_the_root_describes_groups_as_they_describe_themselves():
    for name, purpose in COMMANDS.items():
        assert (TREE[name,].help or "").startswith(purpose.rstrip(".")), name


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [(("app",), "apps"), (("version",), "versions"), (("apps", "lst"), "list")],
    ids=str,
)
def test_a_misspelt_command_gets_a_suggestion(invoke, wrong, meant):
    result = invoke(*wrong)
    assert result.exit_code == 2
    assert f"'{meant}'" in result.stderr


def test_a_misspelt_option_gets_a_suggestion(invoke):
    assert "'--tag'" in invoke("apps", "list", "--tga", "x").stderr


# The examples


@pytest.fixture
def place(tmp_path, at_catalogue, catalogue_admin, profile):
    """What the examples find in the current folder and in the configuration."""
    profile("[profiles.work]\noutput = 'json'\n", work=at_catalogue.keys.admin)
    (tmp_path / "key.txt").write_text(at_catalogue.keys.admin)
    (tmp_path / "customers.csv").write_text("name,reference\nInitech,CRM-7\n")
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "harbor.tar.gz").write_bytes(b"content")
    (dist / "SHA256SUMS").write_text(
        "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73  harbor.tar.gz\n"
    )
    catalogue_admin.download_to_file("skylark", "1.10.0", tmp_path / "skylark-setup.exe")
    return tmp_path


# Those that need nothing of a shell but its quotes are quicker in this process.
PLAIN = [example for example in EXAMPLES if re.fullmatch(r"bindist [\w ,./:=@'-]+", example)]


@pytest.mark.parametrize("example", sorted({*PLAIN} - {*ENDLESS, *ELSEWHERE}))
def test_every_plain_example_works_on_a_new_sample_catalogue(invoke, place, monkeypatch, example):
    monkeypatch.chdir(place)
    done = invoke(*shlex.split(example)[1:])
    assert done.exit_code == 0, done.stderr
    assert "error" not in done.stderr


@pytest.mark.parametrize("example", sorted({*EXAMPLES} - {*PLAIN, *ENDLESS, *ELSEWHERE}))
def test_every_example_with_a_redirection_or_pattern_works_in_a_shell(shell, place, example):
    done = shell(example)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("example", ENDLESS)
def test_every_example_of_sandbox_serve_works(start, tmp_path, example):
    words = example.replace("/tmp/", f"{tmp_path}/").split()[1:]
    process = start(*words)
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


# What it costs


def imported(*arguments):
    done = subprocess.run(
        (sys.executable, "-X", "importtime", "-m", "bindist_cli", *arguments),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


def test_help_imports_neither_requests_nor_rich():
    modules = imported("--help")
    assert "click" in modules
    assert not modules & {"requests", "urllib3", "rich", "werkzeug", "sqlite3", "tomlkit"}


@pytest.mark.parametrize("path", [("apps",), ("versions", "download"), ("sandbox", "serve")])
def test_the_help_of_a_command_imports_neither_requests_nor_rich(path):
    assert not imported(*path, "--help") & {"requests", "urllib3", "rich", "werkzeug", "sqlite3"}


def test_version_imports_not_even_click():
    assert not imported("--version") & {"click", "requests", "rich"}


def test_json_imports_no_rich(at_server):
    modules = imported("apps", "list", "--json")
    assert "requests" in modules
    assert not modules & {"rich", "werkzeug", "tomlkit"}


def test_version(bindist):
    from bindist import __version__

    assert bindist("--version").stdout == f"bindist {__version__}\n"
    assert bindist("--json", "--version").stdout == f"bindist {__version__}\n"
