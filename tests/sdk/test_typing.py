"""What an editor knows of the SDK: a small program, looked at by mypy as a user's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A line without a comment must please mypy; one with a comment must make it say that.
PROGRAM = """
from typing import Any
from typing_extensions import assert_type
from bindist import AdminClient, ApiResponse, Application, ApplicationCustomer, AuditEvent
from bindist import CustomerClient, Version, Versions

client = CustomerClient("https://api.bindist.eu", "key")
admin = AdminClient("https://api.bindist.eu", "key")

for app in client.iter_applications():
    assert_type(app, Application)
    assert_type(app["applicationId"], str)
    assert_type(app.get("customers", []), list[ApplicationCustomer])
    app["applicationID"]  # typeddict-item
    app.nothing  # attr-defined

versions = client.list_versions("acme")
assert_type(versions, ApiResponse[Versions])
assert_type(versions.raise_for_error(), ApiResponse[Versions])
assert_type(versions.require(), dict[str, Any])
versions.data["versions"]  # index
if versions.data:
    newest: Version = versions.data["versions"][0]
    newest["releaseNotes"].strip()  # union-attr

content, told = client.download_file("acme", "1.0")
assert_type(told["fileSize"], int)

with admin as same:
    made = same.create_customer("Acme")
    assert made.data
    assert_type(made.data["apiKey"], str)
    for event in same.iter_audit_events():
        assert_type(event, AuditEvent)

def names(apps: list[Application]) -> list[str]:
    return [app["name"] for app in apps]

def check(answer: ApiResponse) -> bool:
    return answer.success

check(versions)
check(admin.delete_application("acme"))
check(admin.request("GET", "/v1/activity"))
"""


@pytest.mark.slow
def test_a_users_program_is_checked_down_to_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mypy import api  # takes long, and is of use here alone

    tmp_path.joinpath("program.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)  # where no configuration of ours is
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    cache = str(ROOT / ".mypy_cache")
    said, wrong, _ = api.run(["--strict", "--cache-dir", cache, "program.py"])
    assert not wrong
    assert re.findall(r"program\.py:(\d+): error: .*\[(.+)\]", said) == [
        (str(number), line.partition("  # ")[2])
        for number, line in enumerate(PROGRAM.splitlines(), 1)
        if "  # " in line
    ], said


def test_a_response_annotation_works_at_run_time() -> None:
    from bindist import ApiResponse, Versions

    assert ApiResponse[Versions](True, 200, None, None, None, {}) == ApiResponse(
        True, 200, None, None, None, {}
    )
