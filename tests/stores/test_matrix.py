"""Every operation at every odd server comes to what the table requires.

Of a mode that strikes once and one that stays, each day tries one; all of it:

    WHOLE_MATRIX=1 pytest tests/stores
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from bindist import AdminClient, IntegrityError, TransportError
from bindist.errors import ApiError
from bindist_cli.exit_codes import exit_for
from bindist_cli.output.error_output import to_cli_error
from tests.sampling import is_due
from tests.stores.conftest import CONTENT, LISTED
from tests.stores.odd_server import LIMITS_ALONE, MODES, OddServer
from tests.stores.required import OPERATIONS, OUTCOMES, OVER_TLS, read_table

Odd = Callable[..., OddServer]
Connect = Callable[..., AdminClient]

REQUIRED = read_table(OUTCOMES)
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()
SILENT_SECONDS = 0.3
_numbers = count(1)


def upload(client: AdminClient, local: Path, _: Path) -> None:
    (row,) = client.publish("tool", f"9.{next(_numbers)}", local, settle=0, parallel=1).files
    assert row["checksum"] == CHECKSUM
    assert row["confirmed"], "the object store's MD5 is that of what was sent"


def download(client: AdminClient, _: Path, target: Path) -> None:
    client.download_to_file(*LISTED, target, connections=4)
    assert target.read_bytes() == CONTENT


def list_(client: AdminClient, *_: Path) -> None:
    assert client.list_applications().rows("applications")[0]["applicationId"] == "tool"


DO = dict(zip(OPERATIONS, (upload, download, list_), strict=True))


def outcome(do: Callable[[], None]) -> str:
    try:
        do()
    except (ApiError, TransportError, IntegrityError) as error:
        told = to_cli_error(error)
        assert "trusted" not in told.message
        if isinstance(error, ApiError):
            return f"{exit_for(error):d}:{error.code}"
        ambiguous = isinstance(error, TransportError) and error.ambiguous
        return f"{exit_for(error):d}:{'lost' if ambiguous else 'wrong'}"
    return "ok"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("mode", "tls"),
    [*((mode, False) for mode, _ in list(REQUIRED)[::3]), *((mode, True) for mode in OVER_TLS)],
    ids=str,
)
@pytest.mark.counts("faults")
def test_an_operation_has_the_required_outcome(
    odd: Odd,
    connect: Connect,
    local_file: Path,
    tmp_path: Path,
    mode: str,
    tls: bool,
    operation: str,
) -> None:
    place = list(REQUIRED).index((mode, operation)) + tls
    for number, required in enumerate(REQUIRED[mode, operation]):
        if not is_due(place + number, 2):
            continue
        server = odd(mode, times=None if number else 1, tls=tls)
        timeout = SILENT_SECONDS if mode.startswith("silent") else 20
        with connect(server.url, retries=2, timeout=(5, timeout)) as client:
            target = tmp_path / f"got-{number}"
            seen = outcome(lambda: DO[operation](client, local_file, target))  # noqa: B023
        assert seen == required
        assert target.exists() == (operation == "download" and seen == "ok")


def test_every_mode_is_in_the_table() -> None:
    assert {mode for mode, _ in REQUIRED} == MODES.keys() - LIMITS_ALONE
