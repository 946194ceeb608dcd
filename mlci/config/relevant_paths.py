"""Globs of files that a model is made from: a change that touches none of them needs no training.

A pattern is matched against a path from the folder of ``mlci.yml``; ``*`` and ``?`` stay within one name, ``**`` goes
over folders, ``!`` excludes what an earlier pattern matched, and the last pattern that matches decides.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator

DOCUMENTATION = (
    "*.md", "*.rst", "LICENSE*", "CITATION.cff", ".editorconfig", "CODEOWNERS", ".github/CODEOWNERS", ".github/*.md",
    ".github/ISSUE_TEMPLATE/**", "docs/**/*.md", "docs/**/*.rst", "docs/**/*.png", "docs/**/*.svg", "docs/**/*.jpg",
)  # fmt: skip
"""Files that no model is made from unless `paths:` names them; from the top of the repository."""
ALWAYS = (".github/workflows/**", ".github/actions/**")
"""Files that decide how a model is judged, whatever `paths:` says; from the top of the repository."""


def relevant(
    changed: Iterable[str], *, patterns: tuple[str, ...] | None, folder: str, named: Iterable[str]
) -> list[str]:
    """Return those of the changed files that matter.

    Args:
        changed: Paths from the top of the repository.
        patterns: ``paths:`` of the configuration; ``None`` takes everything but documentation.
        folder: Folder of the configuration, from the top of the repository; ``.`` is the top itself.
        named: Paths that the configuration names (itself, data, predictions), from the top; globs among them.
    """
    always = [_compile(pattern) for pattern in (*ALWAYS, *named)]
    if patterns is None:
        chosen = [(True, _compile("**")), *((False, _compile(pattern)) for pattern in DOCUMENTATION)]
    else:
        chosen = list(_from_folder(patterns, folder))
    return [path for path in changed if any(rule.fullmatch(path) for rule in always) or _decide(path, chosen)]


def _from_folder(patterns: Iterable[str], folder: str) -> Iterator[tuple[bool, re.Pattern[str]]]:
    for pattern in patterns:
        bare = pattern.removeprefix("!")
        yield not pattern.startswith("!"), _compile(posixpath.normpath(posixpath.join(folder, bare)))


def _decide(path: str, rules: list[tuple[bool, re.Pattern[str]]]) -> bool:
    matters = False
    for wanted, rule in rules:
        if rule.fullmatch(path):
            matters = wanted
    return matters


def _compile(pattern: str) -> re.Pattern[str]:
    """Translate a glob; a folder's name alone means everything in it."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]*\])", posixpath.normpath(pattern))
    said = "".join(_MEANING.get(part) or _literal(part) for part in parts)
    return re.compile(f"{said}(?:/.*)?", re.DOTALL)


_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _literal(part: str) -> str:
    if len(part) > 2 and part.startswith("[") and part.endswith("]"):
        inside = part[1:-1].replace("\\", "\\\\")
        return f"[{'^' + inside[1:] if inside.startswith('!') else inside.replace('^', chr(92) + '^')}]"
    return re.escape(part)
