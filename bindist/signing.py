"""Signed releases: checksum lists with a minisign signature, made and verified without a network.

    from bindist.signing import SigningKey, TrustedKey

    key = SigningKey.read("acme.key", password="...")
    admin.publish("acme", "1.0", ["dist/acme.exe"], signer=key, enable=True)
    client.download_version("acme", "1.0", "downloads", trusted_keys=[str(key.trusted_key)])

A signed version has two more files: `SHA256SUMS.txt`, the checksums of all others as `sha256sum`
writes them, sorted by name, and `SHA256SUMS.minisig.txt`, its signature as `minisign` writes it.
The signature's trusted comment names the application and the version, so that it is valid for that
version only. It holds no time: the same key signs the same files with the same bytes.

What makes or verifies a signature needs the extra `signing`, and raises MissingExtraError without.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import MissingExtraError, SignatureError
from .file_names import name_problem, server_name
from .file_system import replace_file
from .rows import distinct_files
from .transfer.hashing import checksums_match, is_sha256, sha256_bytes

if TYPE_CHECKING:
    from .types import StrPath

__all__ = [
    "SIGNATURE_FILE",
    "SUMS_FILE",
    "SignedChecksums",
    "SigningKey",
    "TrustedKey",
    "cached_signature",
    "check_signed_files",
    "checksum_list",
    "read_checksum_list",
    "signature_key_id",
    "signature_rows",
    "verify_checksum_list",
]

SUMS_FILE = "SHA256SUMS.txt"
SIGNATURE_FILE = "SHA256SUMS.minisig.txt"
MAX_BYTES = 8 * 1024 * 1024
"""The largest list and the largest signature that are read, in bytes."""

Row = TypeVar("Row", bound=Mapping[str, Any])

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_COMMENT = "bindist application:{} version:{}"
_COMMENT_FORM = re.compile(r"bindist application:(\S+) version:(\S+)")


@dataclass(frozen=True)
class TrustedKey:
    """A vendor's public key, as `bindist keys generate` and `minisign -G` print it: `RWQ...`.

    `str(key)` is that line. `key_id` is the key's id in hex, as `minisign` prints it. Raises
    ValueError for any other text, and MissingExtraError.
    """

    text: str

    def __post_init__(self) -> None:
        library = _minisign()
        try:
            library.PublicKey.from_base64(self.text)
        except library.Error as error:
            raise ValueError(f"not a public key of minisign, RWQ...: {self.text!r:.80}") from error

    def __str__(self) -> str:
        return self.text

    @property
    def key_id(self) -> str:
        return _key_id(self.text)

    @property
    def _key(self) -> Any:
        return _minisign().PublicKey.from_base64(self.text)

    @classmethod
    def read(cls, text: str) -> TrustedKey:
        """The key in a line `RWQ...`, or in the two lines of a file `minisign.pub`."""
        lines = [line.strip() for line in text.strip().splitlines()]
        if len(lines) == 2 and lines[0].startswith("untrusted comment:"):
            lines = lines[1:]
        if len(lines) != 1:
            raise ValueError(f"not a public key of minisign, RWQ...: {text!r:.80}")
        return cls(lines[0])


class SigningKey:
    """A vendor's secret key, decrypted. It is in no `repr`, and cannot be pickled or copied."""

    def __init__(self, key: Any) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> SigningKey:
        """Makes a new key. Raises MissingExtraError."""
        return cls(_minisign().KeyPair.generate().secret_key)

    @classmethod
    def read(cls, source: StrPath | bytes, password: str | None = None) -> SigningKey:
        """Reads a key file of minisign, or its content as bytes.

        Raises ValueError for anything that is not such a key, for a wrong password, and for an
        encrypted key without one; OSError for the file; MissingExtraError.
        """
        library = _minisign()
        content = source if isinstance(source, bytes) else Path(source).read_bytes()
        try:
            key = library.SecretKey.from_bytes(content)
        except library.Error as error:
            raise ValueError("this is not a secret key of minisign") from error
        if key.is_encrypted():
            if password is None:
                raise PasswordRequiredError("the signing key is encrypted, and needs its password")
            try:
                key.decrypt(password)
            except library.Error as error:
                raise ValueError("wrong password for the signing key") from error
        return cls(key)

    def to_bytes(self, password: str | None = None) -> bytes:
        """The content of a key file, which `minisign` reads too; encrypted with a password."""
        library = _minisign()
        key = library.SecretKey.from_bytes(bytes(self._key))
        if password:
            key.encrypt(password)
        key.untrusted_comment = f"minisign {'encrypted ' if password else ''}secret key"
        return bytes(key) + b"\n"

    @property
    def trusted_key(self) -> TrustedKey:
        """The public key, which customers pin."""
        return TrustedKey(self._key.get_public_key().to_base64().decode())

    def sign(self, checksums: bytes, application_id: str, version: str) -> bytes:
        """The signature of a checksum list, for that version; the same bytes each time."""
        signature = self._key.sign(
            checksums,
            trusted_comment=_COMMENT.format(application_id, version),
            untrusted_comment=f"signature from minisign key {self.trusted_key.key_id}",
        )
        return bytes(signature) + b"\n"

    def __repr__(self) -> str:
        return f"SigningKey({self.trusted_key.key_id})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a signing key cannot be pickled or copied")


class PasswordRequiredError(ValueError):
    """The signing key is encrypted, and no password was given."""


@dataclass(frozen=True)
class SignedChecksums:
    """What a verified signature says: the SHA-256 of each file, by the names on the server, of
    which version of which application, and the id of the key that signed it."""

    application_id: str
    version: str
    checksums: Mapping[str, str]
    key_id: str
    own: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The checksums of the list and of its signature themselves, which the list cannot hold."""

    def has(self, name: str, checksum: object) -> bool:
        """Whether a file has that name and checksum in the signed version."""
        return checksums_match({**self.checksums, **self.own}.get(name, ""), checksum)


def checksum_list(checksums: Mapping[str, str]) -> bytes:
    """The text of `SHA256SUMS.txt` for these checksums (hex) by file name, sorted by name."""
    lines = sorted((server_name(name), checksum.lower()) for name, checksum in checksums.items())
    return "".join(f"{checksum}  {name}\n" for name, checksum in lines).encode()


def read_checksum_list(content: bytes) -> dict[str, str]:
    """The checksums in a `SHA256SUMS.txt`, by file name.

    Raises SignatureError for a list that `checksum_list` does not write: another form, a name
    twice, a name that no file of a version can have.
    """
    found: dict[str, str] = {}
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise SignatureError(f"{SUMS_FILE} is not UTF-8 text") from error
    if not text.endswith("\n"):
        raise SignatureError(f"{SUMS_FILE} is cut short")
    for number, line in enumerate(text[:-1].split("\n"), 1):
        entry = _LINE.fullmatch(line)
        if entry is None or name_problem(entry[2]):
            raise SignatureError(f"{SUMS_FILE}, line {number}: expected checksum and file name")
        if entry[2] in found:
            raise SignatureError(f"{SUMS_FILE}, line {number}: {entry[2]} is listed twice")
        found[entry[2]] = entry[1]
    return found


def verify_checksum_list(
    checksums: bytes,
    signature: bytes,
    keys: Iterable[TrustedKey],
    application_id: str,
    version: str | None = None,
) -> SignedChecksums:
    """What a signed checksum list says, verified without a network.

    Args:
        checksums: the bytes of `SHA256SUMS.txt`.
        signature: the bytes of `SHA256SUMS.minisig.txt`.
        keys: the keys that are trusted; one of them must have made the signature.
        application_id: the application that the signature must be for.
        version: the version that it must be for; default None, any version.

    Raises SignatureError for a signature of another key, application or version, for content that
    was changed, and for a list in another form; MissingExtraError.
    """
    library = _minisign()
    key_id = signature_key_id(signature)
    found = library.Signature.from_bytes(signature)
    trusted = {key.key_id: key for key in keys}
    if key_id not in trusted:
        known = ", ".join(sorted(trusted)) or "none"
        raise SignatureError(f"the signature is by the key {key_id}; trusted keys: {known}")
    try:
        trusted[key_id]._key.verify(checksums, found)
    except library.Error as error:
        raise SignatureError(f"the signature by the key {key_id} is not of this content") from error
    signed = _COMMENT_FORM.fullmatch(found.trusted_comment)
    if signed is None:
        raise SignatureError("the signature names no application and version")
    if signed[1] != application_id or version not in (None, signed[2]):
        wanted = application_id if version is None else f"version {version} of {application_id}"
        raise SignatureError(
            f"the signature is for version {signed[2]} of {signed[1]}, not for {wanted}"
        )
    own = {SUMS_FILE: sha256_bytes(checksums), SIGNATURE_FILE: sha256_bytes(signature)}
    return SignedChecksums(signed[1], signed[2], read_checksum_list(checksums), key_id, own)


def check_signed_files(rows: Sequence[Mapping[str, Any]], signed: SignedChecksums) -> None:
    """Compares the files of a version, rows of `list_version_files`, with its signed checksums.

    Raises SignatureError for a file that was not signed, for one that has another checksum, and for
    a signed one that the version lacks; IntegrityError where one name has two checksums.
    """
    found = {str(row.get("fileName")): row.get("checksum") for row in distinct_files(rows)}
    for name in (SUMS_FILE, SIGNATURE_FILE):
        found.pop(name, None)
    for name, checksum in found.items():
        wanted = signed.checksums.get(name)
        if wanted is None:
            raise SignatureError(f"the version has the file {name!r:.300}, which was not signed")
        if not checksums_match(wanted, checksum):
            raise SignatureError(f"{name} has another checksum on the server than was signed")
    if lacking := sorted(set(signed.checksums) - set(found)):
        raise SignatureError(f"the version lacks the signed file {lacking[0]}")


def signature_rows(rows: Sequence[Row]) -> tuple[Row, Row] | None:
    """The rows of the checksum list and of its signature; None where the version is not signed."""
    found = {str(row.get("fileName")): row for row in distinct_files(rows)}
    if SUMS_FILE in found and SIGNATURE_FILE in found:
        return found[SUMS_FILE], found[SIGNATURE_FILE]
    return None


def cached_signature(
    rows: Sequence[Mapping[str, Any]], folder: StrPath
) -> tuple[bytes, bytes] | None:
    """The checksum list and the signature of a version, from the cache of `signed_checksums`.

    `rows` are those of `list_version_files`. Returns None where the version is not signed, or where
    the cache lacks one of the two. Nothing is verified but their checksums.
    """
    found = signature_rows(rows)
    if found is None:
        return None
    sums, signature = (cached_file(Path(folder), row) for row in found)
    return None if sums is None or signature is None else (sums, signature)


def cached_file(folder: Path, row: Mapping[str, Any]) -> bytes | None:
    """The content of a file of that row, which a cache keeps under its checksum."""
    checksum = str(row.get("checksum"))
    if not is_sha256(checksum):
        return None
    try:
        content = (folder / checksum).read_bytes()
    except OSError:
        return None
    return content if checksums_match(sha256_bytes(content), checksum) else None


def keep_file(folder: Path, row: Mapping[str, Any], content: bytes) -> None:
    """Puts the content of a file of that row into a cache."""
    checksum = str(row.get("checksum"))
    if is_sha256(checksum):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(folder / checksum, content, folder / f".{checksum}.{os.getpid()}")


def signature_key_id(signature: bytes) -> str:
    """The id of the key that a signature says it is by; nothing is verified.

    Raises SignatureError for what is no signature, MissingExtraError.
    """
    library = _minisign()
    try:
        library.Signature.from_bytes(signature)
    except library.Error as error:
        raise SignatureError(f"{SIGNATURE_FILE} is not a signature of minisign") from error
    return _key_id(signature.splitlines()[1].decode())


def _key_id(line: str) -> str:
    """The key's id in a public key or a signature, as `minisign` prints it: two bytes tell the
    algorithm, eight are the id as a number, the least significant first."""
    return f"{int.from_bytes(base64.b64decode(line)[2:10], 'little'):016X}"


def _minisign() -> Any:
    from importlib import import_module  # the library has no types

    try:
        return import_module("minisign")
    except ModuleNotFoundError as error:
        raise MissingExtraError("signatures", "signing") from error
