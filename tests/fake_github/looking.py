"""The observable state for tests: the same bodies as in the API, without requests."""

from typing import TYPE_CHECKING, Any

from tests.fake_github.contract import operations
from tests.fake_github.people import ACTIONS
from tests.fake_github.served import checks, comments, issues, pulls, statuses
from tests.fake_github.serving import Call
from tests.fake_github.state import Row, git

if TYPE_CHECKING:
    from tests.fake_github.fake import Fake


class Looking:
    """The observing half of a fake."""

    def call(self: "Fake", **facts: Any) -> Call:
        """Return a call without a request, for the functions that shape answers."""
        empty: dict[str, Any] = {"names": {}, "query": {}, "body": None, "data": b"", "headers": {}, "token": None}
        at = self.links_for(secure=False)
        return Call(**(empty | facts), state=self.state, operation=operations()["repos/get"], repo=self.repo, links=at)

    def comments(self: "Fake", number: int) -> list[Row]:
        """Comments of a pull request or issue, oldest first."""
        with self.state.lock:
            rows = self.state.all("comments", repo=self.repo["id"], number=number)
            return [comments.comment(self.call(), row) for row in rows]

    def issues(self: "Fake") -> list[Row]:
        """Issues, oldest first, each with the names of its labels."""
        with self.state.lock:
            rows = self.state.all("issues", repo=self.repo["id"])
            return [issues.issue(self.call(), row) | {"labels": row["labels"]} for row in rows]

    def dispatches(self: "Fake") -> list[Row]:
        """Events that were sent to the workflows of the default branch, oldest first."""
        return self.state.all("dispatches", repo=self.repo["id"])

    def check_runs(self: "Fake", sha: str | None = None, name: str | None = None) -> list[Row]:
        """All check runs (of a commit, of a name), oldest first, each with its `annotations`."""
        with self.state.lock:
            wanted = {"head_sha": sha, "name": name}
            equal = {key: value for key, value in wanted.items() if value is not None}
            rows = self.state.all("check_runs", repo=self.repo["id"], **equal)
            return [checks.run(self.call(), row) | {"annotations": row["annotations"]} for row in rows]

    def statuses(self: "Fake", sha: str) -> list[Row]:
        """Statuses of a commit, newest first."""
        with self.state.lock:
            rows = self.state.all("statuses", repo=self.repo["id"], sha=sha)[::-1]
            return [statuses.status(self.call(), row) for row in rows]

    def pulls(self: "Fake") -> list[Row]:
        with self.state.lock:
            return [pulls.full(self.call(), row) for row in pulls.open_pulls(self.state, self.repo)]

    def pull_row(self: "Fake", number: int) -> Row:
        with self.state.lock:
            row = self.state.one("pulls", repo=self.repo["id"], number=number)
            if row is None:
                raise LookupError(f"no pull request {number}")
            return pulls.refresh(self.state, row)

    def pull_body(self: "Fake", number: int) -> Row:
        """A pull request as `GET /repos/{owner}/{repo}/pulls/{number}` shows it."""
        with self.state.lock:
            return pulls.full(self.call(), self.pull_row(number))

    def head(self: "Fake", number: int) -> str:
        """SHA of the head of a pull request, wherever its branch is now."""
        return self.pull_row(number)["head_sha"]

    def sha(self: "Fake", name: str) -> str:
        """SHA of a branch, a tag or any other name in the bare repository."""
        found = git(self.repo).commit_of(name)
        if found is None:
            raise LookupError(f"no commit {name}")
        return found

    @property
    def requests(self: "Fake") -> list[tuple[str, str, int | None]]:
        """Method, path and status of every API request so far; the status of one without an answer is None."""
        with self.log_lock:
            return [(entry.method, entry.path, entry.status) for entry in self.log]

    def forget_requests(self: "Fake") -> None:
        """Reset the count."""
        with self.log_lock:
            self.log.clear()

    @property
    def violations(self: "Fake") -> list[str]:
        """Return the clients' violations of GitHub's description; clear the list if a test intends them."""
        return self.findings.violations

    @property
    def failures(self: "Fake") -> list[str]:
        return self.findings.failures


BOT = f"{ACTIONS}[bot]"
