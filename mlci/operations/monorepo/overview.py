"""Overview of all models of one change, from the plan, the reports of the jobs, and the checks that they wrote."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mlci.github.interface import CheckRun, GitHub, NotThere, PermissionRefused
from mlci.operations.monorepo.collect import collect_reports
from mlci.publish.check_content import check_name
from mlci.publish.commit_verdict import read_attempt
from mlci.publish.models_plan import ModelsPlan
from mlci.publish.overview import JobsResult, ModelCheck, ModelReports, ModelsOverview, model_outcome
from mlci.publish.plan import Target
from mlci.publish.result import Ended, Finished
from mlci.publish.runs import parse_run


def build_overview(
    plan: ModelsPlan, folder: Path, checks: Mapping[str, ModelCheck], jobs: JobsResult
) -> ModelsOverview:
    """Return the outcome of every affected model.

    Args:
        plan: The plan.
        folder: Folder with the downloaded artifacts.
        checks: Checks of the models' own jobs, by model; empty if they can't be read.
        jobs: Facts about the jobs.

    Raises:
        InputError: if the folder has too many reports.
    """
    found, problems = collect_reports(folder)
    explained = _explains_failure(plan, found) if jobs.ended == "failure" and not checks else False
    each = replace(jobs, ended="success") if explained else jobs
    missing = ModelReports(problems=problems)
    outcomes = (model_outcome(one, found.get(one.model, missing), checks.get(one.model), each) for one in plan.affected)
    return ModelsOverview(plan=plan, outcomes=tuple(outcomes), ended=jobs.ended)


def _explains_failure(plan: ModelsPlan, found: Mapping[str, ModelReports]) -> bool:
    """Whether a missing or blocking report accounts for the failure of the matrix."""
    reports = [found[one.model].reports if one.model in found else () for one in plan.affected]
    return any(len(one) != 1 or one[0].verdict == "block" for one in reports)


def read_model_checks(plan: ModelsPlan, target: Target, github: GitHub) -> dict[str, ModelCheck]:
    """Return the checks that the jobs of this run wrote, by model; those that can't be read are left out.

    Raises:
        OutsideError: if GitHub fails.
    """
    checks: dict[str, ModelCheck] = {}
    for one in plan.affected:
        listed = github.check_runs(target.head, check_name(one.model))
        if isinstance(listed, PermissionRefused | NotThere):
            return checks
        if found := _of_run(listed, target):
            checks[one.model] = found
    return checks


def _of_run(listed: tuple[CheckRun, ...], target: Target) -> ModelCheck | None:
    """Return the newest check of this run, of any attempt: only the jobs that failed run a second time."""
    ours = [one for one in listed if (run := parse_run(one.external_id)) is not None and run.id == target.run.id]
    attempt = read_attempt(ours[-1]) if ours else None
    return ModelCheck(own=attempt.record.own, url=attempt.url) if attempt is not None else None


def overview_lines(overview: ModelsOverview) -> list[str]:
    """Return a line for each model that was evaluated."""
    return [_line(one.planned.model, one.result) for one in overview.outcomes]


def _line(model: str, result: object) -> str:
    return f"{model}: {result.report.verdict}" if isinstance(result, Finished) else f"{model}: no report that counts"


def ended_of(result: str) -> Ended:
    """Return how the matrix ended by GitHub's result; a skipped one had nothing to do, or failed before."""
    ends: dict[str, Ended] = {"success": "success", "cancelled": "cancelled"}
    return ends.get(result, "failure")
