"""Scores without decisions at a threshold of 0.5, and pasteable values in messages."""

import re

import pytest
from ruamel.yaml import YAML

from mlci.config.loader import parse_config
from mlci.engine.interface import Job, Source
from mlci.errors import InputError, yaml_value
from mlci.inference.evaluate import Question
from mlci.operations import evaluation_plan
from tests.engine.tables import observe, refusal, text
from tests.support.project import run

CONFIG = """model: m
task: binary
evaluation: {data: d.csv, key: id, label: y, slices: [g], metrics: [roc_auc, accuracy, "recall", brier_score_loss]}
predict: {file: p.csv, score: s}
baseline: none
gates:
  - {metric: %s, min: 0.5}
"""


def job(path, **more):
    given = {"task": "binary", "data": path, "label": "y", "candidate": Source(path=path, score="s")}
    return Job(**given | {"assumed_threshold": True, "scores": True} | more)


@pytest.mark.parametrize(
    ("scores", "undecided_"), [("-2,3", True), ("20,80", True), ("0.1,0.9", False), ("0,1", False), ("0.5,1.5", True)]
)
@pytest.mark.parametrize("features", [False, True])
def test_undecided__scores_outside_the_unit_interval(tmp_path, scores, undecided_, features):
    low, high = scores.split(",")
    head, rest = (",x", ",7.25") if features else ("", "")
    path = text(tmp_path, "t.csv", f"y,s{head}\n0,{low}{rest}\n1,{high}{rest}\n")
    for more in ({}, {"scores": False}):
        found = observe(job(path, **more)).undecided
        assert bool(found) == undecided_
        assert observe(job(path, assumed_threshold=False, **more)).undecided == ()
    if undecided_:
        assert found == (f"the candidate's 's' has scores from {low} to {high}",)


def test_undecided__decisions_in_a_column(tmp_path):
    path = text(tmp_path, "t.csv", "y,s,d\n0,-2,0\n1,3,1\n")
    assert observe(job(path, candidate=Source(path=path, score="s", decision="d"))).undecided == ()


@pytest.mark.parametrize(("cells", "noted"), [("0,1,1", True), ("0,1,0.5", False), ("0.0,1.0,1.0", True)])
@pytest.mark.parametrize("counted", [False, True])
def test_note__scores_of_0_and_1_look_like_decisions(tmp_path, cells, noted, counted):
    name = "s" if counted else "a: b"
    rows = "".join(f"{i % 2},{cell}\n" for i, cell in enumerate(cells.split(",")))
    path = text(tmp_path, "t.csv", f"y,{name}\n{rows}")
    found = observe(job(path, candidate=Source(path=path, score=name), scores=not counted)).notes
    shown = "s" if counted else '"a: b"'
    expected = f"looks like decisions; if so, write `predict: {{decision: {shown}}}` instead of `score`"
    assert [expected in note for note in found] == [True] * noted


def test_decides__metrics_of_scores():
    question = evaluation_plan.evaluation_question(
        parse_config((CONFIG % "roc_auc").encode(), path="m").config, baseline=False
    )
    left = evaluation_plan.DecisionMetrics(frozenset({"m:f"})).leave_out(question)
    assert isinstance(left, Question)
    assert left.metrics == ("roc_auc",)  # such scores are not probabilities
    assert left.disparities == ()


@pytest.mark.parametrize(("metric", "refused"), [("accuracy", True), ("roc_auc", False), ("recall", True)])
def test_decides__gates_on_decisions(metric, refused):
    config = parse_config((CONFIG % metric).encode(), path="m").config
    found = ("the candidate's 's' has scores from -2 to 3",)
    if not refused:
        evaluation_plan.DecisionMetrics(frozenset()).refuse_gates(config, found, "p.csv")
        return
    with pytest.raises(InputError, match=re.escape("`predict: {threshold: …}`")) as raised:
        evaluation_plan.DecisionMetrics(frozenset()).refuse_gates(config, found, "p.csv")
    assert f"gates limit `{metric}`" in str(raised.value)


def test_decides__custom_metric():
    decides = evaluation_plan.DecisionMetrics(frozenset({"own:decided"}))
    assert decides.rests("own:decided")
    assert not decides.rests("own:scored")


VALUES = [
    ">50K", "yes", "<=50K", "a: b", "a #b", "- x", "null", "~", "", " a", "{x}", "007", "1", "0.5", "1e5",
    "\u00e9t\u00e9", "'", '"', "a,b", "*",
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_yaml_value__round_trip(value):
    for line in (f"positive: {yaml_value(value)}", f"a: {{positive: {yaml_value(value)}}}"):
        read = YAML(typ="safe").load(line)
        read = read.get("a", read)
        assert str(read["positive"]) == value


@pytest.mark.parametrize(("label", "shown"), [(">50K", '">50K"'), ("yes", '"yes"')])
def test_suggestion__positive_class_can_be_pasted(tmp_path, label, shown):
    path = text(tmp_path, "t.csv", f"y,s\n<=50K,0.1\n{label},0.9\n")
    (line,) = refusal(job(path))
    assert line.endswith(f"`positive: {shown}`")


RANKS_ONLY = """model: m
task: binary
evaluation: {data: d.csv, label: y}
predict: {file: d.csv, score: s}
baseline: none
gates:
  - {metric: %s, min: 0.1}
"""


def test_run__margins_under_a_rank_gate(tmp_path):
    text(tmp_path, "d.csv", "y,s\n" + "".join(f"{i % 2},{i % 2 * 30 + i % 7 * 10}\n" for i in range(60)))
    (tmp_path / "mlci.yml").write_text(RANKS_ONLY % "roc_auc")
    report = run(tmp_path).report
    assert {row["metric"] for row in report["metrics"]} == {"roc_auc", "average_precision"}
    assert any("metrics of decisions and probabilities are left out" in note for note in report["notes"])
    (tmp_path / "mlci.yml").write_text(RANKS_ONLY % "brier_score_loss")
    refused = run(tmp_path)
    assert (refused.code, "outside [0, 1], where probabilities are needed" in refused.err) == (2, True)
