"""What the README and the topics name is there: files, links, generated parts, steps."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bindist.choices import CHOICES
from bindist.file_names import derived_file_type
from bindist_cli import topics
from tests.readme.page import REPOSITORY, TEXTS, TOPICS

README = REPOSITORY / "README.md"
GITHUB = sorted((REPOSITORY / ".github").glob("*.md"))
PAGES = {**TEXTS, **{path: path.read_text(encoding="utf-8") for path in GITHUB}}
NAMED = sorted(
    {
        name
        for text in PAGES.values()
        for name in re.findall(
            r"`((?:tests|bindist\w*|\.ci|\.github|completions)/[\w./]*[\w/])`", text
        )
    }
)
LINKS = [
    pytest.param(path.parent / link, id=f"{path.name}: {link}")
    for path, text in PAGES.items()
    for link in sorted(set(re.findall(r"\]\(([^)]+)\)", text)))
    if "://" not in link
]


@pytest.mark.parametrize("name", NAMED)
def test_named_files_exist(name: str) -> None:
    assert (REPOSITORY / name.replace("GROUP", "apps")).exists()


@pytest.mark.parametrize("target", LINKS)
def test_links_resolve(target: Path) -> None:
    assert target.resolve().exists()


def test_the_readme_is_short_and_links_to_every_topic() -> None:
    assert len(TEXTS[README].splitlines()) <= 220
    assert re.findall(r"^\| \[([\w-]+)\]", TEXTS[README], re.M)
    linked = set(re.findall(r"\(bindist_cli/help/([\w-]+)\.md\)", TEXTS[README]))
    assert linked == set(topics.names())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_table_has_as_many_cells_in_each_row(path: Path) -> None:
    for found in re.findall(r"^\|.*\n(?:\|.*\n)+", PAGES[path], re.M):
        widths = {len(re.split(r"(?<!\\)\|", line)) for line in found.splitlines()}
        assert len(widths) == 1, found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_lines_of_text_have_at_most_100_characters(path: Path) -> None:
    text = re.sub(r"<!-- \[\[\[cog.*?\[\[\[end\]\]\] -->", "", PAGES[path], flags=re.S)
    lines = [line for line in text.splitlines() if not line.startswith("|")]
    assert max(map(len, lines)) <= 100, max(lines, key=len)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_external_addresses_are_known(path: Path) -> None:
    outside = set(re.findall(r"\bhttps?://[^\s)`\"]+", PAGES[path]))
    known = (
        "https://bindist.eu",
        "https://api.bindist.eu",
        "https://bindist.example.com",
        "https://github.com/OWNER/bindist",
        "https://keepachangelog.com/",
        "https://semver.org/",
        "https://jedisct1.github.io/minisign/",
    )
    assert {each for each in outside if not each.startswith(known)} <= {"https://", "http://"}


def test_the_generated_parts_are_up_to_date() -> None:
    pages = [str(path.relative_to(REPOSITORY)) for path in (README, *TOPICS)]
    done = subprocess.run(
        (sys.executable, "-m", "cogapp", "--check", *pages),
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"cog -r {' '.join(pages)}\n{done.stdout}"


@pytest.mark.parametrize("kind", CHOICES["file_type"])
def test_the_table_of_file_types_has_the_extensions_that_give_a_type(kind: str) -> None:
    text = (topics.FOLDER / "file-types.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{kind}` \| (.*?) \|", text, re.M)
    extensions = re.findall(r"`(\w+)`", row)
    assert extensions
    assert {derived_file_type(f"a.{extension}") for extension in extensions} == {kind}
