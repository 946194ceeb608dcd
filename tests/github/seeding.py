"""What there is before the first request: repositories, forks, pull requests."""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.github.gitrepo import ENVIRONMENT
from tests.github.served.pulls import refreshed
from tests.github.state import Row, State, full_name, git

CONFIG = """\
model: demo
task: binary
evaluation: {data: holdout.csv, key: id, label: y, positive: 1}
predict: {file: candidate.csv, score: score}
baseline: {file: production.csv}
gates:
  - {metric: accuracy, max_drop: 0.01}
"""
PERSON = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in {"NAME": "Octocat", "EMAIL": "octocat@example.org", "DATE": "2024-05-01T12:00:00Z"}.items()
}


def run(folder: Path, *arguments: str) -> str:
    told = ["git", *arguments]
    done = subprocess.run(told, cwd=folder, env=ENVIRONMENT | PERSON, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def repository(folder: Path) -> None:
    """Make a small bare repository with `main` and a branch `topic`, unless there is one."""
    if folder.exists() and any(folder.iterdir()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    run(folder, "init", "--quiet", "--bare", "--initial-branch", "main")
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        run(work, "init", "--quiet", "--initial-branch", "main")
        commit(work, {"README.md": "# A model\n", "mlci.yml": CONFIG}, "A model and its gates")
        run(work, "switch", "--quiet", "--create", "topic")
        commit(work, {"train.py": "C = 0.5\n"}, "Less regularisation")
        run(work, "push", "--quiet", str(folder), "main", "topic")


def commit(work: Path, files: dict[str, str], message: str) -> str:
    """Write files into a work tree and commit them."""
    for name, text in files.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    run(work, "add", "--force", "--", *files)
    run(work, "commit", "--quiet", "--message", message)
    return run(work, "rev-parse", "HEAD")


def register(state: State, folder: Path, name: str, *, private: bool = False, fork_of: Row | None = None) -> Row:
    """Tell the state of a bare repository."""
    owner, _, short = name.partition("/")
    default = run(folder, "symbolic-ref", "--short", "HEAD")
    roles: dict[str, str] = {}
    facts: dict[str, Any] = {"owner": owner, "name": short, "private": private, "default_branch": default}
    parent = fork_of["id"] if fork_of else None
    return state.add("repos", **facts, git=os.fspath(folder.resolve()), roles=roles, fork_of=parent)


def forked(state: State, repo: Row, owner: str) -> Row:
    """The fork of somebody, a bare clone beside the repository."""
    known = state.one("repos", owner=owner, name=repo["name"], fork_of=repo["id"])
    if known:
        return known
    origin = Path(repo["git"])
    folder = origin.with_name(f"{origin.name.removesuffix('.git')}-of-{owner}.git")
    if not folder.exists():
        run(origin.parent, "clone", "--quiet", "--bare", "--no-hardlinks", str(origin), str(folder))
    return register(state, folder, f"{owner}/{repo['name']}", private=repo["private"], fork_of=repo)


def pull(
    state: State,
    repo: Row,
    head: str,
    base: str = "main",
    *,
    fork: bool | str = False,
    user: str | None = None,
    title: str | None = None,
    body: str | None = None,
    draft: bool = False,
) -> Row:
    """Open a pull request; ``fork`` is the owner of the fork that its branch is in, or True for somebody's."""
    owner = "contributor" if fork is True else fork
    source = forked(state, repo, owner) if owner else repo
    tip, onto = git(source).branch(head), git(repo).branch(base)
    if tip is None or onto is None:
        raise LookupError(f"no branch {head} in {full_name(source)}, or no branch {base} in {full_name(repo)}")
    row = state.add(
        "pulls",
        repo=repo["id"],
        number=state.number(repo),
        title=title or git(source).commit(tip)["message"].partition("\n")[0],
        body=body,
        user=user or owner or "octocat",
        draft=draft,
        state="open",
        locked=False,
        labels=[],
        closed_at=None,
        merged_at=None,
        head_repo=source["id"],
        head_ref=head,
        base_ref=base,
        **dict.fromkeys(["head_sha", "base_sha", "merge_sha", "mergeable", "before"]),
    )
    return refreshed(state, row)


def rate_limit(state: State, token: str, remaining: int, reset_in: float) -> None:
    """Leave a token so many requests in this hour."""
    row = state.one("tokens", token=token)
    if row is None:
        raise LookupError("no such token")
    row.update(used=row["limit"] - remaining, reset=round(time.time() + reset_in))
