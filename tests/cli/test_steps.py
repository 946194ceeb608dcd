"""Steps through the command line: the environment of a user's command, its failures, its costs."""

import json
import shutil

import pytest

from tests.support.project import PREDICT, change, config, files, mlci, run, write

FLOOR = "  - {metric: accuracy, min: 0.5}\n"
COSTS = """\
  - {metric: train_seconds, max: 30}
  - {metric: predict_seconds_per_1k_rows, max: 60}
  - {metric: model_megabytes, max: 1}
  - {metric: peak_memory_megabytes, max: 500}
"""


def project(folder, more=FLOOR, **contents):
    return write(folder, {**files(2, baseline="none", more=more), **contents})


def outcomes(ended):
    return {gate["id"]: gate["outcome"] for gate in ended.report["gates"]}


def test_predict__sees_no_label(tmp_path):
    spy = PREDICT + 'open("seen.txt", "w").write(open(os.environ["MLCI_DATA"]).readline())\n'
    assert run(project(tmp_path, **{"predict.py": spy})).code == 0
    assert (tmp_path / "seen.txt").read_text().split() == ["id,x"]


def test_predict__environment(tmp_path):
    given = dict.fromkeys(("GITHUB_TOKEN", "MLCI_LABEL_KEY", "MINE"), "x")
    spy = PREDICT + 'import json; open("seen.json", "w").write(json.dumps(dict(os.environ)))\n'
    ended = run(project(tmp_path, **{"predict.py": spy}), **given)
    assert ended.code == 0
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert {"MLCI_DATA", "MLCI_PREDICTIONS", "MLCI_MODEL", "MLCI_SEED", "MINE"} <= seen.keys()
    assert not {"GITHUB_TOKEN", "MLCI_LABEL_KEY"} & seen.keys()


@pytest.fixture(scope="module")
def after_a_run(tmp_path_factory):
    """A project with the output of a run that passed, to be copied."""
    folder = project(tmp_path_factory.mktemp("passed"))
    assert run(folder).code == 0
    assert (folder / ".mlci/out/report.json").exists()
    return folder


@pytest.mark.parametrize(
    ("contents", "code", "says"),
    [
        ({"train.py": "raise SystemExit('no data')"}, 3, ["train failed", "exit status 1", "no data", "train.run"]),
        ({"train.py": "pass"}, 3, ["as it was before", "model.txt"]),
        ({"train.py": "import os; os.kill(os.getpid(), 9)"}, 3, ["SIGKILL", "memory"]),
        ({"predict.py": "raise SystemExit(4)"}, 3, ["predict failed", "exit status 4"]),
        ({"predict.py": "pass"}, 3, ["wrote no predictions", "MLCI_PREDICTIONS"]),
        ({"predict.py": "import os; open(os.environ['MLCI_PREDICTIONS'], 'w')"}, 3, ["empty file"]),
        ({"predict.py": PREDICT.replace("in rows:", "in rows[1:]:")}, 2, ["no candidate prediction", "'0'"]),
        ({"predict.py": PREDICT.replace("in rows:", "in rows + rows[:1]:")}, 2, ["'0'"]),
        ({"predict.py": PREDICT.replace("id,p", "id,q")}, 2, ["'p'"]),
        ({"predict.py": PREDICT.replace("else int", "else 3 + int")}, 2, ["3"]),
    ],
)
def test_run__step_fails(after_a_run, tmp_path, contents, code, says):
    shutil.copytree(after_a_run, tmp_path, dirs_exist_ok=True)
    ended = run(write(tmp_path, contents))
    assert (ended.code, ended.out) == (code, ""), ended.err
    error = ended.err[ended.err.index("error: ") :]
    assert all(word in error for word in says), error
    assert "/mlci-run-" not in error  # mlci's own folder, which is deleted when the user reads this
    assert "Traceback" not in error
    assert list((tmp_path / ".mlci/out").iterdir()) == []  # nothing stale stands in for this run


def test_run__step_times_out(tmp_path):
    train = "train:\n  run: sleep 60\n  timeout: 0.3s\n"
    text = config(baseline="none", train=train, more=FLOOR)
    ended = run(project(tmp_path, **{"mlci.yml": text}))
    assert (ended.code, ended.out) == (3, "")
    assert "time-out" in ended.err


def test_run__cost_metrics(tmp_path):
    ended = run(project(tmp_path, more=COSTS))
    assert set(outcomes(ended).values()) <= {"passed", "no_baseline"}, ended.err
    found = {gate["metric"]: gate for gate in ended.report["gates"]}
    train, predict = found["train_seconds"]["value"], found["predict_seconds_per_1k_rows"]["value"]
    assert 0.001 < train < 30
    assert train == ended.report["provenance"]["seconds"]["train"]
    assert predict == pytest.approx(ended.report["provenance"]["seconds"]["predict"] * 10)  # 100 rows
    assert found["model_megabytes"]["value"] == pytest.approx(1e-6)  # one digit
    assert 1 < found["peak_memory_megabytes"]["value"] < 500
    assert {gate["judge"] for gate in ended.report["gates"] if gate["metric"] in found} >= {"estimate"}


def test_run__slower_candidate_is_blocked(tmp_path):
    from tests.support.project import repository  # noqa: PLC0415 - one test needs git

    more = "  - {metric: train_seconds, max_rise: 10%}\n  - {metric: model_megabytes, max_rise: 10%}\n"
    before = files(1, more=more)
    after = {**before, "train.py": before["train.py"] + "import time; time.sleep(0.6)\n"}
    ended = run(repository(tmp_path, before, after))
    gate = next(gate for gate in ended.report["gates"] if gate["metric"] == "train_seconds")
    assert gate["outcome"] == "failed"
    assert gate["value"] == pytest.approx(gate["candidate"] - gate["baseline"])
    assert gate["value"] > 0.3
    assert gate["bound"] == pytest.approx(gate["baseline"] / 10)
    assert outcomes(ended)["model_megabytes.max_rise"] == "passed"
    assert change(ended)[2] == 0


def test_run__cost_that_was_not_measured(tmp_path):
    more = "  - {metric: train_seconds, max_rise: 10%}\n"
    contents = files(1, baseline="{file: old.csv}", more=more)
    write(tmp_path, {**contents, "old.csv": "id,p\n" + "".join(f"{i},{i // 10 % 2}\n" for i in range(100))})
    ended = run(tmp_path)
    assert outcomes(ended)["train_seconds.max_rise"] == "error"
    assert ended.code == 1


def test_train__metrics_file_with_a_name_of_its_own(tmp_path):
    (tmp_path / "mlci.yml").write_text(
        "model: churn\ntask: binary\ntrain: {run: touch trained}\npredict: {metrics: metrics.json}\nbaseline: none\n"
        "gates: [{metric: value_after_a_year, min: 1}]\n"
    )
    assert mlci("train", cwd=tmp_path).code == 3
    assert (tmp_path / "trained").exists()


def test_train__json(tmp_path):
    folder = project(tmp_path)
    ended = mlci("train", "--json", cwd=folder)
    assert ended.code == 0
    said = json.loads(ended.out)
    assert said["model"] == str(folder / "model.txt")
    assert said["train_seconds"] > 0
    (folder / "mlci.yml").write_text(config(baseline="none", train="", predict="predict: {file: x, decision: p}\n"))
    ended = mlci("train", cwd=folder)
    assert ended.code == 2
    assert "the training step is missing" in ended.err
