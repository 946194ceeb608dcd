"""Checks of the user's answers: files that exist, columns that a table has, and labels that occur."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mlci.engine.tables.column_summary import ColumnSummary
from mlci.errors import InputError, list_names
from mlci.operations.init.proposal import InitOptions, Proposal
from mlci.operations.init.scripts.addition import Task

_CODE = re.compile(r"-?\d+(\.\d+)?|true|false", re.IGNORECASE)


def check_options(folder: Path, options: InitOptions) -> InitOptions:
    """Return the options with plain paths, such as ``train.py`` for ``./train.py``.

    Raises:
        InputError: if a named file does not exist, or the training command is empty.
    """
    if options.train is not None and not options.train.strip():
        raise InputError("--train is empty; write the command, such as `mlci init --train 'python train.py'`")
    for option in ("script", "data", "predictions"):
        path = getattr(options, option)
        if path is not None and not (path and (folder / path).is_file()):
            hint = "" if option == "script" else "; if training writes it, run your training once"
            raise InputError(f"--{option} {path}: the file does not exist{hint}")
    return replace(
        options,
        script=_plain(options.script),
        data=_plain(options.data),
        predictions=_plain(options.predictions),
        metrics=_plain(options.metrics),
    )


def _plain(path: str | None) -> str | None:
    return None if path is None else PurePosixPath(path).as_posix()


def check_columns(option: str, wanted: Iterable[str | None], known: Iterable[str], where: str) -> None:
    """Check that a table has the columns that an option names; ``None`` names none.

    Raises:
        InputError: if it lacks one.
    """
    columns = list(known)
    for name in wanted:
        if name is not None and name not in columns:
            raise InputError(f"--{option} {name}: {where} has no such column; it has {list_names(columns, 20)}")


def refuse_positive(positive: str | None, label: ColumnSummary | None) -> None:
    """Check that the class that counts as positive occurs among the labels, if they are listed.

    Raises:
        InputError: if it does not.
    """
    if positive is None or label is None or not label.counts:
        return
    values = [value for value, _ in label.counts]
    if not any(_same(value, positive, label.kind) for value in values):
        raise InputError(f"--positive {positive}: no label of {label.name} has this value; it has {list_names(values)}")


def refuse_unfit_positive(task: Task, positive: str | None, *, coded_by: str | None = None) -> None:
    """Check that a positive class is one of two classes, and a code where the script evaluates codes.

    Args:
        task: Kind of model.
        positive: The class; ``None`` if the user named none.
        coded_by: Script that replaces the labels by codes before it evaluates; ``None`` if labels stay as they are.

    Raises:
        InputError: if it does not fit.
    """
    if positive is None:
        return
    if task != "binary":
        raise InputError(
            f"--positive {positive}: a {task} model has no positive class; leave it out, or correct the task with "
            "`--task binary`"
        )
    if coded_by is not None and not _CODE.fullmatch(positive):
        raise InputError(
            f"--positive {positive}: {coded_by} replaces the labels by codes before it evaluates, and the evaluation "
            "set has the codes; name the code, such as `--positive 1`, or leave it out"
        )


def refuse_untold_task(why: str | None) -> None:
    """Refuse to guess a task that nothing shows.

    Args:
        why: Why the labels do not show it; ``None`` if they do.

    Raises:
        InputError: if they do not, with the reason and the option that decides.
    """
    if why is not None:
        raise InputError(
            f"can't tell the task: {why}. Name it: `mlci init --task binary` for two classes, `--task multiclass` for "
            "more, `--task regression` for numbers"
        )


def _same(value: str, given: str, kind: str) -> bool:
    if kind in {"integer", "real"}:
        try:
            return float(value) == float(given)
        except ValueError:
            return False
    return value.lower() == given.lower() if kind == "boolean" else value == given


def refuse_unsealable(proposal: Proposal) -> None:
    """Refuse a setup whose predictions can't be judged apart from the code that makes them.

    Raises:
        InputError: if it compares only numbers, rows have no key, or training makes the evaluation set.
    """
    parts = proposal.parts
    if parts.task == "scores":
        raise InputError("--sealed judges predictions row by row, and an evaluation log has the scores of items only")
    if parts.data is None:
        raise InputError(
            "--sealed judges predictions row by row, and only a metrics file was found; name a table with labels and "
            "the script that predicts: `mlci init --sealed --data holdout.csv --label y --script train.py`"
        )
    if parts.data in proposal.made:
        raise InputError(
            f"--sealed needs an evaluation set that a pull request can't write, and training makes {parts.data}; run "
            "`mlci init` and the training once, commit that file, and start again with "
            f"`mlci init --sealed --data {parts.data}`"
        )
    if parts.key is None:
        raise InputError(
            f"--sealed joins predictions to {parts.data} by a key, and no column names each row once; add one, and "
            "name it: `mlci init --sealed --key id`"
        )
