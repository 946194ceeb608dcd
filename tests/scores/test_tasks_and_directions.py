"""Runs of several tasks, pooled and one by one, and the directions of scorers."""

import json
import re

import pytest

from mlci.scores.formats.detect import read_log
from tests.support.project import run
from tests.support.score_logs import tool_run

STAMP = "2026-11-30T22-23-47.110916"
CONFIG = """\
model: subjects
task: scores
predict: {{log: "now/samples_*.jsonl"}}
baseline: {{log: "before/samples_*.jsonl"}}
evaluation: {{slices: [task], min_group_size: 3}}
gates:
{gates}
"""
METRICS = {"anatomy": "acc", "law": "acc", "sums": "exact_match"}


def gate(ended):
    return ended.report["gates"][0]


def write_tasks(folder, wrong, *, judged=True):
    """Write a run of lm-evaluation-harness with three tasks of eight items, of which some are answered wrong."""
    folder.mkdir(parents=True)
    log = tool_run("LmEval").copy()
    results = log.results
    results["configs"] = dict.fromkeys(METRICS, results["configs"]["sums"])
    results["n-samples"] = {task: {"effective": 8} for task in METRICS}
    results["higher_is_better"] = {task: {metric: True} for task, metric in METRICS.items()}
    (folder / f"results_{STAMP}.json").write_text(json.dumps(results))
    for task, metric in METRICS.items():
        for index, record in enumerate(log.records):
            record |= {"metrics": [metric], "filter": "none", metric: float(index >= wrong[task])}
            if not judged and task == "law":
                record[metric] = float("nan")
        text = "\n".join(json.dumps(record) for record in log.records)
        (folder / f"samples_{task}_{STAMP}.jsonl").write_text(text)


def project(folder, wrong, gates, **settings):
    write_tasks(folder / "before", dict.fromkeys(METRICS, 0))
    write_tasks(folder / "now", {**dict.fromkeys(METRICS, 0), **wrong}, **settings)
    (folder / "mlci.yml").write_text(CONFIG.format(gates=gates))
    return folder


def test_run__pooled_gate_and_one_for_each_task(tmp_path):
    gates = "  - {metric: acc, min: 0.8}\n  - {metric: acc, each: task, max_drop: 0.3}"
    ended = run(project(tmp_path, {"law": 8}, gates))
    pooled, *tasks = ended.report["gates"]
    assert (pooled["candidate"], pooled["outcome"]) == (pytest.approx(0.5), "failed")
    assert [one["scope"]["group"] for one in tasks] == ["anatomy", "law"]  # the task sums has no acc
    assert [one["candidate"] for one in tasks] == [1, 0]
    row = next(one for one in ended.report["metrics"] if one["metric"] == "acc" and one["group"] is None)
    assert (row["rows"], row["support"]) == (16, 16)


def test_run__task_with_another_scorer_has_no_errored_items(tmp_path):
    ended = run(project(tmp_path, {}, "  - {metric: acc, min: 0.8}\n  - {metric: errored_share, max: 0}"))
    assert [one["outcome"] for one in ended.report["gates"]] == ["passed", "passed"]


def test_run__task_without_any_score_is_errored(tmp_path):
    ended = run(project(tmp_path, {}, "  - {metric: acc, min: 0.8}", judged=False))
    assert (gate(ended)["outcome"], gate(ended)["why"]) == ("inconclusive", "errored_items")
    assert "8 of the candidate's answers have no score (no score by acc)" in gate(ended)["reason"]


def test_run__limit_on_an_improvement_by_the_log(tmp_path):
    ended = run(project(tmp_path, {}, "  - {metric: acc, max_rise: 0.1}"))
    assert ended.code == 2
    assert "`gates[0].max_rise` would limit an improvement: the log says that higher is better for `acc`" in " ".join(
        ended.err.split()
    )


@pytest.mark.parametrize(
    ("gates", "words"),
    [
        (
            "  - {metric: acc, higher_is_better: false, max_rise: 0.1}",
            "the log and a gate differ in `higher_is_better`",
        ),
        ("  - {metric: acc, higher_is_better: false, max_drop: 0.1}", "the gate says that lower is better for `acc`"),
        ("  - {metric: cost_usd, higher_is_better: true, max: 1}", "of `cost_usd` lower is better"),
    ],
)
def test_run__contradictory_directions(gates, words, tmp_path):
    ended = run(project(tmp_path, {}, gates))
    assert ended.code == 2
    assert words in " ".join(ended.err.split())


TABLE = """\
model: support
task: scores
predict: {log: now.csv}
baseline: {log: before.csv}
evaluation: {key: item}
gates:
  - {metric: toxicity, higher_is_better: false, max_rise: 0.5}
  - {metric: pass_all(toxicity), min: 0.7}
"""


def test_run__lower_is_better_by_the_gate(tmp_path):
    for name, bad in (("before", 9), ("now", 2)):
        rows = [f"q{i},{int(i % 10 == bad)}" for i in range(40)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["item,toxicity", *rows]))
    (tmp_path / "mlci.yml").write_text(TABLE)
    ended = run(tmp_path)
    assert [one["outcome"] for one in ended.report["gates"]] == ["passed", "passed"]
    assert ended.report["gates"][1]["candidate"] == pytest.approx(0.9)  # without a direction it would be 0.1
    assert ended.report["items_changed"]["items"][0]["candidate"] == 1  # what got worse comes first
    assert [one["higher_is_better"] for one in ended.report["metrics"][:2]] == [False, True]


def test_run__gain_of_a_scorer_whose_lower_scores_are_better(tmp_path):
    for name, bad in (("before", 0.9), ("now", 0.1)):
        rows = [f"q{i},{int(i < 100 * bad)}" for i in range(100)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["item,toxicity", *rows]))
    (tmp_path / "mlci.yml").write_text(TABLE.replace("max_rise: 0.5", "max_rise: 0, superior_by: 0.5"))
    gain = next(one for one in run(tmp_path).report["gates"] if one["id"] == "toxicity.superior_by")
    assert (gain["outcome"], gain["bound"], gain["limit"]["lower_is_better"]) == ("passed", -0.5, True)


def test_read_log__perplexity_of_lm_eval(tmp_path):
    log = tool_run("LmEval").copy()
    for record in log.records:
        record |= {"metrics": ["perplexity"], "perplexity": -2.5, "filter": "none"}  # a sample's log-likelihood
    log.results["higher_is_better"]["sums"] = {"perplexity": False}
    log.write(tmp_path)
    read = read_log(tmp_path / log.log)
    assert {item.scores["perplexity"] for item in read.items} == {2.5}
    assert read.scorers["perplexity"].higher_is_better is False
    assert re.search("negative log-likelihood", read.notes[0])
