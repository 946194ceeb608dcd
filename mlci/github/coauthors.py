"""Co-authors that a commit's message names by trailers, as GitHub shows them beside the author. Pure."""

import re

_TRAILER = re.compile(r"^[ \t]*co-authored-by[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"<([^<>]*)>")
_NOREPLY = re.compile(r"(?:[0-9]+\+)?([^@+\s]+)@users\.noreply\.[^@\s]+", re.IGNORECASE)


def coauthor_addresses(message: str) -> tuple[str, ...]:
    """Return the address in each trailer; the trailer's text for one without an address."""
    found = (text.strip() for text in _TRAILER.findall(message.replace("\r", "\n")))
    return tuple(addresses[-1].strip() if (addresses := _ADDRESS.findall(text)) else text for text in found)


def noreply_login(address: str) -> str | None:
    """Return the login in an address that GitHub gives to an account; ``None`` for any other address."""
    found = _NOREPLY.fullmatch(address)
    return None if found is None else found[1]
