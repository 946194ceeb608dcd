"""A real bare repository, read and changed by git itself."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TEMPLATE_DIR": "",  # a dozen sample hooks less in every repository
    "GIT_TERMINAL_PROMPT": "0",
}
WEB = {"name": "GitHub", "email": "noreply@github.com"}  # who commits merges made by the site
FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"


SHA = re.compile(r"[0-9a-f]{40}")
KNOWN: set[tuple[str, str]] = set()  # commits that were seen in a folder: they never go away
ANSWERS: dict[tuple[str, ...], str] = {}  # of git, to questions about commits that are named by SHA
MERGES: dict[tuple[str, ...], str] = {}  # commits by what they merge, with which message, for whom


class GitError(Exception):
    """git refused."""


@dataclass(frozen=True)
class Repo:
    """The bare repository in a folder."""

    folder: Path

    def raw(self, *arguments: str, data: bytes | None = None, who: dict[str, dict[str, str]] | None = None) -> bytes:
        done = subprocess.run(
            ["git", "--git-dir", str(self.folder), *arguments],
            input=data,
            env=ENVIRONMENT | identity(who or {}),
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise GitError(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]} failed")
        return done.stdout

    def run(self, *arguments: str, data: bytes | None = None, who: dict[str, dict[str, str]] | None = None) -> str:
        return self.raw(*arguments, data=data, who=who).decode("utf-8", "replace").rstrip("\n")

    def settled(self, *arguments: str, about: tuple[str, ...]) -> str:
        """Ask what the commits alone decide: git answers the same in every repository that has them."""
        if not all(SHA.fullmatch(sha) and (str(self.folder), sha) in KNOWN for sha in about):
            return self.run(*arguments)
        if arguments not in ANSWERS:
            ANSWERS[arguments] = self.run(*arguments)
        return ANSWERS[arguments]

    def asked(self, *arguments: str) -> str | None:
        """Return the output of git, or nothing if it fails."""
        try:
            return self.run(*arguments)
        except GitError:
            return None

    def commit_of(self, name: str) -> str | None:
        """SHA of the commit that a branch, a tag or a SHA means."""
        if not name or name.startswith("-"):
            return None
        if SHA.fullmatch(name) and (str(self.folder), name) in KNOWN:
            return name
        found = self.stored_ref(name) if name.startswith("refs/heads/") and ".." not in name else None
        found = found or self.asked("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found:
            KNOWN.add((str(self.folder), found))
        return found

    def branch(self, name: str) -> str | None:
        """The tip of a branch."""
        return self.commit_of(f"refs/heads/{name}")

    def stored_ref(self, name: str) -> str | None:
        """The SHA in the ref's own file or in that of packed refs, which costs no process; the first precedes."""
        loose, packed = self.folder / name, self.folder / "packed-refs"
        if loose.is_file():
            sha = loose.read_text("ascii").strip()
            return sha if SHA.fullmatch(sha) else None
        lines = packed.read_text("utf-8").splitlines() if packed.is_file() else []
        return next((sha for sha, _, ref in (line.partition(" ") for line in lines) if ref == name), None)

    def kind(self, sha: str) -> str | None:
        return None if sha.startswith("-") else self.asked("cat-file", "-t", sha)

    def commit(self, sha: str) -> dict[str, Any]:
        fields = self.settled("show", "--no-patch", f"--format={FORMAT}", "--end-of-options", sha, about=(sha,)).split(
            "\0"
        )
        return {
            "sha": fields[0],
            "tree": fields[1],
            "parents": fields[2].split(),
            "author": {"name": fields[3], "email": fields[4], "date": fields[5]},
            "committer": {"name": fields[6], "email": fields[7], "date": fields[8]},
            "message": fields[9].rstrip("\n"),
        }

    def refs(self, prefix: str) -> dict[str, tuple[str, str]]:
        """Names to (SHA, type) of every ref under a prefix."""
        lines = self.run("for-each-ref", "--format=%(refname) %(objectname) %(objecttype)", prefix).splitlines()
        return {name: (sha, kind) for name, sha, kind in (line.split() for line in lines)}

    def log(self, tip: str, *, base: str | None = None, path: str | None = None) -> list[str]:
        """SHAs of commits, newest first; those that the base does not have."""
        span = [f"{base}..{tip}"] if base else [tip]
        about = (tip, base) if base else (tip,)
        return self.settled("rev-list", *span, *(["--", path] if path else []), about=about).split()

    def merge_base(self, one: str, other: str) -> str | None:
        try:
            return self.settled("merge-base", one, other, about=(one, other))
        except GitError:
            return None

    def write_ref(self, name: str, sha: str, *, old: str | None = None) -> None:
        self.run("update-ref", name, sha, *([old] if old else []))

    def write_pull_ref(self, name: str, sha: str) -> None:
        """Write a ref that only the site writes, as the file that it is, which costs no process."""
        path = self.folder / "refs" / "pull" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_text(f"{sha}\n", "ascii")
        path.with_suffix(".new").replace(path)

    def has_loose(self, sha: str) -> bool:
        return (self.folder / "objects" / sha[:2] / sha[2:]).is_file()

    def merge(self, base: str, head: str, message: str, *, who: dict[str, str] = WEB) -> str | None:
        """The commit that merges head into base, or nothing where they conflict. No ref moves."""
        key = (base, head, message, *sorted(who.values()))
        if key in MERGES and self.has_loose(MERGES[key]):
            KNOWN.add((str(self.folder), MERGES[key]))
            return MERGES[key]
        tree = self.asked("merge-tree", "--write-tree", "--allow-unrelated-histories", base, head)
        if tree is None:
            return None
        dated = {**who, "date": max(self.commit(sha)["committer"]["date"] for sha in (base, head))}
        command = ["commit-tree", tree.splitlines()[0], "-p", base, "-p", head, "-m", message]
        MERGES[key] = self.run(*command, who={"author": dated, "committer": dated})
        return MERGES[key]


def identity(who: dict[str, dict[str, str]]) -> dict[str, str]:
    """The variables by which git learns author and committer."""
    names = {"name": "NAME", "email": "EMAIL", "date": "DATE"}
    return {
        f"GIT_{role.upper()}_{names[key]}": value
        for role, facts in ({"author": WEB, "committer": WEB} | who).items()
        for key, value in facts.items()
        if key in names
    }
