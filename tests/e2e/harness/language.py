"""GitHub's parser of action files and its evaluator of expressions, as a Node process that answers lines of JSON."""

import json
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any, Self

NODE = Path(__file__).parents[2] / "node"


class LanguageError(Exception):
    """The parser or the evaluator refused; the words are GitHub's."""


class Language:
    """One Node process, used as a context manager."""

    def __enter__(self) -> Self:
        command = ["node", "--import", "./json.mjs", "harness/service.mjs"]
        self._node = subprocess.Popen(command, cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_error: object) -> None:
        self._node.stdin.close()
        self._node.wait()
        self._node.stdout.close()

    def parse(self, path: Path) -> dict[str, Any]:
        answer = self._ask({"parse": str(path)})
        if answer["errors"]:
            raise LanguageError(f"{path}: " + "; ".join(answer["errors"]))
        return answer["action"]

    def text(self, scalar: dict[str, str] | None, contexts: dict[str, Any]) -> str:
        """Return what a scalar of an action file says, its expression evaluated."""
        if scalar is None:
            return ""
        return scalar["text"] if "text" in scalar else self.evaluate(scalar["expression"], contexts)["text"]

    def evaluate(self, expression: str, contexts: dict[str, Any], *, holding: Collection[str] = ()) -> dict[str, Any]:
        """``holding`` names those of ``success``, ``failure`` and ``cancelled`` that are true now."""
        return self._ask({"evaluate": expression, "contexts": contexts, "holding": sorted(holding)})

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        self._node.stdin.write(json.dumps(question) + "\n")
        self._node.stdin.flush()
        answer = json.loads(self._node.stdout.readline() or '{"failed": "the parser has ended; its words are above"}')
        if "failed" in answer:
            raise LanguageError(f"{question.get('parse') or question.get('evaluate')}: {answer['failed']}")
        return answer
