"""One request to the API, from its bytes to an answer that keeps to GitHub's description."""

import json
import traceback
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.fake_github import contract, limits, served, tokens
from tests.fake_github.contract import Operation
from tests.fake_github.links import Links
from tests.fake_github.serving import HANDLERS, Call, Refused, Reply
from tests.fake_github.state import Row, State

DOCS = "https://docs.github.com/rest"
VERSIONS = {"2022-11-28", "2026-03-10"}  # https://docs.github.com/rest/about-the-rest-api/api-versions
FREE = {"rate-limit/get"}
PAGING = {"page", "per_page"}
assert served  # its import is what fills HANDLERS


@dataclass(frozen=True)
class Request:
    """An HTTP request; names of headers are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    data: bytes
    links: Links
    uploads: bool = False


@dataclass
class Findings:
    """Findings that fail a test: requests that the description refuses, and failures of the fake itself."""

    violations: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass
class Api:
    """The API over one state."""

    state: State
    findings: Findings

    def answer(self, request: Request) -> Reply:
        """Answer as GitHub would; a mistake of the fake is a loud 500."""
        with self.state.lock:
            token = None
            try:
                token = tokens.token_of(self.state, request.headers)
                reply = self.served(request, token)
            except Refused as refused:
                reply = refusal(request, refused)
            except Exception:  # noqa: BLE001 - whatever it is, a test has to hear of it
                reply = self.failed(request, traceback.format_exc())
            if request.method != "GET":
                self.state.save()
            return Reply(reply.status, reply.body, standard(self.state, token) | reply.headers, reply.raw)

    def served(self, request: Request, token: Row | None) -> Reply:
        if not request.headers.get("user-agent"):
            # https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent-required
            raise Refused(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent"
            )
        operation, names = self.found(request)
        if operation.name not in FREE:
            limits.count(self.state, token)
        repo = self.repo(names)
        tokens.check_visible(token, repo) if "owner" in names else None
        handler = HANDLERS.get(operation.name)
        if handler is None:
            raise NotImplementedError(f"{operation.name} is described, but the fake does not serve it")
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        tokens.check_allowed(token, repo, handler.needs, request.method)
        body = self.checked(operation, query, request)
        call = Call(
            self.state, operation, names, query, body, request.data, request.headers, token, repo, request.links
        )
        reply = handler.handle(call)
        return reply if reply.raw is not None else self.described(operation, request, reply)

    def found(self, request: Request) -> tuple[Operation, dict[str, str]]:
        path = self.by_name(request.path)
        found = contract.find(request.method, path)
        if found is None or (found[0].name == "repos/upload-release-asset") != request.uploads:
            self.violation(request, "the derived description has no such operation")
            raise Refused(404, "Not Found")
        return found

    def by_name(self, path: str) -> str:
        """`/repositories/N/…`, as `Link` headers have it, is another name of `/repos/owner/name/…`."""
        words = path.split("/", 3)
        if len(words) > 2 and words[1] == "repositories" and words[2].isdigit():
            row = self.state.one("repos", id=int(words[2]))
            if row:
                return "/".join(["", "repos", row["owner"], row["name"], *words[3:]])
        return path

    def repo(self, names: dict[str, str]) -> Row:
        if "owner" not in names or "repo" not in names:
            return self.state.all("repos")[0]
        wanted = names["owner"].lower(), names["repo"].lower()
        for row in self.state.all("repos"):
            if (row["owner"].lower(), row["name"].lower()) == wanted:
                return row
        raise Refused(404, "Not Found")

    def checked(self, operation: Operation, query: dict[str, str], request: Request) -> Any:
        """Return the body, checked against GitHub's description together with the query."""
        version = request.headers.get("x-github-api-version")
        if version is not None and version not in VERSIONS:
            self.violation(request, f"X-GitHub-Api-Version {version} is not one of {sorted(VERSIONS)}")
            raise Refused(400, f"{version} is not a supported version.")
        asked = {key: value for key, value in query.items() if key not in PAGING or key in operation.query()}
        errors = contract.query_errors(operation, asked)
        ignored = [error for error in errors if error.startswith("no parameter")]
        body = None
        if operation.body is not None:
            body = self.parsed(request)
            errors += contract.body_errors(operation, body)
            ignored += [f"no field {name!r} is described" for name in contract.unknown_fields(operation, body)]
        for error in [*ignored, *(error for error in errors if error not in ignored)]:
            self.violation(request, error)
        fatal = [error for error in errors if error not in ignored]
        if fatal:
            raise Refused(422, "Invalid request.\n\n" + "\n".join(fatal))
        return body

    def parsed(self, request: Request) -> Any:
        if not request.data:
            return None
        try:
            return json.loads(request.data)
        except ValueError:
            self.violation(request, "the body is not JSON")
            raise Refused(400, "Problems parsing JSON") from None

    def described(self, operation: Operation, request: Request, reply: Reply) -> Reply:
        """Return the answer if it matches the description, and a failure of the fake if not."""
        errors = contract.response_errors(operation, reply.status, reply.body)
        if errors:
            return self.failed(request, f"{operation.name} {reply.status}:\n" + "\n".join(errors))
        return reply

    def violation(self, request: Request, words: str) -> None:
        self.findings.violations.append(f"{request.method} {request.path}: {words}")

    def failed(self, request: Request, words: str) -> Reply:
        self.findings.failures.append(f"{request.method} {request.path}: {words}")
        return Reply(500, {"message": "The fake itself failed", "failure": words, "documentation_url": DOCS})


def refusal(request: Request, refused: Refused) -> Reply:
    """GitHub's form of an error."""
    found = contract.find(request.method, request.path)
    body: dict[str, Any] = {"message": refused.message}
    if refused.errors is not None:
        body["errors"] = refused.errors
    docs = found[0].docs if found and refused.status != 401 else DOCS
    return Reply(refused.status, body | {"documentation_url": docs, "status": str(refused.status)}, refused.headers)


def standard(state: State, token: Row | None) -> dict[str, str]:
    """Headers of every answer."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "X-GitHub-Media-Type": "github.v3; format=json",
        "X-GitHub-Request-Id": f"{state.next_id:X}",
        "Cache-Control": "private, max-age=60, s-maxage=60",
        **limits.headers(state, token),
    }
