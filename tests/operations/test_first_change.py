"""The change that adds mlci to a repository: its baseline `ref` is a commit without a configuration."""

import pytest

from tests.support.project import files, run
from tests.support.registry.lifecycle import IGNORED
from tests.support.repository import commit, git, init, start_branch

TRAINS_ONLY = "print('trained')\n"
NOTE = "no baseline yet: main has no mlci.yml of this model, and nothing there to compare with"
METRICS = """\
model: auto
task: binary
train: {run: "python train.py", timeout: 5m}
predict: {metrics: metrics.json}
baseline: {ref: main}
gates:
  - {metric: auc, max_drop: 0.1}
"""


def commit_change(folder, before, change):
    """Commit files on main, and others on the branch of a change."""
    init(folder)
    commit(folder, {".gitignore": IGNORED, **before})
    start_branch(folder, "change")
    commit(folder, change)
    return folder


@pytest.mark.parametrize(
    "script", [TRAINS_ONLY, "raise SystemExit(1)\n", None], ids=["writes no predictions", "fails", "absent"]
)
def test_run__main_without_configuration_and_predictions(tmp_path, script):
    before = {"k.txt": "1", **({} if script is None else {"train.py": script})}
    ended = run(commit_change(tmp_path, before, files(1)))
    assert ended.code == 0, ended.err
    assert ended.report["baseline"] == {"source": "ref", "version": None, "commit": None, "label": "main"}
    assert {gate["outcome"] for gate in ended.report["gates"] if gate["on"] == "change"} == {"no_baseline"}
    assert NOTE in ended.report["notes"]


def test_run__next_change_is_compared_with_main(tmp_path):
    folder = commit_change(tmp_path, {"train.py": TRAINS_ONLY, "k.txt": "1"}, files(1))
    git(folder, "checkout", "--quiet", "main")
    git(folder, "merge", "--quiet", "change")
    start_branch(folder, "next")
    commit(folder, {"k.txt": "3"})
    ended = run(folder)
    row = ended.report["metrics"][0]
    assert (row["baseline"], row["candidate"]) == (0.9, 0.7)


def test_run__main_with_a_configuration_that_fails(tmp_path):
    """A baseline that can't be made any more is an error: a change could else get rid of it."""
    before = {**files(1), "train.py": TRAINS_ONLY}
    ended = run(commit_change(tmp_path, before, files(1)))
    assert (ended.code, ended.out) == (3, "")
    assert "judge this pull request without a baseline" in ended.err


def test_run__main_with_a_configuration_of_the_usual_name(tmp_path):
    """A configuration that is renamed and rewritten does not hide the one on main."""
    folder = commit_change(tmp_path, {**files(1), "train.py": TRAINS_ONLY}, {**files(1), "gates.yml": METRICS})
    git(folder, "rm", "--quiet", "mlci.yml")
    ended = run(folder, "--config", "gates.yml")
    assert ended.code != 0
    assert ended.out == ""


def test_run__main_without_configuration_takes_too_long(tmp_path):
    """A time-out shows nothing: main might have made the numbers."""
    slow = {"train.py": "import time\ntime.sleep(60)\n"}
    quick = METRICS.replace("5m", "1s")
    fast = {"train.py": "open('metrics.json', 'w').write('{\"auc\": 0.9}')\n", "mlci.yml": quick}
    ended = run(commit_change(tmp_path, slow, fast))
    assert (ended.code, ended.out) == (3, "")
    assert "longer than its time-out of 1" in ended.err


def test_run__metrics_file_that_main_does_not_write(tmp_path):
    writes = {"train.py": "open('metrics.json', 'w').write('{\"auc\": 0.9}')\n", "mlci.yml": METRICS}
    ended = run(commit_change(tmp_path, {"train.py": TRAINS_ONLY}, writes))
    assert ended.code == 0, ended.err
    assert NOTE in ended.report["notes"]
    assert [gate["outcome"] for gate in ended.report["gates"]] == ["no_baseline"]


def assert_compared_or_refused(ended):
    assert ended.code != 0
    assert "no baseline yet" not in ended.err


@pytest.mark.parametrize("place", ["models/churn/mlci.yml", "gates.yml"])
def test_run__model_of_main_under_another_name(tmp_path, place):
    """A change that deletes the configuration and writes it elsewhere, past git's detection of renames."""
    text = files(1)["mlci.yml"]
    folder = commit_change(tmp_path, {"k.txt": "1", place: text}, {**files(1), "fit.py": files(1)["train.py"]})
    git(folder, "rm", "--quiet", place)
    commit(folder, {"mlci.yml": text.replace("train.py", "fit.py").replace("gates:", f"gates:\n{'# more' * 400}")})
    assert_compared_or_refused(run(folder))


def test_run__tag_from_before_the_configuration(tmp_path):
    """A tag never gets a configuration, so it would be no baseline for ever."""
    folder = commit_change(tmp_path, {"train.py": TRAINS_ONLY, "k.txt": "1"}, files(1, baseline="{ref: v0}"))
    git(folder, "tag", "v0", "main")
    assert_compared_or_refused(run(folder))


def test_run__folder_of_a_new_model(tmp_path):
    """Nothing is trained at main, where the folder does not exist."""
    new = {f"models/new/{name}": text for name, text in files(1).items()}
    ended = run(commit_change(tmp_path, {"README.md": "models\n"}, new) / "models/new")
    assert ended.code == 0, ended.err
    assert NOTE in ended.report["notes"]
    assert "baseline train" not in ended.err
