"""Lines that are added to training scripts, and rows that they write."""

import csv
import difflib

import pytest

from mlci.operations.init.scripts.addition import find_rows, write_addition
from mlci.operations.init.scripts.script import read_script
from mlci.operations.init.scripts.script_facts import choose_point

FILES = ("holdout.csv", "predictions.csv")
TO_FILE = '.to_csv("predictions.csv", index=False)'
SPLIT = """\
import pandas as pd
from sklearn.model_selection import train_test_split

df = pd.read_csv("loans.csv")
"""
PARTS = "X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)\n"


def added(script, task="binary", columns=None, positive=None, label=None):
    """Return the new lines of a script, without those that have the fixed words of every addition."""
    facts = read_script("train.py", script)
    point = choose_point(facts)
    rows = find_rows(point, columns, splits=facts.splits, pandas=facts.pandas or "pandas", label=label)
    changed = write_addition(facts, point, rows, task=task, positive=positive, files=FILES).text
    compile(changed, "train.py", "exec")
    lines = [line for line in difflib.ndiff(script.splitlines(), changed.splitlines()) if line[0] in "+-"]
    return [
        line[2:].strip() for line in lines if line[0] == "+" and "mlci:" not in line and "holdout.to_csv" not in line
    ]


def test_addition__frame_with_label():
    script = (
        SPLIT
        + """\
train, test = train_test_split(df, random_state=1)
model = LogisticRegression().fit(train.drop(columns="bad"), train["bad"])
print(model.score(test.drop(columns="bad"), test["bad"]))
"""
    )
    assert added(script) == [
        'holdout = test.rename_axis("row").reset_index()',
        'holdout[["row"]].assign(score=model.predict_proba(test.drop(columns="bad"))[:, 1])' + TO_FILE,
    ]


@pytest.mark.parametrize("labels", ["test['bad'] == 'yes'", "(test.bad == 'yes').astype(int)"])
def test_addition__label_compared_with_a_value(labels):
    script = (
        SPLIT
        + f"""\
train, test = train_test_split(df, random_state=1)
women = test["sex"] == "f"
model = SVC().fit(train[["a"]], train["bad"] == "yes")
print(accuracy_score({labels}, model.predict(test[["a"]])))
"""
    )
    assert added(script)[0] == f'holdout = test.assign(bad={labels}).rename_axis("row").reset_index()'


def test_addition__scaled_features_keep_the_rows_of_the_file():
    script = (
        SPLIT
        + """\
X = df.drop("bad", axis=1)
y = df["bad"]
"""
        + PARTS
        + """\
X_test = StandardScaler().fit(X_train).transform(X_test)
clf = SVC().fit(X_train, y_train)
print(accuracy_score(y_test, clf.predict(X_test)))
"""
    )
    assert added(script) == [
        'holdout = df.loc[y_test.index].rename_axis("row").reset_index()',
        'holdout[["row"]].assign(decision=clf.predict(X_test)).to_csv("predictions.csv", index=False)',
    ]


def test_addition__encoded_label_is_written_as_the_model_has_it():
    script = (
        SPLIT
        + """\
X = df.drop(columns=["bad"])
y = LabelEncoder().fit_transform(df["bad"])
"""
        + PARTS
        + """\
clf = GaussianNB().fit(X_train, y_train)
print(clf.score(X_test, y_test))
"""
    )
    assert added(script)[0] == 'holdout = df.loc[X_test.index].assign(bad=y_test).rename_axis("row").reset_index()'


ONE_HOT = """\
coded = pd.get_dummies(df{changed})
X, y = coded.drop(columns="bad"), coded["bad"]
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)
model = SVC().fit(X_train, y_train)
print(model.score(X_test, y_test))
"""


def test_addition__one_hot_columns_leave_the_columns_of_the_file():
    expected = 'holdout = df.loc[y_test.index].assign(bad=y_test).rename_axis("row").reset_index()'
    assert added(SPLIT + ONE_HOT.format(changed=""))[0] == expected


def test_addition__columns_that_are_dropped_if_they_exist():
    script = SPLIT + "unused = [name for name in ['id', 'note'] if name in df]\ndf = df.drop(columns=unused)\n"
    script += ONE_HOT.format(changed="")
    assert added(script)[0].startswith("holdout = df.loc[y_test.index].assign(bad=y_test)")


def test_addition__one_hot_columns_with_another_index():
    script = SPLIT + ONE_HOT.format(changed=".dropna().reset_index(drop=True)")
    assert added(script)[0] == 'holdout = coded.loc[y_test.index].rename_axis("row").reset_index()'


def test_addition__arrays_are_split_again_as_a_frame():
    script = (
        SPLIT
        + """\
X = df.drop("bad", axis=1).values
y = df.bad.values
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y)
clf = GaussianNB().fit(X_train, y_train)
print(clf.score(X_test, y_test))
"""
    )
    lines = added(script)
    assert lines[0] == (
        "X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=42)"
    )
    assert lines[1] == (
        "holdout = train_test_split(df, test_size=0.3, stratify=y, random_state=42)[1].assign(bad=y_test)"
        '.rename_axis("row").reset_index()'
    )


@pytest.mark.parametrize(
    ("call", "seeded"),
    [
        ("train_test_split(df)", "train_test_split(df, random_state=42)"),
        ("train_test_split(df, random_state=None)", "train_test_split(df, random_state=42)"),
        ("train_test_split(df, test_size=0.3,)", "train_test_split(df, test_size=0.3, random_state=42)"),
        ("train_test_split(df, random_state=SEED)", None),
        ("train_test_split(df, shuffle=False)", None),
        ("train_test_split(df, **settings)", None),
    ],
)
def test_seed__split(call, seeded):
    script = SPLIT + f"train, test = {call}\nmodel = SVC().fit(train[['a']], train['bad'])\n"
    script += "print(model.score(test[['a']], test['bad']))\n"
    found = [line for line in added(script) if line.startswith("train, test")]
    assert found == ([] if seeded is None else [f"train, test = {seeded}"])


def test_seed__call_over_several_lines_and_shuffled_rows():
    script = (
        SPLIT
        + """\
df = df.sample(frac=1)
train, test = train_test_split(
    df,
    test_size=0.3
)
model = SVC().fit(train[["a"]], train["bad"])
print(model.score(test[["a"]], test["bad"]))
"""
    )
    assert added(script)[:3] == ["df = df.sample(frac=1, random_state=42)", "test_size=0.3,", "random_state=42,"]


def test_seed__samples_of_rows_that_the_tree_does_not_follow():
    script = (
        SPLIT
        + """\
from sklearn.utils import shuffle
df = pd.concat([df.sample(100), df.sample(frac=0.5)])
df = shuffle(df.sample(frac=1))
train, test = train_test_split(df, random_state=1)
model = SVC().fit(train[["a"]], train["bad"])
print(model.score(test[["a"]], test["bad"]))
"""
    )
    assert added(script)[:2] == [
        "df = pd.concat([df.sample(100, random_state=42), df.sample(frac=0.5, random_state=42)])",
        "df = shuffle(df.sample(frac=1, random_state=42), random_state=42)",
    ]


@pytest.mark.parametrize(
    ("imports", "line"),
    [
        ("", "rows = load().sample(n=100, random_state=42)"),
        ("import polars\n", "rows = load().sample(n=100)"),  # it takes a `seed`
    ],
)
def test_seed__number_of_rows_of_a_table_that_the_tree_does_not_follow(imports, line):
    script = imports + SPLIT + "rows = load().sample(n=100)\ntrain, test = train_test_split(df)\n"
    script += "model = SVC().fit(train[['a']], train['bad'])\nprint(model.score(test[['a']], test['bad']))\n"
    assert ([row for row in added(script) if row.startswith("rows = ")] or ["rows = load().sample(n=100)"]) == [line]


@pytest.mark.parametrize(
    ("lines", "remedy"),
    [
        ("import random\nrandom.shuffle(rows)", "call random.seed(42) before it"),
        ("import random\nrandom.seed(1)\nrandom.shuffle(rows)", None),
        ("import random\nrandom.shuffle(rows)\nrandom.seed(1)", "call random.seed(42) before it"),
        ("import numpy as np\norder = np.random.permutation(9)", "call np.random.seed(42) before it"),
        ("from numpy import random\nrandom.shuffle(rows)", "call random.seed(42) before it"),
        ("import numpy as np\nnp.random.default_rng().shuffle(rows)", "write np.random.default_rng(42)"),
        ("import numpy as np\nnp.random.default_rng(3).shuffle(rows)", None),
        ("import numpy as np\nnoise = np.random.default_rng()", None),
        ("from torch import randperm\nrandperm(9)", "call torch.manual_seed(42) before it"),
        ("import random\nfor epoch in range(9):\n    random.shuffle(batches)", None),
        ("import random\na, b = train_test_split(rows, random_state=1)\nrandom.shuffle(a)", None),
        ("from lib import set_seed\nimport random\nset_seed(1)\nrandom.shuffle(rows)", None),
        ("rows.shuffle()", None),
        ("rows.sample(n=9)", None),  # seeded in its own line
    ],
)
def test_shuffles__without_a_seed(lines, remedy):
    assert [found.remedy for found in read_script("train.py", lines).shuffles] == ([remedy] if remedy else [])


def test_addition__regression_in_functions():
    script = """\
import pandas

def split(frame):
    price = frame.pop("price")
    return train_test_split(frame, price, random_state=1)

def evaluate(model, X_test, y_test):
    return mean_squared_error(y_test, model.predict(X_test))

def main():
    X_train, X_test, y_train, y_test = split(pandas.read_csv("houses.csv"))
    model = RandomForestRegressor().fit(X_train, y_train)
    print(evaluate(model, X_test, y_test))
"""
    assert added(script, task="regression") == [
        'holdout = X_test.assign(price=y_test).rename_axis("row").reset_index()',
        'holdout[["row"]].assign(score=model.predict(X_test)).to_csv("predictions.csv", index=False)',
    ]


def test_addition__attributes_of_a_class():
    script = """\
import pandas as pd

class Trainer:
    def load(self):
        self.df = pd.read_csv("loans.csv")
        X, y = self.df.drop(columns=["bad"]), self.df["bad"]
        self.X_train, self.X_test, self.y_train, self.y_test = train_test_split(X, y, random_state=1)

    def train(self):
        self.model = XGBClassifier()
        self.model.fit(self.X_train, self.y_train)
        print(roc_auc_score(self.y_test, self.model.predict_proba(self.X_test)[:, 1]))
"""
    assert added(script)[0] == 'holdout = self.df.loc[self.X_test.index].rename_axis("row").reset_index()'


@pytest.mark.parametrize(
    ("model", "task", "written"),
    [
        ("CatBoostClassifier()", "multiclass", "decision=model.predict(X_test).ravel()"),
        ("CatBoostClassifier()", "binary", "score=model.predict_proba(X_test)[:, 1]"),
        ("LGBMClassifier()", "binary", "score=model.predict_proba(X_test)[:, 1]"),
        ("keras.Sequential([])", "binary", "score=model.predict(X_test).ravel()"),
        ("keras.Sequential([])", "multiclass", "decision=model.predict(X_test).argmax(axis=1)"),
        ("keras.Sequential([])", "regression", "score=model.predict(X_test).ravel()"),
        ("Pipeline([('s', StandardScaler()), ('m', SVC())])", "binary", "decision=model.predict(X_test)"),
        ("GridSearchCV(RandomForestClassifier(), {})", "binary", "score=model.predict_proba(X_test)[:, 1]"),
    ],
)
def test_addition__framework(model, task, written):
    script = SPLIT + f"X, y = df.drop(columns='bad'), df['bad']\n{PARTS}model = {model}\nmodel.fit(X_train, y_train)\n"
    assert f".assign({written})." in added(script, task=task)[-1]


def test_addition__positive_class_that_is_not_the_last():
    script = (
        SPLIT + f"X, y = df.drop(columns='bad'), df['bad']\n{PARTS}model = GaussianNB()\nmodel.fit(X_train, y_train)\n"
    )
    assert "[:, list(model.classes_).index('no')]" in added(script, positive="'no'")[-1]


def test_addition__predictions_of_a_network():
    script = (
        SPLIT
        + "X, y = df.drop(columns='bad').values, df['bad'].values\n"
        + PARTS
        + """\
net = torch.nn.Linear(3, 1)
for epoch in range(3):
    loss = train_epoch(net, X_train, y_train)
with torch.no_grad():
    pred = (torch.sigmoid(net(torch.tensor(X_test))) > 0.5).int().numpy()
    print(accuracy_score(y_test, pred))
"""
    )
    assert added(script)[-1] == 'holdout[["row"]].assign(decision=pred).to_csv("predictions.csv", index=False)'


def test_addition__booster():
    script = (
        SPLIT
        + """\
train, test = train_test_split(df, random_state=1)
booster = lgb.train({}, lgb.Dataset(train[["a"]], train["bad"]))
print(roc_auc_score(test["bad"], booster.predict(test[["a"]])))
"""
    )
    assert "score=booster.predict(test[[" in added(script)[-1]


def test_addition__plain_python_writes_without_pandas(tmp_path, monkeypatch):
    script = """\
rows = [(number, number % 3 == 0) for number in range(12)]
X_test, y_test = [x for x, _ in rows], [int(y) for _, y in rows]
y_pred = [int(x % 2 == 0) for x in X_test]
print(sum(p == y for p, y in zip(y_pred, y_test)) / len(y_test))
"""
    facts = read_script("train.py", script)
    point = choose_point(facts)
    rows = find_rows(point, None, splits=[], pandas="pandas", label=None)
    changed = write_addition(facts, point, rows, task="binary", positive=None, files=FILES)
    monkeypatch.chdir(tmp_path)
    exec(compile(changed.text, "train.py", "exec"), {})  # noqa: S102 - the script of this test
    held = list(csv.DictReader((tmp_path / "holdout.csv").read_text().splitlines()))
    predicted = list(csv.DictReader((tmp_path / "predictions.csv").read_text().splitlines()))
    assert [row["label"] for row in held] == [str(int(number % 3 == 0)) for number in range(12)]
    assert [row["decision"] for row in predicted] == [str(int(number % 2 == 0)) for number in range(12)]
    assert [row["row"] for row in held] == [row["row"] for row in predicted]


def test_point__saved_model_wins():
    script = (
        SPLIT
        + f"X, y = df.drop(columns='bad'), df['bad']\n{PARTS}"
        + """\
first = GaussianNB().fit(X_train, y_train)
print(first.score(X_test, y_test))
second = SVC().fit(X_train, y_train)
print(second.score(X_test, y_test))
joblib.dump(first, "first.joblib")
"""
    )
    assert choose_point(read_script("train.py", script)).model == "first"
    assert choose_point(read_script("train.py", script.replace("dump(first", "dump(second"))).model == "second"


def test_point__models_in_a_loop():
    script = (
        SPLIT
        + f"X, y = df.drop(columns='bad'), df['bad']\n{PARTS}"
        + """\
for model in [SVC(), GaussianNB()]:
    model.fit(X_train, y_train)
    print(accuracy_score(y_test, model.predict(X_test)))
"""
    )
    assert choose_point(read_script("train.py", script)) is None


def test_point__function_that_evaluates_several_parts():
    script = """\
def evaluate(model, x, labels):
    print(accuracy_score(labels, model.predict(x)))

def main():
    X_train, X_test, y_train, y_test = load()
    evaluate(model, X_train, y_train)
    evaluate(model, X_test, y_test)
"""
    assert choose_point(read_script("train.py", script)) is None


def test_point__metrics_of_the_training_part():
    script = (
        SPLIT
        + f"X, y = df.drop(columns='bad'), df['bad']\n{PARTS}"
        + """\
print(accuracy_score(y_train, model.predict(X_train)))
"""
    )
    assert choose_point(read_script("train.py", script)) is None


def test_addition__windows_line_endings_and_no_final_one():
    script = SPLIT + f"X, y = df.drop(columns='bad'), df['bad']\n{PARTS}model = SVC()\nmodel.fit(X_train, y_train)"
    facts = read_script("train.py", script.replace("\n", "\r\n"))
    point = choose_point(facts)
    rows = find_rows(point, None, splits=facts.splits, pandas="pd", label=None)
    text = write_addition(facts, point, rows, task="multiclass", positive=None, files=FILES).text
    assert text.count("\n") == text.count("\r\n")
    assert "model.fit(X_train, y_train)\r\n# mlci" in text


@pytest.mark.parametrize("text", ["print 'python 2'", "def f(:", "\0"])
def test_script__not_python(text):
    assert read_script("train.py", text) is None
