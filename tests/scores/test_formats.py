"""Every format of evaluation logs on files that the tool itself wrote, against the tool's own reading of them."""

import json
import math
from pathlib import Path

import pytest

from mlci.errors import InputError
from mlci.scores.formats import (
    deepeval,
    every_eval_ever,
    helm,
    inspect_ai,
    lighteval,
    lm_eval,
    mlflow_genai,
    nemo_evaluator,
    openai_evals,
    promptfoo,
)
from mlci.scores.formats.detect import find_format, read_log
from mlci.scores.formats.log_file import LogFile
from mlci.scores.score_log import State
from mlci.scores.summary import summarize

FILES = Path(__file__).parent / "files"
SUMS = next((FILES / "lm_eval").glob("samples_sums_*.jsonl"))
CHOICE = next((FILES / "lm_eval").glob("samples_choice_*.jsonl"))
LIGHTEVAL_CHOICE, LIGHTEVAL_SUMS = sorted((FILES / "lighteval/baseline").glob("details_*"))
WRITTEN = {
    FILES / "inspect_ai/baseline.eval": inspect_ai,
    FILES / "inspect_ai/outage.eval": inspect_ai,
    FILES / "inspect_ai/stopped.eval": inspect_ai,
    FILES / "inspect_ai/baseline.json": inspect_ai,
    SUMS: lm_eval,
    CHOICE: lm_eval,
    FILES / "promptfoo/baseline.json": promptfoo,
    FILES / "promptfoo/baseline.jsonl": promptfoo,
    FILES / "deepeval/baseline.json": deepeval,
    FILES / "openai_evals/run.jsonl": openai_evals,
    FILES / "nemo_evaluator/results.jsonl": nemo_evaluator,
    FILES / "every_eval_ever/sums_samples.jsonl": every_eval_ever,
    FILES / "helm/per_instance_stats.json": helm,
    LIGHTEVAL_CHOICE: lighteval,
    LIGHTEVAL_SUMS: lighteval,
    FILES / "mlflow_genai/result.csv": mlflow_genai,
    FILES / "mlflow_genai/result.parquet": mlflow_genai,
}
READ_BY_INSPECT = json.loads((FILES / "inspect_ai/read_by_inspect.json").read_text("utf-8"))


def named(path):
    return f"{path.parent.name}-{path.name.split('_20')[0]}"


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_find_format__by_content(path, tmp_path):
    renamed = tmp_path / "log.bin"
    renamed.write_bytes(path.read_bytes())
    assert find_format(LogFile(renamed, "log.bin")) is WRITTEN[path]


@pytest.mark.parametrize("path", [path for path in WRITTEN if path.suffix == ".jsonl"], ids=named)
def test_find_format__first_line_longer_than_what_is_looked_at(path, tmp_path):
    lines = path.read_text("utf-8").splitlines()
    lines[0] = lines[0][:-1] + ', "more": "' + "x" * 100_000 + '"}'
    long = tmp_path / "log.jsonl"
    long.write_text("\n".join(lines), "utf-8")
    assert find_format(LogFile(long, "log.jsonl")) is WRITTEN[path]
    assert len(read_log(long).items) == len(read_log(path).items)


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_read_texts__every_answer(path):
    log, form = read_log(path), WRITTEN[path]
    scored = [item.id for item in log.items if item.state is State.OK]
    texts = form.read_texts(LogFile(path, path.name), scored)
    assert set(texts) == set(scored)
    assert all(text.input and text.output and text.target for text in texts.values())


@pytest.mark.parametrize("path", WRITTEN, ids=named)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.77, 0.999])
def test_read_log__cut_off(path, kept, tmp_path):
    data = path.read_bytes()
    cut = tmp_path / path.name
    cut.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(InputError, match=path.name.split(".")[0]):
        read_log(cut)


@pytest.mark.parametrize("name", READ_BY_INSPECT)
def test_inspect__same_as_its_own_reader(name):
    log, theirs = read_log(FILES / "inspect_ai" / name), READ_BY_INSPECT[name]
    assert {item.id for item in log.items} == {(one["id"], str(one["epoch"])) for one in theirs["samples"]}
    assert (log.incomplete is None) == (theirs["status"] == "success")
    ours = {item.id: item for item in log.items}
    for sample in theirs["samples"]:
        item = ours[sample["id"], str(sample["epoch"])]
        assert (item.state is State.ERRORED) == (sample["error"] is not None)
        assert item.reason == sample["error"]
        for scorer, value in sample["scores"].items():
            for part, number in value.items() if isinstance(value, dict) else [(None, value)]:
                assert item.scores.get(f"{scorer}.{part}" if part else scorer) == number


def test_inspect__outage_graded_as_an_answer(tmp_path):
    document = json.loads((FILES / "inspect_ai/baseline.json").read_text("utf-8"))
    first, second, third = document["samples"][:3]
    first["output"]["completion"] = "Error: 429 Too Many Requests"
    second["output"]["completion"], second["scores"] = "", {"includes": {"value": "I"}}
    second["model_usage"]["mockllm/model"]["output_tokens"] = 0
    third["output"]["completion"] = "429 means too many requests."
    (tmp_path / "log.json").write_text(json.dumps(document))
    items = read_log(tmp_path / "log.json").items
    assert [item.state for item in items[:4]] == [State.ERRORED, State.ERRORED, State.OK, State.OK]
    assert items[1].reason == "empty answer with zero output tokens"


def test_lm_eval__outage_graded_as_an_answer(tmp_path):
    lines = [json.loads(line) for line in SUMS.read_text("utf-8").splitlines()]
    lines[0]["resps"], lines[1]["resps"] = [["503 Service Unavailable"]], [["503 is the number of a bus"]]
    (tmp_path / "samples.jsonl").write_text("\n".join(map(json.dumps, lines)))
    items = read_log(tmp_path / "samples.jsonl").items
    assert [item.state for item in items[:2]] == [State.ERRORED, State.OK]
    assert items[0].scores == {}


def test_inspect__means_of_its_results():
    log = read_log(FILES / "inspect_ai/candidate.eval")
    theirs = READ_BY_INSPECT["candidate.eval"]["means"]["includes"]["accuracy"]
    means = log.means("includes")
    assert math.fsum(means.values()) / len(means) == pytest.approx(theirs, abs=1e-12)
    assert log.repeats == 2
    assert log.items[0].metadata == {"metadata.language": "de", "metadata.passage.id": 0}


def test_inspect__another_dataset_has_other_content():
    baseline, moved = (read_log(FILES / f"inspect_ai/{name}.eval") for name in ("baseline", "moved"))
    assert [item.id for item in baseline.items] == [item.id for item in moved.items]
    assert not {item.content for item in baseline.items} & {item.content for item in moved.items}


def test_inspect__archive_and_document_are_one_run():
    archive, document = (read_log(FILES / f"inspect_ai/baseline.{form}") for form in ("eval", "json"))
    strip = [[(item.id, item.scores, item.content, item.metadata) for item in log.items] for log in (archive, document)]
    assert strip[0] == strip[1]


def test_lm_eval__filters_are_metrics_of_one_item():
    log = read_log(SUMS)
    results = json.loads(next((FILES / "lm_eval").glob("results_*.json")).read_text("utf-8"))["results"]["sums"]
    assert len(log.items) == results["sample_len"] == 8
    assert list(log.scorers) == ["exact_match,strict-match", "exact_match,flexible-extract"]
    assert all(scorer.higher_is_better for scorer in log.scorers.values())
    for name in log.scorers:
        assert sum(log.means(name).values()) / 8 == results[name]
    assert "bleu,flexible-extract, bleu,strict-match: computed over the whole task" in log.notes[0]
    assert log.items[1].metadata["doc.topic.name"] == "odd"


def test_lm_eval__results_are_found_beside_it():
    log = read_log(CHOICE)
    results = json.loads(next((FILES / "lm_eval").glob("results_*.json")).read_text("utf-8"))
    assert summarize(log)["scores"]["acc"]["mean"] == pytest.approx(results["results"]["choice"]["acc,none"])
    assert log.settings["task version"].value == "1.0"


def test_lm_eval__fewer_samples_than_the_run(tmp_path):
    for path in (SUMS, next((FILES / "lm_eval").glob("results_*.json"))):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = SUMS.read_text("utf-8").splitlines(keepends=True)
    (tmp_path / SUMS.name).write_text("".join(lines[:3] + lines[8:11]), "utf-8")
    assert read_log(tmp_path / SUMS.name).incomplete == "it has 3 of 8 samples"


def test_lm_eval__line_of_a_fault(tmp_path):
    lines = SUMS.read_text("utf-8").splitlines(keepends=True)
    path = tmp_path / "samples.jsonl"
    path.write_text("".join([*lines[:2], "[1]\n", *lines[2:]]), "utf-8")
    with pytest.raises(InputError, match=r"samples\.jsonl:3: .*not a JSON object"):
        read_log(path)
    path.write_text("".join([*lines, lines[0]]), "utf-8")
    with pytest.raises(InputError, match=r":17: .*twice under the filter"):
        read_log(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"id,score\n1,2\n", "known are Inspect"),
        (b'{"a": 1}', "known are Inspect"),
        (b"\x00" * 40, "known"),
    ],
)
def test_find_format__unknown(content, words, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_log(path)


def test_find_format__missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_log(tmp_path / "absent.eval")
