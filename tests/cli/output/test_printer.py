"""What is printed: five formats, terminals and pipes, text that nobody should obey."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import unicodedata

import pytest

from bindist_cli.output import columns as output_columns
from bindist_cli.output.columns import APPLICATIONS
from bindist_cli.output.formatting import csv_cell, csv_safe_cell, in_minutes, plain, unescape
from bindist_cli.output.printer import MIN_COLUMN_WIDTH, Printer, fit
from bindist_cli.settings.resolve import resolve

NASTY = '[red]x[/red] \x1b[31mred\x1b[0m \x07 \x9b2J \u202egpj.exe tab\there, "quoted" \\n ö 漢字'
LINES = f"{NASTY}\r\nsecond line\n\u2028third"
KEYS = [column.key for column in APPLICATIONS]
INVISIBLES = "\xad\u061c\u200b\u200d\u200f\u202e\u2060\u2064\u2066\ufeff\U000e0041"


@pytest.fixture
def nasty(at_server, admin):
    """An application whose texts are made to do harm."""
    admin.create_application("nasty", NASTY, description=LINES, tags=["a,b", "=1+1"])
    admin.create_application("plain", "Plain").raise_for_error()


def controls(text):
    return {c for c in text if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs")} - {"\n"}


# The formats


def test_json_of_a_list_is_an_array_with_every_field_of_the_api(answer, nasty, admin):
    assert answer("apps", "list") == admin.list_applications().data["applications"]


def test_json_of_one_object_is_that_object(answer, nasty):
    assert answer("apps", "show", "nasty")["description"] == LINES.strip()


def test_jsonl_has_one_object_per_line(invoke, answer, nasty):
    lines = invoke("apps", "list", "-o", "jsonl").stdout.split("\n")
    assert [json.loads(line) for line in lines[:-1]] == answer("apps", "list")


def test_jsonl_of_one_object_is_one_line(invoke, answer, nasty):
    (line,) = invoke("apps", "show", "nasty", "-o", "jsonl").stdout.splitlines()
    assert json.loads(line) == answer("apps", "show", "nasty")


def test_csv_has_the_same_values_as_json(invoke, answer, nasty):
    text = invoke("apps", "list", "-o", "csv").stdout_bytes.decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == KEYS
    assert rows == [[csv_cell(row.get(key)) for key in KEYS] for row in answer("apps", "list")]
    assert "\\x1b[31mred" in text and "\\x9b2J" in text and "\\u202egpj" in text
    assert controls(text) == {"\t", "\r"}


def test_csv_lines_end_with_cr_lf(invoke, at_server, application):
    raw = invoke("apps", "list", "-o", "csv").stdout_bytes
    assert raw.count(b"\r\n") == raw.count(b"\n") == 2


FORMULAS = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1+1|cmd": "'-1+1|cmd",
    "@SUM(A1)": "'@SUM(A1)",
    " \t=1": "' \t'=1",
    "\t1": "'\t1",
    "\uff1d1": "'\uff1d1",
    "a=1": "a=1",
    "": "",
    "a;=1": "a;'=1",
    "a;b; +1;\uff201": "a;b; '+1;'\uff201",
    'a;"=1': "a;\"'=1",
    "a\t@x": "a\t'@x",
    "a\n-1": "a\n'-1",
}


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_csv_safe_prefixes_formulas(text):
    assert csv_safe_cell(text) == FORMULAS[text]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_safe_cells_are_safe_whatever_the_list_separator_is(delimiter):
    written = io.StringIO()
    for text in FORMULAS:
        csv.writer(written).writerow([csv_safe_cell(text), "x", csv_safe_cell(text)])
    rows = csv.reader(io.StringIO(written.getvalue(), newline=""), delimiter=delimiter)
    cells = [cell for row in rows for cell in row]
    assert [cell for cell in cells if re.match(r"\s*[=+\-@\uff1d\uff20]", cell)] == []


@pytest.mark.parametrize("number", [-1, -1.5, 3])
def test_csv_safe_does_not_change_numbers(number):
    assert csv_safe_cell(number) == str(number)


def test_csv_safe_is_an_option_before_and_after_the_command(invoke, at_server):
    invoke("apps", "create", "sums", "--name", "=1+1", "--tag", "@x")
    fields = ("apps", "show", "sums", "-o", "csv", "--fields", "name,tags")
    assert invoke(*fields).stdout.splitlines() == ["name,tags", "=1+1,@x"]
    assert invoke(*fields, "--csv-safe").stdout.splitlines() == ["name,tags", "'=1+1,'@x"]
    assert invoke("--csv-safe", *fields).stdout.splitlines() == ["name,tags", "'=1+1,'@x"]


@pytest.mark.parametrize("char", [*INVISIBLES], ids=ascii)
@pytest.mark.parametrize("format", ["table", "csv", "tsv", "json", "jsonl"])
def test_invisible_characters_are_escaped(invoke, at_server, admin, format, char):
    admin.create_application("hidden", f"a{char}b").raise_for_error()
    text = invoke("apps", "show", "hidden", "-o", format).stdout
    assert char not in text
    if "json" in format:
        assert json.loads(text)["name"] == f"a{char}b"
    else:
        assert re.search(r"a\\(x|u|U000)[0-9a-f]+b", text)


def test_tsv_has_the_same_values_as_json(invoke, answer, nasty):
    lines = invoke("apps", "list", "-o", "tsv").stdout.split("\n")
    rows = [[unescape(field) for field in line.split("\t")] for line in lines[:-1]]
    assert rows == [[plain(row.get(key)) for key in KEYS] for row in answer("apps", "list")]


def test_tsv_of_one_object_has_a_line_for_each_field(invoke, answer, nasty):
    lines = invoke("apps", "show", "nasty", "-o", "tsv").stdout.split("\n")
    fields = dict(line.split("\t") for line in lines[:-1])
    assert unescape(fields["description"]) == answer("apps", "show", "nasty")["description"]


def test_csv_of_one_object_has_a_header_and_a_row(invoke, nasty):
    text = invoke("apps", "show", "plain", "-o", "csv").stdout_bytes.decode()
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert dict(zip(header, row, strict=True))["name"] == "Plain"


def test_a_table_has_short_times_and_words(invoke, at_catalogue):
    header, first, *_ = invoke("apps", "list", "-o", "table").stdout.splitlines()
    assert header.split() == ["Application", "Name", "State", "Tags", "Updated"]
    assert re.fullmatch(r"harbor +Harbor CLI +active +cli, linux +9 days ago *", first)


def test_a_card_shows_the_lists_that_belong_to_it(invoke, at_catalogue):
    shown = invoke("versions", "show", "skylark", "1.10.0", "-o", "table").stdout
    assert re.search(r"(?m)^Notes +The new search", shown)
    assert re.search(r"(?m)^skylark-setup\.exe +MAIN +188\.4 kB", shown)


@pytest.mark.parametrize(
    ("format", "shown"),
    [
        ("json", "[]\n"),
        ("jsonl", ""),
        ("tsv", ""),
        ("csv", ",".join(KEYS) + "\r\n"),
        ("table", ""),
    ],
)
def test_an_empty_list(invoke, at_server, format, shown):
    assert invoke("apps", "list", "-o", format).stdout_bytes.decode() == shown


def test_an_empty_list_has_a_note_on_a_terminal_only(invoke, at_server):
    notes = {f: invoke("apps", "list", "-o", f).stderr for f in ("table", "json", "tsv")}
    expected = "no applications; create one with `bindist apps create APP`"
    assert notes.pop("table").startswith(expected)
    assert set(notes.values()) == {""}


# Fields


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "tsv"])
def test_fields_are_printed_in_the_given_order(invoke, at_catalogue, format):
    fields = "name,applicationId,description"
    text = invoke("apps", "list", "-o", format, "--fields", fields).stdout
    rows = {
        "json": lambda: [list(row.values()) for row in json.loads(text)],
        "jsonl": lambda: [list(json.loads(line).values()) for line in text.splitlines()],
        "csv": lambda: list(csv.reader(io.StringIO(text)))[1:],
        "tsv": lambda: [line.split("\t") for line in text.splitlines()],
    }[format]()
    assert rows[0] == ["Harbor CLI", "harbor", "Ships containers from the command line"]


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "tsv", "table"])
def test_a_field_that_is_no_column_can_be_selected(invoke, at_catalogue, format):
    result = invoke("versions", "list", "harbor", "--fields", "releaseNotes", "-o", format)
    assert "First stable release." in result.stdout


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "tsv", "table"])
def test_an_unknown_field_is_a_usage_error_that_lists_the_known_ones(invoke, at_catalogue, format):
    result = invoke("apps", "list", "--fields", "name,colour", "-o", format)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "applicationId, name" in result.stderr


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "tsv", "table"])
def test_an_unknown_field_of_one_object_is_a_usage_error(invoke, at_catalogue, format):
    result = invoke("apps", "show", "harbor", "--fields", "colour", "-o", format)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "applicationId, name" in result.stderr


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (("apps", "show", "harbor", "--fields", "name"), "Harbor CLI\n"),
        (("apps", "show", "harbor", "--fields", "name,applicationId"), "Harbor CLI\tharbor\n"),
        (("versions", "latest", "skylark", "--fields", "fileSize"), "188416\n"),
        (("versions", "checksums", "skylark", "latest", "--fields", "fileName"), "skylark.ini\n"),
        (("config", "get", "api_url", "--fields", "key"), "api_url\n"),
        (("auth", "token", "--fields", "token"), "test-admin-key-0001\n"),
    ],
    ids=" ".join,
)
def test_fields_of_one_object_are_bare_values_in_a_pipe(invoke, at_catalogue, words, printed):
    assert invoke(*words).stdout.endswith(printed)
    assert "\t" not in invoke(*words).stdout.replace(printed, "")


def test_a_field_of_one_object_can_be_assigned_in_a_script(shell, at_catalogue):
    done = shell(
        'URL=$(bindist versions share skylark latest --fields shareUrl)\ncurl -fsL "$URL" | wc -c'
    )
    assert done.stdout.strip() == "188416"


def test_an_unknown_field_costs_no_key(invoke, answer, at_catalogue):
    before = answer("customers", "list")
    result = invoke("customers", "create", "--name", "Initech", "--fields", "key")
    assert result.exit_code == 2
    assert answer("customers", "list") == before
    key = invoke("customers", "create", "--name", "Initech", "--fields", "apiKey").stdout
    assert len(key.splitlines()) == 1


def test_an_unknown_field_makes_no_link(invoke, at_catalogue):
    assert invoke("versions", "share", "skylark", "1.9.0", "--fields", "url").exit_code == 2
    assert at_catalogue.requests == []


def test_api_refuses_fields_before_any_request(invoke, at_catalogue):
    result = invoke("api", "DELETE", "applications/harbor", "--fields", "data")
    assert result.exit_code == 2
    assert "--fields does not apply" in result.stderr
    assert at_catalogue.requests == []


def test_a_table_shows_only_the_selected_fields(invoke, at_catalogue):
    result = invoke("apps", "show", "harbor", "--fields", "createdAt", "-o", "table")
    assert result.stdout.split()[0] == "Created"
    assert len(result.stdout.splitlines()) == 1


# Terminal and pipe


def test_a_terminal_gets_a_table(terminal, at_catalogue):
    screen = terminal("apps", "list")
    assert "Application" in screen.lines[0]
    assert len(screen.lines) == 4


def test_a_pipe_gets_tab_separated_lines(bindist, at_catalogue):
    done = bindist("apps", "list")
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [
        "harbor",
        "skylark",
        "tidewatch",
    ]


def test_cut_finds_the_ids(shell, at_catalogue):
    assert shell("bindist apps list | cut -f1").stdout == "harbor\nskylark\ntidewatch\n"


def test_a_closed_pipe_is_no_error(program, at_catalogue):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            (program, "apps", "list"), stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("words", [("apps", "list"), ("--help",)], ids=" ".join)
def test_a_full_disk_is_an_error_without_a_traceback(program, at_catalogue, words):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            (program, *words), stdout=full, stderr=subprocess.PIPE, check=False, encoding="utf-8"
        )
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


@pytest.mark.parametrize("format", ["table", "json", "jsonl", "csv", "tsv"])
def test_server_text_reaches_a_terminal_escaped(terminal, nasty, format):
    screen = terminal("apps", "show", "nasty", "-o", format, NO_COLOR="1")
    text = re.sub(r"\r+\n", "\n", screen.text)
    text = re.sub(r"\x1b\[[01]m", "", text)  # bold headings are the program's own
    assert controls(text) - ({"\t"} if format in ("tsv", "csv") else set()) == set()
    assert "\u202e" not in text
    assert "[red]x[/red]" in text


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("words", [("apps", "list"), ("apps", "show", "nobody")], ids=" ".join)
def test_a_terminal_gets_colours(terminal, at_catalogue, environment, colours, words):
    screen = terminal(*words, **environment)
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]", screen.text)) is colours


@pytest.mark.parametrize(("option", "colours"), [((), True), (("--no-color",), False)])
def test_colours_can_be_forced_and_turned_off(bindist, at_catalogue, option, colours):
    done = bindist("apps", "list", "-o", "table", *option, FORCE_COLOR="1")
    assert ("\x1b[32m" in done.stdout) is colours


def test_a_pipe_gets_no_colours(bindist, at_catalogue):
    assert "\x1b" not in bindist("apps", "list", "-o", "table").stdout


# Encodings


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize("words", [("apps", "show", "nasty"), ("api", "GET", "applications/nasty")])
def test_json_is_valid_in_any_encoding(bindist, nasty, encoding, words):
    done = bindist(*words, "--json", PYTHONIOENCODING=encoding)
    found = json.loads(done.stdout)
    assert found.get("data", found)["name"] == NASTY


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("format", ["table", "csv", "tsv"])
def test_characters_missing_from_the_encoding_are_escaped(bindist, nasty, encoding, format):
    done = bindist("apps", "list", "-o", format, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u6f22" in done.stdout or format == "table"


# Width


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize(
    "words",
    [
        ("apps", "list"),
        ("versions", "list", "skylark"),
        ("versions", "files", "skylark", "1.10.0"),
        ("customers", "list"),
        ("apps", "show", "skylark"),
    ],
    ids=" ".join,
)
def test_no_line_is_wider_than_the_terminal(invoke, at_catalogue, monkeypatch, columns, words):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = invoke(*words, "-o", "table").stdout.splitlines()
    assert max(map(len, lines)) <= columns


def test_a_narrow_terminal_gets_fewer_columns_and_one_line_per_row(terminal, at_catalogue):
    screen = terminal("apps", "list", columns=40, NO_COLOR="1")
    assert len(screen.lines) == 4
    assert "skylark" in screen.text


def test_a_wide_terminal_gets_more_columns(terminal, at_catalogue):
    assert "Ships containers" in terminal("apps", "list", columns=200).text


def test_selected_fields_are_all_shown_on_a_narrow_terminal(terminal, at_catalogue):
    fields = "applicationId,name,isActive,tags,updatedAt,createdAt"
    screen = terminal("apps", "list", "--fields", fields, columns=40)
    assert "month" in screen.text  # of createdAt, the last one


@pytest.mark.parametrize(
    ("natural", "flexible", "available", "widths"),
    [
        ([5, 10], [False, True], 80, [5, 10]),
        ([5, 30], [False, True], 27, [5, 20]),
        ([10, 30, 40], [False, True, True], 54, [10, 20, 20]),
        ([10, 30, 40], [False, True, True], 20, [10, MIN_COLUMN_WIDTH]),
        ([10, 10, 10], [False] * 3, 25, [10, 10]),
        ([50], [False], 40, [50]),
        ([], [], 40, []),
    ],
)
def test_columns_are_shrunk_and_dropped_to_fit(natural, flexible, available, widths):
    assert fit(natural, flexible, available) == widths


def test_all_pages_of_a_catalogue_are_listed(answer, at_server, admin):
    for number in range(130):
        admin.create_application(f"app-{number:03}", f"App {number}").raise_for_error()
    listed = [row["applicationId"] for row in answer("apps", "list")]
    assert sorted(listed) == [f"app-{number:03}" for number in range(130)]
    assert answer("apps", "list", "--limit", "120") == answer("apps", "list")[:120]


# What is to be copied

LINK = "https://bindist.example.com/v1/downloads/d/" + "x" * 120


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
@pytest.mark.parametrize("name", ["SHARE", "NEW_KEY"])
def test_links_and_keys_are_never_wrapped(monkeypatch, capsys, columns, name):
    monkeypatch.setenv("COLUMNS", str(columns))
    thing = {"shareUrl": LINK, "apiKey": LINK, "expiresInMinutes": 90, "name": "many words " * 9}
    Printer(resolve({"output": "table"}, {}, {})).one(getattr(output_columns, name), thing)
    shown = capsys.readouterr().out
    assert shown.count(LINK) == 1


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [(30, "in 30 minutes"), (60, "in 1 hour"), (90, "in 90 minutes"), (1440, "in 1 day"),
     (1, "in 1 minute"), (0, "0"), (None, ""), ("soon", "soon"), (True, "true")],
)  # fmt: skip
def test_an_expiry_is_shown_as_it_was_asked_for(minutes, shown):
    assert in_minutes(minutes) == shown
