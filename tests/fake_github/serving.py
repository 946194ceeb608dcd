"""Handlers of operations: their request, their reply, and their registration."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.fake_github.contract import Operation
from tests.fake_github.links import Links
from tests.fake_github.state import Row, State

MOST_A_PAGE, A_PAGE = 100, 30  # https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api


@dataclass
class Reply:
    """An answer: a JSON body, or bytes as they are."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    def data(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.status in {204, 304} else json.dumps(self.body).encode("utf-8")


class Refused(Exception):  # noqa: N818 - an answer, and no error
    """A request that GitHub refuses."""

    def __init__(
        self, status: int, message: str, *, errors: list[Any] | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.errors, self.headers = status, message, errors, headers or {}


def invalid(resource: str, message: str, *, field: str | None = None, code: str = "custom") -> Refused:
    """A 422 in the form that GitHub gives to its own rules, in contrast to those of the description."""
    error = {"resource": resource, "code": code, "message": message} | ({"field": field} if field else {})
    return Refused(422, "Validation Failed", errors=[error])


@dataclass
class Call:
    """One request that passed the description and the token's permissions."""

    state: State
    operation: Operation
    names: dict[str, str]
    query: dict[str, str]
    body: Any
    data: bytes
    headers: dict[str, str]
    token: Row | None
    repo: Row
    links: Links

    def number(self, name: str) -> int:
        text = self.names[name]
        if not text.isdigit():
            raise Refused(404, "Not Found")
        return int(text)

    def page(self, rows: Sequence[Any], shape: Callable[[Any], Any], *, under: str | None = None) -> Reply:
        """One page of rows, shaped, with the `Link` header; ``under`` names the list in an object with a total."""
        size = max(1, min(int(self.query.get("per_page", A_PAGE)), MOST_A_PAGE))
        page = max(1, int(self.query.get("page", 1)))
        shown = [shape(row) for row in rows[(page - 1) * size : page * size]]
        last = max(1, -(-len(rows) // size))
        headers = {"Link": address} if (address := self.link(page, last)) else {}
        return Reply(200, {"total_count": len(rows), under: shown} if under else shown, headers)

    def link(self, page: int, last: int) -> str:
        """GitHub names the repository by its number in these addresses: clients have to follow, not to build them."""
        path = self.operation.path.replace("/repos/{owner}/{repo}", f"/repositories/{self.repo['id']}")
        for name, value in self.names.items():
            path = path.replace(f"{{{name}}}", value)
        pages = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        wanted = (["prev"] if page > 1 else []) + (["next", "last"] if page < last else [])
        wanted += ["first"] if page > 1 else []
        asked = {key: value for key, value in self.query.items() if key != "page"}
        at = {rel: f"{self.links.api}{path}?{urlencode(asked | {'page': pages[rel]})}" for rel in wanted}
        return ", ".join(f'<{address}>; rel="{rel}"' for rel, address in at.items())


Need = tuple[str, str]  # a permission and its level, e.g. ("checks", "write")


@dataclass(frozen=True)
class Served:
    """A handler and the permissions of which one is enough."""

    handle: Callable[[Call], Reply]
    needs: tuple[Need, ...]


HANDLERS: dict[str, Served] = {}


def serves(name: str, *needs: Need) -> Callable[[Callable[[Call], Reply]], Callable[[Call], Reply]]:
    """Declare the handler of an operation."""

    def declare(handle: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        HANDLERS[name] = Served(handle, needs)
        return handle

    return declare
