"""Changed files of a pull request, as GitHub counts them."""

from typing import Any

from tests.fake_github.gitrepo import Repo

STATUS = {"A": "added", "M": "modified", "D": "removed", "R": "renamed", "C": "copied", "T": "changed"}


def changed_files(repo: Repo, base: str, head: str) -> list[dict[str, Any]]:
    """Every file that differs, with its counts and its patch."""
    output = repo.settled("diff", "--raw", "-z", "--no-abbrev", "--find-renames", base, head, about=(base, head))
    rows = output.split("\0")
    found, i = [], 0
    while i < len(rows) - 1:
        _, _, old, new, letter = rows[i].split()
        several = letter[0] in "RC"
        names = rows[i + 1 : i + (3 if several else 2)]
        found.append(file(repo, base, head, letter[0], names, old if letter[0] == "D" else new))
        i += 1 + len(names)
    return found


def file(repo: Repo, base: str, head: str, letter: str, names: list[str], sha: str) -> dict[str, Any]:
    patch = repo.settled("diff", "--find-renames", base, head, "--", *names, about=(base, head))
    hunks = patch[patch.find("\n@@") + 1 :] if "\n@@" in patch else None
    lines = (hunks or "").splitlines()
    added, gone = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    counts = {"additions": added, "deletions": gone, "changes": added + gone}
    row = {"sha": sha, "filename": names[-1], "status": STATUS[letter]} | counts
    row |= {"patch": hunks} if hunks else {}
    return row | ({"previous_filename": names[0]} if len(names) > 1 else {})
