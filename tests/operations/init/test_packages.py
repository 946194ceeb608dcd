"""`mlci init` for a script inside of a package: relative imports need `python -m`."""

import pytest

from mlci.operations.init.inventory import take_inventory
from mlci.operations.init.training_command import script_command
from tests.support.project import write
from tests.support.training_repositories import SPLITS_INSIDE, first_run, loans

CONFIG = 'LABEL = "defaulted"\n'
SCRIPT = SPLITS_INSIDE.replace("import pickle\n", "import pickle\n\nfrom .config import LABEL\n").replace(
    'y = loans["defaulted"]', "y = loans[LABEL]"
)
INSIDE = SCRIPT.replace('"data/loans.csv"', '"loans.csv"')
PACKAGE = {"credit/__init__.py": "", "credit/config.py": CONFIG}


@pytest.mark.parametrize(
    ("script", "reads", "imports", "command"),
    [
        ("credit/train.py", "data/loans.csv", {".config"}, "python -m credit.train"),
        ("credit/fit/train.py", "data/loans.csv", {"..config"}, "python -m credit.fit.train"),
        ("credit/train.py", "inner.csv", {".config"}, "cd credit && PYTHONPATH=.. python -m credit.train"),
        ("credit/train.py", "data/loans.csv", {"config"}, "python credit/train.py"),
        ("train.py", "data/loans.csv", {".config"}, "python train.py"),
    ],
)
def test_command__relative_imports(tmp_path, script, reads, imports, command):
    files = {**PACKAGE, script: "", "data/loans.csv": "", "credit/inner.csv": ""}
    found = script_command(take_inventory(write(tmp_path, files)), script, [reads], imports)
    assert found[0] == command
    assert ("runs as a module" in found[2]) == (command == f"python -m {script[:-3].replace('/', '.')}")


def test_command__relative_imports_and_a_command_of_the_readme(tmp_path):
    files = {**PACKAGE, "credit/train.py": "", "README.md": "Run `python credit/train.py --fast`."}
    found = script_command(take_inventory(write(tmp_path, files)), "credit/train.py", [], {".config"})
    assert found[0] == "python -m credit.train --fast"


@pytest.mark.parametrize(
    ("script", "data"), [(SCRIPT, "data/loans.csv"), (INSIDE, "credit/loans.csv")], ids=["from the top", "inside"]
)
def test_init__script_with_relative_imports(tmp_path, script, data):
    """The whole journey: the script runs as a module of its package, and its model is judged."""
    files = {**PACKAGE, "credit/train.py": script, data: loans(300)}
    _, ended = first_run(write(tmp_path, files))
    assert ended.code == 0, ended.err
    assert ended.report["evaluation"]["rows"] == 150
    assert "python -m credit.train" in (tmp_path / "mlci.yml").read_text()
