"""An Inspect task with the tool's mock model; `sh write.sh` writes the logs in this folder."""

import random

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, includes, mean, scorer, stderr
from inspect_ai.solver import generate, solver

QUESTIONS = [(f"q{i:02d}", f"What is {i} times 7?", str(7 * i)) for i in range(1, 13)]


def _dataset(shift=0):
    return MemoryDataset(
        [
            Sample(
                id=key,
                input=text,
                target=str(int(answer) + shift),
                metadata={"language": "en" if i % 3 else "de", "passage": {"id": i // 2}},
            )
            for i, (key, text, answer) in enumerate(QUESTIONS)
        ],
        name="times-seven",
    )


@scorer(metrics=[mean(), stderr()])
def helpful():
    """A score between 0 and 1 with a reason; without an answer it is not scored."""

    async def score(state, target):
        text = state.output.completion
        if not text:
            return Score(value=float("nan"), explanation="the judge gave no number")
        return Score(value={"tone": 0.5, "length": len(text) / 40}, explanation=f"{len(text)} characters")

    return score


def _outputs(skill, seed):
    rng = random.Random(seed)
    return [rng.random() < skill for _ in range(200)]


def _model(skill, seed):
    right = iter(_outputs(skill, seed))

    def answer(messages, *_):
        text = messages[-1].text
        number = int(text.split()[2])
        output = ModelOutput.from_content(
            "mockllm/model", f"The answer is {7 * number if next(right) else 7 * number + 1}."
        )
        output.usage = ModelUsage(input_tokens=20, output_tokens=number, total_tokens=20 + number)
        return output

    return get_model("mockllm/model", custom_outputs=answer)


@task
def support(skill: float = 0.8, seed: int = 1, epochs: int = 2, shift: int = 0):
    """Twelve questions, twice each."""
    return Task(
        dataset=_dataset(shift),
        solver=generate(),
        scorer=[includes(), helpful()],
        model=_model(skill, seed),
        epochs=epochs,
        name="support",
    )


@solver
def failing(every: int):
    """Fails on every n-th sample as a provider that is down does."""

    async def solve(state, generate):
        if int(state.sample_id[1:]) % every == 0:
            raise RuntimeError("429 Too Many Requests: rate limit reached")
        return await generate(state)

    return solve


@task
def outage(skill: float = 0.8, seed: int = 1, every: int = 4):
    """The same, with errors."""
    return Task(
        dataset=_dataset(),
        solver=failing(every),
        scorer=includes(),
        model=_model(skill, seed),
        fail_on_error=False,
        name="support",
    )


@task
def stopped(skill: float = 0.8, seed: int = 1):
    """The same, ended by the first error."""
    return Task(
        dataset=_dataset(),
        solver=failing(7),
        scorer=includes(),
        model=_model(skill, seed),
        fail_on_error=True,
        name="support",
    )
