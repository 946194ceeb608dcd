"""Files of a pull request that decide its own judging, picked from the list of files that it changes. Pure."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Literal

from mlci.config.models import Baseline, Config
from mlci.report.document import Judging, JudgingChange

What = Literal["configuration", "workflow", "evaluation data", "metric code", "baseline"]
_WORKFLOWS = (".github/workflows", ".github/actions")
_FUNCTION = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*):[A-Za-z_]")
_MOST = 50


def judging_changes(paths: Iterable[str], config: Config | None, config_path: str, *, used: bool) -> Judging:
    """Return the changed files that decide how a change is judged.

    Args:
        paths: Changed files, relative to the repository; of a renamed one both paths.
        config: The configuration that judges; ``None`` if it is invalid.
        config_path: Its path, relative to the repository.
        used: Whether the pull request's files are those that judge it.
    """
    deciding = dict(_deciding(config, PurePosixPath(config_path)))
    found = [JudgingChange(path=path, what=what) for path in dict.fromkeys(paths) if (what := _what(path, deciding))]
    return Judging(used=used, changes=tuple(found[:_MOST]), more=max(len(found) - _MOST, 0))


def _what(path: str, deciding: dict[PurePosixPath, What]) -> What | None:
    pure = PurePosixPath(path)
    if any(pure.is_relative_to(folder) for folder in _WORKFLOWS):
        return "workflow"
    return next((deciding[one] for one in (pure, *pure.parents) if one in deciding), None)


def _deciding(config: Config | None, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, What]]:
    """Yield the files and folders that decide, each with its kind."""
    yield path, "configuration"
    if config is None:
        return
    if config.evaluation is not None:
        for name in filter(None, (config.evaluation.data, config.evaluation.labels)):
            yield _resolved(path.parent / name), "evaluation data"
    if isinstance(config.baseline, Baseline) and config.baseline.file is not None:
        yield _resolved(path.parent / config.baseline.file), "baseline"
    reported = config.evaluation.reported or () if config.evaluation else ()
    for metric in (*(item.metric for item in reported), *(gate.metric for gate in config.gates)):
        if match := _FUNCTION.match(metric):
            module = path.parent.joinpath(*match[1].split("."))
            yield module, "metric code"
            yield module.with_suffix(".py"), "metric code"


def _resolved(path: PurePosixPath) -> PurePosixPath:
    """Return a path without `.` and `..` inside of it."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)
