"""Folders of a repository that each train a model of their own."""

import os
from pathlib import PurePosixPath

from mlci.operations.init.repository import Repository
from mlci.operations.init.scripts.script_facts import ScriptFacts, choose_point
from mlci.operations.init.training_command import resolve_read

MOST_MODELS = 10
"""Folders above which the repository is taken for a collection, such as one of exercises."""


def find_model_folders(repository: Repository) -> list[str]:
    """Return the folders that each have a training script and data of their own; empty if they are not at least two.

    A script at the top, data that two scripts share, and data that is not in the repository each speak for one model.
    """
    scripts = [one for one in repository.scripts if one.path.endswith(".py") and choose_point(one) is not None]
    folders: dict[str, str] = {}
    for facts in scripts:
        source = _source(repository, facts)
        folder = "" if source is None else _folder(facts, source)
        if source is None or not folder:
            return []
        if folders.setdefault(source, folder) != folder:
            return []
    found = sorted(set(folders.values()))
    nested = any(one.startswith(f"{other}/") for one in found for other in found)
    return [] if nested or not 2 <= len(found) <= MOST_MODELS else found


def _source(repository: Repository, facts: ScriptFacts) -> str | None:
    """Return the first file of the repository, or the data set of scikit-learn, that a script reads."""
    home = repository.training(facts)[1]
    resolved = (path if path.startswith("sklearn:") else resolve_read(repository.inventory, path, home)
                for path in facts.reads)  # fmt: skip
    return next((path for path in resolved if path), None)


def _folder(facts: ScriptFacts, source: str) -> str:
    """Return the folder that has both the script and its data."""
    own = PurePosixPath(facts.path).parent.as_posix()
    if not source.startswith("sklearn:"):
        own = os.path.commonpath([own, PurePosixPath(source).parent.as_posix()]) if own != "." else own
    return "" if own == "." else own
