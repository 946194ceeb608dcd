"""Data files that a training script names as defaults of its command line, followed by `mlci init`."""

import pytest

from mlci.operations.init.scripts.script import read_script
from mlci.operations.init.scripts.script_facts import choose_point
from tests.support.project import write
from tests.support.training_repositories import plan

TRAINS = """\
train, test = pd.read_csv({train}), pd.read_csv({test})
model = LogisticRegression().fit(train[["a"]], train["bad"])
print(roc_auc_score(test["bad"], model.predict_proba(test[["a"]])[:, 1]))
joblib.dump(model, {model})
"""
IMPORTS = "import argparse, os, joblib\nfrom pathlib import Path\nimport pandas as pd\n"
PARSER = """\
parser = argparse.ArgumentParser()
parser.add_argument("--train", default="data/train.csv")
parser.add_argument("-t", "--test-file", type=str, default=os.path.join("data", "test.csv"))
parser.add_argument("--out", dest="folder", default="models")
"""
ATTRIBUTES = TRAINS.format(train="args.train", test="args.test_file", model='os.path.join(args.folder, "model.joblib")')


def indented(text):
    return "".join(f"    {line}\n" for line in text.splitlines())


OF_PARSER = f"{IMPORTS}{PARSER}args = parser.parse_args()\n{ATTRIBUTES}"
OF_FUNCTION = f"""\
{IMPORTS}
def main():
    args = get_args()
{indented(ATTRIBUTES)}
def get_args():
{indented(PARSER)}    return parser.parse_args()
main()
"""
NAMES = {"train": "train_path", "test": "test_file", "model": 'f"models/model.joblib"'}
OF_CLICK = f"""\
{IMPORTS}import click
@click.command()
@click.option("--train", "train_path", default="data/train.csv")
@click.option("--test-file", "-t", default="data/test.csv", show_default=True)
def main(train_path, test_file):
{indented(TRAINS.format(**{**NAMES, "model": '"models/model.joblib"'}))}
main()
"""
OF_TYPER = OF_CLICK.replace("import click\n", "import typer\n").replace(
    "def main(train_path, test_file):",
    'def main(train_path: str = typer.Option("data/train.csv"), *, test_file: Path = Path("data") / "test.csv"):',
)
OF_TYPER = "".join(line for line in OF_TYPER.splitlines(keepends=True) if not line.startswith("@click"))
OF_DICTIONARY = OF_PARSER.replace("parser.parse_args()", "vars(parser.parse_args())")
for name in ("train", "test_file", "folder"):
    OF_DICTIONARY = OF_DICTIONARY.replace(f"args.{name}", f'args["{name}"]')
OF_KNOWN = OF_PARSER.replace("args = parser.parse_args()", "args, _ = parser.parse_known_args()")
OF_ENVIRONMENT = IMPORTS + TRAINS.format(
    train='"data/train.csv"',
    test='os.environ.get("TEST", "data/test.csv")',
    model='os.getenv("MODEL", "models/model.joblib")',
)
SHAPES = {
    "argparse": OF_PARSER,
    "a function": OF_FUNCTION,
    "vars": OF_DICTIONARY,
    "known": OF_KNOWN,
    "click": OF_CLICK,
    "typer": OF_TYPER,
    "environment": OF_ENVIRONMENT,
}


def table(rows):
    return "id,a,bad\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(rows))


@pytest.mark.parametrize("shape", SHAPES)
def test_read_script__files_named_by_defaults(shape):
    facts = read_script("train.py", SHAPES[shape])
    point = choose_point(facts)
    assert (point.label_value.path, point.label_value.part) == ("data/test.csv", "test")
    assert [saved.path for saved in facts.saved] == ["models/model.joblib"]


def test_init__files_named_by_defaults(tmp_path):
    """The test file is the evaluation set, and the saved model predicts for it."""
    write(tmp_path, {"train.py": OF_FUNCTION, "data/train.csv": table(300), "data/test.csv": table(120)})
    found = plan(tmp_path)
    text = next(change["text"] for change in found["changes"] if change["path"] == "mlci.yml")
    assert found["on_ramp"] == "model", found["changes"]
    assert "data: data/test.csv" in text
    assert "model: models/model.joblib" in text
    assert "run: python train.py" in text


def test_read_script__loader_that_is_called_for_each_file():
    """Each call reads the file that it names, also where the function was first called for another one."""
    script = f"""\
{IMPORTS}
def load(path):
    table = pd.read_csv(path)
    return table[["a"]], table["bad"]
{PARSER}
args = parser.parse_args()
X_train, y_train = load(args.train)
X_test, y_test = load(args.test_file)
model = LogisticRegression().fit(X_train, y_train)
print(model.score(X_test, y_test))
"""
    point = choose_point(read_script("train.py", script))
    assert (point.label_value.path, point.label_value.part) == ("data/test.csv", "test")
    assert point.names["y_train"].path == "data/train.csv"


@pytest.mark.parametrize(
    ("default", "line"), [("", 5), (', default="data"', None), (', nargs="?"', None), (", action='store_true'", 5)]
)
def test_read_script__path_without_a_default(default, line):
    script = f"{IMPORTS}import sys\nparser = argparse.ArgumentParser()\nparser.add_argument('--data-dir'{default})\n"
    script = script.replace("import sys\n", "")
    script += "args = parser.parse_args()\ndf = pd.read_csv(os.path.join(args.data_dir, 'train.csv'))\n"
    assert read_script("train.py", script).arguments == line
