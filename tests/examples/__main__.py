"""``make examples``: run the commands of every example's README in a copy; ``--pictures`` draws their comments.

Arguments name examples; without them, all are run. Data that a script makes must be the same as the data in git.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.picture import ROOT, draw_comment
from tests.support.shell_blocks import Command, missing_outputs, read_commands, run_commands

EXAMPLES = ROOT / "examples"
OPT_IN = {"pytorch": ROOT / ".venv-pytorch" / "bin"}
"""Examples that are run by their names, or if the folder of the programs that they need exists."""


def main(arguments: list[str]) -> int:
    """Run examples, or draw their pictures; return 1 if a README differs from what its commands do."""
    pages = sorted(EXAMPLES.glob("*/README.md"))
    act = draw if "--pictures" in arguments else run
    installed = {page.parent.name for page in pages if OPT_IN.get(page.parent.name, EXAMPLES).exists()}
    named = set(arguments) - {"--pictures"} or installed
    return max(act(page) for page in pages if page.parent.name in named)


def run(page: Path) -> int:
    """Run the commands of a README, print the time, and what differs."""
    text = page.read_text("utf-8")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mlci-example-") as folder:
        copy_examples(Path(folder))
        stale = changed_data(Path(folder) / "examples" / page.parent.name, page.parent)
        missing = missing_outputs(text, _run(read_commands(text), Path(folder), page))
    sys.stdout.write(f"{page.parent.name}: {time.monotonic() - begun:.0f} s\n")
    for block in missing:
        sys.stdout.write(f"{page}: the commands do not print\n{block}\n")
    for name in stale:
        sys.stdout.write(f"{page.with_name(name)}: its script makes another file\n")
    return int(bool(missing or stale))


def _run(commands: list[Command], folder: Path, page: Path) -> str:
    return run_commands(commands, folder, folder, programs=OPT_IN.get(page.parent.name))


def copy_examples(folder: Path) -> None:
    """Copy the examples into an empty folder, as a clone has them."""
    shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns(".mlci", "__pycache__"))


def changed_data(copy: Path, original: Path) -> list[str]:
    """Return the names of tables that ``make_data.py`` makes differently, if an example has it."""
    if not (copy / "make_data.py").exists():
        return []
    subprocess.run([sys.executable, "make_data.py"], cwd=copy, check=True)
    tables = sorted([*copy.glob("*.csv"), *copy.glob("*.jsonl")])
    return [table.name for table in tables if table.read_bytes() != (original / table.name).read_bytes()]


def draw(page: Path) -> int:
    """Draw the comment of the change that is blocked, beside the README."""
    commands = read_commands(page.read_text("utf-8"))
    [blocked] = [number for number, command in enumerate(commands, 1) if command.code == 1]
    with tempfile.TemporaryDirectory(prefix="mlci-example-") as folder:
        copy_examples(Path(folder))
        _run(commands[:blocked], Path(folder), page)
        [comment] = [path for path in Path(folder).rglob("comment.md") if ".mlci" in path.parts]
        draw_comment(comment.read_text("utf-8"), page.with_name("comment.png"), scale=1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
