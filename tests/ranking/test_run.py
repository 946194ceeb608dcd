"""Rankings from files to the report: `mlci run` and `mlci.compare`."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

import mlci
from mlci.errors import InputError
from mlci.inference.intervals.gaffke import bounded_mean
from mlci.report.render import render_all
from tests.support.project import mlci as command
from tests.support.project import run

CONFIG = """\
model: search
task: ranking
evaluation: {data: judged.csv, key: id, query: query, label: relevance, slices: [language]}
predict: {file: new.csv, score: score}
baseline: {file: old.csv}
gates:
  - {metric: ndcg@10, superior_by: 0.02}
  - {metric: recall@3, each: language, max_drop: 0.4}
"""


@pytest.fixture(scope="module")
def judged():
    """120 queries of eight documents; the candidate's scores carry more of the relevance."""
    rng = np.random.default_rng(6)
    table = pd.DataFrame(
        {"query": np.repeat(np.arange(120), 8), "language": np.repeat(["de", "en", "fr"], [400, 400, 160])}
    )
    table["id"] = [f"{query}-{i % 8}" for i, query in enumerate(table["query"])]
    table["relevance"] = rng.integers(0, 4, len(table)) * (rng.random(len(table)) < 0.4)
    table.loc[table.index % 8 == 1, "relevance"] = 1
    table["new"] = np.round(table["relevance"] + rng.normal(0, 1, len(table)), 1)
    table["old"] = np.round(table["relevance"] + rng.normal(0, 4, len(table)), 1)
    return table


def by_query(judged, scores):
    groups = [one for _, one in judged.groupby("query")]
    return np.array([ndcg_score([one["relevance"]], [one[scores]], k=10) for one in groups])


@pytest.fixture
def project(judged, tmp_path):
    judged[["id", "query", "relevance", "language"]].to_csv(tmp_path / "judged.csv", index=False)
    for name in ("new", "old"):
        renamed = judged[["id", name]].rename(columns={name: "score"})
        renamed.sample(frac=1, random_state=1).to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "mlci.yml").write_text(CONFIG, "utf-8")
    return tmp_path


def test_run__gates_on_queries(judged, project):
    ended = run(project)
    report = ended.report
    found = next(one for one in report["metrics"] if (one["metric"], one["slice"]) == ("ndcg@10", None))
    new, old = by_query(judged, "new"), by_query(judged, "old")
    assert (found["candidate"], found["baseline"]) == (pytest.approx(new.mean()), pytest.approx(old.mean()))
    expected = bounded_mean(new - old, -1, 1).interval(0.95)
    assert found["change_interval"] == pytest.approx(list(expected), abs=1e-9)
    assert (found["rows"], found["support"], found["support_unit"], found["method"]) == (960, 120, "queries", "gaffke")
    assert [(one["id"], one["outcome"]) for one in report["gates"]] == [
        ("ndcg@10.superior_by", "passed"),
        ("recall@3[language=de].max_drop", "passed"),
        ("recall@3[language=en].max_drop", "passed"),
        ("recall@3[language=fr].max_drop", "inconclusive"),
    ]
    last = report["gates"][-1]
    assert last["reason"] == "too few rows: it has 20 queries; 30 are needed"
    assert (last["rows_needed"], last["rows_needed_of"]) == (30, "queries")
    assert report["task"] == "ranking"


def test_evaluate_and_gate__as_in_one_run(project):
    whole = run(project).report
    assert command("evaluate", cwd=project).code == 0
    command("gate", cwd=project)
    apart = json.loads((project / ".mlci/out/report.json").read_text("utf-8"))
    for part in ("metrics", "gates"):
        assert apart[part] == whole[part]


def test_run__identical_scores_are_a_tie(project):
    text = CONFIG.replace("new.csv", "old.csv").replace("baseline: {file: old.csv}", "baseline: {file: same.csv}")
    (project / "mlci.yml").write_text(text, "utf-8")
    (project / "same.csv").write_text((project / "old.csv").read_text("utf-8"), "utf-8")
    first = run(project).report["gates"][0]
    assert (first["outcome"], first["method"], first["interval"]) == ("failed", "identical", [0, 0])


def test_run__unknown_column_of_queries(project):
    (project / "mlci.yml").write_text(CONFIG.replace("query: query", "query: qeury"), "utf-8")
    ended = command("run", cwd=project)
    assert ended.code == 2
    assert "mlci.yml:3" in ended.err
    assert "`judged.csv` has no column 'qeury'; did you mean 'query'? Write `query: query`" in ended.err


def test_compare__same_numbers_and_words(judged, project):
    gates = [{"metric": "ndcg@10", "superior_by": 0.02}, {"metric": "map", "min": 0.99, "judge": "interval"}]
    found = mlci.compare(
        judged, label="relevance", query="query", key="id", candidate="new", baseline="old", gates=gates
    )
    assert found.report.task == "ranking"
    assert found.metrics[0].change_interval == pytest.approx(run(project).report["metrics"][0]["change_interval"])
    texts = render_all(found.report)
    assert "NDCG@<!-- -->10" in texts["comment.md"]
    assert "must rise by more than 0.020" in texts["report.html"]
    assert "Mean average precision" in str(found)


def test_compare__without_gates(judged):
    found = mlci.compare(judged, label="relevance", query="query", candidate=judged["new"].to_numpy())
    assert (found.gates, found.verdict) == ((), "block")
    assert [row.metric for row in found.metrics][:2] == ["ndcg@10", "mean_average_precision"]


def test_compare__slice_that_divides_a_query(judged):
    divided = judged.assign(half=np.where(judged.index % 8 < 4, "a", "b"))
    with pytest.raises(InputError, match="slice 'half' divides query '0': it is 'a' in row 1 and 'b' in row 5"):
        mlci.compare(divided, label="relevance", query="query", candidate="new", slices=["half"])


def test_doctor__aa_is_refused(project):
    ended = command("doctor", "--aa", cwd=project)
    assert ended.code == 2
    assert "`task: ranking` has scores of documents" in ended.err
