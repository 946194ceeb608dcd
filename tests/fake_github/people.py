"""Users, bots and apps."""

from typing import Any

from tests.fake_github.links import Links
from tests.fake_github.state import Row, State

# Public facts: https://api.github.com/users/github-actions%5Bbot%5D and https://api.github.com/apps/github-actions
KNOWN = {"github-actions[bot]": 41_898_282, "dependabot[bot]": 49_699_333, "github": 9_919}
APPS = {"github-actions": 15_368, "dependabot": 29_110}
ACTIONS = "github-actions"


def user_id(state: State, login: str) -> int:
    """The number of a login, made up when it is first met."""
    if login in KNOWN:
        return KNOWN[login]
    row = state.one("users", login=login) or state.add("users", login=login)
    return row["id"]


def user(state: State, links: Links, login: str) -> Row:
    """The short form of a user, an organisation or a bot."""
    bot = login.endswith("[bot]")
    number, quoted = user_id(state, login), login.replace("[", "%5B").replace("]", "%5D")
    at = f"{links.api}/users/{quoted}"
    lists = ["followers", "subscriptions", "repos", "received_events"]
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": at,
        "html_url": f"{links.site}/apps/{login.removesuffix('[bot]')}" if bot else f"{links.site}/{login}",
        **{f"{name}_url": f"{at}/{name}" for name in lists},
        "following_url": f"{at}/following{{/other_user}}",
        "gists_url": f"{at}/gists{{/gist_id}}",
        "starred_url": f"{at}/starred{{/owner}}{{/repo}}",
        "organizations_url": f"{at}/orgs",
        "events_url": f"{at}/events{{/privacy}}",
        "type": "Bot" if bot else ("Organization" if login == "github" else "User"),
        "site_admin": False,
    }


def of_email(state: State, links: Links, email: str) -> Row | None:
    """The user with an address, which commits are shown with; none for an address that GitHub does not know."""
    row = state.one("emails", email=email)
    return user(state, links, row["login"]) if row else None


def app(state: State, links: Links, slug: str) -> Row:
    """An integration, as shown with a check run."""
    row = state.one("apps", slug=slug) or state.add("apps", slug=slug)
    number = APPS.get(slug, row["id"])
    return {
        "id": number,
        "slug": slug,
        "node_id": f"A_{number}",
        "client_id": f"Iv1.{number:016x}",
        "owner": user(state, links, "github" if slug in APPS else "octo-org"),
        "name": slug.replace("-", " ").title(),
        "description": "",
        "external_url": f"https://example.org/{slug}",
        "html_url": f"{links.site}/apps/{slug}",
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "permissions": {"checks": "write", "contents": "read", "metadata": "read", "statuses": "write"},
        "events": ["push"],
    }


def acting(token: Row | None) -> str:
    """The login under which a token acts: an app's is its slug with `[bot]`."""
    if token is None:
        return "ghost"
    return f"{token['app']}[bot]" if token["kind"] == "installation" else token["login"]


def account(state: State, links: Links, login: str) -> dict[str, Any]:
    """The long form of a user, as `GET /users/{username}` gives it."""
    short = user(state, links, login)
    counts = dict.fromkeys(["public_repos", "public_gists", "followers", "following"], 0)
    empty = dict.fromkeys(["name", "company", "location", "email", "hireable", "bio"])
    times = {"created_at": "2011-01-25T18:44:36Z", "updated_at": "2024-01-01T00:00:00Z"}
    return short | empty | {"blog": ""} | counts | times
