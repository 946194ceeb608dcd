"""Evaluation logs of the candidate and the baseline: written by a command, from a file, a reference or a version."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path
from typing import Any

from mlci.config.models import Baseline, ScoresConfig
from mlci.engine.interface import Source
from mlci.errors import InputError, StepError
from mlci.execution import stages
from mlci.git.ref_baseline import WITHOUT_BASELINE, NoBaselineYetError
from mlci.git.worktree import Worktree
from mlci.operations.context import RunContext, ScoresContext
from mlci.operations.models import predictions
from mlci.operations.models.baseline_ref_or_file import (
    allow_first_change,
    baseline_steps,
    has_baseline_model,
    keep_inside,
    made_from_ref,
    own_steps,
)
from mlci.operations.models.model_predictions import ModelPredictions
from mlci.operations.models.predictions import StepContext
from mlci.operations.scores.item_metrics import is_usage, scorer_of
from mlci.operations.scores.table_log import TableColumns, read_table_log
from mlci.registry import stored_files
from mlci.registry.registry import RegistryView
from mlci.scores.formats.detect import find_format, read_log
from mlci.scores.formats.log_file import LogFile
from mlci.scores.join_tasks import join_tasks
from mlci.scores.score_log import ItemId, ItemText, ScoreLog
from mlci.scores.serialization import NAME, dump_scores, load_scores

_MOST_FILES = 1_000
_LONGEST_TEXT = 2_000
_AT_ONCE = 500
ROWS = "scores"
"""Placeholder for the rows that a version's scores were measured on; the items are in the scores themselves."""


@dataclass(frozen=True, kw_only=True)
class BaselineScores:
    """A baseline's run and its origin."""

    log: ScoreLog
    commit: str | None = None
    version: int | None = None
    notes: tuple[str, ...] = ()


def candidate_scores(context: ScoresContext) -> tuple[ModelPredictions, ScoreLog]:
    """Run the candidate's commands, read its log, and keep its scores as one file."""
    steps = predictions.candidate_steps(context)
    trained, log, seconds = _make_scores(context, steps)
    path = context.scratch / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dump_scores(log, texts=shows_texts(context)))
    model = trained.output if trained else None
    return ModelPredictions(source=Source(path=str(path)), model=model, seconds=seconds), log


def shows_texts(context: RunContext) -> bool:
    """Return whether inputs and outputs of items may be in the report and in files that are kept."""
    chosen = context.config.report.items
    return chosen == "text" or (chosen is None and not context.public)


def _make_scores(context: ScoresContext, steps: StepContext) -> tuple[stages.Stage | None, ScoreLog, dict[str, float]]:
    trained = predictions.run_train_step(context, steps)
    seconds = {"train": trained.seconds} if trained else {}
    predict, pattern = context.config.predict, context.config.log
    if predict.run is None:
        return trained, read_logs(_matches(steps.folder, pattern), steps.folder, context), seconds
    before = {path: stages.file_stamps(path) for path in _matches(steps.folder, pattern)}
    variables = {} if trained is None or trained.output is None else {"MLCI_MODEL": str(trained.output.absolute())}
    command = predictions.step_command(context, steps, predict, run=predict.run, name="predict")
    ran = context.runner.run(command.step(variables=variables, key="predict"))
    written = [path for path in _matches(steps.folder, pattern) if before.get(path) != stages.file_stamps(path)]
    if not written:
        raise StepError(f"{command.name} ended well but wrote no log: no new file matches `predict.log: {pattern}`")
    return trained, read_logs(written, steps.folder, context), {**seconds, "predict": ran.seconds}


def _matches(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a path or a glob, in the order of their names."""
    if Path(pattern).is_absolute() or not has_magic(pattern) or (folder / pattern).is_file():
        return [path] if (path := folder / pattern).is_file() else []
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if len(found) > _MOST_FILES:
        raise InputError(f"`{pattern}` matches {len(found):,} files, and {_MOST_FILES:,} are the most")
    return found


def read_logs(paths: Sequence[Path], folder: Path, context: ScoresContext) -> ScoreLog:
    """Read the logs of one run, of one task or several, with the texts of their items if the report shows them.

    Args:
        paths: The files.
        folder: Folder that messages name them from.
        context: Run context; with a key column the files are tables.
    """
    shown = [str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path) for path in paths]
    columns = _table_columns(context.config)
    texts = shows_texts(context)
    logs = [
        _read_log(path, name, texts=texts) if columns is None else read_table_log(path, name, columns)
        for path, name in zip(paths, shown, strict=True)
    ]
    return join_tasks(logs, shown)


def _table_columns(config: ScoresConfig) -> TableColumns | None:
    """Return the columns of a table of scores; ``None`` for the log of a tool."""
    evaluation = config.evaluation
    if evaluation.key is None:
        return None
    listed = [item.metric for item in evaluation.reported or ()]
    gated = [scorer_of(gate.metric) for gate in config.gates if not is_usage(gate.metric)]
    return TableColumns(key=evaluation.key, repeat=evaluation.repeat, scores=tuple(dict.fromkeys([*listed, *gated])))


def _read_log(path: Path, shown: str, *, texts: bool) -> ScoreLog:
    log = read_log(path, shown=shown)
    if not texts:
        return log
    found = _cut_texts(LogFile(path, shown), [item.id for item in log.items])
    return replace(log, items=tuple(replace(item, text=found.get(item.id)) for item in log.items))


def _cut_texts(file: LogFile, wanted: Sequence[ItemId]) -> dict[ItemId, ItemText | None]:
    """Return the texts of answers, cut to a bounded length; those of an archive are read some hundred at once."""
    form, size = find_format(file), _AT_ONCE if file.is_zip else len(wanted)
    parts = (set(wanted[start : start + size]) for start in range(0, len(wanted), size))
    return {item: _cut(text) for part in parts for item, text in form.read_texts(file, part).items()}


def _cut(text: ItemText | None) -> ItemText | None:
    """Return a text whose parts have a bounded length."""
    if text is None:
        return None

    def short(part: str | None) -> str | None:
        return part if part is None or len(part) <= _LONGEST_TEXT else f"{part[: _LONGEST_TEXT - 1]}…"

    return ItemText(
        input=short(text.input),
        output=short(text.output),
        target=short(text.target),
        explanations={name: str(short(one)) for name, one in text.explanations.items()},
    )


def baseline_scores(context: ScoresContext, view: RegistryView | None) -> BaselineScores | None:
    """Return the baseline's run; ``None`` without one."""
    if view is not None:
        return champion_scores(context, view)
    chosen = context.config.baseline
    if not isinstance(chosen, Baseline):
        return None
    if chosen.log is not None:
        return BaselineScores(log=_of_file(context, chosen.log))
    return _of_reference(context, str(chosen.ref))


def configured_logs(context: ScoresContext) -> tuple[ScoreLog, ScoreLog | None]:
    """Return the log that the configuration names, and the baseline's if it is a log, without running anything.

    Raises:
        InputError: if no file matches, or a log can't be read.
    """
    pattern, baseline = context.config.log, context.config.baseline
    paths = _matches(context.folder, pattern)
    if not paths:
        message = f"no file matches `{pattern}`; run the evaluation first, or name a log: `mlci plan LOG`"
        raise InputError(context.loaded.problem(message, "predict", "log"))
    named = baseline.log if isinstance(baseline, Baseline) else None
    return read_logs(paths, context.folder, context), None if named is None else _of_file(context, named)


def _of_file(context: ScoresContext, pattern: str) -> ScoreLog:
    paths, own = _matches(context.folder, pattern), context.config.log
    if not paths:
        raise InputError(context.loaded.problem(f"no file matches `{pattern}`", "baseline", "log"))
    if pattern == own:
        why = "the candidate would be compared with itself: `baseline.log` and `predict.log` are the same"
        raise InputError(context.loaded.problem(f"{why}; name the production system's log", "baseline", "log"))
    return read_logs(paths, context.folder, context)


def candidate_file(context: ScoresContext) -> None:
    """Check before anything runs that the log exists, unless a command writes it.

    Raises:
        InputError: if no file matches.
    """
    config = context.config
    if config.predict.run is None and config.train is None and not _matches(context.folder, config.log):
        message = f"no file matches `{config.log}`; write the log before this step, or let `predict.run` write it"
        raise InputError(context.loaded.problem(message, "predict", "log"))


def champion_scores(context: RunContext, view: RegistryView) -> BaselineScores | None:
    """Return the champion's run; ``None`` only if nothing was ever promoted."""
    champion = view.champion
    if champion is None:
        return None
    kept = champion.manifest.predictions
    if kept.file.name != f"predictions{Path(NAME).suffix}" or kept.fingerprint != ROWS:
        raise InputError(
            f"version {champion.number} has no scores of items, so this change can't be compared with it; promote a "
            "version from an evaluation log first, or judge this change by `baseline: {log: …}`"
        )
    path = context.scratch / "baseline" / NAME
    stored_files.fetch_file(view.store, kept.file, path, of=f"version {champion.number}")
    log = load_scores(path, shown=f"the scores of version {champion.number}")
    return BaselineScores(log=log, commit=champion.manifest.recipe.commit, version=champion.number)


def _of_reference(context: ScoresContext, ref: str) -> BaselineScores:
    """Make the scores in a worktree of the reference, or take them from the cache."""

    def make(worktree: Worktree, into: Path) -> dict[str, Any]:
        configured = has_baseline_model(context, worktree, ref)
        own, notes = own_steps(context, worktree, ref)
        if own.config.predict.log is None:
            refuse = InputError if configured else NoBaselineYetError
            raise refuse(f"the configuration at {ref} names no `predict.log`, so it has no scores; {WITHOUT_BASELINE}")
        keep_inside(own.config, worktree)
        with allow_first_change(configured=configured):
            _, log, seconds = _make_scores(own, baseline_steps(context, worktree))
        (into / NAME).write_bytes(dump_scores(log, texts=shows_texts(context)))
        return {"seconds": seconds, "notes": notes}

    made = made_from_ref(context, ref, evaluation=ROWS, make=make)
    log = load_scores(made.folder / NAME, shown=f"the scores at {ref}")
    return BaselineScores(log=log, commit=made.commit, notes=(*made.notes, *made.facts["notes"]))
