"""File names: what a server may call a file, and what type it takes it for."""

from __future__ import annotations

import re
import unicodedata

from .errors import IntegrityError

_BY_EXTENSION = {
    "MAIN": "exe msi app dmg deb rpm appimage",
    "DEPENDENCY": "dll so dylib lib jar a",
    "CONFIGURATION": "json xml yaml yml conf config ini env",
    "DOCUMENTATION": "txt md pdf doc docx html htm rtf",
}
_TYPE_OF = {ext: kind for kind, exts in _BY_EXTENSION.items() for ext in exts.split()}

_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?")
_RESERVED = re.compile(r"""[/\\<>:"'|?*]""")
# Marks that change the reading direction make "exe.pdf" of "fdp.exe".
_BIDIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Characters that are not seen make two names of what looks like one.
INVISIBLE = (
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""The characters without width and those that set the reading direction, for a class of `re`."""
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
# What Unicode has no decomposition of, and what can stand for it.
_SIMILAR = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−•", "-"),
        **dict.fromkeys("‘’‚‛“”„‟", ""),
        **dict(zip("€œŒẞ", ("EUR", "oe", "OE", "SS"), strict=True)),
        **dict(zip("ıłŁđĐħĦŧŦ", "ilLdDhHtT", strict=True)),
    }
)
_MISSING = "\ufffd"


def server_name(name: str) -> str:
    """The name under which the server stores a file: `name` in Unicode's form NFKC.

    macOS hands out decomposed names (NFD), and NFKC replaces characters such as `ﬁ`. Two names are
    of one file where this gives the same.
    """
    return unicodedata.normalize("NFKC", name)


def beyond_latin_1(name: str) -> str:
    """The characters of a name, as the server stores it, that ISO 8859-1 lacks: above U+00FF.

    S3 refuses each download of a file with such a name: the server asks it, in every download URL
    that it signs, to repeat the name in a header.
    """
    return "".join(dict.fromkeys(each for each in server_name(name) if each > "\xff"))


def latin_1_name(name: str) -> str:
    """A similar name without the characters of `beyond_latin_1`, that the server allows.

    Letters lose their marks where only that helps (`ő` becomes `o`), dashes become `-`, quotation
    marks vanish, and what is left becomes `_`.
    """
    text = "".join(map(_in_latin_1, server_name(name).translate(_SIMILAR)))
    text = re.sub(f"{_MISSING}+", "_", text)
    text = re.sub(r"\.{2,}", ".", text).strip(" .")
    stem, dot, extension = text.rpartition(".")
    if not dot:
        stem, extension = text, ""
    if not any(each.isalnum() for each in stem):
        stem = "file"
    text = f"{stem[:200]}{dot}{extension}"[:250].strip(" .")
    return f"file-{text}" if name_problem(text) else text


def _in_latin_1(character: str) -> str:
    if character <= "\xff":
        return character
    parts = unicodedata.normalize("NFKD", character)
    return "".join(each for each in parts if each <= "\xff") or (
        "" if unicodedata.combining(character) else _MISSING
    )


def derived_file_type(file_name: str) -> str:
    """The type the server gives a file on the object-store path: by its last extension."""
    _, dot, extension = file_name.rpartition(".")
    return _TYPE_OF.get(extension.lower(), "MAIN") if dot else "MAIN"


def name_problem(name: str) -> str | None:
    """What keeps `name` from being a plain file name on every platform; None if nothing does.

    No laxer than the server's rules, so that what passes here is accepted there.
    """
    given, name = name, server_name(name)
    if not name:
        return "is empty"
    length = len(name.encode("utf-16-le", "surrogatepass")) // 2  # as the server counts
    if length > 255:
        return f"has {length} characters; 255 are allowed"
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
        return "has control characters"
    if _BIDIRECTIONAL.search(name):
        return "has characters that change the reading direction"
    if found := _INVISIBLE.search(given) or _INVISIBLE.search(name):
        return f"has an invisible character, U+{ord(found[0]):04X}"
    if ".." in name:
        return "has '..' in it"
    if found := _RESERVED.search(name):
        return f"has {found[0]!r} in it"
    if name != name.strip(" .\ufeff") or name != name.strip():
        return "starts or ends with a dot or a space"
    if _DEVICE.fullmatch(name):
        return "is the name of a device on Windows"
    return None


def safe_file_name(name: object) -> str:
    """`name` as the server gave it, if it can only ever name a file in the folder it is put in.

    Raises IntegrityError otherwise: such a name comes from a broken or hostile server.
    """
    problem = name_problem(name) if isinstance(name, str) else "is not a text"
    if problem:
        raise IntegrityError(f"the server's file name {name!a:.100} {problem}")
    return str(name)
