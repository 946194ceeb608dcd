"""Two jobs of a workflow, one that trains and one that promotes, with code that leaves a mark when it runs."""

import copy
import shutil
from pathlib import Path

from tests.support.project import PREDICT, TRAIN, run
from tests.support.registry.lifecycle import files, promote, promote_run, repository
from tests.support.repository import commit, git

MARK = 'import os\nopen(os.environ["RAN"], "a").write(__file__ + "\\n")\n'
METRIC = MARK + "def hits(y_true, y_pred):\n    return float((y_true == y_pred).mean())\n"
OWN = "  - {metric: 'own:hits', min: 0.5}\n"
AGAIN = "Re-run all jobs"


def write_marks(k, **changes):
    """Return a project whose train and predict step and metric leave a mark when they run."""
    more = {"predict.py": MARK + PREDICT, "train.py": MARK + TRAIN, "own.py": METRIC}
    return {**files(k, **changes), **more}


class Jobs:
    """Two jobs of a workflow on one checkout."""

    def __init__(self, folder, **changes):
        self.move_to(folder)
        repository(folder, 3)
        commit(folder, write_marks(3, **changes))
        self.retrain()
        assert self.promote().code == 0

    def move_to(self, folder):
        self.folder, self.ran = folder, folder.parent / "ran.log"
        self.environment = {"RAN": str(self.ran), "GITHUB_ACTIONS": "true"}

    def copied(self, folder):
        """Return the same jobs on a copy of the checkout and its registry."""
        other = copy.copy(self)
        other.move_to(Path(shutil.copytree(self.folder, folder)))
        return other

    def retrain(self):
        ended = run(self.folder, **self.environment)
        assert ended.report["verdict"], ended.err
        return ended

    def promote(self, *more):
        """Promote; no code of the user may have run."""
        self.ran.unlink(missing_ok=True)
        ended = promote(self.folder, *more, **self.environment)
        assert not self.ran.exists(), self.ran.read_text()
        return ended

    def promoted_meanwhile(self, k):
        """Promote another commit while this checkout's bundle waits."""
        out, aside = self.folder / ".mlci/out", self.folder / ".mlci/aside"
        out.rename(aside)
        before = git(self.folder, "rev-parse", "HEAD")
        git(self.folder, "checkout", "--quiet", "-b", f"other{k}", "HEAD~1")
        commit(self.folder, {"k.txt": str(k), "other": "x"})
        number = promote_run(self.folder, RAN=str(self.ran))
        git(self.folder, "checkout", "--quiet", before)
        out.rename(self.folder / f".mlci/done{k}")
        aside.rename(out)
        return number


def assert_refused(ended):
    assert ended.code == 1, ended.err
    assert ended.report["promoted"] is False
    return ended.report["refused"]
