"""Notebooks: their code is followed like a script's, and only the cells that need it change."""

import json

import pytest

from mlci.operations.init.scripts.notebook import cell_of, notebook_script, write_notebook
from tests.support.project import mlci, write

SPLIT = """\
X, y = loans[["income"]], loans["late"]
if True:
    !pip list
X_train, X_test, y_train, y_test = train_test_split(X, y)
model = SVC().fit(X_train, y_train)"""
CELLS = [
    ("markdown", "# Loans"),
    ("code", "%matplotlib inline\nimport pandas as pd\nloans = pd.read_csv('loans.csv')"),
    ("code", "%%bash\nls -l"),
    ("code", SPLIT),
    ("code", "model.score(X_test, y_test)\nloans.head()"),
]


def notebook(cells=CELLS, indent=1, ending="\n") -> str:
    made = [
        {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True)}
        | ({"execution_count": 1, "outputs": [{"text": ["é\n"]}]} if kind == "code" else {})
        for kind, source in cells
    ]
    return json.dumps({"cells": made, "nbformat": 4}, indent=indent, ensure_ascii=False) + ending


@pytest.mark.parametrize(("indent", "ending"), [(1, "\n"), (2, ""), (None, "\n")])
def test_notebook__unchanged_code_gives_the_same_text(indent, ending):
    text = notebook(indent=indent, ending=ending)
    script = notebook_script(text)
    compile(script.text, "notebook", "exec")
    assert write_notebook(text, script, script.text) == text


def test_notebook__places_in_cells():
    script = notebook_script(notebook())
    line = next(number for number, item in enumerate(script.text.splitlines(), 1) if item == "loans.head()")
    assert cell_of(script.text, line) == (5, 2)


@pytest.mark.parametrize("text", ["", "[]", '{"cells": 3}', '{"cells": [], "a": 1.0, "a": 2}'])
def test_notebook__not_one(text):
    assert notebook_script(text) is None


def test_init__notebook(tmp_path):
    loans = "income,late\n" + "".join(f"{i},{i % 2}\n" for i in range(40))
    write(tmp_path, {"work/loans.ipynb": notebook(), "work/loans.csv": loans})
    ended = mlci("init", "--yes", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "after line 1 of cell 5, and a fixed seed in line 4 of cell 4" in ended.out
    cells = json.loads((tmp_path / "work/loans.ipynb").read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    assert sources[:3] == [source for _, source in CELLS[:3]]
    assert sources[3] == SPLIT.replace("(X, y)", "(X, y, random_state=42)")
    assert sources[4].splitlines() == [
        "model.score(X_test, y_test)",
        "# mlci: the rows kept for the test, and the model's predictions for them",
        'holdout = loans.loc[y_test.index].rename_axis("row").reset_index()',
        'holdout.to_csv("holdout.csv", index=False)',
        'holdout[["row"]].assign(decision=model.predict(X_test)).to_csv("predictions.csv", index=False)',
        "loans.head()",
    ]
    assert cells[4]["outputs"] == [{"text": ["é\n"]}]
    text = (tmp_path / "mlci.yml").read_text()
    assert "cd work && jupyter nbconvert --to notebook --execute --stdout loans.ipynb > /dev/null" in text
    assert "data: work/holdout.csv" in text


def test_init__file_that_other_machines_do_not_have(tmp_path):
    script = (
        "import pandas as pd\nloans = pd.read_csv('C:/Users/ada/loans.csv')\ntrain, test = train_test_split(loans)\n"
        "model = SVC().fit(train[['income']], train['late'])\nprint(model.score(test[['income']], test['late']))\n"
    )
    write(tmp_path, {"train.py": script, "loans.csv": "income,late\n" + "1,0\n2,1\n" * 10})
    ended = mlci("init", "--yes", cwd=tmp_path)
    assert "Note: train.py reads C:/Users/ada/loans.csv, which other machines do not have; loans.csv" in ended.out
