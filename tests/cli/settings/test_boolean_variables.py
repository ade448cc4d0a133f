"""Boolean environment variables: one parser, and an error for any other word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bindist_cli.exit_codes import CliError
from bindist_cli.settings.resolve import is_set

VARIABLES = ("BINDIST_DEBUG", "BINDIST_NO_INPUT", "BINDIST_NO_KEYRING")


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("BINDIST_", "PYTHON"))}
    env.update(variables, BINDIST_CONFIG_DIR=str(folder / "config"))
    return subprocess.run(
        (sys.executable, "-m", "bindist_cli", *arguments),
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("text", ["", "0", "no", "off", "false", "FALSE", " Off "])
def test_off_words_are_off(name, text):
    assert not is_set({name: text}, name)


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("text", ["1", "yes", "on", "TRUE"])
def test_on_words_are_on(name, text):
    assert is_set({name: text}, name)


@pytest.mark.parametrize("name", VARIABLES)
def test_another_word_is_a_usage_error_that_names_the_variable(name):
    with pytest.raises(CliError, match=f"{name} must be 1 or 0, not 'maybe'"):
        is_set({name: "maybe"}, name)


@pytest.mark.parametrize("text", ["false", "no", "off", "0", ""])
def test_debug_that_is_off_prints_no_traceback(tmp_path, text):
    done = run(tmp_path, "apps", "list", "--profile", "missing", BINDIST_DEBUG=text)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["BINDIST_DEBUG", "BINDIST_NO_INPUT"])
def test_a_command_ends_with_a_usage_error_for_another_word(tmp_path, name):
    done = run(tmp_path, "apps", "list", **{name: "maybe"})
    assert done.returncode == 2, done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", ["json", "click"])
def test_running_as_a_module_imports_nothing_of_the_current_directory(tmp_path, module):
    (tmp_path / f"{module}.py").write_text("raise SystemExit('imported from the directory')\n")
    done = run(tmp_path, "apps", "list", "-o", "json")
    assert "imported from the directory" not in done.stderr
    assert done.returncode == 4, done.stderr
