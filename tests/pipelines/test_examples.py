"""The pipelines of the topic, run as they are shown there."""

from __future__ import annotations

import hashlib
import json
import os
import re
import string
import subprocess

import pytest
import yaml

from bindist import __version__
from bindist_cli import topics
from tests.conftest import ADMIN_KEY
from tests.pipelines.actions import REPOSITORY
from tests.pipelines.conftest import INSTALL, NOTES, TAG

pytestmark = pytest.mark.usefixtures("acme")
WRONG_KEY = "wr0ng-key-nobody-may-see"


@pytest.fixture
def released(admin):
    """Sees that acme 2.1.0 is out, whole, with its notes."""

    def check():
        (version,) = admin.list_versions("acme").require()["versions"]
        assert (version["version"], version["isEnabled"]) == ("2.1.0", True)
        assert version["releaseNotes"] == NOTES
        files = admin.list_version_files("acme", "2.1.0").require()["files"]
        assert {file["fileName"]: file["checksum"] for file in files} == {
            "acme.zip": hashlib.sha256(b"the archive").hexdigest(),
            "acme setup.exe": hashlib.sha256(b"the program").hexdigest(),
        }

    return check


@pytest.fixture
def bash(program, workspace, server, on_path):
    """Runs a script in the workspace; stdout and stderr as one, as a log has them."""

    def run(script, *arguments, **environment):
        return subprocess.run(
            ("bash", "-c", script, "release.sh", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=60,
            cwd=workspace,
            env={**os.environ, "BINDIST_API_URL": server.url, "CI": "true", **environment},
            check=False,
        )

    return run


@pytest.fixture
def gitlab(example, bash, workspace, tmp_path):
    """Runs the job as GitLab does: its lines in one bash; the key in a variable of type File."""
    job = yaml.safe_load(example("gitlab"))["release"]

    def run(key=ADMIN_KEY):
        file = tmp_path / "BINDIST_API_KEY_FILE"
        file.write_text(f"{key}\n")
        known = {"CI_COMMIT_TAG": TAG, "CI_PROJECT_DIR": str(workspace), "GITLAB_CI": "true"}
        own = {
            name: string.Template(text).substitute(known) for name, text in job["variables"].items()
        }
        lines = [line for line in job["before_script"] + job["script"] if line != INSTALL]
        return bash(
            "\n".join(["set -eo pipefail", *lines]),
            **{**known, **own, "BINDIST_API_KEY_FILE": str(file)},
        )

    return run


def test_the_examples_name_this_version():
    pages = (REPOSITORY / "README.md", topics.FOLDER / "pipelines.md")
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert set(re.findall(r"OWNER/bindist\S*@v([\d.]+)", text)) == {__version__}


@pytest.mark.parametrize("name", ["github-action", "github"])
def test_the_github_example_makes_a_release(example, runner, on_path, released, name):
    job = yaml.safe_load(example(name))["jobs"]["release"]
    logs = []
    for _ in range(2):
        machine = runner().run_job(job)
        assert machine.returncode == 0, machine.log
        logs.append(machine.log.splitlines()[-1])
    assert logs == ["acme was created", "acme was unchanged"]
    released()


@pytest.mark.counts("hostile")
def test_on_github_a_wrong_key_ends_the_job_and_is_in_no_log(example, runner, on_path):
    job = yaml.safe_load(example("github"))["jobs"]["release"]
    machine = runner(key=WRONG_KEY).run_job(job)
    assert machine.returncode == 4
    assert "acme was" not in machine.log
    assert WRONG_KEY not in machine.log + machine.summary


def test_the_gitlab_example_makes_a_release(gitlab, released, workspace):
    statuses = []
    for _ in range(2):
        done = gitlab()
        assert done.returncode == 0, done.stdout
        statuses.append(json.loads((workspace / "release.json").read_text())["status"])
    assert statuses == ["created", "unchanged"]
    released()


@pytest.mark.counts("hostile")
def test_on_gitlab_a_wrong_key_ends_the_job_and_is_in_no_log(gitlab, workspace):
    done = gitlab(WRONG_KEY)
    assert done.returncode == 4
    assert WRONG_KEY not in done.stdout + (workspace / "release.json").read_text()


@pytest.mark.counts("faults")
def test_gitlab_retries_only_unavailability(example, gitlab, server, monkeypatch):
    monkeypatch.setenv("BINDIST_RETRIES", "0")
    server.faults.add("status:503,method=GET,times=1")
    retry = yaml.safe_load(example("gitlab"))["release"]["retry"]
    assert gitlab().returncode == retry["exit_codes"]
    assert gitlab().returncode == 0


# The shell script


@pytest.fixture
def script(example, bash):
    def run(**environment):
        return bash(
            example("shell"), "acme", "2.1.0", **{"BINDIST_API_KEY": ADMIN_KEY, **environment}
        )

    return run


def test_the_script_makes_a_release(script, released, workspace):
    statuses = []
    for _ in range(2):
        done = script()
        assert done.returncode == 0, done.stdout
        statuses.append(json.loads((workspace / "release.json").read_text())["status"])
    assert statuses == ["created", "unchanged"]
    released()


@pytest.mark.counts("faults")
def test_the_script_retries_if_the_service_is_unavailable(script, server, released):
    server.faults.add("status:503,method=GET,times=1")
    done = script(BINDIST_RETRIES="0", PAUSES="0")
    assert done.returncode == 0, done.stdout
    assert "service unavailable; next attempt in 0 s" in done.stdout
    released()


@pytest.mark.counts("faults")
def test_the_script_limits_its_attempts(script, server):
    server.faults.add("status:503,times=0")
    done = script(BINDIST_RETRIES="0", PAUSES="0")
    assert done.returncode == 7
    assert done.stdout.count("next attempt") == 1


@pytest.mark.counts("hostile")
def test_the_script_reports_a_wrong_key_without_showing_it(script):
    done = script(BINDIST_API_KEY=WRONG_KEY)
    assert done.returncode == 4
    assert "the server rejects the key: it is wrong, or was rotated" in done.stdout
    assert WRONG_KEY not in done.stdout


def test_the_script_reports_different_content(script, workspace, released):
    assert script().returncode == 0
    build = workspace / "build.sh"
    build.write_text(build.read_text().replace("the archive", "another one"))
    done = script()
    assert done.returncode == 6
    assert "2.1.0 exists with other content: use another version number" in done.stdout
    released()


def test_the_script_reports_files_that_differ_from_the_build(script, workspace):
    with (workspace / "build.sh").open("a") as build:
        build.write("printf ' and more' >> acme.zip\n")
    done = script()
    assert done.returncode == 8
    assert "build again" in done.stdout
