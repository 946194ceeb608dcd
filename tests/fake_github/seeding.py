"""The state before the first request: repositories, forks, pull requests."""

import io
import os
import subprocess
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fake_github.gitrepo import ENVIRONMENT, Repo
from tests.fake_github.served.pulls import refresh
from tests.fake_github.state import Row, State, full_name, git

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


def git_run(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT | PERSON, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def repository(folder: Path) -> None:
    """Make a small bare repository with `main` and a branch `topic`, unless there is one; its SHAs never change."""
    if folder.exists() and any(folder.iterdir()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    git_run(folder, "init", "--quiet", "--bare", "--initial-branch", "main")
    main = import_commit("main", "A model and its gates", {"README.md": "# A model\n", "mlci.yml": CONFIG})
    topic = import_commit("topic", "Less regularisation", {"train.py": "C = 0.5\n"}, after="main")
    command = ["git", "fast-import", "--quiet"]
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, input=(main + topic).encode(), check=True)


def store_merge(folder: Path) -> Path:
    """Keep the merge of `topic` into `main` in a repository, so that no copy of it has to make the commit."""
    repo = Repo(folder)
    main, topic = (repo.branch(name) for name in ("main", "topic"))
    if main is None or topic is None:
        raise LookupError(f"no branch main or topic in {folder}")
    repo.merge(main, topic, f"Merge {topic} into {main}")
    return folder


def import_commit(branch: str, message: str, files: dict[str, str], *, after: str | None = None) -> str:
    """One commit as `git fast-import` reads it."""
    lines = [f"commit refs/heads/{branch}", "committer Octocat <octocat@example.org> 1714564800 +0000"]
    lines += [f"data {len(message)}", message] + ([f"from refs/heads/{after}"] if after else [])
    for name, text in files.items():
        lines += [f"M 100644 inline {name}", f"data {len(text.encode())}", text]
    return "\n".join(lines) + "\n\n"


def commit(work: Path, files: dict[str, str], message: str) -> str:
    """Write files into a work tree and commit them."""
    for name, text in files.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    git_run(work, "add", "--force", "--", *files)
    git_run(work, "commit", "--quiet", "--message", message)
    return git_run(work, "rev-parse", "HEAD")


def find_repository(state: State, name: str) -> Row | None:
    """The repository of this name in a state that was read from a file."""
    owner, _, short = name.partition("/")
    return state.one("repos", owner=owner, name=short)


def register(state: State, folder: Path, name: str, *, private: bool = False, fork_of: Row | None = None) -> Row:
    """Tell the state of a bare repository."""
    owner, _, short = name.partition("/")
    default = (folder / "HEAD").read_text("ascii").strip().removeprefix("ref: refs/heads/")
    roles: dict[str, str] = {}
    facts: dict[str, Any] = {"owner": owner, "name": short, "private": private, "default_branch": default}
    parent = fork_of["id"] if fork_of else None
    return state.add("repos", **facts, git=os.fspath(folder.resolve()), roles=roles, fork_of=parent)


def fork_repository(state: State, repo: Row, owner: str) -> Row:
    """Return a user's fork, a bare clone beside the repository."""
    known = state.one("repos", owner=owner, name=repo["name"], fork_of=repo["id"])
    if known:
        return known
    origin = Path(repo["git"])
    folder = origin.with_name(f"{origin.name.removesuffix('.git')}-of-{owner}.git")
    if not folder.exists():
        git_run(origin.parent, "clone", "--quiet", "--bare", "--no-hardlinks", str(origin), str(folder))
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
    """Open a pull request; ``fork`` is the owner of the fork that its branch is in, or True for any user's."""
    owner = "contributor" if fork is True else fork
    source = fork_repository(state, repo, owner) if owner else repo
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
    return refresh(state, row)


def run(
    state: State, repo: Row, number: int | None, *, sha: str, branch: str, name: str = "model", **facts: Any
) -> Row:
    """A workflow run of a pull request, or of a branch."""
    pull_row = state.one("pulls", repo=repo["id"], number=number) if number else None
    found = {
        "name": name,
        "event": "pull_request" if number else "push",
        "status": "completed",
        "conclusion": "success",
        "path": f".github/workflows/{name}.yml",
        "attempt": 1,
        "number": len(state.all("runs")) + 1,
        "actor": "octocat",
        "jobs": [],
    } | facts
    found["jobs"] = [{"id": state.new_id(), "conclusion": "success", **job} for job in found["jobs"]]
    home = {"repo": repo["id"], "head_repo": pull_row["head_repo"] if pull_row else repo["id"]}
    suite = state.add("check_suites", repo=repo["id"], app="github-actions", head_sha=sha)["id"]
    return state.add("runs", **home, head_sha=sha, head_branch=branch, suite=suite, workflow=state.new_id(), **found)


def zip_files(files: Mapping[str, bytes | str]) -> bytes:
    """An archive as `actions/upload-artifact` makes it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def artifact(state: State, repo: Row, run_id: int, name: str, data: bytes, *, expired: bool = False) -> Row:
    facts = {"repo": repo["id"], "run": run_id, "name": name, "size": len(data), "expired": expired}
    return state.add("artifacts", **facts, digest=state.keep(data))


def rate_limit(state: State, token: str, remaining: int, reset_in: float) -> None:
    """Leave a token so many requests in this hour."""
    row = state.one("tokens", token=token)
    if row is None:
        raise LookupError("no such token")
    row.update(used=row["limit"] - remaining, reset=round(time.time() + reset_in))
