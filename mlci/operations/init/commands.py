"""Training command: from ``dvc.yaml``, from files that contain it, or from the script's path."""

import re
from pathlib import PurePosixPath

from mlci.operations.init.inventory import Inventory


def script_command(inventory: Inventory, script: str, reads: list[str]) -> tuple[str, str, str]:
    """Return the command that runs a script, the folder that it runs in, and the reason.

    The folder is empty for that of the configuration.
    """
    if script.endswith(".ipynb"):
        home, name = PurePosixPath(script).parent.as_posix(), PurePosixPath(script).name
        call = f"jupyter nbconvert --to notebook --execute --stdout {name} > /dev/null"
        where = "" if home == "." else home
        return (f"cd {home} && {call}" if where else call), where, "a notebook runs in its own folder"
    if found := _written(inventory, script):
        return found[0], "", f"{found[1]} has it"
    home = PurePosixPath(script).parent.as_posix()
    if home != "." and _reads_beside(inventory, home, reads):
        name = PurePosixPath(script).name
        return f"cd {home} && python {name}", home, f"the files that {script} reads are in paths relative to {home}"
    return f"python {script}", "", f"{script} trains the model"


def _written(inventory: Inventory, script: str) -> tuple[str, str] | None:
    module = script.removesuffix(".py").replace("/", ".")
    names = rf"(?:{re.escape(script)}|-m {re.escape(module)})"
    pattern = re.compile(
        rf"(?:^|[\s\"'`&;:])(?:uv run |poetry run )?python3? (?:-u )?{names}((?: [\w./=-]+)*)", re.MULTILINE
    )
    for path, text in inventory.texts.items():
        for found in pattern.finditer(text):
            if "{" not in found[0] and "$" not in found[0] and path.rpartition("/")[0] in {"", ".github/workflows"}:
                run = re.sub(r"^(uv run |poetry run )?python3? ", "python ", found[0].strip(" \t\r\n\"'`&;:"))
                return run, path
    return None


def _reads_beside(inventory: Inventory, home: str, reads: list[str]) -> bool:
    plain = [path.removeprefix("./") for path in reads if "://" not in path and not path.startswith(("sklearn:", "/"))]
    return any(_joined(home, path) in inventory.files for path in plain) and not any(
        path in inventory.files for path in plain
    )


def _joined(home: str, path: str) -> str:
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
        if (found := _joined(place, path)) in inventory.files:
            return found
    name = PurePosixPath(path).name
    same = [file for file in inventory.tables if PurePosixPath(file).name == name]
    return same[0] if len(same) == 1 else None
