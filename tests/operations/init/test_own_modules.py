"""`mlci init` in repositories whose script calls modules of their own and reads `params.yaml`."""

import pytest

from mlci.engine.tables.column_summary import summarize_table
from mlci.operations.init.init import SetupSources, plan_setup
from mlci.operations.init.proposal import InitOptions
from mlci.operations.init.scripts.batches import comparisons
from mlci.operations.init.scripts.command_line import (
    Surroundings,
    does_something,
    own_modules,
    parse_script,
    reaches_line,
)
from mlci.operations.init.scripts.script import read_script
from tests.support.project import write
from tests.support.setups import template
from tests.support.training_repositories import loans

PARAMETERS = "data: {path: data/loans.csv, label: defaulted}\nsplit: {test_size: 0.4, seed: 7}\n"
DATA = """\
import pandas as pd
from sklearn.model_selection import train_test_split

def load(data):
    return pd.read_csv(data["path"])

def split(frame, label, test_size, seed):
    return train_test_split(frame.drop(columns=[label]), frame[label], test_size=test_size, random_state=seed)
"""
MODEL = """\
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score

def train(X, y):
    model = LogisticRegression()
    model.fit(X, y)
    return model

def report(model, X, y):
    return accuracy_score(y, model.predict(X))
"""
TRAIN = """\
import yaml
from src.data import load, split
from src.model import report, train

with open("params.yaml") as stream:
    params = yaml.safe_load(stream)
frame = load(params["data"])
X_train, X_test, y_train, y_test = split(frame, params["data"]["label"], **params["split"])
model = train(X_train, y_train)
print(report(model, X_test, y_test))
"""
MAIN = """\
def main(path):
    frame = pd.read_csv(path)
    X_train, X_test, y_train, y_test = train_test_split(frame.drop(columns=["defaulted"]), frame["defaulted"])
    model = LogisticRegression().fit(X_train, y_train)
    print(accuracy_score(y_test, model.predict(X_test)))
"""
CALLER = "from src.model import main\n\nmain('data/loans.csv')\n"
MODULES = {"src/__init__.py": "", "src/data.py": DATA, "src/model.py": MODEL}


def planned(folder, **files):
    write(folder, {"data/loans.csv": loans(300), "params.yaml": PARAMETERS, **MODULES, **files})
    sources = SetupSources(
        summarize=summarize_table, template=template(), top=None, branch=None, models={}, workflow=None
    )
    return plan_setup(folder, InitOptions(), sources)


def test_plan__model_and_split_in_own_modules(tmp_path):
    plan = planned(tmp_path, **{"train.py": TRAIN})
    answers = {one.question: one.value for one in plan.answers}
    assert (plan.script.path, answers["train"], answers["task"]) == ("train.py", "python train.py", "binary")
    assert answers["label"] == "defaulted"
    assert "X_test.assign(defaulted=y_test)" in plan.script.after
    assert "model.predict_proba(X_test)[:, 1]" in plan.script.after
    assert "with about 120 rows" in next(one.reason for one in plan.answers if one.question == "gate")


def test_plan__seed_in_an_own_module_is_named(tmp_path):
    plan = planned(tmp_path, **{"train.py": TRAIN, "src/data.py": DATA.replace(", random_state=seed", "")})
    assert any("src/data.py, where line 8 calls train_test_split without a seed" in note for note in plan.notes)


def test_plan__script_that_runs_a_module(tmp_path):
    """The module has the evaluation, and the script that imports it has the command."""
    plan = planned(tmp_path, **{"src/model.py": f"{DATA}\n{MODEL}\n{MAIN}", "go.py": CALLER})
    assert plan.script.path == "src/model.py"
    assert {one.question: one.value for one in plan.answers}["train"] == "python go.py"


def test_read_script__parameters():
    around = Surroundings(parameters={"conf/params.yaml": {"file": "a.csv", "deep": {"b": "b.csv"}}})
    loaders = (
        "yaml.safe_load(open('conf/params.yaml'))", "yaml.safe_load(Path('params.yaml').open())",
        "yaml.load(open('params.yaml').read(), Loader=yaml.FullLoader)", "dvc.api.params_show()",
        "read('conf/params.yaml')",
    )  # fmt: skip
    head = "import pandas as pd\ndef read(path):\n    with open(path) as f:\n        return yaml.safe_load(f)\n"
    for loader in loaders:
        text = f"{head}p = {loader}\npd.read_csv(p['file'])\npd.read_csv(p.get('deep')['b'])\npd.read_csv(p['gone'])\n"
        assert read_script("train.py", text, around).reads == ["a.csv", "b.csv"], loader


def test_own_modules__where_python_looks():
    files = {"a.py", "src/b.py", "src/c/__init__.py", "src/c/d.py", "lib/e.py"}
    tree = parse_script("import a, numpy\nfrom src import b\nfrom c import d\nfrom lib.e import x")
    assert own_modules(tree, "t.py", files) == ["a.py", "lib/e.py", "src/b.py", "src/c/__init__.py", "src/c/d.py"]
    inside = parse_script("from . import d\nfrom ..b import x")
    assert own_modules(inside, "src/c/f.py", files) == ["src/b.py", "src/c/d.py"]


@pytest.mark.parametrize(
    ("text", "does"),
    [("X = 1\ndef f(): pass", False), ('"""Doc."""\nimport a', False), ("f()", True), ("if a: f()", True)],
)
def test_does_something__module(text, does):
    assert does_something(parse_script(text)) == does


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a = (y_pred == test['y']).mean()", ("metric", None)),
        ("a = np.mean(test['y'] == y_pred)", ("metric", None)),
        ("a = ((y_pred - test['y']) ** 2).mean()", ("metric", "mean_squared_error")),
        ("a = np.abs(test['y'] - y_pred).mean()", ("metric", "mean_absolute_error")),
        ("a = (y_pred == test['id']).mean()", None),
        ("a = (test['x'] == 'high').mean()", None),
        ("a = (y_pred == test['y'])", None),
    ],
)
def test_read_script__metric_without_a_function(line, expected):
    text = (
        "import pandas as pd\ntrain, test = train_test_split(pd.read_csv('a.csv'))\n"
        f"model = Ridge().fit(train[['x']], train['y'])\ny_pred = model.predict(test[['x']])\n{line}\n"
    )
    points = [one for one in read_script("train.py", text).points if one.evidence == "metric"]
    assert [(one.evidence, one.metric) for one in points] == ([expected] if expected else [])
    assert all(one.label_value.column == "y" and one.decision == "y_pred" for one in points)


def test_comparisons__difference_that_is_not_averaged():
    assert list(comparisons(parse_script("gap = a - b").body[0])) == []


def test_plan__function_that_the_script_does_not_call(tmp_path):
    """Only another script gets to the evaluation of a module that tests itself by something else."""
    module = f"{DATA}\n{MODEL}\n{MAIN}\nif __name__ == '__main__':\n    print('nothing')\n"
    plan = planned(tmp_path, **{"src/model.py": module, "go.py": CALLER})
    assert {one.question: one.value for one in plan.answers}["train"] == "python go.py"


@pytest.mark.parametrize(
    ("text", "reached"),
    [
        ("def f():\n    x", False),
        ("def f():\n    x\nf()", True),
        ("def f():\n    x\ndef g(): f()\nprint(1)", False),
        ("def f():\n    x\ndef g(): f()\nrun(g)", True),
        ("class A:\n  def f(self): x\n  def g(self): self.f()\nA().g()", True),
        ("class A:\n  def __init__(self): x", True),
    ],
)
def test_reaches_line__functions(text, reached):
    assert reaches_line(parse_script(text), 2) == reached


def test_plan__model_saved_beside_the_folder_of_the_script(tmp_path):
    saves = f"import os\nimport joblib\nimport pandas as pd\n{TRAIN}".replace(
        'frame = load(params["data"])',
        "here = os.path.dirname(os.path.abspath(__file__))\n"
        'top = os.path.abspath(os.path.join(here, "..", "..", "models"))\n'
        'frame = pd.read_csv(os.path.abspath(os.path.join(here, "..", "..", "data", "loans.csv")))',
    )
    saves += 'joblib.dump(model, os.path.join(top, "model.joblib"))\n'
    plan = planned(tmp_path, **{"jobs/deep/train.py": saves})
    (text,) = (change.after for change in plan.changes if change.path == "mlci.yml")
    assert "  model: models/model.joblib\n" in text
    assert "  label: defaulted\n" in text
