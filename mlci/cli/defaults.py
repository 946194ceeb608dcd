"""Defaults that help texts show."""

from pathlib import Path

DEFAULT_CONFIG = Path("mlci.yml")
DEFAULT_OUT = Path(".mlci/out")
