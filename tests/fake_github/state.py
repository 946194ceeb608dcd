"""Everything that the fake remembers, as plain rows under one lock."""

import base64
import hashlib
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fake_github.gitrepo import Repo

Row = dict[str, Any]
FIRST_ID = 1_000_000_001  # larger than 32 bits can be trusted with; and no number of a pull request looks like it


def now() -> str:
    """The time as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class State:
    """Tables of rows. Ids grow and are never given twice; every access holds ``lock``."""

    def __init__(self, file: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.file = file
        self.next_id = FIRST_ID
        self.tables: dict[str, list[Row]] = {}
        self.blobs: dict[str, bytes] = {}
        if file and file.exists():
            self.load(json.loads(file.read_text("utf-8")))

    def new_id(self) -> int:
        with self.lock:
            self.next_id += 1
            return self.next_id

    def add(self, table: str, **facts: Any) -> Row:
        """Add a row with a new id and the time."""
        with self.lock:
            time = now()
            row = {"id": self.new_id(), "created_at": time, "updated_at": time} | facts
            self.tables.setdefault(table, []).append(row)
            return row

    def all(self, table: str, **equal: Any) -> list[Row]:
        with self.lock:
            rows = self.tables.get(table, [])
            return [row for row in rows if all(row.get(key) == value for key, value in equal.items())]

    def one(self, table: str, **equal: Any) -> Row | None:
        return next(iter(self.all(table, **equal)), None)

    def change(self, row: Row, **facts: Any) -> Row:
        row.update(facts, updated_at=now())
        return row

    def remove(self, table: str, row: Row) -> None:
        with self.lock:
            self.tables[table] = [other for other in self.tables[table] if other is not row]

    def keep(self, data: bytes) -> str:
        """Keep bytes and return the digest by which they are found."""
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    def number(self, repo: Row) -> int:
        """The next number of an issue or pull request."""
        taken = [row["number"] for row in self.all("pulls", repo=repo["id"]) + self.all("issues", repo=repo["id"])]
        return max(taken, default=0) + 1

    def save(self) -> None:
        """Write everything to the file, if there is one, so that it can be read after the process has ended."""
        if self.file is None:
            return
        with self.lock:
            text = json.dumps(self.dump(), indent=1)
        part = self.file.with_name(self.file.name + ".part")
        part.write_text(text, "utf-8")
        part.replace(self.file)

    def dump(self) -> dict[str, Any]:
        blobs = {key: base64.b64encode(data).decode() for key, data in self.blobs.items()}
        return {"next_id": self.next_id, "tables": self.tables, "blobs": blobs}

    def load(self, stored: dict[str, Any]) -> None:
        self.next_id, self.tables = stored["next_id"], stored["tables"]
        self.blobs = {key: base64.b64decode(text) for key, text in stored["blobs"].items()}


def git(repo: Row) -> Repo:
    """The bare repository of a repository's row."""
    return Repo(Path(repo["git"]))


def full_name(repo: Row) -> str:
    return f"{repo['owner']}/{repo['name']}"
