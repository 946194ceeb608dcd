"""Rules for the two workflows of sealed mode: what each may have, and that they name each other.

The half that trains runs a stranger's code, so it has nothing worth taking. The half that judges runs on
`workflow_run` with a token that can write, so nothing of the pull request may get there except the artifact that the
command reads. Source of the platform facts: docs/explanation/trust.md.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.actions.tree import OWN, File, files, jobs

_NEEDED = {"requested", "completed"}
_TRAIN_PERMISSIONS = {"contents": "read"}
_GATE_PERMISSIONS = {
    "contents": "read",
    "actions": "read",
    "checks": "write",
    "statuses": "write",
    "pull-requests": "write",
}
_MAY_STAND_IN_GATE = re.compile(rf"actions/checkout@|({re.escape(OWN)}|\$)/actions/sealed-gate(@|$)")
AUDITOR = Path(".github/zizmor.yml")
_READS = "runs nothing of the pull request, and reads"
IGNORED = (
    f"- mlci-gate.yml:5 # workflow_run: {_READS} its predictions as data",
    f"- mlci-commands.yml:5 # issue_comment: {_READS} the comment as data",
)
"""Lines of the configuration of zizmor: the triggers that it reports wherever they stand, each on its line."""
_COMMAND_STEP = re.compile(rf"actions/checkout@|({re.escape(OWN)}|\$)/actions/commands(@|$)")


def half_of(job: dict[str, Any]) -> str | None:
    """Return which half of sealed mode a job is: ``predict`` or ``gate``."""
    used = [str(job.get("uses", "")), *(str(step.get("uses", "")) for step in job.get("steps", []))]
    for half, workflow in (("predict", "sealed-train"), ("gate", "sealed-gate")):
        if any(re.search(rf"/(actions/sealed-{half}|workflows/{workflow}\.yml)(@|$)", use) for use in used):
            return half
    return None


def _halves(tree: Path, half: str) -> Iterator[tuple[File, str, dict[str, Any]]]:
    for file in files(tree):
        for name, job in jobs(file).items():
            if half_of(job) == half:
                yield file, name, job


def train_has_nothing(tree: Path) -> list[str]:
    """A job that trains in sealed mode can read the repository; it has no secret, no other right and no cache."""
    found = []
    for file, name, job in _halves(tree, "predict"):
        where = f"{file.shown}: job {name}"
        if job.get("permissions") != _TRAIN_PERMISSIONS:
            found.append(f"{where} trains and may do more than `contents: read`")
        found += [f"{where}: `{word}` beside strangers' code" for word in _secret_words(file, job)]
        found += [f"{where}: a cache crosses into later runs" for step in job.get("steps", []) if _caches(step)]
        on = file.content["on"]
        if "workflow_call" not in on and not {"pull_request", "merge_group"} <= set(on):
            found.append(f"{file.shown}: needs `pull_request` and `merge_group`, and no event with more rights")
        found += [f"{file.shown}: `{one}` runs strangers' code with rights" for one in _privileged(on)]
        found += [f"{file.shown}: a filter leaves the required check pending" for _ in _filters(on)]
    return found


def _secret_words(file: File, job: dict[str, Any]) -> list[str]:
    text = str(job) + str(file.content.get("env", ""))
    return sorted(set(re.findall(r"secrets\.\w+|github\.token|inherit", text)) | ({"secrets"} & set(job)))


def _caches(step: dict[str, Any]) -> bool:
    return str(step.get("uses", "")).startswith("actions/cache") or "cache" in step.get("with", {})


def _privileged(on: object) -> list[str]:
    return sorted({"pull_request_target", "workflow_run", "issue_comment"} & set(on if isinstance(on, dict) else {}))


def _filters(on: dict[str, Any]) -> list[str]:
    settings = [on.get(event) or {} for event in ("pull_request", "merge_group")]
    return [key for one in settings for key in ("paths", "paths-ignore", "branches-ignore") if key in one]


def gate_meets_no_code(tree: Path) -> list[str]:
    """A job that judges in sealed mode checks the default branch out, runs the gate, and does nothing else."""
    found = []
    for file, name, job in _halves(tree, "gate"):
        where = f"{file.shown}: job {name}"
        if {**(job.get("permissions") or {}), "contents": "read"} != _GATE_PERMISSIONS:
            found.append(f"{where} needs exactly {', '.join(f'{k}: {v}' for k, v in _GATE_PERMISSIONS.items())}")
        for step in job.get("steps", []):
            if not _MAY_STAND_IN_GATE.match(str(step.get("uses", ""))):
                found.append(f"{where}: step `{step.get('name')}` is neither the checkout nor the gate")
            if {"ref", "repository"} & set(step.get("with", {})):
                found.append(f"{where}: the checkout names a commit; only the default branch may lie there")
        if "if" in job:
            found.append(f"{where}: a skipped gate leaves the required check as it is")
        found += [f"{file.shown}: {problem}" for problem in _gate_triggers(file)]
    return found


def _gate_triggers(file: File) -> Iterator[str]:
    on = file.content["on"]
    if "workflow_call" in on:
        return
    if set(on) != {"workflow_run"}:
        yield "a gate starts on `workflow_run` only"
    elif set(on["workflow_run"].get("types", [])) != _NEEDED:
        yield "a gate needs `types: [requested, completed]`"
    elif "branches" in on["workflow_run"] or "branches-ignore" in on["workflow_run"]:
        yield "a filter on branches is the pull request's to choose"
    if file.content["concurrency"].get("cancel-in-progress") is not False:
        yield "a gate that is cancelled midway leaves a check open"


def names_agree(tree: Path) -> list[str]:
    """The gate names a workflow that trains, of the same kind: templates, samples of one page, or our own."""
    trains: dict[str, set[str]] = {}
    for file, _, _ in _halves(tree, "predict"):
        trains.setdefault(_kind(file), set()).add(file.content["name"])
    found = []
    for file, _, _ in _halves(tree, "gate"):
        named = (file.content["on"].get("workflow_run") or {}).get("workflows", [])
        missing = [name for name in named if name not in trains.get(_kind(file), set())]
        found += [f"{file.shown}: no workflow that trains is called {name!r}" for name in missing]
    return found


def _kind(file: File) -> str:
    if file.is_template:
        return "template"
    stem = file.path.stem
    return re.sub(r"-\d+$", "", stem) if stem.startswith("sample-") else stem.split("-")[0]


def ignores(tree: Path) -> list[str]:
    """Two triggers are all that zizmor ignores: of a gate and of commands, with their reasons, in one configuration."""
    found = [
        f"{file.shown}: {line.strip()}"
        for file in files(tree)
        for line in file.text.splitlines()
        if "zizmor: ignore" in line
    ]
    lines = [line.strip() for line in (tree / AUDITOR).read_text("utf-8").splitlines()]
    settings = [line for line in lines if not line.startswith("#")]
    if settings != ["rules:", "dangerous-triggers:", "ignore:", *IGNORED]:
        found.append(f"{AUDITOR}: ignores something else than {', '.join(IGNORED)}")
    for name, is_meant in (("mlci-gate.yml", _is_gate), ("mlci-commands.yml", _is_command)):
        named = [file for file in files(tree) if file.path.name == name]
        found += [
            f"{file.shown}: the auditor ignores its trigger, and it is more" for file in named if not is_meant(file)
        ]
    return found


def _is_gate(file: File) -> bool:
    return bool(jobs(file)) and all(half_of(job) == "gate" for job in jobs(file).values())


def _is_command(file: File) -> bool:
    """Check that every step of every job is the checkout of the default branch or the action for commands."""
    if set(file.content["on"]) != {"issue_comment"}:
        return False
    used = [step for job in jobs(file).values() for step in job.get("steps", [{}])]
    plain = all(_COMMAND_STEP.search(str(step.get("uses", ""))) and "ref" not in step.get("with", {}) for step in used)
    return bool(used) and plain
