"""`mlci sealed predict`: two files for the gate, made without labels, a token or a registry."""

import csv
import json

import pytest

from tests.support.project import files, holdout, mlci, write


def sealed(folder, *more, **environment):
    return mlci("sealed", "predict", *more, cwd=folder, **environment)


def table(folder):
    with (folder / ".mlci/sealed/predictions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_sealed_predict__files(tmp_path):
    folder = write(tmp_path / "p", files(1))
    ended = sealed(folder, GITHUB_RUN_ID="42")
    assert ended.code == 0, ended.err
    assert sorted(path.name for path in (folder / ".mlci/sealed").iterdir()) == ["manifest.json", "predictions.csv"]
    manifest = json.loads((folder / ".mlci/sealed/manifest.json").read_text())
    rows = table(folder)
    assert rows[0] == ["id", "p"]
    keys = [line.split(",")[0] for line in holdout().split()[1:]]
    assert [row[0] for row in rows[1:]] == keys
    assert (manifest["schema"], manifest["model"], manifest["rows"], manifest["run_id"]) == (
        1,
        "planted",
        len(keys),
        "42",
    )
    assert b"\r" not in (folder / ".mlci/sealed/predictions.csv").read_bytes()
    assert sealed(folder).code == 0  # again, over its own files


def test_sealed_predict__evaluation_set_without_labels(tmp_path):
    with_labels = write(tmp_path / "a", files(2))
    assert sealed(with_labels).code == 0
    bare = ["\n".join(",".join(line.split(",")[:2]) for line in holdout().split()) + "\n"]
    without = write(tmp_path / "b", {**files(2), "holdout.csv": bare[0]})
    ended = sealed(without)
    assert ended.code == 0, ended.err
    assert table(with_labels) == table(without)


def test_sealed_predict__labels_file_is_not_opened(tmp_path):
    made = files(1)
    made["mlci.yml"] = made["mlci.yml"].replace("data: holdout.csv", "data: features.csv\n  labels: sealed.bin")
    features = "\n".join(",".join(line.split(",")[:2]) for line in made.pop("holdout.csv").split()) + "\n"
    folder = write(tmp_path / "p", {**made, "features.csv": features, "sealed.bin": "ciphertext"})
    ended = sealed(folder)
    assert ended.code == 0, ended.err


def test_sealed_predict__numbers_are_read_again_as_they_were(tmp_path):
    made = files(1)
    made["predict.py"] = REVERSED
    made["mlci.yml"] = made["mlci.yml"].replace("decision: p", "score: p")
    folder = write(tmp_path / "p", made)
    ended = sealed(folder)
    assert ended.code == 0, ended.err
    rows = table(folder)[1:]
    assert [float(cell) for _, cell in rows] == [1 / (3 + int(key)) for key, _ in rows]


REVERSED = """\
import os
rows = [line.split(",")[0] for line in open(os.environ["MLCI_DATA"]).read().split()[1:]]
with open(os.environ["MLCI_PREDICTIONS"], "w") as out:
    out.write("p,id\\n" + "".join(f"{1 / (3 + int(key))!r},{int(key)}\\n" for key in reversed(rows)))
"""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("f\"{row['id']},\\n\"", "'p' is null"),
        ("f\"{row['id']}9,1\\n\"", "have no prediction"),
    ],
)
def test_sealed_predict__bad_predictions(tmp_path, line, message):
    made = files(1)
    step = made["predict.py"].splitlines()
    step[-1] = f"        out.write({line})"
    folder = write(tmp_path / "p", {**made, "predict.py": "\n".join(step) + "\n"})
    ended = sealed(folder)
    assert ended.code == 2
    assert message in ended.err
    assert not (folder / ".mlci/sealed/predictions.csv").exists()


def test_sealed_predict__no_key(tmp_path):
    made = files(1)
    folder = write(tmp_path / "p", {**made, "mlci.yml": made["mlci.yml"].replace("  key: id\n", "")})
    ended = sealed(folder)
    assert ended.code == 2
    assert "`key: id`" in ended.err


def test_sealed_predict__other_file_in_the_folder(tmp_path):
    folder = write(tmp_path / "p", {**files(1), ".mlci/sealed/secret.txt": "x"})
    ended = sealed(folder)
    assert (ended.code, (folder / ".mlci/sealed/secret.txt").read_text()) == (2, "x")
    assert "'secret.txt'" in ended.err
