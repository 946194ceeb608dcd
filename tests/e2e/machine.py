"""The environment of steps on the machine that runs the tests, and the folder of results to look at."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".e2e"
ACT = ROOT / ".tools" / "bin" / "act"
TOOLS = KEPT / "cache" / "bin"
STANDINS = Path(__file__).parent / "standins"
OURS = "mlci/mlci"
_SAME_COMMIT = re.compile(r"uses: \$/(\S+)")  # an action beside the workflow; act knows no such word
_NOT_HANDED_ON = re.compile(
    r"(GITHUB|ACTIONS|RUNNER|MLCI|PYTHON|PYTEST|VIRTUAL_ENV|CI$|HOME$|XDG_|GIT_(DIR|WORK_TREE|INDEX))"
)


def environment(home: Path, *, uv: bool = True) -> dict[str, str]:
    """The machine's environment, without what belongs to this process, a workflow around it, or a person's home.

    With ``uv``, the one of the tests is found on PATH; without, an action has to install its own.
    """
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not _NOT_HANDED_ON.match(name)}
    path = os.pathsep.join([*([str(TOOLS)] if uv else []), kept["PATH"]])
    return kept | {"HOME": str(home), "PATH": path, "NO_COLOR": "1", "UV_CACHE_DIR": str(KEPT / "cache" / "uv")}


def checkout() -> Path:
    """The folder that stands for this repository as an action's user gets it."""
    return KEPT / "cache" / "checkout"


def make_checkout() -> None:
    """Copy what git holds or would hold, and nothing else; and show uv and gh's stand-in where steps find them."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    for tool in (Path(sys.executable).with_name("uv"), STANDINS / "gh"):
        (TOOLS / tool.name).unlink(missing_ok=True)
        (TOOLS / tool.name).symlink_to(tool)
    shutil.rmtree(checkout(), ignore_errors=True)
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        source, copy = ROOT / name, checkout() / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    for path in checkout().glob(".github/workflows/*.yml"):
        path.write_text(_SAME_COMMIT.sub(rf"uses: {OURS}/\1@this-commit", path.read_text("utf-8")), "utf-8")
