"""Record a verdict's look in the ledger before the verdict is published.

A verdict that can't be counted is not published: its check fails, with the reason and the remedy.
"""

from mlci.config.models import Config
from mlci.config.types import DEFAULT_REGISTRY, GITHUB
from mlci.errors import InputError, OutsideError
from mlci.gates.budget import LOOKS
from mlci.operations.holdout.holdout_looks import LookTerms, look_terms, record_holdout_look, worn_out_gates
from mlci.operations.report_builder import gate_row
from mlci.publish.result import Finished, Result, Unfinished
from mlci.registry.registry import Registry
from mlci.report.document import GateRow, HoldoutLook, Report, Verdict

_INPUT, _OUTSIDE = 2, 4


def record_before_publishing(report: Report, config: Config, registry: Registry | None, *, line: int | None) -> Result:
    """Record a report's look, and return what to publish: the report with that look, or why nothing is concluded.

    Args:
        report: The report.
        config: The configuration of the publishing job.
        registry: Its registry, with an author; ``None`` if nothing that is written to it lasts.
        line: Line of the budget in the configuration.
    """
    if config.reuse is None or report.measured_nothing or report.unchanged_since or report.training_label is not None:
        return Finished(report=report)
    try:
        look = record_holdout_look(_lasting(registry), _terms(report, config))
    except InputError as error:
        return _uncounted("; ".join(problem.message for problem in error.problems), _INPUT, "evaluate the commit again")
    except OutsideError as error:
        return _uncounted(str(error).split("Add to the job", 1)[0].strip(), _OUTSIDE, _remedy(config.registry))
    return Finished(report=with_look(report, look, line=line))


def _lasting(registry: Registry | None) -> Registry:
    if registry is None:
        raise OutsideError("this job's folders are lost when it ends, and the looks with them")
    return registry


def _terms(report: Report, config: Config) -> LookTerms:
    """Return the look of a report.

    Raises:
        InputError: if the report was not judged at the level of a look.
    """
    look = report.evaluation.look
    if look is None or report.policy.confidence != config.judged_confidence:
        raise InputError(
            f"the report was judged at {report.policy.confidence:.6g}, and a look by `reuse` is judged at "
            f"{config.judged_confidence:.6g}"
        )
    return look_terms(config, report.evaluation.fingerprint, look.predictions, rounded=report.evaluation.rounded)


def with_look(report: Report, look: HoldoutLook, *, line: int | None) -> Report:
    """Return a report with the look that was recorded, and with the gate of a worn-out set if it has become one."""
    worn = [gate_row(gate, report.baseline.source, records_waivers=False) for gate in worn_out_gates(look, line=line)]
    rows = (*(row for row in report.gates if row.metric != LOOKS), *worn)
    evaluation = report.evaluation.model_copy(update={"look": look, "uses": look.looks, "budget": look.budget})
    return report.model_copy(update={"evaluation": evaluation, "gates": rows, "verdict": _verdict(rows)})


def _verdict(rows: tuple[GateRow, ...]) -> Verdict:
    """Return the join of the outcomes."""
    if any(row.blocks for row in rows) or not rows:
        return "block"
    return "pass" if all(row.outcome == "passed" for row in rows) else "warn"


def _uncounted(why: str, code: int, remedy: str) -> Unfinished:
    return Unfinished(
        why="`reuse` limits the looks at the evaluation set, so each is counted before its verdict is published",
        code=code,
        title="this look can't be counted",
        details=(why, f"{remedy[0].upper()}{remedy[1:]}."),
        remedy=remedy,
    )


def _remedy(place: str) -> str:
    if place == DEFAULT_REGISTRY:
        return "name a registry that lasts: `registry: github`, `s3://…`, `gs://…`, `az://…` or `mlflow:…`"
    if place == GITHUB:
        return (
            "publish in a job that runs no code of the pull request, and write `contents: write` instead of "
            "`contents: read` under its `permissions:`"
        )
    return "let the job that publishes, and no job that runs code of the pull request, write to the registry"
