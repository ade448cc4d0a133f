"""A small reader of GitHub's workflows: runs the steps of a job as the runner does, as far as a
shell can.

Composite actions of this repository are run with their own steps. Of GitHub's own actions those in
`ELSEWHERE` are passed over; any other, and any expression or key that is not known here, is an
error, so that no example can hold what nobody has tried.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
OURS = re.compile(r"OWNER/bindist/(\.github/actions/[a-z-]+)@v[0-9.]+")
ELSEWHERE = re.compile(r"actions/(checkout|setup-python|cache/restore|cache/save)@v[0-9]+")
SECONDS = 120
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_STEP_KEYS = {"name", "id", "if", "uses", "with", "env", "run", "shell"}
_CONDITIONS: dict[str, Callable[[bool], bool]] = {
    "": lambda failed: not failed,
    "failure() || cancelled()": lambda failed: failed,
}
_SHELLS = {None: ("-e",), "bash": ("--noprofile", "--norc", "-eo", "pipefail")}


@dataclass
class Runner:
    """One job. `log` is all that it printed; `returncode` that of the step that failed."""

    workspace: Path
    temp: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    github: Mapping[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    passed_over: Sequence[str] = ()  # commands that are not run
    log: str = ""
    returncode: int = 0
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    summary: str = ""

    def __post_init__(self) -> None:
        bash = shutil.which("bash")
        assert bash
        self._bash = bash
        for folder in (self.workspace, self.temp):
            folder.mkdir(parents=True, exist_ok=True)

    def run_job(self, job: Mapping[str, Any]) -> Runner:
        self.environment |= self._substituted(job.get("env", {}), {})
        self._run(job["steps"], {}, self.outputs)
        return self

    def run_action(self, folder: str, **inputs: str) -> dict[str, str]:
        """Runs a composite action of this repository; returns its outputs."""
        action = load_action(folder)
        unknown = inputs.keys() - action["inputs"].keys()
        assert not unknown, f"there is no input {unknown}"
        given = {name: str(each.get("default", "")) for name, each in action["inputs"].items()}
        steps: dict[str, dict[str, str]] = {}
        here = {"GITHUB_ACTION_PATH": str(REPOSITORY / folder)}
        self._run(action["runs"]["steps"], {**given, **inputs}, steps, here)
        values = {name: each["value"] for name, each in action["outputs"].items()}
        return self._substituted(values, {}, steps)

    def _run(
        self,
        steps: Sequence[Mapping[str, Any]],
        inputs: Mapping[str, str],
        outputs: dict[str, dict[str, str]],
        more: Mapping[str, str] | None = None,
    ) -> None:
        for step in steps:
            assert step.keys() <= _STEP_KEYS, step.keys() - _STEP_KEYS
            if not _CONDITIONS[step.get("if", "")](self.returncode != 0):
                continue
            env = self._substituted(step.get("env", {}), inputs, outputs)
            made: dict[str, str] = {}
            if "run" in step:
                if step["run"] not in self.passed_over:
                    made = self._run_script(step["run"], step.get("shell"), {**env, **(more or {})})
            elif ours := OURS.fullmatch(step["uses"]):
                assert not env, "an action gets inputs, and the environment of the job"
                made = self.run_action(ours[1], **self._substituted(step["with"], inputs, outputs))
            else:
                assert ELSEWHERE.fullmatch(step["uses"]), step["uses"]
                self._substituted(step.get("with", {}), inputs, outputs)
            if "id" in step:
                outputs[step["id"]] = made

    def _run_script(self, script: str, shell: str | None, env: Mapping[str, str]) -> dict[str, str]:
        names = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        files = {name: self.temp / name for name in names}
        for file in files.values():
            file.write_text("")
        done = subprocess.run(
            (self._bash, *_SHELLS[shell], "-c", script),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=SECONDS,
            cwd=self.workspace,
            env={
                **os.environ,
                **self.environment,
                **{f"GITHUB_{name.upper()}": value for name, value in self.github.items()},
                **{name: str(file) for name, file in files.items()},
                "CI": "true",
                "GITHUB_ACTIONS": "true",
                "RUNNER_OS": "Linux",
                "RUNNER_TEMP": str(self.temp),
                "GITHUB_WORKSPACE": str(self.workspace),
                **env,
            },
            check=False,
        )
        self.log += done.stdout
        self.returncode = self.returncode or done.returncode
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        self.environment |= _pairs(files["GITHUB_ENV"])
        for line in files["GITHUB_PATH"].read_text().splitlines():
            before = self.environment.get("PATH", os.environ["PATH"])
            self.environment["PATH"] = os.pathsep.join((line, before))
        return _pairs(files["GITHUB_OUTPUT"])

    def _substituted(
        self,
        values: Mapping[str, Any],
        inputs: Mapping[str, str],
        outputs: Mapping[str, Mapping[str, str]] | None = None,
    ) -> dict[str, str]:
        known = {f"inputs.{name}": value for name, value in inputs.items()}
        known |= {f"github.{name}": value for name, value in self.github.items()}
        if not inputs:  # an action has inputs, and sees no secrets but those
            known |= {f"secrets.{name}": value for name, value in self.secrets.items()}

        def value(expression: str) -> str:
            if member := re.fullmatch(r"fromJSON\((.+)\)\.(\w+)", expression):
                return _text(json.loads(value(member[1]))[member[2]])
            if given := re.fullmatch(r"(.+) != ''", expression):
                return _text(value(given[1]) != "")
            if step := re.fullmatch(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression):
                return (outputs or {}).get(step[1], {}).get(step[2], "")
            return known[expression]

        return {
            name: _EXPRESSION.sub(lambda found: value(found[1]), _text(each))
            for name, each in values.items()
        }


def load_action(folder: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / folder / "action.yml").read_text("utf-8"))
    return loaded


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pairs(file: Path) -> dict[str, str]:
    """The lines `name=value`, and `name<<END` with the lines of the value up to END."""
    found, lines = {}, iter(file.read_text(encoding="utf-8").splitlines())
    for line in lines:
        name, sign, rest = re.fullmatch(r"([\w-]+)(=|<<)(.*)", line).groups()  # type: ignore[union-attr]
        if sign == "<<":
            rest = "\n".join(iter(lines.__next__, rest))
        found[name] = rest
    return found
