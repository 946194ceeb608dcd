"""The examples of the page on tables run as they stand."""

import io
import re
from pathlib import Path

import pytest

from mlci.cli.wiring import load_configuration, run_context
from mlci.operations.run import run_and_judge

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "start" / "use-your-tables.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Run the page's Python, which writes every file that it names."""
    home, names = tmp_path_factory.mktemp("page"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        exec("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), names)  # noqa: S102 (the page's own code)
    return home


EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_page__examples_pass(folder, example):
    path = folder / "mlci.yml"
    path.write_text(example, encoding="utf-8")
    with run_context(load_configuration(path), cached=False, log=io.StringIO(), own_process=False) as context:
        report = run_and_judge(context).report
    assert report.verdict == "pass", [gate.reason for gate in report.gates]
