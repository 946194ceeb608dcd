"""Make the registry of this folder: run once, by the mlci of commit 73617a1, and not since.

``python -m tests.registry.written_by_73617a1.make FOLDER`` in a checkout of that commit leaves ``FOLDER/registry`` and
``FOLDER/out``. Commits have fixed dates and authors, so that :func:`repository` makes the same ones at any time.
"""

import datetime as dt
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

MODEL = "planted"
CONFIG = """\
model: planted
task: binary
registry: .mlci/registry
evaluation:
  data: holdout.csv
  key: id
  label: y
  positive: 1
train:
  run: python3 -I -S train.py
  model: model.txt
predict:
  run: python3 -I -S predict.py
  decision: p
baseline: production
gates:
  - {metric: accuracy, max_drop: 0.05}
"""
TRAIN = """\
import os
k = open("k.txt").read().strip()
open(os.environ.get("MLCI_MODEL", "model.txt"), "w").write(k)
"""
PREDICT = """\
import csv, os
k = int(open(os.environ.get("MLCI_MODEL", "model.txt")).read())
rows = list(csv.DictReader(open(os.environ["MLCI_DATA"])))
with open(os.environ["MLCI_PREDICTIONS"], "w") as out:
    out.write("id,p\\n")
    for row in rows:
        wrong = int(row["id"]) % 10 < k
        out.write(f"{row['id']},{1 - int(row['x']) if wrong else int(row['x'])}\\n")
"""
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "2025-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2025-01-01T00:00:00Z",
}


def holdout(first: int) -> str:
    """Return 60 rows, whose feature is their label."""
    rows = [f"{number},{number // 10 % 2},{number // 10 % 2}" for number in range(first, first + 60)]
    return "\n".join(["id,x,y", *rows]) + "\n"


FIRST = {
    ".gitignore": ".mlci/\nmodel.txt\n",
    "mlci.yml": CONFIG,
    "train.py": TRAIN,
    "predict.py": PREDICT,
    "holdout.csv": holdout(0),
    "k.txt": "4",
}
COMMITS = (FIRST, {"k.txt": "3"}, {"k.txt": "2", "holdout.csv": holdout(100)}, {"k.txt": "1"})
"""What each commit changes. The model ``k`` is wrong on k rows of ten."""


def git(folder: Path, *words: str) -> None:
    """Run git without any settings of this machine."""
    subprocess.run(["git", *words], cwd=folder, env={**os.environ, **GIT}, check=True, capture_output=True)


def repository(folder: Path, *, commits: int = len(COMMITS)) -> Path:
    """Make the project up to one of its commits; hashes are always the same."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    for number in range(1, commits + 1):
        commit(folder, number)
    return folder


def commit(folder: Path, number: int) -> None:
    """Make one commit."""
    for name, text in COMMITS[number - 1].items():
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", f"commit {number}")


class _Clock(dt.datetime):
    """Every entry is a minute after the one before, in 2025."""

    minutes = 0

    @classmethod
    def now(cls, tz=None):
        cls.minutes += 1
        return cls(2025, 1, 1, tzinfo=tz) + dt.timedelta(minutes=cls.minutes)


def mlci(*words: str) -> None:
    """Run a command as the installed program would."""
    from mlci.cli.shell import guarded  # noqa: PLC0415

    from mlci.cli import group  # noqa: PLC0415

    code = guarded(lambda: group.main(args=list(words), prog_name="mlci", standalone_mode=False))
    if code != 0:
        raise SystemExit(f"mlci {' '.join(words)}: exit code {code}")


def main(target: Path) -> None:
    """Make it."""
    import mlci.cli.registry as wiring  # noqa: PLC0415

    wiring.datetime = _Clock
    platform.platform = lambda *_, **__: "Linux"
    os.environ.update({**GIT, "GITHUB_ACTOR": "ada"})
    project = target.absolute() / "project"
    os.chdir(repository(project, commits=1))

    mlci("run", "--record")
    mlci("promote", "--note", "the first one")
    commit(project, 2)
    mlci("run", "--record")
    mlci("promote")
    commit(project, 3)
    mlci("run", "--record")  # scores version 2 on the new rows
    mlci("promote")
    mlci("reproduce", "3", "-k", "2", "--environment", "job")
    mlci("rollback", "--reason", "scores drift")
    commit(project, 4)
    mlci("run", "--record")  # scores version 2 again, for a roll-back forgets what was added
    shutil.copytree(".mlci/registry", target / "registry")
    shutil.copytree(".mlci/out", target / "out", ignore=shutil.ignore_patterns("*.html", "*.xml", "*.md", "*.log"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
