"""Commands that run one of mlci's own modules in Python's isolated mode.

Isolated mode (``-I``) keeps the work folder and ``PYTHONPATH`` off the module path, so that a ``json.py`` or
``numpy.py`` beside ``mlci.yml`` shadows nothing. It also leaves out the user's site folder, which may be where mlci is
installed: installed folders of this process are added at the end.
"""

import os
import sys
from pathlib import Path

_INSTALLED = ("site-packages", "dist-packages")
_START = (
    "import os, runpy, site, sys\n"
    "for folder in sys.argv.pop(1).split(os.pathsep):\n"
    "    if folder not in sys.path: site.addsitedir(folder)\n"
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)\n"
)


def command(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module of mlci's in isolated mode."""
    package = str(Path(__file__).resolve().parents[2])
    installed = [entry for entry in sys.path if Path(entry).name in _INSTALLED and Path(entry).is_absolute()]
    return (sys.executable, "-I", "-c", _START, os.pathsep.join([*installed, package]), module, *arguments)


def add_folders(*folders: str) -> None:
    """Let this isolated process import from folders of the user's: after the standard library, before packages."""
    places = [place for place, entry in enumerate(sys.path) if Path(entry).name in _INSTALLED]
    first = places[0] if places else len(sys.path)
    sys.path[first:first] = [str(Path(folder).absolute()) for folder in folders if folder]
