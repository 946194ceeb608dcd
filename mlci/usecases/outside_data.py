"""Data outside of the repository: where a change can be skipped only because the team lists what the model is made of.

Where git holds the evaluation set, or a version recorded its content, mlci can tell that it is the same. Where training
makes it, or leaves a metrics file only, nothing shows which data training reads before it has run. `paths:`, written
out, is then the team's statement that the model is made of these files. It does not count if the configuration itself
names something else.
"""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from mlci.baseline.git import Git
from mlci.baseline.tracked import is_tracked
from mlci.config.models import Config, Train

_LIST_THEM = """\
without `paths:` nothing shows which files and data training reads; list all of them to skip it for such changes:
    paths: [src/**, data/**, requirements*.txt]"""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")


def reason_to_train(config: Config, git: Git, *, shown: bool) -> str | None:
    """Return why a model may be made from data outside of the repository; ``None`` if nothing speaks for it.

    Args:
        config: The configuration.
        git: Git in its folder.
        shown: Whether there is an evaluation set before training, which shows if data changed.
    """
    if config.train is None:
        return _untracked_input(config, git)
    if shown:
        return None
    if config.paths is None:
        return _LIST_THEM
    return next(_named_outside(config.train, git), None)


def _untracked_input(config: Config, git: Git) -> str | None:
    """Return which file is judged that neither training makes nor git tracks."""
    named = (config.predict.file, config.predict.model, config.predict.metrics)
    found = next((name for name in named if name and ("://" in name or not is_tracked(git, name))), None)
    return None if found is None else f"git does not track {found}, and no training makes it"


def _named_outside(train: Train, git: Git) -> Iterator[str]:
    """Yield what the configuration names outside of the repository that training may read."""
    command = train.run
    if train.env:
        yield f"`train.env` gives training {train.env[0]}, so it may read data that git does not hold"
    if found := _ADDRESS.search(command):
        yield f"`train.run` names an address ({found[0]}…), so it may read data that git does not hold"
    if found := next((name for name in _VARIABLE.findall(command) if not _is_known(name, command)), None):
        yield f"`train.run` reads ${found}, which may name data that git does not hold"
    root = git.root().resolve()
    for path in _paths(command):
        place = git.folder / path
        inside = not path.startswith("~") and place.resolve().is_relative_to(root)
        if not inside and _is_data(place):
            yield f"`train.run` names {path}, which is outside of the repository"


def _is_known(variable: str, command: str) -> bool:
    """Tell whether a variable is set by mlci or by the command itself, or names the checkout."""
    ours = variable.startswith("MLCI_") or variable in {"PWD", "GITHUB_WORKSPACE"}
    return ours or re.search(rf"(?:^|[\s;&|(]){variable}=", command) is not None


def _paths(command: str) -> Iterator[str]:
    """Yield the paths of a command that may lead out of the repository."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        words = command.split()
    for word in words:
        part = word.rpartition("=")[2]
        if part.startswith(("/", "~")) or ".." in part.split("/"):
            yield part


def _is_data(path: Path) -> bool:
    """Tell whether a path can be data: anything but a program and a device."""
    program = path.is_file() and os.access(path, os.X_OK)
    return not program and not path.is_relative_to("/dev")
