"""What comes along with `pip install bindist`: what it depends on, and what is in the wheel."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
RUN_TIME = {"requests", "urllib3", "click", "rich", "tomlkit", "packaging"}
PROJECT: dict[str, Any] = tomlkit.parse((ROOT / "pyproject.toml").read_text("utf-8")).unwrap()
EXTRAS = PROJECT["project"]["optional-dependencies"]
DEPENDENCIES = [
    *PROJECT["project"]["dependencies"],
    *(line for lines in EXTRAS.values() for line in lines),
    *PROJECT["build-system"]["requires"],
]


@pytest.mark.parametrize("line", DEPENDENCIES)
def test_every_dependency_has_a_lower_bound_and_no_upper_one(line: str) -> None:
    wanted = Requirement(line)
    if wanted.name == "bindist":  # an extra that takes in others
        assert wanted.extras <= set(EXTRAS)
        return
    (bound,) = wanted.specifier
    assert bound.operator == ">="
    assert Version(bound.version) > Version("0")
    assert wanted.url is None


def test_the_dependencies_are_the_known_ones() -> None:
    wanted = {Requirement(line).name for line in PROJECT["project"]["dependencies"]}
    assert wanted == RUN_TIME


# Known vulnerabilities

NOT_KNOWN = {"name": "bindist", "skip_reason": "Dependency not found on PyPI"}
FINE = {"name": "click", "version": "8.4.0", "vulns": []}
HARMFUL = {
    "name": "rich",
    "version": "13.9.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["13.9.1"]}],
}


@pytest.mark.parametrize(
    ("report", "code", "words"),
    [
        ({"dependencies": [FINE, NOT_KNOWN]}, 0, "1 packages looked up; not known there: bindist"),
        ({"dependencies": [FINE, HARMFUL]}, 1, "rich 13.9.0: PYSEC-2026-1, fixed in 13.9.1"),
        ({"dependencies": [NOT_KNOWN]}, 0, "SKIPPED: the database"),
        (None, 0, "SKIPPED: the database"),
    ],
    ids=["fine", "a vulnerability", "a mirror that knows nothing", "no answer"],
)
def test_a_known_vulnerability_fails_and_an_unreachable_database_is_reported(
    tmp_path: Path, report: Any, code: int, words: str
) -> None:
    script = ROOT / ".ci" / "audit.py"
    if not script.exists():
        pytest.skip("this is not a checkout")
    if report:
        (tmp_path / "report.json").write_text(json.dumps(report))
    done = subprocess.run(
        (sys.executable, str(script), str(tmp_path / "report.json")),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, words in done.stdout) == (code, True), done.stdout


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from this checkout, by the build backend itself, without a network."""
    if not (ROOT / "completions").is_dir():
        pytest.skip("the package as it was installed has nothing to build from")
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed, and nothing is fetched for a test")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)),
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return message_from_string(wheel.read(name).decode())


def test_the_wheel_requires_only_the_declared_dependencies(metadata: Message) -> None:
    asked = [Requirement(line) for line in metadata.get_all("Requires-Dist") or []]
    without_extras = {
        each.name for each in asked if each.marker is None or each.marker.evaluate({"extra": ""})
    }
    assert without_extras == RUN_TIME
    assert all(each.specifier for each in asked if each.name != "bindist")
    assert set(metadata.get_all("Provides-Extra") or []) == set(EXTRAS)


def test_nothing_in_the_wheel_runs_when_it_is_installed(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    info = next(name for name in names if name.endswith("/WHEEL")).partition("/")[0]
    data = info.replace(".dist-info", ".data")
    assert {name.partition("/")[0] for name in names} == {"bindist", "bindist_cli", info, data}
    assert {name.split("/")[1] for name in names if name.startswith(data)} == {"data"}
    assert all(name.startswith(f"{data}/data/share/") for name in names if name.startswith(data))
    kinds = {Path(name).suffix for name in names if name.startswith("bindist")}
    assert not kinds & {".pth", ".so", ".pyd", ".dll", ".sh", ".exe", ".pyc"}
    assert not [name for name in names if Path(name).name in ("setup.py", "sitecustomize.py")]
    assert "Root-Is-Purelib: true" in wheel.read(f"{info}/WHEEL").decode()


def test_the_wheel_has_every_help_topic(wheel: zipfile.ZipFile) -> None:
    here = {f"bindist_cli/help/{path.name}" for path in (ROOT / "bindist_cli/help").iterdir()}
    assert "bindist_cli/help/releases.md" in here
    assert here <= set(wheel.namelist())


def test_the_only_program_in_the_wheel_is_bindist(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    lines = wheel.read(name).decode().split("\n")
    assert [line for line in lines if line.strip()] == [
        "[console_scripts]",
        "bindist = bindist_cli.__main__:main",
    ]


def test_no_installed_file_outside_the_packages_is_executable(
    wheel: zipfile.ZipFile,
) -> None:
    runnable = [each.filename for each in wheel.infolist() if each.external_attr >> 16 & 0o111]
    assert runnable == []


def test_the_wheel_has_no_tests_and_no_secrets(wheel: zipfile.ZipFile) -> None:
    for name in wheel.namelist():
        assert "test" not in Path(name).parts
        assert Path(name).suffix not in (".pem", ".key", ".env", ".db")
        assert b"PRIVATE KEY" not in wheel.read(name)
