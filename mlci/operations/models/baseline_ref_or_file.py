"""Baselines from a file or a git reference."""

import contextlib
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from mlci.config.loader import LoadedConfig, load_unchecked
from mlci.config.models import Baseline, Config, Predict
from mlci.engine.interface import Source
from mlci.engine.tables.table_path import table_path
from mlci.errors import InputError, StepError, StepTimeoutError
from mlci.git.baseline_cache import BaselineCache
from mlci.git.git import former_path
from mlci.git.ref_baseline import WITHOUT_BASELINE, Make, NoBaselineYetError, RefBaseline, make_baseline
from mlci.git.refs import ResolvedRef, is_branch, resolve_ref, unborn_branch
from mlci.git.worktree import Worktree
from mlci.lineage.rows import Fingerprint, is_recorded, spellings
from mlci.operations import evaluation_sets, lineage
from mlci.operations.context import C, ContextOf, RowsContext, RunContext, resolve_path
from mlci.operations.models import file_guards, predictions
from mlci.operations.models.model_predictions import ModelPredictions, OwnRows
from mlci.operations.models.predictions import StepContext
from mlci.util.digests import canonical_json, sha256_of

_ORDER = " in the order of "
_LARGEST_CONFIG = 1 << 20  # bytes


def baseline_predictions(context: RowsContext) -> ModelPredictions | None:
    """Return the predictions of a file or a reference; ``None`` for every other baseline."""
    return baseline_from_file(context) or baseline_from_ref(context)


def baseline_from_file(context: RowsContext) -> ModelPredictions | None:
    """Return the baseline's predictions in a file; ``None`` for every other baseline."""
    chosen, predict = context.config.baseline, context.config.predict
    if not isinstance(chosen, Baseline) or chosen.file is None:
        return None
    source = source_of_file(chosen, chosen.file, predict, context.folder)
    is_same = replace(Source.of(source.path, predict), threshold=chosen.threshold) == source
    if predict.file is not None and is_same and chosen.threshold in {None, predict.threshold}:
        refuse_itself(context.loaded, source.path, resolve_path(predict.file, context.folder), "columns of one file")
    return ModelPredictions(source=source, label=chosen.file)


@dataclass(frozen=True, kw_only=True)
class PinnedBaseline:
    """The commit of a reference and the cache, as they were before any of the candidate's steps ran."""

    resolved: ResolvedRef
    cache: BaselineCache | None


def pin_baseline(context: RunContext) -> PinnedBaseline | None:
    """Resolve the commit of a reference, and pin the cache's digests; ``None`` for every other baseline.

    Raises:
        NoBaselineYetError: if the repository has no commit yet.
    """
    chosen = context.config.baseline
    if not isinstance(chosen, Baseline) or chosen.ref is None:
        return None
    return PinnedBaseline(
        resolved=_resolve(context, chosen.ref), cache=context.cache.pinned() if context.cache else None
    )


def _resolve(context: RunContext, ref: str) -> ResolvedRef:
    if unborn_branch(context.git) == ref:
        raise NoBaselineYetError("the repository has no commit yet")
    return resolve_ref(context.git, ref)


def source_of_file(chosen: Baseline, file: str, predict: Predict, folder: Path) -> Source:
    """Return a baseline's file with its columns; those of the candidate if it names none."""
    source = Source.of(resolve_path(file, folder), predict if chosen.inherits_columns else chosen)
    path = table_path(str(source.path), table=chosen.table, columns=source.names)
    return replace(source, path=path, threshold=chosen.threshold)


def baseline_on_own_rows(context: RowsContext, baseline: ModelPredictions) -> ModelPredictions:
    """Return the predictions of a file, restricted to the rows that training just made if those differ.

    Without a key, the numbers of rows and predictions have to be equal.
    """
    evaluation = context.config.evaluation
    if evaluation.key is None or context.rows is None:
        return baseline
    paths = (context.data, baseline.source.path)
    mine, theirs = (context.rows(path, evaluation.key, None, in_order=True) for path in paths)
    if mine is None or theirs is None or set(mine.keys.tolist()) == set(theirs.keys.tolist()):
        return baseline
    return replace(baseline, own=OwnRows(rows=theirs, of=str(baseline.label), in_order=True))


def config_digest(loaded: LoadedConfig) -> str:
    """Return a digest of the settings that predictions depend on, for the cache.

    The file's name is part of it: the baseline's commit has its own configuration under that name.
    """
    config, evaluation = loaded.config, loaded.config.evaluation
    parts = {
        "name": Path(loaded.path).name,
        "task": config.task,
        "train": config.train.model_dump(mode="json") if config.train else None,
        "predict": config.predict.model_dump(mode="json"),
        "columns": [evaluation.key, evaluation.label, evaluation.positive] if evaluation else None,
        "seed": config.policy.seed,
        **({"model": True} if config.tests is not None else {}),  # kept for them
    }
    return sha256_of(canonical_json(parts))


def own_steps(context: ContextOf[C], worktree: Worktree, ref: str) -> tuple[ContextOf[C], list[str]]:
    """Return the run with the train and predict steps of the worktree's commit, or the candidate's with a note.

    Raises:
        InputError: if the configuration's folder is not at that commit, or it was moved from another folder.
    """
    name, former = Path(context.loaded.path).name, _former_config(context, worktree, ref)
    path = worktree.holds(name)
    if path is None and former is not None:
        path = worktree.holds(PurePosixPath(former).name)
    instead = "so the baseline was made by the candidate's `train` and `predict`"
    if path is None:
        return context, [f"baseline: its commit has no {name}, {instead}"]
    try:
        own = load_unchecked(path).config
    except InputError:
        return context, [f"baseline: {name} of its commit can't be read by this version of mlci, {instead}"]
    notes = [] if path.name == name else [f"baseline: its configuration is {path.name}, which was renamed to {name}"]
    # Rows, label, key and the positive class are the candidate's: both models are judged on the same rows.
    steps = {"train": own.train, "predict": own.predict}
    return context.with_config(context.config.model_copy(update=steps)), notes


def has_baseline_model(context: RunContext, worktree: Worktree, ref: str) -> bool:
    """Check if the reference may have a baseline: it has a configuration of this model, or it is not a branch.

    A configuration counts under its own name, under the one it was renamed from, as ``mlci.yml``, or anywhere with this
    ``model``. A tag or a commit never gets one, so waiting for one would be in vain. Call it before any step runs.
    """
    names = (Path(context.loaded.path).name, "mlci.yml")
    if any(map(worktree.holds, names)) or not is_branch(context.git, ref):
        return True
    return _names_model(worktree, context.config.model) or _former_config(context, worktree, ref) is not None


def _names_model(worktree: Worktree, model: str) -> bool:
    """Check if a YAML file of the commit has ``model`` with this name."""
    line = re.compile(rf"""^["']?model["']?\s*:\s*["']?{re.escape(model)}["']?\s*(#.*)?$""", re.MULTILINE)
    paths = (path for path in worktree.root.rglob("*.y*ml") if path.is_file() and not path.is_symlink())
    small = (path for path in paths if path.stat().st_size <= _LARGEST_CONFIG)
    return any(line.search(path.read_text(encoding="utf-8", errors="replace")) for path in small)


@contextlib.contextmanager
def allow_first_change(*, configured: bool) -> Iterator[None]:
    """Report steps that fail or leave no output at a commit without a configuration as "no baseline yet".

    The change that adds the configuration often adds the lines that write predictions, too. A time-out stays an error:
    the commit might have made predictions.

    Args:
        configured: Whether the reference may have a baseline, see :func:`has_baseline_model`.

    Raises:
        NoBaselineYetError: if a step failed, or left no output, and the reference can't have a baseline yet.
    """
    try:
        yield
    except StepTimeoutError:
        raise
    except StepError as error:
        if configured:
            raise
        raise NoBaselineYetError(str(error)) from error


def note_first_change(context: RunContext, error: NoBaselineYetError) -> tuple[str, ...]:
    """Say why no baseline exists yet, and return the note for the report."""
    chosen = context.config.baseline
    ref = chosen.ref if isinstance(chosen, Baseline) else None
    context.say(f"no baseline yet: {error}")
    name = Path(context.loaded.path).name
    return (f"no baseline yet: {ref} has no {name} of this model, and nothing there to compare with",)


def _former_config(context: ContextOf[C], worktree: Worktree, ref: str) -> str | None:
    """Return the path of the configuration at the baseline's commit, if it was renamed inside of its folder since.

    Raises:
        NoBaselineYetError: if the commit has neither the configuration's folder nor this model, and is a branch's.
        InputError: if the configuration was moved from another folder.
    """
    path = Path(context.loaded.path)
    if worktree.holds(path.name) is not None:
        return None
    former = former_path(context.git, worktree.commit, path)
    place = worktree.folder.relative_to(worktree.root)
    if worktree.has_folder and (former is None or PurePosixPath(former).parent == PurePosixPath(place)):
        return former
    absent, was = (place / path.name, former) if worktree.has_folder else (place, None)
    was = was or former_path(context.git, worktree.commit, path.parent)
    was = was or (former and str(PurePosixPath(former).parent))
    if not was and is_branch(context.git, ref) and not _names_model(worktree, context.config.model):
        raise NoBaselineYetError(f"{absent} is not at {ref}, and no file there has `model: {context.config.model}`")
    rename = f" (a rename of {was}?)" if was else ""
    why = f"{absent} is not at {ref}{rename}, so the baseline can't be made;"
    raise InputError(context.loaded.problem(f"{why} {WITHOUT_BASELINE}", "baseline"))


def baseline_steps(context: RunContext, worktree: Worktree) -> StepContext:
    """Return the context of the baseline's steps in a worktree of its commit."""
    return StepContext(
        folder=worktree.folder,
        scratch=context.scratch / "baseline-step",
        name="baseline ",
        environment=worktree.environment,
    )


def keep_inside(config: Config, worktree: Worktree) -> None:
    """Refuse paths that lead out of the baseline's commit, because they may lead to the candidate's own files.

    Raises:
        InputError: if there are such paths; the message names all of them.
    """
    named = {
        "train.model": config.train.model if config.train else None,
        **{f"predict.{key}": getattr(config.predict, key) for key in ("file", "model", "metrics", "log")},
    }
    root = worktree.root.resolve()
    outside = [
        f"`{key}: {path}` leads outside of the baseline's commit, perhaps to the candidate's own; "
        "give a path inside of the repository"
        for key, path in named.items()
        if path is not None and not Path(resolve_path(path, worktree.folder)).resolve().is_relative_to(root)
    ]
    if outside:
        raise InputError(*outside)


def refuse_itself(loaded: LoadedConfig, baseline: str, candidate: str, what: str) -> None:
    """Refuse a baseline that is the candidate's own file under another name: a link, a detour, an absolute path.

    Raises:
        InputError: if both are the same file.
    """
    one, other = Path(baseline), Path(candidate)
    if baseline == candidate or (one.exists() and other.exists() and one.samefile(other)):
        why = f"the candidate would be compared with itself: `baseline.file` and `predict` name the same {what}"
        raise InputError(loaded.problem(f"{why}; name the production model's", "baseline"))


def baseline_from_ref(context: RowsContext, *, pinned: PinnedBaseline | None = None) -> ModelPredictions | None:
    """Make the baseline in a worktree of its commit, or take it from the cache; ``None`` without a reference.

    Args:
        context: Run context.
        pinned: Commit and cache from before the candidate's training, if that training made the evaluation set.

    Raises:
        NoBaselineYetError: if the commit is from before the repository had a configuration, and can't make predictions.
    """
    chosen = context.config.baseline
    if not isinstance(chosen, Baseline) or chosen.ref is None:
        return None
    ref = chosen.ref
    context.say(f"baseline: {ref}")
    fingerprint = context.fingerprint(context.data)

    def make(worktree: Worktree, into: Path) -> dict[str, Any]:
        return _make_predictions(
            context, worktree, into, ref=ref, fingerprint=fingerprint, by_training=pinned is not None
        )

    rows = same_rows(context.config, fingerprint, context.data)
    ref_baseline = made_from_ref(context, ref, evaluation=rows, make=make, pinned=pinned)
    facts = ref_baseline.facts
    columns = {key: facts[key] for key in ("score", "decision", "threshold")}
    pairs = tuple((facts.get("probabilities") or {}).items())
    path = table_path(str(ref_baseline.folder / facts["file"]), table=facts.get("table"))
    source = Source(path=path, **columns, probabilities=pairs)
    seconds = {} if ref_baseline.cached else {"baseline": sum(facts["seconds"].values())}
    notes = (*ref_baseline.notes, *facts["notes"])
    return ModelPredictions(
        source=source,
        costs=facts["costs"],
        seconds=seconds,
        notes=notes,
        commit=ref_baseline.commit,
        label=ref,
        made_on=None if facts.get("own") else fingerprint,
        model=ref_baseline.folder / facts["model"] if facts.get("model") else None,
        past=lineage.read_origin(ref_baseline.folder),
        own=evaluation_sets.read_own_rows(ref_baseline.folder, of=ref, in_order=bool(facts.get("own_order")))
        if facts.get("own")
        else None,
    )


def rows_fingerprint(context: RowsContext) -> str:
    """Return the identifier of the rows that predictions belong to: their content, and without a key their order."""
    return same_rows(context.config, context.fingerprint(context.data), context.data)


def same_rows(config: Config, fingerprint: str | None, data: str) -> str:
    """Return the identifier of rows with a known fingerprint."""
    fingerprint = fingerprint if isinstance(fingerprint, Fingerprint) else Fingerprint(str(fingerprint))
    if config.evaluation is not None and config.evaluation.key is not None:
        return fingerprint
    # Data at an address can't be digested without another download, so its predictions are never taken from the cache.
    return fingerprint.with_suffix(f"{_ORDER}{file_guards.digest_contents(data) or uuid.uuid4()}")


def is_same_set(context: RowsContext, stored: str, rows: str) -> bool:
    """Check if stored predictions belong to the current rows.

    Older versions identified rows without a key also by the path of their file as it was written; such an entry matches
    if any spelling of the current path gives it.
    """
    fingerprint, ordered, order = stored.partition(_ORDER)
    fingerprints = {spelling.partition(_ORDER)[0] for spelling in spellings(rows)}
    if is_recorded(stored, rows) or not ordered or fingerprint not in fingerprints:
        return is_recorded(stored, rows)
    path, folder = Path(context.data).absolute(), context.folder.absolute()
    bases = [Path.cwd(), folder, *folder.parents]
    spelled = {context.data, str(path), *(str(path.relative_to(base)) for base in bases if path.is_relative_to(base))}
    return order in {file_guards.contents_by_path(context.data, spelling) for spelling in spelled}


def made_from_ref(
    context: RunContext, ref: str, *, evaluation: str, make: Make, pinned: PinnedBaseline | None = None
) -> RefBaseline:
    """Return the files that ``make`` writes in a worktree of the reference, or their cached copies."""
    into = context.scratch / "baseline"
    shutil.rmtree(into, ignore_errors=True)
    with file_guards.guard_candidate_files(context):
        return make_baseline(
            context.git,
            _resolve(context, ref) if pinned is None else pinned.resolved,
            make,
            into=into,
            config=config_digest(context.loaded),
            evaluation=evaluation,
            version=context.version,
            cache=context.cache if pinned is None else pinned.cache,
        )


def _make_predictions(
    context: RowsContext, worktree: Worktree, into: Path, *, ref: str, fingerprint: str, by_training: bool
) -> dict[str, Any]:
    """Train and predict in the worktree, copy the predictions, and return their facts for the cache."""
    configured = has_baseline_model(context, worktree, ref)
    own, notes = own_steps(context, worktree, ref)
    keep_inside(own.config, worktree)
    lineage.record_origin(context, worktree, into, now=fingerprint)
    own_set = evaluation_sets.find_own_set(context.loaded, worktree)
    with allow_first_change(configured=configured):
        baseline = predictions.make_predictions(own, baseline_steps(context, worktree), data=context.data)
    keep_inside(own.config, worktree)  # its steps may have made links
    if own_set is not None and not own_set.committed:
        lineage.add_evaluation(context, worktree, into, now=fingerprint)
    in_order = own.config.predict.file is not None
    differs = evaluation_sets.keep_own_digests(context, own_set, into, by_training=by_training, in_order=in_order)
    source = Path(baseline.source.path)
    if not source.is_file():
        refuse = InputError if configured else NoBaselineYetError
        raise refuse(
            f"the baseline's {source.name} is not in its commit; let its steps write it, or, if this change is the "
            f"first that does, {WITHOUT_BASELINE}"
        )
    target = into / f"predictions{''.join(source.suffixes)}"
    shutil.copyfile(source, target)
    return {
        "file": target.name,
        "model": None if context.config.tests is None else _keep_model(baseline.model, into / "model"),
        **baseline.source.columns,
        "notes": [*notes, *(f"baseline: {note}" for note in baseline.notes)],
        "costs": dict(baseline.costs),
        "seconds": dict(baseline.seconds),
        "own": differs,
        "own_order": differs and in_order,
    }


def _keep_model(model: Path | None, folder: Path) -> str | None:
    """Copy a model, for tests that run it; return its path in the parent of ``folder``, ``None`` without one."""
    if model is None or not model.exists():
        return None
    target = folder / model.name
    folder.mkdir(parents=True)
    if model.is_dir():
        shutil.copytree(model, target, symlinks=True)
    else:
        shutil.copyfile(model, target)
    return str(target.relative_to(folder.parent))
