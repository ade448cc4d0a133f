"""Makes the README's pictures from real runs: `python .github/screenshots/make.py`.

Each command runs under a pseudo-terminal against a sandbox of its own; what it printed is drawn by
rich's SVG export.
"""

from __future__ import annotations

import os
import random
import re
import sys
import tempfile
from pathlib import Path

import pexpect
from rich.console import Console
from rich.text import Text

from bindist.sandbox import SandboxServer

HERE = Path(__file__).parent
WIDTH = 84
# Between two frames of a progress display the lines of the last one are erased.
_FRAME = re.compile(r"\r?\x1b\[2K(?:\x1b\[1A\x1b\[2K)*|\x1b\[\?25[lh]")


def run(environment: dict[str, str], *arguments: str) -> str:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "bindist_cli", *arguments],
        env=environment,  # type: ignore[arg-type]
        dimensions=(40, WIDTH),
        encoding="utf-8",
        timeout=60,
    )
    child.expect(pexpect.EOF)
    return str(child.before)


def from_half(frame: str) -> float:
    """How far a frame of the progress display is from the middle of the transfer."""
    found = re.search(r"([\d.]+)/([\d.]+)\x1b?", re.sub(r"\x1b\[[\d;]*m", "", frame))
    return abs(float(found[1]) / float(found[2]) - 0.6) if found else 1.0


def draw(name: str, command: str, output: str) -> None:
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.assemble(("$ ", "green"), (command, "bold")))
        console.print(Text.from_ansi(output.replace("\r\n", "\n").strip("\n")))
        svg = console.export_svg(title="bindist")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)  # nothing from elsewhere
    (HERE / f"{name}.svg").write_text(re.sub(r"[ \t]+$", "", svg, flags=re.M) + "\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "harbor.tar.gz"
        program.write_bytes(random.Random(2).randbytes(90_000_000))
        with SandboxServer(Path(folder) / "data") as server:
            environment = {
                **{k: v for k, v in os.environ.items() if not k.startswith("BINDIST_")},
                "BINDIST_API_URL": server.url,
                "BINDIST_API_KEY": server.keys.admin,
                "BINDIST_CONFIG_DIR": str(Path(folder) / "config"),
                "TERM": "xterm-256color",
            }
            environment.pop("CI", None)
            for name, command in (
                ("apps-list", "apps list"),
                ("versions-show", "versions show skylark 1.10.0"),
                ("apps-stats", "apps stats skylark"),
            ):
                draw(name, f"bindist {command}", run(environment, *command.split()))
            server.faults.add("slow:30000000,method=PUT,times=0")
            arguments = ("versions", "upload", "harbor", "1.1.0", str(program), "--enable")
            frames = _FRAME.split(run(environment, *arguments))
            halfway = min((frame for frame in frames if "MB/s" in frame), key=from_half)
            shown = " ".join((*arguments[:4], program.name, arguments[5]))
            draw("upload", f"bindist {shown}", halfway)


if __name__ == "__main__":
    main()
