"""``mlci scores``: what people and programs read of a log."""

import json
from pathlib import Path

from tests.support.project import mlci

FILES = Path(__file__).parents[1] / "scores/files"


def test_scores__text():
    result = mlci("scores", str(FILES / "inspect_ai/outage.eval"), cwd=FILES)
    assert result.code == 0
    assert "12 items, one answer each, 180 tokens in and 54 out" in result.out
    assert "3 answers errored, the first for q04: RuntimeError('429 Too Many Requests" in result.out.replace("\n", " ")


def test_scores__json():
    result = mlci("scores", "--json", str(FILES / "inspect_ai/candidate.eval"), cwd=FILES)
    summary = json.loads(result.out)
    assert (summary["items"], summary["repeats"]) == (12, 2)
    assert summary["scores"]["includes"]["mean"] == 7 / 12


def test_scores__no_file():
    result = mlci("scores", cwd=FILES)
    assert result.code == 2
    assert "known are those of Inspect" in result.err
