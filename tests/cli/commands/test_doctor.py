"""`bindist doctor`: whatever is broken, it says what, and what to do."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from bindist_cli.commands.doctor.diagnostics import CHECKS, GENERIC, clock_row
from tests.conftest import ADMIN_KEY

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


pytestmark = pytest.mark.usefixtures("without_keyring")


@pytest.fixture
def doctor(invoke):
    """Its exit code, and its rows by the name of the check."""

    def run(*options):
        result = invoke("doctor", "--json", *options)
        assert "Traceback" not in result.stderr
        rows = {}
        for row in json.loads(result.stdout):
            rows.setdefault(row["check"], []).append(row)
        return result.exit_code, rows

    return run


def only(rows, check):
    (row,) = rows[check]
    return row


# In good health


def test_every_check_passes_on_a_working_installation(doctor, at_server):
    code, rows = doctor()
    assert code == 0
    assert {row["status"] for found in rows.values() for row in found} == {"ok"}
    assert {name for name, _ in CHECKS} - {"versions"} <= set(rows)
    assert {"bindist", "Python", "requests", "click", "rich", "platform"} <= set(rows)
    assert only(rows, "key")["details"] == "works, from BINDIST_API_KEY"
    assert f"{at_server.url} (from BINDIST_API_URL) responds" in only(rows, "server")["details"]


def test_stderr_is_empty(bindist, at_server):
    done = bindist("doctor")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "tsv"])
def test_the_rows_are_the_same_in_every_format(at_server, invoke, form):
    result = invoke("doctor", "-o", form)
    assert result.exit_code == 0
    assert "config.toml" in result.stdout


def test_the_columns_for_scripts(at_server, invoke):
    (row, *_) = csv.DictReader(io.StringIO(invoke("doctor", "-o", "csv").stdout))
    assert list(row) == ["check", "status", "details", "hint"]


def test_no_key_is_shown_and_variables_by_name_alone(at_server, bindist):
    done = bindist("doctor", "--debug", BINDIST_TENANT_ID="", API_KEY="anothers")
    assert "BINDIST_API_KEY" in done.stdout
    assert ADMIN_KEY not in done.stdout + done.stderr
    assert "anothers" not in done.stdout + done.stderr


def test_doctor_sends_one_request_without_the_key_and_one_with_it(at_server, doctor):
    doctor()
    assert [(r.method, r.path) for r in at_server.requests] == [
        ("HEAD", "/v1/applications"),
        ("GET", "/v1/applications"),
    ]


def test_the_sandbox(doctor):
    code, rows = doctor("--profile", "sandbox")
    assert (code, only(rows, "key")["details"]) == (0, "works, from the sandbox")


def test_on_a_terminal_the_advice_is_below_the_table(terminal, refused_url):
    screen = terminal("doctor", "--api-url", refused_url, BINDIST_API_KEY="key")
    assert screen.returncode == 1
    lines = [line.rstrip() for line in screen.lines]
    problem = lines.index("  check the address and the network, then run it again")
    assert lines[problem - 1].startswith("problem: server: 127.0.0.1:")
    assert "cannot be reached" in lines[problem - 1]


# The key and the server


def test_without_a_key_the_exit_code_is_4(doctor, server):
    code, rows = doctor("--api-url", server.url)
    assert (code, only(rows, "key")["status"]) == (4, "problem")
    assert "bindist auth login" in only(rows, "key")["hint"]
    assert only(rows, "server")["status"] == "ok"


def test_with_a_rejected_key_the_exit_code_is_4(doctor, at_server, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", "wrong")
    code, rows = doctor()
    assert (code, only(rows, "key")["status"]) == (4, "problem")


def test_a_refused_connection_is_reported(doctor, refused_url, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", "key")
    code, rows = doctor("--api-url", refused_url)
    assert (code, only(rows, "server")["status"]) == (1, "problem")
    assert "not checked" in only(rows, "key")["details"]
    assert "clock" not in rows


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("status:503", "HTTP status 503"),
        ("redirect:https://other.example/", "https://other.example/"),
    ],
)
def test_a_server_error_is_reported(doctor, at_server, fault, words):
    at_server.faults.add(f"{fault},method=HEAD,times=0")
    code, rows = doctor()
    assert (code, only(rows, "server")["status"]) == (1, "problem")
    assert words in only(rows, "server")["details"]
    assert only(rows, "server")["hint"]


@pytest.mark.parametrize("fault", ["not-json", "html:502", "lost", "json-array", "empty:500"])
def test_a_response_that_is_not_the_api_is_reported(doctor, at_server, fault):
    at_server.faults.add(f"{fault},method=GET,times=0")
    code, rows = doctor()
    assert (code, only(rows, "key")["status"]) == (1, "problem")


def test_a_timeout_is_reported(doctor, at_server):
    at_server.faults.add("stall:30,times=0")
    code, rows = doctor("--timeout", "0.2")
    assert (code, only(rows, "server")["status"]) == (1, "problem")


def test_plain_http_to_another_machine_is_reported(doctor, at_server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", at_server.url)  # so that nothing leaves this machine
    code, rows = doctor("--api-url", "http://bindist.example.com")
    assert (code, only(rows, "server")["status"]) == (1, "ok")
    assert "unencrypted, over http" in only(rows, "key")["details"]


@pytest.mark.parametrize("url", ["nonsense", "http://[", "https://a:hush@b.example"])
def test_an_invalid_address_is_reported(doctor, at_server, url):
    code, rows = doctor("--api-url", url)
    assert (code, only(rows, "server")["status"]) == (1, "problem")
    assert "hush" not in str(rows)


# The clock


@pytest.mark.parametrize(
    ("seconds", "status", "words"),
    [
        (0, "ok", "0 s"),
        (60, "ok", "60 s"),
        (-60, "ok", "60 s"),
        (61, "warning", "61 s behind"),
        (-3600, "warning", "3600 s ahead of"),
    ],
)
def test_a_wrong_clock_is_reported(seconds, status, words):
    row = clock_row(format_datetime(NOW + timedelta(seconds=seconds), usegmt=True), NOW)
    assert (row["status"], words in row["details"]) == (status, True)
    assert bool(row["hint"]) is (status != "ok")


@pytest.mark.parametrize("date", [None, "", "nonsense", "Sun, 99 Mar 2026 12:00:00 GMT"])
def test_an_invalid_date_is_reported(date):
    assert clock_row(date, NOW)["status"] == "ok"


def test_a_date_without_a_zone_is_accepted():
    assert "0 s" in clock_row("Sun, 01 Mar 2026 12:00:00 -0000", NOW)["details"]


# Files and settings


def test_an_invalid_file_is_reported_once_with_its_line(doctor, profile, at_server):
    profile("[profiles.default]\n\ntimeout =")
    code, rows = doctor()
    assert code == 1
    assert "line 3" in only(rows, "config.toml")["details"]
    assert "settings" not in rows


def test_every_invalid_value_is_reported(doctor, profile, at_server, monkeypatch):
    profile("[profiles.default]\ntimeout = 'soon'\nretries = 'many'\nca_bundle = 5\n")
    monkeypatch.setenv("BINDIST_RETRIES", "few")
    code, rows = doctor()
    assert code == 1
    assert len(rows["settings"]) == 4
    assert all(row["status"] == "problem" for row in rows["settings"])
    assert only(rows, "key")["status"] == "ok"


def test_an_unknown_output_format_is_reported(bindist, at_server):
    done = bindist("doctor", BINDIST_OUTPUT="xml")
    assert done.returncode == 1
    assert "problem\tunknown output format 'xml'" in done.stdout


def test_an_unknown_profile_is_reported(doctor, at_server):
    code, rows = doctor("--profile", "nobody")
    assert code == 1
    assert "there is no profile 'nobody'" in only(rows, "settings")["details"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_key_file_that_others_can_read_is_reported(doctor, profile, at_server):
    path = profile(default="stored") / "credentials.toml"
    path.chmod(0o644)
    code, rows = doctor()
    row = only(rows, "credentials.toml")
    assert (code, row["status"], row["hint"]) == (1, "problem", f"`chmod 600 {path}`")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_folder_that_others_can_write_is_reported(doctor, profile, at_server):
    folder = profile()
    folder.chmod(0o777)
    code, rows = doctor()
    assert (code, only(rows, "folder")["hint"]) == (1, f"`chmod 700 {folder}`")


@pytest.mark.parametrize("name", ["config.toml", "credentials.toml"])
def test_folders_in_place_of_files_are_reported(doctor, environment, at_server, name):
    (environment / name).mkdir(parents=True)
    code, rows = doctor()
    assert code == 1
    assert "it is a folder" in only(rows, name)["details"]


def test_a_file_in_place_of_the_folder_is_reported(doctor, environment, at_server):
    environment.write_text("")
    code, rows = doctor()
    assert (code, only(rows, "folder")["status"]) == (1, "problem")


def test_a_missing_home_is_reported(bindist, at_server):
    done = bindist("doctor", BINDIST_CONFIG_DIR="", XDG_CONFIG_HOME="", APPDATA="~", HOME="~")
    assert done.returncode == 0
    assert "there is no home folder for settings" in done.stdout


def test_an_invalid_variable_is_reported_without_a_traceback(doctor, at_server, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY_FILE", "/nowhere")
    code, rows = doctor()
    assert (code, only(rows, "key")["status"]) == (1, "problem")


def test_a_missing_ca_bundle_is_reported(doctor, at_server, monkeypatch):
    monkeypatch.setenv("BINDIST_CA_BUNDLE", "/nowhere.pem")
    monkeypatch.setenv("BINDIST_API_URL", at_server.url.replace("http:", "https:"))
    code, rows = doctor()
    assert (code, only(rows, "server")["status"]) == (1, "problem")


# The environment


def test_generic_variable_names_are_reported_as_unused(doctor, at_server, monkeypatch):
    for name in GENERIC:
        monkeypatch.setenv(name, "anothers")
    code, rows = doctor()
    warning = rows["environment"][-1]
    assert (code, warning["status"]) == (0, "warning")
    assert warning["details"] == "ignored: API_KEY, TENANT_ID, API_SECRET"
    assert "BINDIST_TENANT_ID" in warning["hint"]


def test_a_misspelt_variable_is_reported(doctor, at_server, monkeypatch):
    monkeypatch.setenv("BINDIST_TIME_OUT", "5")
    code, rows = doctor()
    warning = rows["environment"][-1]
    assert (code, warning["status"], warning["hint"]) == (
        0,
        "warning",
        "did you mean BINDIST_TIMEOUT?",
    )


def test_proxies_are_shown_without_their_passwords(doctor, at_server, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:hush@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    details = only(doctor()[1], "proxies")["details"]
    assert "https: http://***@proxy.example:3128" in details
    assert "not used for 127.0.0.1" in details
    assert "hush" not in details


def test_a_disabled_keyring_is_reported(doctor, at_server):
    assert "BINDIST_NO_KEYRING" in only(doctor()[1], "keyring")["details"]


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("keyring.backends.fail.Keyring", "this system has no keyring"),
        ("no_such_module.Keyring", "the keyring failed"),
    ],
)
def test_an_unusable_keyring_is_reported(bindist, at_server, backend, words):
    pytest.importorskip("keyring", reason="needs the extra `keyring`")
    done = bindist("doctor", "--json", BINDIST_NO_KEYRING="", PYTHON_KEYRING_BACKEND=backend)
    (row,) = [row for row in json.loads(done.stdout) if row["check"] == "keyring"]
    assert words in row["details"]
    assert "credentials.toml" in row["details"]
    assert done.returncode == 0


def test_unknown_settings_in_the_file_are_named(at_server, invoke, profile):
    profile("profil = 'x'\n[profiles.default]\ntimeuot = 3\nretries = 1\ncolour = 'red'\n")
    rows = json.loads(invoke("doctor", "--json").stdout)
    found = {row["details"]: row["hint"] for row in rows if "unknown setting" in row["details"]}
    ignored, default = "unknown setting, ignored: ", "profiles.default."
    assert found == {
        f"{ignored}profil": "did you mean profile?",
        f"{ignored}{default}timeuot": f"did you mean {default}timeout?",
        f"{ignored}{default}colour": "remove it",
    }


def test_known_settings_in_the_file_are_not_named(at_server, invoke, profile):
    profile("profile = 'default'\n[profiles.default]\nretries = 1\n[profiles.work]\n")
    assert "unknown setting" not in invoke("doctor", "--json").stdout
