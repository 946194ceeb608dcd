"""Protection of a branch: rulesets, also those of an organisation, and branch protection."""

from typing import Any

from tests.fake_github.served.commits import commit
from tests.fake_github.served.repos import protection
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import Row, full_name, git
from tests.fake_github.tokens import refusal

ADMIN = ("administration", "write")
LOOK = ("administration", "read")


def ruleset(call: Call, row: Row) -> Row:
    at = f"{call.links.repo(full_name(call.repo))}/rulesets/{row['id']}"
    document = {
        key: row[key] for key in ("id", "name", "target", "enforcement", "bypass_actors", "conditions", "rules")
    }
    source = {"source_type": "Repository", "source": full_name(call.repo), "node_id": f"RRS_{row['id']}"}
    if row.get("owner"):
        source |= {"source_type": "Organization", "source": row["owner"]}
    return (
        document
        | source
        | {"created_at": row["created_at"], "updated_at": row["updated_at"], "_links": {"self": {"href": at}}}
    )


def short(call: Call, row: Row) -> Row:
    """Lists leave out what only single rulesets tell."""
    return {
        key: value for key, value in ruleset(call, row).items() if key not in {"bypass_actors", "conditions", "rules"}
    }


def find_ruleset(call: Call) -> Row:
    row = call.state.one("rulesets", repo=call.repo["id"], id=call.number("ruleset_id"))
    if row is None:
        raise Refused(404, "Not Found")
    return row


EMPTY: dict[str, Any] = {"target": "branch", "bypass_actors": [], "conditions": None, "rules": []}


def of_organisation(call: Call) -> list[Row]:
    """Rulesets of the owner, which `fake.organisation_ruleset` makes; they hold for all of its repositories."""
    return call.state.all("rulesets", owner=call.repo["owner"])


@serves("repos/get-repo-rulesets", ("metadata", "read"))
def list_rulesets(call: Call) -> Reply:
    """Those of the organisation are in the list unless `includes_parents=false`."""
    parents = [] if call.query.get("includes_parents") == "false" else of_organisation(call)
    return call.page([*call.state.all("rulesets", repo=call.repo["id"]), *parents], lambda row: short(call, row))


@serves("repos/get-repo-ruleset", ("metadata", "read"))
def get_ruleset(call: Call) -> Reply:
    return Reply(200, ruleset(call, find_ruleset(call)))


@serves("repos/create-repo-ruleset", ADMIN)
def create_ruleset(call: Call) -> Reply:
    row = call.state.add("rulesets", repo=call.repo["id"], **(EMPTY | call.body))
    return Reply(201, ruleset(call, row))


@serves("repos/update-repo-ruleset", ADMIN)
def update_ruleset(call: Call) -> Reply:
    return Reply(200, ruleset(call, call.state.change(find_ruleset(call), **call.body)))


@serves("repos/get-branch-rules", ("metadata", "read"))
def branch_rules(call: Call) -> Reply:
    """The rules that hold for a branch, from active rulesets; whether it exists does not matter."""
    rows = [*call.state.all("rulesets", repo=call.repo["id"]), *of_organisation(call)]
    active = [row for row in rows if (row["enforcement"], row["target"]) == ("active", "branch")]
    rules = [
        rule | rule_source(call, row)
        for row in active
        if covers(call, row, call.names["branch"])
        for rule in row["rules"]
    ]
    return call.page(rules, lambda rule: rule)


def rule_source(call: Call, row: Row) -> Row:
    document = ruleset(call, row)
    return {
        "ruleset_source_type": document["source_type"],
        "ruleset_source": document["source"],
        "ruleset_id": row["id"],
    }


def covers(call: Call, row: Row, branch: str) -> bool:
    names = (row["conditions"] or {}).get("ref_name", {})
    default = {"~DEFAULT_BRANCH"} if branch == call.repo["default_branch"] else set()
    known = {"~ALL", f"refs/heads/{branch}"} | default
    return bool(known & set(names.get("include", []))) and not known & set(names.get("exclude", []))


@serves("repos/update-branch-protection", ADMIN)
def protect(call: Call) -> Reply:
    branch = call.names["branch"]
    if git(call.repo).branch(branch) is None:
        raise Refused(404, "Branch not found")
    facts = {"repo": call.repo["id"], "branch": branch}
    row = protection(call, branch) or call.state.add("protections", **facts)
    call.state.change(row, rules=call.body)
    return Reply(200, protected(call, row))


def protected(call: Call, row: Row) -> Row:
    at = f"{call.links.repo(full_name(call.repo))}/branches/{row['branch']}/protection"
    rules = row["rules"]
    levels: Row = {
        "url": at,
        "enforce_admins": {"url": f"{at}/enforce_admins", "enabled": bool(rules["enforce_admins"])},
        **{
            key: {"enabled": bool(rules.get(key))}
            for key in ("required_linear_history", "allow_force_pushes", "allow_deletions", "block_creations")
        },
    }
    if rules["required_status_checks"] is not None:
        levels["required_status_checks"] = status_checks(at, rules["required_status_checks"])
    return levels


def status_checks(at: str, rule: Row) -> Row:
    """Contexts and checks are two views of one list: a context alone takes any app's check."""
    checks = [{"app_id": None, **check} for check in rule.get("checks", [])]
    checks = checks or [{"context": name, "app_id": None} for name in rule["contexts"]]
    names = [check["context"] for check in checks]
    url = f"{at}/required_status_checks"
    return {
        "url": url,
        "strict": rule["strict"],
        "contexts": names,
        "contexts_url": f"{url}/contexts",
        "checks": checks,
    }


def find_protection(call: Call) -> Row:
    row = protection(call, call.names["branch"])
    if row is None:
        raise Refused(404, "Branch not protected")
    return row


@serves("repos/get-branch-protection", LOOK)
def get_protection(call: Call) -> Reply:
    """Reading takes the right to administrate, even where the repository is public."""
    if call.token is None or call.token["permissions"].get("administration") is None:
        raise refusal(call.token, (LOOK,)) if call.token else Refused(401, "Requires authentication")
    return Reply(200, protected(call, find_protection(call)))


@serves("repos/get-status-checks-protection", LOOK)
def get_status_checks(call: Call) -> Reply:
    checks = protected(call, find_protection(call)).get("required_status_checks")
    if checks is None:
        raise Refused(404, "Required status checks not enabled")
    return Reply(200, checks)


@serves("repos/get-branch", ("contents", "read"))
def get_branch(call: Call) -> Reply:
    name = call.names["branch"]
    sha = git(call.repo).branch(name)
    if sha is None:
        raise Refused(404, "Branch not found")
    at, site = f"{call.links.repo(full_name(call.repo))}/branches/{name}", f"{call.links.site}/{full_name(call.repo)}"
    row = protection(call, name)
    rule: dict[str, Any] = {"enabled": row is not None}
    if row:
        checks = protected(call, row).get("required_status_checks", {"contexts": [], "checks": []})
        levels = {"enforcement_level": "everyone" if row["rules"]["enforce_admins"] else "non_admins"}
        rule["required_status_checks"] = {"contexts": checks["contexts"], "checks": checks["checks"]} | levels
    return Reply(
        200,
        {
            "name": name,
            "commit": commit(call, sha),
            "_links": {"self": at, "html": f"{site}/tree/{name}"},
            "protected": row is not None,
            "protection": rule,
            "protection_url": f"{at}/protection",
        },
    )
