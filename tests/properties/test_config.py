"""Settings written into a file that people write too: all else in it stays as it is."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from bindist_cli.exit_codes import CliError
from bindist_cli.settings.resolve import load_config, parse_toml
from bindist_cli.settings.toml_edit import change

several = settings(max_examples=40, deadline=None)

PLAIN = st.text("abcXYZ019_-", min_size=1, max_size=8)
NAMES = PLAIN | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = TEXTS | st.booleans() | st.integers(-(2**40), 2**40) | st.sampled_from([0.5, 7.25])
TABLES = st.dictionaries(NAMES, VALUES, max_size=4)
COMMENTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@st.composite
def files(draw) -> str:
    """A file as somebody may have written it: tables, comments, keys that are not ours."""

    def key(name: str) -> str:
        return tomlkit.key(name).as_string()

    def lines(table):
        for name, value in table.items():
            mark = f"  # {draw(COMMENTS)}" if draw(st.booleans()) else ""
            yield f"{key(name)} = {tomlkit.item(value).as_string()}{mark}"
            if draw(st.booleans()):
                yield f"# {draw(COMMENTS)}"

    text = ["# mine", *lines(draw(TABLES.filter(lambda t: not {"profiles", "other"} & set(t))))]
    for name, table in draw(st.dictionaries(NAMES, TABLES, max_size=3)).items():
        text += ["", f"[profiles.{key(name)}]", *lines(table)]
    text += [
        "",
        "[other]",
        "x = [1, 2]  # two",
        *lines(draw(TABLES.filter(lambda t: "x" not in t))),
    ]
    return "\n".join(text) + draw(st.sampled_from(["\n", "", "\n\n"]))


def gone(before: str, after: str) -> int:
    """How many lines are no longer there as they were, comments and all."""
    return (Counter(before.split("\n")) - Counter(after.split("\n"))).total()


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@given(text=files(), profile=NAMES, name=NAMES, value=VALUES)
@several
def test_setting_and_unsetting_change_only_their_key(folder, text, profile, name, value):
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8", newline="")
    path.chmod(0o600)
    before = load_config(folder)
    was = before.get("profiles", {}).get(profile, {})
    change(path, {("profiles", profile, name): value}, private=False)
    after = load_config(folder)
    assert after["profiles"][profile] == {**was, name: value}
    assert gone(text, path.read_text("utf-8")) <= (name in was)
    change(path, {("profiles", profile, name): None}, private=False)
    last = load_config(folder)
    assert gone(text, path.read_text("utf-8")) <= (name in was)
    assert last["profiles"][profile] == {key: item for key, item in was.items() if key != name}
    for found in (before, after, last):
        found.get("profiles", {}).pop(profile, None)
        if not found.get("profiles"):
            found.pop("profiles", None)
    assert before == after == last


@given(text=st.text(max_size=60) | st.text("[]{}=.\"'#\n ab1", max_size=40))
@several
def test_any_text_is_parsed_or_refused_with_its_line(text):
    try:
        assert isinstance(parse_toml(Path("config.toml"), text), dict)
    except CliError as error:
        assert "is not valid TOML" in str(error)


@given(text=st.text("[]{}=.\"'#\n ab1", max_size=40))
@several
def test_a_refused_change_leaves_the_file_unchanged(folder, text):
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8", newline="")
    path.chmod(0o600)
    try:
        change(path, {("profiles", "a", "b"): 1}, private=False)
    except CliError:
        assert path.read_bytes() == text.encode()
    else:
        assert load_config(folder)["profiles"]["a"]["b"] == 1
