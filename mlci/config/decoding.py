"""Decode configuration files: bounded, UTF-8, without characters that hide or move lines."""

import re
from collections.abc import Iterator

from mlci.errors import InputError, Problem

MOST_BYTES = 256 * 1024
# Characters outside YAML 1.2's printable set (chapter 5.1), and line breaks of YAML 1.1 only: with them the parser
# would count lines differently from an editor, and an error would point at the wrong line.
ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
NAMES = {"\r": "a carriage return alone", "\ufeff": "a byte-order mark", "\x00": "a NUL character"}


def decode_yaml(source: str | bytes, *, path: str) -> str:
    """Return the text of a configuration file, with line feeds as its only line ends.

    Raises:
        InputError: if it is too large, not UTF-8, or contains control characters; one problem for each such line.
    """
    text = _decode_utf8(source, path) if isinstance(source, bytes) else source
    if len(text) > MOST_BYTES:
        raise InputError(Problem(f"the file is larger than {MOST_BYTES // 1024} KiB", path, 1))
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    problems = list(_control_characters(text, path))
    if problems:
        raise InputError.of(problems)
    return text


def _decode_utf8(data: bytes, path: str) -> str:
    if len(data) > MOST_BYTES:
        raise InputError(Problem(f"the file is larger than {MOST_BYTES // 1024} KiB", path, 1))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(Problem("the file is UTF-16; save it as UTF-8", path, 1))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            Problem(f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8", path, line)
        ) from None


def _control_characters(text: str, path: str) -> Iterator[Problem]:
    """Yield a problem for the first such character of each line; a lone carriage return does not begin a line."""
    for number, line in enumerate(text.split("\n"), start=1):
        if found := ODD.search(line):
            name = NAMES.get(found[0], f"the control character U+{ord(found[0]):04X}")
            yield Problem(f"{name} at column {found.start() + 1}; remove it", path, number)
