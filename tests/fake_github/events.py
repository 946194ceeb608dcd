"""Payloads of events, from GitHub's own examples with this fake's repository, people and commits in them.

The examples are octokit/webhooks' (MIT, `payloads/LICENSE`). None of them is of a fork: there the head's repository is
replaced by the fork's, and nothing else is known to differ. `schedule` has no example at all: its two fields are from
https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fake_github import people
from tests.fake_github.served import actions
from tests.fake_github.served.commits import simple_commit
from tests.fake_github.served.repos import repository
from tests.fake_github.state import full_name, git

if TYPE_CHECKING:
    from tests.fake_github.fake import Fake

PAYLOADS = Path(__file__).with_name("payloads")
Payload = dict[str, Any]


def example(name: str) -> Payload:
    """GitHub's example, without what belongs to its organisation and its app."""
    content = json.loads((PAYLOADS / f"{name}.json").read_text("utf-8"))
    return {key: value for key, value in content.items() if key not in {"organization", "installation", "enterprise"}}


def common(fake: "Fake", sender: str) -> Payload:
    at = fake.links_for(secure=False)
    whole = repository(fake.state, at, fake.repo)
    return {"repository": whole, "sender": people.user(fake.state, at, sender)}


def payload(fake: "Fake", name: str, number: int | None = None, *, sender: str = "octocat", **facts: Any) -> Payload:
    """The payload of one event; ``facts`` are those of its builder below."""
    with fake.state.lock:
        content = BUILDERS[name](fake, number, **facts)
        return {**content, **common(fake, sender)}


def pull_request(fake: "Fake", number: int | None, *, action: str = "opened") -> Payload:
    files = {path.name.split(".")[0].partition("__")[2] for path in PAYLOADS.glob("pull_request__*.json")}
    content = example(f"pull_request__{action if action in files else 'opened'}.payload")
    row = fake.pull_row(need(number))
    content |= {"action": action, "number": row["number"], "pull_request": fake.pull_body(row["number"])}
    if action == "synchronize":
        content |= {"before": row["before"] or row["base_sha"], "after": row["head_sha"]}
    return content


def merge_group(fake: "Fake", number: int | None, *, action: str = "checks_requested") -> Payload:
    """A queue's branch is made in the bare repository, as GitHub makes it."""
    row, repo = fake.pull_row(need(number)), git(fake.repo)
    ref = f"refs/heads/gh-readonly-queue/{row['base_ref']}/pr-{row['number']}-{row['base_sha']}"
    merged = repo.merge(row["base_sha"], row["head_sha"], f"Merge pull request #{row['number']}\n\n{row['title']}")
    if merged is None:
        raise ValueError(f"pull request {number} conflicts with its base")
    repo.write_ref(ref, merged)
    group = {"head_sha": merged, "head_ref": ref, "base_sha": row["base_sha"]}
    group |= {"base_ref": f"refs/heads/{row['base_ref']}", "head_commit": simple_commit(fake.repo, merged)}
    return example("merge_group__checks_requested.payload") | {"action": action, "merge_group": group}


def issue_comment(fake: "Fake", number: int | None, *, comment: int, action: str = "created") -> Payload:
    """A comment of a pull request, which `issue.pull_request` distinguishes from one of an issue.

    https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#issue_comment
    """
    content, row = example("issue_comment__created.payload"), fake.pull_row(need(number))
    written, at = fake.state.one("comments", id=comment), fake.links_for(secure=False)
    page = f"{fake.url}/{fake.name}/pull/{row['number']}"
    issue = {"number": row["number"], "title": row["title"], "state": row["state"], "locked": row["locked"]}
    issue |= {"user": people.user(fake.state, at, row["user"]), "html_url": page, "pull_request": {"html_url": page}}
    facts = {key: written[key] for key in ("id", "body", "created_at", "updated_at")}
    facts |= {"user": people.user(fake.state, at, written["user"]), "html_url": f"{page}#issuecomment-{comment}"}
    return content | {
        "action": action,
        "issue": content["issue"] | issue,
        "comment": content["comment"] | facts,
        **({"changes": {"body": {"from": "before"}}} if action == "edited" else {}),
    }


def push(fake: "Fake", _: int | None, *, branch: str = "main", before: str | None = None) -> Payload:
    after, repo = fake.sha(f"refs/heads/{branch}"), git(fake.repo)
    before = before or (repo.commit(after)["parents"] or ["0" * 40])[0]
    made = [simple_commit(fake.repo, sha) for sha in repo.log(after, base=None if before == "0" * 40 else before)[::-1]]
    content = example("push__payload") | {"ref": f"refs/heads/{branch}", "before": before, "after": after}
    page = f"{fake.url}/{fake.name}/compare/{before[:12]}...{after[:12]}"
    pusher = {"name": "octocat", "email": "octocat@example.org"}
    facts = {"created": before == "0" * 40, "deleted": False, "forced": False, "compare": page, "pusher": pusher}
    return content | facts | {"commits": made, "head_commit": simple_commit(fake.repo, after)}


def workflow_dispatch(fake: "Fake", _: int | None, *, branch: str = "main", inputs: Payload | None = None) -> Payload:
    content = {"ref": f"refs/heads/{branch}", "inputs": inputs, "workflow": ".github/workflows/model.yml"}
    return example("workflow_dispatch__payload") | content


def schedule(fake: "Fake", _: int | None, *, cron: str = "17 4 * * 1") -> Payload:
    return {"schedule": cron, "workflow": ".github/workflows/model.yml"}


def workflow_run(fake: "Fake", _: int | None, *, of: int, action: str = "completed") -> Payload:
    """The event of a run that was added to the fake; its list of pull requests is empty for forks, as GitHub's is."""
    row = fake.state.one("runs", id=of)
    if row is None:
        raise LookupError(f"no run {of}")
    content = example("workflow_run__completed.payload")
    named = content["workflow"] | {"id": row["workflow"], "name": row["name"], "path": row["path"]}
    return content | {"action": action, "workflow": named, "workflow_run": actions.run(fake.call(), row)}


def need(number: int | None) -> int:
    if number is None:
        raise ValueError("which pull request? pass its number")
    return number


BUILDERS = {
    "pull_request": pull_request,
    "pull_request_target": pull_request,
    "merge_group": merge_group,
    "issue_comment": issue_comment,
    "push": push,
    "workflow_dispatch": workflow_dispatch,
    "schedule": schedule,
    "workflow_run": workflow_run,
}


def environment(
    fake: "Fake",
    name: str,
    number: int | None = None,
    *,
    folder: Path,
    token: str | None = None,
    run: int = 1842,
    attempt: int = 1,
    **facts: Any,
) -> dict[str, str]:
    """The variables that the runner sets for a job of this event, with empty files for outputs and the summary.

    https://docs.github.com/actions/reference/workflows-and-actions/variables
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = payload(fake, name, number, **facts)
    files = {key: folder / f"{key.lower()}.txt" for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")}
    for path in files.values():
        path.touch()
    event, at = folder / "event.json", where(fake, name, content)
    event.write_text(json.dumps(content), "utf-8")
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": fake.url,
        "GITHUB_SERVER_URL": fake.url,
        "GITHUB_REPOSITORY": full_name(fake.repo),
        "GITHUB_REPOSITORY_OWNER": fake.repo["owner"],
        "GITHUB_ACTOR": content["sender"]["login"],
        "GITHUB_TRIGGERING_ACTOR": content["sender"]["login"],
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_RUN_ID": str(run),
        "GITHUB_RUN_NUMBER": "1",
        "GITHUB_RUN_ATTEMPT": str(attempt),
        "GITHUB_WORKFLOW": "model",
        "GITHUB_WORKFLOW_REF": f"{full_name(fake.repo)}/.github/workflows/model.yml@{at['GITHUB_REF']}",
        "GITHUB_JOB": "model",
        **at,
        "GITHUB_REF_NAME": re.sub("^refs/(heads|tags|pull)/", "", at["GITHUB_REF"]),
        **{key: str(path) for key, path in files.items()},
        **({"GITHUB_TOKEN": token} if token else {}),
    }


def where(fake: "Fake", name: str, content: Payload) -> dict[str, str]:
    """Ref and commit, which are those of the merge for pull requests, and not the head's."""
    if name.startswith("pull_request"):
        pull = content["pull_request"]
        target = name == "pull_request_target"
        ref = f"refs/heads/{pull['base']['ref']}" if target else f"refs/pull/{pull['number']}/merge"
        sha = pull["base"]["sha"] if target else pull["merge_commit_sha"] or pull["head"]["sha"]
        refs = {"GITHUB_HEAD_REF": pull["head"]["ref"], "GITHUB_BASE_REF": pull["base"]["ref"]}
        return {"GITHUB_REF": ref, "GITHUB_SHA": sha, **refs}
    if name == "merge_group":
        return {"GITHUB_REF": content["merge_group"]["head_ref"], "GITHUB_SHA": content["merge_group"]["head_sha"]}
    ref = content.get("ref", f"refs/heads/{fake.repo['default_branch']}")
    return {"GITHUB_REF": ref, "GITHUB_SHA": fake.sha(ref)}
