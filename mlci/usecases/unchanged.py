"""Changes that no model is made from: nothing is trained, and the baseline's own numbers are reported.

A change counts as such only where every file that `paths:` covers is what it was at the merge base and at the commit of
the baseline, and where the evaluation set has the content that the baseline was judged on. Any doubt runs in full.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mlci.baseline.changed import changed
from mlci.baseline.resolve import resolve
from mlci.baseline.tracked import tracked
from mlci.config.load import Loaded, parse
from mlci.config.models import Baseline, Config
from mlci.config.relevant_paths import relevant
from mlci.errors import InputError, OutsideError
from mlci.inference.evaluation import EvaluationResult
from mlci.usecases import plan
from mlci.usecases.paths import located
from mlci.usecases.sides import Side
from mlci.usecases.tools import Tools


def unchanged_since(loaded: Loaded, tools: Tools, since: str) -> str | None:
    """Return the merge base with ``since`` if no relevant file differs from it; ``None`` in any doubt.

    Args:
        loaded: The candidate's configuration.
        tools: Effects.
        since: Commit or branch that the change is to be merged into.
    """
    try:
        said = tools.git.ask("merge-base", "--", since, "HEAD")
    except InputError:
        return None
    base = said.out.partition("\n")[0]
    if said.status != 0 or not base:
        tools.say(f"--changed-since {since}: no common commit is in this clone (`fetch-depth: 0`?), so training runs")
        return None
    return None if _touched(loaded, tools, base) else base


def same_as_champion(loaded: Loaded, tools: Tools, champion: Side) -> Side | None:
    """Return the champion's predictions as the candidate's, if the candidate would be made from the same files.

    Only predictions that the champion was judged on will do: where the evaluation set moved, it may have moved outside
    of the repository, and the training data with it.
    """
    if champion.commit is None or champion.rescored or _touched(loaded, tools, champion.commit):
        return None
    return replace(champion, commit=None, version=None, label=None, notes=(), seconds={})


def same_as_reference(loaded: Loaded, tools: Tools, *, folder: Path) -> bool:
    """Tell whether a baseline from a reference is made from the same files, evaluation set included."""
    baseline, evaluation = loaded.config.baseline, loaded.config.evaluation
    if not isinstance(baseline, Baseline) or baseline.ref is None or evaluation is None:
        return False
    data = Path(located(evaluation.data, folder))
    try:
        if not data.is_file() or not tracked(tools.git, data):
            tools.say(f"nothing relevant changed, but git does not track {evaluation.data}, so training runs")
            return False
        return not _touched(loaded, tools, resolve(tools.git, str(baseline.ref)).commit)
    except InputError:
        return False


def result_without_rows(config: Config, base: str) -> EvaluationResult:
    """Return an evaluation that measured nothing, because nothing that matters differs from ``base``."""
    return EvaluationResult(
        task=config.task,
        rows=None,
        fingerprint=None,
        has_baseline=True,
        confidence=plan.question(config, baseline=True).confidence,
        seed=config.policy.seed,
        comparisons=(),
        unchanged_since=base,
    )


def _touched(loaded: Loaded, tools: Tools, commit: str) -> bool:
    """Tell whether a relevant file of the checkout differs from a commit; also where that can't be known."""
    try:
        root = tools.git.root().resolve()
        differs = changed(tools.git, commit)
        config = Path(loaded.path).resolve().relative_to(root)
        before = parse(tools.git.must("show", f"{commit}:{config.as_posix()}").encode(), path=config.as_posix()).config
    except (InputError, OutsideError, ValueError):
        return True
    if differs is None:
        return True
    folder = config.parent
    named = {config.as_posix(), *(name for path in _named(before) if (name := _from_top(folder, path)) is not None)}
    return bool(relevant(differs, patterns=before.paths, folder=folder.as_posix(), named=named))


def _named(config: Config) -> Iterator[str]:
    """Yield the paths that a configuration names."""
    if config.evaluation is not None:
        yield config.evaluation.data
    yield from filter(None, (config.predict.file, config.predict.model, config.predict.metrics))
    if config.train is not None and config.train.model is not None:
        yield config.train.model
    if isinstance(config.baseline, Baseline) and config.baseline.file is not None:
        yield config.baseline.file


def _from_top(folder: Path, path: str) -> str | None:
    return None if "://" in path or Path(path).is_absolute() else (folder / path).as_posix()
