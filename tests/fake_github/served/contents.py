"""Files by path, and one commit for each file that is written."""

import base64
from typing import Any

from tests.fake_github import storage
from tests.fake_github.served.commits import find_commit
from tests.fake_github.served.gitdata import author, git_commit
from tests.fake_github.served.trees import listing, write_trees
from tests.fake_github.serving import Call, Refused, Reply, serves
from tests.fake_github.state import full_name, git

LARGE = 1_000_000  # above it `content` is empty and `encoding` is none: docs.github.com/rest/repos/contents


def entry(call: Call, path: str, sha: str, size: int, kind: str, ref: str) -> dict[str, Any]:
    """A file or folder without its content."""
    base, site = call.links.repo(full_name(call.repo)), f"{call.links.site}/{full_name(call.repo)}"
    addresses = {
        "url": f"{base}/contents/{path}?ref={ref}",
        "html_url": f"{site}/{'tree' if kind == 'dir' else 'blob'}/{ref}/{path}",
        "git_url": f"{base}/git/{'trees' if kind == 'dir' else 'blobs'}/{sha}",
        "download_url": None if kind == "dir" else f"{site}/raw/{ref}/{path}",
    }
    links = {"self": addresses["url"], "git": addresses["git_url"], "html": addresses["html_url"]}
    facts = {"name": path.rsplit("/", 1)[-1], "path": path, "sha": sha, "size": size, "type": kind}
    return facts | addresses | {"_links": links}


@serves("repos/get-content", ("contents", "read"))
def get(call: Call) -> Reply:
    ref, path = call.query.get("ref", call.repo["default_branch"]), call.names["path"].strip("/")
    sha, repo = find_commit(call, ref, status=404), git(call.repo)
    line = repo.asked("ls-tree", "-l", sha, "--", path)
    if not line:
        raise Refused(404, "Not Found")
    _, kind, one, size = line.partition("\t")[0].split()
    if kind == "tree":
        return Reply(200, folder(call, path, sha, ref))
    data = repo.raw("cat-file", "blob", one)
    if "raw" in call.headers.get("accept", ""):
        return Reply(200, headers={"Content-Type": "application/vnd.github.raw"}, raw=data)
    small = len(data) <= LARGE
    content = {"content": base64.encodebytes(data).decode() if small else "", "encoding": "base64" if small else "none"}
    return Reply(200, entry(call, path, one, int(size), "file", ref) | content)


def folder(call: Call, path: str, sha: str, ref: str) -> list[dict[str, Any]]:
    rows = []
    for line in git(call.repo).run("ls-tree", "-l", sha, "--", f"{path}/").splitlines():
        facts, _, name = line.partition("\t")
        _, kind, one, size = facts.split()
        rows.append(entry(call, name, one, int(size) if size != "-" else 0, "dir" if kind == "tree" else "file", ref))
    return rows


@serves("repos/create-or-update-file-contents", ("contents", "write"))
def put(call: Call) -> Reply:
    """The SHA of the replaced file is required, so that no other change is lost."""
    repo, path = git(call.repo), call.names["path"]
    branch = call.body.get("branch", call.repo["default_branch"])
    tip = repo.branch(branch)
    if tip is None:
        raise Refused(404, f"Branch {branch} not found")
    entries = listing(repo, tip)
    check_old(entries.get(path), call.body.get("sha"), path)
    new = path not in entries
    data = base64.b64decode(call.body["content"])
    entries[path] = ("100644", "blob", repo.run("hash-object", "-w", "--stdin", data=data))
    who = {role: author(call, role) for role in ("author", "committer")}
    words = ["commit-tree", write_trees(repo, entries), "-p", tip, "-m", call.body["message"]]
    sha = repo.run(*words, who=who)
    repo.write_ref(f"refs/heads/{branch}", sha, old=tip)
    content = entry(call, path, entries[path][2], len(data), "file", branch)
    return Reply(201 if new else 200, {"content": content, "commit": git_commit(call, sha)})


def check_old(known: tuple[str, str, str] | None, sha: str | None, path: str) -> None:
    """Measured by https://github.com/pome-sh/digital-twins/pull/400; of a file that is not there any SHA is ignored."""
    if known is None:
        return
    if sha is None:
        raise Refused(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if known[2] != sha:
        raise Refused(409, f"{path} does not match {sha}")


@serves("repos/download-tarball-archive", ("contents", "read"))
def archive(call: Call) -> Reply:
    """A redirect to another host, by an address that opens it without a token."""
    sha, repo = find_commit(call, call.names["ref"], status=404), git(call.repo)
    prefix = f"{full_name(call.repo).replace('/', '-')}-{sha[:7]}/"
    digest = call.state.keep(repo.raw("archive", "--format=tar.gz", f"--prefix={prefix}", sha))
    return Reply(302, headers={"Location": storage.address(call.links.storage, digest)}, raw=b"")
