"""What each operation must come to at each odd server.

A cell is `ok`, or the exit code and what was said: the error's code, `lost` for a TransportError
that is ambiguous, `wrong` for an IntegrityError. `once` is where the server is odd for the first
request that the mode is about, `for ever` where it stays so; modes that are not limited in number
have the same in both. The clients have RETRIES 2.

An upload is a release of one file, a download goes to disk over several connections, a list is the
first page of applications.
"""

from __future__ import annotations

OUTCOMES = """
                       upload                                     download              list
mode                   once                 for ever              once      for ever    once      for ever
plain                  ok                   ok                    ok        ok          ok        ok

early400               2:EntityTooLarge     2:EntityTooLarge      ok        ok          ok        ok
early400-reset         2:EntityTooLarge     2:EntityTooLarge      ok        ok          ok        ok
early400-linger        2:EntityTooLarge     2:EntityTooLarge      ok        ok          ok        ok
early-request-timeout  ok                   7:RequestTimeout      ok        ok          ok        ok
early-success          8:wrong              8:wrong               ok        ok          ok        ok
request-timeout        ok                   7:RequestTimeout      ok        ok          ok        ok
put408                 ok                   7:HTTP_408            ok        ok          ok        ok
put425                 ok                   7:HTTP_425            ok        ok          ok        ok
put413                 1:REQUEST_TOO_LARGE  1:REQUEST_TOO_LARGE   ok        ok          ok        ok
put301                 1:PermanentRedirect  1:PermanentRedirect   ok        ok          ok        ok
put307                 7:TemporaryRedirect  7:TemporaryRedirect   ok        ok          ok        ok
put307-empty           7:TemporaryRedirect  7:TemporaryRedirect   ok        ok          ok        ok
put308                 1:PermanentRedirect  1:PermanentRedirect   ok        ok          ok        ok
slow-down              ok                   7:SlowDown            ok        ok          ok        ok
encrypted              8:wrong              8:wrong               ok        ok          ok        ok
silent                 ok                   7:lost                ok        7:lost      ok        ok
silent-early           ok                   7:lost                ok        7:lost      ok        ok

limit1                 ok                   ok                    ok        ok          ok        ok
limit2                 ok                   ok                    ok        ok          ok        ok
limit1-reset           ok                   ok                    ok        ok          ok        ok
limit2-reset           ok                   ok                    ok        ok          ok        ok
weak                   ok                   ok                    ok        7:lost      ok        ok
no-if-match            ok                   ok                    ok        ok          ok        ok
other-etags            ok                   ok                    ok        ok          ok        ok
star-range             ok                   ok                    ok        ok          ok        ok
says-gzip              ok                   ok                    8:wrong   8:wrong     ok        ok

100                    ok                   ok                    ok        ok          ok        ok
102                    ok                   ok                    ok        ok          ok        ok
103                    ok                   ok                    ok        ok          ok        ok
drip                   ok                   ok                    ok        ok          ok        ok
http10                 ok                   ok                    ok        ok          ok        ok
no-length              ok                   ok                    ok        ok          ok        ok
chunked                ok                   ok                    ok        ok          ok        ok
no-reason              ok                   ok                    ok        ok          ok        ok
lower                  ok                   ok                    ok        ok          ok        ok
duplicate-headers      ok                   ok                    ok        ok          ok        ok

api408                 ok                   7:HTTP_408            ok        7:HTTP_408  ok        7:HTTP_408
api425                 ok                   7:HTTP_425            ok        7:HTTP_425  ok        7:HTTP_425
silent-api             ok                   7:lost                ok        7:lost      ok        7:lost
api502-html            ok                   7:BAD_GATEWAY         ok        7:BAD_GATEWAY  ok     7:BAD_GATEWAY
api403-html            5:FORBIDDEN          5:FORBIDDEN           5:FORBIDDEN  5:FORBIDDEN  5:FORBIDDEN  5:FORBIDDEN
api404-html            ok                   3:NOT_FOUND           3:NOT_FOUND  3:NOT_FOUND  3:NOT_FOUND  3:NOT_FOUND
no-route               1:NO_SUCH_PATH       1:NO_SUCH_PATH        1:NO_SUCH_PATH  1:NO_SUCH_PATH  1:NO_SUCH_PATH  1:NO_SUCH_PATH
write413               ok                   1:REQUEST_TOO_LARGE   ok        ok          ok        ok
write425               ok                   7:HTTP_425            ok        ok          ok        ok
nginx413               ok                   ok                    ok        ok          ok        ok
gzip-json              ok                   ok                    ok        ok          ok        ok
bom-json               ok                   ok                    ok        ok          ok        ok
utf16-json             ok                   ok                    ok        ok          ok        ok
prefixed-json          1:INVALID_RESPONSE   1:INVALID_RESPONSE    1:INVALID_RESPONSE  1:INVALID_RESPONSE  1:INVALID_RESPONSE  1:INVALID_RESPONSE
big-numbers            ok                   ok                    ok        ok          ok        ok
float-sizes            ok                   ok                    8:wrong   8:wrong     ok        ok
exponent-sizes         ok                   ok                    8:wrong   8:wrong     ok        ok
text-sizes             8:wrong              8:wrong               8:wrong   8:wrong     ok        ok
"""  # noqa: E501

OVER_TLS = (
    "early400",
    "early400-reset",
    "early400-linger",
    "early-request-timeout",
    "request-timeout",
    "103",
    "limit2-reset",
)
"""Modes that are tried over TLS as well, where a broken connection looks different."""

OPERATIONS = ("upload", "download", "list")


def read_table(text: str) -> dict[tuple[str, str], tuple[str, str]]:
    """(mode, operation) -> what is required where the mode strikes once, and where it stays."""
    table: dict[tuple[str, str], tuple[str, str]] = {}
    for line in text.strip("\n").splitlines()[2:]:
        if line:
            mode, *cells = line.split()
            pairs = zip(cells[::2], cells[1::2], strict=True)
            table |= {(mode, name): pair for name, pair in zip(OPERATIONS, pairs, strict=True)}
    return table
