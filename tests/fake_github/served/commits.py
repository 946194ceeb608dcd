"""Commits and branches, read from the bare repository."""

from typing import Any

from tests.fake_github import people
from tests.fake_github.gitdiff import changed_files
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import Row, full_name, git

READ = ("contents", "read")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def find_commit(call: Call, name: str, *, status: int) -> str:
    """SHA of the commit that a ref means; GitHub answers 422 or 404, by operation, if there is none."""
    if sha := git(call.repo).commit_of(name):
        return sha
    raise Refused(status, f"No commit found for SHA: {name}" if status == 422 else "Not Found")


def simple_commit(repo: Row, sha: str) -> Row:
    facts = git(repo).commit(sha)
    signatures = {
        role: {"name": facts[role]["name"], "email": facts[role]["email"]} for role in ("author", "committer")
    }
    found = {"id": sha, "tree_id": facts["tree"], "message": facts["message"], "timestamp": facts["author"]["date"]}
    return found | signatures


def unsigned() -> dict[str, Any]:
    return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def commit(call: Call, sha: str) -> Row:
    """A commit as lists show it."""
    facts = git(call.repo).commit(sha)
    at, page = call.links.repo(full_name(call.repo)), f"{call.links.site}/{full_name(call.repo)}/commit"
    inner = {
        "author": facts["author"],
        "committer": facts["committer"],
        "message": facts["message"],
        "tree": {"sha": facts["tree"], "url": f"{at}/git/trees/{facts['tree']}"},
        "url": f"{at}/git/commits/{sha}",
        "comment_count": 0,
        "verification": unsigned(),
    }
    return {
        "sha": sha,
        "node_id": f"C_{sha}",
        "commit": inner,
        "url": f"{at}/commits/{sha}",
        "html_url": f"{page}/{sha}",
        "comments_url": f"{at}/commits/{sha}/comments",
        "author": people.of_email(call.state, call.links, facts["author"]["email"]),
        "committer": people.of_email(call.state, call.links, facts["committer"]["email"]),
        "parents": [
            {"sha": one, "url": f"{at}/commits/{one}", "html_url": f"{page}/{one}"} for one in facts["parents"]
        ],
    }


def diff_entry(call: Call, file: Row, sha: str) -> Row:
    """A changed file as GitHub shows it."""
    path, site = file["filename"], f"{call.links.site}/{full_name(call.repo)}"
    contents = f"{call.links.repo(full_name(call.repo))}/contents/{path}?ref={sha}"
    addresses = {"blob_url": f"{site}/blob/{sha}/{path}", "raw_url": f"{site}/raw/{sha}/{path}"}
    return file | addresses | {"contents_url": contents}


@serves("repos/get-commit", READ)
def get_commit(call: Call) -> Reply:
    sha = find_commit(call, call.names["ref"], status=422)
    document = commit(call, sha)
    before = (git(call.repo).commit(sha)["parents"] or [EMPTY_TREE])[0]
    files = [diff_entry(call, entry, sha) for entry in changed_files(git(call.repo), before, sha)]
    added, gone = (sum(entry[key] for entry in files) for key in ("additions", "deletions"))
    return Reply(
        200, document | {"stats": {"additions": added, "deletions": gone, "total": added + gone}, "files": files}
    )


@serves("repos/list-commits", READ)
def list_commits(call: Call) -> Reply:
    tip = find_commit(call, call.query.get("sha", call.repo["default_branch"]), status=404)
    shas = git(call.repo).log(tip, path=call.query.get("path"))
    return call.page(shas, lambda sha: commit(call, sha))


@serves("repos/compare-commits", READ)
def compare(call: Call) -> Reply:
    repo = git(call.repo)
    base, head = (find_commit(call, call.names[name], status=404) for name in ("base", "head"))
    middle = repo.merge_base(base, head)
    if middle is None:
        raise Refused(404, "Not Found")
    ahead, behind = repo.log(head, base=base)[::-1], repo.log(base, base=head)
    at = f"{call.links.repo(full_name(call.repo))}/compare/{call.names['base']}...{call.names['head']}"
    page = f"{call.links.site}/{full_name(call.repo)}/compare/{call.names['base']}...{call.names['head']}"
    status = {(0, 0): "identical", (1, 0): "ahead", (0, 1): "behind", (1, 1): "diverged"}
    return Reply(
        200,
        {
            "url": at,
            "html_url": page,
            "permalink_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "base_commit": commit(call, base),
            "merge_base_commit": commit(call, middle),
            "status": status[bool(ahead), bool(behind)],
            "ahead_by": len(ahead),
            "behind_by": len(behind),
            "total_commits": len(ahead),
            "commits": [commit(call, sha) for sha in ahead],
            "files": [diff_entry(call, entry, head) for entry in changed_files(repo, middle, head)],
        },
    )
