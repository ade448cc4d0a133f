"""Ways to run Python: without docstrings, from a zip archive, without PySocks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipapp
from pathlib import Path

import pytest

import bindist
import bindist_cli
from bindist import CustomerClient, TransportError


def run(*arguments, **environment):
    return subprocess.run(
        arguments,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Both packages in one file that Python runs; what they need is imported from where it is."""
    folder = tmp_path_factory.mktemp("zipapp")
    for package in (bindist, bindist_cli):
        source = Path(package.__file__).parent
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, folder / "source" / source.name, ignore=ignored)
    target = folder / "bindist.pyz"
    zipapp.create_archive(folder / "source", target, main="bindist_cli.__main__:main")
    return target


@pytest.fixture
def zipped(archive):
    def zipped(*arguments, **environment):
        # -S hides the installed packages: what is imported of ours is in the archive.
        path = os.pathsep.join([str(archive), sysconfig.get_path("purelib")])
        return run(sys.executable, "-S", str(archive), *arguments, PYTHONPATH=path, **environment)

    return zipped


@pytest.mark.parametrize("words", [(), ("apps",), ("versions", "upload"), ("sandbox", "serve")])
def test_help_texts_are_there_without_docstrings(words):
    command = (sys.executable, "-m", "bindist_cli", *words, "--help")
    usual, optimized = run(*command), run(*command, PYTHONOPTIMIZE="2")
    assert optimized.stdout == usual.stdout
    assert len(usual.stdout.splitlines()) > 8


def test_completion_works_from_a_zip_archive(zipped):
    done = zipped(
        _BINDIST_COMPLETE="bash_complete", COMP_WORDS="bindist versions up", COMP_CWORD="2"
    )
    assert "upload" in done.stdout


def test_topics_and_the_sandbox_work_from_a_zip_archive(zipped, tmp_path):
    assert "exit code" in zipped("help", "exit-codes").stdout
    done = zipped(
        *("--profile", "sandbox", "customers", "create", "--name", "New"),
        *("--email", "a@example.com", "--json"),
        BINDIST_CONFIG_DIR=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr


def test_a_socks_proxy_without_pysocks_says_what_is_missing(monkeypatch):
    try:
        import socks  # noqa: F401
    except ModuleNotFoundError:
        pass
    else:
        pytest.skip("PySocks is installed")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with (
        CustomerClient("https://bindist.example.com", "key", retries=0) as client,
        pytest.raises(TransportError, match=r"SOCKS needs PySocks; install it with `pip install"),
    ):
        client.list_applications()
