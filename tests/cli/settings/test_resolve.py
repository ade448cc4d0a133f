"""Where settings come from: flag, then environment, then profile, then default."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

import bindist_cli
from bindist_cli.auth.credentials import find_key, key_from_environment
from bindist_cli.exit_codes import CliError, Exit
from bindist_cli.settings.profile_keys import DEFAULT_URL, PROFILE_KEYS
from bindist_cli.settings.resolve import ENVIRONMENT, load_config, resolve

PROFILE = {
    "api_url": "https://profile.example",
    "output": "csv",
    "timeout": 7,
    "retries": 1,
    "ca_bundle": "/profile.pem",
    "store_etag": "opaque",
}
VARIABLES = {
    "BINDIST_API_URL": "https://environment.example",
    "BINDIST_OUTPUT": "jsonl",
    "BINDIST_TIMEOUT": "8.5",
    "BINDIST_RETRIES": "2",
    "BINDIST_CA_BUNDLE": "/environment.pem",
    "BINDIST_STORE_ETAG": "opaque",
}
FLAGS = {
    "api_url": "https://flag.example",
    "output": "tsv",
    "timeout": 9.0,
    "retries": 0,
    "ca_bundle": "/flag.pem",
}
NAMES = tuple(FLAGS)
CONFIG = {"profiles": {"default": PROFILE}}


def value(settings, name):
    return getattr(settings, name)


@pytest.mark.parametrize("name", NAMES)
def test_the_flag_wins_over_the_environment(name):
    assert value(resolve(FLAGS, VARIABLES, CONFIG), name) == FLAGS[name]


@pytest.mark.parametrize("name", [*NAMES, "store_etag"])
def test_the_environment_wins_over_the_profile(name):
    text = VARIABLES[f"BINDIST_{name.upper()}"]
    assert str(value(resolve({}, VARIABLES, CONFIG), name)) == text


@pytest.mark.parametrize("name", [*NAMES, "store_etag"])
def test_the_profile_wins_over_the_default(name):
    assert value(resolve({}, {}, CONFIG), name) == PROFILE[name]


def test_the_defaults():
    settings = resolve({}, {}, {})
    assert settings.api_url == DEFAULT_URL
    assert settings.profile == "default"
    assert settings.store_etag == "md5"
    others = (settings.output, settings.timeout, settings.retries, settings.ca_bundle)
    assert others == (None, None, None, None)


@pytest.mark.parametrize("variable", VARIABLES)
def test_an_empty_variable_counts_as_unset(variable):
    assert resolve({}, {variable: ""}, {}) == resolve({}, {}, {})


def test_which_profile_is_chosen_by_flag_environment_and_file_in_this_order():
    profiles = {name: {} for name in ("a", "b", "c")}
    file = {"profile": "c", "profiles": profiles}
    found = [
        resolve({"profile": "a"}, {"BINDIST_PROFILE": "b"}, file).profile,
        resolve({}, {"BINDIST_PROFILE": "b"}, file).profile,
        resolve({}, {}, file).profile,
    ]
    assert found == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "variable"), [("no_input", "BINDIST_NO_INPUT"), ("debug", "BINDIST_DEBUG")]
)
@pytest.mark.parametrize(
    ("text", "meaning"), [("1", True), ("yes", True), ("0", False), ("false", False), ("", False)]
)
def test_a_variable_turns_a_switch_on(name, variable, text, meaning):
    assert getattr(resolve({}, {variable: text}, {}), name) is meaning


def test_debug_is_verbose_too():
    assert resolve({"debug": True}, {}, {}).verbose


@pytest.mark.parametrize(
    ("flags", "env", "color"),
    [
        ({}, {}, None),
        ({"no_color": True}, {"FORCE_COLOR": "1"}, False),
        ({}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({}, {"NO_COLOR": ""}, None),
        ({}, {"FORCE_COLOR": "1"}, True),
        ({}, {"TERM": "dumb"}, False),
        ({}, {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
    ],
)
def test_colour(flags, env, color):
    assert resolve(flags, env, {}).color is color


def test_no_bars_in_ci():
    assert not resolve({}, {"CI": "true"}, {}).bars


def test_the_variable_names_the_configuration_folder(tmp_path):
    assert resolve({}, {"BINDIST_CONFIG_DIR": str(tmp_path)}, {}).config_dir == tmp_path


def test_every_setting_of_a_profile_is_described():
    untold = {"allow_http", "allow_private_store", "signing_key"}
    assert set(PROFILE) | untold == set(PROFILE_KEYS)


def test_every_variable_of_ours_that_is_read_is_described():
    source = "".join(
        path.read_text(encoding="utf-8") for path in Path(bindist_cli.__file__).parent.rglob("*.py")
    )
    assert set(re.findall(r"\bBINDIST_[A-Z_]*[A-Z]\b", source)) <= set(ENVIRONMENT)


# What makes no sense


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"BINDIST_TIMEOUT": "soon"}, "BINDIST_TIMEOUT must be a number, not 'soon'"),
        ({"BINDIST_RETRIES": "1.5"}, "BINDIST_RETRIES must be a number"),
        ({"BINDIST_TIMEOUT": "0"}, "more than 0 seconds"),
        ({"BINDIST_TIMEOUT": "nan"}, "more than 0 seconds"),
        ({"BINDIST_OUTPUT": "xml"}, "unknown output format 'xml'"),
        ({"BINDIST_STORE_ETAG": "sha1"}, "invalid value for store_etag: 'sha1'"),
        ({"BINDIST_PROFILE": "nobody"}, "there is no profile 'nobody'"),
    ],
)
def test_an_invalid_variable_is_a_usage_error(env, words):
    with pytest.raises(CliError, match=words) as caught:
        resolve({}, env, {})
    assert caught.value.exit is Exit.USAGE


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("api_url", 5),
        ("output", ["json"]),
        ("timeout", "30"),
        ("timeout", True),
        ("retries", 1.5),
        ("retries", False),
        ("allow_http", "yes"),
        ("store_etag", True),
    ],
)
def test_a_profile_value_of_the_wrong_type_is_an_error_that_names_it(name, wrong):
    with pytest.raises(CliError, match=f"{name} of profile 'default' must be of type"):
        resolve({}, {}, {"profiles": {"default": {name: wrong}}})


def test_an_unknown_setting_is_ignored():
    config = {"profiles": {"default": {"from_the_future": 1, "timeout": 5}}}
    assert resolve({}, {}, config) == resolve({}, {}, {"profiles": {"default": {"timeout": 5}}})


@pytest.mark.parametrize("wrong", [{"profiles": 5}, {"profiles": {"default": "x"}}])
def test_profiles_that_are_not_tables_are_an_error(wrong):
    with pytest.raises(CliError, match="each profile must be a table"):
        resolve({}, {}, wrong)


def test_an_unknown_profile_is_an_error_that_lists_the_known_ones(invoke, profile):
    profile("[profiles.work]\n")
    result = invoke("apps", "list", "--profile", "wrok")
    assert result.exit_code == 2
    assert "profiles: default, sandbox, work" in result.stderr


def test_invalid_toml_is_an_error_that_names_file_and_line(invoke, profile):
    folder = profile("[profiles.default]\n\napi_url = \n")
    result = invoke("apps", "list")
    assert result.exit_code == 2
    assert str(folder / "config.toml") in result.stderr
    assert "line 3" in result.stderr


def test_a_file_that_is_not_text_is_a_usage_error(invoke, environment):
    environment.mkdir()
    (environment / "config.toml").write_bytes(b"\xff\xfe\x00")
    result = invoke("apps", "list")
    assert (result.exit_code, "cannot read" in result.stderr) == (2, True)


def test_a_file_with_a_byte_order_mark_is_read(environment):
    environment.mkdir()
    (environment / "config.toml").write_text("profile = 'x'", encoding="utf-8-sig")
    assert load_config(environment) == {"profile": "x"}


def test_the_sandbox_has_an_address_of_its_own(invoke):
    result = invoke("--profile", "sandbox", "--api-url", "https://example.com", "apps", "list")
    assert (result.exit_code, "its own address" in result.stderr) == (2, True)


# The key


def test_the_key_of_the_environment_wins_over_the_profiles(profile):
    folder = profile(default="stored")
    env = {"BINDIST_CONFIG_DIR": str(folder), "BINDIST_API_KEY": " given \n"}
    assert find_key(resolve({}, env, {}), env).value == "given"


def test_the_key_of_the_profile_is_found(profile):
    folder = profile(default="stored")
    env = {"BINDIST_CONFIG_DIR": str(folder)}
    assert find_key(resolve({}, env, {}), env).value == "stored"


def test_the_key_of_another_profile_is_not_used(profile):
    env = {"BINDIST_CONFIG_DIR": str(profile(work="stored"))}
    with pytest.raises(CliError, match="no API key found") as caught:
        find_key(resolve({}, env, {}), env)
    assert caught.value.exit is Exit.NOT_AUTHENTICATED


def test_a_key_is_read_from_a_key_file(tmp_path):
    (tmp_path / "key").write_text("\ufefffrom-file\n", encoding="utf-8")
    env = {"BINDIST_API_KEY_FILE": str(tmp_path / "key")}
    assert key_from_environment(env).value == "from-file"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_key_file_without_a_key_is_a_usage_error(tmp_path, content):
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(CliError, match="BINDIST_API_KEY_FILE") as caught:
        key_from_environment({"BINDIST_API_KEY_FILE": str(tmp_path / "key")})
    assert caught.value.exit is Exit.USAGE


def test_the_two_halves_of_a_hosted_key_are_joined():
    env = {"BINDIST_TENANT_ID": "tenant", "BINDIST_API_SECRET": "secret"}
    assert key_from_environment(env).value == "tenant.secret"


@pytest.mark.parametrize(
    "names",
    [
        ("BINDIST_API_KEY", "BINDIST_API_KEY_FILE"),
        ("BINDIST_API_KEY", "BINDIST_API_SECRET", "BINDIST_TENANT_ID"),
        ("BINDIST_TENANT_ID",),
        ("BINDIST_API_SECRET",),
    ],
)
def test_two_keys_or_half_a_key_are_a_usage_error(names):
    with pytest.raises(CliError) as caught:
        key_from_environment(dict.fromkeys(names, "x"))
    assert caught.value.exit is Exit.USAGE


@pytest.mark.parametrize("name", ["API_KEY", "TENANT_ID", "API_SECRET"])
def test_generic_names_are_not_read(name):
    assert key_from_environment({name: "another service's"}) is None


def test_no_repr_shows_the_key():
    assert "hush" not in repr(key_from_environment({"BINDIST_API_KEY": "hush"}))


@pytest.mark.parametrize("how", ["flag", "environment"])
def test_the_key_of_a_profile_is_never_sent_to_another_address(
    invoke, server, profile, monkeypatch, how
):
    profile("[profiles.default]\napi_url = 'https://own.example'\n", default="stored")
    if how == "flag":
        result = invoke("apps", "list", "--api-url", server.url)
    else:
        monkeypatch.setenv("BINDIST_API_URL", server.url)
        result = invoke("apps", "list")
    assert result.exit_code == 2
    assert "is for https://own.example" in result.stderr
    assert server.requests == []


def test_the_key_of_a_profile_is_sent_to_its_own_address(invoke, server, profile):
    profile(f"[profiles.default]\napi_url = '{server.url}/'\n", default=server.keys.admin)
    assert invoke("apps", "list", "--api-url", server.url).exit_code == 0


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://192.168.0.1", False),
        ("http://localhost:1", True),
        ("http://127.8.0.1:1", True),
        ("http://[::1]:1", True),
        ("https://example.com", True),
    ],
)
def test_the_key_is_sent_over_plain_http_only_to_this_machine(url, sent):
    env = {"BINDIST_API_KEY": "key", "BINDIST_API_URL": url}
    if sent:
        assert find_key(resolve({}, env, {}), env).value == "key"
    else:
        with pytest.raises(CliError, match="unencrypted, over http"):
            find_key(resolve({}, env, {}), env)


def test_a_profile_can_allow_plain_http():
    env = {"BINDIST_API_KEY": "key"}
    allowing = {"profiles": {"default": {"api_url": "http://example.com", "allow_http": True}}}
    assert find_key(resolve({}, env, allowing), env).value == "key"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_keys_that_others_can_read_are_not_used(invoke, profile, mode):
    path = profile(default="stored") / "credentials.toml"
    path.chmod(mode)
    result = invoke("apps", "list")
    assert result.exit_code == 2
    assert f"chmod 600 {path}" in result.stderr


def test_nothing_is_read_from_the_current_directory(invoke, inside):
    (inside / "config.toml").write_text("broken =")
    (inside / "credentials.toml").write_text("[profiles.default]\nkey = 'planted'\n")
    (inside / ".env").write_text("BINDIST_API_KEY=planted\n")
    assert invoke("apps", "list").exit_code == 4


def test_settings_of_a_profile_are_used(invoke, server, profile):
    profile(f"[profiles.work]\napi_url = '{server.url}'\noutput = 'json'\n", work=server.keys.admin)
    result = invoke("--profile", "work", "apps", "list")
    assert json.loads(result.stdout) == []
