"""Baselines from a commit: trained in a worktree, cached, and never mixed up with the candidate."""

import os
import sys
from pathlib import Path

import pytest

from mlci.errors import StepError
from mlci.execution.stages import Command, run_prediction, run_training
from mlci.git.baseline_cache import BaselineCache, cache_key
from mlci.git.ref_baseline import make_baseline
from tests.support.recording import runner
from tests.support.repository import ENVIRONMENT, commit, git, init, open_git

TRAIN = """
import os, pathlib
import model
workspace = pathlib.Path(os.environ.get("GITHUB_WORKSPACE", "."))
pathlib.Path(os.environ["MLCI_MODEL"]).write_text(f"{model.SCORE} {(workspace / 'offset').read_text()}")
"""
PREDICT = """
import os, pathlib
score = pathlib.Path(os.environ["MLCI_MODEL"]).read_text().split()[0]
rows = pathlib.Path(os.environ["MLCI_DATA"]).read_text().split()[1:]
text = "id,score\\n" + "".join(f"{row},{score}\\n" for row in rows)
pathlib.Path(os.environ["MLCI_PREDICTIONS"]).write_text(text)
"""
RUN = f"{sys.executable} -S"


@pytest.fixture
def regressed(tmp_path):
    """A repository whose main scores 0.9 and whose checkout, planted with every trap, scores 0.1."""
    folder = init(tmp_path / "repository")
    files = {
        "train.py": TRAIN,
        "predict.py": PREDICT,
        "model.py": "SCORE = 0.9\n",
        "offset": "main",
        ".gitignore": "m.bin\n",
    }
    commit(folder, files)
    git(folder, "switch", "--quiet", "--create", "change")
    commit(folder, {"model.py": "SCORE = 0.1\n", "offset": "change"})
    (folder / "m.bin").write_text("0.1 change")
    return folder


def made_by(calls, rows="1 2 3"):
    """Return what trains and predicts, as a use case would write it."""

    def make(worktree, into):
        calls.append(worktree.commit)

        def features(folder):
            (folder / "features.csv").write_text("\n".join(["id", *rows.split()]))
            return folder / "features.csv"

        def command(run, name):
            return Command(
                run=f"{RUN} {run}", folder=worktree.folder, name=f"baseline {name}", env=worktree.environment
            )

        steps = runner(environment={**ENVIRONMENT, **worktree_trap(worktree)})
        trained = run_training(steps, command("train.py", "train"), model="m.bin")
        scored = run_prediction(
            steps, command("predict.py", "predict"), scratch=into / "work", features=features, model=trained.output
        )
        scored.output.replace(into / "predictions.csv")
        return {"model": trained.output.read_text(), "train_seconds": trained.seconds}

    return make


def worktree_trap(worktree):
    """The candidate's variables, as GitHub sets them; the worktree's own have to win."""
    return {"GITHUB_WORKSPACE": os.environ["TRAP"], "PYTHONPATH": os.environ["TRAP"]}


def by_ref(folder, calls, tmp_path, **more):
    into = Path(tmp_path / f"into{len(list(tmp_path.iterdir()))}")
    parts = {
        "into": into,
        "config": "c",
        "evaluation": "e",
        "version": "1",
        "cache": BaselineCache(root=tmp_path / "cache"),
    }
    make = more.pop("make", None) or made_by(calls)
    trap = open_git(folder, GITHUB_WORKSPACE=str(folder), PYTHONPATH=str(folder))
    return make_baseline(trap, more.pop("ref", "main"), make, **{**parts, **more})


@pytest.fixture(autouse=True)
def _trap(regressed, monkeypatch):
    monkeypatch.setenv("TRAP", str(regressed))


def test_make_baseline__is_never_the_candidate(regressed, tmp_path):
    calls = []
    found = by_ref(regressed, calls, tmp_path)
    assert (found.folder / "predictions.csv").read_text() == "id,score\n1,0.9\n2,0.9\n3,0.9\n"
    assert found.facts["model"] == "0.9 main"
    assert (found.commit, found.cached, found.same_commit) == (git(regressed, "rev-parse", "main"), False, False)
    assert (regressed / "m.bin").read_text() == "0.1 change"
    assert git(regressed, "worktree", "list", "--porcelain").count("worktree ") == 1


def test_make_baseline__once_for_each_commit_configuration_and_rows(regressed, tmp_path):
    calls = []

    def baseline(*arguments, **more):
        return by_ref(*arguments, make=make, **more)

    def make(worktree, into):
        calls.append(worktree.commit)
        (into / "predictions.csv").write_text((worktree.root / "model.py").read_text())
        return {"train_seconds": 0.1}

    first = baseline(regressed, calls, tmp_path)
    again = baseline(regressed, calls, tmp_path)
    assert (again.cached, again.facts, len(calls)) == (True, first.facts, 1)
    assert (again.folder / "predictions.csv").read_bytes() == (first.folder / "predictions.csv").read_bytes()
    for part in ("config", "evaluation", "version"):
        assert not baseline(regressed, calls, tmp_path, **{part: "other"}).cached
    assert not baseline(regressed, calls, tmp_path, ref="change").cached
    assert not baseline(regressed, calls, tmp_path, cache=None).cached
    assert len(calls) == 6


def test_make_baseline__changed_evaluation_set(regressed, tmp_path):
    calls = []
    by_ref(regressed, calls, tmp_path)
    found = by_ref(regressed, calls, tmp_path, evaluation="e2", make=made_by(calls, "7 8"))
    assert (found.folder / "predictions.csv").read_text() == "id,score\n7,0.9\n8,0.9\n"


def test_make_baseline__damaged_cache_entry(regressed, tmp_path):
    calls = []
    by_ref(regressed, calls, tmp_path)
    key = cache_key(commit=calls[0], config="c", evaluation="e", version="1")
    (tmp_path / "cache" / key / "files/predictions.csv").write_text("id,score\n1,0.0\n")
    found = by_ref(regressed, calls, tmp_path)
    assert not found.cached
    assert "predictions.csv does not match" in found.notes[0]
    assert "0.9" in (found.folder / "predictions.csv").read_text()


def test_make_baseline__committed_cache_is_not_used(regressed, tmp_path):
    calls = []
    inside = regressed / ".mlci/cache"
    assert not by_ref(regressed, calls, tmp_path, cache=BaselineCache(root=inside)).cached
    assert by_ref(regressed, calls, tmp_path, cache=BaselineCache(root=inside)).cached
    git(regressed, "add", "--force", ".mlci/cache")
    git(regressed, "commit", "--quiet", "--message", "plant")
    found = by_ref(regressed, calls, tmp_path, cache=BaselineCache(root=inside))
    assert not found.cached
    assert found.notes == (
        "the folder cache was not used as a cache: git tracks files in it, which a commit can plant",
    )


def test_make_baseline__same_commit(regressed, tmp_path):
    found = by_ref(regressed, [], tmp_path, ref="change")
    assert found.same_commit
    assert found.facts["model"] == "0.1 change"
    assert "the same commit" in found.notes[0]


def test_make_baseline__failing_step(regressed, tmp_path):
    commit(regressed, {"train.py": "raise SystemExit('no data/train.csv')\n"})
    with pytest.raises(StepError) as raised:
        by_ref(regressed, [], tmp_path, ref="change")
    text = str(raised.value)
    assert text.startswith(
        f"the baseline of `ref: change` ({git(regressed, 'rev-parse', 'HEAD')[:7]}) could not be made: "
    )
    assert "    no data/train.csv" in text
    assert "files that are not in git" in text
    assert not (tmp_path / "cache").exists()
    assert git(regressed, "worktree", "list", "--porcelain").count("worktree ") == 1
