"""``mlci run``: both models' predictions, their statistics, the gates, the report."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mlci.baseline.head import head
from mlci.config.load import Loaded
from mlci.config.models import Config
from mlci.engine.interface import Job, Source
from mlci.errors import InputError, Problem
from mlci.gates.judge import judge
from mlci.gates.rules import Judged
from mlci.inference.evaluate import evaluate
from mlci.inference.evaluation import EvaluationResult
from mlci.inference.retraining import UNKNOWN, Noise
from mlci.registry import ledger
from mlci.registry.ledger import Tail
from mlci.registry.manifest import Environment
from mlci.report.document import Report, SharedRows
from mlci.usecases import (
    alone,
    baselines,
    by_training,
    champion_numbers,
    held,
    metrics_only,
    names,
    own_metrics,
    plan,
    production,
    shared_rows,
    sides,
    unchanged,
    undecided,
    uses,
)
from mlci.usecases import noise as luck
from mlci.usecases.compared import Compared
from mlci.usecases.costs import scaled, with_costs
from mlci.usecases.document import Facts, document
from mlci.usecases.explained import explained, explains
from mlci.usecases.held import Held
from mlci.usecases.makings import Makings
from mlci.usecases.metrics_only import Numbers
from mlci.usecases.origins import origins
from mlci.usecases.paths import located
from mlci.usecases.sides import PER_ROWS, OwnRows, Place, Side
from mlci.usecases.tools import Tools, registry
from mlci.usecases.uses import Use

NOWHERE = Source(path="")
"""Stands for predictions that nothing made."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A report, and what it is about.

    Attributes:
        report: The report.
        compared: What was compared.
        use: The look at the evaluation set that this was, where it is to be recorded.
        makings: How the candidate was made, where the environment is known.
    """

    report: Report
    compared: Compared
    use: Use | None = None
    makings: Makings | None = None


def run(
    loaded: Loaded,
    tools: Tools,
    *,
    folder: Path,
    facts: Facts,
    keep: bool = False,
    environment: Environment | None = None,
    since: str | None = None,
) -> Ran:
    """Train, predict, compare and judge.

    Args:
        loaded: The configuration, checked.
        tools: Effects.
        folder: Folder of the configuration.
        facts: What the command line knows about this run; origins of the models are filled in here.
        keep: Whether to take the digests of what is judged.
        environment: What the run runs on; with it, the report says what changed since the baseline was made.
        since: Commit that the change is to be merged into; a change that no model is made from is not trained.
    """
    if loaded.config.predict.metrics is not None:
        compared, gates = _run_on_metrics(loaded, tools, folder=folder, facts=facts, keep=keep, since=since)
    else:
        compared = compare(loaded, tools, folder=folder, facts=facts, keep=keep, since=since)
        spread = luck.noise(loaded.config, tools.registry, compared.end, against=compared.against, rows=compared.rows)
        gates = verdicts(loaded.config, compared.result, spread)
    use = uses.of(loaded.config, compared.result.fingerprint, compared.held, tools)
    told, made = explained(loaded, tools, compared, environment, folder=folder, keep=keep)
    known = told.facts if use is None else replace(told.facts, uses=use.count)
    return Ran(report=document(told.result, gates, known), compared=compared, use=use, makings=made)


def compare(
    loaded: Loaded, tools: Tools, *, folder: Path, facts: Facts, keep: bool = False, since: str | None = None
) -> Compared:
    """Make both models' predictions and evaluate them; judge nothing.

    With ``since``, a change of files that no model is made from is not trained: see :mod:`mlci.usecases.unchanged`.
    """
    data = located(_data(loaded.config), folder)
    base = unchanged.unchanged_since(loaded, tools, since) if since else None
    if base is not None and unchanged.same_as_reference(loaded, tools, folder=folder):
        return _compare_nothing(loaded, tools, facts, base)
    if base is not None and (recorded := _as_recorded(loaded, tools, facts, base, data=data)) is not None:
        return recorded
    own_metrics.present(loaded, tools)
    sides.check_model(loaded.config, folder)
    current = head(tools.git)  # the candidate's steps may write to files that git tracks
    survey = partial(names.survey_before_steps, loaded, tools, data=data, folder=folder)
    surveyed = survey()
    end = production.end(loaded.config, tools)
    if by_training.is_expected(loaded.config, tools, data):
        pair = _candidate_first(loaded, tools, end, folder=folder, data=data, survey=survey)
    else:
        pair = _baseline_first(
            loaded, tools, end, folder=folder, data=data, base=base, survey=None if surveyed else survey
        )
    candidate, baseline, made = pair.candidate, pair.baseline, pair.made_by_training
    bytes_held = _held(loaded.config, candidate, tools, keep=keep)
    with names.at_their_lines(loaded):
        measured = judged(loaded.config, candidate, baseline, tools, data=data)
    names.refuse_unknown(loaded, measured.result)
    known = replace(facts, made_by_training=made, shared=measured.shared)
    result = measured.result
    result = replace(result, notes=(*result.notes, by_training.MADE)) if made else result
    return Compared(
        result=replace(result, unchanged_since=pair.unchanged_since),
        facts=origins(
            known, loaded.config, candidate, baseline, seconds=measured.seconds, head=current, held=bytes_held
        ),
        candidate=candidate,
        rows=baselines.same_rows(loaded.config, result.fingerprint, data),
        head=current,
        held=bytes_held,
        end=end,
        against=baseline.version if baseline else None,
        past=baseline.past if baseline else None,
        scored=baseline.scored if baseline else None,
    )


def _compare_nothing(loaded: Loaded, tools: Tools, facts: Facts, base: str) -> Compared:
    """Return a comparison without numbers, where a model would have to be trained to have any."""
    tools.say(f"nothing relevant changed since {base[:7]}: nothing is trained")
    result = unchanged.result_without_rows(loaded.config, base)
    return _untrained(loaded, tools, facts, result, Side(source=NOWHERE, commit=base))


def _as_recorded(loaded: Loaded, tools: Tools, facts: Facts, base: str, *, data: str) -> Compared | None:
    """Return the champion's recorded numbers, if training would make its model and evaluation set again."""
    if loaded.config.baseline != "production" or not by_training.is_expected(loaded.config, tools, data):
        return None
    end = ledger.tail(registry(tools))
    found = unchanged.recorded_champion(loaded, tools, end, data=data)
    if found is None:
        return None
    champion, report = found
    tools.say(f"nothing relevant changed since {base[:7]}: nothing is trained, version {champion.number} has numbers")
    result = champion_numbers.recorded_result(loaded.config, report, version=champion.number, base=base)
    baseline = Side(source=NOWHERE, commit=champion.manifest.recipe.commit, version=champion.number)
    return replace(_untrained(loaded, tools, facts, result, baseline), end=end, against=champion.number)


def _untrained(loaded: Loaded, tools: Tools, facts: Facts, result: EvaluationResult, baseline: Side) -> Compared:
    """Return a comparison for which neither a model nor a row was looked at."""
    current, candidate = head(tools.git), Side(source=NOWHERE)
    return Compared(
        result=result,
        facts=origins(facts, loaded.config, candidate, baseline, seconds={}, head=current, held=None),
        candidate=candidate,
        rows="",
        head=current,
        has_rows=False,
    )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both models' predictions.

    Attributes:
        candidate, baseline: The two models.
        made_by_training: Whether the candidate's training made the evaluation set.
        unchanged_since: Commit since which no file that the model is made from changed, if nothing was trained.
    """

    candidate: Side
    baseline: Side | None
    made_by_training: bool = False
    unchanged_since: str | None = None


def _baseline_first(
    loaded: Loaded,
    tools: Tools,
    end: Tail | None,
    *,
    folder: Path,
    data: str,
    base: str | None,
    survey: Callable[[], object] | None,
) -> Pair:
    """Make both models' predictions: the baseline's before anything of the candidate's could touch it."""
    baseline = (
        baselines.baseline(loaded, tools, folder=folder, data=data)
        if end is None
        else production.baseline(loaded, tools, end, data=data)
    )
    same = None
    if base is not None and baseline is not None and baseline.own is None:
        same = unchanged.same_as_champion(loaded, tools, baseline, data=data)
        same = same or unchanged.same_as_file(loaded, tools, baseline, data=data)
    if same is not None:
        tools.say(f"nothing relevant changed since {str(base)[:7]}: the baseline's predictions are the candidate's")
        return Pair(candidate=same, baseline=baseline, unchanged_since=base)
    with alone.left_alone(loaded, baseline, tools, data) as rows:
        place = Place(folder=folder, scratch=tools.scratch / "step")
        candidate = sides.make(loaded.config, place, tools, data=data, after_training=survey)
    if rows.written:
        by_training.remember(tools, data)
    return Pair(candidate=candidate, baseline=baseline, made_by_training=rows.written)


def _candidate_first(
    loaded: Loaded, tools: Tools, end: Tail | None, *, folder: Path, data: str, survey: Callable[[], object]
) -> Pair:
    """Make both models' predictions where the candidate's training makes the evaluation set that both are judged on.

    What decides which model is the baseline is read before: the ledger's head, the commit of a reference, the digests
    of the cache.
    """
    pinned = baselines.pin(loaded, tools)
    baseline = baselines.of_file(loaded, folder=folder)
    place = Place(folder=folder, scratch=tools.scratch / "step")
    with alone.left_alone(loaded, baseline, tools, data, rows_may_change=True):
        makes = by_training.has_to_write(loaded.config)
        candidate = sides.make(loaded.config, place, tools, data=data, makes=makes, after_training=survey)
    by_training.remember(tools, data)
    if baseline is not None:
        baseline = baselines.on_own_rows(loaded, tools, baseline, data=data)
    elif end is not None:
        baseline = production.baseline(loaded, tools, end, data=data, by_training=True)
    elif pinned is not None:
        baseline = baselines.of_ref(loaded, tools, data=data, pinned=pinned)
    return Pair(candidate=candidate, baseline=baseline, made_by_training=True)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Both models' statistics, the wall time of each stage, and the rows they share if their sets differ."""

    result: EvaluationResult
    seconds: dict[str, float]
    shared: SharedRows | None = None


def judged(config: Config, candidate: Side, baseline: Side | None, tools: Tools, *, data: str) -> Measured:
    """Measure both models; errors about files of ours, which are gone after the run, name what wrote them."""
    if baseline is not None and baseline.own is not None:
        return _on_shared_rows(config, candidate, baseline, baseline.own, tools, data=data)
    try:
        with production.fitting(config, tools, baseline, data):
            result, seconds = measure(config, candidate, baseline, tools, data=data)
    except InputError as error:
        raise InputError.of(_placed(problem, tools.scratch) for problem in error.problems) from error
    production.unmoved(baseline, result.fingerprint)
    return Measured(result=result, seconds=seconds)


def _on_shared_rows(
    config: Config, candidate: Side, baseline: Side, own: OwnRows, tools: Tools, *, data: str
) -> Measured:
    """Measure both models on the rows of both evaluation sets; the candidate's set gives the fingerprint."""
    try:
        asked = job(config, candidate.source, baseline.source, data=data)
        asked, shared = shared_rows.restrict(config, tools, asked, own)
        one = replace(candidate, source=asked.candidate)
        other = replace(baseline, source=asked.baseline or baseline.source)
        result, seconds = measure(config, one, other, tools, data=asked.data)
    except InputError as error:
        raise InputError.of(_placed(problem, tools.scratch) for problem in error.problems) from error
    notes = (*result.notes, shared_rows.note(shared, own))
    return Measured(
        result=replace(result, fingerprint=tools.fingerprint(data), notes=notes), seconds=seconds, shared=shared
    )


def verdicts(config: Config, result: EvaluationResult, noise: Noise = UNKNOWN) -> tuple[Judged, ...]:
    """Judge the gates of a configuration against an evaluation."""
    if result.measured_nothing:
        return ()
    smallest = plan.question(config, baseline=True).min_group_size
    return judge(plan.rules(config), result, min_group_size=smallest, noise=noise)


def measure(
    config: Config, candidate: Side, baseline: Side | None, tools: Tools, *, data: str
) -> tuple[EvaluationResult, dict[str, float]]:
    """Reduce the tables and estimate everything asked; also return the wall time of each stage."""
    begun = tools.clock()
    asked = job(config, candidate.source, baseline.source if baseline else None, data=data)
    slow = ", ".join(metric.name for metric in asked.row_metrics)
    many = f": {slow} by {asked.replicates:,} resamples of every group, which takes a while" if slow else ""
    tools.say(f"evaluate{many}")
    observed = tools.engine.observe(asked)
    notes = (*candidate.notes, *(baseline.notes if baseline else ()), *observed.notes)
    question = plan.question(config, baseline=baseline is not None)
    if observed.undecided:
        custom = frozenset(metric.name for metric in asked.row_metrics if metric.on == "decision")
        decides = undecided.Decides(custom)
        decides.refuse_gates(config, observed.undecided, candidate.source.path)
        question, notes = decides.leave_out(question), (*notes, undecided.note(observed.undecided))
    result = evaluate(observed.statistics, question, fingerprint=observed.fingerprint, notes=notes)
    if observed.undecided:
        result = replace(result, agreement=None)
    before = costs_of(baseline, rows=observed.rows) if baseline else {}
    now = costs_of(candidate, rows=observed.rows)
    result = with_costs(result, plan.operations(config), now, before)
    seconds = {**candidate.seconds, **(baseline.seconds if baseline else {}), "evaluate": tools.clock() - begun}
    return result, seconds


def costs_of(side: Side, *, rows: int) -> dict[str, float]:
    """Return what a model costs, times of prediction for a thousand rows."""
    return scaled(side.costs, measured_for=PER_ROWS, rows=side.measured_for or rows)


def job(config: Config, candidate: Source, baseline: Source | None, *, data: str) -> Job:
    """Return what the engine has to do for a configuration."""
    evaluation = config.evaluation
    if evaluation is None:
        raise ValueError("checked by the configuration")
    needs = plan.needs(config)
    return Job(
        task=config.task,
        data=data,
        key=evaluation.key,
        label=evaluation.label,
        positive=evaluation.positive,
        classes=evaluation.classes,
        threshold=config.predict.threshold,
        assumed_threshold="threshold" not in config.predict.model_fields_set,
        slices=plan.slices(config),
        candidate=candidate,
        baseline=baseline,
        decisions=config.task != "regression",
        scores=needs.scores,
        calibration=needs.calibration,
        losses=needs.losses,
        probabilities=needs.probabilities,
        zero_labels="refused" if plan.divides_by_label(config) else "left out",
        row_metrics=needs.custom,
        row_timeout=float(evaluation.timeout),
        seed=config.policy.seed,
        max_groups=evaluation.max_groups,
    )


def _placed(problem: Problem, scratch: Path) -> Problem:
    """Name a file of ours, which is gone after the run, by what wrote it."""
    if problem.path is None or not Path(problem.path).is_relative_to(scratch):
        return problem
    inside = Path(problem.path).relative_to(scratch).parts[-1 if "shared" in problem.path else 0]
    if inside.startswith("evaluation"):
        return replace(problem, path="shared rows of the evaluation set", line=None)
    return replace(problem, path=f"{'baseline ' if inside.startswith('baseline') else ''}predictions")


def _run_on_metrics(
    loaded: Loaded, tools: Tools, *, folder: Path, facts: Facts, keep: bool, since: str | None
) -> tuple[Compared, tuple[Judged, ...]]:
    current = head(tools.git)
    end = production.end(loaded.config, tools)
    base = unchanged.unchanged_since(loaded, tools, since) if since else None
    same = unchanged.same_metrics(loaded, tools, end, folder=folder) if base is not None else None
    if base is not None and same is not None:
        return _same_metrics(loaded, tools, facts, same, base, end)
    side = metrics_only.baseline(loaded, tools, end, folder=folder)
    before = side.values if side else None
    candidate, now = metrics_only.candidate(loaded, tools, folder=folder)
    bytes_held = _held(loaded.config, candidate, tools, keep=keep)
    notes = (*candidate.notes, *(side.notes if side else ()))
    result = metrics_only.compare(loaded, now, before, notes)
    baseline = Side(source=Source(path=""), commit=side.commit, version=side.version) if side else None
    compared = Compared(
        result=result,
        facts=origins(facts, loaded.config, candidate, baseline, seconds={}, head=current, held=bytes_held),
        candidate=candidate,
        rows=metrics_only.ROWS,
        head=current,
        held=bytes_held,
        end=end,
        against=side.version if side else None,
    )
    return compared, metrics_only.judge_values(loaded, result, now, before)


def _same_metrics(
    loaded: Loaded, tools: Tools, facts: Facts, numbers: Numbers, base: str, end: Tail | None
) -> tuple[Compared, tuple[Judged, ...]]:
    """Return the baseline's numbers as both models'; no gate is judged if there are none."""
    if not numbers.values:
        return _compare_nothing(loaded, tools, facts, base), ()
    tools.say(f"nothing relevant changed since {base[:7]}: nothing is trained, the baseline's numbers are judged")
    values, side = numbers.values, Side(source=NOWHERE, commit=numbers.commit, version=numbers.version)
    result = replace(metrics_only.compare(loaded, values, values, numbers.notes), unchanged_since=base)
    compared = replace(_untrained(loaded, tools, facts, result, side), end=end, against=numbers.version)
    return compared, metrics_only.judge_values(loaded, result, values, values)


def _held(config: Config, candidate: Side, tools: Tools, *, keep: bool) -> Held | None:
    """Take the digests of what is judged, where it is kept, or where a report says what changed."""
    if keep:
        return held.look(candidate, tools.fingerprint)
    return held.glance(candidate, tools.fingerprint) if explains(config) else None


def _data(config: Config) -> str:
    if config.evaluation is None:
        raise ValueError("checked by the configuration")
    return config.evaluation.data
