"""Changed files of a pull request, as GitHub counts them."""

import re
from typing import Any

from tests.fake_github.gitrepo import SHA, Repo

STATUS = {"A": "added", "M": "modified", "D": "removed", "R": "renamed", "C": "copied", "T": "changed"}


FILES: dict[tuple[str, str], list[dict[str, Any]]] = {}


def changed_files(repo: Repo, base: str, head: str) -> list[dict[str, Any]]:
    """Every file that differs, with its counts and its patch; two commits alone decide them."""
    if not (SHA.fullmatch(base) and SHA.fullmatch(head)):
        return compared(repo, base, head)
    if (base, head) not in FILES:
        FILES[base, head] = compared(repo, base, head)
    return FILES[base, head]


def compared(repo: Repo, base: str, head: str) -> list[dict[str, Any]]:
    output = repo.settled("diff", "--raw", "-z", "--no-abbrev", "--find-renames", base, head, about=(base, head))
    rows = output.split("\0")
    found: list[tuple[str, list[str], str]] = []
    i = 0
    while i < len(rows) - 1:
        _, _, old, new, letter = rows[i].split()
        several = letter[0] in "RC"
        names = rows[i + 1 : i + (3 if several else 2)]
        found.append((letter[0], names, old if letter[0] == "D" else new))
        i += 1 + len(names)
    return [file(*one, patch) for one, patch in zip(found, patches(repo, base, head, found), strict=True)]


def patches(repo: Repo, base: str, head: str, found: list[tuple[str, list[str], str]]) -> list[str]:
    """The patch of each file: by one call of git, unless a file has several, as one that became a link."""
    whole = repo.settled("diff", "--find-renames", base, head, about=(base, head))
    parts = re.split(r"^(?=diff --git )", whole, flags=re.MULTILINE)[1:]
    if len(parts) == len(found):
        return parts
    return [
        repo.settled("diff", "--find-renames", base, head, "--", *names, about=(base, head)) for _, names, _ in found
    ]


def file(letter: str, names: list[str], sha: str, patch: str) -> dict[str, Any]:
    hunks = patch[patch.find("\n@@") + 1 :] if "\n@@" in patch else None
    lines = (hunks or "").splitlines()
    added, gone = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    counts = {"additions": added, "deletions": gone, "changes": added + gone}
    row = {"sha": sha, "filename": names[-1], "status": STATUS[letter]} | counts
    row |= {"patch": hunks} if hunks else {}
    return row | ({"previous_filename": names[0]} if len(names) > 1 else {})
