"""Formats of smaller tools, by what the tools themselves report of their runs."""

import json
from pathlib import Path

import pytest

from mlci.errors import InputError
from mlci.scores.formats.detect import find_format, read_log
from mlci.scores.formats.log_file import LogFile
from mlci.scores.score_log import State

FILES = Path(__file__).parent / "files"


def document(name):
    return json.loads((FILES / name).read_text("utf-8"))


def reasons(log):
    return [item.reason for item in log.items if item.state is State.ERRORED]


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_promptfoo__same_as_its_own_totals(form):
    log = read_log(FILES / f"promptfoo/baseline.{form}")
    metrics = document("promptfoo/baseline.json")["results"]["prompts"][0]["metrics"]
    total = {name: sum(item.scores.get(name, 0) for item in log.items) for name in log.scorers}
    assert total.pop("success") == metrics["testPassCount"]
    assert total.pop("score") == metrics["score"]
    assert total == metrics["namedScores"]
    assert [item.repeat for item in log.items] == ["1", "2"] * 3
    assert (len(log.keys), log.repeats) == (3, 2)
    assert log.items[2].metadata == {
        "vars.question": "3 + 5",
        "vars.shown": 9,
        "vars.sum": 8,
        "metadata.language": "de",
    }


def test_promptfoo__outages_and_copies():
    log = read_log(FILES / "promptfoo/outage.json")
    stats = document("promptfoo/outage.json")["results"]["stats"]
    assert stats["errors"] == 1
    assert reasons(log) == [
        "API error: 503 Service Unavailable",
        "the answer is only an error message: error: 429 too many requests",
        "empty answer with zero output tokens",
    ]
    assert [item.scores["success"] for item in log.items if item.state is State.OK] == [0, 1]
    assert "1 of 5 answers are from promptfoo's cache" in log.notes[0]
    assert log.items[1].usage.output_tokens == 6


def test_promptfoo__several_prompts_are_items_of_their_own(tmp_path):
    run = document("promptfoo/baseline.json")
    results = run["results"]["results"]
    run["results"]["results"] = [*results, *({**one, "promptIdx": 1, "promptId": "other"} for one in results)]
    (tmp_path / "out.json").write_text(json.dumps(run))
    log = read_log(tmp_path / "out.json")
    assert (len(log.keys), log.repeats) == (6, 2)
    assert {key.split(" ", 1)[1] for key in log.keys} == {"prompt 1", "prompt 2"}


def test_promptfoo__other_results(tmp_path):
    run = document("promptfoo/baseline.json")
    run["results"]["results"] = []
    (tmp_path / "out.json").write_text(json.dumps(run))
    with pytest.raises(InputError, match="no test ran"):
        read_log(tmp_path / "out.json")
    lines = (FILES / "promptfoo/baseline.jsonl").read_text("utf-8").splitlines()
    (tmp_path / "out.jsonl").write_text("\n".join([lines[0], '{"testIdx": 3}']))
    with pytest.raises(InputError, match=r"out\.jsonl:2: .*not a result"):
        read_log(tmp_path / "out.jsonl")


@pytest.mark.parametrize("name", ["baseline", "candidate", "outage"])
def test_deepeval__same_as_its_own_results(name):
    log, theirs = read_log(FILES / f"deepeval/{name}.json"), document("deepeval/read_by_deepeval.json")[name]
    texts = find_format(LogFile(FILES / f"deepeval/{name}.json", name)).read_texts(
        LogFile(FILES / f"deepeval/{name}.json", name), {item.id for item in log.items}
    )
    assert [texts[item.id].input for item in log.items] == [one["input"] for one in theirs]
    for item, one in zip(log.items, theirs, strict=True):
        known = {name: score for name, score in one["scores"].items() if score is not None}
        assert item.scores == ({} if item.state is State.ERRORED else known)


def test_deepeval__named_items_and_directions():
    log = read_log(FILES / "deepeval/baseline.json")
    assert log.keys == tuple(f"q{i}" for i in range(6))
    assert log.repeats == 2
    assert {name: one.higher_is_better for name, one in log.scorers.items()} == {"Exact Match": True, "Length": True}
    assert log.items[6].scores == {"Exact Match": 1.0}
    assert log.items[0].usage.cost_usd == 0.01


def test_deepeval__outages():
    log = read_log(FILES / "deepeval/outage.json")
    assert reasons(log) == ["the answer is only an error message: error: 429 too many requests"]
    assert [sorted(item.scores) for item in log.items] == [["Length"], [], ["Exact Match", "Length"], ["Exact Match"]]


def test_deepeval__an_id_of_two_test_cases_names_neither(tmp_path):
    run = document("deepeval/baseline.json")
    run["testCases"][4]["metadata"]["id"] = "q0"
    (tmp_path / "run.json").write_text(json.dumps(run))
    log = read_log(tmp_path / "run.json")
    assert (len(log.keys), log.repeats) == (6, 2)
    assert "q0" not in log.keys


def test_deepeval__lower_is_better(tmp_path):
    run = document("deepeval/baseline.json")
    for case in run["testCases"]:
        case["metricsData"][1]["success"] = case["metricsData"][1].get("score", 1) <= 0.5
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert read_log(tmp_path / "run.json").scorers["Length"].higher_is_better is False


def test_openai_evals__same_as_its_final_report():
    path = FILES / "openai_evals/run.jsonl"
    log = read_log(path)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    report = next(line["final_report"] for line in lines if "final_report" in line)
    assert len(log.items) == 10
    assert sum(item.scores.get("match", 0) for item in log.items) == report["accuracy"] * 10
    assert sum(item.usage.output_tokens for item in log.items) == report["usage_completion_tokens"]
    assert sum(item.usage.input_tokens for item in log.items) == report["usage_prompt_tokens"]
    assert reasons(log) == ["the answer is only an error message: error: 429 too many requests"]
    assert log.settings["scorer"].voids
    assert log.incomplete is None


def test_openai_evals__stopped_run():
    log = read_log(FILES / "openai_evals/stopped.jsonl")
    assert log.incomplete.startswith("it has no final report")
    assert len(log.items) == 8


def test_openai_evals__an_event_again_is_a_repeat(tmp_path):
    lines = (FILES / "openai_evals/run.jsonl").read_text("utf-8").splitlines()
    metrics = json.dumps({**json.loads(lines[3]), "type": "metrics", "data": {"f1": 0.25}})
    (tmp_path / "run.jsonl").write_text("\n".join([*lines, lines[3], metrics]))
    log = read_log(tmp_path / "run.jsonl")
    key = json.loads(lines[3])["sample_id"]
    assert [item.scores for item in log.items if item.key == key] == [{"match": 1, "f1": 0.25}, {"match": 1}]
    (tmp_path / "run.jsonl").write_text("\n".join([*lines, '{"spam": 1}']))
    with pytest.raises(InputError, match=r"run\.jsonl:23: .*not an event"):
        read_log(tmp_path / "run.jsonl")


def test_nemo_evaluator__rewards_of_its_file_and_errors():
    path = FILES / "nemo_evaluator/results.jsonl"
    log, lines = read_log(path), [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    bundle = document("nemo_evaluator/eval-sums.json")
    rewards = [item.scores.get("reward", 0.0) for item in log.items]
    assert [item.id for item in log.items] == [(str(one["problem_idx"]), str(one["repeat"])) for one in lines]
    assert rewards == [one["reward"] for one in lines]
    assert sum(rewards) / len(rewards) == bundle["benchmark"]["scores"]["summary"]["mean"]
    assert (len(log.keys), log.repeats) == (bundle["benchmark"]["samples"], bundle["benchmark"]["repeats"])
    message = "the answer is only an error message: 429 too many requests"
    assert reasons(log) == [message, message, "provider is down", "provider is down"]
    assert log.tool == "NeMo Evaluator 0.3.0"
    assert log.items[1].metadata["metadata.category"] == "even"


def test_nemo_evaluator__fewer_results_than_the_run(tmp_path):
    for name in ("results.jsonl", "eval-sums.json"):
        text = (FILES / "nemo_evaluator" / name).read_text("utf-8")
        (tmp_path / name).write_text(text if name.endswith("json") else "".join(text.splitlines(keepends=True)[:7]))
    assert read_log(tmp_path / "results.jsonl").incomplete == "it has 7 of 12 samples"


def test_every_eval_ever__scores_of_each_result():
    path = FILES / "every_eval_ever/choice_samples.jsonl"
    log, lines = read_log(path), [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    theirs = {(one["sample_id"], one["evaluation_result_id"]): one["evaluation"]["score"] for one in lines}
    assert {(item.key, name): score for item in log.items for name, score in item.scores.items()} == theirs
    assert (log.task, len(log.keys), log.repeats) == ("choice", 10, 1)
    assert log.items[0].content == lines[0]["sample_hash"]


def test_every_eval_ever__the_same_result_again_is_a_repeat(tmp_path):
    lines = (FILES / "every_eval_ever/choice_samples.jsonl").read_text("utf-8").splitlines()
    failed = json.dumps({**json.loads(lines[0]), "error": "time-out"})
    (tmp_path / "x.jsonl").write_text("\n".join([*lines, failed]))
    log = read_log(tmp_path / "x.jsonl")
    assert (log.repeats, reasons(log)) == (2, ["time-out"])
    other = json.dumps({**json.loads(lines[0]), "evaluation_id": "other/run"})
    (tmp_path / "x.jsonl").write_text("\n".join([*lines, other]))
    with pytest.raises(InputError, match=r"x\.jsonl:21: .*samples of two runs"):
        read_log(tmp_path / "x.jsonl")


HELM = FILES / "helm/per_instance_stats.json"


def copy_helm(folder, *names):
    for name in names:
        (folder / f"{name}.json").write_text((HELM.parent / f"{name}.json").read_text("utf-8"))
    return folder / "per_instance_stats.json"


def test_helm__same_as_its_aggregates(tmp_path):
    log = read_log(copy_helm(tmp_path, "per_instance_stats"))
    assert (len(log.keys), log.repeats, list(log.scorers)) == (10, 2, ["exact_match", "quasi_length"])
    assert {"id0", "id0 lowercase"} <= set(log.keys)
    stats = [one for one in document("helm/stats.json") if one["name"]["name"] == "exact_match"]
    means = log.means("exact_match")
    for split, keys in {"valid": ("id0", "id1"), "test": ("id2", "id3", "id4")}.items():
        for perturbation in (None, "lowercase"):
            theirs = next(one for one in stats if _named(one, split, perturbation))
            ours = [means[f"{key} {perturbation}" if perturbation else key] for key in keys]
            assert sum(ours) / len(ours) == pytest.approx(theirs["mean"], abs=1e-12)


def _named(stat, split, perturbation):
    found = stat["name"].get("perturbation") or {}
    of_split = stat["name"]["split"] == split
    return of_split and (found.get("name"), found.get("computed_on", "perturbed")) == (perturbation, "perturbed")


def test_helm__requests_that_failed_are_not_wrong_answers():
    log = read_log(HELM)
    errored = {(item.key, item.reason) for item in log.items if item.state is State.ERRORED}
    message = "the answer is only an error message: 429 too many requests"
    assert errored == {
        *((key, message) for key in ("id3", "id3 lowercase")),
        *((key, "503 Service Unavailable") for key in ("id4", "id4 lowercase")),
    }
    texts = find_format(LogFile(HELM, "x")).read_texts(LogFile(HELM, "x"), {("id2", "1")})
    assert {(one.input, one.output, one.target) for one in texts.values()} == {("What is 2 plus 3?", "6", "5")}


def test_helm__two_splits_and_two_metrics_of_one_instance(tmp_path):
    path = copy_helm(tmp_path, "per_instance_stats")
    records = json.loads(path.read_text())[:1]
    other = json.loads(json.dumps(records[0]).replace('"valid"', '"test"'))
    more = {**records[0], "stats": [{"name": {"name": "bleu", "split": "valid"}, "mean": 0.5}]}
    path.write_text(json.dumps([*records, other, more]))
    log = read_log(path)
    assert [item.key for item in log.items] == ["id0 valid", "id0 test"]
    assert log.items[0].scores == {"exact_match": 1.0, "quasi_length": 0.25, "bleu": 0.5}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_mlflow__same_as_its_own_metrics(form):
    log = read_log(FILES / f"mlflow_genai/result.{form}")
    theirs = document("mlflow_genai/metrics.json")
    assert list(log.scorers) == ["exact", "length"]
    assert (len(log.keys), log.repeats) == (6, 2)
    outage = next(item for item in log.items if item.state is State.ERRORED)
    assert outage.reason == "the answer is only an error message: error: 429 too many requests"
    exact = [item.scores.get("exact", 0.0) for item in log.items]
    assert sum(exact) / 7 == pytest.approx(theirs["exact/mean"], abs=1e-12)
    length = [item.scores["length"] for item in log.items if "length" in item.scores]
    assert (sum(length) + 28 / 20) / 6 == pytest.approx(theirs["length/mean"], abs=1e-12)
    assert {item.metadata["tags.language"] for item in log.items} == {"de", "en"}


def test_mlflow__both_forms_are_one_run():
    table, parquet = (read_log(FILES / f"mlflow_genai/result.{form}") for form in ("csv", "parquet"))
    assert table == parquet


@pytest.mark.parametrize("run", ["baseline", "candidate"])
def test_lighteval__same_as_its_own_results(run):
    folder = FILES / "lighteval" / run
    results = json.loads(next(folder.glob("results_*")).read_text("utf-8"))["results"]
    logs = {log.task: log for log in map(read_log, folder.glob("details_*"))}
    for task, metric in (("choice|0", "acc"), ("sums|0", "em")):
        means = logs[task].means(metric)
        assert sum(means.values()) / len(means) == pytest.approx(results[task][metric], abs=1e-12)
        assert logs[task].scorers[metric].higher_is_better is True
        assert logs[task].settings["task version"].value == "1"
    assert sorted(logs["choice|0"].keys, key=int) == [str(i) for i in range(10)]
    assert {item.metadata["specific.topic"] for item in logs["choice|0"].items} == {"low", "high"}


def test_lighteval__results_in_the_folder_of_the_tool(tmp_path):
    stamp = next((FILES / "lighteval/baseline").glob("results_*")).stem.removeprefix("results_")
    details = tmp_path / "out/details/acme/model" / stamp
    results = tmp_path / "out/results/acme/model"
    for folder, name in ((details, f"details_sums_{stamp}.parquet"), (results, f"results_{stamp}.json")):
        folder.mkdir(parents=True)
        (folder / name).write_bytes((FILES / "lighteval/baseline" / name).read_bytes())
    assert read_log(details / f"details_sums_{stamp}.parquet").scorers["em"].higher_is_better is True


def test_lighteval__texts_of_a_choice():
    path = next((FILES / "lighteval/baseline").glob("details_choice*"))
    log, file = read_log(path), LogFile(path, path.name)
    texts = find_format(file).read_texts(file, {item.id for item in log.items})
    right = {item.key: item.scores["acc"] for item in log.items}
    assert {key: float(text.output == text.target) for (key, _), text in texts.items()} == right
