"""Every shape of an outage through a whole run, for every tool whose log can have it.

An outage is neither a pass nor a quality failure, and each has its own words. The same runs without the shape pass, and
the same items answered wrong fail: both are checked for every tool, so that no outcome comes from the set-up.
"""

import re
import shutil

import pytest

from tests.support.project import run
from tests.support.score_logs import FILES, TOOLS, LmEval, tool_run

CONFIG = """\
model: support
task: scores
predict: {{log: now/{log}}}
baseline: {{log: before/{log}}}
{evaluation}gates:
  - {{metric: "{metric}", min: 0.6}}
"""


def project(folder, name, change):
    """Write the run of the baseline, and that of the candidate with a change."""
    before, now = tool_run(name).copy(), tool_run(name).copy()
    change(now)
    before.write(folder / "before")
    now.write(folder / "now")
    evaluation = "evaluation: {key: question, repeat: run}\n" if name == "Table" else ""
    text = CONFIG.format(log=now.log, metric=now.metric, evaluation=evaluation)
    (folder / "mlci.yml").write_text(text, "utf-8")
    return folder


def of_most(change):
    """Return the change of two answers in three."""

    def apply(log):
        for index, answer in enumerate(log.answers()):
            if index % 3:
                change(log, answer)

    return apply


def tools(*needed, **has):
    """Return the tools whose logs can have a shape."""
    return [
        name
        for name, tool in TOOLS.items()
        if all(hasattr(tool, one) for one in needed) and all(getattr(tool, key) is value for key, value in has.items())
    ]


ANSWERS = {
    "429 as answer text": (
        lambda log, one: log.put(one, "Error: 429 Too Many Requests", 0.0),
        "the answer is only an error message: error: 429 too many requests",
        tools(),
    ),
    "empty answers": (
        lambda log, one: log.put(one, "", 0.0, tokens=None),
        "in this run: the system did not answer",
        tools(),
    ),
    "zero tokens": (
        lambda log, one: log.put(one, "", 0.0, tokens=0),
        "empty answer with zero output tokens",
        tools(counts_tokens=True),
    ),
    "judge NaN": (lambda log, one: log.unscore(one), "no score by", tools()),
    "timeout": (lambda log, one: log.fail(one, "the request timed out after 30 s"), "timed out", tools("fail")),
    "time limit": (lambda log, one: log.limit_time(one), "stopped by the time limit", tools("limit_time")),
}
FAILED_WORDS = {"Mlflow": "the trace's state is ERROR", "Deepeval": "no score by Exact Match"}
RUNS = {
    "half a log": (
        lambda log: log.cut(),
        r"the candidate's run is not whole|only in the baseline's run",
        tools("cut"),
    ),
    "cancelled run": (lambda log: log.cancel(), "the candidate's run is not whole: its? ", tools("cancel")),
    "dataset version": (
        lambda log: log.change_dataset(),
        "can't be compared item by item: (dataset|task version|scenario|arguments) was",
        tools("change_dataset"),
    ),
    "changed items": (
        lambda log: log.change_items(),
        "the evaluation set was changed|the dataset was changed",
        tools("change_items"),
    ),
    "another judge": (
        lambda log: log.change_judge("acme/strict-judge"),
        r"can't be compared item by item: judge.* is .*acme/strict-judge",
        tools("change_judge"),
    ),
    "changed prompt": (lambda log: log.change_prompt(), "asked by another prompt", tools("change_prompt")),
}


def cases(table):
    return [pytest.param(shape, name, id=f"{shape}-{name}") for shape, (_, _, names) in table.items() for name in names]


def gate(ended):
    return ended.report["gates"][0]


@pytest.mark.parametrize("name", TOOLS)
def test_run__every_tool_without_an_outage(name, tmp_path):
    ended = run(project(tmp_path, name, lambda _: None))
    assert (gate(ended)["outcome"], ended.code) == ("passed", 0)
    assert gate(ended)["candidate"] == 1


@pytest.mark.parametrize("name", TOOLS)
def test_run__every_tool_with_wrong_answers(name, tmp_path):
    ended = run(project(tmp_path, name, of_most(lambda log, one: log.wrong(one))))
    assert (gate(ended)["outcome"], ended.code) == ("failed", 1)


@pytest.mark.parametrize(("shape", "name"), cases(ANSWERS))
def test_run__outage_of_answers(shape, name, tmp_path):
    change, words, _ = ANSWERS[shape]
    ended = run(project(tmp_path, name, of_most(change)))
    found = gate(ended)
    assert (found["outcome"], found["why"], found["blocks"]) == ("inconclusive", "errored_items", True)
    assert (FAILED_WORDS.get(name, words) if shape == "timeout" else words) in found["reason"]
    assert "run again: " in found["reason"]


@pytest.mark.parametrize(("shape", "name"), cases(RUNS))
def test_run__outage_of_a_run(shape, name, tmp_path):
    change, words, _ = RUNS[shape]
    ended = run(project(tmp_path, name, change))
    assert (ended.code, ended.out) == (2, "")
    assert re.search(words, " ".join(ended.err.split())), ended.err


@pytest.mark.parametrize("name", tools("repeat_from_cache"))
def test_run__repeats_that_are_copies_from_a_cache(name, tmp_path):
    folder = project(tmp_path, name, lambda log: log.repeat_from_cache())
    path = folder / "mlci.yml"
    path.write_text(path.read_text().replace(f'"{TOOLS[name].metric}", min', f'"pass_all({TOOLS[name].metric})", min'))
    found = gate(run(folder))
    assert (found["outcome"], found["why"]) == ("inconclusive", "errored_items")
    assert "a copy from the cache of an earlier repeat" in found["reason"]


def test_run__some_items_without_all_repeats(tmp_path):
    ended = run(project(tmp_path, "Nemo", lambda log: log.records.pop()))
    assert "it has 11 of 12 samples" in ended.err
    ended = run(project(tmp_path, "EveryEvalEver", lambda log: log.records.pop()))
    assert "1 item (7) is only in the baseline's run" in ended.err
    ended = run(project(tmp_path, "Table", lambda log: log.rows.pop()))
    assert "1 item (q5) is without all 2 repeats that the candidate's run has of others" in ended.err


def test_run__metric_of_the_whole_task(tmp_path):
    folder = project(tmp_path, "LmEval", lambda _: None)
    path = folder / "mlci.yml"
    path.write_text(path.read_text().replace(LmEval.metric, "bleu,strict-match"))
    ended = run(folder)
    assert (gate(ended)["outcome"], ended.code) == ("error", 1)
    assert "computes bleu,strict-match over the whole task, so no item has a score" in gate(ended)["reason"]


def test_run__every_metric_is_of_the_whole_task(tmp_path):
    folder = project(tmp_path, "LmEval", lambda log: log.only_totals())
    ended = run(folder)
    assert (gate(ended)["outcome"], gate(ended)["blocks"]) == ("inconclusive", True)
    assert "8 of the candidate's answers have no score (no scorer ran)" in gate(ended)["reason"]


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("lm_eval/results_2026-11-30T22-23-47.110916.json", "run it with `--log_samples`"),
        ("helm/stats.json", "name the `per_instance_stats.json` beside it"),
        ("nemo_evaluator/eval-sums.json", "name the `results.jsonl` beside it"),
    ],
)
def test_run__file_of_totals(log, words, tmp_path):
    folder = project(tmp_path, "LmEval", lambda _: None)
    shutil.copy(FILES / log, folder / "now" / LmEval.log)
    ended = run(folder)
    assert (ended.code, ended.out) == (2, "")
    assert "has only totals of" in " ".join(ended.err.split())
    assert words in " ".join(ended.err.split())


def test_run__truncated_archive(tmp_path):
    folder = project(tmp_path, "Inspect", lambda _: None)
    data = (FILES / "inspect_ai/baseline.eval").read_bytes()
    (folder / "now/log.json").write_bytes(data[: len(data) // 2])
    ended = run(folder)
    assert (ended.code, ended.out) == (2, "")
    assert "is a damaged archive: it ends early" in " ".join(ended.err.split())


def test_run__judge_is_the_model_itself(tmp_path):
    def graded(log):
        log.run["eval"]["scorers"] = [{"name": "model_graded_qa", "options": {}}]
        log.run["eval"]["model"] = "acme/small"

    folder = project(tmp_path, "Inspect", graded)
    assert "judge was not named and is acme/small" in " ".join(run(folder).err.split())
