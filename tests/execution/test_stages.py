"""Training and prediction steps: variables, outputs, and stale outputs."""

import os
import sys
from dataclasses import replace

import pytest

from mlci.errors import StepError
from mlci.execution.interface import StepResult
from mlci.execution.stages import Command, Stage, megabytes, operational_costs, run_prediction, run_training
from tests.support.recording import runner


def features(folder):
    path = folder / "features.csv"
    path.write_text("id,x\n1,0.5\n2,0.7\n")
    return path


def command(run, folder, name="train"):
    return Command(run=run, folder=folder, name=name, timeout=20, seed=11)


def predict(run, tmp_path, **more):
    chosen = {"scratch": tmp_path / "scratch", "features": features, **more}
    return run_prediction(runner(), command(run, tmp_path, "predict"), **chosen)


def step_error(function, *arguments, **more):
    with pytest.raises(StepError) as raised:
        function(*arguments, **more)
    return str(raised.value)


def test_run_training__model_and_variables(tmp_path):
    stage = run_training(runner(), command('echo "$MLCI_SEED" > "$MLCI_MODEL"', tmp_path), model="model.onnx")
    assert stage.output == tmp_path / "model.onnx"
    assert stage.output.read_text() == "11\n"
    assert stage.seconds == stage.ran.seconds > 0


def test_run_training__no_named_model(tmp_path):
    assert run_training(runner(), command("true", tmp_path)).output is None


def test_run_training__model_not_written(tmp_path):
    text = step_error(run_training, runner(), command("true", tmp_path), model="out/model.onnx")
    assert text == (
        "train ended well but did not write `train.model: model.onnx`: "
        f"expected a file or folder at {tmp_path}/out/model.onnx; "
        "make `true` write there ($MLCI_MODEL), or correct the path in mlci.yml"
    )


def test_run_training__empty_model_folder(tmp_path):
    assert "did not write" in step_error(run_training, runner(), command("mkdir model", tmp_path), model="model")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_run_training__stale_model(tmp_path, kind):
    old = tmp_path / ("model.bin" if kind == "file" else "model/weights.bin")
    old.parent.mkdir(exist_ok=True)
    old.write_text("old")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    name = "model.bin" if kind == "file" else "model"
    text = step_error(run_training, runner(), command("echo trained elsewhere > other", tmp_path), model=name)
    assert f"left `train.model: {name}` as it was before, from 2023-11-14 22:13:20 UTC" in text
    assert old.read_text() == "old"  # a user's file is never deleted
    rewritten = command(f"printf old > {old}", tmp_path)  # the same bytes, but written by this run
    assert run_training(runner(), rewritten, model=name).output == tmp_path / name


def test_run_training__stale_predictions(tmp_path):
    (tmp_path / "predictions.csv").write_text("id,score\n1,1\n")
    text = step_error(run_training, runner(), command("true", tmp_path), leaves=("predictions.csv",))
    assert "left `predictions.csv` as it was before" in text


def test_run_prediction__features_and_predictions(tmp_path):
    run = 'cat "$MLCI_DATA" "$MLCI_MODEL" > "$MLCI_PREDICTIONS"; echo "$MLCI_SEED" > seed; pwd > where'
    (tmp_path / "model").write_text("3,0.9\n")
    stage = predict(run, tmp_path, model=tmp_path / "model")
    assert stage.output == tmp_path / "scratch/predictions.csv"
    assert stage.output.read_text() == "id,x\n1,0.5\n2,0.7\n3,0.9\n"
    assert (tmp_path / "seed").read_text() == "11\n"
    assert (tmp_path / "where").read_text() == f"{tmp_path}\n"
    assert (stage.score, stage.decision) == (None, None)


def test_run_prediction__stale_predictions(tmp_path):
    for name in ("predictions.csv", "predictions.parquet", "predictions.jsonl"):
        (tmp_path / "scratch").mkdir(exist_ok=True)
        (tmp_path / "scratch" / name).write_text("id,score\n1,1\n")
    text = step_error(predict, "true", tmp_path)
    assert text == (
        "predict ended well but wrote no predictions: it has to write a file to the path in $MLCI_PREDICTIONS, "
        "with one row for each row of $MLCI_DATA"
    )


def test_run_prediction__predictions_under_another_name(tmp_path):
    text = step_error(predict, 'echo x > "$MLCI_PREDICTIONS.gz"', tmp_path)
    assert text.endswith("(it left predictions.csv.gz beside it)")


def test_run_prediction__link_instead_of_predictions(tmp_path):
    (tmp_path / "other.csv").write_text("id,score\n1,1\n")
    assert "wrote no predictions" in step_error(predict, 'ln -s "$PWD/other.csv" "$MLCI_PREDICTIONS"', tmp_path)


@pytest.mark.parametrize(
    ("written", "ending"),
    [
        ("id,score\\n1,1\\n", ".csv"),
        ("PAR1 and so on", ".parquet"),
        ('  {"id": 1}\\n', ".jsonl"),
        ('\\357\\273\\277{"id": 1}', ".jsonl"),
    ],
)
def test_run_prediction__format_from_content(tmp_path, written, ending):
    stage = predict(f"printf '{written}' > $MLCI_PREDICTIONS", tmp_path)
    assert stage.output == tmp_path / f"scratch/predictions{ending}"
    assert stage.output.is_file()


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (": > $MLCI_PREDICTIONS", "an empty file"),
        ("printf '[{\"id\": 1}]' > $MLCI_PREDICTIONS", "a JSON array at $MLCI_PREDICTIONS; write one object a line"),
        ("printf 'a,b\\n' | gzip > $MLCI_PREDICTIONS", "gzip"),
        (
            f'{sys.executable} -c \'import pickle,os;pickle.dump(1,open(os.environ["MLCI_PREDICTIONS"],"wb"))\'',
            "a pickle",
        ),
        ("printf '\\223NUMPY\\001' > $MLCI_PREDICTIONS", "a NumPy array"),
        ("printf 'a\\000b' > $MLCI_PREDICTIONS", "a binary file"),
    ],
)
def test_run_prediction__not_a_table(tmp_path, run, says):
    assert says in step_error(predict, run, tmp_path)


def test_costs__of_stages(tmp_path):
    ran = StepResult(status=0, seconds=9, peak_megabytes=300.0)
    trained, scored = Stage(ran=ran, seconds=9.0), Stage(ran=replace(ran, peak_megabytes=500.0), seconds=2.0)
    (tmp_path / "model").write_bytes(b"x" * 1_500_000)
    assert operational_costs(train=trained, predict=scored, model=tmp_path / "model", rows=4000) == {
        "train_seconds": 9.0,
        "predict_seconds_per_1k_rows": 0.5,
        "model_megabytes": 1.5,
        "peak_memory_megabytes": 500.0,
    }
    assert operational_costs(train=None, predict=None, model=None, rows=0) == {}


def test_costs__size_of_a_folder(tmp_path):
    model = tmp_path / "model"
    (model / "sub").mkdir(parents=True)
    (model / "a").write_bytes(b"x" * 1_000_000)
    (model / "sub/b").write_bytes(b"x" * 500_000)
    (model / "hard").hardlink_to(model / "a")
    (tmp_path / "huge").write_bytes(b"x" * 9_000_000)
    (model / "soft").symlink_to(tmp_path / "huge")
    (model / "up").symlink_to(tmp_path)
    assert megabytes(model) == 1.5
    (tmp_path / "linked").symlink_to(model)
    assert megabytes(tmp_path / "linked") == 1.5
