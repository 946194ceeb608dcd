"""Option ``--anchor``: a file outside of the registry that is checked and then updated, or an anchor to check."""

import re
from pathlib import Path

import click

from mlci.errors import InputError, OutsideError, shorten_cell
from mlci.operations.recovery.check_anchor import check_anchor
from mlci.recovery.anchor import Anchor, parse_anchor, parse_anchor_file
from mlci.registry.stores.interface import Store
from mlci.util.atomic_files import replace_file
from mlci.util.safe_files import read_bounded

_MOST = 4_096
_ENTRY = re.compile(r"(?:anchor:\s*)?`?[0-9]+:")

anchor_option = click.option(
    "--anchor",
    metavar="FILE|ENTRY",
    default="",
    help="A file outside of the registry with its newest entry: checked first, and updated afterwards. Or an entry to "
    "check, as `12:SHA256`. An older copy of the whole registry is noticed by it.",
)


def check_given_anchor(store: Store, given: str) -> None:
    """Check a registry against the option's anchor; a file that does not exist yet is written later.

    Raises:
        InputError: if the file or the word is not an anchor.
        CorruptError: if the registry is not the one of the anchor, or an older copy.
    """
    anchor = parse_anchor(given) if given else None
    if given and anchor is None and Path(given).exists():
        anchor = _read_file(Path(given))
    elif given and anchor is None and _ENTRY.match(given.strip()):  # cut or mistyped, not the name of a new file
        raise InputError(
            f"`--anchor {shorten_cell(given)}` is not an entry of a ledger: its number, `:` and the 64 small "
            "hexadecimal digits of its SHA-256; paste the whole line that `mlci ledger verify` printed"
        )
    if anchor is not None:
        check_anchor(store, anchor)


def keep_given_anchor(anchor: Anchor, given: str) -> None:
    """Write the newest anchor to the option's file; an anchor in one word has none.

    Raises:
        OutsideError: if the file can't be written.
    """
    if not given or parse_anchor(given) is not None:
        return
    try:
        Path(given).parent.mkdir(parents=True, exist_ok=True)
        replace_file(Path(given), anchor.document.encode())
    except OSError as error:
        raise OutsideError(f"{given}: could not be written: {error.strerror}") from error


def _read_file(path: Path) -> Anchor:
    try:
        data = read_bounded(path, _MOST)
        anchor = parse_anchor_file(data.decode()) if len(data) <= _MOST else None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as an anchor: {error}") from None
    if anchor is None:
        raise InputError(
            f"{path}: is not an anchor; `mlci ledger verify --anchor FILE` writes one if FILE does not exist"
        )
    return anchor
