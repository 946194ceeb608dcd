"""Questions to a support assistant, scored by Inspect. Its mock model answers from a table, so it runs offline."""

import random
from collections.abc import Iterator
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, system_message

HOURS = ["8:00", "9:30", "10:00", "11:15", "13:00", "14:45"]
ASKED = {"en": "When does shop {} open?", "de": "Wann öffnet Filiale {}?"}
PROMPTS = {
    "main": "You answer questions about opening hours. Answer in the language of the question, with the time.",
    "short": "Answer briefly.",
    "examples": "You answer questions about opening hours. Q: When does shop 7 open? A: Shop 7 opens at 9:30.",
}
RIGHT = {"main": {"en": 0.9, "de": 0.9}, "short": {"en": 0.9, "de": 0.45}, "examples": {"en": 1.0, "de": 1.0}}


def questions() -> Iterator[Sample]:
    """Return 60 questions in English and 30 in German."""
    for number in range(90):
        language = "de" if number % 3 == 2 else "en"
        text = ASKED[language].format(number)
        key, facts = f"{language}-{number:02d}", {"language": language}
        yield Sample(id=key, input=text, target=HOURS[number % 6], metadata=facts)


def mock(prompt: str) -> Any:  # noqa: ANN401 (a model of Inspect)
    """Return the mock model: a question is answered right with the probability in the table, the same in every run."""

    def answer(messages: list[Any], *_: object) -> ModelOutput:
        text = messages[-1].text
        number = int("".join(filter(str.isdigit, text)))
        language = "de" if text.startswith("Wann") else "en"
        right = random.Random(number).random() < RIGHT[prompt][language]
        time = HOURS[number % 6] if right else HOURS[(number + 1) % 6]
        output = ModelOutput.from_content("mockllm/model", f"Shop {number} opens at {time}.")
        output.usage = ModelUsage(input_tokens=len(PROMPTS[prompt]) // 4, output_tokens=8, total_tokens=60)
        return output

    return get_model("mockllm/model", custom_outputs=answer)


@task
def assistant(prompt: str = "main") -> Task:
    """The assistant with one of the prompts."""
    solver = [system_message(PROMPTS[prompt]), generate()]
    dataset = MemoryDataset(list(questions()), name="opening-hours")
    return Task(dataset=dataset, solver=solver, scorer=includes(), model=mock(prompt))
