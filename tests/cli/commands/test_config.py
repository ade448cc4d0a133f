"""`bindist config`: settings written with care, and told with where they come from."""

from __future__ import annotations

import json
import os
import stat

import pytest
import tomlkit

from bindist_cli.settings.config_file import DEFAULTS, KEYS
from bindist_cli.settings.profile_keys import PROFILE_KEYS
from bindist_cli.settings.resolve import load_config
from tests.conftest import ADMIN_KEY

URL = "https://bindist.example.com"


pytestmark = pytest.mark.usefixtures("without_keyring")


@pytest.fixture
def listed(answer):
    def ask(*options):
        rows = answer("config", "list", *options)
        return {row["key"]: (row["value"], row["source"]) for row in rows}

    return ask


# What is in use, and where it comes from


def test_list_has_every_setting(listed):
    assert list(listed()) == list(KEYS) == ["profile", *PROFILE_KEYS]


def test_list_shows_the_defaults(invoke):
    lines = invoke("config", "list").stdout.splitlines()
    assert "profile\tdefault\tdefault" in lines
    assert "api_url\thttps://api.bindist.eu\tdefault" in lines
    assert "timeout\t10 and 60\tdefault" in lines
    assert "allow_http\tfalse\tdefault" in lines


def test_list_names_the_source_of_each_value(listed, profile, monkeypatch):
    profile(
        "profile = 'work'\n[profiles.work]\n"
        f"api_url = '{URL}'\ntimeout = 7.5\nretries = 1\nallow_http = true\n"
    )
    monkeypatch.setenv("BINDIST_RETRIES", "2")
    assert listed("--timeout", "9") == {
        "profile": ("work", "file"),
        "api_url": (URL, "profile"),
        "output": ("json", "flag"),
        "timeout": (9, "flag"),
        "retries": (2, "environment"),
        "ca_bundle": (None, "default"),
        "allow_http": (True, "profile"),
        "store_etag": ("md5", "default"),
        "signing_key": (None, "default"),
        "allow_private_store": (False, "default"),
    }


def test_the_profile_is_chosen_by_flag_or_environment(listed, profile, monkeypatch):
    profile("[profiles.work]\n[profiles.home]\n")
    monkeypatch.setenv("BINDIST_PROFILE", "work")
    assert listed()["profile"] == ("work", "environment")
    assert listed("--profile", "home")["profile"] == ("home", "flag")


def test_the_sandbox_has_an_address_of_its_own(listed, invoke):
    assert listed("--profile", "sandbox")["api_url"] == (None, "sandbox")
    result = invoke("config", "set", "api_url", URL, "--profile", "sandbox")
    assert (result.exit_code, "its own address" in result.stderr) == (2, True)


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "tsv"])
def test_list_in_every_format(invoke, form):
    result = invoke("config", "list", "-o", form)
    assert (result.exit_code, result.stderr) == (0, "")
    assert all(key in result.stdout for key in KEYS)


def test_get_prints_only_the_value(invoke, profile):
    profile(f"[profiles.default]\napi_url = '{URL}'\n")
    assert invoke("config", "get", "api_url").stdout == f"{URL}\n"
    assert invoke("config", "get", "allow_http").stdout == "false\n"
    assert invoke("config", "get", "ca_bundle").stdout == "\n"


@pytest.mark.parametrize(
    ("key", "used"),
    [
        ("api_url", "https://api.bindist.eu"),
        ("timeout", "10 and 60"),
        ("retries", "3"),
        ("output", "table on a terminal, else tsv"),
        ("store_etag", "md5"),
        ("profile", "default"),
    ],
)
def test_get_prints_the_default_in_use(invoke, key, used):
    assert invoke("config", "get", key).stdout == f"{used}\n"


def test_get_in_json(answer):
    assert answer("config", "get", "retries", "--retries", "0") == {
        "key": "retries",
        "value": 0,
        "source": "flag",
    }


# Writing


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("api_url", f"{URL}/", URL),
        ("output", "csv", "csv"),
        ("timeout", "30", 30),
        ("timeout", "0.5", 0.5),
        ("retries", "0", 0),
        ("allow_http", "YES", True),
        ("allow_http", "off", False),
        ("store_etag", "opaque", "opaque"),
        ("allow_private_store", "on", True),
    ],
)
def test_set_writes_the_value_and_prints_it(answer, listed, environment, key, text, value):
    assert answer("config", "set", key, text) == {"key": key, "value": value, "source": "profile"}
    assert load_config(environment) == {"profiles": {"default": {key: value}}}
    if key != "output":
        assert listed()[key] == (value, "profile")


def test_a_relative_ca_bundle_is_stored_as_an_absolute_path(answer, inside, environment):
    (inside / "own.pem").touch()
    answer("config", "set", "ca_bundle", "own.pem")
    file = load_config(environment)
    assert file["profiles"]["default"]["ca_bundle"] == str(inside / "own.pem")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("api_url", "example.com"),
        ("api_url", "https://user:secret@example.com"),
        ("api_url", "http://["),
        ("output", "xml"),
        ("timeout", "0"),
        ("timeout", "soon"),
        ("timeout", "nan"),
        ("timeout", "inf"),
        ("retries", "-1"),
        ("retries", "1.5"),
        ("ca_bundle", "not-there.pem"),
        ("allow_http", "perhaps"),
        ("store_etag", "sha1"),
        ("allow_private_store", "perhaps"),
        ("profile", "nobody"),
    ],
)
def test_an_invalid_value_is_not_written(invoke, environment, key, text):
    result = invoke("config", "set", key, "--", text)
    assert result.exit_code == 2
    assert "secret" not in result.stderr
    assert not environment.exists()


@pytest.mark.parametrize("words", [("get", "api-url"), ("set", "api-url", "x"), ("unset", "URL")])
def test_an_unknown_setting_is_an_error_that_lists_the_known_ones(invoke, words):
    result = invoke("config", *words)
    assert result.exit_code == 2
    assert ", ".join(KEYS) in result.stderr
    assert "did you mean api_url?" in result.stderr


def test_set_creates_a_missing_profile(invoke, listed):
    assert invoke("config", "set", "api_url", URL, "--profile", "work").exit_code == 0
    assert listed("--profile", "work")["api_url"] == (URL, "profile")
    assert listed()["api_url"] == (DEFAULTS["api_url"], "default")


def test_set_profile_chooses_the_default_profile(invoke, listed):
    invoke("config", "set", "timeout", "5", "--profile", "work")
    assert invoke("config", "set", "profile", "work").exit_code == 0
    assert listed()["profile"] == ("work", "file")
    assert invoke("config", "unset", "profile").exit_code == 0
    assert listed()["profile"] == ("default", "default")


def test_unset(invoke, answer, listed, environment):
    invoke("config", "set", "timeout", "5")
    assert answer("config", "unset", "timeout")["source"] == "default"
    assert answer("config", "unset", "timeout")["value"] == "10 and 60"
    assert listed()["timeout"] == ("10 and 60", "default")
    assert load_config(environment) == {"profiles": {"default": {}}}


def test_unset_in_a_missing_profile_is_an_error(invoke, environment):
    result = invoke("config", "unset", "timeout", "--profile", "nobody")
    assert (result.exit_code, "there is no profile" in result.stderr) == (2, True)
    assert not environment.exists()


def test_comments_and_other_settings_are_kept(invoke, profile):
    text = (
        "# mine\nprofile = 'work' # at the office\n\n[profiles.work]\n# slow line\ntimeout = 30\n"
        "future = 1\n\n[other]\nx = 'y'\n"
    )
    path = profile(text) / "config.toml"
    assert invoke("config", "set", "timeout", "45").exit_code == 0
    assert path.read_text("utf-8") == text.replace("30", "45")
    assert invoke("config", "set", "output", "json").exit_code == 0
    assert invoke("config", "unset", "output").exit_code == 0
    assert path.read_text("utf-8") == text.replace("30", "45")


@pytest.mark.parametrize(
    "text",
    [
        "profiles.work.timeout = 1\n",
        "profiles = {work = {timeout = 1}}\n",
        "[profiles]\nwork.timeout = 1\n",
        "[profiles.work]\ntimeout = 1\n[x]\n[profiles.other]\nretries = 1\n",
        "\ufeff[profiles.work]\r\ntimeout = 1\r\n",
        "[profiles.work]\ntimeout = 1",
    ],
)
def test_set_edits_every_toml_notation(invoke, profile, text):
    folder = profile(text)
    for words in [("timeout", "2"), ("retries", "3"), ("profile", "work")]:
        assert invoke("config", "set", *words, "--profile", "work").exit_code == 0
    file = load_config(folder)
    assert file["profile"] == "work"
    assert file["profiles"]["work"] == {"timeout": 2, "retries": 3}
    assert tomlkit.parse((folder / "config.toml").read_text("utf-8")).unwrap() == file


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_the_file_is_private(invoke, environment):
    invoke("config", "set", "timeout", "5")
    path = environment / "config.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "words", [("list",), ("get", "timeout"), ("set", "timeout", "5"), ("unset", "timeout")]
)
def test_invalid_toml_is_an_error_with_its_line_and_not_changed(invoke, profile, words):
    path = profile("[profiles.default]\n\napi_url =") / "config.toml"
    result = invoke("config", *words)
    assert result.exit_code == 2
    assert f"{path} is not valid TOML" in result.stderr
    assert "line 3" in result.stderr
    assert path.read_text("utf-8").endswith("api_url =")


def test_path_is_printed_for_an_invalid_file(invoke, profile):
    path = profile("broken") / "config.toml"
    assert invoke("config", "path").stdout == f"{path}\n"


def test_set_replaces_a_value_of_the_wrong_type(invoke, profile, listed):
    profile("[profiles.default]\ntimeout = 'soon'\n")
    assert invoke("config", "list").exit_code == 2
    assert invoke("config", "set", "timeout", "5").exit_code == 0
    assert listed()["timeout"] == (5, "profile")


def test_set_reports_the_remaining_invalid_values(invoke, profile):
    profile("[profiles.default]\ntimeout = 'soon'\nretries = 'many'\n")
    result = invoke("config", "set", "timeout", "5")
    assert result.exit_code == 0
    assert "warning: config.toml: retries of profile 'default' must be" in result.stderr


@pytest.mark.parametrize("text", ["profiles = 5\n", "[profiles]\ndefault = 5\n"])
def test_profiles_that_are_not_tables_are_not_changed(invoke, profile, text):
    path = profile(text) / "config.toml"
    result = invoke("config", "set", "timeout", "5")
    assert (result.exit_code, "must be a table" in result.stderr) == (2, True)
    assert path.read_text("utf-8") == text


def test_a_folder_in_place_of_the_file(bindist, environment):
    (environment / "config.toml").mkdir(parents=True)
    for words in [("list",), ("set", "timeout", "5")]:
        done = bindist("config", *words)
        assert (done.returncode, "it is a folder" in done.stderr) == (2, True)


def test_set_names_a_variable_that_overrides_the_value(invoke, monkeypatch):
    monkeypatch.setenv("BINDIST_TIMEOUT", "9")
    assert "BINDIST_TIMEOUT is set and overrides" in invoke("config", "set", "timeout", "5").stderr


def test_set_warns_that_the_stored_key_will_be_sent_to_the_new_address(invoke, profile):
    profile("[profiles.work]\n", work=ADMIN_KEY)
    result = invoke("config", "set", "api_url", URL, "--profile", "work")
    assert 'the stored key of profile "work" is sent to this URL' in result.stderr


def test_simultaneous_writers_lose_no_setting(shell, environment):
    shell("for n in 1 2 3 4 5 6; do bindist config set retries $n --profile p$n & done; wait")
    profiles = load_config(environment)["profiles"]
    assert profiles == {f"p{n}": {"retries": n} for n in range(1, 7)}


def test_path_in_json(answer, environment):
    assert answer("config", "path") == {"path": str(environment / "config.toml")}


def test_config_commands_send_no_request(at_server, invoke):
    for words in [("list",), ("get", "profile"), ("set", "timeout", "5"), ("path",)]:
        invoke("config", *words)
    assert at_server.requests == []


def test_markup_in_a_value_is_printed_literally(terminal, profile):
    profile("[profiles.default]\nca_bundle = '[red]x[/red]'\n")
    assert "[red]x[/red]" in terminal("config", "list").text


def test_json_output_is_valid_json(bindist):
    assert json.loads(bindist("config", "list", "--json").stdout)[0]["key"] == "profile"
