"""Opening, changing and merging pull requests; merging branches."""

from tests.fake_github import people, seeding
from tests.fake_github.served import pulls
from tests.fake_github.served.commits import commit
from tests.fake_github.served.requirements import refuse_unmet_checks
from tests.fake_github.serving import Call, Refused, Reply, invalid, serves
from tests.fake_github.state import Row, full_name, git, now

WRITE = ("pull-requests", "write")


@serves("pulls/create", WRITE)
def create(call: Call) -> Reply:
    owner, _, branch = call.body["head"].rpartition(":")
    fork = owner if owner and owner != call.repo["owner"] else False
    facts = {"title": call.body.get("title"), "body": call.body.get("body"), "draft": call.body.get("draft", False)}
    try:
        row = seeding.pull(
            call.state, call.repo, branch, call.body["base"], fork=fork, user=people.acting(call.token), **facts
        )
    except LookupError:
        raise invalid("PullRequest", "head or base is invalid", field="head", code="invalid") from None
    pull = pulls.full(call, row)
    return Reply(201, pull, {"Location": pull["url"]})


@serves("pulls/update", WRITE)
def update(call: Call) -> Reply:
    row = pulls.find_pull(call)
    facts = {key: call.body[key] for key in ("title", "body", "state") if key in call.body}
    if "base" in call.body:
        facts["base_ref"] = call.body["base"]
    closed = facts.get("state") == "closed"
    call.state.change(row, **facts, closed_at=now() if closed else row["closed_at"])
    return Reply(200, pulls.full(call, pulls.refresh(call.state, row)))


@serves("pulls/merge", ("contents", "write"))
def merge_pull(call: Call) -> Reply:
    row, body = pulls.find_pull(call), call.body or {}
    if row["state"] != "open" or not row["mergeable"] or row["draft"]:
        raise Refused(405, "Pull Request is still a draft" if row["draft"] else "Pull Request is not mergeable")
    if body.get("sha", row["head_sha"]) != row["head_sha"]:
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    refuse_unmet_checks(call, row)
    title = body.get("commit_title") or f"Merge pull request #{row['number']} from {pulls.label(call, row)}"
    sha = git(call.repo).merge(row["base_sha"], row["head_sha"], f"{title}\n\n{body.get('commit_message', '')}".strip())
    git(call.repo).write_ref(f"refs/heads/{row['base_ref']}", sha, old=row["base_sha"])
    close_pull(call, row, sha)
    return Reply(200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def close_pull(call: Call, row: Row, sha: str) -> None:
    time = now()
    call.state.change(row, state="closed", merged_at=time, closed_at=time, merge_sha=sha)


@serves("repos/merge", ("contents", "write"))
def merge_branches(call: Call) -> Reply:
    repo, base = git(call.repo), call.body["base"]
    onto, head = repo.branch(base), repo.commit_of(call.body["head"])
    if onto is None or head is None:
        raise Refused(404, "Base does not exist" if onto is None else "Head does not exist")
    if repo.merge_base(onto, head) == head:
        return Reply(204)
    words = call.body.get("commit_message") or f"Merge {call.body['head']} into {base}"
    sha = repo.merge(onto, head, words)
    if sha is None:
        raise Refused(409, "Merge conflict")
    repo.write_ref(f"refs/heads/{base}", sha, old=onto)
    return Reply(201, commit(call, sha) | {"url": f"{call.links.repo(full_name(call.repo))}/commits/{sha}"})
