"""Path filters: globs of the files that a model depends on.

A pattern is matched against a path from the folder of ``mlci.yml``; ``*`` and ``?`` stay within one name, ``**`` goes
over folders, ``!`` excludes what an earlier pattern matched, and the last pattern that matches decides.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

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


@dataclass(frozen=True, kw_only=True)
class Relevance:
    """Globs of relevant files.

    Attributes:
        patterns: ``paths:`` of the configuration; ``None`` takes everything but documentation.
        folder: Folder of the configuration, from the top of the repository; ``.`` is the top itself.
        named: Paths that the configuration names (itself, data, predictions), from the top; globs among them.
    """

    patterns: tuple[str, ...] | None
    folder: str
    named: tuple[str, ...] = ()

    @cached_property
    def _always_relevant(self) -> tuple["_Rule", ...]:
        return tuple(map(_Rule, (*ALWAYS, *self.named)))

    @cached_property
    def _listed_rules(self) -> tuple["_Rule", ...]:
        if self.patterns is None:
            return (_Rule("**"), *(_Rule(pattern, wanted=False) for pattern in DOCUMENTATION))
        return tuple(_from_folder(self.patterns, self.folder))

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
