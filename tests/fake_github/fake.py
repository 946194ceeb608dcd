"""GitHub in one object, for tests and for a user."""

import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fake_github import events, links, seeding, tokens
from tests.fake_github.api import Api, Findings
from tests.fake_github.authority import Authority
from tests.fake_github.faults import Fault, Faults
from tests.fake_github.links import Links
from tests.fake_github.looking import Looking
from tests.fake_github.people import ACTIONS
from tests.fake_github.state import State, full_name
from tests.fake_github.wire import Entry, Server


class Fake(Looking):
    """A fake of GitHub over a bare git repository; ``with Fake(folder) as fake`` serves it.

    Leaving the block fails if a client broke GitHub's description, or if the fake did.

    Args:
        git: The bare repository; one with `main` and a branch `topic` is made if there is none.
        name: `owner/name` under which it is known.
        port: Where to listen; any free port by default.
        private: Whether reading takes a permission.
        https: Stand for the real host names too, for clients that use this fake as their proxy.
        state: A file to which everything is written after each change, and read from at the start if it is there.
    """

    def __init__(
        self,
        git: Path,
        *,
        name: str = "octo-org/model",
        port: int = 0,
        private: bool = False,
        https: bool = False,
        state: Path | None = None,
    ) -> None:
        self.state, self.findings, self.faults = State(state), Findings(), Faults()
        self.api = Api(self.state, self.findings)
        self.log: list[Entry] = []
        self.log_lock = threading.Lock()
        seeding.repository(git)
        self.repo = seeding.find_repository(self.state, name) or seeding.register(
            self.state, git, name, private=private
        )
        self._folder = tempfile.TemporaryDirectory(prefix="fake-github-") if https else None
        self.authority = Authority(Path(self._folder.name)) if self._folder else None
        self.main, self._storage = Server(self, port), Server(self, 0)

    # -- running

    def start(self) -> Self:
        for server in (self.main, self._storage):
            server.start()
        return self

    def stop(self) -> None:
        self.faults.stopping.set()
        for server in (self.main, self._storage):
            server.stop()
        self.state.save()
        if self._folder:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        if kind is None:
            self.verify()

    def verify(self) -> None:
        """Fail on what the description refused, on either side."""
        found = [f"fake failed: {text}" for text in self.findings.failures]
        found += [f"client broke the contract: {text}" for text in self.findings.violations]
        if found:
            raise AssertionError("\n".join(found))

    # -- where it is

    @property
    def url(self) -> str:
        """The API's address, for `GITHUB_API_URL`."""
        return f"http://127.0.0.1:{self.main.server_address[1]}"

    @property
    def name(self) -> str:
        return full_name(self.repo)

    def links_for(self, *, secure: bool) -> Links:
        return links.REAL_LINKS if secure else links.local(self.url, self.storage_url)

    @property
    def storage_url(self) -> str:
        return f"http://127.0.0.1:{self._storage.server_address[1]}"

    # -- who and what

    def token(
        self,
        permissions: Mapping[str, str] | None = None,
        *,
        fork: bool = False,
        app: str = ACTIONS,
        user: str | None = None,
        fine_grained: bool = False,
    ) -> str:
        """A new token: a workflow's by default, another app's, or the personal one of a user."""
        facts = {"permissions": permissions, "fork": fork, "app": app, "login": user, "fine_grained": fine_grained}
        return tokens.mint(self.state, **facts, repo=self.repo)["token"]

    def role(self, login: str, role: str) -> None:
        """Give a user a role on the repository: read, triage, write, maintain or admin."""
        self.repo["roles"][login] = role

    def team(self, slug: str) -> int:
        """Give a team of the owner read access to the repository; return its number."""
        return self.state.add("teams", repo=self.repo["id"], slug=slug)["id"]

    def team_member(self, slug: str, login: str, *, active: bool = True) -> None:
        """Put a user into a team; one who has not accepted the invitation is not active."""
        state = "active" if active else "pending"
        self.state.add("memberships", owner=self.repo["owner"], slug=slug, login=login, state=state)

    def review(self, number: int, user: str, state: str = "APPROVED", *, commit: str | None = None) -> int:
        """Add a user's review of the head of a pull request, or of another commit; return its id."""
        facts = {"user": user, "state": state, "commit": commit or self.pull_row(number)["head_sha"], "body": ""}
        return self.state.add("reviews", repo=self.repo["id"], number=number, **facts)["id"]

    def dismiss(self, review: int) -> None:
        """Dismiss a review."""
        [row] = self.state.all("reviews", id=review)
        self.state.change(row, state="DISMISSED")

    def organisation_ruleset(self, **facts: Any) -> int:
        """Make a ruleset of the repository's owner, with the fields of one of the repository; return its number."""
        empty: dict[str, Any] = {"target": "branch", "enforcement": "active", "bypass_actors": [], "conditions": None}
        return self.state.add("rulesets", owner=self.repo["owner"], **(empty | facts))["id"]

    def email(self, email: str, login: str) -> None:
        """Let commits of an address be a user's."""
        self.state.add("emails", email=email, login=login)

    def pull(self, head: str, base: str = "main", *, fork: bool = False, **facts: Any) -> int:
        """Open a pull request from a branch, or from the branch of that name in a fork; returns its number."""
        with self.state.lock:
            return seeding.pull(self.state, self.repo, head, base, fork=fork, **facts)["number"]

    def fork(self, owner: str = "contributor") -> Path:
        """The bare repository of a fork, made at need; push to it to move the head of its pull requests."""
        return Path(seeding.fork_repository(self.state, self.repo, owner)["git"])

    def change_pull(self, number: int, **facts: Any) -> None:
        """Change facts of a pull request, e.g. `draft=True`, `state="closed"`, `locked=True`."""
        self.state.change(self.pull_row(number), **facts)

    def comment(self, number: int, body: str, *, user: str = "octocat") -> int:
        """Add a user's comment without a request; return its id."""
        return self.state.add("comments", repo=self.repo["id"], number=number, body=body, user=user)["id"]

    def run(self, number: int | None = None, *, branch: str = "main", **facts: Any) -> int:
        """A workflow run, of a pull request or of a branch, as the API shows it; returns its id."""
        pull = self.pull_row(number) if number else None
        at = (pull["head_sha"], pull["head_ref"]) if pull else (self.sha(branch), branch)
        return seeding.run(self.state, self.repo, number, sha=at[0], branch=at[1], **facts)["id"]

    def change_run(self, run: int, **facts: Any) -> None:
        """Change facts of a run, e.g. `status="completed"`, `conclusion="failure"`, `attempt=2`."""
        [row] = self.state.all("runs", id=run)
        self.state.change(row, **facts)

    def artifact(self, run: int, name: str, files: Mapping[str, bytes | str] | bytes, *, expired: bool = False) -> int:
        """An artifact of a run: files that are zipped, or the bytes of an archive as they are; returns its id."""
        data = files if isinstance(files, bytes) else seeding.zip_files(files)
        return seeding.artifact(self.state, self.repo, run, name, data, expired=expired)["id"]

    def event(self, name: str, number: int | None = None, **facts: Any) -> dict[str, Any]:
        """The payload of an event as a workflow would find it at `GITHUB_EVENT_PATH`."""
        return events.payload(self, name, number, **facts)

    def environment(self, name: str, number: int | None = None, *, folder: Path, **facts: Any) -> dict[str, str]:
        """The `GITHUB_*` variables of a job that this event starts; the payload is written into ``folder``."""
        return events.environment(self, name, number, folder=folder, **facts)

    # -- what goes wrong

    def fail(self, method: str = "*", path: str = "*", kind: str = "status", **facts: Any) -> Fault:
        """Order a fault; see `faults.Fault` for the options."""
        return self.faults.order(method=method, path=path, kind=kind, **facts)

    def kill_after(self, n: int, kill: Callable[[], None], *, when: str = "after") -> Fault:
        """Call ``kill`` at the n-th request from now, after (or before) its effect; its answer never arrives."""
        return self.faults.order(kind="drop", when=when, nth=n, call=kill)

    def rate_limit(self, token: str, *, remaining: int, reset_in: float = 3600) -> None:
        """Leave a token so many requests until the limit resets."""
        seeding.rate_limit(self.state, token, remaining, reset_in)
