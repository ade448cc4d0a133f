"""Start-up, measured: `python tests/bench/startup.py`, with the Python that has `bindist`.

Each figure is the wall time of a whole process, in turns with what it is compared with; the table
has medians and their ratios. Nothing here is ever a test.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from bindist.sandbox import SandboxServer

TEN_LINES = """
import os, requests
url, key = os.environ["BINDIST_API_URL"], os.environ["BINDIST_API_KEY"]
answer = requests.get(
    f"{url}/v1/applications",
    params={"page": 1, "limit": 100},
    headers={"Authorization": f"Bearer {key}"},
    timeout=60,
)
answer.raise_for_status()
for app in answer.json()["data"]["applications"]:
    print(app["applicationId"], app["name"], sep="\\t")
"""


def timed(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=21)
    runs = parser.parse_args().runs
    program = str(Path(sysconfig.get_path("scripts")) / "bindist")
    nothing = [sys.executable, "-c", "pass"]
    with tempfile.TemporaryDirectory() as folder, SandboxServer(Path(folder) / "data") as server:
        script = Path(folder) / "ten_lines.py"
        script.write_text(TEN_LINES)
        environment = {
            **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
            "BINDIST_API_URL": server.url,
            "BINDIST_API_KEY": server.keys.admin,
            "BINDIST_CONFIG_DIR": str(Path(folder) / "config"),
        }
        at_prompt = {
            **environment,
            "_BINDIST_COMPLETE": "bash_complete",
            "COMP_WORDS": "bindist apps show h",
            "COMP_CWORD": "3",
        }
        cases = [
            ("`bindist --version`", [program, "--version"], environment, nothing, 1.6),
            ("`bindist --help`", [program, "--help"], environment, nothing, 6.0),
            ("one completion", [program], at_prompt, nothing, 6.0),
            (
                "`bindist apps list`",
                [program, "apps", "list"],
                environment,
                [sys.executable, str(script)],
                1.25,
            ),
        ]
        print("| what | ours | against | ratio | at most |\n|---|---|---|---|---|")
        for label, command, variables, other, at_most in cases:
            timed(command, variables)
            ours, theirs = [], []
            for _ in range(runs):
                theirs.append(timed(other, environment))
                ours.append(timed(command, variables))
            one, two = statistics.median(ours), statistics.median(theirs)
            name = "`python -c pass`" if other is nothing else "ten lines with requests"
            print(
                f"| {label} | {one * 1000:.0f} ms | {name}, {two * 1000:.0f} ms "
                f"| {one / two:.2f} | {at_most} |"
            )


if __name__ == "__main__":
    main()
