"""Required checks at the merge button: by active rulesets, on the head of a pull request.

A status and a check run of one name must both be good, and of each the newest counts; `success`, `neutral` and
`skipped` satisfy (docs.github.com, "About status checks" and "Troubleshooting required status checks").
"""

from tests.fake_github.served.settings import covers
from tests.fake_github.serving import Call, Refused
from tests.fake_github.state import Row

GOOD = {"success", "neutral", "skipped"}


def refuse_unmet_checks(call: Call, pull: Row) -> None:
    """Refuse a merge as GitHub does, naming the first required check that is missing, pending or failing."""
    for row in call.state.all("rulesets", repo=call.repo["id"], enforcement="active", target="branch"):
        if not covers(call, row, pull["base_ref"]):
            continue
        for rule in row["rules"]:
            required = rule.get("parameters", {}).get("required_status_checks", [])
            for check in required if rule["type"] == "required_status_checks" else []:
                refuse_unmet_check(call, check["context"], pull["head_sha"])


def refuse_unmet_check(call: Call, name: str, sha: str) -> None:
    at = {"repo": call.repo["id"]}
    statuses = call.state.all("statuses", **at, sha=sha, context=name)[-1:]
    runs = call.state.all("check_runs", **at, head_sha=sha, name=name)[-1:]
    ends = [one["state"] for one in statuses] + [one["conclusion"] or "pending" for one in runs]
    if not ends or "pending" in ends:
        problem = "expected"
    elif all(end in GOOD for end in ends):
        return
    else:
        problem = "failing"
    message = f'Repository rule violations found\n\nRequired status check "{name}" is {problem}.\n\n'
    raise Refused(405, message)
