"""Repositories, branches and who may do what."""

from typing import Any

from tests.fake_github import people
from tests.fake_github.links import Links
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import Row, State, full_name, git
from tests.fake_github.tokens import ROLES, role

READ = ("contents", "read")
# Addresses in a repository, as suffixes of its address; taken from GitHub's example of `repos/get`.
ADDRESSES = {
    "archive": "/{archive_format}{/ref}",
    "assignees": "/assignees{/user}",
    "blobs": "/git/blobs{/sha}",
    "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}",
    "comments": "/comments{/number}",
    "commits": "/commits{/sha}",
    "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}",
    "contributors": "/contributors",
    "deployments": "/deployments",
    "downloads": "/downloads",
    "events": "/events",
    "forks": "/forks",
    "git_commits": "/git/commits{/sha}",
    "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "hooks": "/hooks",
    "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}",
    "issues": "/issues{/number}",
    "keys": "/keys{/key_id}",
    "labels": "/labels{/name}",
    "languages": "/languages",
    "merges": "/merges",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "pulls": "/pulls{/number}",
    "releases": "/releases{/id}",
    "stargazers": "/stargazers",
    "statuses": "/statuses/{sha}",
    "subscribers": "/subscribers",
    "subscription": "/subscription",
    "tags": "/tags",
    "teams": "/teams",
    "trees": "/git/trees{/sha}",
}
COUNTS = ["forks", "forks_count", "open_issues", "open_issues_count", "stargazers_count", "watchers", "watchers_count"]


def minimal(state: State, links: Links, repo: Row) -> Row:
    """The short form of a repository."""
    at = links.repo(full_name(repo))
    return {
        "id": repo["id"],
        "node_id": f"R_{repo['id']}",
        "name": repo["name"],
        "full_name": full_name(repo),
        "owner": people.user(state, links, repo["owner"]),
        "private": repo["private"],
        "html_url": f"{links.site}/{full_name(repo)}",
        "description": None,
        "fork": repo["fork_of"] is not None,
        "url": at,
        **{f"{name}_url": at + suffix for name, suffix in ADDRESSES.items()},
    }


def repository(state: State, links: Links, repo: Row) -> Row:
    """The form inside a pull request."""
    page = f"{links.site}/{full_name(repo)}"
    flags = dict.fromkeys(["has_issues", "has_projects", "has_downloads", "has_wiki"], True)
    off = dict.fromkeys(["has_pages", "has_discussions", "archived", "disabled", "is_template"], False)
    times = {"created_at": repo["created_at"], "updated_at": repo["updated_at"], "pushed_at": repo["updated_at"]}
    return minimal(state, links, repo) | {
        **dict.fromkeys(COUNTS, 0),
        **flags,
        **off,
        **times,
        **dict.fromkeys(["homepage", "language", "mirror_url", "license"]),
        "clone_url": f"{page}.git",
        "git_url": f"git:{page.partition(':')[2]}.git",
        "ssh_url": f"git@github.com:{full_name(repo)}.git",
        "svn_url": page,
        "size": 1,
        "default_branch": repo["default_branch"],
        "visibility": "private" if repo["private"] else "public",
        "topics": [],
        "allow_forking": True,
        "web_commit_signoff_required": False,
    }


@serves("repos/get", ("metadata", "read"))
def get(call: Call) -> Reply:
    document = repository(call.state, call.links, call.repo) | {"network_count": 0, "subscribers_count": 0}
    if call.repo["fork_of"] is not None:
        parent = call.state.one("repos", id=call.repo["fork_of"])
        document |= dict.fromkeys(["parent", "source"], repository(call.state, call.links, parent))
    return Reply(200, document)


@serves("repos/list-branches", READ)
def list_branches(call: Call) -> Reply:
    at = call.links.repo(full_name(call.repo))
    heads = git(call.repo).refs("refs/heads/")
    rows = [(name.removeprefix("refs/heads/"), sha) for name, (sha, _) in heads.items()]
    return call.page(
        rows,
        lambda row: {
            "name": row[0],
            "commit": {"sha": row[1], "url": f"{at}/commits/{row[1]}"},
            "protected": protection(call, row[0]) is not None,
        },
    )


@serves("repos/list-tags", READ)
def list_tags(call: Call) -> Reply:
    at = call.links.repo(full_name(call.repo))
    names = [name.removeprefix("refs/tags/") for name in git(call.repo).refs("refs/tags/")][::-1]

    def tag(name: str) -> dict[str, Any]:
        sha = git(call.repo).commit_of(f"refs/tags/{name}")
        balls = {f"{kind}_url": f"{at}/{kind}/refs/tags/{name}" for kind in ("zipball", "tarball")}
        return {"name": name, "commit": {"sha": sha, "url": f"{at}/commits/{sha}"}, "node_id": f"T_{name}"} | balls

    return call.page(names, tag)


def protection(call: Call, branch: str) -> Row | None:
    return call.state.one("protections", repo=call.repo["id"], branch=branch)


@serves("repos/check-collaborator", ("metadata", "read"))
def check_collaborator(call: Call) -> Reply:
    if role(call.repo, call.names["username"]) == "none":
        raise Refused(404, "Not Found")
    return Reply(204)


@serves("repos/get-collaborator-permission-level", ("metadata", "read"))
def permission(call: Call) -> Reply:
    """`permission` knows three levels, `role_name` all five: maintain counts as write, triage as read.

    https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
    """
    login = call.names["username"]
    granted = role(call.repo, login)
    granted = "read" if granted == "none" and not call.repo["private"] else granted
    level = ["none", "read", "write", "admin"][ROLES[granted]]
    person = people.user(call.state, call.links, login)
    flags = {name: ROLES[granted] >= ROLES[name] for name in ("admin", "maintain", "triage")}
    flags |= {"push": ROLES[granted] >= ROLES["write"], "pull": granted != "none"}
    return Reply(
        200, {"permission": level, "role_name": granted, "user": person | {"permissions": flags, "role_name": granted}}
    )
