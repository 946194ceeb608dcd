"""Pull requests, whose heads follow the branch in git."""

from tests.fake_github import people
from tests.fake_github.gitdiff import changed_files
from tests.fake_github.links import Links
from tests.fake_github.served.commits import commit, diff_entry, find_commit
from tests.fake_github.served.issues import ensure_labels
from tests.fake_github.served.repos import repository
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import Row, State, full_name, git

READ = ("pull-requests", "read")


def repo_of(state: State, number: int) -> Row:
    row = state.one("repos", id=number)
    if row is None:
        raise LookupError(f"no repository {number}")
    return row


def refresh(state: State, pull: Row) -> Row:
    """Look where the branches are, and move `refs/pull/N/head` and `refs/pull/N/merge` along, as GitHub does."""
    if pull["state"] != "open":
        return pull
    base_repo, head_repo = repo_of(state, pull["repo"]), repo_of(state, pull["head_repo"])
    base, head = git(base_repo), git(head_repo)
    tips = base.branch(pull["base_ref"]), head.branch(pull["head_ref"])
    if None in tips or tips == (pull["base_sha"], pull["head_sha"]):
        return pull
    if base_repo is not head_repo:
        fetched = f"+refs/heads/{pull['head_ref']}:refs/pull/{pull['number']}/head"
        base.run("fetch", "--quiet", head_repo["git"], fetched)
    base.write_pull_ref(f"{pull['number']}/head", tips[1])
    merged = base.merge(*tips, f"Merge {tips[1]} into {tips[0]}")
    if merged:
        base.write_pull_ref(f"{pull['number']}/merge", merged)
    moved = {"head_sha": tips[1], "base_sha": tips[0], "merge_sha": merged, "mergeable": merged is not None}
    state.change(pull, **moved, before=pull["head_sha"])
    return pull


def open_pulls(state: State, repo: Row) -> list[Row]:
    return [refresh(state, row) for row in state.all("pulls", repo=repo["id"])]


def minimal_pulls(call: Call, sha: str) -> list[Row]:
    """Pull requests of a check; those of forks are omitted: https://docs.github.com/rest/checks/runs"""
    rows = [row for row in open_pulls(call.state, call.repo) if row["state"] == "open" and row["head_sha"] == sha]
    return [minimal(call, row) for row in rows if row["head_repo"] == call.repo["id"]]


def minimal(call: Call, row: Row) -> Row:
    at = call.links.repo(full_name(call.repo))
    repo = {"id": call.repo["id"], "url": at, "name": call.repo["name"]}
    return {
        "id": row["id"],
        "number": row["number"],
        "url": f"{at}/pulls/{row['number']}",
        "head": {"ref": row["head_ref"], "sha": row["head_sha"], "repo": repo},
        "base": {"ref": row["base_ref"], "sha": row["base_sha"], "repo": repo},
    }


def side(call: Call, repo: Row, ref: str, sha: str) -> Row:
    home = repository(call.state, call.links, repo)
    return {"label": f"{repo['owner']}:{ref}", "ref": ref, "sha": sha, "user": home["owner"], "repo": home}


def addresses(links: Links, repo: Row, row: Row) -> dict[str, str]:
    at, page = f"{links.repo(full_name(repo))}", f"{links.site}/{full_name(repo)}/pull/{row['number']}"
    pull, issue = f"{at}/pulls/{row['number']}", f"{at}/issues/{row['number']}"
    return {
        "url": pull,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue,
        "commits_url": f"{pull}/commits",
        "review_comments_url": f"{pull}/comments",
        "review_comment_url": f"{at}/pulls/comments{{/number}}",
        "comments_url": f"{issue}/comments",
        "statuses_url": f"{at}/statuses/{row['head_sha']}",
    }


LINKED = {
    "self": "url",
    "html": "html_url",
    "issue": "issue_url",
    "comments": "comments_url",
    "review_comments": "review_comments_url",
    "review_comment": "review_comment_url",
    "commits": "commits_url",
    "statuses": "statuses_url",
}


def simple(call: Call, row: Row) -> Row:
    """A pull request as lists show it."""
    links = addresses(call.links, call.repo, row)
    head_repo = repo_of(call.state, row["head_repo"])
    return {
        **links,
        **{key: row[key] for key in ("id", "number", "state", "title", "body", "draft", "created_at", "updated_at")},
        **dict.fromkeys(["assignee", "milestone", "auto_merge", "active_lock_reason"]),
        **{key: [] for key in ("assignees", "requested_reviewers", "requested_teams")},
        "node_id": f"PR_{row['id']}",
        "locked": row["locked"],
        "user": people.user(call.state, call.links, row["user"]),
        "closed_at": row["closed_at"],
        "merged_at": row["merged_at"],
        "merge_commit_sha": row["merge_sha"],
        "labels": ensure_labels(call, row["labels"]),
        "head": side(call, head_repo, row["head_ref"], row["head_sha"]),
        "base": side(call, call.repo, row["base_ref"], row["base_sha"]),
        "_links": {name: {"href": links[key]} for name, key in LINKED.items()},
        "author_association": "OWNER" if row["user"] == call.repo["owner"] else "NONE",
    }


MOST_FILES = 3_000
"""GitHub's documentation, "List pull requests files": responses include a maximum of 3000 files."""


def files_of(call: Call, row: Row) -> list[Row]:
    repo = git(call.repo)
    return changed_files(repo, repo.merge_base(row["base_sha"], row["head_sha"]) or row["base_sha"], row["head_sha"])


def full(call: Call, row: Row) -> Row:
    """A pull request as it is shown alone."""
    files = files_of(call, row)
    return simple(call, row) | {
        "merged": row["merged_at"] is not None,
        "mergeable": row["mergeable"] if row["state"] == "open" else None,
        "rebaseable": row["mergeable"],
        "mergeable_state": "clean" if row["mergeable"] else "dirty",
        "merged_by": None,
        "comments": len(call.state.all("comments", repo=call.repo["id"], number=row["number"])),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": len(git(call.repo).log(row["head_sha"], base=row["base_sha"])),
        "additions": sum(entry["additions"] for entry in files),
        "deletions": sum(entry["deletions"] for entry in files),
        "changed_files": len(files),
    }


def find_pull(call: Call) -> Row:
    row = call.state.one("pulls", repo=call.repo["id"], number=call.number("pull_number"))
    if row is None:
        raise Refused(404, "Not Found")
    return refresh(call.state, row)


@serves("pulls/get", READ)
def get(call: Call) -> Reply:
    return Reply(200, full(call, find_pull(call)))


@serves("pulls/list", READ)
def list_pulls(call: Call) -> Reply:
    """`head` filters by `user:branch`, and does nothing without the colon: docs.github.com/rest/pulls/pulls"""
    wanted, head, base = (call.query.get(key, fallback) for key, fallback in FILTERS.items())
    rows = [row for row in open_pulls(call.state, call.repo) if wanted in {"all", row["state"]}]
    rows = [row for row in rows if ":" not in head or label(call, row) == head]
    rows = [row for row in rows if base in {"", row["base_ref"]}]
    down = call.query.get("direction", "desc" if call.query.get("sort", "created") == "created" else "asc") == "desc"
    key = "updated_at" if call.query.get("sort") == "updated" else "number"
    return call.page(sorted(rows, key=lambda row: row[key], reverse=down), lambda row: simple(call, row))


FILTERS = {"state": "open", "head": "", "base": ""}


def label(call: Call, row: Row) -> str:
    return f"{repo_of(call.state, row['head_repo'])['owner']}:{row['head_ref']}"


@serves("pulls/list-files", READ)
def list_files(call: Call) -> Reply:
    row = find_pull(call)
    return call.page(files_of(call, row)[:MOST_FILES], lambda entry: diff_entry(call, entry, row["head_sha"]))


@serves("pulls/list-commits", READ)
def list_commits(call: Call) -> Reply:
    row = find_pull(call)
    return call.page(git(call.repo).log(row["head_sha"], base=row["base_sha"])[::-1], lambda sha: commit(call, sha))


@serves("repos/list-pull-requests-associated-with-commit", READ)
def list_for_commit(call: Call) -> Reply:
    sha = find_commit(call, call.names["commit_sha"], status=422)
    rows = [row for row in open_pulls(call.state, call.repo) if holds(call, row, sha)]
    return call.page(rows, lambda row: simple(call, row))


def holds(call: Call, row: Row, sha: str) -> bool:
    """A merged pull request introduced its merge commit: https://docs.github.com/rest/commits/commits"""
    if row["merged_at"] is not None and sha == row["merge_sha"]:
        return True
    return sha == row["head_sha"] or sha in git(call.repo).log(row["head_sha"], base=row["base_sha"])


@serves("pulls/list-reviews", READ)
def list_reviews(call: Call) -> Reply:
    """In chronological order: https://docs.github.com/rest/pulls/reviews#list-reviews-for-a-pull-request"""
    pull = find_pull(call)
    rows = call.state.all("reviews", repo=call.repo["id"], number=pull["number"])
    return call.page(rows, lambda row: review(call, pull, row))


def review(call: Call, pull: Row, row: Row) -> Row:
    links = addresses(call.links, call.repo, pull)
    page = f"{links['html_url']}#pullrequestreview-{row['id']}"
    return {
        "id": row["id"],
        "node_id": f"PRR_{row['id']}",
        "user": people.user(call.state, call.links, row["user"]) if row["user"] else None,
        "body": row["body"],
        "state": row["state"],
        "html_url": page,
        "pull_request_url": links["url"],
        "_links": {"html": {"href": page}, "pull_request": {"href": links["url"]}},
        "submitted_at": row["created_at"],
        "commit_id": row["commit"],
        "author_association": "MEMBER",
    }
