"""Teams of an organization and their members, for tokens that may read members."""

from tests.fake_github.served.environments import team
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import Row
from tests.fake_github.tokens import LEVELS, refusal


def visible_team(call: Call) -> Row:
    """A team that the token may see.

    An app or a fine-grained token needs the organization permission "Members"; others are refused. A user sees the
    teams of an organization as one of its members: https://docs.github.com/rest/teams/members
    """
    token = call.token
    if token is None:
        raise Refused(401, "Requires authentication")
    if token["kind"] != "classic" and LEVELS[token["permissions"].get("members", "none")] < LEVELS["read"]:
        raise refusal(token, (("members", "read"),))
    if token["kind"] == "classic" and call.state.one("memberships", login=token["login"]) is None:
        raise Refused(404, "Not Found")
    row = call.state.one("teams", slug=call.names["team_slug"])
    if row is None or call.names["org"].lower() != call.repo["owner"].lower():
        raise Refused(404, "Not Found")
    return row


@serves("teams/get-by-name")
def get_team(call: Call) -> Reply:
    row = visible_team(call)
    organization = {
        "login": call.repo["owner"], "id": 1, "node_id": "O_1", "url": f"{call.links.api}/orgs/{call.repo['owner']}",
        "description": None, "name": call.repo["owner"], "html_url": f"{call.links.site}/{call.repo['owner']}",
        "has_organization_projects": False, "has_repository_projects": False, "public_repos": 1, "public_gists": 0,
        "followers": 0, "following": 0, "type": "Organization", "created_at": row["created_at"],
        "updated_at": row["updated_at"], "archived_at": None,
        **{f"{name}_url": f"{call.links.api}/orgs/{call.repo['owner']}/{name}" for name in ORGANIZATION_LISTS},
        "avatar_url": "https://avatars.githubusercontent.com/u/1?v=4",
    }  # fmt: skip
    times = {"created_at": row["created_at"], "updated_at": row["updated_at"]}
    members = call.state.all("memberships", slug=row["slug"])
    counts = {"members_count": len(members), "repos_count": 1}
    return Reply(200, team(call, row) | times | counts | {"organization": organization})


ORGANIZATION_LISTS = ["repos", "events", "hooks", "issues", "members", "public_members"]


@serves("teams/get-membership-for-user-in-org")
def get_membership(call: Call) -> Reply:
    """https://docs.github.com/rest/teams/members#get-team-membership-for-a-user"""
    row = visible_team(call)
    found = call.state.one("memberships", slug=row["slug"], login=call.names["username"])
    if found is None:
        raise Refused(404, "Not Found")
    at = f"{call.links.api}/organizations/1/team/{row['id']}/memberships/{found['login']}"
    return Reply(200, {"url": at, "role": "member", "state": found["state"]})
