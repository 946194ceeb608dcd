"""Relevant changes: how the files that a model is made from differ between the checkout and a commit, in words."""

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from mlci.baseline.git import Git
from mlci.baseline.working_tree import Differences, differences, holds_only_untracked
from mlci.config.load import Loaded, parse
from mlci.config.models import Baseline, Config
from mlci.config.relevant_paths import Relevance
from mlci.errors import InputError, OutsideError
from mlci.usecases import plan

_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_CHANGES_FOLDER = frozenset({"cd", "pushd", "-C", "--directory"})
_BETWEEN = re.compile(r"[\s;&|<>()`'\"=,:]+")


def find_difference(loaded: Loaded, git: Git, commit: str) -> str | None:
    """Return what differs from a commit, or why that is not known; ``None`` if no relevant file does.

    What counts as relevant is read from the commit's own configuration.
    """
    try:
        place, found = _place(loaded, git), differences(git, commit)
        if found is None:
            return "it is not in this clone (`fetch-depth: 0`?)"
        relevance, products = _relevance(_config_at(git, commit, place), place), _products(loaded.config, place)
        starts = {pattern: start for pattern, start in relevance.starts().items() if start not in products}
        unknown = next((pattern for pattern, start in starts.items() if holds_only_untracked(git, start)), None)
    except (InputError, OutsideError, ValueError) as error:
        return f"it can't be compared with: {str(error).splitlines()[0]}"
    if unknown is not None:
        return f"`paths:` names {unknown}, and git tracks none of it"
    return _differing(relevance, found, products=products)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Paths of the configuration from the top of the repository: as given, and the file that a link leads to."""

    path: str
    file: str

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path) or "."


def _place(loaded: Loaded, git: Git) -> _Place:
    root, path = git.root().resolve(), Path(loaded.path)
    given = (path.parent.resolve() / path.name).relative_to(root)
    return _Place(path=given.as_posix(), file=path.resolve().relative_to(root).as_posix())


def _config_at(git: Git, commit: str, place: _Place) -> Config:
    return parse(git.must("show", f"{commit}:{place.file}").encode(), path=place.file).config


def _differing(relevance: Relevance, found: Differences, *, products: frozenset[str]) -> str | None:
    """Return the first relevant difference in words, and how many more there are."""
    if outside := relevance.outside():
        return f"`paths:` names {outside}, which is outside of the repository"
    out = (link for link, target in found.links.items() if target is None and relevance.may_hold(link))
    if link := next(out, None):
        return f"{link} is a link that leads out of the repository"
    paths = dict.fromkeys((*found.files, *(path for path in found.untracked if path not in products)))
    differing = [path for path in paths if _matters(relevance, found, path)]
    if not differing:
        return None
    more = f" and {len(differing) - 1:,} more relevant files differ" if len(differing) > 1 else " differs"
    untracked = " (git neither tracks nor ignores it)" if differing[0] in found.untracked else ""
    return f"{differing[0]}{untracked}{more}"


def _matters(relevance: Relevance, found: Differences, path: str) -> bool:
    judge = relevance.may_hold if path in found.folders else relevance.matters
    return any(judge(spelling) for spelling in found.spellings(path))


def _relevance(config: Config, place: _Place) -> Relevance:
    relative = (path for path in _named(config) if "://" not in path and not path.startswith(("/", "~")))
    named = [posixpath.normpath(posixpath.join(place.folder, path)) for path in relative]
    return Relevance(
        patterns=config.paths, folder=place.folder, named=(place.path, place.file, *named, *_in_commands(config, place))
    )


def _products(config: Config, place: _Place) -> frozenset[str]:
    """Return what steps leave in the checkout, if it is not committed."""
    if config.train is None:
        return frozenset()
    data = config.evaluation.data if config.evaluation else None
    left = (data, config.predict.file, config.predict.metrics, config.train.model)
    return frozenset(posixpath.normpath(posixpath.join(place.folder, path)) for path in left if path is not None)


def _named(config: Config) -> Iterator[str]:
    """Yield the paths that a configuration names, with those of its own metrics' modules."""
    if config.evaluation is not None:
        yield config.evaluation.data
    yield from filter(None, (config.predict.file, config.predict.model, config.predict.metrics))
    if config.train is not None and config.train.model is not None:
        yield config.train.model
    if isinstance(config.baseline, Baseline) and config.baseline.file is not None:
        yield config.baseline.file
    for metric in () if config.predict.metrics is not None else plan.row_metrics(config):
        module, colon, _ = metric.function.partition(":")
        if colon:
            yield from _of_module(module)


def _in_commands(config: Config, place: _Place) -> Iterator[str]:
    """Yield the files and modules that commands name, from the top of the repository.

    They are looked for in the configuration's folder, at the top, and in the folders that a command changes to.
    """
    commands = [config.train.run if config.train else None, config.predict.run]
    for command in filter(None, commands):
        words = _words(command)
        after = list(zip(["", *words], words, strict=False))
        found = [word for before, word in after if before in _CHANGES_FOLDER]
        folders = ["", *found, *accumulate(found, posixpath.join)]
        for before, word in after:
            for path in _of_module(word) if before == "-m" and _MODULE.fullmatch(word) else _path(word):
                for start in (place.folder, "."):
                    yield from (posixpath.normpath(posixpath.join(start, folder, path)) for folder in folders)


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        words = command.split()
    return [part for word in words for part in _BETWEEN.split(word) if part]


def _path(word: str) -> tuple[str, ...]:
    """Return a word as a path, from the first part that is known; nothing if it does not look like one."""
    if word.startswith(("-", "/", "~")) or not {".", "/"} & set(word):
        return ()
    known = word.rpartition("$")[2].partition("/")[2] if "$" in word else word
    return (known,) if any(part.strip("*?.") for part in known.split("/")) else ()


def _of_module(module: str) -> tuple[str, str]:
    path = module.replace(".", "/")
    return f"{path}.py", path
