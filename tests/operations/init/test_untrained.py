"""Committed files that nothing makes, in `mlci init` and `mlci doctor`, and scripts in other encodings."""

import shutil
import subprocess

import pytest

from mlci.cli.commands.setting_up.doctor import collect_setup
from mlci.operations.doctor.doctor import check_setup
from mlci.operations.init.scripts.script import read_script
from mlci.operations.init.scripts.source_text import decode_source
from tests.support.project import mlci, write
from tests.support.repository import commit, git, init
from tests.support.training_repositories import METRICS, SPLITS_INSIDE, loans, plan, saved

COOKIE = "# -*- coding: latin-1 -*-\n# caf\xe9\n"
UNKNOWN = "# coding: enigma\n"


def train_of(found):
    return next((one["value"] for one in found["answers"] if one["question"] == "train"), None)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"print 'caf'\n", "train.py can't be read: line 1 is not Python that this interpreter reads: Missing paren"),
        (b"x = 1\n# caf\xe9\n", "train.py can't be read: line 2 is not utf-8; save the file as UTF-8"),
        (UNKNOWN.encode(), "train.py can't be read: unknown encoding: enigma; save the file as UTF-8"),
    ],
)
def test_init__script_that_can_not_be_read(tmp_path, data, words):
    write(tmp_path, {"metrics.json": '{"accuracy": 0.9}'})
    (tmp_path / "train.py").write_bytes(data)
    first, second = (note for note in plan(tmp_path)["notes"] if ".py" in note)
    assert first.startswith("Nothing makes metrics.json: mlci.yml has no training command, so a change to train.py is ")
    assert "`mlci init --train 'python train.py'`, or add `train: {run: python train.py}`" in first
    assert second.startswith(words)
    assert not any("Nothing makes" in note for note in plan(tmp_path, "--train", "python train.py")["notes"])
    (tmp_path / "metrics.json").unlink()
    assert words in mlci("init", "--yes", cwd=tmp_path).err


def test_init__predictions_without_a_script(tmp_path):
    (note,) = plan(write(tmp_path, saved()))["notes"]
    assert "so a change to the code that makes it is judged by the out/predictions.csv that is there" in note
    assert "--train COMMAND" in note


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "utf-8"])
def test_init__encoded_script_of_metrics(tmp_path, encoding):
    write(tmp_path, {"metrics.json": '{"val": {"auc": 0.9}}'})
    text = f"# coding: {encoding.removesuffix('-sig')}\n# caf\xe9\n{METRICS}"
    (tmp_path / "fit.py").write_bytes(text.encode(encoding))
    found = plan(tmp_path)
    assert train_of(found) == "python fit.py"
    assert not any("Nothing makes" in note for note in found["notes"])


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig"])
def test_init__encoded_script_that_splits_inside(tmp_path, encoding):
    """The lines are added and taken out again without a change to any other byte."""
    before = ((COOKIE if encoding == "latin-1" else "# caf\xe9\n") + SPLITS_INSIDE).encode(encoding)
    commit(init(tmp_path), {"data/loans.csv": loans(), ".gitattributes": "*.py -text\n"})
    (tmp_path / "train.py").write_bytes(before)
    ended = mlci("init", "--yes", cwd=tmp_path)
    assert ended.code == 0, ended.err
    after = (tmp_path / "train.py").read_bytes()
    assert b"to_csv" in after
    assert {line for line in before.splitlines() if b"train_test_split(" not in line} <= set(after.splitlines())
    compile(after, "train.py", "exec")
    git(tmp_path, "apply", ".mlci/init/undo.patch")
    assert (tmp_path / "train.py").read_bytes() == before


WRITERS = {
    "csv.writer": 'with open("out/predictions.csv", "w") as f:\n    csv.writer(f).writerow(["id", "proba"])\n',
    "csv.DictWriter": 'f = open(file="out/predictions.csv", mode="wt")\ncsv.DictWriter(f, ["id"]).writeheader()\n',
    "append": 'open("out/predictions.csv", mode="a").write("id,proba\\n")\n',
    "Path.open": 'with (Path("out") / "predictions.csv").open("w") as f:\n    f.write("id\\n")\n',
    "write_text": 'OUT = Path("out")\n(OUT / "predictions.csv").write_text("id\\n")\n',
    "keyword": 'frame.to_csv(path_or_buf="out/predictions.csv", index=False)\n',
    "Polars": 'frame.write_csv("out/predictions.csv")\n',
    "NumPy": 'import numpy\nnumpy.savetxt("out/predictions.csv", scores, delimiter=",")\n',
    "PyArrow": 'from pyarrow import csv\ncsv.write_csv(table, "out/predictions.csv")\n',
}


@pytest.mark.parametrize("name", WRITERS)
def test_read_script__written_table(name):
    facts = read_script("train.py", WRITERS[name])
    assert {item.path for item in facts.tables} == {"out/predictions.csv"}


def test_read_script__opened_to_read_or_no_table():
    text = 'open("predictions.csv")\nopen("predictions.csv", "rb")\nopen("notes.txt", "w")\nframe.to_csv()\n'
    assert read_script("train.py", text).tables == []
    assert [one.path for one in read_script("a.py", 'open("metrics.json", "w").write(text)').metrics] == [
        "metrics.json"
    ]


def test_init__predictions_of_plain_python(tmp_path):
    found = plan(write(tmp_path, {**saved(), "fit.py": "import csv\n" + WRITERS["csv.writer"]}))
    assert train_of(found) == "python fit.py"


def test_decode_source__keeps_bytes():
    for data in (b"\xef\xbb\xbfx = 1\r\n", b"# coding: latin-1\r\n# \xe9\n", "# caf\xe9".encode()):
        source = decode_source(data)
        assert source.stored(source.text).encode("utf-8", "surrogateescape") == data
        assert not source.text.startswith("\ufeff")


CONFIG = """\
model: m
task: binary
predict: {metrics: metrics.json}
baseline: none
gates:
  - {metric: accuracy, min: 0.5}
"""


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A repository whose gate judges a committed metrics file, although a script makes it."""
    folder = init(tmp_path_factory.mktemp("untrained") / "repository")
    files = {"mlci.yml": CONFIG, "metrics.json": '{"accuracy": 0.9}', ".gitignore": ".mlci/\n", "fit.py": METRICS}
    commit(folder, files)
    return folder


def names(folder, *, workflow=""):
    if workflow:
        write(folder, {".github/workflows/gate.yml": workflow})
    facts, _ = collect_setup(folder / "mlci.yml", {})
    return {one.name: one for one in check_setup(facts)}


@pytest.fixture
def repository(untrained, tmp_path):
    return shutil.copytree(untrained, tmp_path / "copy")


def test_check_training__committed_metrics(repository):
    found = names(repository)["training-missing"]
    assert (found.severity, found.path, found.line) == ("warning", "mlci.yml", 3)
    assert found.lines == "train:\n  run: |  # has to write metrics.json\n    python fit.py"
    assert "git tracks `metrics.json`" in found.what
    (repository / "mlci.yml").write_text(f"{CONFIG}{found.lines}\n")
    assert "training-missing" not in names(repository)


def test_check_training__unread_script(repository):
    (repository / "fit.py").write_bytes(b"print 'metrics.json' # \xe9\n")
    assert "`fit.py` seems to" in names(repository)["training-missing"].what


def test_check_training__nothing_to_report(repository):
    gate = "on: pull_request\njobs:\n  gate:\n    steps:\n      - run: python fit.py\n      - uses: mlci/mlci@main\n"
    assert "training-missing" not in names(repository, workflow=gate)
    assert "training-missing" in names(repository, workflow=gate.replace("python fit.py", "true"))
    git(repository, "rm", "--quiet", "--cached", "metrics.json")
    assert "training-missing" not in names(repository)
    git(repository, "add", "metrics.json")
    (repository / "fit.py").unlink()
    assert "training-missing" not in names(repository)


@pytest.mark.parametrize("leads_to", ["shared", "nowhere"])
def test_init__link_in_place_of_gitignore(tmp_path, leads_to):
    commit(init(tmp_path / "repository"), {"metrics.json": '{"accuracy": 0.9}'})
    write(tmp_path, {"shared": "*.pyc\n"})
    link = tmp_path / "repository" / ".gitignore"
    link.symlink_to(tmp_path / leads_to)
    ended = mlci("init", "--yes", cwd=tmp_path / "repository")
    assert ended.code == 2
    assert ".gitignore is a symbolic link, and git does not follow it" in ended.err
    remedy = (
        "cp .gitignore .gitignore.copy && mv .gitignore.copy .gitignore" if leads_to == "shared" else "rm .gitignore"
    )
    assert remedy in ended.err
    subprocess.run(["sh", "-c", remedy], cwd=link.parent, check=True)
    assert mlci("init", "--yes", cwd=link.parent).code == 0
    assert (tmp_path / "shared").read_text() == "*.pyc\n"


def test_init__script_that_connects_to_its_own_machine(tmp_path):
    logged = f'import mlflow\nmlflow.set_tracking_uri("http://localhost:5000/")\n{SPLITS_INSIDE}'
    found = plan(write(tmp_path, {"train.py": logged, "data/loans.csv": loans(60)}))
    assert any(
        "line 2 of train.py names http://localhost:5000, and runners have no server" in note for note in found["notes"]
    )
