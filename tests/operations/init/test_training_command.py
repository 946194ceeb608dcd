"""Training commands: from a repository's texts, after the scripts that write what a script loads, and with notes."""

import json

import pytest

from mlci.operations.init.inventory import take_inventory
from mlci.operations.init.training_command import script_command
from tests.support.project import mlci, write
from tests.support.training_repositories import SPLITS_INSIDE, loans


@pytest.mark.parametrize(
    ("files", "script", "reads", "command"),
    [
        ({"src/train.py": "", "Makefile": "train:\n\tpython3 src/train.py --epochs 3\n"}, "src/train.py", [],
         "python src/train.py --epochs 3"),
        ({"src/train.py": "", "README.md": "Run `python -m src.train`."}, "src/train.py", [], "python -m src.train"),
        ({"src/train.py": "", "data/a.csv": ""}, "src/train.py", ["../data/a.csv"], "cd src && python train.py"),
        ({"src/train.py": "", "data/a.csv": ""}, "src/train.py", ["data/a.csv"], "python src/train.py"),
        ({"src/train model.py": "", "README.md": "python src/train model.py"}, "src/train model.py", [],
         "python 'src/train model.py'"),
        ({"a b/mein modèle.ipynb": ""}, "a b/mein modèle.ipynb", [],
         "cd 'a b' && jupyter nbconvert --to notebook --execute --stdout 'mein modèle.ipynb' > /dev/null"),
        ({"train.py": "", "Makefile": "train:\n\tpython train.py $(ARGS)\n"}, "train.py", [], "python train.py"),
    ],
)  # fmt: skip
def test_command__of_a_script(tmp_path, files, script, reads, command):
    assert script_command(take_inventory(write(tmp_path, files)), script, reads)[0] == command


CREATE = """\
import pickle
import pandas as pd
from sklearn.svm import SVC
loans = pd.read_csv("train.csv")
model = SVC()
model.fit(loans[["income"]], loans["defaulted"])
pickle.dump(model, open("svc.pkl", "wb"))
"""
PREDICT = """\
import pickle
import pandas as pd
from sklearn.metrics import accuracy_score
loans = pd.read_csv("test.csv")
loans["double"] = loans["income"] * 2
with open("svc.pkl", "rb") as file:
    model = pickle.load(file)
y_pred = model.predict(loans[["double"]])
print(accuracy_score(loans["defaulted"], y_pred))
"""
PREPARE = """\
import pandas as pd
loans = pd.read_csv("raw.csv")
loans[30:].to_csv("train.csv", index=False)
loans[:30].to_csv("test.csv", index=False)
"""
DVC = "stages:\n  split:\n    cmd: python split.py\n    outs: [train.csv, test.csv]\n"


def plan(folder, files, *options) -> tuple[dict[str, tuple[str, str]], str]:
    """Return the answers, with their reasons, and the notes."""
    found = json.loads(mlci("init", "--json", *options, cwd=write(folder, files)).out)
    answers = {answer["question"]: (answer["value"], answer["reason"]) for answer in found["answers"]}
    return answers, "\n".join(found["notes"])


def test_train__script_that_writes_the_model_and_one_that_makes_its_data(tmp_path):
    files = {"predict.py": PREDICT, "create.py": CREATE, "prepare.py": PREPARE, "raw.csv": loans(60), "svc.pkl": ""}
    answers, _ = plan(tmp_path, files, "--script", "predict.py")
    command, reason = answers["train"]
    assert command.splitlines() == ["python prepare.py", "python create.py", "python predict.py"]
    assert "predict.py loads svc.pkl, which create.py writes" in reason


def test_train__data_that_a_pipeline_makes(tmp_path):
    files = {"predict.py": PREDICT, "split.py": PREPARE, "dvc.yaml": DVC, "svc.pkl": ""}
    answers, _ = plan(tmp_path, files)
    assert answers["train"][0].splitlines() == ["python split.py", "python predict.py"]
    assert answers["train"][1].endswith("predict.py reads test.csv, which dvc.yaml makes")


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"lib/load.py": ""}, "python -m src.train"),
        ({"lib/load.py": "", "README.md": "Run `python src/train.py --fast`."}, "python -m src.train --fast"),
        ({"src/lib.py": ""}, "python src/train.py"),
        ({}, "python src/train.py"),
    ],
)
def test_train__script_that_imports_from_the_top(tmp_path, files, command):
    script = "from lib.load import read\n" + SPLITS_INSIDE
    answers, _ = plan(tmp_path, {"src/train.py": script, "data/loans.csv": loans(60), **files})
    assert answers["train"][0] == command


@pytest.mark.parametrize(
    ("lines", "options", "noted"),
    [
        ("import sys\npath = sys.argv[1]\n", [], True),
        ("import sys\npath = sys.argv[1]\n", ["--train", "python train.py model.pkl"], False),
        ("import sys\npath = sys.argv[1] if len(sys.argv) > 1 else 'x'\n", [], False),
        ("parser.add_argument('data')\n", [], True),
        ("parser.add_argument('data', nargs='?')\n", [], False),
        ("parser.add_argument('--data', required=True)\n", [], True),
        ("parser.add_argument('--data', default='x')\n", [], False),
    ],
)
def test_train__script_that_takes_arguments(tmp_path, lines, options, noted):
    files = {"train.py": lines + SPLITS_INSIDE, "data/loans.csv": loans(60)}
    _, notes = plan(tmp_path, files, *options)
    assert ("mlci init --train 'python train.py ARGUMENT'" in notes) is noted


def test_train__data_that_is_not_in_the_repository(tmp_path):
    _, notes = plan(tmp_path, {"train.py": SPLITS_INSIDE})
    assert "train.py reads data/loans.csv, which is not in the repository: if the script does not make it" in notes
