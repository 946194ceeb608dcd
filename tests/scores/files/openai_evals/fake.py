"""A completion function that adds wrongly now and then."""

from evals.record import record_sampling


class Answer:
    def __init__(self, text):
        self.text = text

    def get_completions(self):
        return [self.text]


class Fake:
    def __init__(self, **_):
        pass

    def __call__(self, prompt, **_):
        asked = prompt if isinstance(prompt, str) else prompt[-1]["content"]
        first, second = (int(word) for word in asked.split() if word.isdigit())
        text = {5: "Error: 429 Too Many Requests"}.get(first, str(first + second + (first % 4 == 2)))
        tokens = {"prompt_tokens": 8, "completion_tokens": len(text)}
        record_sampling(prompt=prompt, sampled=[text], model="fake", usage=tokens)
        return Answer(text)
