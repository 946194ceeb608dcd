"""Git's own objects and refs, read and written in the bare repository."""

import base64
import binascii
from typing import Any

from tests.fake_github import people
from tests.fake_github.gitrepo import GitError
from tests.fake_github.served.commits import commit, unsigned
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import full_name, git, now

READ, WRITE = ("contents", "read"), ("contents", "write")


def at(call: Call, *path: str) -> str:
    return "/".join([call.links.repo(full_name(call.repo)), "git", *path])


def ref(call: Call, name: str, sha: str, kind: str) -> dict[str, Any]:
    target = {"sha": sha, "type": kind, "url": at(call, f"{kind}s", sha)}
    return {"ref": name, "node_id": f"REF_{name}", "url": at(call, name), "object": target}


def check_object(call: Call, sha: str, *kinds: str) -> str:
    """The object of a SHA, if it is of one of these kinds."""
    kind = git(call.repo).kind(sha) if len(sha) == 40 else None
    if kind not in kinds:
        raise Refused(
            404 if call.operation.method == "GET" else 422, "Not Found" if kind is None else "Object is wrong"
        )
    return kind


@serves("git/get-ref", READ)
def get_ref(call: Call) -> Reply:
    name = f"refs/{call.names['ref']}"
    refs = git(call.repo).refs(name)
    if name not in refs:
        raise Refused(404, "Not Found")
    return Reply(200, ref(call, name, *refs[name]))


@serves("git/list-matching-refs", READ)
def matching_refs(call: Call) -> Reply:
    """Return names that start with the given one, also in the middle of a word."""
    wanted = f"refs/{call.names['ref']}"
    refs = {name: target for name, target in git(call.repo).refs("refs/").items() if name.startswith(wanted)}
    return call.page(list(refs.items()), lambda row: ref(call, row[0], *row[1]))


@serves("git/create-ref", WRITE)
def create_ref(call: Call) -> Reply:
    name, sha, repo = call.body["ref"], call.body["sha"], git(call.repo)
    if name.count("/") < 2 or not name.startswith("refs/") or repo.asked("check-ref-format", name) is None:
        raise Refused(422, f"{name} is not a valid ref name.")
    if name in repo.refs(name):
        raise Refused(422, "Reference already exists")
    if repo.kind(sha) is None:
        raise Refused(422, "Object does not exist")
    repo.write_ref(name, sha, old="0" * 40)
    reference = ref(call, name, sha, repo.kind(sha))
    return Reply(201, reference, {"Location": reference["url"]})


@serves("git/update-ref", WRITE)
def update_ref(call: Call) -> Reply:
    """Only forwards, unless forced; this is what a compare-and-swap can be built on.

    https://github.com/philschatz/octokit.js/issues/21 quotes the refusal.
    """
    name, sha, repo = f"refs/{call.names['ref']}", call.body["sha"], git(call.repo)
    refs = repo.refs(name)
    if name not in refs:
        raise Refused(422, "Reference does not exist")
    if repo.kind(sha) is None:
        raise Refused(422, "Object does not exist")
    old = refs[name][0]
    if not call.body.get("force", False) and repo.asked("merge-base", "--is-ancestor", old, sha) is None:
        raise Refused(422, "Update is not a fast forward")
    repo.write_ref(name, sha, old=old)
    return Reply(200, ref(call, name, sha, repo.kind(sha)))


@serves("git/delete-ref", WRITE)
def delete_ref(call: Call) -> Reply:
    name, repo = f"refs/{call.names['ref']}", git(call.repo)
    if name not in repo.refs(name):
        raise Refused(422, "Reference does not exist")
    repo.run("update-ref", "-d", name)
    return Reply(204)


@serves("git/get-commit", READ)
def get_commit(call: Call) -> Reply:
    check_object(call, call.names["commit_sha"], "commit")
    return Reply(200, git_commit(call, call.names["commit_sha"]))


def git_commit(call: Call, sha: str) -> dict[str, Any]:
    document = commit(call, sha)
    inner = {key: document["commit"][key] for key in ("author", "committer", "message", "tree", "verification")}
    parents = [{**one, "url": at(call, "commits", one["sha"])} for one in document["parents"]]
    address = {"url": at(call, "commits", sha), "html_url": document["html_url"], "node_id": document["node_id"]}
    return {"sha": sha, **address, **inner, "parents": parents}


def author(call: Call, role: str) -> dict[str, str]:
    """Return author or committer: as sent, else the author, else the token's user."""
    login = people.acting(call.token)
    own = {"name": login, "email": f"{people.user_id(call.state, login)}+{login}@users.noreply.github.com"}
    return {"date": now()} | own | call.body.get("author", {}) | call.body.get(role, {})


@serves("git/create-commit", WRITE)
def create_commit(call: Call) -> Reply:
    check_object(call, call.body["tree"], "tree")
    parents = call.body.get("parents", [])
    for sha in parents:
        check_object(call, sha, "commit")
    options = [word for sha in parents for word in ("-p", sha)]
    who = {role: author(call, role) for role in ("author", "committer")}
    message = call.body["message"].encode("utf-8")
    sha = git(call.repo).run("commit-tree", call.body["tree"], *options, "-F", "-", data=message, who=who)
    return Reply(201, git_commit(call, sha), {"Location": at(call, "commits", sha)})


@serves("git/get-blob", READ)
def get_blob(call: Call) -> Reply:
    sha = call.names["file_sha"]
    check_object(call, sha, "blob")
    data = git(call.repo).raw("cat-file", "blob", sha)
    if "raw" in call.headers.get("accept", ""):
        return Reply(200, headers={"Content-Type": "application/vnd.github.raw"}, raw=data)
    content = {"content": base64.encodebytes(data).decode(), "encoding": "base64", "size": len(data)}
    return Reply(200, {"sha": sha, "node_id": f"B_{sha}", "url": at(call, "blobs", sha)} | content)


@serves("git/create-blob", WRITE)
def create_blob(call: Call) -> Reply:
    text = call.body["content"]
    try:
        data = base64.b64decode(text) if call.body.get("encoding") == "base64" else text.encode("utf-8")
    except binascii.Error:
        raise Refused(422, "Invalid base64") from None
    sha = git(call.repo).run("hash-object", "-w", "--stdin", data=data)
    return Reply(201, {"sha": sha, "url": at(call, "blobs", sha)}, {"Location": at(call, "blobs", sha)})


@serves("git/get-tag", READ)
def get_tag(call: Call) -> Reply:
    check_object(call, call.names["tag_sha"], "tag")
    return Reply(200, tag(call, call.names["tag_sha"]))


def tag(call: Call, sha: str) -> dict[str, Any]:
    repo = git(call.repo)
    head, _, message = repo.run("cat-file", "tag", sha).partition("\n\n")
    facts = dict(line.split(" ", 1) for line in head.splitlines())
    name, _, rest = facts["tagger"].partition(" <")
    target = {"sha": facts["object"], "type": facts["type"], "url": at(call, f"{facts['type']}s", facts["object"])}
    who = {"name": name, "email": rest.partition(">")[0], "date": now()}
    found = {"tag": facts["tag"], "message": message, "tagger": who, "object": target, "verification": unsigned()}
    return {"sha": sha, "node_id": f"TA_{sha}", "url": at(call, "tags", sha)} | found


@serves("git/create-tag", WRITE)
def create_tag(call: Call) -> Reply:
    """The object only: a ref has to be made for it too. https://docs.github.com/rest/git/tags#create-a-tag-object"""
    check_object(call, call.body["object"], call.body["type"])
    who = author(call, "tagger")
    seconds = git(call.repo).run("log", "-1", "--format=%ct", "HEAD")
    head = [f"object {call.body['object']}", f"type {call.body['type']}", f"tag {call.body['tag']}"]
    head.append(f"tagger {who['name']} <{who['email']}> {seconds} +0000")
    text = "\n".join(head) + f"\n\n{call.body['message']}\n"
    try:
        sha = git(call.repo).run("mktag", data=text.encode("utf-8"))
    except GitError as error:
        raise Refused(422, str(error)) from None
    return Reply(201, tag(call, sha), {"Location": at(call, "tags", sha)})
