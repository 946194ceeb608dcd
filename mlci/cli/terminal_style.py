"""Colour and width of the terminal."""

import os
import shutil
import sys


def terminal_style() -> tuple[bool, int]:
    """Return whether standard output takes colour, and its width."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return colour, shutil.get_terminal_size((100, 24)).columns
