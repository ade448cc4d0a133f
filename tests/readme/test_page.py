"""What the README says about this repository is so."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.counters import KINDS
from tests.readme.page import REPOSITORY, TEXT, table

NAMED = sorted(set(re.findall(r"`((?:tests|bindist\w*|\.ci|\.github|completions)/[\w./]*)`", TEXT)))
LINKS = sorted({link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in link})


@pytest.mark.parametrize("name", [*NAMED, *LINKS])
def test_what_is_named_is_there(name):
    assert (REPOSITORY / name.replace("GROUP", "apps")).exists()


def test_every_table_has_as_many_cells_in_each_row():
    tables = re.findall(r"^\|.*\n(?:\|.*\n)+", TEXT, re.M)
    assert len(tables) > 5
    for found in tables:
        widths = {len(re.split(r"(?<!\\)\|", line)) for line in found.splitlines()}
        assert len(widths) == 1, found


def test_no_address_is_made_up():
    outside = set(re.findall(r"\bhttps?://[^\s)`\"]+", TEXT))
    known = (
        "https://bindist.eu",
        "https://api.bindist.eu",
        "https://bindist.example.com",
        "https://github.com/OWNER/bindist",
    )
    assert {each for each in outside if not each.startswith(known)} <= {"https://", "http://"}


def test_the_figures_are_those_that_a_run_of_the_tests_prints():
    rows = table("figures")
    assert [meaning for _, meaning in rows] == list(KINDS.values())
    assert all(re.fullmatch(r"…|\d[\d,]*", number) for number, _ in rows)


def test_the_generated_parts_are_up_to_date():
    done = subprocess.run(
        (sys.executable, "-m", "cogapp", "--check", "README.md"),
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"cog -r README.md\n{done.stdout}"
