"""Workflows that `mlci init` writes: a job for the model at the top, a matrix of models, or the pair of sealed mode."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shlex import quote

from mlci.errors import yaml_value
from mlci.operations.doctor.workflows import WorkflowFile, WorkflowJob
from mlci.operations.doctor.yaml_nodes import read_nodes
from mlci.operations.init.inventory import Inventory
from mlci.operations.init.proposal import FileChange

WORKFLOW = ".github/workflows/mlci.yml"
TRAIN, GATE = ".github/workflows/mlci-train.yml", ".github/workflows/mlci-gate.yml"
COMMANDS = ".github/workflows/mlci-commands.yml"
SEALED_BASELINE = """\
# The model to compare with: the version that a workflow on the main branch promoted, kept in this repository:
# docs/how-to/workflows/promote-on-merge.md of mlci.
baseline: production
registry: github
"""
_FOLDER = "${{ matrix.folder }}"
_INSTALL = "run: python -m pip install --requirement requirements.txt"
_PYTHON = 'python-version: "3.13"'
_VERSION = ".python-version"
_NAME = "    name: model\n"
_MATRIX = """\
    name: ${{ matrix.model }}
    strategy:
      fail-fast: false # a blocked model does not cancel the others
      matrix:
        include: # one entry for each model; `mlci init` in another folder adds its own
"""
_INSTALL_OF_MATRIX = """\
if: matrix.install
        env:
          INSTALL: ${{ matrix.install }}
        run: bash -ec "$INSTALL\""""
_REASON = "runs mlci on pull requests"


@dataclass(frozen=True, kw_only=True)
class ModelJob:
    """What the job of a model needs.

    Attributes:
        model: Name of the model.
        folder: Folder of its configuration, from the top of the repository; empty at the top.
        install: Command, run at the top, that installs what training needs; ``None`` without one.
        python: File with the version of Python, from the top; ``None`` without one.
    """

    model: str
    folder: str
    install: str | None
    python: str | None

    @property
    def entry(self) -> dict[str, str]:
        """Entry of the matrix."""
        python = {"python": "" if self.python else "3.13", "python-file": self.python or ""}
        install = {"install": self.install} if self.install else {}
        return {"model": self.model, "folder": self.folder, **python, **install}


def model_job(inventory: Inventory, *, model: str, folder: str) -> ModelJob:
    """Return what the job of a model needs, by the files of its folder, or else of the top of the repository."""
    install = inventory.install or inventory.install_at_top
    if folder and inventory.install:
        install = f"cd {quote(folder)} && {install}"
    places = [(folder, inventory.files), ("", inventory.at_top)]
    python = next((f"{home}/{_VERSION}".lstrip("/") for home, files in places if _VERSION in files), None)
    return ModelJob(model=model, folder=folder, install=install, python=python)


def plan_workflow(template: str, job: ModelJob, existing: str | None) -> FileChange | None:
    """Return the change that has a workflow evaluate a model; ``None`` if the workflow at the top is kept as it is.

    A model in a folder becomes an entry in the matrix of the workflow. If the workflow that exists has no such matrix,
    the model gets a workflow of its own name, because workflows of one name share a concurrency group.

    Args:
        template: Text of ``templates/workflows/mlci.yml``.
        job: The model.
        existing: Text of the workflow; ``None`` if there is none.
    """
    if not job.folder:
        return None if existing is not None else _new(WORKFLOW, single_job_text(template, job))
    if existing is None:
        return _new(WORKFLOW, matrix_text(template, [job]))
    if any(one.step_with("models-plan") for one in WorkflowFile(WORKFLOW, existing).jobs):
        return None  # it finds the configuration by itself
    after = add_entry(existing, job)
    if after == existing:
        return None
    if after is not None:
        return FileChange(path=WORKFLOW, before=existing, after=after, reason=f"runs mlci for {job.folder}, too")
    name = f"mlci-{job.model}"
    text = matrix_text(template, [job]).replace("name: mlci\n", f"name: {yaml_value(name)}\n", 1)
    return _new(WORKFLOW.replace("mlci.yml", f"{name}.yml"), text)


def _new(path: str, text: str) -> FileChange:
    return FileChange(path=path, before=None, after=text, reason=_REASON)


def single_job_text(template: str, job: ModelJob) -> str:
    """Return a workflow with the Python and the installation that one model needs."""
    text = template if job.install else _without_step(template, "What training needs")
    if job.install:
        text = text.replace(
            _INSTALL, f"run: |\n          {job.install}" if '"' in job.install else f"run: {job.install}"
        )
    return text.replace(_PYTHON, f"python-version-file: {yaml_value(job.python)}") if job.python else text


def matrix_text(template: str, jobs: Sequence[ModelJob]) -> str:
    """Return the workflow with a matrix of models in folders; another model is added by one entry."""
    entries = "".join(f"{line}\n" for job in jobs for line in _entry_lines(job, indent=10))
    text = template.replace(_NAME, f"{_MATRIX}{entries}", 1)
    python = "python-version: ${{ matrix.python }}\n          python-version-file: ${{ matrix.python-file }}"
    text = text.replace(_PYTHON, python).replace(_INSTALL, _INSTALL_OF_MATRIX)
    return f"{text}        with:\n          working-directory: {_FOLDER}\n"


def _entry_lines(job: ModelJob, *, indent: int) -> Iterable[str]:
    first, *others = (f"{key}: {_value(value)}" for key, value in job.entry.items())
    return [" " * indent + f"- {first}", *(" " * (indent + 2) + line for line in others)]


def _value(text: str) -> str:
    return f'"{text}"' if re.fullmatch(r"[0-9.]+", text) else yaml_value(text)


def _without_step(text: str, name: str) -> str:
    """Return a workflow without one step of two lines."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.strip() == f"- name: {name}"), len(lines))
    return "\n".join([*lines[:start], *lines[start + 2 :]]) + "\n"


def add_entry(text: str, job: ModelJob) -> str | None:
    """Return a workflow with an entry for a model in its matrix of folders; ``None`` if it has no such matrix.

    A matrix that has the folder already stays as it is.
    """
    workflow = WorkflowFile(WORKFLOW, text)
    found = next((one for one in workflow.jobs if _is_matrix_of_folders(one)), None)
    entries = found.data["strategy"]["matrix"]["include"] if found else []
    if found is None or not entries:
        return None
    if any(entry["folder"] == job.folder for entry in entries):
        return text
    last = (*found.path, "strategy", "matrix", "include", len(entries) - 1)
    positions = workflow.nodes.positions
    line = max(position.line for path, position in positions.items() if path[: len(last)] == last)
    lines = text.splitlines(keepends=True)
    end = "\r\n" if "\r\n" in text else "\n"
    new = [f"{one}{end}" for one in _entry_lines(job, indent=positions[last].column - 2)]
    after = "".join([*lines[:line], *new, *lines[line:]])
    entries.append(job.entry)  # what the new text has to have, and nothing else
    return after if read_nodes(after).data == workflow.data else None


def _is_matrix_of_folders(job: WorkflowJob) -> bool:
    """Return whether each entry of a job's matrix names the folder in which mlci runs."""
    step = job.step_with("run")
    strategy = job.data.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, dict) else None
    entries = matrix.get("include") if isinstance(matrix, dict) else None
    return (
        step is not None
        and step.input("working-directory") == _FOLDER
        and isinstance(entries, list)
        and all(isinstance(entry, dict) and "folder" in entry for entry in entries)
    )


@dataclass(frozen=True, kw_only=True)
class SealedTemplates:
    """Texts of ``mlci-train.yml``, ``mlci-gate.yml`` and ``mlci-commands.yml`` in ``templates/workflows``."""

    train: str
    gate: str
    commands: str


def sealed_workflows(templates: SealedTemplates, job: ModelJob) -> list[FileChange]:
    """Return the two workflows and, for a model at the top, the one that answers commands in comments.

    The two of a model in a folder have its name in theirs. It has no third one: of several that answer comments, each
    would answer every command.
    """
    train, gate = single_job_text(templates.train, job), templates.gate
    places = [TRAIN, GATE]
    if job.folder:
        places = [place.replace(".yml", f"-{job.model}.yml") for place in places]
        folder = f"        with:\n          working-directory: {yaml_value(job.folder)}\n"
        name = yaml_value(f"mlci train {job.model}")
        train = train.replace("name: mlci train\n", f"name: {name}\n", 1) + folder
        gate = gate.replace("name: mlci gate\n", f"name: {yaml_value(f'mlci gate {job.model}')}\n", 1)
        gate = gate.replace("[mlci train]", f"[{name}]", 1) + f"{folder}          train-workflow: {places[0]}\n"
    reasons = ["trains on pull requests from anyone, without rights", "judges their predictions, on the main branch"]
    contents = [train, gate]
    if not job.folder:
        places, contents = [*places, COMMANDS], [*contents, templates.commands]
        reasons.append("answers /mlci waive, explain, run and promote in comments")
    texts = zip(places, contents, reasons, strict=True)
    return [FileChange(path=place, before=None, after=text, reason=reason) for place, text, reason in texts]
