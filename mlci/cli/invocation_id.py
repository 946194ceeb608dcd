"""Invocation ids, by which a rerun recognizes the first attempt's entry.

In a workflow the run, the job and the step identify the invocation, for all attempts. Outside of one, a file in mlci's
folder does: it exists from before the decision is written until the command has confirmed the write.
"""

import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mlci.cli.output_files import OURS, keep_out_of_git
from mlci.registry import entries
from mlci.registry.ledger import Author, Intent
from mlci.util.bounded_read import read_bounded

_FOLDER = "pending"
_MOST_BYTES = 4096
_STEP = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_JOB", "GITHUB_ACTION")


@contextlib.contextmanager
def with_intent(
    author: Author, folder: Path, environment: Mapping[str, str], command: str, asked: Mapping[str, object]
) -> Iterator[Author]:
    """Add the id of this invocation to an author; forget the id when the command has succeeded.

    Args:
        author: Author of the entries.
        folder: Folder of the configuration.
        environment: Variables of the process.
        command: Name of the command.
        asked: Parameters of the command; other parameters are another invocation.
    """
    if environment.get("GITHUB_ACTIONS") == "true" and environment.get("GITHUB_RUN_ID"):
        yield replace(author, intent=_of_step(environment, command, asked))
        return
    path = folder / OURS / _FOLDER / f"{command}-{entries.entry_digest(entries.canonical_json(asked))[:16]}.json"
    earlier = _pending(path)
    intent = Intent(id=earlier or uuid.uuid4().hex, repeated=earlier is not None)
    with contextlib.suppress(OSError):  # in a read-only folder, no id is kept
        keep_out_of_git(folder / OURS)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(entries.canonical_json({"intent": intent.id}))
    yield replace(author, intent=intent)
    path.unlink(missing_ok=True)


def _of_step(environment: Mapping[str, str], command: str, asked: Mapping[str, object]) -> Intent:
    step = [environment.get(name, "") for name in _STEP]
    digest = entries.entry_digest(entries.canonical_json([*step, command, asked]))
    return Intent(id=digest[:32], repeated=environment.get("GITHUB_RUN_ATTEMPT", "1") != "1")


def _pending(path: Path) -> str | None:
    """Return the id of an earlier attempt with an unknown outcome."""
    try:
        return str(json.loads(read_bounded(path, _MOST_BYTES, links=False))["intent"])[:64]
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return None
