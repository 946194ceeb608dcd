"""Command that runs a training script: that of the repository's own texts, or one in the folder that its paths need."""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath
from shlex import quote

from mlci.operations.init.inventory import Inventory
from mlci.operations.init.pipeline import pipeline_command, stage_commands, stage_outputs
from mlci.operations.init.scripts.script_facts import ScriptFacts

STAGES_REASON = "the stages of dvc.yaml, each after those it depends on"


def training_command(inventory: Inventory, scripts: Sequence[ScriptFacts], facts: ScriptFacts) -> tuple[str, str, str]:
    """Return the command that runs a script after those that write what it loads, its folder, and the reason.

    The folder is that of the script's relative paths, empty for that of the configuration.

    Args:
        inventory: Files of the repository.
        scripts: Scripts that may write what this one loads.
        facts: The script.
    """
    pipeline = pipeline_command(inventory.pipeline)
    if pipeline and any(facts.path in command for _, command in stage_commands(inventory.pipeline)):
        return pipeline, "", STAGES_REASON
    command, home, reason = _of(inventory, facts)
    before: dict[str, str] = {}
    for one, why in _before(inventory, scripts, facts, frozenset()):
        before.setdefault(f"({one})" if one.startswith("cd ") else one, why)
    return "\n".join([*before, command]), home, "; ".join([reason, *before.values()])


def _of(inventory: Inventory, facts: ScriptFacts) -> tuple[str, str, str]:
    return script_command(inventory, facts.path, facts.reads, facts.imports)


def _before(
    inventory: Inventory, scripts: Sequence[ScriptFacts], facts: ScriptFacts, seen: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield the commands that write the models and tables that a script needs, each with the reason."""
    seen |= {facts.path}
    home = _of(inventory, facts)[1]
    models = {join_paths(home, path) for path in facts.loads}
    absent = {join_paths(home, path) for path in facts.reads} - inventory.files
    if made := (models | absent) & stage_outputs(inventory.pipeline):
        pipeline = pipeline_command(inventory.pipeline) or ""
        yield pipeline, f"{facts.path} reads {min(made)}, which dvc.yaml makes"
        models, absent = models - made, absent - made
    for other in scripts:
        command, place, _ = _of(inventory, other)
        saved = {join_paths(place, item.path) for item in other.saved if item.path}
        tables = {join_paths(place, item.path) for item in other.tables if item.path}
        made = (models & saved) | (absent & tables)
        if made and other.path not in seen:
            yield from _before(inventory, scripts, other, seen)
            yield command, f"{facts.path} loads {min(made)}, which {other.path} writes"
            models, absent = models - made, absent - made


def script_command(
    inventory: Inventory, script: str, reads: Sequence[str], imports: Collection[str] = ()
) -> tuple[str, str, str]:
    """Return the command that runs a script alone, the folder that it runs in, and the reason.

    Args:
        inventory: Files of the repository.
        script: Path of the script.
        reads: Files that it reads, relative to the folder in which it runs.
        imports: Names of the modules that it imports, without what follows a dot; relative ones begin with a dot.
    """
    if script.endswith(".ipynb"):
        home, name = PurePosixPath(script).parent.as_posix(), PurePosixPath(script).name
        call = f"jupyter nbconvert --to notebook --execute --stdout {quote(name)} > /dev/null"
        where = "" if home == "." else home
        return (f"cd {quote(home)} && {call}" if where else call), where, "a notebook runs in its own folder"
    home = PurePosixPath(script).parent.as_posix()
    if found := _written(inventory, script):
        return _as_module(inventory, script, imports, found[0]) or (found[0], "", f"{found[1]} has it")
    if home != "." and _reads_beside(inventory, home, reads):
        return (
            f"cd {quote(home)} && {_inside(script, imports)}",
            home,
            f"the files that {script} reads are in paths relative to {home}",
        )
    plain = f"python {quote(script)}"
    return _as_module(inventory, script, imports, plain) or (plain, "", f"{script} trains the model")


def _as_module(
    inventory: Inventory, script: str, imports: Collection[str], command: str
) -> tuple[str, str, str] | None:
    """Return the command with `-m`, if the script imports modules from the top of the repository; else ``None``."""
    home, plain = PurePosixPath(script).parent.as_posix(), f"python {quote(script)}"
    parts = script.removesuffix(".py").split("/")
    found = [name for name in sorted(imports) if _has_module(inventory, "", name)]
    needed = [name for name in found if not _has_module(inventory, f"{home}/", name)]
    relative = _relative(imports)
    if home == "." or not (needed or relative) or not command.startswith(plain) or not _is_module(parts):
        return None
    run = f"python -m {'.'.join(parts)}{command.removeprefix(plain)}"
    if relative:
        return run, "", f"{script} imports {relative}, which Python finds only if the script runs as a module"
    return run, "", f"{script} imports {needed[0]}, which is at the top"


def _inside(script: str, imports: Collection[str]) -> str:
    """Return the command that runs a script in its own folder; as a module of its package if it imports relatively."""
    *folders, name = script.split("/")
    parts = [*folders, name.removesuffix(".py")]
    if not (_relative(imports) and _is_module(parts)):
        return f"python {quote(name)}"
    return f"PYTHONPATH={'/'.join('..' for _ in folders)} python -m {'.'.join(parts)}"


def _relative(imports: Collection[str]) -> str | None:
    return min((name for name in imports if name.startswith(".")), default=None)


def _is_module(parts: Sequence[str]) -> bool:
    return all(part.isidentifier() for part in parts)


def _has_module(inventory: Inventory, folder: str, name: str) -> bool:
    start = f"{folder}{name}"
    return f"{start}.py" in inventory.files or any(
        path.startswith(f"{start}/") and path.endswith(".py") for path in inventory.files
    )


def _written(inventory: Inventory, script: str) -> tuple[str, str] | None:
    module = script.removesuffix(".py").replace("/", ".")
    names = rf"(?:{re.escape(quote(script))}|-m {re.escape(quote(module))})"
    pattern = re.compile(
        rf"(?:^|[\s\"'`&;:])(?:uv run |poetry run )?python3? (?:-u )?{names}((?: [\w./=-]+)*)", re.MULTILINE
    )
    for path, text in inventory.texts.items():
        for found in pattern.finditer(text):
            if "{" not in found[0] and "$" not in found[0] and path.rpartition("/")[0] in {"", ".github/workflows"}:
                run = re.sub(r"^(uv run |poetry run )?python3? ", "python ", found[0].strip(" \t\r\n\"'`&;:"))
                return run, path
    return None


def _reads_beside(inventory: Inventory, home: str, reads: Sequence[str]) -> bool:
    plain = [path.removeprefix("./") for path in reads if "://" not in path and not path.startswith(("sklearn:", "/"))]
    return any(join_paths(home, path) in inventory.files for path in plain) and not any(
        path in inventory.files for path in plain
    )


def join_paths(home: str, path: str) -> str:
    """Return the path of a file that a script names, from the folder of the configuration."""
    parts: list[str] = []
    for part in [*PurePosixPath(home).parts, *PurePosixPath(path).parts]:
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def resolve_read(inventory: Inventory, path: str, home: str) -> str | None:
    """Return the file of the inventory that a script reads in its folder; ``None`` if it does not exist."""
    for place in (home, ""):
        if (found := join_paths(place, path)) in inventory.files:
            return found
    name = PurePosixPath(path).name
    same = [file for file in inventory.tables if PurePosixPath(file).name == name]
    return same[0] if len(same) == 1 else None
