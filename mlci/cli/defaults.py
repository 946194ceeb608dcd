"""Defaults that help texts show."""

from pathlib import Path

DEFAULT_OUT = Path(".mlci/out")
