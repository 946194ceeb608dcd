"""`mlci init` where the labels do not show the task: no rows, one class, or few rows; the option that decides."""

import pytest

from mlci.engine.tables.column_summary import summarize_table
from mlci.errors import InputError
from mlci.operations.init.init import SetupSources, plan_setup
from mlci.operations.init.proposal import InitOptions
from tests.support.project import write
from tests.support.setups import template
from tests.support.training_repositories import SPLITS_INSIDE, loans

HEADER = "id,outcome,group\n"
ONE_CLASS = "".join(f"{number},left,a\n" for number in range(45))
FEW = "".join(f"{number},{'yes' if number % 3 else 'no'},a\n" for number in range(12))
UNLABELLED = "".join(f"{number},,a\n" for number in range(30))
BINARY = SPLITS_INSIDE.replace("y = loans", "from sklearn.metrics import f1_score\ny = loans").replace(
    'print("accuracy", model.score(X_test, y_test))', "print(f1_score(y_test, model.predict(X_test)))"
)


def planned(folder, files, **options):
    sources = SetupSources(
        summarize=summarize_table, template=template(), top=None, branch=None, models={}, workflow=None
    )
    return plan_setup(write(folder, files), InitOptions(**options), sources)


def beside(text):
    scores = "".join(f"{line.split(',')[0]},0.3\n" for line in text.splitlines())
    return {"data/test.csv": HEADER + text, "predictions.csv": "id,proba\n" + scores}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (UNLABELLED, "no row of data/test.csv has a value of outcome"),
        (ONE_CLASS, r"every value of outcome in data/test.csv is left \(45 rows\)"),
        (FEW, "data/test.csv has 12 rows with a value of outcome, and fewer than 20 do not show how many classes"),
    ],
)
def test_init__labels_that_do_not_show_the_task(tmp_path, text, why):
    with pytest.raises(InputError, match=f"can't tell the task: {why}.* `mlci init --task binary` for two classes"):
        planned(tmp_path, beside(text))
    (tmp_path / "given").mkdir()
    plan = planned(tmp_path / "given", beside(text), task="binary")
    assert "task: binary\n" in plan.changes[0].after


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("", "data/loans.csv has no rows"),
        ("1,20.5,f,N,0\n" * 60, r"every value of defaulted in data/loans.csv is 0 \(60 rows\)"),
        ("\n".join(loans(12).splitlines()[1:]) + "\n", "data/loans.csv has 12 rows"),
    ],
)
@pytest.mark.parametrize("encoded", [False, True])
def test_init__script_whose_table_does_not_show_the_task(tmp_path, rows, why, encoded):
    before = 'y = loans["defaulted"]'
    coded = f"from sklearn.preprocessing import LabelEncoder\ny = LabelEncoder().fit_transform({before[4:]})"
    script = SPLITS_INSIDE.replace(before, coded) if encoded else SPLITS_INSIDE
    files = {"train.py": script, "data/loans.csv": loans(0) + rows}
    with pytest.raises(InputError, match=f"can't tell the task: {why}"):
        planned(tmp_path, files)
    (tmp_path / "given").mkdir()
    answers = planned(tmp_path / "given", files, task="multiclass").answers
    assert ("multiclass", "given by --task") in {(one.value, one.reason) for one in answers}


def test_init__empty_evaluation_set(tmp_path):
    with pytest.raises(InputError, match=r"data/test\.csv has no rows, so nothing can be judged on it"):
        planned(tmp_path, beside(""))


def test_init__few_rows_and_a_metric_of_two_classes(tmp_path):
    plan = planned(tmp_path, {"train.py": BINARY, "data/loans.csv": loans(12)})
    assert ("binary", "train.py computes metrics of two classes, 0 and 1") in {
        (one.value, one.reason) for one in plan.answers
    }


def test_init__few_rows_of_a_label_with_fractions(tmp_path):
    rows = "".join(f"{number},{number + 0.5},a\n" for number in range(12))
    assert "task: regression\n" in planned(tmp_path, beside(rows)).changes[0].after
