"""False blocks of a configuration's gates, by candidates of equal quality (an A/A test).

The candidates are simulated and compared with the model's own predictions, or they are retrainings of one commit, of
which every two are compared. Each pair is judged by the gates. Margins and numbers of rows that bring the blocks under
one in a hundred pull requests are found on the same pairs.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, islice
from pathlib import Path
from statistics import fmean, stdev

from mlci.config.models import Gate, RowsConfig, ScoresConfig
from mlci.engine.interface import Source
from mlci.engine.tables.files import is_missing
from mlci.errors import InputError
from mlci.gates.judge import judge_rules
from mlci.gates.limits import Limit, Rule
from mlci.gates.outcomes import JudgedGate, Outcome
from mlci.inference.evaluate import evaluate
from mlci.inference.intervals.distributions import quantile, two_sided
from mlci.inference.result import EvaluationResult
from mlci.metrics import catalogue
from mlci.operations import evaluation_plan
from mlci.operations.bundle import read_bundle
from mlci.operations.context import RowsContext, RunContext, resolve_path
from mlci.operations.doctor.checks.finding import Finding
from mlci.operations.doctor.equal_candidates import SimulatedPair
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.retrainings import retrain_models
from mlci.operations.measure import engine_job
from mlci.operations.models import baseline_production
from mlci.registry.entry_kinds import Promotion
from mlci.registry.registry import RegistryView
from mlci.report.document import AgreementRow

WANTED = 0.01
_STEPS = 8
_VERSIONS = 20
Simulate = Callable[..., Iterator[SimulatedPair]]


@dataclass(frozen=True, kw_only=True)
class LimitBlocks:
    """Outcomes of one limit of a rule over all simulated pull requests.

    Attributes:
        name: Such as ``recall by region, max_drop: 0.05``.
        line: Its line in the configuration.
        blocked: Pull requests that it blocks.
        inconclusive: Pull requests in which one of its gates is inconclusive.
        limit: Limit of the same kind that blocks less than one in a hundred; ``None`` if none is needed or helps.
        rows: Rows at which this limit blocks less than one in a hundred; ``None`` as for the limit.
    """

    name: str
    line: int | None
    blocked: int
    inconclusive: int
    limit: str | None = None
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class FalseBlocks:
    """Result of an A/A test.

    Attributes:
        pairs: Pull requests: simulated candidates, or pairs of retrainings.
        rows: Rows of the evaluation set.
        disagreement: Mean share of rows on which both models differ; ``None`` for retrained regressions.
        seed: Of the draws.
        blocked: Pull requests that any gate blocks.
        inconclusive: Pull requests with an inconclusive gate.
        limits: By rule and limit, in the order of the configuration.
        left_out: Gates that were not judged: operational and custom metrics, training noise, and limits on a gain,
            which equal models do not have.
        retrainings: Number of retrainings; ``None`` if the candidates were simulated.
        commit: Commit that was retrained.
        dirty: Whether the checkout has changes that were not retrained, because that commit lacks them.
        versions: Promoted versions that disagreed with the one before on this share; ``None`` if the share was given.
        unit: What the rows are: ``rows``, or the ``items`` of an evaluation log.
    """

    pairs: int
    rows: int
    disagreement: float | None
    seed: int
    blocked: int
    inconclusive: int
    limits: tuple[LimitBlocks, ...]
    left_out: tuple[str, ...] = ()
    retrainings: int | None = None
    commit: str | None = None
    dirty: bool = False
    versions: int | None = None
    unit: str = "rows"

    def as_document(self) -> Mapping[str, object]:
        """Return the result for JSON."""
        return {**asdict(self), "in_100_pull_requests": self.in_hundred}

    @property
    def in_hundred(self) -> float:
        """False blocks in 100 pull requests."""
        return 100 * self.blocked / self.pairs


def false_blocks_finding(facts: SetupFacts, found: FalseBlocks) -> Finding:
    """Return the finding for gates that block one in a hundred models of equal quality, or more."""
    most = max(found.limits, key=lambda one: one.blocked)
    remedies = [f"{one.limit}   # in place of {one.name}" for one in found.limits if one.limit]
    return Finding(
        name="gates-block-equal-models",
        severity="warning",
        what=f"These gates block {found.in_hundred:.1f} of 100 models that are as good as the last one; most of them "
        f"by `{most.name}`.",
        why="A team that sees harmless changes blocked stops to read the verdict.",
        lines="\n".join(remedies) or "add rows to the evaluation set, or judge these gates on their interval",
        path=facts.config_path,
        line=most.line,
    )


def measure_false_blocks(
    context: RowsContext, simulate: Simulate, *, out: Path, disagreement: float, pairs: int, seed: int
) -> FalseBlocks:
    """Simulate pull requests with candidates of equal quality, and judge each by the gates.

    Raises:
        InputError: if no predictions of a model exist yet, or no gate can be simulated.
    """
    config, left_out = _simulated(context.config)
    job = replace(engine_job(config, last_predictions(context, out), None, data=context.data), row_metrics=())
    question = evaluation_plan.evaluation_question(config, baseline=True)
    results, shares, rows = [], [], 0
    for pair in simulate(job, share=disagreement, pairs=pairs, seed=seed):
        results.append(evaluate(pair.statistics, question, fingerprint="", notes=()))
        shares.append(pair.disagreement)
        rows = pair.rows
    return count_blocks(config, results, rows=rows, disagreement=fmean(shares), left_out=left_out)


def retrain_and_count_blocks(context: RowsContext, *, retrainings: int) -> FalseBlocks:
    """Retrain the checked-out commit in worktrees of its own, compare every two models, and judge them by the gates.

    Args:
        context: Run context that may run the user's commands, without a cache.
        retrainings: Number of retrainings, at least two.

    Raises:
        InputError: if no gate can be judged, or if each training makes another evaluation set.
        StepError: if a command fails.
    """
    config, left_out = _simulated(context.config)
    trained = retrain_models(context, retrainings)
    context = trained.context
    question = evaluation_plan.evaluation_question(config, baseline=True)
    results, rows = [], 0
    for baseline, candidate in combinations(trained.sources, 2):
        observed = context.engine.observe(
            replace(engine_job(config, candidate, baseline, data=context.data), row_metrics=())
        )
        results.append(evaluate(observed.statistics, question, fingerprint="", notes=()))
        rows = observed.rows
    agreements = [result.agreement for result in results if result.agreement is not None]
    differing = [one.baseline_only + one.candidate_only for one in agreements]
    disagreement = fmean(differing) / rows if differing else None
    found = count_blocks(config, results, rows=rows, disagreement=disagreement, left_out=left_out)
    return replace(found, retrainings=retrainings, commit=trained.commit, dirty=trained.dirty)


def count_blocks(
    config: RowsConfig | ScoresConfig,
    results: Sequence[EvaluationResult],
    *,
    rows: int,
    disagreement: float | None,
    left_out: tuple[str, ...],
) -> FalseBlocks:
    """Judge all simulated pull requests, and find the limits that block less than one in a hundred.

    Args:
        config: The configuration, with the gates that were simulated.
        results: Evaluations of the pull requests.
        rows: Rows, or items, of the evaluation set.
        disagreement: Mean share of them on which both models differ.
        left_out: Gates that were not simulated.
    """
    rules, trial = evaluation_plan.gate_rules(config), _Trial(results, config.evaluation.min_group_size)
    judged = trial.judge(rules)
    return FalseBlocks(
        pairs=len(results),
        rows=rows,
        disagreement=disagreement,
        seed=config.policy.seed,
        blocked=sum(any(gate.blocks for gate in gates) for gates in judged),
        inconclusive=sum(any(gate.outcome is Outcome.INCONCLUSIVE for gate in gates) for gates in judged),
        limits=tuple(_limits(trial, rules, judged, rows)),
        left_out=left_out,
    )


def past_disagreement(context: RunContext, view: RegistryView) -> tuple[float, int] | None:
    """Return the mean share of rows that promoted versions and the one before decided differently, and their number.

    Only the newest versions count. ``None`` if no report has the share: nothing was promoted, or it is a regression.

    Args:
        context: Run context with the registry.
        view: The registry as of one entry.

    Raises:
        OutsideError: if the registry can't be read or is damaged.
    """
    promotions = (entry for entry in view.decisions() if isinstance(entry.body, Promotion))
    reports = (baseline_production.report_of(context, view.promoted(entry)) for entry in islice(promotions, _VERSIONS))
    rows = [report.agreement for report in reports if report is not None and report.agreement is not None]
    shares = [_share_differing(one) for one in rows]
    return (fmean(shares), len(shares)) if shares else None


def _share_differing(found: AgreementRow) -> float:
    differing = found.baseline_only + found.candidate_only
    return differing / (found.both + differing + found.neither)


def last_predictions(context: RowsContext, out: Path) -> Source:
    """Return the predictions of the last run: the file that the configuration names, or those of the bundle.

    Raises:
        InputError: if there are none.
    """
    predict = context.config.predict
    if predict.file is not None and not is_missing(resolve_path(predict.file, context.folder)):
        return Source.of(resolve_path(predict.file, context.folder), predict)
    try:
        bundle = read_bundle(out)
    except InputError as error:
        words = f"`--aa` needs the predictions of a model, and the last run left none ({error})"
        raise InputError(f"{words}; run `mlci run --bundle` first") from error
    known = bundle.content.predictions
    path = str(bundle.paths[known.file.digest])
    return Source.of(path, known)


def _simulated(config: RowsConfig) -> tuple[RowsConfig, tuple[str, ...]]:
    """Return the configuration with the gates that can be simulated, and the names of the others."""
    kept = {index: gate for index, gate in enumerate(config.gates) if _is_simulated(gate, config)}
    if not kept:
        raise InputError(
            "`--aa` can simulate none of these gates: they limit costs, custom metrics or training noise, or ask for a "
            "gain, which models of equal quality do not have"
        )
    dropped = [gate.metric for index, gate in enumerate(config.gates) if index not in kept]
    gains = [f"{gate.metric} (superior_by)" for gate in kept.values() if gate.superior_by is not None]
    known = tuple(gate.model_copy(update={"superior_by": None}) for gate in kept.values())
    left_out = tuple(dict.fromkeys([*dropped, *gains]))
    lean = config.evaluation.model_copy(update={"metrics": ()})
    return config.model_copy(update={"gates": known, "evaluation": lean}), left_out


def _is_simulated(gate: Gate, config: RowsConfig) -> bool:
    known = catalogue.find(gate.metric) is not None and gate.metric not in evaluation_plan.asked_operations(config)
    loss = any(not limit.proves_gain for limit in gate.limits)
    return known and loss and gate.noise is None and not gate.params


@dataclass(frozen=True)
class _Trial:
    """Evaluations of all simulated pull requests."""

    results: Sequence[EvaluationResult]
    min_group_size: int

    def judge(self, rules: Sequence[Rule]) -> list[tuple[JudgedGate, ...]]:
        """Judge every pull request."""
        return [judge_rules(rules, result, min_group_size=self.min_group_size) for result in self.results]

    def share_blocked(self, rule: Rule, limit: Limit) -> float:
        """Return the share of pull requests that a rule blocks by this limit alone."""
        return fmean(any(gate.blocks for gate in gates) for gates in self.judge([replace(rule, limits=(limit,))]))


def _is_of(gate: JudgedGate, index: int | None, limit: Limit) -> bool:
    return gate.rule.index == index and gate.limit.kind == limit.kind


def _limits(
    trial: _Trial, rules: Sequence[Rule], judged: Sequence[tuple[JudgedGate, ...]], rows: int
) -> Iterator[LimitBlocks]:
    every = [(rule, limit) for rule in rules for limit in rule.limits]
    mine = {
        (rule.index, limit.kind): [[gate for gate in gates if _is_of(gate, rule.index, limit)] for gates in judged]
        for rule, limit in every
    }
    blocked = {key: sum(any(gate.blocks for gate in gates) for gates in found) for key, found in mine.items()}
    blocking = sum(number > 0 for number in blocked.values())
    for rule, limit in every:
        key = rule.index, limit.kind
        share = blocked[key] / len(judged)
        target = WANTED / max(1, blocking)
        needed = share >= target and share > 0
        wider = _wider(trial, rule, limit, mine[key], target) if needed else None
        yield LimitBlocks(
            name=_name(rule, limit),
            line=rule.line,
            blocked=blocked[key],
            inconclusive=sum(any(gate.outcome is Outcome.INCONCLUSIVE for gate in gates) for gates in mine[key]),
            limit=f"{limit.kind}: {wider}" if wider else None,
            rows=_rows(mine[key], rows, target, trial.results[0].confidence) if needed else None,
        )


def _name(rule: Rule, limit: Limit) -> str:
    where = f" by {rule.each}" if rule.each else f" across {rule.across}" if rule.across else ""
    return f"{rule.metric}{where}, {limit.kind}: {limit}"


def _wider(trial: _Trial, rule: Rule, limit: Limit, gates: list[list[JudgedGate]], target: float) -> Limit | None:
    """Return the closest limit of the same kind that blocks less than the target; ``None`` if none does."""
    far = _farthest(limit, [gate for group in gates for gate in group])
    near, reach = limit.value, far.value
    if trial.share_blocked(rule, far) >= target:
        return None
    for _ in range(_STEPS):
        middle = replace(limit, value=(near + reach) / 2, written="")
        if trial.share_blocked(rule, middle) < target:
            reach = middle.value
        else:
            near = middle.value
    return _rounded(replace(limit, value=reach, written=""))


def _farthest(limit: Limit, gates: list[JudgedGate]) -> Limit:
    """Return a limit that every simulated value meets with its interval's better half."""
    beyond = [abs(gate.value - gate.bound) for gate in gates if gate.value is not None and gate.bound is not None]
    most = 2 * max(beyond, default=0.0) + 1e-9
    base = max((abs(gate.baseline) for gate in gates if gate.baseline), default=1.0) if limit.relative else 1.0
    looser = limit.value - most if limit.kind == "min" else limit.value + most / base
    return replace(limit, value=looser, written="")


def _rounded(limit: Limit) -> Limit:
    """Return the limit with two digits, rounded to the allowed side."""
    digits = 1 - math.floor(math.log10(abs(limit.value))) if limit.value else 2
    scale = 10**digits
    rounded = math.floor(limit.value * scale) if limit.kind == "min" else math.ceil(limit.value * scale)
    return replace(limit, value=rounded / scale, written="")


def _rows(gates: list[list[JudgedGate]], rows: int, target: float, confidence: float) -> int | None:
    """Return the rows at which a limit blocks less than the target, by the spread of the simulated values.

    The spread falls with the root of the rows. A limit on an interval blocks only if the value is beyond it by the
    interval's half-width. ``None`` if the mean is not on the allowed side, or if inconclusive gates block.
    """
    found = [_rows_of(list(one), rows, target, confidence) for one in zip(*gates, strict=True)]
    return max((number for number in found if number is not None), default=None)


def _rows_of(gates: list[JudgedGate], rows: int, target: float, confidence: float) -> int | None:
    values = [gate.value for gate in gates if gate.value is not None]
    blocked = any(gate.blocks and gate.outcome is Outcome.FAILED for gate in gates)
    first = gates[0]
    if not blocked or first.bound is None or len(values) < 2:
        return None
    distance, spread = first.limit.distance(_center(first, values), first.bound), stdev(values)
    free = two_sided(confidence) if first.judge == "interval" else 0.0
    wanted = quantile(1 - target) - free
    if distance <= 0 or wanted <= 0:
        return None
    needed = math.ceil(rows * (spread * wanted / distance) ** 2)
    return needed if needed > rows else None


def _center(gate: JudgedGate, values: list[float]) -> float:
    """Return the expected value: that of the model, no change, or for a disparity, which noise widens, the mean."""
    if gate.rule.across is not None:
        return fmean(values)
    return 0.0 if gate.limit.on_change else gate.baseline if gate.baseline is not None else fmean(values)
