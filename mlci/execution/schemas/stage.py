"""Stage that validates windows of production by a pandera schema in a child process, and reads its answers as data.

A process that dies, hangs or writes an invalid answer leaves windows without a result; it never counts as valid rows.
"""

import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlci.errors import InputError, Problem, StepError
from mlci.execution import environment
from mlci.execution.interface import Runner, Step
from mlci.execution.sanitize import sanitize
from mlci.execution.schemas.process import ANSWERS, REQUEST, ROWS
from mlci.util.bounds import SCHEMA_ANSWER_BYTES

EXAMPLES = 5
"""Rows that are named for each failed check."""


@dataclass(frozen=True, kw_only=True)
class SchemaFailure:
    """A check that failed in a window.

    Attributes:
        column: The column; ``None`` for a check of the whole table.
        check: Pandera's name of the check.
        count: Rows that fail; ``None`` if the check is not about single rows.
        examples: Positions of the first of them in the log, from 0.
    """

    column: str | None
    check: str
    count: int | None
    examples: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class WindowValidation:
    """Result of one window.

    Attributes:
        rows: Its rows.
        failed: Rows that fail any check.
        failures: Failed checks.
        more: Failed checks beyond those.
        errors: Why the schema could not be evaluated; empty if all of it was.
        notes: Warnings of checks that only warn.
    """

    rows: int = 0
    failed: int = 0
    failures: tuple[SchemaFailure, ...] = ()
    more: int = 0
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class SchemaStage:
    """Validates windows in a child process."""

    def __init__(self, runner: Runner, *, folder: Path, scratch: Path, python_path: str = "") -> None:
        """Run in ``folder``, which has the schema and its modules; ``scratch`` takes rows and answers.

        ``python_path`` is the job's ``PYTHONPATH``, whose folders are searched after that one.
        """
        self._runner, self._folder, self._scratch = runner, folder, scratch
        self._folders = [str(folder.absolute()), *filter(None, python_path.split(os.pathsep))]

    @property
    def rows_path(self) -> Path:
        """File of rows that :meth:`validate` reads: their window ``w``, position ``mlci_row``, and columns."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        return self._scratch / ROWS

    def require(self, schema: str) -> Path:
        """Return the schema's file.

        Raises:
            InputError: if it or pandera is missing.
        """
        path = self._folder / schema.partition(".py:")[0]
        path = path.with_name(f"{path.name}.py") if ".py:" in schema else path
        setting = ("monitor", "pandera")
        if not path.is_file():
            raise InputError(Problem(f"names {schema!r}, and {path} does not exist", setting=setting))
        if any(importlib.util.find_spec(name) is None for name in ("pandera", "pandas")):
            raise InputError(
                Problem("needs pandera, which is not installed here:\n    pip install 'mlci[schema]'", setting=setting)
            )
        return path

    def validate(
        self, schema: str, windows: Sequence[str], *, columns: Sequence[str], is_text: bool, timeout: float
    ) -> dict[str, WindowValidation]:
        """Validate windows of the rows in :attr:`rows_path`; each has a result, if only an error.

        Args:
            schema: ``path.yaml`` or ``path.py:Name``, relative to the folder.
            windows: Windows to validate.
            columns: Names of the columns of the rows.
            is_text: Whether the log is a text file, so that types are to be inferred.
            timeout: Seconds for all windows.

        Raises:
            InputError: if the file of the schema or pandera is missing.
        """
        request = {
            "path": str(self.require(schema).absolute()),
            "name": schema.partition(".py:")[2] or None,
            "folders": self._folders,
            "windows": list(windows),
            "columns": list(columns),
            "is_text": is_text,
            "examples": EXAMPLES,
        }
        folder = self._scratch.resolve()
        (folder / REQUEST).write_text(json.dumps(request), "utf-8")
        (folder / ANSWERS).unlink(missing_ok=True)
        fix = "`monitor.pandera` in mlci.yml, or `evaluation.timeout` if it needs longer"
        command = environment.isolated_command("mlci.execution.schemas.process", str(folder))
        step = Step(name=f"schema {schema}", command=command, cwd=self._folder, timeout=timeout, fix=fix)
        problem = "its process left no result"
        try:
            self._runner.run(step)
        except StepError as error:
            problem = sanitize(str(error).splitlines()[0])
        found = dict(_read_answers(folder / ANSWERS, windows))
        problem = _load_problem(folder / ANSWERS) or problem
        return {window: found.get(window, WindowValidation(errors=(problem,))) for window in windows}


def _answers(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the answers that can be read."""
    try:
        with path.open("rb") as file:
            data = file.read(SCHEMA_ANSWER_BYTES.value)
    except OSError:
        return
    for line in data.splitlines():
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            return
        if isinstance(answer, dict):
            yield answer


def _load_problem(path: Path) -> str | None:
    return next((sanitize(str(one["problem"])) for one in _answers(path) if "problem" in one), None)


def _read_answers(path: Path, windows: Sequence[str]) -> Iterator[tuple[str, WindowValidation]]:
    for answer in _answers(path):
        if answer.get("window") not in windows:
            continue
        try:
            yield answer["window"], _validation(answer)
        except (KeyError, TypeError, ValueError):
            yield answer["window"], WindowValidation(errors=("its process left a result that can't be read",))


def _validation(answer: dict[str, Any]) -> WindowValidation:
    return WindowValidation(
        rows=int(answer["rows"]),
        failed=int(answer["failed"]),
        failures=tuple(_failure(one) for one in answer["failures"]),
        more=int(answer.get("more", 0)),
        errors=tuple(sanitize(str(text)) for text in answer["errors"]),
        notes=tuple(sanitize(str(text)) for text in answer["notes"]),
    )


def _failure(answer: dict[str, Any]) -> SchemaFailure:
    column, count = answer["column"], answer["count"]
    return SchemaFailure(
        column=None if column is None else sanitize(str(column)),
        check=sanitize(str(answer["check"])),
        count=None if count is None else int(count),
        examples=tuple(int(row) for row in answer["examples"][:EXAMPLES]),
    )
