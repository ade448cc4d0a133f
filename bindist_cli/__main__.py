"""The entry point of `bindist` and of `python -m bindist_cli`."""

from __future__ import annotations

import sys

# `python -m` puts the current directory first: a json.py there would be imported as ours. It stays
# where it is the folder that this package was itself imported from, as in a checkout.
if (
    __name__ == "__main__"
    and not getattr(sys.flags, "safe_path", False)
    and __file__.rpartition("bindist_cli")[0][:-1] != sys.path[0]
):
    del sys.path[0]

import gc
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


INTERRUPTED = 130
_GARBAGE = 100_000  # allocations before the first collection


def main() -> NoReturn:
    """Runs the command line and ends the process."""
    # Imports allocate much and free little: collecting would cost a tenth of a short command.
    gc.set_threshold(_GARBAGE)
    try:
        _open_streams()
        _run()
        code = 0
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    except KeyboardInterrupt as error:  # during imports; `cli` reports later ones
        code = _exit_code(error)
    _leave(code)


def _exit_code(error: KeyboardInterrupt) -> int:
    number = getattr(error, "number", None)  # of a signal other than SIGINT
    return INTERRUPTED if number is None else 128 + int(number)


def _open_streams() -> None:
    """Opens those of the standard streams that the caller has closed.

    Otherwise the first connection would reuse one of their descriptors. A closed stdout becomes
    read-only, so that printing a result, which would be lost, is an error.
    """
    for name, flags, mode in (
        ("stdin", os.O_RDONLY, "r"),
        ("stdout", os.O_RDONLY, "w"),
        ("stderr", os.O_WRONLY, "w"),
    ):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, flags), mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _leave(code: int) -> NoReturn:
    """Flushes the output and ends the process.

    Skips the interpreter's shutdown, which takes as long as a request: nothing else is open.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):  # full disk, closed or missing stream
        code = code or 1
    except KeyboardInterrupt as error:
        code = _exit_code(error)
    os._exit(code)


def _run() -> None:
    if sys.argv[1:] == ["--version"]:  # scripts ask often: answer without imports
        from bindist import __version__

        try:
            print(f"bindist {__version__}", flush=True)
        except OSError:  # stdout is closed or full
            sys.exit(1)
        sys.exit(0)
    if instruction := os.environ.get("_BINDIST_COMPLETE"):
        from .completion.engine import complete

        complete(instruction, os.environ)
        return
    for stream in (sys.stdout, sys.stderr):
        # Escape characters that the encoding lacks, instead of raising UnicodeEncodeError.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    from .cli import cli

    cli.main(prog_name="bindist")


if __name__ == "__main__":
    main()
