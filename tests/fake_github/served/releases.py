"""Releases and their assets."""

import re

from tests.fake_github import people, storage
from tests.fake_github.links import Links
from tests.fake_github.serving import Call, Refused, Reply, invalid, serves
from tests.fake_github.state import Row, full_name, git, now

READ, WRITE = ("contents", "read"), ("contents", "write")
MOST_ASSETS = 1_000
FIELDS = ("tag_name", "target_commitish", "name", "body", "draft", "prerelease")


def asset(call: Call, row: Row) -> Row:
    at, site = call.links.repo(full_name(call.repo)), f"{call.links.site}/{full_name(call.repo)}"
    keys = ("id", "name", "label", "content_type", "size", "created_at", "updated_at")
    tag = call.state.one("releases", id=row["release"])["tag_name"]
    return {
        **{key: row[key] for key in keys},
        "node_id": f"RA_{row['id']}",
        "url": f"{at}/releases/assets/{row['id']}",
        "browser_download_url": f"{site}/releases/download/{tag}/{row['name']}",
        "state": row.get("state", "uploaded"),
        "digest": f"sha256:{row['digest']}" if row["digest"] else None,  # null for assets from before June 2025
        "download_count": row["downloads"],
        "uploader": people.user(call.state, call.links, row["uploader"]),
    }


def uploads(links: Links, call: Call) -> str:
    return f"{links.uploads}/repos/{full_name(call.repo)}/releases"


def release(call: Call, row: Row) -> Row:
    at, site = call.links.repo(full_name(call.repo)), f"{call.links.site}/{full_name(call.repo)}"
    rows = call.state.all("assets", release=row["id"])
    return {
        **{key: row[key] for key in ("id", *FIELDS, "created_at", "published_at")},
        "node_id": f"RE_{row['id']}",
        "url": f"{at}/releases/{row['id']}",
        "html_url": f"{site}/releases/tag/{row['tag_name']}",
        "assets_url": f"{at}/releases/{row['id']}/assets",
        "upload_url": f"{uploads(call.links, call)}/{row['id']}/assets{{?name,label}}",
        "tarball_url": f"{at}/tarball/{row['tag_name']}",
        "zipball_url": f"{at}/zipball/{row['tag_name']}",
        "author": people.user(call.state, call.links, row["author"]),
        "assets": [asset(call, one) for one in rows],
        **({"immutable": row["immutable"]} if "immutable" in row else {}),
    }


def find_release(call: Call) -> Row:
    row = call.state.one("releases", repo=call.repo["id"], id=call.number("release_id"))
    if row is None:
        raise Refused(404, "Not Found")
    return row


def find_asset(call: Call) -> Row:
    row = call.state.one("assets", repo=call.repo["id"], id=call.number("asset_id"))
    if row is None:
        raise Refused(404, "Not Found")
    return row


def ensure_tag(call: Call, row: Row) -> None:
    """A published release makes its tag, where there is none yet."""
    repo, name = git(call.repo), f"refs/tags/{row['tag_name']}"
    if row["draft"] or name in repo.refs(name):
        return
    sha = repo.commit_of(row["target_commitish"])
    if sha is None:
        raise invalid("Release", "target_commitish is invalid", field="target_commitish", code="invalid")
    repo.write_ref(name, sha)


@serves("repos/create-release", WRITE)
def create(call: Call) -> Reply:
    tag = call.body["tag_name"]
    if not call.body.get("draft") and published(call, tag):
        # quoted in https://github.com/googleapis/release-please/issues/945
        raise Refused(
            422, "Validation Failed", errors=[{"resource": "Release", "code": "already_exists", "field": "tag_name"}]
        )
    facts = {"name": tag, "body": None, "draft": False, "prerelease": False}
    facts |= {"target_commitish": call.repo["default_branch"]}
    facts |= {key: call.body[key] for key in FIELDS if key in call.body}
    published_at = None if facts["draft"] else now()
    row = dict(repo=call.repo["id"], **facts, author=people.acting(call.token), published_at=published_at)
    ensure_tag(call, row)
    document = release(call, call.state.add("releases", **row))
    return Reply(201, document, {"Location": document["url"]})


def published(call: Call, tag: str) -> list[Row]:
    return call.state.all("releases", repo=call.repo["id"], tag_name=tag, draft=False)


@serves("repos/list-releases", READ)
def list_releases(call: Call) -> Reply:
    """Drafts are for writers only: https://docs.github.com/rest/releases/releases#list-releases"""
    rows = call.state.all("releases", repo=call.repo["id"])[::-1]
    shown = [row for row in rows if not row["draft"] or writes(call)]
    return call.page(shown, lambda row: release(call, row))


def writes(call: Call) -> bool:
    return call.token is not None and call.token["permissions"].get("contents") == "write"


@serves("repos/get-release", READ)
def get(call: Call) -> Reply:
    return Reply(200, release(call, find_release(call)))


@serves("repos/get-release-by-tag", READ)
def get_by_tag(call: Call) -> Reply:
    rows = published(call, call.names["tag"])
    if not rows:
        raise Refused(404, "Not Found")
    return Reply(200, release(call, rows[0]))


@serves("repos/get-latest-release", READ)
def latest(call: Call) -> Reply:
    rows = call.state.all("releases", repo=call.repo["id"], draft=False, prerelease=False)
    if not rows:
        raise Refused(404, "Not Found")
    return Reply(200, release(call, rows[-1]))


@serves("repos/update-release", WRITE)
def update(call: Call) -> Reply:
    row = find_release(call)
    facts = {key: call.body[key] for key in FIELDS if key in call.body}
    call.state.change(row, **facts)
    ensure_tag(call, row)
    row["published_at"] = row["published_at"] or (None if row["draft"] else now())
    return Reply(200, release(call, row))


@serves("repos/delete-release", WRITE)
def delete(call: Call) -> Reply:
    row = find_release(call)
    for one in call.state.all("assets", release=row["id"]):
        call.state.remove("assets", one)
    call.state.remove("releases", row)
    return Reply(204)


@serves("repos/list-release-assets", READ)
def list_assets(call: Call) -> Reply:
    return call.page(call.state.all("assets", release=find_release(call)["id"]), lambda row: asset(call, row))


@serves("repos/upload-release-asset", WRITE)
def upload(call: Call) -> Reply:
    """Names lose their special characters, and a name can be given once.

    https://docs.github.com/rest/releases/assets#upload-a-release-asset
    """
    row, name = find_release(call), re.sub(r"[^A-Za-z0-9._+-]+", ".", call.query["name"]).strip(".")
    if call.state.one("assets", release=row["id"], name=name):
        problem = {"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}
        raise Refused(422, "Validation Failed", errors=[problem])
    if len(call.state.all("assets", release=row["id"])) >= MOST_ASSETS:
        # quoted in https://github.com/astral-sh/python-build-standalone/pull/691
        raise invalid("ReleaseAsset", f"file_count limited to {MOST_ASSETS} assets per release", field="file_count")
    if "content-type" not in call.headers or not call.data:
        raise Refused(400, "Bad Content-Length: an asset needs a Content-Type and at least one byte")
    made = call.state.add(
        "assets",
        repo=call.repo["id"],
        release=row["id"],
        name=name,
        label=call.query.get("label"),
        content_type=call.headers["content-type"],
        size=len(call.data),
        digest=call.state.keep(call.data),
        uploader=people.acting(call.token),
        downloads=0,
    )
    return Reply(201, asset(call, made), {"Location": asset(call, made)["url"]})


@serves("repos/get-release-asset", READ)
def get_asset(call: Call) -> Reply:
    """Facts, or with `Accept: application/octet-stream` a redirect to the bytes."""
    row = find_asset(call)
    if call.headers.get("accept") != "application/octet-stream":
        return Reply(200, asset(call, row))
    row["downloads"] += 1
    return Reply(302, headers={"Location": storage.address(call.links.storage, row["digest"])}, raw=b"")


@serves("repos/update-release-asset", WRITE)
def update_asset(call: Call) -> Reply:
    row = find_asset(call)
    facts = {key: call.body[key] for key in ("name", "label") if key in call.body}
    return Reply(200, asset(call, call.state.change(row, **facts)))


@serves("repos/delete-release-asset", WRITE)
def delete_asset(call: Call) -> Reply:
    call.state.remove("assets", find_asset(call))
    return Reply(204)
