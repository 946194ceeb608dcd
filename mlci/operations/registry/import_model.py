"""``mlci promote --import``: import an existing model as version 1."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from mlci.config.models import Config, WithoutRows
from mlci.errors import InputError, StepError, UserCodeError
from mlci.git.refs import read_head
from mlci.governance.approvals import ApprovalCheck, ApprovalRefused
from mlci.inference.result import EvaluationResult
from mlci.operations import provenance
from mlci.operations.bundle import VerifiedBundle
from mlci.operations.context import RowsContext, RunContext, registry_of
from mlci.operations.models import baseline_ref_or_file
from mlci.operations.models.predictions import kept_model_path
from mlci.operations.provenance import Artifact
from mlci.operations.registry.promote import PromotionResult, append_version, find_approval
from mlci.operations.registry.reevaluate import reevaluate_bundle
from mlci.operations.report_builder import ReportContext, build_report
from mlci.registry.manifest import Bundle, Data, Environment, Predictions, model_digest
from mlci.registry.registry import Registry, RegistryView
from mlci.report.document import BaselineRef, Candidate, Report

MISSING = "missing"
"""Fingerprint for missing predictions."""


@dataclass(frozen=True, kw_only=True)
class ImportedModel:
    """A model that was made without mlci.

    Attributes:
        path: A file, or a folder with the model's files.
        source: Its name, as the user gave it.
        commit: Commit that it was trained from, if recorded.
        metrics: Metrics recorded at its source.
        facts: Other records of its source, as text.
    """

    path: Path
    source: str
    commit: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)


def import_model(
    context: RunContext,
    model: ImportedModel,
    *,
    environment: Environment,
    note: str | None,
    save: Callable[[Report], str],
    approve: ApprovalCheck | None = None,
) -> PromotionResult:
    """Score a model by the checkout's predict step, judge it without a baseline, and make it version 1.

    Gates do not block it, because it is in production already; its verdict is in the report.

    Args:
        context: Run context with registry and author.
        model: The model.
        environment: Environment of mlci.
        note: Note to record with the version.
        save: Writes a report; returns its text.
        approve: Finds the approval of the checkout's commit; ``None`` if none is required.

    Raises:
        InputError: if the registry has a version already, or the configuration can't score the model.
        OutsideError: if the registry can't be reached.
    """
    registry = registry_of(context)
    view = registry.view()
    if view.state.versions:
        raise InputError(
            f"{view.shown} has {view.state.versions} versions already; `--import` makes version 1 only. "
            "Evaluate the model as a candidate: `mlci run`, then `mlci promote`"
        )
    config = context.config
    if isinstance(config, WithoutRows):
        raise InputError(f"`--import` needs an evaluation set: {config.source[0]} has no model to import")
    bundle = _bundle(context, model, environment=environment)
    approval = find_approval(approve, bundle)
    if isinstance(approval, ApprovalRefused):
        return PromotionResult(report=bundle.report, refused=approval.why)
    bundle, missing = _scored(context.with_config(config), bundle, view, save=save)
    more = {**bundle.content.more, **({"predictions": f"missing: {missing}"} if missing else {})}
    bundle = replace(bundle, content=bundle.content.model_copy(update={"more": more}))
    done = append_version(registry, view, bundle, note or f"imported from {model.source}", approval=approval)
    return replace(done, notes=_notes(model, missing))


def _notes(model: ImportedModel, missing: str | None) -> tuple[str, ...]:
    found = [f"imported from {model.source}; its training is unknown, so it can't be reproduced"]
    if missing:
        found.append(f"its predictions are missing, so nothing can be judged against it yet: {missing}")
    return tuple(found)


def _bundle(context: RunContext, model: ImportedModel, *, environment: Environment) -> VerifiedBundle:
    """Return the model as a bundle without predictions."""
    files, is_folder = _files(context.config, model)
    collected = provenance.collect_provenance(
        context.loaded, context.git, environment, head=read_head(context.git), digests=None
    )
    empty = context.scratch / "no-predictions.csv"
    empty.write_bytes(b"")
    nothing = provenance.digest_file(empty, "predictions.csv")
    digest = model_digest(tuple(part.file for part in files), folder=is_folder)
    candidate = Candidate(commit=model.commit, model=f"sha256:{digest}")
    facts = replace(context.facts, candidate=candidate, baseline=BaselineRef(source="production"))
    report = _unjudged(context.config, facts)
    text = context.scratch / "unjudged.json"
    text.write_text(report.model_dump_json(by_alias=True), encoding="utf-8")
    kept_report = provenance.digest_file(text, "report.json")
    recipe = collected.recipe.model_copy(update={"train": None, "folder": is_folder})
    content = Bundle(
        model=context.config.model,
        files=tuple(part.file for part in files),
        predictions=Predictions(fingerprint=MISSING, file=nothing.file),
        report=kept_report.file,
        recipe=recipe,
        environment=collected.environment,
        data=Data(fingerprint=MISSING, rows=0),
        metrics=model.metrics,
        more={"imported": {"source": model.source, "trained_from": model.commit, **model.facts}},
    )
    parts = (*files, nothing, kept_report, collected.config, *collected.locks)
    return VerifiedBundle(content=content, report=report, paths={part.file.digest: part.path for part in parts})


def _unjudged(config: Config, facts: ReportContext) -> Report:
    """Return the report of a model without predictions."""
    policy = config.policy
    result = EvaluationResult(
        task=config.task,
        rows=None,
        fingerprint=None,
        has_baseline=False,
        confidence=config.judged_confidence,
        seed=policy.seed,
        comparisons=(),
    )
    return build_report(result, (), facts)


def _files(config: Config, model: ImportedModel) -> tuple[list[Artifact], bool]:
    """Return the model's files, and if they are a folder; if a folder contains the configured file, only that one."""
    path, named = model.path, kept_model_path(config)
    if named is None:
        raise InputError("`--import` needs a model that mlci can score: name it by `train.model` or `predict.model`")
    name = PurePosixPath(named).name
    if path.is_dir():
        inside = [one for one in sorted(path.rglob("*")) if one.is_file()]
        same = [one for one in inside if one.name == name]
        if len(same) == 1:
            return [provenance.digest_file(same[0], name)], False
        if not inside:
            raise InputError(f"{model.source} contains no file, so nothing can be imported")
        return [provenance.digest_file(one, one.relative_to(path).as_posix()) for one in inside], True
    if not path.is_file():
        raise InputError(f"{model.source} is neither a file nor a folder, so nothing can be imported")
    return [provenance.digest_file(path, name)], False


def _scored(
    context: RowsContext, bundle: VerifiedBundle, view: RegistryView, *, save: Callable[[Report], str]
) -> tuple[VerifiedBundle, str | None]:
    """Score and judge the model; return why its predictions are missing if that fails."""
    rows = baseline_ref_or_file.rows_fingerprint(context)
    reading = replace(context, registry=Registry(view.store))  # an import is not a use of the evaluation set
    try:
        judged = reevaluate_bundle(reading, bundle, view, rows=rows, save=save)
    except UserCodeError as error:
        save(bundle.report)
        return bundle, f"in a workflow `mlci promote` runs no user code, and {error}; the next `mlci run` scores it"
    except (InputError, StepError) as error:
        save(bundle.report)
        return bundle, str(error).splitlines()[0]
    return judged, None
