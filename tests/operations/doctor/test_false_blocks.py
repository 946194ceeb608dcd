import json
import re
from pathlib import Path

import numpy as np
import pytest

from mlci.cli.wiring import load_configuration, run_context
from mlci.engine.interface import Job, SliceColumn, SliceSpec, Source
from mlci.operations.doctor.doctor import false_blocks_text
from mlci.operations.doctor.equal_candidates import simulate_pairs
from mlci.operations.doctor.false_blocks import measure_false_blocks
from tests.support.project import mlci, write
from tests.support.repository import commit, init

ROWS, WRONG = 600, 5
CONFIG = """\
model: planted
task: binary
evaluation: {data: holdout.csv, key: id, label: y, positive: 1, slices: [region]}
predict: {file: candidate.csv, decision: p}
baseline: none
gates:
"""
TIGHT = "  - {metric: accuracy, max_drop: 0.005, judge: estimate}\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """600 rows in two regions; the model is wrong on every fifth row, whatever its label and region."""
    folder = tmp_path_factory.mktemp("aa")
    labels = [i // 5 % 2 for i in range(ROWS)]
    (folder / "holdout.csv").write_text(
        "id,y,region\n" + "".join(f"{i},{y},{('a', 'b')[i % 3 > 0]}\n" for i, y in enumerate(labels)), "utf-8"
    )
    decided = "".join(f"{i},{1 - y if i % WRONG == 0 else y}\n" for i, y in enumerate(labels))
    (folder / "candidate.csv").write_text("id,p\n" + decided, "utf-8")
    return folder


def job(folder, **changes):
    settings = {
        "task": "binary",
        "data": str(folder / "holdout.csv"),
        "key": "id",
        "label": "y",
        "candidate": Source(path=str(folder / "candidate.csv"), decision="p"),
        "slices": (SliceSpec(name="region", columns=(SliceColumn(column="region"),)),),
    }
    return Job(**settings | changes)


def measure(folder, gates, *, seed=7, pairs=40, disagreement=0.05):
    path = folder / "mlci.yml"
    path.write_text(CONFIG + gates, "utf-8")
    loaded = load_configuration(path)
    with run_context(loaded, cached=False, user_code=False) as run:
        context = run.with_config(loaded.config)
        return measure_false_blocks(
            context, simulate_pairs, out=Path("none"), disagreement=disagreement, pairs=pairs, seed=seed
        )


def changes(pairs, scope):
    """Return the changes in accuracy of simulated pairs in one scope."""
    found = []
    for pair in pairs:
        decisions = pair.statistics[scope].decisions
        right = [(mine == decisions.label).astype(int) for mine in (decisions.candidate, decisions.baseline)]
        found.append(float(((right[0] - right[1]) * decisions.count).sum() / decisions.count.sum()))
    return np.array(found)


def test_simulate_pairs__quality_and_disagreement(project):
    pairs = list(simulate_pairs(job(project), share=0.05, pairs=80, seed=1))
    assert np.mean([pair.disagreement for pair in pairs]) == pytest.approx(0.05, abs=0.004)
    for scope, rows in ((0, 600), (1, 200), (2, 400)):
        change = changes(pairs, scope)
        assert abs(change.mean()) < 4 * change.std() / 80**0.5
        assert change.std() == pytest.approx((0.05 / rows) ** 0.5, rel=0.3)


def test_simulate_pairs__seed(project):
    first, again, other = (
        [pair.disagreement for pair in simulate_pairs(job(project), share=0.05, pairs=5, seed=seed)]
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_simulate_pairs__model_without_an_error(project):
    perfect = job(project, candidate=Source(path=str(project / "holdout.csv"), decision="y"))
    assert [pair.disagreement for pair in simulate_pairs(perfect, share=0.05, pairs=3, seed=1)] == [0, 0, 0]


def test_simulate_pairs__regression(tmp_path):
    random = np.random.default_rng(3)
    lines = [f"{i},{y:.6f},{y + e:.6f}" for i, (y, e) in enumerate(random.normal(size=(400, 2)))]
    (tmp_path / "holdout.csv").write_text("id,y,p\n" + "\n".join(lines) + "\n", "utf-8")
    source = Source(path=str(tmp_path / "holdout.csv"), score="p")
    asked = job(tmp_path, task="regression", candidate=source, slices=(), decisions=False, losses=("absolute",))
    pairs = list(simulate_pairs(asked, share=0.1, pairs=60, seed=1))
    assert np.mean([pair.disagreement for pair in pairs]) == pytest.approx(0.1, abs=0.01)
    change = np.array([np.diff(pair.statistics[0].moments["absolute"].sums)[0] / 400 for pair in pairs])
    assert 0 < abs(change.mean()) < 4 * change.std() / 60**0.5


def test_measure_false_blocks__tight_margin_on_the_estimate(project):
    found = measure(project, TIGHT, pairs=40)
    expected = 30.8  # P(Z < -0.005 / sqrt(0.05 / 600)) in per cent, with the correction for whole rows
    assert found.in_hundred == pytest.approx(expected, abs=22)
    (limit,) = found.limits
    assert limit.name == "accuracy, max_drop: 0.005"
    assert limit.blocked == found.blocked
    shown = false_blocks_text(found)
    assert shown.startswith("A/A: 40 simulated pull requests with a model of equal quality")
    assert re.search(rf"false blocks in 100: +{found.in_hundred:.1f}\n", shown)
    wide = measure(project, TIGHT.replace("max_drop: 0.005", limit.limit), seed=8, pairs=40)
    assert wide.in_hundred < 6
    assert limit.rows == pytest.approx(600 * (0.05 / 600) * (2.326 / 0.005) ** 2, rel=0.5)


def test_measure_false_blocks__interval_with_enough_rows(project):
    found = measure(project, "  - {metric: recall, each: region, max_drop: 0.15}\n")
    assert (found.blocked, found.limits[0].limit, found.limits[0].rows) == (0, None, None)


def test_measure_false_blocks__inconclusive_blocks(project):
    found = measure(project, "  - {metric: accuracy, max_drop: 0.005, policy: {inconclusive: block}}\n", pairs=12)
    assert found.blocked >= found.inconclusive > 8
    assert found.limits[0].limit.startswith("max_drop: 0.0")


def test_doctor__aa(project):
    (project / "mlci.yml").write_text(CONFIG + TIGHT, "utf-8")
    alone = {"GITHUB_TOKEN": "", "MLCI_TOKEN": "", "PATH": "/usr/bin:/bin"}
    ended = mlci("doctor", "--aa", "--pairs", "20", "--json", cwd=project, **alone)
    document = json.loads(ended.out)
    assert ended.code == 0
    assert document["false_blocks"]["pairs"] == 20
    assert [one["name"] for one in document["findings"]] == ["gates-block-equal-models", "baseline-none"]


def test_doctor__aa_without_predictions(project, tmp_path):
    (tmp_path / "holdout.csv").write_bytes((project / "holdout.csv").read_bytes())
    run = "predict: {run: python predict.py, decision: p}"
    (tmp_path / "mlci.yml").write_text(
        (CONFIG + TIGHT).replace("predict: {file: candidate.csv, decision: p}", run), "utf-8"
    )
    ended = mlci("doctor", "--aa", cwd=tmp_path, GITHUB_TOKEN="", MLCI_TOKEN="", PATH="/usr/bin:/bin")
    assert (ended.code, "run `mlci run --bundle` first" in ended.err) == (2, True)


NOISY = """\
import random
with open(COUNT, "a+") as file:  # each training draws other numbers, the same in every run of the test
    print("trained", file=file)
    file.seek(0)
    draw = random.Random(len(file.readlines()))
rows = [line.split(",") for line in open("holdout.csv").read().split()[1:]]
with open("candidate.csv", "w") as file:
    file.write("id,p\\n")
    file.writelines(f"{key},{y if draw.random() < 0.8 else 1 - int(y)}\\n" for key, y, _ in rows)
"""
TRAINED = CONFIG.replace("predict:", "train: {run: python train.py}\npredict:")


@pytest.fixture(scope="module")
def noisy(project, tmp_path_factory):
    """A committed evaluation set, and a training whose model is right on another 80 % of its rows each time."""
    folder = init(tmp_path_factory.mktemp("noisy"))
    data = (project / "holdout.csv").read_text("utf-8")
    script = NOISY.replace("COUNT", repr(str(tmp_path_factory.mktemp("trained") / "count.txt")))
    commit(folder, {"train.py": script, "holdout.csv": data, "mlci.yml": TRAINED + TIGHT, ".gitignore": ".mlci/\n"})
    return folder


def test_doctor__pairs_of_retrainings(noisy):
    """Four models give six pairs; each two differ on 32 % of the rows (2 x 0.8 x 0.2), and half of them fall."""
    ended = mlci("doctor", "--aa", "--retrain", "4", "--json", cwd=noisy)
    found = json.loads(ended.out)["false_blocks"]
    assert (found["retrainings"], found["pairs"], found["rows"]) == (4, 6, ROWS)
    assert found["disagreement"] == pytest.approx(0.32, abs=0.05)
    assert 0 < found["blocked"] < 6
    assert not (noisy / "candidate.csv").exists()  # nothing is trained in the checkout


@pytest.fixture
def making(noisy, tmp_path):
    """A training that makes its evaluation set from rows in git; in the checkout, it was never run."""
    script = NOISY.replace("COUNT", repr(str(tmp_path / "count.txt")))
    files = {
        "train.py": "import shutil\nshutil.copy('rows.csv', 'holdout.csv')\n" + script,
        "mlci.yml": TRAINED + TIGHT,
        "rows.csv": (noisy / "holdout.csv").read_text("utf-8"),
    }
    commit(init(tmp_path / "repository"), files)
    return tmp_path / "repository"


def test_doctor__retraining_that_makes_the_evaluation_set(making):
    """The first training's set is used for all; a change that is not committed is named, and not trained."""
    (making / "train.py").write_text("raise SystemExit('not committed')\n", "utf-8")
    ended = mlci("doctor", "--aa", "--retrain", "2", "--json", cwd=making)
    found = json.loads(ended.out)["false_blocks"]
    assert (found["retrainings"], found["pairs"], found["rows"], found["dirty"]) == (2, 1, ROWS, True)
    assert found["disagreement"] == pytest.approx(0.32, abs=0.1)
    assert "uncommitted changes are left out" in ended.err
    assert not (making / "holdout.csv").exists()


def test_doctor__retraining_that_makes_its_own_rows(making):
    more = f'open("holdout.csv", "a").write(f"{{{ROWS} + draw.randrange(10**9)}},1,a\\n")\n'
    commit(making, {"train.py": (making / "train.py").read_text("utf-8") + more})
    ended = mlci("doctor", "--aa", "--retrain", "2", cwd=making)
    assert (ended.code, ended.out) == (2, "")
    assert "each training makes its own; fix the seed of the split" in ended.err


def test_doctor__retrain_without_aa(noisy):
    ended = mlci("doctor", "--retrain", "2", cwd=noisy)
    assert ended.code == 2
    assert "mlci doctor --aa --retrain 5" in ended.err


def test_doctor__disagreement_of_promoted_versions(noisy, tmp_path):
    """The second version decides 10 % of the rows differently than the first; simulated candidates do, too."""
    labels = [line.split(",")[1] for line in (noisy / "holdout.csv").read_text("utf-8").split()[1:]]
    folder = write(tmp_path, {"holdout.csv": (noisy / "holdout.csv").read_text("utf-8")})
    text = (CONFIG + "  - {metric: accuracy, max_drop: 0.2}\n").replace("baseline: none", "baseline: production")
    for wrong in (range(0), range(60)):
        rows = "".join(f"{i},{1 - int(y) if i in wrong else y}\n" for i, y in enumerate(labels))
        write(folder, {"candidate.csv": f"id,p\n{rows}", "mlci.yml": text})
        assert mlci("run", cwd=folder).code == 0
        assert mlci("promote", cwd=folder).code == 0
    ended = mlci("doctor", "--aa", "--pairs", "20", cwd=folder)
    assert "that decides 10." in ended.out or "that decides 9." in ended.out
    assert "rows differently, as 1 promoted version did (seed" in ended.out
    given = json.loads(mlci("doctor", "--aa", "--disagreement", "0.03", "--json", cwd=folder).out)["false_blocks"]
    assert (given["versions"], given["disagreement"]) == (None, pytest.approx(0.03, abs=0.01))


def test_measure_false_blocks__equal_models_have_no_gain(project):
    gain = "  - {metric: recall, superior_by: 0.01}\n  - {metric: f1, superior_by: 0, max_drop: 0.5}\n"
    found = measure(project, gain + TIGHT, pairs=10)
    assert [one.name for one in found.limits] == ["f1, max_drop: 0.5", "accuracy, max_drop: 0.005"]
    assert found.left_out == ("recall", "f1 (superior_by)")
