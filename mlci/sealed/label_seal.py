"""Sealed labels: a file of labels encrypted to a public key, and the text form of both keys.

The encryption is libsodium's sealed box (X25519, XSalsa20-Poly1305) by PyNaCl,
https://doc.libsodium.org/public-key_cryptography/sealed_boxes: anyone can seal with the public key, and only the
private key opens. The file is text, so that git shows its header. The header holds the public key, so that labels are
sealed again without another setting, and the first commit that holds them in plain text, if there is one.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from mlci.errors import InputError

SUFFIX = ".sealed"
"""Suffix by which a file of sealed labels is recognized."""
KEY_VARIABLE = "MLCI_LABEL_KEY"
"""Environment variable with the private key."""
_FIRST = "mlci sealed labels 1"
_PRIVATE, _PUBLIC = "mlci-label-key-", "mlci-label-public-"
_KEY_BYTES = 32
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_WIDTH = 76
LOST_KEY = (
    "If the key is lost, the labels can't be opened: seal them again from where they came from, with `mlci seal`, and "
    "store the new key as the secret."
)


@dataclass(frozen=True, kw_only=True)
class LabelSeal:
    """Content of a file of sealed labels.

    Attributes:
        public: Public key that they are sealed to.
        box: The encrypted table.
        leaked: Commit that holds labels in plain text; ``None`` if none was found when they were sealed.
        source: Path of the table that the labels came from, relative to the configuration; ``None`` if not known.
    """

    public: bytes
    box: bytes
    leaked: str | None = None
    source: str | None = None


def is_sealed(path: str | None) -> bool:
    """Check if a path is one of sealed labels."""
    return path is not None and path.lower().endswith(SUFFIX)


def new_private_key() -> str:
    """Return a new private key as text."""
    from nacl.public import PrivateKey  # noqa: PLC0415 (only where labels are sealed)

    return _PRIVATE + _text(bytes(PrivateKey.generate()))


def public_key_of(private: str) -> bytes:
    """Return the public key of a private one.

    Raises:
        InputError: if the text is not a private key.
    """
    from nacl.public import PrivateKey  # noqa: PLC0415

    return bytes(PrivateKey(parse_private_key(private)).public_key)


def parse_private_key(text: str) -> bytes:
    """Return the bytes of a private key; the message never repeats the text.

    Raises:
        InputError: if the text is not a private key.
    """
    words = text.strip()
    if words.startswith(_PUBLIC):
        raise InputError(
            f"this is the public key; {KEY_VARIABLE} needs the private one, which begins with `{_PRIVATE}`"
        )
    data = _bytes(words.removeprefix(_PRIVATE)) if words.startswith(_PRIVATE) else None
    if data is None or len(data) != _KEY_BYTES:
        raise InputError(
            f"the label key is not one: it begins with `{_PRIVATE}` and has {len(_PRIVATE) + 44} characters. The usual "
            "reason is a secret that was cut, or set from another file"
        )
    return data


def parse_public_key(text: str) -> bytes:
    """Return the bytes of a public key.

    Raises:
        InputError: if the text is not a public key.
    """
    words = text.strip().removeprefix("public-key: ")
    data = _bytes(words.removeprefix(_PUBLIC)) if words.startswith(_PUBLIC) else None
    if data is None or len(data) != _KEY_BYTES:
        example = f"public-key: {_PUBLIC}…"
        raise InputError(f"--public-key is not one; it is the second line of a file of sealed labels: `{example}`")
    return data


def seal_labels(table: bytes, public: bytes, *, leaked: str | None = None, source: str | None = None) -> LabelSeal:
    """Encrypt a table of labels to a public key.

    Raises:
        InputError: if nothing can be encrypted to the key, such as one of zeros.
    """
    from nacl.exceptions import CryptoError  # noqa: PLC0415
    from nacl.public import PublicKey, SealedBox  # noqa: PLC0415

    try:
        box = bytes(SealedBox(PublicKey(public)).encrypt(table))
    except (CryptoError, RuntimeError):
        raise InputError(
            "nothing can be sealed to this public key; copy the second line of a file that `mlci seal` wrote, or make "
            "a new key: `mlci seal`"
        ) from None
    return LabelSeal(public=public, box=box, leaked=leaked, source=source)


def open_seal(seal: LabelSeal, private: str) -> bytes:
    """Decrypt a table of labels.

    Raises:
        InputError: if the key is another one, or the file was changed.
    """
    from nacl.exceptions import CryptoError  # noqa: PLC0415
    from nacl.public import PrivateKey, SealedBox  # noqa: PLC0415

    key = PrivateKey(parse_private_key(private))
    if bytes(key.public_key) != seal.public:
        raise InputError(
            "the label key is for other labels: these are sealed to another public key. The usual reason is a secret "
            f"that was not replaced when the key was: store the new key as {KEY_VARIABLE}. {LOST_KEY}"
        )
    try:
        return bytes(SealedBox(key).decrypt(seal.box))
    except CryptoError:
        raise InputError(
            "the sealed labels were changed since they were sealed; restore the file: `git checkout HEAD -- FILE`"
        ) from None


def dump_seal(seal: LabelSeal) -> bytes:
    """Return the file: name and version, public key, a commit that holds labels, their table, and the encrypted one."""
    text = _text(seal.box)
    header = [_FIRST, f"public-key: {_PUBLIC}{_text(seal.public)}"]
    if seal.leaked is not None:
        header.append(f"in-history: {seal.leaked}")
    if seal.source is not None and seal.source.isprintable():
        header.append(f"from: {seal.source}")
    body = (text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH))
    return "\n".join([*header, "", *body, ""]).encode()


def parse_seal(data: bytes) -> LabelSeal:
    """Parse a file of sealed labels.

    Raises:
        InputError: if it is not one.
    """
    known = data.startswith(_FIRST.encode())  # before anything large is decoded
    head, _, body = data.replace(b"\r\n", b"\n").partition(b"\n\n") if known else (b"", b"", b"")
    first, *lines = head.decode("utf-8", "replace").split("\n")
    if first != _FIRST:
        raise InputError(f"is not a file of sealed labels of this version of mlci: it must begin with `{_FIRST}`")
    fields = dict(line.split(": ", 1) for line in lines if ": " in line)
    public, leaked = fields.get("public-key", ""), fields.get("in-history")
    key = _bytes(public.removeprefix(_PUBLIC)) if public.startswith(_PUBLIC) else None
    box = _bytes(body.replace(b"\n", b"").decode("utf-8", "replace"))
    if key is None or len(key) != _KEY_BYTES or not box or (leaked is not None and not _COMMIT.fullmatch(leaked)):
        raise InputError("is damaged: it is not the text that `mlci seal` wrote; restore it from git")
    return LabelSeal(public=key, box=box, leaked=leaked, source=fields.get("from"))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
