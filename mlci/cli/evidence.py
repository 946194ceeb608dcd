"""What `mlci publish` finds on disk: the configuration, whole or in part, and the report."""

import re
from dataclasses import dataclass
from pathlib import Path

from mlci.cli.files import read_bounded
from mlci.config.load import contents, draft
from mlci.config.models import MODEL_ID
from mlci.config.read import read
from mlci.errors import InputError
from mlci.metrics import catalogue
from mlci.publish.choice import Policy
from mlci.report.document import Report
from mlci.report.read import MOST_BYTES, parse


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is published about.

    Attributes:
        model: The model's name; known even where the rest of the configuration can't be used, if it stands there.
        policy: When to comment.
        error: What is wrong with the configuration.
    """

    model: str | None
    policy: Policy
    error: InputError | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what is wrong, line by line."""
        return tuple(str(problem) for problem in self.error.problems) if self.error else ()


def subject(config: Path) -> Subject:
    """Read the configuration; of one that can't be used, the model's name, so that no stale green stands under it."""
    try:
        loaded = read(config, catalogue)
    except InputError as error:
        return Subject(model=_salvaged(config), policy="always", error=error)
    return Subject(model=loaded.config.model, policy=loaded.config.policy.comment)


def read_report(path: Path) -> tuple[Report | None, tuple[str, ...]]:
    """Read the report; return it, or what is wrong with it."""
    try:
        return parse(read_bounded(path, MOST_BYTES), path=str(path)), ()
    except OSError:
        return None, ()  # that there is none is said in other words
    except InputError as error:
        return None, tuple(str(problem) for problem in error.problems)


def _salvaged(config: Path) -> str | None:
    try:
        tree, _ = draft(contents(config), path=str(config))
    except InputError:
        return None
    found = tree.data.get("model") if isinstance(tree.data, dict) else None
    return found if isinstance(found, str) and re.fullmatch(MODEL_ID, found) else None
