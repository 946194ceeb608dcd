"""Checks of Python and packages against lock files, and of the files that workflows install from."""

import re
from collections.abc import Iterator, Sequence

from mlci.config.types import Path
from mlci.operations.doctor.checks.finding import Finding
from mlci.operations.doctor.facts import SetupFacts
from mlci.operations.doctor.matrix import Combination, fill
from mlci.operations.doctor.workflows import WorkflowFile, WorkflowJob

_CLAUSE = re.compile(r"(>=|<=|==|!=|~=|>|<|\^)?\s*(\d+(?:\.\d+)*)(\.\*)?")
_REQUIREMENTS = re.compile(r"(?:^|\s)(?:-r|--requirement)[\s=]+([^\s;&|]+)")
_CHANGE_FOLDER = re.compile(r"\s*cd\s+(\S+)\s*&&")
_SHOWN = 5


def allows_python(specification: str, version: str) -> bool:
    """Return whether a requirement such as ``>=3.11,<3.14`` allows a version of Python, by its first two numbers.

    A clause that is not understood allows everything.
    """
    have = _numbers(version)
    return all(_holds(clause, have) for clause in specification.split(",") if clause.strip())


def _holds(clause: str, have: tuple[int, ...]) -> bool:
    match = _CLAUSE.fullmatch(clause.strip())
    if match is None or len(have) < 2:
        return True
    wanted = _numbers(match[2])
    theirs, finer = wanted[:2], len(wanted) > 2  # a third number can't contradict a Python that is named by two
    mine = have[: len(theirs)]
    same_major = mine[0] == theirs[0]
    held = {
        ">=": mine >= theirs,
        "<=": mine <= theirs,
        ">": mine > theirs or (finer and mine == theirs),
        "<": mine < theirs or (mine == theirs and any(wanted[2:])),
        "!=": finer or mine != theirs,
        "~=": mine >= theirs and same_major and (not finer or mine == theirs),
        "^": mine >= theirs and same_major,
    }
    return held.get(match[1] or "==", mine == theirs)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def check_workflow_python(facts: SetupFacts) -> Iterator[Finding]:
    """Report a job with a Python that the lock file does not allow, and one whose version YAML changes."""
    required = facts.environment.requires_python
    for job in facts.evaluating_jobs:
        for place, written in _python_versions(job):
            if isinstance(written, float):
                raw = job.workflow.nodes.positions[place].raw or str(written)
                if raw.rstrip("0") != raw:
                    yield _unquoted(job.workflow, place, raw)
                version = raw
            else:
                version = str(written)
            if required and re.fullmatch(r"\d+\.\d+(\.\d+)?", version) and not allows_python(required[0], version):
                yield _contradiction(job.workflow, place, version, required)


def _python_versions(job: WorkflowJob) -> Iterator[tuple[Path, object]]:
    for step in job.steps:
        if step.use and step.use.is_of("actions/setup-python") and "python-version" in step.inputs:
            yield (*step.path, "with", "python-version"), step.inputs["python-version"]
    inputs = job.data.get("with")
    if job.calls_mlci and isinstance(inputs, dict) and "python-version" in inputs:
        yield (*job.path, "with", "python-version"), inputs["python-version"]


def _unquoted(workflow: WorkflowFile, place: Path, raw: str) -> Finding:
    return Finding(
        name="python-version-unquoted",
        severity="error",
        what=f"`python-version: {raw}` is a number in YAML: {float(raw):g}.",
        why="The job gets another Python than the line shows, or none.",
        lines=f'python-version: "{raw}"',
        path=workflow.path,
        line=workflow.line(*place),
    )


def _contradiction(workflow: WorkflowFile, place: Path, version: str, required: tuple[str, str]) -> Finding:
    return Finding(
        name="python-contradicts-lock",
        severity="error",
        what=f"The job uses Python {version}, and `{required[1]}` requires `{required[0]}`.",
        why="The installation fails, or trains with packages that were not locked.",
        lines=f'python-version: "{_fitting(required[0])}"',
        path=workflow.path,
        line=workflow.line(*place),
    )


def _fitting(specification: str) -> str:
    """Return the newest Python that a requirement allows."""
    known = [f"3.{minor}" for minor in range(14, 7, -1)]
    return next((one for one in known if allows_python(specification, one)), specification)


def check_local_python(facts: SetupFacts) -> Iterator[Finding]:
    """Report a Python on this machine that the lock file does not allow."""
    version, required = facts.environment.python, facts.environment.requires_python
    if version and required and not allows_python(required[0], version):
        yield Finding(
            name="python-here-contradicts-lock",
            severity="warning",
            what=f"`python` here is {version}, and `{required[1]}` requires `{required[0]}`.",
            why="`mlci run` on this machine trains with another Python than a runner.",
            lines=f"uv venv --python {_fitting(required[0])}   # then activate it",
            path=required[1],
        )


def check_installed_packages(facts: SetupFacts) -> Iterator[Finding]:
    """Report installed packages whose version differs from the lock file."""
    environment = facts.environment
    differing = {
        name: (environment.installed[name], locked)
        for name, locked in environment.pins.items()
        if name in environment.installed and environment.installed[name] != locked
    }
    if differing:
        shown = [f"{name} {have} (locked: {locked})" for name, (have, locked) in list(differing.items())[:_SHOWN]]
        more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        lock = environment.locks[0]
        install = "uv sync --frozen" if lock.endswith("uv.lock") else f"python -m pip install --requirement {lock}"
        yield Finding(
            name="packages-contradict-lock",
            severity="warning",
            what=f"Installed packages differ from `{lock}`: {', '.join(shown)}{more}.",
            why="A model that is trained here differs from one that a runner trains.",
            lines=install if lock.endswith((".txt", "uv.lock")) else f"install from {lock} again",
            path=lock,
        )


def check_requirement_files(facts: SetupFacts) -> Iterator[Finding]:
    """Report a job that installs from a file that does not exist."""
    for job in facts.evaluating_jobs:
        for place, key, script, folder in _scripts(job):
            changed = _CHANGE_FOLDER.match(script)
            home = f"{folder}/{changed[1]}" if changed else folder
            for name in _REQUIREMENTS.findall(script):
                plain = name.strip("\"'").removeprefix("./")
                wanted = f"{home.strip('./')}/{plain}".lstrip("/")
                if "$" in wanted or "://" in wanted or wanted in facts.files:
                    continue
                yield Finding(
                    name="requirements-missing",
                    severity="error",
                    what=f"The job installs from `{wanted}`, which does not exist.",
                    why="The step fails before anything is trained, and the check stays without a verdict.",
                    lines=f"python -m pip freeze > {wanted}   # or name the file that the repository has",
                    path=job.workflow.path,
                    line=job.workflow.line(*place, key),
                )


def _scripts(job: WorkflowJob) -> Iterator[tuple[Path, str, str, str]]:
    """Yield the scripts of a job for each combination of its matrix: place, key, text, and the folder it runs in."""
    found: list[tuple[Path, str, str, str]] = []
    for step in job.steps:
        folder, variables = str(step.data.get("working-directory", "")), step.data.get("env")
        texts = variables.items() if isinstance(variables, dict) else ()
        found.append((step.path, "run", step.script, folder))
        found += [((*step.path, "env"), name, str(text), folder) for name, text in texts]
    inputs = job.data.get("with")
    if job.calls_mlci and isinstance(inputs, dict):
        prepare, folder = str(inputs.get("prepare", "")), str(inputs.get("working-directory", ""))
        found.append(((*job.path, "with"), "prepare", prepare, folder))
    combinations: Sequence[Combination | None] = job.combinations or [None]
    for values in combinations:
        for place, key, script, folder in found:
            yield place, key, fill(script, values), fill(folder, values)


CHECKS = (check_workflow_python, check_local_python, check_installed_packages, check_requirement_files)
