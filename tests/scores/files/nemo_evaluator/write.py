"""Writes the logs in this folder: pip install nemo-evaluator==0.3.0, then `python write.py` here."""

import asyncio
import shutil
from pathlib import Path

from nemo_evaluator.engine.artifacts import write_all
from nemo_evaluator.engine.eval_loop import run_evaluation
from nemo_evaluator.environments.custom import benchmark, scorer
from nemo_evaluator.environments.registry import get_environment
from nemo_evaluator.observability.types import ModelResponse
from nemo_evaluator.scoring import ScorerInput, exact_match
from nemo_evaluator.solvers.base import SolveResult


def rows():
    return [{"a": i, "answer": str(i + 3), "category": "even" if i % 2 == 0 else "odd"} for i in range(6)]


@benchmark(name="sums", dataset=rows, prompt="What is {a} plus 3?", target_field="answer")
@scorer
def score(sample: ScorerInput) -> dict:
    return exact_match(sample)


class Solver:
    """Adds wrongly on the second repeat of some; the provider answers one with an error, and fails on another."""

    def __init__(self):
        self.asked = {}

    async def solve(self, task, **_):
        words = task.prompt.split()
        first = int(words[2])
        self.asked[first] = self.asked.get(first, 0) + 1
        if first == 5:
            return SolveResult(response="", error="provider is down")
        text = str(first + 3 + (first == 2 and self.asked[first] == 2))
        text = "429 Too Many Requests" if first == 4 else text
        reply = ModelResponse(content=text, model="fake", total_tokens=20, completion_tokens=2, latency_ms=120.0)
        return SolveResult(response=text, model_response=reply)

    async def close(self):
        pass


def main():
    bundle = asyncio.run(
        run_evaluation(get_environment("sums"), Solver(), n_repeats=2, config={"model": "fake", "repeats": 2})
    )
    written = write_all(bundle, "out")
    shutil.copy(written["results"], "results.jsonl")
    shutil.copy(written["bundle"], Path("eval-sums.json"))
    shutil.rmtree("out")


main()
