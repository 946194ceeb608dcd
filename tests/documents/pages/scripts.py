"""Projects of pages whose own scripts train a model with scikit-learn: seconds each, by ``make examples``."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat

from tests.documents.pages.behaviour import project
from tests.documents.pages.registry import champion
from tests.support.page_shell import PageShell
from tests.support.project import write
from tests.support.repository import commit, init

DOCS = Path(__file__).parents[3] / "docs"
COLUMNS = re.compile(r"^COLUMNS = .*\n", re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a language on a page."""
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def area_under_curve(shell: PageShell) -> str:
    """Return the candidate's ROC AUC in the last report."""
    report = json.loads((shell.folder / ".mlci/out/report.json").read_text("utf-8"))
    return f"{next(row['candidate'] for row in report['metrics'] if row['metric'] == 'roc_auc'):.3f}"


def tutorial(shell: PageShell) -> Iterator[None]:
    script, worse, better = blocks("tutorial.md", "python")
    (config,), ignored = blocks("tutorial.md", "yaml"), blocks("tutorial.md", "text")[0]
    write(shell.folder, {"train.py": script, "mlci.yml": config, ".gitignore": ignored})
    yield
    yield
    assert area_under_curve(shell) == "0.958"
    yield
    (shell.folder / "train.py").write_text(COLUMNS.sub(worse, script))
    yield
    yield
    assert area_under_curve(shell) == "0.726"
    assert shell.mlci("promote")[0] == 1
    (shell.folder / "train.py").write_text(COLUMNS.sub(better, script))
    yield
    yield
    yield
    assert area_under_curve(shell) == "0.963"
    yield
    assert champion(shell) == 1
    yield
    yield
    yield
    assert "version 3 is in production" in shell.output, shell.output


def gate_a_script_that_splits(shell: PageShell) -> Iterator[None]:
    page = "how-to/start/gate-a-script-that-splits.md"
    given = {"train.py": blocks(page, "python")[1], "mlci.yml": blocks(page, "yaml")[0]}
    commit(init(shell.folder), {**given, ".gitignore": blocks(page, "text")[0]})
    yield
    yield
    assert champion(shell) == 1


_CELLS = (
    "import pandas as pd\nloans = pd.read_csv('loans.csv')",
    """\
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
X, y = loans[["debt"]], loans["late"]
X_train, X_test, y_train, y_test = train_test_split(X, y)
model = LogisticRegression().fit(X_train, y_train)""",
    "model.score(X_test, y_test)",
)
_JUPYTER = f"""\
#!{sys.executable}
import sys
import nbformat
from nbclient import NotebookClient
assert sys.argv[1:5] == ["nbconvert", "--to", "notebook", "--execute"], sys.argv
NotebookClient(nbformat.read(sys.argv[-1], as_version=4), kernel_name="python3").execute()
"""


def gate_a_notebook(shell: PageShell) -> Iterator[None]:
    """A notebook, and a `jupyter` that executes it with nbclient, as nbconvert does."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in _CELLS])
    rows = "".join(f"{row},{row * 37 % 100},{int(row * 37 % 100 > 50)}\n" for row in range(400))
    given = {"loans.ipynb": nbformat.writes(notebook), "loans.csv": "loan,debt,late\n" + rows}
    commit(init(shell.folder), {**given, "requirements.txt": "scikit-learn\n"})
    jupyter = shell.scratch / "programs" / "jupyter"
    jupyter.write_text(_JUPYTER)
    jupyter.chmod(0o755)
    shell.answers = "y\ny\nn\n"
    yield
    [block] = blocks("how-to/start/gate-a-notebook.md", "text")
    assert block in (shell.folder / "mlci.yml").read_text("utf-8")
    yield
    assert (shell.folder / "predictions.csv").exists()


def behaviour_with_pytest(shell: PageShell) -> Iterator[None]:
    project(shell.folder)
    yield
    report = json.loads((shell.folder / ".mlci/out/report.json").read_text("utf-8"))
    assert {one["outcome"] for one in report["tests"]} == {"passed"}, report["tests"]
