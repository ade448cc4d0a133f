"""What each kind of request must come to under each fault of the sandbox.

A cell is OUTCOME/REQUESTS[+URLS]:

    ok          the right result in spite of it
    lost        TransportError, ambiguous: it may have been carried out
    unsent      TransportError, not ambiguous
    invalid     a failed answer: 2xx with the code INVALID_RESPONSE
    404         a failed answer with this status, and the code that CODES has for it
    wrong       IntegrityError
    /2          after so many requests, all tries counted
    /*          after all tries that a download has without a new byte: 3, or 2 after a cut
    +1          having asked for so many URLs more than one

The clients of the matrix have RETRIES 2: a call and a file are tried 3 times. `read`
is what the API may be asked twice, `change` everything else; `stream`, `file`, `first` and `put`
are the object store's: a GET into memory, a GET to disk, a GET of the first byte alone, a PUT.
"""

from __future__ import annotations

from typing import NamedTuple

RETRIES = 2
TRIES = 3
"""Of a download without a new byte."""

API = """
                    read                change
fault               once      for ever  once      for ever
refuse              ok/2      lost/3    lost/1    lost/1
stall:60            ok/2      lost/3    lost/1    lost/1
reset-request:0     ok/2      lost/3    lost/1    lost/1
lost                ok/2      lost/3    lost/1    lost/1
reset:0             ok/2      lost/3    lost/1    lost/1
reset:9             ok/2      lost/3    lost/1    lost/1
cut:0               ok/2      lost/3    lost/1    lost/1
cut:9               ok/2      lost/3    lost/1    lost/1
length:9            ok/2      lost/3    lost/1    lost/1
stall-body:9/60     ok/2      lost/3    lost/1    lost/1
status:429          ok/2      429/3     ok/2      429/3
status:429/0        ok/2      429/3     ok/2      429/3
html:502            ok/2      502/3     502/1     502/1
status:503          ok/2      503/3     503/1     503/1
empty:503           ok/2      503/3     503/1     503/1
status:504          ok/2      504/3     504/1     504/1
status:500          500/1     500/1     500/1     500/1
text:500            500/1     500/1     500/1     500/1
status:404          404/1     404/1     404/1     404/1
redirect:ELSEWHERE  302/1     302/1     302/1     302/1
redirect-loop       302/1     302/1     302/1     302/1
not-json            invalid/1 invalid/1 invalid/1 invalid/1
json-array          invalid/1 invalid/1 invalid/1 invalid/1
empty:200           invalid/1 invalid/1 invalid/1 invalid/1
text:200            invalid/1 invalid/1 invalid/1 invalid/1
flip:0              invalid/1 invalid/1 invalid/1 invalid/1
length:-9           invalid/1 invalid/1 invalid/1 invalid/1
gzip                ok/1      ok/1      ok/1      ok/1
slow:99000000       ok/1      ok/1      ok/1      ok/1
strict-crc          ok/1      ok/1      ok/1      ok/1
etag:other          ok/1      ok/1      ok/1      ok/1
range-lie           ok/1      ok/1      ok/1      ok/1
range-ignore        ok/1      ok/1      ok/1      ok/1
expire              ok/1      ok/1      ok/1      ok/1
quota               ok/1      ok/1      ok/1      ok/1
"""

STORE = """
                    stream              file                put
fault               once      for ever  once      for ever  once      for ever
refuse              ok/2      lost/*    ok/2      lost/*    ok/2      lost/3
stall:60            ok/2      lost/*    ok/2      lost/*    ok/2      lost/3
reset-request:1000  ok/2      lost/*    ok/2      lost/*    ok/2      lost/3
lost                ok/2      lost/*    ok/2      lost/*    ok/2      lost/3
reset:0             ok/2      lost/*    ok/2      lost/*    ok/1      ok/1
reset:1000          ok/2      lost/*    ok/2      lost/*    ok/1      ok/1
cut:0               ok/2      lost/*    ok/2      lost/*    ok/1      ok/1
cut:1000            ok/2      ok/3      ok/2      ok/3      ok/1      ok/1
stall-body:0/60     ok/2      lost/*    ok/2      lost/*    ok/1      ok/1
stall-body:1000/60  ok/2      lost/*    ok/2      lost/*    ok/1      ok/1
status:429          ok/2      429/*     ok/2      429/*     ok/2      429/3
status:429/0        ok/2      429/*     ok/2      429/*     ok/2      429/3
status:500          ok/2      500/*     ok/2      500/*     ok/2      500/3
text:500            ok/2      500/*     ok/2      500/*     ok/2      500/3
html:502            ok/2      502/*     ok/2      502/*     ok/2      502/3
status:503          ok/2      503/*     ok/2      503/*     ok/2      503/3
empty:503           ok/2      503/*     ok/2      503/*     ok/2      503/3
status:504          ok/2      504/*     ok/2      504/*     ok/2      504/3
status:404          404/1     404/1     404/1     404/1     404/1     404/1
redirect:ELSEWHERE  404/1     404/1     404/1     404/1     302/1     302/1
redirect-loop       ok/2      unsent/10 ok/2      unsent/10 302/1     302/1
expire              ok/2+1    403/2+1   ok/2+1    403/2+1   ok/2+1    403/2+1
not-json            wrong/1   wrong/1   ok/2+1    wrong/3+2 ok/2      invalid/3
json-array          wrong/1   wrong/1   ok/2+1    wrong/3+2 ok/2      invalid/3
empty:200           wrong/1   wrong/1   ok/2+1    wrong/3+2 ok/2      invalid/3
text:200            wrong/1   wrong/1   ok/2+1    wrong/3+2 ok/2      invalid/3
length:9            wrong/1   wrong/1   ok/2+1    wrong/3+2 ok/1      ok/1
length:-9           wrong/1   wrong/1   ok/2+1    wrong/3+2 ok/1      ok/1
gzip                wrong/1   wrong/1   wrong/1   wrong/1   ok/1      ok/1
flip:1000           wrong/1   wrong/1   wrong/1   wrong/1   ok/1      ok/1
etag:OTHER_MD5      ok/1      ok/1      ok/1      ok/1      wrong/1   wrong/1
etag:opaque         ok/1      ok/1      ok/1      ok/1      ok/1      ok/1
range-lie           ok/1      ok/1      ok/1      ok/1      ok/1      ok/1
range-ignore        ok/1      ok/1      ok/1      ok/1      ok/1      ok/1
slow:99000000       ok/1      ok/1      ok/1      ok/1      ok/1      ok/1
strict-crc          ok/1      ok/1      ok/1      ok/1      400/1     400/1
quota               ok/1      ok/1      ok/1      ok/1      ok/1      ok/1
"""

FIRST = """
                    first
fault               once      for ever
refuse              ok/2      lost/*
stall:60            ok/2      lost/*
reset-request:1000  ok/2      lost/*
lost                ok/2      lost/*
reset:0             ok/2      lost/*
reset:1000          ok/1      ok/1
cut:0               ok/2      lost/*
cut:1000            ok/1      ok/1
stall-body:0/60     ok/2      lost/*
stall-body:1000/60  ok/1      ok/1
status:429          ok/2      429/*
status:429/0        ok/2      429/*
status:500          ok/2      500/*
text:500            ok/2      500/*
html:502            ok/2      502/*
status:503          ok/2      503/*
empty:503           ok/2      503/*
status:504          ok/2      504/*
status:404          wrong/1   wrong/1
redirect:ELSEWHERE  wrong/1   wrong/1
redirect-loop       ok/2      unsent/10
expire              ok/2+1    403/2+1
not-json            ok/2      wrong/2
json-array          ok/2      wrong/2
empty:200           ok/2      wrong/2
text:200            ok/2      wrong/2
length:9            ok/2      wrong/2
length:-9           ok/2      wrong/2
gzip                wrong/1   wrong/1
flip:1000           ok/1      ok/1
etag:OTHER_MD5      ok/1      ok/1
etag:opaque         ok/1      ok/1
range-lie           ok/2      ok/2
range-ignore        ok/2      ok/2
slow:99000000       ok/1      ok/1
strict-crc          ok/1      ok/1
quota               ok/1      ok/1
"""

# What differs where a download was cut before: the request under the fault then asks for a range.
AFTER_A_CUT = """
                    stream              file
fault               once      for ever  once      for ever
cut:1000            ok/2      ok/2      ok/2      ok/2
etag:OTHER_MD5      wrong/1   wrong/1   ok/2+1    ok/2+1
etag:opaque         wrong/1   wrong/1   ok/2+1    ok/2+1
range-lie           wrong/1   wrong/1   ok/2+1    ok/2+1
range-ignore        wrong/1   wrong/1   ok/2+1    ok/2+1
"""

# What differs for requests that hand out a URL of the store: where it is only handed out, and where
# it is used as well.
HANDS_OUT = """
                    upload
fault               once      for ever
quota               413/1     413/1
"""
USES = """
                    url                 upload
fault               once      for ever  once      for ever
expire              ok/2      403/2     ok/2      403/2
quota               ok/1      ok/1      413/1     413/1
"""

# A request under one of these faults has been carried out; under any other it has not.
CARRIED_OUT = frozenset(
    {"lost", "reset", "cut", "length", "flip", "gzip", "etag", "slow", "stall-body"}
    | {"range-lie", "range-ignore", "expire", "quota", "strict-crc"}
)
STALLS = frozenset({"stall", "stall-body"})

CODES = {
    302: "REDIRECT",
    400: "SIGNED_CHECKSUM",
    403: "AccessDenied",  # the store's own
    404: "NOT_FOUND",
    413: "PAYLOAD_TOO_LARGE",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_ERROR",
    502: "BAD_GATEWAY",
    503: "SERVICE_UNAVAILABLE",
    504: "GATEWAY_TIMEOUT",
}
CLASSES = {
    302: "ApiError",
    400: "ApiError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    413: "QuotaError",
    429: "RateLimitError",
    500: "ServerError",
    502: "ServerError",
    503: "ServerError",
    504: "ServerError",
}


class Cell(NamedTuple):
    outcome: str
    requests: int  # 0 for all tries
    more_urls: int


Table = dict[tuple[str, str], tuple[Cell, Cell]]
"""(kind of request, fault) -> what is required where it happens once, and where it stays."""


def read_table(text: str) -> Table:
    kinds, _, *rows = text.strip("\n").splitlines()
    table: Table = {}
    for row in rows:
        fault, *cells = row.split()
        pairs = zip(cells[::2], cells[1::2], strict=True)
        for kind, (once, ever) in zip(kinds.split(), pairs, strict=True):
            table[kind, fault] = (_cell(once), _cell(ever))
    return table


def _cell(text: str) -> Cell:
    outcome, _, counts = text.partition("/")
    requests, _, more = counts.partition("+")
    return Cell(outcome, 0 if requests == "*" else int(requests), int(more or 0))


def kind_of(fault: str) -> str:
    """The sandbox's name for a fault."""
    return fault.partition(":")[0]
