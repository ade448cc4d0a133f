"""File names that S3 refuses to hand out: refused where the object store is Amazon's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, ApiError, FileNameError
from bindist.http.url_policy import is_amazon
from bindist.sandbox import SandboxServer
from bindist.sandbox.steps import Like
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY, CUSTOMER_KEY

NAME, WORKS = "Überblick – 日本語.pdf", "Überblick - _.pdf"
BUCKET = "releases.s3.eu-central-1.amazonaws.com"
CONTENT = b"overview"


@pytest.fixture
def server(tmp_path: Path, like: Like, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """A server whose object store is a bucket of Amazon's, as far as a client can tell."""
    with SandboxServer(
        tmp_path / "server",
        like=like,
        catalogue=False,
        admin_key=ADMIN_KEY,
        apps_admin_key=APPS_ADMIN_KEY,
        customer_key=CUSTOMER_KEY,
        store_host=BUCKET,
    ) as running:
        monkeypatch.setenv("HTTP_PROXY", running.url)
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / NAME
    found.write_bytes(CONTENT)
    return found


Upload = Callable[..., Any]
WAYS: dict[str, Upload] = {
    "publish": lambda client, path, **how: client.publish("tool", "1.0", path, **how),
    "publish inline": lambda client, path, **how: client.publish(
        "tool", "1.0", path, file_type="MAIN", **how
    ),
    "upload_file": lambda client, path, **how: client.upload_file("tool", "1.0", path, **how),
    "upload_file inline": lambda client, path, **how: client.upload_file(
        "tool", "1.0", path, file_type="MAIN", **how
    ),
    "upload_large_file": lambda client, _, **how: client.upload_large_file(
        "tool", "1.0", NAME, CONTENT, **how
    ),
    "upload_small_file": lambda client, _, **how: client.upload_small_file(
        "tool", "1.0", NAME, CONTENT, **how
    ),
}
ways = pytest.mark.parametrize("upload", WAYS.values(), ids=WAYS)


def sent(server: SandboxServer) -> list[str]:
    """What changed anything."""
    return [
        each.path
        for each in server.requests
        if each.method == "PUT" or each.path.endswith(("/upload", "/large-complete"))
    ]


@ways
def test_a_name_that_amazon_could_not_hand_out_is_refused_before_any_byte_is_sent(
    admin: AdminClient, application: str, path: Path, server: SandboxServer, upload: Upload
) -> None:
    with pytest.raises(FileNameError, match="– 日 本 語") as caught:
        upload(admin, path)
    assert caught.value.names == {NAME: WORKS}
    assert sent(server) == []
    upload(admin, path, allow_any_name=True)
    assert [row["fileName"] for row in rows(admin)] == [NAME]


def rows(admin: AdminClient) -> list[dict[str, Any]]:
    return admin.list_version_files("tool", "1.0").rows("files")


def test_a_preview_refuses_it_too(admin: AdminClient, application: str, path: Path) -> None:
    with pytest.raises(FileNameError):
        admin.preview_publish("tool", "1.0", path)
    assert admin.preview_publish("tool", "1.0", path, allow_any_name=True).status == "created"


@pytest.mark.server
def test_only_what_is_like_aws_refuses_its_download(
    admin: AdminClient, application: str, path: Path, like: Like
) -> None:
    admin.publish("tool", "1.0", path, allow_any_name=True, enable=True)
    if like != "aws":
        assert admin.download_file("tool", "1.0")[0] == CONTENT
        return
    with pytest.raises(ApiError, match="ISO-8859-1") as caught:
        admin.download_file("tool", "1.0")
    assert (caught.value.status_code, caught.value.code) == (400, "InvalidArgument")


@pytest.mark.server
@pytest.mark.parametrize("name", [WORKS, "plain.pdf", "ﬁle.pdf"])
def test_the_name_that_is_suggested_works_everywhere(
    admin: AdminClient, application: str, path: Path, name: str, server: SandboxServer
) -> None:
    server.requests.clear()
    admin.publish("tool", "1.0", path, file_name=name, enable=True)
    asked = [each for each in server.requests if each.path.endswith("/large-url")]
    assert len(asked) == 1, "nothing is asked of a name that is not in doubt"
    assert admin.download_file("tool", "1.0")[0] == CONTENT


def test_a_version_that_exists_is_compared_not_refused(
    admin: AdminClient, application: str, path: Path
) -> None:
    admin.publish("tool", "1.0", path, allow_any_name=True)
    assert admin.publish("tool", "1.0", path).status == "unchanged"
    assert admin.upload_file("tool", "1.0", path).status_code == 409


@pytest.mark.parametrize("preview", [True, False])
def test_elsewhere_a_sentence_says_where_it_would_not_work(
    tmp_path: Path, path: Path, preview: bool
) -> None:
    told: list[str] = []
    with (
        SandboxServer(tmp_path / "other", admin_key=ADMIN_KEY) as server,
        AdminClient(server.url, ADMIN_KEY) as client,
    ):
        call = client.preview_publish if preview else client.publish
        assert call("harbor", "9.0", path, notify=told.append).status == "created"
    assert [NAME in each and "Amazon" in each for each in told] == [True]


def test_the_program_says_what_works(
    admin: AdminClient,
    application: str,
    path: Path,
    server: SandboxServer,
    at_server: SandboxServer,
    invoke: Callable[..., Any],
) -> None:
    words = "versions", "upload", "tool", "1.0", str(path)
    for options in ((), ("--dry-run",)):
        refused = invoke(*words, *options)
        assert refused.exit_code == 2
        assert f"--name '{WORKS}'" in refused.stderr
        assert "--allow-any-name" in refused.stderr
    other = path.with_name("–.exe")
    other.write_bytes(b"x")
    assert "-.exe would work" not in invoke(*words, str(other)).stderr
    assert "–.exe: file.exe would work" in invoke(*words, str(other)).stderr
    assert sent(server) == []
    assert invoke(*words, "--allow-any-name", "--enable").exit_code == 0
    assert invoke(*words, "--name", WORKS).exit_code == 6, "the version has the other name"


@pytest.mark.parametrize(
    ("host", "amazons"),
    [
        (BUCKET, True),
        ("s3.AMAZONAWS.com:443", True),
        ("releases.s3.cn-north-1.amazonaws.com.cn", True),
        ("releases.s3.eusc-de-east-1.amazonaws.eu.", True),
        ("s3.fr-par.scw.cloud", False),
        ("amazonaws.com.example.org", False),
        ("notamazonaws.com", False),
        ("127.0.0.1:9000", False),
    ],
)
def test_the_host_alone_tells_whether_a_store_is_amazons(host: str, amazons: bool) -> None:
    assert is_amazon(f"https://{host}/key?X-Amz-Expires=1800") is amazons
