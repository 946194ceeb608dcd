"""The worst slices from the configuration to every output."""

import json

import numpy as np
import pandas as pd
import pytest

import mlci as package
from mlci.errors import InputError
from tests.support.project import mlci, write

CONFIG = """\
model: searched
task: binary
evaluation: {{data: holdout.csv, key: id, label: y, {slices}}}
predict: {{file: new.csv, decision: p}}
baseline: {baseline}
gates:
  - {{metric: accuracy, max_drop: 0.5}}
"""


def tables(harm):
    draw = np.random.default_rng(3)
    rows = 1_200
    frame = pd.DataFrame({"id": range(rows), "y": draw.integers(0, 2, rows), "region": draw.choice(list("nse"), rows)})
    frame["<b>|x"] = draw.choice(["a", "b"], rows)
    bad = (frame["region"] == "n") & (frame["<b>|x"] == "a")
    old, new = (draw.random(rows) < 0.05 + added for added in (0, harm * bad))
    texts = {"holdout.csv": frame.to_csv(index=False)}
    for name, wrong in {"old.csv": old, "new.csv": new}.items():
        texts[name] = frame[["id"]].assign(p=np.where(wrong, 1 - frame["y"], frame["y"])).to_csv(index=False)
    return texts


def ended(folder, slices="slices: auto", baseline="{file: old.csv}", harm=0.5):
    write(folder, {**tables(harm), "mlci.yml": CONFIG.format(slices=slices, baseline=baseline)})
    return mlci("run", "--json", cwd=folder)


def test_run__slice_that_is_found(tmp_path):
    done = ended(tmp_path)
    found = done.report["worst_slices"]
    assert done.report["verdict"] == "pass"
    assert found["slices"][0]["conditions"] == {"region": "n", "<b>|x": "a"}
    assert found["loss"] == "wrong decision"
    out = tmp_path / ".mlci" / "out"
    comment, page = (out / name for name in ("comment.md", "report.html"))
    assert "share of wrong decisions +" in comment.read_text("utf-8")
    assert "<b>|x" not in comment.read_text("utf-8")
    assert "<b>|x" not in page.read_text("utf-8")
    assert 'id="worst-slices"' in page.read_text("utf-8")


def test_run__noise(tmp_path):
    done = ended(tmp_path, harm=0)
    found = done.report["worst_slices"]
    assert (found["slices"], found["searched"]) == ([], 11)
    out = tmp_path / ".mlci" / "out"
    assert "worse than chance explains" not in (out / "comment.md").read_text("utf-8")
    for name in ("report.html", "summary.md"):
        assert "No slice is worse than chance explains (11 slices searched)" in (out / name).read_text("utf-8")


def test_run__columns_beside_listed_slices(tmp_path):
    report = ended(tmp_path, "slices: [region], slice_search: {columns: [region], max_columns: 1}").report
    assert report["worst_slices"]["columns"] == ["region"]
    assert {row["slice"] for row in report["metrics"]} >= {"region"}


def test_run__no_baseline(tmp_path):
    report = ended(tmp_path, baseline="none").report
    assert report["worst_slices"] is None
    assert any("the baseline is missing" in note for note in report["notes"])


@pytest.mark.parametrize(
    ("slices", "line"),
    [
        ("slices: auto, cluster: region", "a search for slices takes rows as independent and of equal weight"),
        (
            "slice_search: {columns: [region], max_columns: 4}",
            "`evaluation.slice_search.max_columns` must be at most 3",
        ),
        ("slice_search: {colums: [region]}", "did you mean `columns`?"),
        ("slices: automatic", "`evaluation.slices` must be a list, not `automatic`; write `[automatic]`"),
    ],
)
def test_run__search_that_is_refused(slices, line, tmp_path):
    done = ended(tmp_path, slices)
    assert done.code == 2
    assert line in done.err


def test_compare__auto(tmp_path):
    write(tmp_path, tables(0.5))
    data, new, old = (pd.read_csv(tmp_path / name) for name in ("holdout.csv", "new.csv", "old.csv"))
    columns = {"label": "y", "key": "id", "decision": "p", "candidate": new, "baseline": old}
    found = package.compare(data, slices="auto", **columns).report.worst_slices
    assert found.slices[0].conditions == {"region": "n", "<b>|x": "a"}
    assert json.loads(found.model_dump_json())["checked"] == found.checked
    with pytest.raises(InputError, match="slices is a list"):
        package.compare(data, slices="region", **columns)
