"""Texts that `mlci init` writes: ``mlci.yml``, the workflow and the lines of ``.gitignore``."""

import re
from collections.abc import Sequence

from mlci.errors import yaml_value
from mlci.operations.init.inventory import Inventory
from mlci.operations.init.proposal import ConfigurationParts

SCHEMA = "https://raw.githubusercontent.com/mlci/mlci/main/mlci/config/schema.json"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?|true|false", re.IGNORECASE)
_OF_BRANCH = """\
# The model to compare with: the one that the main branch makes, trained again in the same run.
# To compare with the version that `mlci promote` put into production: docs/how-to/promote-on-merge.md of mlci.
baseline: {{ref: {branch}}}
"""
_OF_REGISTRY = """\
# The model to compare with: the version that `mlci promote` put into production, kept in .mlci/registry.
# Once this file is on the main branch of a git repository, write `baseline: {ref: main}`, which trains that branch too.
baseline: production
"""


def configuration_text(parts: ConfigurationParts, *, branch: str | None) -> str:
    """Return the text of ``mlci.yml``.

    Args:
        parts: The settings.
        branch: Branch whose model is the baseline; ``None`` takes production's.
    """
    lines = [
        f"# yaml-language-server: $schema={SCHEMA}",
        f"model: {yaml_value(parts.model)}",
        f"task: {parts.task}",
        *_evaluation(parts),
        *_train(parts),
        f"predict: {{{', '.join(f'{key}: {yaml_value(value)}' for key, value in parts.predict.items())}}}",
    ]
    baseline = _OF_REGISTRY if branch is None else _OF_BRANCH.format(branch=yaml_value(branch))
    return "\n".join(lines) + "\n" + baseline + "\n".join(_gates(parts)) + "\n"


def _evaluation(parts: ConfigurationParts) -> list[str]:
    if parts.data is None:
        return []
    lines = ["evaluation:", f"  data: {yaml_value(parts.data)}"]
    lines += [f"  key: {yaml_value(parts.key)}"] if parts.key else []
    lines.append(f"  label: {yaml_value(parts.label or '')}")
    lines += [f"  positive: {scalar(parts.positive)}"] if parts.positive is not None else []
    lines += [f"  slices: [{', '.join(map(yaml_value, parts.slices))}]"] if parts.slices else []
    return lines


def scalar(value: str) -> str:
    """Return a cell's text as YAML: numbers and truth values plain, texts quoted where they need it."""
    return value if _NUMBER.fullmatch(value) else yaml_value(value)


def _train(parts: ConfigurationParts) -> list[str]:
    if parts.train is None:
        return []
    command = parts.train.splitlines()
    run = (
        ["  run: |", *(f"    {line}" for line in command)] if len(command) > 1 else [f"  run: {_command(parts.train)}"]
    )
    return ["train:", *run, *([f"  model: {yaml_value(parts.artifact)}"] if parts.artifact else [])]


def _command(text: str) -> str:
    return text if re.fullmatch(r"[\w./=][\w ./=&>-]*", text) and not text.endswith(" ") else yaml_value(text)


def _gates(parts: ConfigurationParts) -> list[str]:
    lines = ["gates:"]
    for gate in parts.gates:
        each = f", each: {yaml_value(gate.each)}" if gate.each else ""
        lines += [f"  # {gate.reason}", f"  - {{metric: {yaml_value(gate.metric)}{each}, {gate.limit}: {gate.value}}}"]
    return lines


def workflow_text(template: str, inventory: Inventory, *, folder: str = "") -> str:
    """Return the workflow for a repository: the template with the Python and the installation that it needs.

    Args:
        template: Text of ``templates/workflows/mlci.yml``.
        inventory: What the repository has.
        folder: Folder of the configuration, from the top of the repository; empty at the top.
    """
    lines = template.splitlines()
    found = inventory.install
    text = "\n".join(lines if found else _without_step(lines, "What training needs")) + "\n"
    if found:
        text = text.replace("run: python -m pip install --requirement requirements.txt", f"run: {found[1]}")
        text = text.replace(f"run: {found[1]}", f"run: |\n          {found[1]}") if '"' in found[1] else text
    if ".python-version" in inventory.files:
        text = text.replace('python-version: "3.13"', "python-version-file: .python-version")
    if folder:
        text = text.replace("        run: ", f"        working-directory: {folder}\n        run: ")
        text += f"        with:\n          working-directory: {folder}\n"
    return text


def _without_step(lines: Sequence[str], name: str) -> list[str]:
    """Return the lines of a workflow without one step of two lines."""
    start = next((i for i, line in enumerate(lines) if line.strip() == f"- name: {name}"), len(lines))
    return [*lines[:start], *lines[start + 2 :]]


def ignored_text(before: str | None, made: Sequence[str]) -> str | None:
    """Return ``.gitignore`` with the lines that mlci needs; ``None`` if it has them all."""
    present = {line.strip().strip("/") for line in (before or "").splitlines()}
    missing = [line for line in (".mlci/", *made) if line.strip("/") not in present]
    if not missing:
        return None
    start = before or ""
    start += "" if not start or start.endswith("\n") else "\n"
    return start + "\n".join(missing) + "\n"
