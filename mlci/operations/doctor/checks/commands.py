"""Check of the commands of a configuration: files and programs that they name and that do not exist."""

from collections.abc import Iterator

from mlci.operations.doctor.checks.finding import Finding
from mlci.operations.doctor.commands import MissingName
from mlci.operations.doctor.facts import SetupFacts

_DISTRIBUTIONS = {
    "accelerate": "accelerate",
    "catboost": "catboost",
    "dvc": "dvc",
    "jupyter": "nbconvert ipykernel",
    "kedro": "kedro",
    "mlflow": "mlflow",
    "papermill": "papermill ipykernel",
    "ploomber": "ploomber",
    "poetry": "poetry",
    "pytest": "pytest",
    "snakemake": "snakemake",
    "streamlit": "streamlit",
    "torchrun": "torch",
    "uv": "uv",
    "xgboost": "xgboost",
}
"""Distributions that bring a program, by its name; a notebook needs a kernel beside the program that converts it."""


def check_commands(facts: SetupFacts) -> Iterator[Finding]:
    """Report files and programs that a command of the configuration names and that do not exist."""
    for one in {(one.name, one.program): one for one in reversed(facts.missing_names)}.values():
        yield _program(facts, one) if one.program else _file(facts, one)


def _file(facts: SetupFacts, one: MissingName) -> Finding:
    instead = f"the repository has {' and '.join(one.similar[:3])}" if one.similar else "name a file that exists"
    return Finding(
        name="command-file-missing",
        severity="error",
        what=f"`{one.section}.run` runs `{one.name}`, which does not exist.",
        why="The command fails, every run ends with exit code 3, and the check stays without a verdict.",
        lines=f"{one.section}:\n  run: …   # {instead}",
        path=facts.config_path,
        line=_line(facts, one),
    )


def _program(facts: SetupFacts, one: MissingName) -> Finding:
    brought = _DISTRIBUTIONS.get(one.name)
    if "/" in one.name:
        lines = f"chmod +x {one.name}   # and commit it, or name a program that exists"
    elif one.name == "python":
        lines = "python3 -m venv .venv && . .venv/bin/activate   # a virtual environment has `python`"
    elif brought is None:
        lines = f"command -v {one.name}   # install it here, and in a step before mlci in the workflow"
    else:
        lines = f"python -m pip install {brought}   # and {_requirements(facts, brought)}"
    return Finding(
        name="command-program-missing",
        severity="warning",
        what=f"`{one.section}.run` runs `{one.name}`, which is not on `PATH` here.",
        why="The command fails, here and on each runner that does not install it.",
        lines=lines,
        path=facts.config_path,
        line=_line(facts, one),
    )


def _requirements(facts: SetupFacts, brought: str) -> str:
    """Return what to do so that a runner installs the distributions too."""
    pins = facts.environment.pins
    if brought.split(maxsplit=1)[0] in pins:
        return f"in the workflow install {facts.environment.locks[0]}, which has it"
    text = next((name for name in facts.environment.locks if name.endswith(".txt")), "requirements.txt")
    return f"add to {text}: {', '.join(brought.split())}"


def _line(facts: SetupFacts, one: MissingName) -> int | None:
    return facts.loaded.lines.of(one.section, "run") if facts.loaded is not None else None


CHECKS = (check_commands,)
