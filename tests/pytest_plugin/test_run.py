"""Behavioural tests in a run: a real pytest process, whose outcomes become rows and gates of the report."""

import ast
import sys
from pathlib import Path

from mlci.inference.result import BehaviourOutcome, BehaviourTest, EvaluationResult
from mlci.inference.serialization import dump_evaluation, parse_evaluation
from mlci.metrics.cost_budget import CostBudget
from mlci.pytest_plugin import plugin
from tests.support.project import mlci, small_files, write

UNUSED = "-p no:hypothesispytest -p no:xdist -p no:anyio -p no:cacheprovider"
TESTS = """
import os, pytest

def test_good(): assert "MLCI_TESTS" in os.environ
def test_bad(): assert 0, "three | wrong"
def test_other(): pytest.skip("no data")
"""


def test_run__behavioural_tests(tmp_path):
    more = f"tests:\n  run: '{sys.executable} -m pytest {UNUSED} t.py'\n  required: [test_good, test_bad, test_gone]\n"
    files = small_files(more=more, baseline="none", predict="predict: {file: old.csv, decision: p}\n")
    files["mlci.yml"] = files["mlci.yml"].replace("max_drop: 0.05", "min: 0.9")
    folder = write(tmp_path, {**files, "t.py": TESTS})
    assert mlci("evaluate", cwd=folder).code == 0
    ended = mlci("gate", "--json", cwd=folder)
    report = ended.report
    assert [(row["name"], row["outcome"], row["message"]) for row in report["tests"]] == [
        ("t.py::test_good", "passed", None),
        ("t.py::test_bad", "failed", "three | wrong"),
        ("t.py::test_other", "skipped", "no data"),
    ]
    gates = [(gate["metric"], gate["outcome"], gate["blocks"]) for gate in report["gates"] if gate["test"]]
    assert gates == [
        ("t.py::test_good", "passed", False),
        ("t.py::test_bad", "failed", True),
        ("test_gone", "error", True),
    ]
    assert (ended.code, report["verdict"]) == (1, "block")
    lines = (folder / ".mlci/out/comment.md").read_text()
    assert "| ❌ **test_bad (t.py)** failed<br><sub>three &#124; wrong</sub> | – | must pass |" in lines


def test_plugin__loads_nothing_of_mlci():
    """Import of the plugin at every start of pytest: a heavy one would slow the user's other tests."""
    tree = ast.parse(Path(plugin.__file__).read_text("utf-8"))
    modules = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    assert set(modules) == {"os", "pathlib", "typing", "pytest"}


def test_dump_evaluation__tests():
    numbers = {"candidate": 2.0, "baseline": 1.0, "ratio": 2.0, "low": 1.9, "high": 2.1, "limit": 1.5, "pairs": 8}
    budget = CostBudget(cost="memory", how="tracemalloc", **numbers)
    tests = (BehaviourTest("t.py::test_a", BehaviourOutcome.FAILED, "no", budget),)
    whole = {"task": "binary", "rows": 1, "fingerprint": None, "has_baseline": False, "confidence": 0.9, "seed": 7}
    result = EvaluationResult(**whole, comparisons=(), tests=tests)
    assert parse_evaluation(dump_evaluation(result), path="evaluation.json") == result
