import csv
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


COLUMNS = re.compile(r"^COLUMNS = .*\n", re.MULTILINE)


def table(name):
    return list(csv.DictReader(Path(name).read_text("utf-8").splitlines()))


def area_under_curve(code):
    """Execute the tutorial's script in the current folder; return the share of pairs that its files rank right."""
    exec(compile(code, "tutorial", "exec"), {})  # noqa: S102 - the page's own code
    labels = {row["row"]: row["target"] for row in table("holdout.csv")}
    scores = {"0": [], "1": []}
    for row in table("predictions.csv"):
        scores[labels[row["row"]]].append(float(row["score"]))
    pairs = [(high > low) + (high == low) / 2 for high in scores["1"] for low in scores["0"]]
    return f"{sum(pairs) / len(pairs):.3f}"


def test_tutorial__scripts_reach_the_numbers_on_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script, worse, better = blocks("python")
    first, fewer, more = (area_under_curve(COLUMNS.sub(columns, script)) for columns in (r"\g<0>", worse, better))
    assert f"passes at {first}" in PAGE
    assert f"{first} → {fewer}" in PAGE
    assert f"rises from {first} to {more}" in PAGE
