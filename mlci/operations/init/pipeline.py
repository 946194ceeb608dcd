"""Stages of `dvc.yaml`: their commands in the order of their dependencies, their outputs and metrics files."""

import re
from collections.abc import Iterator, Mapping

_TEMPLATE = re.compile(r"\$\{")


def stage_commands(pipeline: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the name and command of each stage of ``dvc.yaml``, each after the stages whose outputs it needs."""
    stages = pipeline.get("stages")
    known = (
        {name: stage for name, stage in stages.items() if isinstance(stage, dict)} if isinstance(stages, dict) else {}
    )
    made = {path: name for name, stage in known.items() for path in _paths(stage, "outs", "metrics", "plots")}
    ordered: dict[str, str] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in ordered or name in above:
            return
        for path in _paths(known[name], "deps"):
            source = made.get(path) or next((stage for out, stage in made.items() if path.startswith(f"{out}/")), None)
            if source:
                visit(source, (*above, name))
        command = known[name].get("cmd")
        ordered[name] = "\n".join(map(str, command)) if isinstance(command, list) else str(command or "")

    for name in known:
        visit(name, ())
    return [(name, command) for name, command in ordered.items() if command]


def _paths(stage: Mapping[str, object], *keys: str) -> Iterator[str]:
    for key in keys:
        listed = stage.get(key)
        entries: list[object] = listed if isinstance(listed, list) else []
        for entry in entries:
            yield from map(str, entry) if isinstance(entry, dict) else (str(entry),)


def pipeline_metrics(pipeline: Mapping[str, object]) -> list[str]:
    """Return the metrics files that ``dvc.yaml`` names."""
    stages = pipeline.get("stages")
    parts = [part for part in stages.values() if isinstance(part, dict)] if isinstance(stages, dict) else []
    return [path for part in [pipeline, *parts] for path in _paths(part, "metrics")]


def stages_of_metrics(pipeline: Mapping[str, object]) -> dict[str, str]:
    """Return the stages of ``dvc.yaml`` by the metrics files that they write."""
    stages = pipeline.get("stages")
    known = stages.items() if isinstance(stages, dict) else ()
    return {path: name for name, stage in known if isinstance(stage, dict) for path in _paths(stage, "metrics")}


def pipeline_command(pipeline: Mapping[str, object]) -> str | None:
    """Return the command that runs every stage; ``dvc repro`` if stages have templates; ``None`` without stages."""
    stages = stage_commands(pipeline)
    if not stages:
        return None
    if any(_TEMPLATE.search(command) for _, command in stages):
        return "dvc repro"
    return "\n".join(command.strip() for _, command in stages)


def stage_outputs(pipeline: Mapping[str, object]) -> frozenset[str]:
    """Return the files and folders that the stages of ``dvc.yaml`` write."""
    stages = pipeline.get("stages")
    parts = [part for part in stages.values() if isinstance(part, dict)] if isinstance(stages, dict) else []
    return frozenset(path for part in parts for path in _paths(part, "outs", "metrics", "plots"))
