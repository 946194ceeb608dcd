"""Writes the logs in this folder: pip install deepeval==4.3.1, then `python write.py` here."""

import os
import shutil
from pathlib import Path

os.environ |= {"DEEPEVAL_TELEMETRY_OPT_OUT": "YES", "ERROR_REPORTING": "NO"}

import json

from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig, ErrorConfig
from deepeval.metrics import BaseMetric, ExactMatchMetric
from deepeval.test_case import LLMTestCase


class Length(BaseMetric):
    """Share of 20 characters; a judge that fails on answers about the number 3."""

    def __init__(self):
        self.threshold = 0.5
        self.async_mode = False
        self.evaluation_cost = None

    @property
    def __name__(self):
        return "Length"

    def measure(self, case, *_, **__):
        if "3" in case.input:
            raise RuntimeError("429 Too Many Requests")
        self.score = min(len(case.actual_output) / 20, 1.0)
        self.evaluation_cost = 0.001
        self.reason = f"{len(case.actual_output)} characters"
        self.success = self.score >= self.threshold
        return self.score

    async def a_measure(self, case, *_, **__):
        return self.measure(case)

    def is_successful(self):
        return bool(self.success)


def cases(wrong):
    return [
        LLMTestCase(
            input=f"What is {i} times 7?",
            actual_output=str(7 * i + (i in wrong)),
            expected_output=str(7 * i),
            metadata={"language": "de" if i % 2 else "en", "id": f"q{i}"},
            token_cost=0.01,
            completion_time=0.5 + i / 10,
        )
        for i in range(6)
        for _ in range(2)
    ]


def outage():
    answers = ["", "Error: 429 Too Many Requests", "HTTP 429 means that a client sent too many requests.", "14"]
    return [
        LLMTestCase(input=f"What is code {i}?", actual_output=answer, expected_output="14")
        for i, answer in enumerate(answers)
    ]


READ = {}
for name, tests in {"baseline": cases({4}), "candidate": cases({1, 4}), "outage": outage()}.items():
    result = evaluate(
        tests,
        [ExactMatchMetric(), Length()],
        async_config=AsyncConfig(run_async=False),
        cache_config=CacheConfig(write_cache=False),
        display_config=DisplayConfig(print_results=False, show_indicator=False),
        error_config=ErrorConfig(ignore_errors=True),
    )
    shutil.copy(".deepeval/.latest_run_full.json", f"{name}.json")
    READ[name] = [
        {"input": one.input, "scores": {data.name: data.score for data in one.metrics_data}}
        for one in result.test_results
    ]
Path("read_by_deepeval.json").write_text(json.dumps(READ, indent=1))
shutil.rmtree(".deepeval")
