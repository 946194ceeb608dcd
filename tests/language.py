"""``python -m tests.language``: find banned words, docstrings that open badly, and tests without a unit in their name.

Arguments are files and folders to check; without them, those of `CHECKED`. The exit status is 1 if something is found.
Text inside backticks is skipped, and in Markdown also text inside double quotes, because a quotation keeps its words.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUFFIXES = {".py", ".md", ".yml", ".j2", ".sh", ".json"}
PACKAGES = ("mlci", "actions", "benchmarks", "examples", "tests")
DOCUMENTS = ("action.yml", "templates", "docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md")
CHECKED = (*PACKAGES, *DOCUMENTS)
EXCLUDED = {
    "tests/language.py": "lists the banned words",
    "tests/test_language.py": "plants findings",
    "tests/registry/written_by_73617a1": "was written by an older version",
}
"""Files and folders that are not checked with the folder around them, with the reason."""

GAP = r'(?:[\s#>*]|f?")+'
"""What may stand between two words of a phrase: blanks, a line break with its comment sign, two strings in a row."""

BANNED = {
    r"luck\w*": "training noise, or training variance",
    "anew": "again, or the verb alone: retrain, re-evaluate",
    "told": "the fact itself (the caller passes X, X is known), or a noun as a name",
    f"held{GAP}against": "compared with",
    f"taken{GAP}back": "rolled back, reverted or undone",
    f"whole{GAP}enough": "the checks that pass",
    f"did(?:{GAP}not{GAP}do)?{GAP}its{GAP}part": "failed, with the cause",
    f"of{GAP}ours": "mlci's, or its own folder or process",
    f"(?:of{GAP})?one's{GAP}own": "the user's, or custom",
    f"is{GAP}no(?!{GAP}longer)": "is not a; for 'there is no X': no X exists, or without an X",
    "whoever": "the actor: the user, the caller, a reader",
    "somebody": "the actor: another user, another process, a maintainer",
    "nobody": "the sentence with its actor: no user, no other process",
}
WORDS = {re.compile(rf"{words}(?![a-z])", re.IGNORECASE): instead for words, instead in BANNED.items()}
NEEDED = {
    pattern: max(re.findall("[a-z']+", words.replace(GAP, " ").partition("(?!")[0]), key=len)
    for pattern, words in zip(WORDS, BANNED, strict=True)
}
"""The longest word of each phrase: a text without it is not searched, which is three times faster."""
LETTER = re.compile("[a-z]", re.IGNORECASE)
"""May not stand before a phrase; as a lookbehind of each pattern it would make the search five times slower."""
OTHERWISE = re.compile(r"(^|_)otherwise(_|$)", re.IGNORECASE)
OPENING = re.compile(r'r?"""\s*(What|Whether|Who|How|Where)\b')
TEST_NAME = re.compile(r"test_[a-z0-9]+(?:_[a-z0-9]+)*__[a-z0-9]+(?:_[a-z0-9]+)*")
ANY_TEST = re.compile(r"\bdef[ \t]+(test_\w*)")
ANY_RAISED = re.compile(r"^[ \t]+[A-Z]\w+: (?!if\b|when\b)", re.MULTILINE)
RAISED = re.compile(r"^ {4}([A-Z]\w+): (?!if\b|when\b)", re.MULTILINE)


def blank(found: re.Match[str]) -> str:
    """Return as many line breaks as a skipped text has, so that lines keep their numbers."""
    return "\n" * found[0].count("\n") or " "


def prose(text: str, suffix: str) -> str:
    """Return a file's text without its quotations."""
    text = re.sub(r"``[^`\n]+``|(?<!`)`[^`\n]+`(?!`)", blank, text)
    return re.sub(r'"(?:[^"\n]|\n(?!\n))*"|“[^”]*”', blank, text) if suffix == ".md" else text


def words(text: str, suffix: str) -> Iterator[tuple[int, str]]:
    """Yield the line of each banned word, and what to write instead."""
    text = prose(text, suffix)
    lowered = text.lower()
    for pattern, instead in WORDS.items():
        if NEEDED[pattern] not in lowered:
            continue
        for found in pattern.finditer(text):
            if found.start() and LETTER.match(text, found.start() - 1):
                continue
            yield text.count("\n", 0, found.start()) + 1, f"'{' '.join(found[0].split())}': write {instead}"


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield definitions and variables that are named `otherwise`, which is a word of sentences only."""
    for node in ast.walk(tree):
        name = getattr(node, "name", None) or getattr(node, "arg", None) or getattr(node, "id", None)
        if isinstance(name, str) and OTHERWISE.search(name):
            yield getattr(node, "lineno", 1), f"'{name}' as a name: write a noun or a verb with its object"


def tests(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield tests that are not named after a unit and a condition."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not TEST_NAME.fullmatch(node.name):
            yield node.lineno, f"'{node.name}': write test_<unit>__<condition>"


def errors(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the errors of docstrings' `Raises:` that have no condition."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
            _, _, raises = text.partition("\nRaises:\n")
            for found in RAISED.finditer(raises):
                line = node.body[0].lineno + text.count("\n", 0, text.index(raises) + found.start())
                yield line, f"'{found[1]}:' without a condition: write '{found[1]}: if …' with a subject"


CHECKS: dict[Callable[[ast.AST], Iterator[tuple[int, str]]], Callable[[str], bool]] = {
    names: lambda text: "otherwise" in text,
    errors: lambda text: "Raises:" in text and ANY_RAISED.search(text) is not None,
    tests: lambda text: not all(TEST_NAME.fullmatch(name) for name in ANY_TEST.findall(text)),
}
"""Checks of a file's syntax, each with a cheap search of the text that shows if there is anything to find."""


def check(path: Path) -> list[tuple[int, str]]:
    """Return the findings of one file, ordered by line."""
    text = path.read_text("utf-8")
    found = list(words(text, path.suffix))
    if path.suffix == ".py":
        if OPENING.match(text):
            found.append((1, "module docstring begins with a question word: write a noun phrase or an imperative"))
        wanted = [check for check, is_suspect in CHECKS.items() if is_suspect(text)]
        tree = ast.parse(text) if wanted else ast.Module([], [])
        found += [finding for check in wanted for finding in check(tree)]
    return sorted(found)


def findings(root: Path, places: tuple[str, ...] = CHECKED) -> Iterator[str]:
    """Yield `file:line: what to change` for the files and folders below ``root``."""
    for place in places:
        path = root / place
        excluded = [root / name for name in EXCLUDED if root / name != path]
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            if any(file.is_relative_to(one) for one in excluded):
                continue
            if file.suffix in SUFFIXES and "node_modules" not in file.parts:
                yield from (f"{file.relative_to(root)}:{line}: {what}" for line, what in check(file))


if __name__ == "__main__":
    sys.exit("\n".join(findings(ROOT, tuple(sys.argv[1:]) or CHECKED)) or None)
