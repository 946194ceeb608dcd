"""Source text of scripts in their own encodings: UTF-8, with a byte order mark, or as a comment declares."""

import ast
import io
import tokenize
from dataclasses import dataclass

UTF8 = "utf-8"
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class SourceText:
    """Text of a script, without its byte order mark, and the encoding that makes the same bytes of it."""

    text: str
    encoding: str = UTF8

    def stored(self, text: str) -> str:
        """Return a text as UTF-8 that stands for the bytes of the file, as patches have it.

        Raises:
            UnicodeEncodeError: if the encoding lacks a character.
        """
        return text.encode(self.encoding).decode(UTF8, "surrogateescape")


def decode_source(data: bytes, *, notebook: bool = False) -> SourceText:
    """Return the text of a script, decoded as Python decodes it; that of a notebook is always UTF-8.

    Raises:
        ValueError: if it can't be decoded, with the reason.
    """
    encoding = "utf-8-sig" if data.startswith(_MARK) else UTF8
    try:
        if not notebook:
            encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        found = SourceText(data.decode(encoding), encoding)
        same = found.text.encode(encoding) == data
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not {encoding}; save the file as UTF-8") from error
    except (SyntaxError, LookupError) as error:
        raise ValueError(f"{error}; save the file as UTF-8") from error
    if not same:
        raise ValueError(f"its encoding {encoding} can't be written back; save the file as UTF-8")
    return found


def find_syntax_error(text: str) -> tuple[int, str] | None:
    """Return the line and the message of Python for a text that it can't read; ``None`` if it can."""
    try:
        ast.parse(text)
    except SyntaxError as error:
        return error.lineno or 1, error.msg
    except (ValueError, RecursionError) as error:
        return 1, str(error)
    return None
