"""Outcomes that the plugin records: every phase of a test, files that can't be read, several workers."""

import pytest

from mlci.execution.behaviour_stage import RECORDS, RUNNING
from mlci.pytest_plugin.recorder import BehaviourRecorder

pytest_plugins = ("pytester",)

TESTS = """
import pytest

@pytest.fixture
def broken(): raise KeyError("x")

@pytest.fixture
def untidy():
    yield
    raise OSError("left open")

def test_passes(): pass
def test_fails(): assert {"a": 1} == {"a": 2}, "as it should\\nbe"
def test_raises(): raise ValueError("no")
def test_skips(): pytest.skip("no data")
def test_broken(broken): pass
def test_untidy(untidy): pass
@pytest.mark.xfail(reason="known")
def test_expected(): assert 0
@pytest.mark.xfail
def test_expected_without_a_reason(): assert 0
@pytest.mark.xfail(strict=True)
def test_unexpected(): pass
@pytest.mark.parametrize("x", ["a::b"])
def test_each(x): pass
"""


@pytest.fixture
def recorded(pytester, tmp_path):
    def run(*arguments):
        recorder = BehaviourRecorder(tmp_path)
        pytester.inline_run("-p", "no:cacheprovider", *arguments, plugins=[recorder])
        (file,) = tmp_path.iterdir()
        found = RECORDS.validate_json(file.read_bytes())
        return found.status, {test.name.rpartition(".py")[2]: (test.outcome, test.message) for test in found.tests}

    return run


def test_recorder__each_outcome(pytester, recorded):
    pytester.makepyfile(TESTS)
    status, tests = recorded()
    assert status == 1
    assert tests == {
        "::test_passes": ("passed", ""),
        "::test_fails": ("failed", "as it should"),
        "::test_raises": ("failed", "ValueError: no"),
        "::test_skips": ("skipped", "no data"),
        "::test_broken": ("error", "KeyError: 'x'"),
        "::test_untidy": ("error", "OSError: left open"),
        "::test_expected": ("skipped", "expected to fail: known"),
        "::test_expected_without_a_reason": ("skipped", "expected to fail"),
        "::test_unexpected": ("failed", "[XPASS(strict)]"),
        "::test_each[a::b]": ("passed", ""),
    }


BUDGETS = """
import pytest
from mlci.pytest_plugin.budgets import CostBudgets
from mlci.pytest_plugin.models import ModelUnderTest, PredictedRows

def model(*seconds):
    left = list(seconds)
    return ModelUnderTest("m", None, None, lambda rows: PredictedRows(rows, {"latency": left.pop(0)}))

@pytest.mark.parametrize("limit", [0.9, 2.0, 4.0])
def test_ratio(limit, request):
    new, old = model(1, 2, 2, 2, 2, 2, 2), model(1, 1, 1, 1, 1, 1, 1) if limit != 2.0 else model(1, *[2, 0.5] * 3)
    CostBudgets(0.95, request.node.user_properties).latency(new, old, None, max_ratio=limit, pairs=6)

def test_also_wrong(request):
    test_ratio(4.0, request)
    assert 0, "for another reason"
"""


def test_recorder__budgets(pytester, recorded):
    pytester.makepyfile(BUDGETS)
    status, tests = recorded()
    found = {name: (outcome, " ".join(message.split()[:5])) for name, (outcome, message) in tests.items()}
    assert status == 1
    assert found == {
        "::test_ratio[0.9]": ("failed", "latency is 2.000 times the"),
        "::test_ratio[2.0]": ("inconclusive", "latency is 2.5 times the"),
        "::test_ratio[4.0]": ("passed", "latency is 2.000 times the"),
        "::test_also_wrong": ("failed", "for another reason"),
    }


def test_recorder__names_the_running_test(tmp_path):
    recorder = BehaviourRecorder(tmp_path)
    recorder.pytest_sessionstart()
    recorder.pytest_runtest_logstart("t.py::test_a")
    (file,) = tmp_path.glob(RUNNING)
    assert file.read_text() == "t.py::test_a"
    recorder.pytest_sessionfinish(0)
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_recorder__file_that_cannot_be_imported(pytester, recorded):
    pytester.makepyfile("import of_nowhere\ndef test_a(): pass")
    status, tests = recorded("--continue-on-collection-errors")
    assert (status, [outcome for outcome, _ in tests.values()]) == (1, ["error"])
    assert "of_nowhere" in tests[""][1]


def test_recorder__stopped_at_the_first_failure(pytester, recorded):
    pytester.makepyfile("def test_a(): assert 0\ndef test_b(): pass")
    status, tests = recorded("-x")
    assert (status, list(tests)) == (1, ["::test_a"])
