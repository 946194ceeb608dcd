"""The example notebook, executed in a Jupyter kernel of its own."""

import html
import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from tests.examples.__main__ import EXAMPLES

NOTEBOOK = EXAMPLES / "notebook" / "compare.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook after all cells ran in a copy of the examples, and its folder."""
    folder = tmp_path_factory.mktemp("examples")
    for name in ("diabetes", "notebook"):
        shutil.copytree(EXAMPLES / name, folder / name)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(folder / "notebook")}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"], folder / "notebook"


def test_notebook__shows_frame_page_and_file(executed):
    outputs, folder = executed
    *_, (shown,), (table,), (saved,) = outputs
    page = html.unescape(shown["data"]["text/html"].partition('srcdoc="')[2].partition('" title=')[0])
    assert page == (folder / "report.html").read_text("utf-8")
    assert ">Blocked: " in page
    assert "May merge" not in page
    assert table["data"]["text/html"].count("<tr") == 4
    assert saved["data"]["text/plain"] == "('block', PosixPath('report.html'))"


def test_notebook__committed_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)
