"""Trees: read, and written from entries over a base."""

from typing import Any

from tests.fake_github.gitrepo import Repo
from tests.fake_github.served.gitdata import READ, WRITE, at, check_object
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import git


@serves("git/get-tree", READ)
def get_tree(call: Call) -> Reply:
    repo = git(call.repo)
    sha = repo.asked("rev-parse", "--verify", "--quiet", "--end-of-options", f"{call.names['tree_sha']}^{{tree}}")
    if sha is None:
        raise Refused(404, "Not Found")
    return Reply(200, tree(call, sha, recursive="recursive" in call.query))


def tree(call: Call, sha: str, *, recursive: bool = False) -> dict[str, Any]:
    words = ["-r", "-t"] if recursive else []
    lines = git(call.repo).raw("ls-tree", "-l", "-z", *words, sha).decode("utf-8").split("\0")[:-1]
    entries = []
    for line in lines:
        facts, _, path = line.partition("\t")
        mode, kind, one, size = facts.split()
        sized = {"size": int(size)} if kind == "blob" else {}
        entries.append({"path": path, "mode": mode, "type": kind, "sha": one, "url": at(call, f"{kind}s", one)} | sized)
    return {"sha": sha, "url": at(call, "trees", sha), "tree": entries, "truncated": False}


@serves("git/create-tree", WRITE)
def create_tree(call: Call) -> Reply:
    """A tree from entries, over a base: by a separate index file, as git does it."""
    repo = git(call.repo)
    entries = dict(listing(repo, call.body["base_tree"])) if "base_tree" in call.body else {}
    for entry in call.body["tree"]:
        place(call, repo, entries, entry)
    if not entries:
        raise Refused(422, "GitRPC::BadObjectState")
    sha = write_trees(repo, entries)
    return Reply(201, tree(call, sha), {"Location": at(call, "trees", sha)})


Entries = dict[str, tuple[str, str, str]]  # path to mode, kind, SHA; files only


def listing(repo: Repo, sha: str) -> Entries:
    text = repo.asked("ls-tree", "-r", "-z", "--end-of-options", sha)
    if text is None:
        raise Refused(404, "Not Found")
    rows = [line.partition("\t") for line in text.split("\0") if line]
    return {path: tuple(facts.split()) for facts, _, path in rows}


def place(call: Call, repo: Repo, entries: Entries, entry: dict[str, Any]) -> None:
    path = entry["path"]
    if "content" in entry:
        sha = repo.run("hash-object", "-w", "--stdin", data=entry["content"].encode("utf-8"))
        entries[path] = (entry.get("mode", "100644"), "blob", sha)
    elif entry.get("sha") is None:
        if path not in entries:
            raise Refused(422, "GitRPC::BadObjectState")
        del entries[path]
    elif check_object(call, entry["sha"], "blob", "tree", "commit") == "tree":
        inside = listing(repo, entry["sha"])
        entries.update({f"{path}/{name}": facts for name, facts in inside.items()})
    else:
        entries[path] = (entry.get("mode", "100644"), entry.get("type", "blob"), entry["sha"])


def write_trees(repo: Repo, entries: Entries) -> str:
    """Write nested trees for flat paths, deepest first."""
    here = {path: facts for path, facts in entries.items() if "/" not in path}
    inside: dict[str, Entries] = {}
    for path, facts in entries.items():
        folder, slash, rest = path.partition("/")
        if slash:
            inside.setdefault(folder, {})[rest] = facts
    here |= {folder: ("040000", "tree", write_trees(repo, below)) for folder, below in inside.items()}
    lines = "".join(f"{mode} {kind} {sha}\t{path}\0" for path, (mode, kind, sha) in here.items())
    return repo.run("mktree", "-z", data=lines.encode("utf-8"))
