"""Custom metrics in a separate process: their environment, their arguments, and failures."""

import inspect
import json
import os
import random
import sys
import textwrap

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, d2_log_loss_score, fbeta_score, log_loss

from mlci.errors import InputError, StepError
from mlci.execution import metric_process, metric_stage, metric_workers
from mlci.execution.environment import isolated_command
from mlci.execution.metric_functions import MetricFunction, as_written, choose_method, find_function
from mlci.execution.metric_stage import MetricProcess
from mlci.metrics.catalogue import shown_name
from mlci.metrics.row_metrics import RowMetric, RowSample, predictions_by_name
from tests.support.recording import Recording, runner

RNG = np.random.default_rng(11)
LABELS = RNG.integers(0, 3, 60)
DECIDED = np.where(RNG.random(60) < 0.8, LABELS, RNG.integers(0, 3, 60))
OLD = np.where(RNG.random(60) < 0.6, LABELS, RNG.integers(0, 3, 60))


def sample(classes=(1, 2, 5), *, task="multiclass", scores=(None, None)):
    rows = np.arange(60)
    return RowSample(
        task=task,
        labels=LABELS % len(classes),
        classes=tuple(classes),
        scores=scores,
        decisions=(DECIDED % len(classes), OLD % len(classes)),
        scopes=(rows, rows[:30]),
    )


def evaluate(folder, code, *functions, given=None, log=None, draws=2, environment=None, timeout=20, **more):
    home = folder / "project"
    home.mkdir(exist_ok=True)
    (home / "mine.py").write_text(textwrap.dedent(code))
    metrics = [RowMetric(name=name, function=name, line=12, **more) for name in functions]
    process = MetricProcess(runner(log, environment=environment), folder=home, scratch=folder / "scratch")
    return process.evaluate(metrics, given or sample(), draws=draws, seed=7, timeout=timeout)


def test_evaluate__one_process_for_all_functions(tmp_path):
    code = """
        import os
        import numpy as np
        SEEN = open("seen.txt", "a")
        SEEN.write(f"process {os.getpid()}\\n")
        def distance(y_true, y_pred):
            SEEN.write(f"{sorted(set(y_true.tolist()))} {y_true.dtype}\\n"); SEEN.flush()
            return np.abs(y_true - y_pred).mean()
        class Costs:
            @staticmethod
            def twice(y_true, y_pred, factor=1):
                return factor * distance(y_true, y_pred)
    """
    found = evaluate(tmp_path, code, "mine:distance", "mine:Costs.twice")
    values = np.array([1, 2, 5])
    expected = [np.abs(values[LABELS] - values[one]).mean() for one in (DECIDED, OLD)]
    assert found.values[0][0][:, 0].tolist() == pytest.approx(expected)
    assert {table.shape for tables in found.values for table in tables} == {(2, 3)}
    assert np.array_equal(found.values[1], found.values[0])
    assert (found.on, found.notes, found.reasons) == (("decision", "decision"), (), {})
    seen = (tmp_path / "project" / "seen.txt").read_text().splitlines()
    assert sum(line.startswith("process") for line in seen) == 1
    assert set(seen[1:]) >= {"[1, 2, 5] int64"}


@pytest.mark.parametrize("classes", [(-1, 1), ("cat", "dog"), (False, True), (0.5, 2.0)])
def test_as_written__binary_classes(classes):
    written = as_written(np.array([0, 1, 1], np.uint8), np.array(classes), "binary").tolist()
    assert written == [classes[0], classes[1], classes[1]]
    assert [type(value) for value in written] == [type(classes[0]), type(classes[1]), type(classes[1])]
    assert as_written(np.array([0, 1], np.uint8), None, "binary").dtype == np.int64


def scikit_learns(name, *arrays, classes=2, **params):
    found = find_function(RowMetric(name=name, function=name, params=params), task="binary", classes=classes)
    return found.on, found.function(*arrays)


def test_find__scikit_learn_functions_scorers_and_parameters():
    y, p, s = LABELS % 2, DECIDED % 2, RNG.random(60)
    assert scikit_learns("fbeta_score", y, p, beta=2) == ("decision", pytest.approx(fbeta_score(y, p, beta=2)))
    kappa = cohen_kappa_score(LABELS, DECIDED, weights="quadratic", labels=[0, 1, 2])
    assert scikit_learns("quadratic_weighted_kappa", LABELS, DECIDED, classes=3) == ("decision", pytest.approx(kappa))
    assert scikit_learns("neg_log_loss", y, s) == ("score", pytest.approx(-log_loss(y, s)))
    assert scikit_learns("d2_log_loss_score", y, s) == ("score", pytest.approx(d2_log_loss_score(y, s)))


BINARY = {"task": "binary", "classes": 2}


@pytest.mark.parametrize(
    ("name", "settings", "written", "method"),
    [
        ("fbeta_score", BINARY, None, "cell jackknife"),
        ("quadratic_weighted_kappa", {"task": "multiclass", "classes": 5}, None, "cell jackknife"),
        ("hamming_loss", {"task": "multiclass", "classes": 30}, None, "group jackknife"),
        ("neg_log_loss", BINARY, None, "group jackknife"),
        ("d2_tweedie_score", {"task": "regression", "classes": 0}, None, "group jackknife"),
        ("neg_median_absolute_error", {"task": "regression", "classes": 0}, None, "row bootstrap"),
        ("max_error", {"task": "regression", "classes": 0}, None, "row bootstrap"),
        ("fbeta_score", BINARY, "bootstrap", "row bootstrap"),
        ("max_error", {"task": "regression", "classes": 0}, "jackknife", "group jackknife"),
        ("builtins:max", BINARY, None, "row bootstrap"),
        ("builtins:max", BINARY, "jackknife", "group jackknife"),
    ],
)
def test_choose_method__by_signature_and_configuration(name, settings, written, method):
    params = {"beta": 2} if name == "fbeta_score" else {}
    metric = RowMetric(name=name, function=name, params=params, resampling=written)
    assert choose_method(metric, find_function(metric, **settings), **settings) == method


def test_evaluate__weights_that_are_ignored(tmp_path):
    code = """
        import numpy as np
        def ignores(y_true, y_pred, sample_weight=None): return float(np.mean(y_true == y_pred))
        def weighs(y, y_pred, sample_weight=None): return float(np.average(y == y_pred, weights=sample_weight))
    """
    found = evaluate(tmp_path, code, "mine:ignores", "mine:weighs", draws=3)
    assert found.methods == ("row bootstrap", "cell jackknife")
    assert [table.shape for tables in found.values for table in tables] == [(2, 4), (2, 4), (2, 10), (2, 10)]
    [note] = found.notes
    assert note.startswith("`mine:ignores` takes `sample_weight`, but weights do not count as repeated rows")


@pytest.mark.parametrize(
    ("on", "method", "lacking", "classes"),
    [
        ("decision", "row bootstrap", {"decision"}, 2),
        ("score", "cell jackknife", set(), 2),
        ("decision", "cell jackknife", set(), 0),
        ("decision", "delete everything", set(), 2),
    ],
)
def test_read__methods_and_predictions_that_cannot_be(tmp_path, on, method, lacking, classes):
    answer = {"on": [on], "methods": [method], "reasons": [], "guessed": [], "random": [], "unweighted": []}
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    count = 1 + (classes**2 if method == "cell jackknife" else 0)
    (tmp_path / "values.bin").write_bytes(bytes(8 * count))
    shape = metric_stage.AnswerShape(models=1, scopes=(4,), classes=classes, draws=0, lacking=frozenset(lacking))
    with pytest.raises(StepError, match="left no result that can be read"):
        metric_stage._read(tmp_path, [RowMetric(name="mine:f", function="mine:f")], shape)


def noisy(y, p):
    return float((y == p).mean()) + random.random()


def test_evaluate_all__workers_return_what_one_process_does(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(metric_workers, "_ALONE", 0.0)
    monkeypatch.setattr(metric_workers, "_SHORT", 1e-9)
    monkeypatch.setattr(metric_workers, "_cores", lambda: 2)
    monkeypatch.setattr(metric_workers, "_QUIET", 0.0)
    (tmp_path / "mine.py").write_text(f"import random\n{inspect.getsource(noisy)}")
    metric = RowMetric(name="mine:noisy", function="mine:noisy")
    settings = {"draws": 9, "seed": 7, "timeout": 60, "folders": [str(tmp_path)]}
    metric_stage._write(tmp_path, [metric], sample(), settings)
    request = json.loads((tmp_path / "request.json").read_text())
    evaluation = metric_process._Evaluation([metric], [MetricFunction(noisy, "decision")], request, tmp_path)
    plan, begin = evaluation._plan(), metric_process._marker(tmp_path / "current", 7)
    values, reasons = plan.samples(lambda one: begin(one, 0, 0))
    workload = metric_workers.Workload.of(plan, frozenset(reasons))
    (tmp_path / "workload.json").write_text(workload.dumps())
    alone = [[table.copy() for table in tables] for tables in values]
    list(workload.evaluate(alone, metric_workers.WorkerShare(0, 1), begin))
    command = (*isolated_command("mlci.execution.metric_process"), str(tmp_path))
    metric_workers.evaluate_all(workload, values, begin, folder=tmp_path, command=command, timeout=60)
    assert np.array_equal(values, alone)
    assert np.isfinite(values).all()
    assert len(set(np.ravel(values).tolist())) > 20
    assert "resamples of custom metrics take about 0 s in 2 processes" in capsys.readouterr().out


def test_evaluate_all__worker_dies(tmp_path, capsys):
    (tmp_path / "current1").write_bytes(b"     3")
    command = (sys.executable, "-c", "import sys; sys.exit(9 * int(sys.argv[1]))")
    with pytest.raises(SystemExit) as caught:
        metric_workers._run_workers(tmp_path, command, 2, metric_workers.Progress(10.0, 2))
    assert caught.value.code == 9
    assert (tmp_path / "current").read_bytes() == b"     3"


def test_progress__time_that_is_left(capsys, monkeypatch):
    clock = iter([0.0, 12.0, 13.0, 60.0])
    monkeypatch.setattr(metric_workers.time, "monotonic", lambda: next(clock))
    progress = metric_workers.Progress(200.0, 2, begun=next(clock))
    for done in (1.0, 2.0, 100.0):
        progress.update(done)
    assert capsys.readouterr().out.splitlines() == [
        "0% of the resamples; about 3 min left",
        "50% of the resamples; about 60 s left",
    ]


def test_quadratic_weighted_kappa__missing_class_keeps_its_place():
    y, p = np.array([0, 2, 0, 2]), np.array([0, 2, 2, 2])
    assert scikit_learns("quadratic_weighted_kappa", y, p, classes=3)[1] == pytest.approx(0.5)


def test_evaluate__parameters_in_the_process(tmp_path):
    """That the process finds functions of scikit-learn shows a run in `tests/operations/test_tasks.py`."""
    given = sample((0, 1), task="binary")
    code = "def share(y_true, y_pred, times=1): return float(times * (y_true == y_pred).mean())"
    found = evaluate(tmp_path, code, "mine:share", given=given, draws=0, params={"times": 2})
    assert found.values[0][0][0, 0] == pytest.approx(2 * (given.labels == given.decisions[0]).mean())


def test_evaluate__same_seed_and_random_functions(tmp_path):
    code = """
        import random
        import numpy as np
        def noisy(y_true, y_pred): return random.random() + np.random.rand()
        def steady(y_true, y_pred): return float((y_true == y_pred).mean())
    """
    first, second = (evaluate(tmp_path, code, "mine:noisy", "mine:steady", draws=20) for _ in range(2))
    assert np.array_equal(first.values, second.values)
    [note] = first.notes
    assert note.startswith("`mine:noisy` draws random numbers")


SECRETS = dict.fromkeys(("GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "GITHUB_OUTPUT", "MLCI_TOKEN"), "secret")


def test_evaluate__no_token_and_no_workflow_commands(tmp_path):
    code = """
        import os, sys
        print("::set-output name=verdict::pass")
        print(f"##[set-output name=verdict]pass", file=sys.stderr)
        NAMES = "GITHUB_TOKEN ACTIONS_RUNTIME_TOKEN GITHUB_OUTPUT MLCI_TOKEN".split()
        def f(y_true, y_pred): return float(sum(name in os.environ for name in NAMES))
    """
    log = Recording()
    found = evaluate(tmp_path, code, "mine:f", log=log, draws=0, environment={**os.environ, **SECRETS})
    assert np.ravel(found.values).tolist() == [0.0] * 4
    assert sorted(log.lines) == ["## [set-output name=verdict]pass", ": :set-output name=verdict::pass"]


def test_evaluate__files_of_the_folder_shadow_no_library(tmp_path):
    home = tmp_path / "project"
    home.mkdir()
    for name in ("json", "numpy", "random", "mlci"):
        (home / f"{name}.py").write_text("raise SystemExit('shadowed')")
    (home / "helper.py").write_text("ONE = 1.0")
    code = "import json, numpy\nfrom helper import ONE\ndef f(y_true, y_pred): return ONE"
    found = evaluate(tmp_path, code, "mine:f", draws=0, environment={**os.environ, "PYTHONPATH": str(home)})
    assert np.ravel(found.values).tolist() == [1.0] * 4


SPOIL = """
import atexit, os
def spoil():
    {spoil}
atexit.register(spoil)
def f(y_true, y_pred): return 1.0
"""
UNREADABLE = "left no result that can be read"
BROKEN = {
    "exit 0": ("def f(y_true, y_pred): import os; os._exit(0)", UNREADABLE),
    "abort": ("def f(y_true, y_pred): import os; os.abort()", "SIGABRT"),
    "values": (SPOIL.format(spoil="open('../scratch/values.bin', 'w').write('x' * 100)"), UNREADABLE),
    "answer": (SPOIL.format(spoil="open('../scratch/answer.json', 'w').write('[' * 100000)"), UNREADABLE),
    "pipe": (SPOIL.format(spoil="p = '../scratch/answer.json'; os.unlink(p); os.mkfifo(p)"), UNREADABLE),
}


@pytest.mark.parametrize(("code", "reason"), BROKEN.values(), ids=BROKEN)
def test_evaluate__process_dies_or_damages_its_answer(tmp_path, code, reason):
    with pytest.raises(StepError) as caught:
        evaluate(tmp_path, code, "mine:f", draws=0)
    assert str(caught.value).startswith("metric `mine:f` (line 12 of the configuration): ")
    assert reason in str(caught.value)


def test_evaluate__function_hangs(tmp_path):
    late = tmp_path / "late"
    code = f"""
        import time
        def quick(y_true, y_pred): return 1.0
        def hangs(y_true, y_pred): time.sleep(600); open({str(late)!r}, "w")
    """
    with pytest.raises(StepError, match=r"^metric `mine:hangs` \(line 12.*time-out of 1"):
        evaluate(tmp_path, code, "mine:quick", "mine:hangs", timeout=1.5)
    assert not late.exists()


def test_evaluate__nan_is_undefined_with_a_reason(tmp_path):
    code = "def f(y_true, y_pred): raise ValueError('::error::x\\nmore')\ndef g(y_true, y_pred): return float('nan')"
    found = evaluate(tmp_path, code, "mine:f", "mine:g")
    assert np.isnan(np.array(found.values)).all()
    assert found.reasons[0, 0] == "ValueError: ::error::x"
    assert found.reasons[1, 1] == "the metric returned nan"


def test_evaluate__functions_that_cannot_be_called(tmp_path):
    home = tmp_path / "project"
    home.mkdir()
    (home / "absent.py").write_text("import nothing_of_that_name\ndef f(y, p): return 1")
    (home / "script.py").write_text("import sys; sys.exit(0)")
    code = "number = 3\ndef scored(y_true, y_score): return 1\ndef turned(y_pred, y_true): return 1"
    names = ("absent:f", "script:f", "mine:number", "mine:scored", "mine:turned")
    with pytest.raises(InputError) as caught:
        evaluate(tmp_path, code, *names)
    problems = [problem.message for problem in caught.value.problems]
    assert all(problem.endswith(" (line 12 of the configuration)") for problem in problems)
    assert "'absent:f' can't be imported: ModuleNotFoundError" in problems[0]
    assert "'script:f' can't be imported: SystemExit: 0" in problems[1]
    assert "`mine:number` is not a function" in problems[2]
    assert "`mine:scored` takes scores by its parameter `y_score`, and the predictions have none" in problems[3]
    assert "`mine:turned` takes (y_pred, y_true), and mlci calls function(labels, predictions)" in problems[4]


def test_evaluate__unclear_parameter_is_noted(tmp_path):
    scores = (RNG.random(60), RNG.random(60))
    code = "def f(y, p): return float(p.mean())\ng = lambda y, y_pred_proba: y_pred_proba.mean()"
    given = sample((0, 1), task="binary", scores=scores)
    found = evaluate(tmp_path, code, "mine:f", "mine:g", given=given, draws=0)
    assert found.on == ("decision", "score")
    assert found.values[1][0][:, 0].tolist() == pytest.approx([one.mean() for one in scores])
    [note] = found.notes
    assert note.startswith("`mine:f` got decisions, a guess: the name of its parameter `p` leaves it open")


@pytest.mark.parametrize(
    ("name", "on"),
    [
        *((name, "score") for name in ("y_score", "y_prob", "y_proba", "y_pred_proba", "score", "scores")),
        *((name, "score") for name in ("probabilities", "predictedProbabilities", "yScore", "logits", "pred_decision")),
        *((name, "decision") for name in ("y_pred", "pred", "preds", "predictions", "decisions", "y_predicted")),
        *((name, None) for name in ("p", "y_hat", "yhat", "values", "b", "spreads", "probe")),
    ],
)
def test_predictions_by_name__second_parameter(name, on):
    assert predictions_by_name(["y_true", name]) == on


def test_shown_name__parameters_in_order():
    assert shown_name("fbeta_score", {}) == "fbeta_score"
    assert shown_name("f", {"b": "x", "a": 2}) == "f(a=2, b=x)"


def test_evaluate__answer_is_removed(tmp_path):
    evaluate(tmp_path, "def f(y_true, y_pred): return 1", "mine:f", draws=0)
    assert list((tmp_path / "scratch").iterdir()) == []
