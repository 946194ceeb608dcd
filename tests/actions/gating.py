"""Rules for workflows that gate a merge: triggers, permissions, checkouts, and steps that publish or decide.

A workflow that is copied from a template or a document has to keep a required check satisfiable and honest: it starts
for every push and in the merge queue, it may write what it publishes, and nothing turns a block into a success.
Source of the platform facts: docs/how-to/workflows/gate-pull-requests.md, "Required check".
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.actions.tree import OWN, STEPS, File, files, jobs, steps

_NEEDED_TYPES = {"opened", "synchronize", "reopened"}
_BRANCHES = re.compile(r"github\.(ref|head_ref|event\.pull_request\.number|event\.workflow_run\.head_sha)\b")
_SWALLOWED = re.compile(r"\|\|\s*(true|:|exit 0)(?![\w-])|;\s*true\s*$|set \+e", re.MULTILINE)
_WRITES_CHECK = {"checks": "write", "statuses": "write"}


def _is_own(uses: str, path: str) -> bool:
    """Tell whether a reference names one of our actions; the root action has an empty path."""
    return bool(re.match(rf"({re.escape(OWN)}{'/' if path else ''}|\$/){re.escape(path)}(@|$)", uses))


def _publishes(step: dict[str, Any]) -> bool:
    """Tell whether a step writes a verdict on GitHub, by one of mlci's actions or by the command."""
    uses, given = str(step.get("uses", "")), step.get("with", {})
    if _is_own(uses, "actions/publish"):
        return str(given.get("open", "false")) != "true"
    if _is_own(uses, ""):
        return str(given.get("publish", "true")) != "false"
    if _is_own(uses, "actions/models-publish"):
        return True
    return '"$MLCI" publish --config' in str(step.get("run", ""))


def _opens(step: dict[str, Any]) -> bool:
    return _is_own(str(step.get("uses", "")), "actions/publish") and str(step.get("with", {}).get("open")) == "true"


def _evaluates(step: dict[str, Any]) -> bool:
    uses = str(step.get("uses", ""))
    return _is_own(uses, "") or _is_own(uses, "actions/evaluate") or '"$MLCI" run' in str(step.get("run", ""))


def _calls_model_ci(job: dict[str, Any]) -> bool:
    return ".github/workflows/model-ci" in str(job.get("uses", ""))


def _gates(job: dict[str, Any]) -> bool:
    return _calls_model_ci(job) or any(_publishes(step) for step in job.get("steps", []))


def _in_overview(file: File, name: str) -> bool:
    """Tell whether another job, which always runs, reports a job in an overview of several models, also if skipped."""
    return any(
        name in job.get("needs", [])
        and "always()" in str(job.get("if"))
        and any(_is_own(str(step.get("uses", "")), "actions/models-publish") for step in job.get("steps", []))
        for job in jobs(file).values()
    )


def _events(file: File) -> dict[str, Any]:
    """Return a workflow's triggers with their settings."""
    on = file.content["on"]
    if isinstance(on, str):
        return {on: {}}
    return {name: {} for name in on} if isinstance(on, list) else {name: on[name] or {} for name in on}


def _gating(tree: Path) -> Iterator[tuple[File, dict[str, Any]]]:
    """Yield the workflows that publish a verdict on pull requests, with their triggers."""
    for file in files(tree):
        if not file.is_action and any(_gates(job) for job in jobs(file).values()):
            events = _events(file)
            if {"pull_request", "merge_group"} & set(events):
                yield file, events


def triggers(tree: Path) -> list[str]:
    """A workflow whose check is required starts on every push to a pull request and in the merge queue."""
    found = []
    for file, events in _gating(tree):
        found += [
            f"{file.shown}: no `{name}` trigger" for name in ("pull_request", "merge_group") if name not in events
        ]
        for name, settings in events.items():
            if name in {"pull_request", "merge_group"}:
                filters = sorted({"paths", "paths-ignore"} & set(settings))
                found += [f"{file.shown}: `{one}` leaves a required check pending" for one in filters]
        missing = _NEEDED_TYPES - set((events.get("pull_request") or {}).get("types", _NEEDED_TYPES))
        found += [f"{file.shown}: pull_request lacks the type {name}" for name in sorted(missing)]
        for name, job in jobs(file).items():
            always = "always()" in str(job.get("if", "always()"))
            if _gates(job) and not always and not _in_overview(file, name):
                found.append(f"{file.shown}: job {name} may be skipped, which counts as success")
    return found


def grants(tree: Path) -> list[str]:
    """A job may write what its steps publish: check, status, comment; a promotion, contents."""
    found = []
    for file in files(tree):
        for name, job in ({} if file.text.startswith(STEPS) else jobs(file)).items():
            granted = job.get("permissions") or {}
            wanted = _wanted(file, job)
            if isinstance(granted, str):
                found.append(f"{file.shown}: job {name} has `permissions: {granted}`; name each")
                continue
            found += [
                f"{file.shown}: job {name} needs `{permission}: {level}`"
                for permission, level in wanted.items()
                if granted.get(permission) not in {level, "write"}
            ]
    return found


def _wanted(file: File, job: dict[str, Any]) -> dict[str, str]:
    own = job.get("steps", [])
    wanted = (
        {"contents": "read"} if any(str(step.get("uses", "")).startswith("actions/checkout@") for step in own) else {}
    )
    if _gates(job) or any(_opens(step) for step in own):
        wanted |= _WRITES_CHECK
    if _gates(job) and {"pull_request", "workflow_call"} & set(_events(file)):
        wanted |= {"pull-requests": "write"}
    if any(_is_own(str(step.get("uses", "")), f"actions/{name}") for step in own for name in ("promote", "rollback")):
        wanted |= {"contents": "write"}
    return wanted


def checkouts(tree: Path) -> list[str]:
    """A job that evaluates has the whole history: a baseline can be another commit."""
    return [
        f"{file.shown}: job {name} evaluates on a checkout without `fetch-depth: 0`"
        for file in files(tree)
        for name, job in jobs(file).items()
        if any(_evaluates(step) for step in job.get("steps", []))
        for step in job["steps"]
        if str(step.get("uses", "")).startswith("actions/checkout@") and step["with"].get("fetch-depth") != 0
    ]


def verdicts(tree: Path) -> list[str]:
    """Steps that publish or decide run on every path, last, and their exit code counts."""
    found = []
    for file in files(tree):
        sequences = (
            {"": list(steps(file))} if file.is_action else {n: j.get("steps", []) for n, j in jobs(file).items()}
        )
        for name, own in sequences.items():
            where = f"{file.shown}{': job ' if name else ''}{name}"
            found += [f"{where}: {problem}" for problem in _sequence(own)]
        found += [
            f"{file.shown}: job {name} publishes after other jobs and lacks `if: always()`"
            for name, job in jobs(file).items()
            if "needs" in job
            and any(_publishes(step) for step in job.get("steps", []))
            and "always()" not in str(job.get("if"))
            and not _in_overview(file, name)
        ]
    return found


def _sequence(own: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with a list of steps, in the order of the steps."""
    before: list[dict[str, Any]] = []
    for step in own:
        name, run, condition = step.get("name"), str(step.get("run", "")), str(step.get("if", ""))
        decides = "verdict.sh" in run
        separate = _publishes(step) and not _is_own(str(step.get("uses", "")), "")
        after_work = any(_evaluates(one) or _is_own(str(one.get("uses", "")), "actions/gate") for one in before)
        if (separate or decides) and after_work and "always()" not in condition:
            yield f"`{name}` has to run on every path: `if: always()`"
        if step.get("continue-on-error") and not _may_fail(step):
            yield f"`{name}` decides, and `continue-on-error` hides that it failed"
        if '"$MLCI"' in run and _SWALLOWED.search(run):
            yield f"`{name}` swallows the exit code of mlci"
        before.append(step)
    if any("captured.sh" in str(step.get("run", "")) for step in own) and "verdict.sh" not in str(
        own[-1].get("run", "")
    ):
        yield "exit codes are captured, and the last step does not fail on them"


def _may_fail(step: dict[str, Any]) -> bool:
    """Tell whether no verdict turns green if a step fails: an upload, an overview's reports, opening the check."""
    uploads = str(step.get("uses", "")).startswith("actions/upload-artifact@")
    pattern = str(step.get("with", {}).get("pattern", ""))
    collects = str(step.get("uses", "")).startswith("actions/download-artifact@") and pattern.startswith("mlci-report-")
    return uploads or collects or _opens(step) or '"$MLCI" publish --open' in str(step.get("run", ""))


def concurrency(tree: Path) -> list[str]:
    """A concurrency group is one workflow's, and on pull requests one branch's; groups are shared by a repository."""
    found = []
    for file in files(tree):
        if file.is_action:
            continue
        for where, setting in [
            ("", file.content.get("concurrency")),
            *((n, j.get("concurrency")) for n, j in jobs(file).items()),
        ]:
            if setting is None:
                continue
            group = str(setting["group"] if isinstance(setting, dict) else setting).strip()
            if "github.workflow" not in group:
                found.append(f"{file.shown}: the group {group!r} {where} lacks ${{{{ github.workflow }}}}")
            if {"pull_request", "workflow_call"} & set(_events(file)) and not _BRANCHES.search(group):
                found.append(f"{file.shown}: the group {group!r} {where} is the same for every pull request")
    return found
