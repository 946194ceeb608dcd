"""The predict step of the page on saved models scores a pickle as it stands."""

import csv
import pickle
import re
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LogisticRegression

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "start" / "score-a-saved-model.md").read_text("utf-8")


def test_saved_model_page__predict_step(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame({"row": range(40), "x": [i % 10 for i in range(40)], "note": "a"})
    model = LogisticRegression().fit(rows[["x"]], rows["x"] > 4)
    Path("model.pkl").write_bytes(pickle.dumps(model))
    rows.to_csv("features.csv", index=False)
    paths = {"MLCI_MODEL": "model.pkl", "MLCI_DATA": "features.csv", "MLCI_PREDICTIONS": "predictions.csv"}
    for name, value in paths.items():
        monkeypatch.setenv(name, value)
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    exec(compile(script, "predict.py", "exec"), {})  # noqa: S102 - the page's own code
    written = list(csv.DictReader(Path("predictions.csv").read_text("utf-8").splitlines()))
    assert [row["row"] for row in written] == [str(i) for i in range(40)]
    assert all((float(row["score"]) > 0.5) == (int(row["row"]) % 10 > 4) for row in written)
