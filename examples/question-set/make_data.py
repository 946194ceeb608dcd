"""Multiple-choice questions with one long right answer, the same in every run."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WORDS = {"sums": "plus", "products": "times"}


def questions() -> Iterator[dict[str, Any]]:
    """Return 120 questions about sums and 120 about products, with four answers each."""
    for number in range(240):
        topic = "products" if number % 2 else "sums"
        left, right = 2 + number // 15, 2 + number % 15
        result = left * right if number % 2 else left + right
        asked = f"{left} {WORDS[topic]} {right}"
        answers = [f"{asked} is {result}, and {right} {WORDS[topic]} {left} is {result}, too"]
        answers += [str(result + wrong) for wrong in (-1, 1, 2)]
        label = random.Random(number).randrange(4)
        answers[0], answers[label] = answers[label], answers[0]
        yield {"question": f"What is {asked}?", "answers": answers, "label": label, "topic": topic}


if __name__ == "__main__":
    Path("questions.jsonl").write_text("".join(json.dumps(question) + "\n" for question in questions()), "utf-8")
