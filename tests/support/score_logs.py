"""Evaluation logs of each tool to edit: those that the tool itself wrote, with other answers, scores and faults.

Every class starts from the committed files of its tool, and writes a log in the tool's own form again.
"""

import copy
import csv
import io
import json
import sys
from functools import cache
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

FILES = Path(__file__).parents[1] / "scores/files"
FEW_TOKENS = 5


def _json(path):
    return json.loads((FILES / path).read_text("utf-8"))


def _lines(path):
    return [json.loads(line) for line in (FILES / path).read_text("utf-8").splitlines()]


def _text(documents):
    return "\n".join(json.dumps(one) for one in documents) + "\n"


class ToolLog:
    """A run of one tool: all answers are right until some are changed."""

    log = "log.json"
    metric = "score"
    counts_tokens = True

    def __init__(self):
        self.load()
        for answer in self.answers():
            self.put(answer, "4", 1.0)

    def copy(self):
        """Return the same run to change."""
        return copy.deepcopy(self)

    def wrong(self, answer):
        self.put(answer, "a wrong answer", 0.0)

    def write(self, folder):
        """Write the run's files."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files().items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


class Inspect(ToolLog):
    metric = "includes"

    def load(self):
        self.run = _json("inspect_ai/baseline.json")

    def answers(self):
        return self.run["samples"]

    def put(self, answer, text, score, tokens=FEW_TOKENS):
        answer["output"]["completion"] = text
        answer["scores"] = {"includes": {"value": "C" if score else "I", "answer": text}}
        for usage in answer["model_usage"].values():
            usage["output_tokens"] = tokens
        if tokens is None:
            answer["model_usage"] = {}

    def unscore(self, answer):
        answer["scores"]["includes"]["value"] = float("nan")

    def fail(self, answer, message):
        answer["error"] = {"message": message}

    def limit_time(self, answer):
        answer["limit"] = {"type": "time", "limit": 30}

    def cancel(self):
        self.run["status"] = "cancelled"

    def cut(self):
        del self.run["samples"][10:]

    def change_dataset(self):
        self.run["eval"]["dataset"]["name"] = "times-eight"

    def change_items(self):
        for answer in self.answers():
            answer["input"] += "?"

    def change_judge(self, name):
        self.run["eval"]["model_roles"] = {"grader": {"model": name}}

    def files(self):
        return {self.log: json.dumps(self.run)}


class LmEval(ToolLog):
    log = "samples_sums_2026-11-30T22-23-47.110916.jsonl"
    metric = "exact_match,strict-match"
    counts_tokens = False

    def load(self):
        found = _lines(f"lm_eval/{self.log}")
        self.records = [one for one in found if one["filter"] == "strict-match"]
        self.results = _json("lm_eval/results_2026-11-30T22-23-47.110916.json")
        self.kept = ["exact_match", "bleu"]

    def answers(self):
        return self.records

    def put(self, answer, text, score, tokens=None):  # noqa: ARG002 (its logs have no tokens)
        answer["resps"], answer["filtered_resps"] = [[text]], [text]
        answer["exact_match"] = score

    def unscore(self, answer):
        answer["exact_match"] = float("nan")

    def cut(self):
        del self.records[5:]

    def only_totals(self):
        for answer in self.records:
            answer["metrics"] = ["bleu"]

    def change_dataset(self):
        self.results["versions"]["sums"] = 3.0

    def change_items(self):
        for answer in self.records:
            answer["doc_hash"] = answer["doc_hash"][::-1]

    def change_prompt(self):
        for answer in self.records:
            answer["prompt_hash"] = answer["prompt_hash"][::-1]

    def files(self):
        results = self.log.replace("samples_sums", "results").replace("jsonl", "json")
        return {self.log: _text(self.records), results: json.dumps(self.results)}


class Promptfoo(ToolLog):
    metric = "success"

    def load(self):
        self.run = _json("promptfoo/baseline.json")

    def answers(self):
        return self.run["results"]["results"]

    def put(self, answer, text, score, tokens=FEW_TOKENS):
        answer["success"], answer["score"], answer["namedScores"] = bool(score), score, {}
        answer["response"]["output"] = text
        answer["response"]["tokenUsage"] = {} if tokens is None else {"completion": tokens}

    def unscore(self, answer):
        answer["success"], answer["score"] = None, float("nan")

    def fail(self, answer, message):
        answer["failureReason"], answer["error"] = 2, message

    def cut(self):
        del self.answers()[4:]

    def repeat_from_cache(self):
        for answer in self.answers()[1::2]:
            answer["response"]["cached"] = True

    def change_items(self):
        for answer in self.answers():
            answer["vars"]["question"] += "?"

    def change_judge(self, name):
        self.run["config"]["defaultTest"] = {"options": {"provider": name}}

    def change_prompt(self):
        for answer in self.answers():
            answer["prompt"]["raw"] = f"Be terse. {answer['prompt']['raw']}"

    def files(self):
        return {self.log: json.dumps(self.run)}


class Deepeval(ToolLog):
    metric = "Exact Match"
    counts_tokens = False

    def load(self):
        self.run = _json("deepeval/baseline.json")

    def answers(self):
        return self.run["testCases"]

    def put(self, answer, text, score, tokens=None):
        answer["actualOutput"] = text
        answer["metricsData"] = [{"name": self.metric, "threshold": 0.5, "success": score >= 0.5, "score": score}]
        if tokens is not None:
            answer["outputTokenCount"] = tokens

    def unscore(self, answer):
        answer["metricsData"][0]["score"] = float("nan")

    def fail(self, answer, message):
        answer["metricsData"][0]["error"] = message

    def cut(self):
        del self.answers()[8:]

    def change_items(self):
        for answer in self.answers():
            answer["expectedOutput"] += "."

    def change_judge(self, name):
        for answer in self.answers():
            answer["metricsData"][0]["evaluationModel"] = name

    def files(self):
        return {self.log: json.dumps(self.run)}


class OpenaiEvals(ToolLog):
    log = "run.jsonl"
    metric = "match"

    def load(self):
        self.events = [one for one in _lines("openai_evals/run.jsonl") if one.get("type") != "error"]

    def answers(self):
        samples = dict.fromkeys(one["sample_id"] for one in self.events if "sample_id" in one)
        return [[one for one in self.events if one.get("sample_id") == sample] for sample in samples]

    def put(self, answer, text, score, tokens=FEW_TOKENS):
        for event in answer:
            if event["type"] == "sampling":
                event["data"]["sampled"] = [text]
                event["data"]["usage"] = {} if tokens is None else {"completion_tokens": tokens}
            if event["type"] == "match":
                event["data"]["correct"] = bool(score)

    def unscore(self, answer):
        for event in answer:
            if event["type"] == "match":
                event["data"]["correct"] = float("nan")

    def fail(self, answer, message):
        self.events.append({**answer[0], "event_id": 900, "type": "error", "data": {"message": message}})

    def cancel(self):
        self.events = [one for one in self.events if "final_report" not in one]

    def cut(self):
        kept = {answer[0]["sample_id"] for answer in self.answers()[:6]}
        self.events = [one for one in self.events if one.get("sample_id") in {None, *kept}]

    def change_dataset(self):
        self.events[0]["spec"]["run_config"]["eval_spec"]["args"]["samples_jsonl"] = "other.jsonl"

    def change_items(self):
        for event in self.events:
            if event.get("type") == "match":
                event["data"]["expected"] += "."

    def change_judge(self, name):
        self.events[0]["spec"]["completion_fns"] = ["fake", name]

    def change_prompt(self):
        for event in self.events:
            if event.get("type") == "sampling":
                event["data"]["prompt"] = f"Be terse. {event['data']['prompt']}"

    def files(self):
        return {self.log: _text(self.events)}


class Nemo(ToolLog):
    log = "results.jsonl"
    metric = "reward"

    def load(self):
        self.records, self.bundle = _lines("nemo_evaluator/results.jsonl"), _json("nemo_evaluator/eval-sums.json")
        for record in self.records:
            record["scoring_details"] = {}

    def answers(self):
        return self.records

    def put(self, answer, text, score, tokens=FEW_TOKENS):
        answer["model_response"], answer["reward"], answer["tokens"] = text, score, tokens

    def unscore(self, answer):
        answer["reward"] = float("nan")

    def fail(self, answer, message):
        answer["reward"], answer["scoring_details"] = 0.0, {"method": "solve_failed", "error": message}

    def cut(self):
        del self.records[8:]

    def change_items(self):
        for answer in self.records:
            answer["expected_answer"] += "."

    def files(self):
        return {self.log: _text(self.records), "eval-sums.json": json.dumps(self.bundle)}


class EveryEvalEver(ToolLog):
    log = "run_samples.jsonl"
    metric = "exact_match:strict-match"

    def load(self):
        found = _lines("every_eval_ever/sums_samples.jsonl")
        self.records = [one for one in found if one["evaluation_result_id"] == self.metric]

    def answers(self):
        return self.records

    def put(self, answer, text, score, tokens=FEW_TOKENS):
        answer["output"]["raw"], answer["evaluation"]["score"] = [text], score
        answer["token_usage"] = None if tokens is None else {"input_tokens": 5, "output_tokens": tokens}

    def unscore(self, answer):
        answer["evaluation"]["score"] = float("nan")

    def fail(self, answer, message):
        answer["error"] = message

    def cut(self):
        del self.records[5:]

    def change_items(self):
        for answer in self.records:
            answer["sample_hash"] = answer["sample_hash"][::-1]

    def files(self):
        return {self.log: _text(self.records)}


class Helm(ToolLog):
    log = "per_instance_stats.json"
    metric = "exact_match"

    def load(self):
        self.stats, self.state = _json("helm/per_instance_stats.json"), _json("helm/scenario_state.json")
        self.run = {"name": "sums:model=acme_fake", "scenario_spec": {"class_name": "Sums"}, "annotators": []}

    def answers(self):
        def place(one, instance, key):
            return instance[key], (instance.get("perturbation") or {}).get("name"), one["train_trial_index"]

        requests = {place(one, one["instance"], "id"): one for one in self.state["request_states"]}
        return [(one, requests[place(one, one, "instance_id")]) for one in self.stats]

    def _statistic(self, answer, name):
        return next((one for one in answer[0]["stats"] if one["name"]["name"] == name), {})

    def put(self, answer, text, score, tokens=FEW_TOKENS):
        answer[1]["result"] |= {"success": True, "completions": [{"text": text}]}
        self._statistic(answer, "exact_match")["mean"] = score
        self._statistic(answer, "num_output_tokens")["mean"] = tokens

    def unscore(self, answer):
        for name in ("exact_match", "quasi_length"):
            self._statistic(answer, name)["mean"] = float("nan")

    def fail(self, answer, message):
        self.put(answer, "", 0.0)
        answer[1]["result"] |= {"success": False, "error": message}

    def cut(self):
        del self.stats[12:]

    def repeat_from_cache(self):
        for _, request in self.answers():
            request["result"]["cached"] = request["train_trial_index"] > 0

    def change_dataset(self):
        self.run["scenario_spec"]["args"] = {"version": 2}

    def change_items(self):
        for request in self.state["request_states"]:
            request["instance"]["input"]["text"] += "?"

    def change_judge(self, name):
        self.run["annotators"] = [{"class_name": name}]

    def change_prompt(self):
        for request in self.state["request_states"]:
            request["request"]["prompt"] = f"Be terse. {request['request']['prompt']}"

    def files(self):
        parts = {self.log: self.stats, "scenario_state.json": self.state, "run_spec.json": self.run}
        return {name: json.dumps(part) for name, part in parts.items()}


class Mlflow(ToolLog):
    log = "result.csv"
    metric = "exact"
    counts_tokens = False

    def load(self):
        before = csv.field_size_limit(sys.maxsize)  # the limit is the whole process's
        with (FILES / "mlflow_genai/result.csv").open(encoding="utf-8", newline="") as stream:
            self.rows = list(csv.DictReader(stream))
        csv.field_size_limit(before)
        self.traces = [json.loads(row["trace"]) for row in self.rows]
        for trace in self.traces:
            trace["info"] |= {"state": "OK", "assessments": trace["info"].get("assessments") or []}

    def answers(self):
        return [trace["info"] for trace in self.traces]

    def _feedback(self, answer):
        return next((one for one in answer["assessments"] if one["assessment_name"] == self.metric), {})

    def put(self, answer, text, score, tokens=None):  # noqa: ARG002 (its results have no tokens)
        answer["trace_metadata"]["mlflow.traceOutputs"] = json.dumps(text)
        kept = [one for one in answer["assessments"] if "expectation" in one]
        source = {"source_type": "CODE", "source_id": "exact"}
        feedback = {"assessment_name": self.metric, "feedback": {"value": bool(score)}, "source": source}
        answer["assessments"] = [*kept, feedback]

    def unscore(self, answer):
        self._feedback(answer)["feedback"]["value"] = None

    def fail(self, answer, message):  # noqa: ARG002 (a trace has the state only)
        answer["state"] = "ERROR"

    def cut(self):
        del self.rows[4:], self.traces[4:]

    def change_items(self):
        for answer in self.answers():
            answer["tags"]["mlflow.eval.requestId"] = answer["tags"]["mlflow.eval.requestId"][::-1]

    def change_judge(self, name):
        for answer in self.answers():
            self._feedback(answer)["source"] = {"source_type": "LLM_JUDGE", "source_id": name}

    def files(self):
        stream = io.StringIO()
        writer = csv.DictWriter(stream, self.rows[0].keys())
        writer.writeheader()
        for row, trace in zip(self.rows, self.traces, strict=True):
            writer.writerow({**row, "trace": json.dumps(trace)})
        return {self.log: stream.getvalue()}


class Lighteval(ToolLog):
    log = "details_sums_2026.parquet"
    metric = "em"
    counts_tokens = False

    def load(self):
        self.rows = parquet.read_table(next((FILES / "lighteval/baseline").glob("details_sums*"))).to_pylist()
        self.results = _json(f"lighteval/baseline/{next((FILES / 'lighteval/baseline').glob('results_*')).name}")

    def answers(self):
        return self.rows

    def put(self, answer, text, score, tokens=None):  # noqa: ARG002 (this run has no tokenizer)
        answer["model_response"]["text"], answer["metric"]["em"] = [text], score

    def unscore(self, answer):
        answer["metric"]["em"] = float("nan")

    def cut(self):
        del self.rows[5:]

    def change_dataset(self):
        self.results["config_tasks"]["sums|0"]["version"] = 2

    def change_items(self):
        for answer in self.rows:
            answer["doc"]["query"] += "?"

    def change_prompt(self):
        for answer in self.rows:
            answer["doc"]["instruction"] = "Be terse."

    def files(self):
        stream = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(self.rows), stream)
        return {self.log: stream.getvalue(), "results_2026.json": json.dumps(self.results)}


class Table(ToolLog):
    log = "scores.csv"
    metric = "correct"

    def load(self):
        self.rows = [
            {"question": f"q{i}", "run": run, "input": f"{i} + 3", "error": ""} for i in range(6) for run in (1, 2)
        ]

    def answers(self):
        return self.rows

    def put(self, answer, text, score, tokens=FEW_TOKENS):
        answer |= {"output": text, "correct": score, "output_tokens": "" if tokens is None else tokens}

    def unscore(self, answer):
        answer["correct"] = "nan"

    def fail(self, answer, message):
        answer["error"] = message

    def cut(self):
        del self.rows[8:]

    def change_items(self):
        for answer in self.rows:
            answer["input"] += "?"

    def files(self):
        stream = io.StringIO()
        writer = csv.DictWriter(stream, self.rows[0].keys())
        writer.writeheader()
        writer.writerows(self.rows)
        return {self.log: stream.getvalue()}


TOOLS = {
    tool.__name__: tool
    for tool in (
        Inspect,
        LmEval,
        Promptfoo,
        Deepeval,
        OpenaiEvals,
        Nemo,
        EveryEvalEver,
        Helm,
        Mlflow,
        Lighteval,
        Table,
    )
}


@cache
def tool_run(name):
    """Return the run of a tool with right answers; copy it before you change it."""
    return TOOLS[name]()
