"""The page for scripts that split inside and save a pickle: its code runs as written."""

import re
from pathlib import Path

import pytest

from tests.support.project import run
from tests.support.repository import commit, init

PAGE = (Path(__file__).parents[2] / "docs/how-to/start/gate-a-script-that-splits.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


BEFORE, AFTER, BY_KEY, SCORE = blocks("python")
(CONFIG,) = blocks("yaml")
IGNORED = blocks("text")[0]


def whole_set(ended):
    return next(row for row in ended.report["metrics"] if row["metric"] == "roc_auc" and row["slice"] is None)


def execute(code, folder, monkeypatch, **names):
    monkeypatch.chdir(folder)
    exec(compile(code, "page", "exec"), names)  # noqa: S102 - the page's own code
    return names


def test_page__before_and_after(tmp_path, monkeypatch, capsys):
    execute(BEFORE, tmp_path, monkeypatch)
    assert capsys.readouterr().out.startswith("accuracy 0.9")
    (tmp_path / "model.pkl").unlink()
    expected = reference(tmp_path, monkeypatch)
    made = [tmp_path / name for name in IGNORED.split()[1:]]
    (tmp_path / "made").mkdir()
    for path in made:
        path.rename(tmp_path / "made" / path.name)
    # The script ran in this process, where scikit-learn is loaded: the step leaves what it wrote.
    here = CONFIG.replace("python train.py", "cp made/* .")
    commit(init(tmp_path), {"mlci.yml": here, ".gitignore": f"{IGNORED}made/\n", "train.py": AFTER})
    ended = run(tmp_path)
    assert ended.code == 0, ended.err
    assert ended.report["evaluation"]["made_by_training"]
    assert whole_set(ended)["candidate"] == pytest.approx(expected, abs=1e-12)


def reference(folder, monkeypatch):
    """Run the page's script and return scikit-learn's metric of its model."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - seconds

    names = execute(AFTER, folder, monkeypatch)
    return roc_auc_score(names["test"]["target"], names["scores"])


def test_page__scoring_any_rows(tmp_path, monkeypatch):
    import pandas as pd  # noqa: PLC0415 - seconds

    names = execute(AFTER, tmp_path, monkeypatch)
    rows = pd.read_csv("holdout.csv")
    rows.drop(columns="target").to_csv("features.csv", index=False)
    monkeypatch.setenv("MLCI_DATA", "features.csv")
    monkeypatch.setenv("MLCI_PREDICTIONS", "scored.csv")
    execute(SCORE, tmp_path, monkeypatch)
    assert pd.read_csv("scored.csv")["score"].to_numpy() == pytest.approx(names["scores"])


def test_page__a_split_by_key_keeps_rows_in_their_part(tmp_path, monkeypatch):
    import pandas as pd  # noqa: PLC0415 - seconds

    data = pd.DataFrame({"x": range(500)})
    parts = [execute(BY_KEY, tmp_path, monkeypatch, data=rows)["test"] for rows in (data[:400], data)]
    assert set(parts[0].index) == {row for row in parts[1].index if row < 400}
    assert 0.2 < len(parts[1]) / 500 < 0.4
