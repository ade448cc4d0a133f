"""`bindist sandbox`, and the profile of that name."""

from __future__ import annotations

import os
import signal
import urllib.request
import uuid

import pytest

from bindist import AdminClient
from bindist.sandbox import LIKES
from bindist.sandbox.faults.plan import KINDS


@pytest.fixture
def serve(start):
    """Starts `sandbox serve`; returns the process and the line that it prints when it is ready."""

    def begin(*options):
        process = start("sandbox", "serve", *options)
        return process, process.stdout.readline().strip()

    return begin


def test_the_first_use_of_the_profile_creates_the_catalogue(answer):
    listed = answer("--profile", "sandbox", "apps", "list")
    assert [row["applicationId"] for row in listed] == ["harbor", "skylark", "tidewatch"]


def test_the_profile_needs_no_settings_and_no_key(bindist):
    done = bindist("--profile", "sandbox", "apps", "list")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_profile_ignores_other_addresses(answer, monkeypatch, refused_url):
    monkeypatch.setenv("BINDIST_API_URL", refused_url)
    assert len(answer("--profile", "sandbox", "apps", "list")) == 3


def test_data_persists_between_commands(answer):
    answer("--profile", "sandbox", "apps", "create", "mine")
    assert answer("--profile", "sandbox", "apps", "show", "mine")["name"] == "mine"


def test_a_customers_key_works_with_the_profile(answer, monkeypatch):
    made = answer("--profile", "sandbox", "customers", "create", "--name", "Initech")
    monkeypatch.setenv("BINDIST_API_KEY", made["apiKey"])
    assert answer("--profile", "sandbox", "apps", "list") == []


def test_share_is_refused_without_a_running_server(invoke):
    result = invoke("--profile", "sandbox", "versions", "share", "harbor", "1.0.0")
    assert result.exit_code == 1
    assert "`bindist sandbox serve`" in result.stderr


def test_path(invoke, environment):
    assert invoke("sandbox", "path").stdout == f"{environment / 'sandbox'}\n"


def test_path_in_json(answer, environment):
    assert answer("sandbox", "path") == {"path": str(environment / "sandbox")}


# serve


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_its_address_when_ready_and_ends_on_a_signal(serve, sent):
    process, url = serve()
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(url):
        pass
    caught.value.close()
    process.send_signal(sent)
    rest, talk = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")
    assert talk.endswith("stopped\n")


def test_serve_uses_the_given_keys_and_folder(serve, tmp_path):
    _, url = serve("--empty", "--data-dir", str(tmp_path / "data"), "--admin-key", "my-key")
    with AdminClient(url, "my-key") as client:
        assert client.list_applications().data["applications"] == []


def test_serve_can_start_like_a_new_server_on_aws(serve, tmp_path):
    words = "--like", "aws", "--fresh", "--data-dir", str(tmp_path / "data"), "--admin-key", "mine"
    process, url = serve(*words)
    with AdminClient(url, "mine") as client:
        assert client.list_customers().rows("customers") == []
        client.create_application("tool", "Tool").raise_for_error()
        (administrator,) = client.find_administrators()
    assert uuid.UUID(administrator)
    process.terminate()
    assert "customer's key" not in process.communicate(timeout=30)[1]


def test_serve_injects_the_given_fault(serve):
    _, url = serve("--fault", "status:418,path=/v1/applications", "--admin-key", "my-key")
    with AdminClient(url, "my-key") as client:
        assert client.list_applications().status_code == 418


def test_the_profile_uses_a_running_server(serve, answer):
    _, url = serve()
    shared = answer("--profile", "sandbox", "versions", "share", "harbor", "1.0.0")
    token = shared["token"]
    with urllib.request.urlopen(f"{url}/v1/downloads/d/{token}") as found:
        assert len(found.read()) == 51_200


def test_a_second_server_on_the_folder_is_refused(serve, invoke):
    _, url = serve()
    result = invoke("sandbox", "serve")
    assert result.exit_code == 1
    assert url in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--fresh", "--empty"),
        ("--port", "99999"),
        ("--fault", "no-such-fault"),
        ("--fault", "status:abc"),
    ],
    ids=" ".join,
)
def test_serve_refuses_invalid_options(invoke, options):
    assert invoke("sandbox", "serve", *options).exit_code == 2


def test_serve_reports_a_port_in_use(invoke, server):
    result = invoke("sandbox", "serve", "--port", server.url.rpartition(":")[2])
    assert result.exit_code == 1
    assert "choose another one" in result.stderr


@pytest.mark.parametrize("like", LIKES)
def test_serve_can_be_like_each_server(serve, like):
    _, url = serve("--like", like, "--fault", "slow-db=1", "--admin-key", "my-key")
    with AdminClient(url, "my-key") as client:
        assert client.list_applications().success


def test_the_help_of_serve_explains_every_kind_of_fault(invoke):
    text = " ".join(invoke("sandbox", "serve", "-h").stdout.split())
    assert [
        name for name, kind in KINDS.items() if f"{name}{kind.form} {kind.does}" not in text
    ] == []


# reset


def test_reset_starts_with_a_new_catalogue(answer):
    answer("--profile", "sandbox", "apps", "create", "mine")
    assert answer("sandbox", "reset", "--yes")["status"] == "removed"
    assert len(answer("--profile", "sandbox", "apps", "list")) == 3


def test_reset_without_data_succeeds(answer):
    assert answer("sandbox", "reset", "--yes")["status"] == "was not there"


def test_reset_asks_for_confirmation(invoke, answer):
    answer("--profile", "sandbox", "apps", "list")
    result = invoke("sandbox", "reset")
    assert (result.exit_code, "add --yes" in result.stderr) == (2, True)


def test_reset_removes_only_sandbox_folders(invoke, tmp_path):
    photo = tmp_path / "photos" / "photo.jpg"
    photo.parent.mkdir()
    photo.touch()
    result = invoke("sandbox", "reset", "--yes", "--data-dir", str(photo.parent))
    assert (result.exit_code, photo.exists()) == (1, True)


def test_reset_refuses_other_folders_before_it_asks(terminal, tmp_path):
    (tmp_path / "photo.jpg").touch()
    screen = terminal("sandbox", "reset", "--data-dir", str(tmp_path))
    assert screen.returncode == 1
    assert "not a sandbox's folder: nothing was removed" in " ".join(screen.text.split())
    assert "[y/N]" not in screen.text


def test_reset_refuses_the_folder_of_a_running_server(serve, invoke):
    serve()
    result = invoke("sandbox", "reset", "--yes")
    assert result.exit_code == 1
    assert "stop it first" in result.stderr


# demo


def test_demo_runs_to_its_end(bindist, environment):
    done = bindist("sandbox", "demo", BINDIST_API_KEY="somebody's")
    assert done.returncode == 0, done.stderr
    commands = [line for line in done.stdout.splitlines() if line.startswith("$ ")]
    assert len(commands) == 10
    assert "hello.tar.gz\tok" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Done.")
    assert "warning" not in done.stderr
    assert not environment.exists(), "its sandbox was one of its own"


@pytest.mark.skipif(os.name == "nt", reason="needs a shell of POSIX")
def test_serve_prints_the_lines_that_use_it(serve, shell):
    process, url = serve("--admin-key", "the key's own")
    lines = [process.stderr.readline().strip() for _ in range(4)]
    assert "to use it in another terminal, as the administrator:" in lines
    exports = [line for line in lines if line.startswith("export ")]
    assert exports[0] == f"export BINDIST_API_URL={url}"
    done = shell("\n".join([*exports, 'printf %s "$BINDIST_API_KEY"']))
    assert done.stdout == "the key's own"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def test_the_help_of_serve_explains_faults_with_their_defaults(invoke):
    text = " ".join(invoke("sandbox", "serve", "--help").stdout.split())
    for part in ("method=METHOD", "path=GLOB", "nth=N", "times=N"):
        assert part in text.partition("Parts of a fault:")[2].partition("Kinds of faults:")[0]
    for name, kind in KINDS.items():
        assert f" {name}{kind.form} " in text
    for default in ("[default: 502]", "[default: times=0]", "[default: 0]", "[default: 503]"):
        assert default in text
    assert "[default: path=*/upload/large-" in text
