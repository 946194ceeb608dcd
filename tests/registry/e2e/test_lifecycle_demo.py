"""`mlci demo --lifecycle`: real commands, and a comment for each chapter."""

import json

from tests.support.project import mlci
from tests.support.repository import git

NAMES = ["1-first.md", "2-merged.md", "3-better.md", "4-regression.md", "5-rolled-back.md"]


def test_lifecycle_demo__story(tmp_path):
    ended = mlci("demo", "--lifecycle", "--out", "life", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    comments = {path.name: path.read_text() for path in sorted((tmp_path / "life/comments").iterdir())}
    assert list(comments) == NAMES
    heads = [next(line for line in text.splitlines() if line.startswith("## ")) for text in comments.values()]
    assert [head[3] for head in heads] == ["⚠", "✅", "✅", "❌", "✅"]
    assert "no baseline yet; it is recorded when this merges" in comments["1-first.md"]
    assert "(version 1)" in comments["3-better.md"]
    assert "(version 2)" in comments["4-regression.md"]
    assert "(version 1)" in comments["5-rolled-back.md"]
    said = ended.out
    for words in (
        "version 1 of diabetes-progression is in production; it is the first one",
        "version 2 of diabetes-progression is in production; it replaces version 1",
        "✗ diabetes-progression: blocked, 4 of 5 gates failed",
        "version 1 is in production again; version 2 is not",
        "$ mlci experiment --apply",
        "… diabetes-progression: keep going",
        "version 3 is in production (entry 14)",
        "diabetes-progression, version 3: well",
        "diabetes-progression, version 3: alarm since 2026-12-07",
        "restored 16 entries",
    ):
        assert said.count(words) == 1, words
    assert said.count("the ledger is whole: 16 entries, 3 versions") == 2
    assert str(tmp_path) not in said
    assert "mlci ledger log" in said
    assert said.count("Metrics on the whole set") == 0
    assert git(tmp_path / "life", "log", "--oneline").count("\n") == 4
    config = tmp_path / "life/mlci.yml"
    assert mlci("ledger", "verify", "--files", "--config", config, cwd=tmp_path).code == 0

    again = mlci("demo", "--lifecycle", "--out", "life", "--json", cwd=tmp_path)
    chapters = json.loads(again.out)["chapters"]
    expected = [("warn", None, 1), ("pass", "1", None), ("pass", "1", 2), ("block", "2", None), ("pass", "1", None)]
    assert [(part["verdict"], part["against"], part["promoted"]) for part in chapters] == expected
    assert json.loads(again.out)["champion"] == 3
    followed = [(part["act"], part["command"][0], part["exit_code"]) for part in json.loads(again.out)["acts"]]
    assert followed == [
        ("experiment", "experiment", 5),
        ("experiment", "experiment", 0),
        ("monitor", "monitor", 0),
        ("monitor", "monitor", 1),
        ("cost", "costs", 0),
        ("restore", "backup", 0),
        ("restore", "restore", 0),
        ("restore", "ledger", 0),
    ]


def test_lifecycle_demo__folder_of_the_user(tmp_path):
    (tmp_path / "mine").write_text("x")
    ended = mlci("demo", "--lifecycle", "--out", ".", cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert "is not empty and does not contain an earlier demo" in ended.err
    assert (tmp_path / "mine").read_text() == "x"
