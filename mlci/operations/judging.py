"""Files of a change that decide its own judging, picked from the list of files that it changes.

In sealed mode GitHub lists them, and they are ignored. In one job git does, and they are used, because the author could
push to the repository anyway; the report names them.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

from mlci.config.loader import LoadedConfig, parse_config
from mlci.config.models import Baseline, Config
from mlci.errors import InputError, OutsideError
from mlci.git.git import Git
from mlci.report.document import Judging, JudgingChange

What = Literal["configuration", "workflow", "evaluation data", "metric code", "baseline"]
_WORKFLOWS = (".github/workflows", ".github/actions")
_FUNCTION = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*):[A-Za-z_]")
_MOST = 50
_LIMITS = {"gates", "tests", "policy"}
_DIFF = ("-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative")


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
    if config.grader is not None:
        yield _resolved(path.parent / config.grader.labels), "evaluation data"
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


def judging_of_change(loaded: LoadedConfig, git: Git, since: str) -> Judging | None:
    """Return what the commits since the merge base edit of their own judging; ``None`` if that is not known.

    Files count that the configuration of either side names.

    Args:
        loaded: The configuration.
        git: Git in its folder.
        since: Commit or branch that the change is to be merged into.
    """
    try:
        base = git.ask("merge-base", "--", since, "HEAD")
        if base.status != 0 or not base.out:
            return None
        commit = base.out.partition("\n")[0]
        changed = [path for path in git.must("diff", *_DIFF, commit, "HEAD", "--").split("\0") if path]
        path = Path(loaded.path)
        place = (path.parent.resolve() / path.name).relative_to(git.root().resolve()).as_posix()
        before = _config_at(git, commit, place)
    except (InputError, OutsideError, ValueError):
        return None
    now = judging_changes(changed, loaded.config, place, used=True)
    if before is None:
        return now
    known = {one.path for one in now.changes}
    earlier = judging_changes([one for one in changed if one not in known], before, place, used=True)
    changes = [*now.changes, *earlier.changes]
    if _limits(before) != _limits(loaded.config):
        changes = [one.model_copy(update={"what": "limits"}) if one.path == place else one for one in changes]
    return Judging(used=True, changes=tuple(changes), more=max(now.more, earlier.more))


def _limits(config: Config) -> object:
    return config.model_dump(mode="json", include=_LIMITS)


def _config_at(git: Git, commit: str, place: str) -> Config | None:
    """Return the configuration of a commit; ``None`` if it has none that can be read."""
    found = git.ask("show", f"{commit}:{place}")
    try:
        return parse_config(found.out.encode(), path=place).config if found.status == 0 else None
    except InputError:
        return None
