"""Evaluation sets that training makes: read, split, train, score, write holdout and predictions.

Such a set is not in git, so a fresh checkout has none and the candidate's training runs before the baseline is chosen.
A file that exists before training may only be overwritten if an earlier training made it, which mlci records by digest
in its own folder. Every other file (a committed one, one that a step downloaded) is protected, because a change could
label the rows that it is judged on.
"""

import contextlib
import glob

from mlci.config.models import RowsConfig
from mlci.git.git import is_tracked
from mlci.operations.context import RowsContext
from mlci.operations.models import file_guards

MADE = (
    "the evaluation set was made by this change's own training, which chose its rows and wrote their labels; "
    "commit it, or fetch it before mlci runs, if a change must not do that"
)
"""Note of a report."""
_REMEMBERED = "made-by-training"
_MOST = 50


def is_made_by_training(context: RowsContext) -> bool:
    """Check if training makes the evaluation set: it does not exist, or an earlier training made it.

    Call it before any of the candidate's steps runs.
    """
    if context.config.train is None or "://" in context.data:
        return False
    if is_tracked(context.git, context.config.evaluation.data):
        return False
    return not file_guards.is_there(context.data) or file_guards.digest_contents(context.data) in _remembered(context)


def required_output(config: RowsConfig) -> str | None:
    """Return the file that training has to write; ``None`` for a pattern, whose files are unknown before training."""
    data = config.evaluation.data
    return None if glob.has_magic(data) else data


def remember_made(context: RowsContext) -> None:
    """Record the digest of an evaluation set that training just made."""
    digest = file_guards.digest_contents(context.data)
    if context.own_folder is None or digest is None or not file_guards.is_there(context.data):
        return
    earlier = [line for line in _remembered(context) if line != digest][-_MOST:]
    with contextlib.suppress(OSError):  # without it, the next training has to find no file
        (context.own_folder / _REMEMBERED).write_text("\n".join([*earlier, digest, ""]), encoding="utf-8")


def _remembered(context: RowsContext) -> list[str]:
    """Return the recorded digests; none from a file that git tracks, which a commit could have planted."""
    if context.own_folder is None:
        return []
    path = context.own_folder / _REMEMBERED
    try:
        if path.is_symlink() or not path.is_file() or is_tracked(context.git, str(path.absolute())):
            return []
        return path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []
