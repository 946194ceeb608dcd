"""Proposals from columns, margins that rows can decide, and training commands."""

import pytest

from mlci.engine.tables.column_summary import ColumnSummary, TableSummary, summarize_table
from mlci.operations.init.columns import find_key, find_positive, find_slices, find_task
from mlci.operations.init.margins import MarginQuestion, propose_gates, smallest_margin
from mlci.operations.init.pipeline import pipeline_command
from mlci.planning.assumptions import ASSUMED_RATE
from mlci.planning.plan import plan_gate, rows_for_power


def column(name, *counts, kind="text", missing=0):
    return ColumnSummary(name=name, kind=kind, distinct=len(counts), missing=missing, counts=counts)


def test_summary__kinds_and_counts(tmp_path):
    text = "id,real,flag,word,empty\n1,0.5,true, a,\n2,1.5,false,b,\n3,2.5,true,b,\n"
    (tmp_path / "t.csv").write_text(text)
    table = summarize_table(str(tmp_path / "t.csv"))
    assert table.rows == 3
    assert [(item.kind, item.distinct, item.missing) for item in table.columns] == [
        ("integer", 3, 0), ("real", 3, 0), ("boolean", 2, 0), ("text", 2, 0), ("text", 0, 3),
    ]  # fmt: skip
    assert table.find("word").counts == (("b", 2), (" a", 1))
    assert table.find("absent") is None


@pytest.mark.parametrize(
    ("label", "task", "positive"),
    [
        (column("y", ("0", 9), ("1", 4), kind="integer"), "binary", "1"),
        (column("y", ("No", 9), ("Yes", 4)), "binary", "Yes"),
        (column("y", ("left", 4), ("stays", 9)), "binary", "left"),
        (column("y", ("cat", 9), ("dog", 4)), "binary", "dog"),
        (column("y", ("1", 9), ("2", 4), kind="integer"), "binary", "1"),
        (column("y", ("a", 3), ("b", 2), ("c", 1)), "multiclass", None),
        (ColumnSummary(name="y", kind="real", distinct=900, missing=0), "regression", None),
    ],
)
def test_label__task_and_positive_class(label, task, positive):
    assert find_task(label)[0] == task
    if task == "binary":
        assert find_positive(label)[0] == positive


def test_slices__few_values_and_sensitive_names_first():
    table = TableSummary(path="t", rows=100, columns=(
        column("plan", ("a", 60), ("b", 40)),
        column("sex", ("0", 50), ("1", 50), kind="integer"),
        column("rooms", ("2", 50), ("3", 50), kind="integer"),
        column("rare", ("a", 97), ("b", 3)),
        column("town", *((str(i), 5) for i in range(20))),
    ))  # fmt: skip
    every = frozenset(table.names)
    assert [item.column.name for item in find_slices(table, every, share=0.5)] == ["sex", "plan"]
    assert [item.column.name for item in find_slices(table, every - {"sex"}, share=1)] == ["plan"]
    assert find_slices(table, every, share=0.1) == []


def test_key__unique_and_named_like_one():
    number = ColumnSummary(name="income", kind="integer", distinct=100, missing=0)
    ident = ColumnSummary(name="customerID", kind="text", distinct=100, missing=0)
    table = TableSummary(path="t", rows=100, columns=(number, ident))
    assert find_key(table, frozenset(table.names)) == "customerID"
    assert find_key(table, frozenset({"income"})) is None


def question(rows, **more):
    return MarginQuestion(metric="accuracy", limit="max_drop", change=ASSUMED_RATE, rows=rows, **more)


@pytest.mark.parametrize("rows", [60, 200, 1_000, 10_000])
def test_margin__is_decidable_and_the_next_smaller_one_is_not(rows):
    margins = (0.005, 0.01, 0.05, 0.1, 0.2)
    found = smallest_margin(question(rows), margins)
    assert found.decided
    assert found.needed <= rows
    smaller = [margin for margin in margins if margin < found.value]
    assert all(rows_for_power(question(rows).gate(margin), ASSUMED_RATE) > rows for margin in smaller)


def test_margin__passes_equal_models_and_blocks_worse_ones():
    """8 of 10, by the judge itself: `mlci plan` states the same powers."""
    gate = question(1_000).gate(smallest_margin(question(1_000), (0.005, 0.01, 0.02, 0.03)).value)
    plan = plan_gate(gate, ASSUMED_RATE)
    assert plan.decides
    assert min(plan.passes, plan.finds) >= 0.8
    assert plan.wanted == 2 * gate.margin


def test_margin__groups_judged_together_need_more_rows():
    alone, many = (smallest_margin(question(220, family=size), (0.05, 0.1)) for size in (1, 10))
    assert (alone.value, many.value) == (0.05, 0.1)


def test_gates__too_few_rows():
    (gate,) = propose_gates("multiclass", rows=20, positives=None, scored=False, slices=[], share=1)
    assert (gate.metric, gate.value) == ("accuracy", "0.1")
    assert "are needed to pass 8 of 10 equal models and block 8 of 10 that are worse by 0.2" in gate.reason


def test_gates__small_groups_are_not_judged():
    table = TableSummary(path="t", rows=1000, columns=(column("sex", ("f", 965), ("m", 35)),))
    slices = find_slices(table, frozenset({"sex"}), share=1)
    gates = propose_gates("binary", rows=1000, positives=300, scored=True, slices=slices, share=1)
    assert [(gate.metric, gate.each) for gate in gates] == [("roc_auc", None)]


def test_pipeline__order_of_dependencies():
    stages = {
        "last": {"cmd": "c", "deps": ["out/b/rows.csv"]},
        "middle": {"cmd": ["b1", "b2"], "deps": ["a.csv"], "outs": ["out/b"]},
        "first": {"cmd": "a", "outs": [{"a.csv": {"cache": False}}]},
    }
    assert pipeline_command({"stages": stages}) == "a\nb1\nb2\nc"
    assert pipeline_command({"stages": {**stages, "x": {"cmd": "x ${y}"}}}) == "dvc repro"
    assert pipeline_command({"stages": {"a": {"cmd": "a", "deps": ["o"], "outs": ["o"]}}}) == "a"
    assert pipeline_command({}) is None
