"""The page on behavioural tests: its tests on its configuration, with a model that passes and one that fails."""

import importlib
import re

import joblib
import pandas as pd

from mlci.config.loader import parse_config
from mlci.execution.behaviour_stage import RECORDS, SESSION, BehaviourSession, PredictionTable
from mlci.pytest_plugin import budgets, models, recorder
from tests.documents.pages.behaviour import blocks, project
from tests.support.project import run, write

pytest_plugins = ("pytester",)

# Before pytester runs: what is first imported there would be imported again later.
LOADED = (budgets, models, recorder, pd)


def test_behaviour_page__its_tests(pytester):
    """Run the tests by hand after a run: the report is there, and the step predicts for changed rows."""
    folder = project(pytester.path, "debt + 110 - income")
    config = folder / "mlci.yml"
    config.write_text(config.read_text().partition("tests:")[0])
    assert run(folder).code == 0
    passed, _, failed = pytester.inline_run("tests", "-p", "no:cacheprovider").listoutcomes()
    assert [report.nodeid.rpartition("::")[2] for report in passed] == [
        "test_loan_number_does_not_matter",
        "test_finds_defaults_of_the_indebted",
    ]
    reasons = [report.longrepr.reprcrash.message.splitlines()[0] for report in failed]
    assert reasons[0] == "AssertionError: the score of 200 of 200 loans rises"
    assert len(reasons) == 2
    assert "-0.05" in reasons[1]


MODEL = """\
class Ratio:
    def predict_proba(self, rows):
        return rows["debt"] / (rows["debt"] + rows["income"])
"""


def test_behaviour_page__budgets(pytester, monkeypatch):
    """Budgets of a run whose models are one: a ratio near 1 passes, and 1.3 of the step does not."""
    folder = project(pytester.path)
    write(folder, {"tests/test_costs.py": blocks("python")[1], "tests/ratio.py": MODEL})
    monkeypatch.syspath_prepend(folder / "tests")
    joblib.dump(importlib.import_module("ratio").Ratio(), folder / "model.joblib")
    table = PredictionTable(path=str(folder / "production.csv"), score="score")
    model = str(folder / "model.joblib")
    session = BehaviourSession(
        config=str(folder / "mlci.yml"), candidate=table, baseline=table, model=model, baseline_model=model
    )
    (folder / "session.json").write_bytes(SESSION.dump_json(session))
    monkeypatch.setenv("MLCI_TESTS", str(folder / "session.json"))
    costs = {"candidate": {"latency": 1.0, "memory": 1.3}, "baseline": {"latency": 1.0, "memory": 1.0}}
    monkeypatch.setattr(models.ModelUnderTest, "cost_of_predicting", lambda self, _: costs[self.name])
    pytester.inline_run("tests/test_costs.py", "-p", "no:cacheprovider")
    (results,) = (RECORDS.validate_json(path.read_bytes()) for path in folder.glob("results-*.json"))
    found = {test.name.rpartition("::")[2]: test for test in results.tests}
    latency, memory = found["test_latency_of_the_step"], found["test_memory_of_the_step"]
    assert (latency.outcome, latency.budget.pairs, memory.outcome, memory.budget.limit) == ("passed", 8, "failed", 1.25)
    assert found["test_latency_of_the_model"].budget.limit == 1.1


def test_behaviour_page__configurations():
    for text in blocks("yaml"):
        whole = text if text.startswith("model:") else blocks("yaml")[0].partition("tests:")[0] + text
        tests = parse_config(whole.encode(), path="mlci.yml").config.tests
        assert tests.run == "python -m pytest tests/test_model.py"
        assert set(tests.required or ()) <= set(re.findall(r"^def (\w+)", blocks("python")[0], re.MULTILINE))
