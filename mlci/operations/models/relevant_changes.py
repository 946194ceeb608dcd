"""Relevant changes since a commit, by the globs of `paths:` and in data outside the repository.

A pattern is matched against a path from the folder of ``mlci.yml``; ``*`` and ``?`` stay within one name, ``**`` goes
over folders, ``!`` excludes what an earlier pattern matched, and the last pattern that matches decides.

If the evaluation set is in git, or a version recorded its content, mlci can check that it is unchanged. If training
makes it, or writes only a metrics file, the data that training reads is unknown before it runs. An explicit `paths:` is
then the team's statement that the model is made of these files. It does not count if the configuration itself names
other data.
"""

import os
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import accumulate
from pathlib import Path, PurePosixPath

from mlci.config.loader import LoadedConfig, parse_config
from mlci.config.models import Baseline, Config, Train
from mlci.errors import InputError, OutsideError
from mlci.git.git import Git, WorkingTreeDifferences, holds_only_untracked, is_tracked, working_tree_differences

DOCUMENTATION = (
    "*.md", "*.rst", "LICENSE*", "README", "README.txt", "CHANGELOG", "CHANGELOG.txt", "CHANGES", "CHANGES.txt",
    "AUTHORS", "AUTHORS.txt", "NOTICE", "NOTICE.txt", "CITATION.cff", ".editorconfig", "CODEOWNERS",
    ".github/CODEOWNERS", ".github/*.md", ".github/ISSUE_TEMPLATE/**",
    "docs/**/*.md", "docs/**/*.rst", "docs/**/*.png", "docs/**/*.svg", "docs/**/*.jpg", "docs/**/*.jpeg",
    "docs/**/*.gif", "docs/**/*.webp",
)  # fmt: skip
"""Files that no model depends on unless `paths:` names them; from the top of the repository."""
LOCKS = (
    "requirements*.txt", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock*.toml", "conda-lock.yml",
    "environment.yml", "environment.yaml", "pixi.lock", "renv.lock",
)  # fmt: skip
"""Lock files, at the top of the repository and beside the configuration."""
POINTERS = ("**/*.dvc", "**/dvc.lock")
"""Pointer files for data outside git."""
ALWAYS = (".github/workflows/**", ".github/actions/**", "**/.gitattributes")
"""Files that affect evaluation or checkout whatever `paths:` lists; from the top."""
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_CHANGES_FOLDER = frozenset({"cd", "pushd", "-C", "--directory"})
_BETWEEN = re.compile(r"[\s;&|<>()`'\"=,:]+")
_LIST_THEM = """\
without `paths:` nothing shows which files and data training reads; list all of them to skip it for such changes:
    paths: [src/**, data/**, requirements*.txt]"""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")


@dataclass(frozen=True, kw_only=True)
class Relevance:
    """Globs of relevant files.

    Attributes:
        patterns: ``paths:`` of the configuration; ``None`` takes everything but documentation.
        folder: Folder of the configuration, from the top of the repository; ``.`` is the top itself.
        named: Paths that the configuration names (itself, data, predictions), from the top; globs among them.
        siblings: Folders of other models, whose files do not count without ``paths:``.
    """

    patterns: tuple[str, ...] | None
    folder: str
    named: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()

    @cached_property
    def _always_relevant(self) -> tuple["_Rule", ...]:
        return tuple(map(_Rule, (*ALWAYS, *self.named)))

    @cached_property
    def _listed_rules(self) -> tuple["_Rule", ...]:
        if self.patterns is None:
            return (_Rule("**"), *(_Rule(pattern, wanted=False) for pattern in (*DOCUMENTATION, *self._outside_folder)))
        return tuple(_from_folder(self.patterns, self.folder))

    @property
    def _outside_folder(self) -> Iterator[str]:
        """Folders of other models that are neither in this one's folder nor around it."""
        own = self.folder
        around = {".", own, *map(str, PurePosixPath(own).parents)}
        return (one for one in self.siblings if one not in around and own != "." and not one.startswith(f"{own}/"))

    @cached_property
    def _effective_rules(self) -> tuple["_Rule", ...]:
        globs = (*LOCKS, *(posixpath.join(self.folder, lock) for lock in LOCKS), *POINTERS)
        return (*map(_Rule, globs), *self._listed_rules)

    def matters(self, path: str) -> bool:
        """Return whether a file is relevant, by its path from the top of the repository."""
        decisions = (rule.wanted for rule in reversed(self._effective_rules) if rule.covers(path))
        return any(rule.covers(path) for rule in self._always_relevant) or next(decisions, False)

    def may_hold(self, folder: str) -> bool:
        """Return whether a folder whose files git does not list, such as a submodule, may contain a relevant file."""
        if any(_Rule(pattern).reaches(folder) for pattern in self.named):
            return True
        decides = (
            rule for rule in reversed(self._listed_rules) if (rule.reaches if rule.wanted else rule.covers)(folder)
        )
        return next((rule.wanted for rule in decides), False)

    def starts(self) -> dict[str, str]:
        """Return by pattern the folder or file that contains all its matches, for patterns that name one."""
        listed = (pattern for pattern in self.patterns or () if not _leads_out(pattern, self.folder))
        wanted = (pattern for pattern in listed if not pattern.startswith("!"))
        starts = {pattern: re.split(r"(?:^|/)[^/]*[*?[]", pattern, maxsplit=1)[0] for pattern in wanted}
        return {
            pattern: posixpath.normpath(posixpath.join(self.folder, start))
            for pattern, start in starts.items()
            if start.strip("./")
        }

    def outside(self) -> str | None:
        """Return a pattern that leads out of the repository; ``None`` if none does."""
        return next((pattern for pattern in self.patterns or () if _leads_out(pattern, self.folder)), None)


def _leads_out(pattern: str, folder: str) -> bool:
    bare = pattern.removeprefix("!")
    return "://" in bare or bare.startswith(("/", "~")) or posixpath.normpath(posixpath.join(folder, bare))[:2] == ".."


@dataclass(frozen=True)
class _Rule:
    """A glob from the top of the repository, and whether its matches are relevant."""

    pattern: str
    wanted: bool = True

    @cached_property
    def _parts(self) -> list[str]:
        return posixpath.normpath(self.pattern).split("/")

    def covers(self, path: str) -> bool:
        """Return whether a path, or a folder with everything in it, is matched."""
        return _matches(self._parts, path.split("/"))

    def reaches(self, folder: str) -> bool:
        """Return whether a folder, or a path that may be in it, is matched."""
        return _matches(self._parts, folder.split("/"), above=True)


def _from_folder(patterns: Iterable[str], folder: str) -> Iterator[_Rule]:
    for pattern in patterns:
        bare = pattern.removeprefix("!")
        yield _Rule(posixpath.normpath(posixpath.join(folder, bare)), wanted=not pattern.startswith("!"))


def _matches(pattern: list[str], path: list[str], *, above: bool = False) -> bool:
    """Match a path, name by name; a folder's name alone means everything in it.

    Args:
        pattern: Globs of the names, from the top; ``**`` goes over folders, also beside other characters.
        path: Names of the path.
        above: Whether a folder that may contain a match is matched too.
    """
    if not pattern or not path:
        return above or not pattern
    if "**" in pattern[0]:
        least, rest = 0 if pattern[0] == "**" and pattern[1:] else 1, pattern[1:]
        heads = (at for at in range(least, len(path) + 1) if not at or fnmatchcase("/".join(path[:at]), pattern[0]))
        return above or any(_matches(rest, path[at:]) for at in heads)
    return fnmatchcase(path[0], pattern[0]) and _matches(pattern[1:], path[1:], above=above)


def find_difference(loaded: LoadedConfig, git: Git, commit: str) -> str | None:
    """Describe the difference from a commit, or why it is unknown; ``None`` if no relevant file differs.

    The commit's own configuration defines which files are relevant.
    """
    try:
        found = working_tree_differences(git, commit)
    except (InputError, OutsideError) as error:
        return _unknown(error)
    if found is None:
        return "it is not in this clone (`fetch-depth: 0`?)"
    return find_relevant_difference(loaded, git, commit, found)


def find_relevant_difference(
    loaded: LoadedConfig, git: Git, commit: str, found: WorkingTreeDifferences, *, siblings: tuple[str, ...] = ()
) -> str | None:
    """Describe the relevant part of differences that are known; ``None`` if no relevant file differs.

    Args:
        loaded: The configuration.
        git: Git in any folder of the checkout.
        commit: Commit from which the checkout differs.
        found: All differences.
        siblings: Folders of other models at that commit; without ``paths:``, their files are not relevant.
    """
    try:
        place = _place(loaded, git)
        differs = bool({place.path, place.file} & {*found.files, *found.untracked})
        before = _config_at(git, commit, place) if differs else loaded.config
        relevance, products = _relevance(before, place, siblings), _products(loaded.config, place)
        starts = {pattern: start for pattern, start in relevance.starts().items() if start not in products}
        unknown = next((pattern for pattern, start in starts.items() if holds_only_untracked(git, start)), None)
    except (InputError, OutsideError, ValueError) as error:
        return _unknown(error)
    if unknown is not None:
        return f"`paths:` names {unknown}, and git tracks none of it"
    return _differing(relevance, found, products=products)


def _unknown(error: Exception) -> str:
    return f"it can't be compared with: {str(error).splitlines()[0]}"


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Path of the configuration from the top of the repository: as given, and the target of a link."""

    path: str
    file: str

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path) or "."


def _place(loaded: LoadedConfig, git: Git) -> _Place:
    root, path = git.root().resolve(), Path(loaded.path)
    given = (path.parent.resolve() / path.name).relative_to(root)
    return _Place(path=given.as_posix(), file=path.resolve().relative_to(root).as_posix())


def _config_at(git: Git, commit: str, place: _Place) -> Config:
    return parse_config(git.must("show", f"{commit}:{place.file}").encode(), path=place.file).config


def _differing(relevance: Relevance, found: WorkingTreeDifferences, *, products: frozenset[str]) -> str | None:
    """Describe the first relevant difference, and count the others."""
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


def _matters(relevance: Relevance, found: WorkingTreeDifferences, path: str) -> bool:
    judge = relevance.may_hold if path in found.folders else relevance.matters
    return any(judge(spelling) for spelling in found.spellings(path))


def _relevance(config: Config, place: _Place, siblings: tuple[str, ...]) -> Relevance:
    relative = (path for path in _named(config) if "://" not in path and not path.startswith(("/", "~")))
    named = [posixpath.normpath(posixpath.join(place.folder, path)) for path in relative]
    named += (place.path, place.file, *_in_commands(config, place))
    return Relevance(patterns=config.paths, folder=place.folder, named=tuple(named), siblings=siblings)


def _products(config: Config, place: _Place) -> frozenset[str]:
    """Return the files that steps write to the checkout and that are not committed."""
    if config.train is None:
        return frozenset()
    data, labels = (config.evaluation.data, config.evaluation.labels) if config.evaluation else (None, None)
    written = (data, labels, config.predict.file, config.predict.metrics, config.train.model)
    return frozenset(posixpath.normpath(posixpath.join(place.folder, path)) for path in written if path is not None)


def _named(config: Config) -> Iterator[str]:
    """Yield the paths that a configuration names, with those of its own metrics' modules."""
    if config.evaluation is not None:
        yield from filter(None, (config.evaluation.data, config.evaluation.labels))
    yield from filter(None, (config.predict.file, config.predict.model, config.predict.metrics))
    if config.train is not None and config.train.model is not None:
        yield config.train.model
    if isinstance(config.baseline, Baseline) and config.baseline.file is not None:
        yield config.baseline.file
    reported = (config.evaluation.reported if config.evaluation else None) or ()
    metrics = [*(gate.metric for gate in config.gates), *(item.metric for item in reported)]
    for metric in metrics if config.predict.metrics is None else ():
        module, colon, _ = metric.partition(":")
        if colon:
            yield from _of_module(module)


def _in_commands(config: Config, place: _Place) -> Iterator[str]:
    """Yield the files and modules that commands name, from the top of the repository.

    They are searched in the configuration's folder, at the top, and in the folders that a command changes to.
    """
    sections = (config.train, config.predict, config.tests)
    commands = [section.run if section else None for section in sections]
    for command in filter(None, commands):
        words = _words(command)
        after = list(zip(["", *words], words, strict=False))
        changed_to = [word for before, word in after if before in _CHANGES_FOLDER]
        folders = ["", *changed_to, *accumulate(changed_to, posixpath.join)]
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
    """Return a word as a path, from its first known part; an empty text if it is not a path."""
    if word.startswith(("-", "/", "~")) or not {".", "/"} & set(word):
        return ()
    path = word.rpartition("$")[2].partition("/")[2] if "$" in word else word
    return (path,) if any(part.strip("*?.") for part in path.split("/")) else ()


def _of_module(module: str) -> tuple[str, str]:
    path = module.replace(".", "/")
    return f"{path}.py", path


def reason_to_train(config: Config, git: Git, *, shown: bool) -> str | None:
    """Return why a model may be made from data outside of the repository; ``None`` without a sign of that.

    Args:
        config: The configuration.
        git: Git in its folder.
        shown: Whether an evaluation set exists before training, which reveals changed data.
    """
    if config.train is None:
        return _untracked_input(config, git)
    if shown:
        return None
    if config.paths is None:
        return _LIST_THEM
    return next(_named_outside(config.train, git), None)


def _untracked_input(config: Config, git: Git) -> str | None:
    """Return an evaluated file that neither training makes nor git tracks."""
    named = (config.predict.file, config.predict.model, config.predict.metrics)
    untracked = next((name for name in named if name and ("://" in name or not is_tracked(git, name))), None)
    return None if untracked is None else f"git does not track {untracked}, and no training makes it"


def _named_outside(train: Train, git: Git) -> Iterator[str]:
    """Yield data outside of the repository that the configuration names and training may read."""
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
    """Check if a variable is set by mlci or by the command itself, or names the checkout."""
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
    """Check if a path can be data: anything but a program and a device."""
    program = path.is_file() and os.access(path, os.X_OK)
    return not program and (not path.is_relative_to("/dev") or path.is_relative_to("/dev/shm"))  # noqa: S108 - files
