"""On-ramp of a metrics file: one that exists, or one that `dvc.yaml` or a script names and training writes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from mlci.errors import InputError
from mlci.metrics import catalogue
from mlci.metrics.entries import Direction
from mlci.metrics.external import guess_direction, sklearn_metric
from mlci.operations.init.inventory import METRICS_NAME
from mlci.operations.init.margins import ProposedGate
from mlci.operations.init.pipeline import pipeline_metrics, stage_commands, stages_of_metrics
from mlci.operations.init.proposal import ConfigurationParts, Proposal, SetupAnswers
from mlci.operations.init.repository import Repository
from mlci.operations.init.scripts.addition import Task
from mlci.operations.init.scripts.metric_names import written_names
from mlci.operations.init.scripts.script_facts import ScriptFacts

_REGRESSION = ("rmse", "mse", "mae", "r2", "mape", "mean_squared_error", "mean_absolute_error", "r2_score")
_MOST_GATES = 5
_NOTE = "Without rows there are no intervals, no slices and no fairness: predictions of the test part would add them."


def propose_metrics(repository: Repository) -> Proposal | None:
    """Return the proposal for a metrics file; ``None`` without one.

    Raises:
        InputError: if the user named a file that is not one, or the names of its numbers are not known.
    """
    options, inventory = repository.options, repository.inventory
    declared = pipeline_metrics(inventory.pipeline)
    named = [path for path in declared if path in inventory.metrics]
    path = options.metrics or next(iter(named), None) or min(inventory.metrics, key=_nearness, default=None)
    if path is None:
        return _propose_unwritten(repository, declared)
    if path not in inventory.metrics:
        writer = _trainer(repository, path)
        if writer and (proposal := _propose_written(repository, path, writer.path, "given by --metrics")) is not None:
            return proposal
        raise InputError(f"--metrics {path}: no file with numbers is there; run your training once, then `mlci init`")
    by_name = "it has numbers, and its name is that of a metrics file"
    reason = "dvc.yaml names it" if path in named else by_name
    found = inventory.metrics[path]
    proposal = _propose(repository, path, found.values, reason, _trainer(repository, path))
    return replace(proposal, notes=(*proposal.notes, *(f"{path}: {words}." for words in found.assumed)))


def _propose_unwritten(repository: Repository, declared: Sequence[str]) -> Proposal | None:
    """Return the proposal for a file that training writes, by the names that a script gives its numbers."""
    stages = stages_of_metrics(repository.inventory.pipeline)
    commands = dict(stage_commands(repository.inventory.pipeline))
    writers = {path: _script_in(repository, commands.get(stages.get(path, ""), "")) for path in declared}
    found = [(path, script, "dvc.yaml names it") for path, script in writers.items() if script]
    for facts in repository.scripts:
        home = repository.training(facts)[1]
        paths = [
            item.path for item in facts.metrics if item.path and METRICS_NAME.search(PurePosixPath(item.path).stem)
        ]
        found += [(f"{home}/{path}" if home else path, facts.path, f"{facts.path} writes it") for path in paths]
    for path, script, reason in found:
        if (proposal := _propose_written(repository, path, script, reason)) is not None:
            return proposal
    if declared:
        raise _lacking(declared[0], stages.get(declared[0]), writers[declared[0]])
    return None


def _script_in(repository: Repository, command: str) -> str | None:
    return next((script for script in repository.inventory.scripts if script in command), None)


def _lacking(path: str, stage: str | None, script: str | None) -> InputError:
    """Return the error for a file that `dvc.yaml` names, and whose numbers no script names."""
    by = f", stage {stage} writes it" if stage else ""
    shows = f"{script} does not show the names of its numbers" if script else "no script shows the names of its numbers"
    return InputError(
        f"dvc.yaml names the metrics file {path}{by}, and it does not exist here; {shows}. Make it with "
        f"`dvc repro{f' {stage}' if stage else ''}`, or fetch it with `dvc pull`, then run `mlci init` again"
    )


def _propose_written(repository: Repository, path: str, script: str, reason: str) -> Proposal | None:
    names = written_names(repository.inventory.scripts[script])
    if not _total_gates(dict.fromkeys(names)):
        return None
    why = f"{reason}, and {script} shows the names of its numbers"
    facts = next((one for one in repository.scripts if one.path == script), None)
    return _propose(repository, path, dict.fromkeys(names), why, facts)


def _propose(
    repository: Repository, path: str, values: Mapping[str, float | None], reason: str, facts: ScriptFacts | None
) -> Proposal:
    options, answers = repository.options, SetupAnswers()
    model = answers.take("model", options.model, repository.model_name)
    answers.take("metrics", options.metrics, (path, reason))
    gates = _total_gates(values)
    if not gates:
        raise InputError(
            f"{path}: no name shows which way is better, as `accuracy` and `val_loss` do; write mlci.yml by hand: "
            "docs/how-to/start/gate-a-metrics-file.md"
        )
    task = options.task or _task(list(values))
    answers.take("task", options.task, (task, "the names of the metrics suggest it"))
    command, _, why = repository.training(facts)
    train = answers.take("train", options.train, (command, why) if command else None)
    answers.gates(gates)
    predict = {"metrics": path}
    parts = ConfigurationParts(model=model or "model", task=task, train=train, predict=predict, gates=tuple(gates))
    return Proposal(on_ramp="metrics", parts=parts, answers=tuple(answers.found), notes=(_NOTE,))


def _nearness(path: str) -> tuple[bool, int, str]:
    return "metric" not in path, path.count("/"), path


def _trainer(repository: Repository, path: str) -> ScriptFacts | None:
    """Return the script that writes a metrics file, or else the most likely training script."""
    name = PurePosixPath(path).name
    for facts in repository.scripts:
        if any(item.path and PurePosixPath(item.path).name == name for item in facts.metrics):
            return facts
    written = [facts for facts in repository.scripts if name in facts.text]
    if not written and any(name in repository.inventory.scripts.get(one, "") for one in repository.unread):
        return None  # the script that writes it can't be read, and another one does not make it
    return next(iter([*written, *(facts for facts in repository.scripts if facts.fits)]), None)


def _direction(name: str) -> Direction | None:
    found = catalogue.find(name) or sklearn_metric(name)
    return found.direction if found else None


def _total_gates(values: Mapping[str, float | None]) -> list[ProposedGate]:
    gates = []
    for name, value in values.items():
        direction = _direction(name.rpartition(".")[2]) or guess_direction(name, _direction)
        if direction == "none" or re.search(r"(^|[._])train", name) or f"val_{name}" in values:
            continue
        limit = "max_drop" if direction == "higher" else "max_rise"
        reason = "a guess: a metrics file does not show how far a number moves by chance"
        gates.append(ProposedGate(metric=name, limit=limit, value="0.02" if value == 0 else "2%", reason=reason))
    return gates[:_MOST_GATES]


def _task(names: list[str]) -> Task:
    words = {word for name in names for word in re.split(r"[._\s-]", name.lower())}
    regression = words & set(_REGRESSION) or any(name.lower().endswith(_REGRESSION) for name in names)
    return "regression" if regression else "binary"
