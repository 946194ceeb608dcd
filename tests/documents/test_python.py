"""The example of the page on Python runs as it stands."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "gates" / "compare-in-python.md"


def test_python__example_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(2)
    holdout = pd.DataFrame({"id": np.arange(400), "x": draw.normal(size=400), "region": draw.choice(["n", "s"], 400)})
    holdout["outcome"] = (holdout["x"] + draw.normal(size=400) > 0).astype(int)
    holdout[["id"]].assign(score=0.5 + holdout["x"] / 20).to_csv("predictions.csv", index=False)
    model = LogisticRegression().fit(holdout[["x"]], holdout["outcome"])
    names = {"holdout": holdout, "new_model": model}
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exec(example, names)  # noqa: S102 (the page's own code)
    assert names["comparison"].verdict in {"pass", "warn"}
    assert len(names["comparison"].gates) == 3
