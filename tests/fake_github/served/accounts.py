"""The account of a token, and the rest of its rate limit."""

from tests.fake_github import people
from tests.fake_github.limits import standing
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.tokens import refusal


@serves("users/get-authenticated")
def get_user(call: Call) -> Reply:
    """An app's token is not a user: https://github.com/actions/create-github-app-token/issues/258 quotes the answer."""
    if call.token is None:
        raise Refused(401, "Requires authentication")
    if call.token["kind"] == "installation":
        raise refusal(call.token, ())
    account = people.account(call.state, call.links, call.token["login"])
    counts = dict.fromkeys(["private_gists", "total_private_repos", "owned_private_repos", "disk_usage"], 0)
    return Reply(200, account | counts | {"collaborators": 0, "two_factor_authentication": True})


@serves("users/get-by-username")
def get_by_name(call: Call) -> Reply:
    return Reply(200, people.account(call.state, call.links, call.names["username"]))


@serves("apps/get-authenticated")
def get_app(call: Call) -> Reply:
    """This address takes the app's own signed token, which no workflow has; an installation's is refused.

    https://docs.github.com/rest/apps/apps#get-the-authenticated-app
    """
    raise Refused(401, "A JSON web token could not be decoded")


@serves("rate-limit/get")
def rate_limit(call: Call) -> Reply:
    core = standing(call.state, call.token)
    other = {"limit": 30, "remaining": 30, "used": 0, "reset": core["reset"]}
    return Reply(200, {"resources": {"core": core, "search": other}, "rate": core})
