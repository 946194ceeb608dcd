"""Configurations that several tests start from."""

from pathlib import Path

DESIGN = Path(__file__).with_name("design.yml").read_text()

GOOD = """\
model: credit-risk
task: binary
evaluation:
  data: holdout.csv
  key: id
  label: defaulted
  slices: [region, {column: age, cut: [25, 40]}, [sex, region]]
predict:
  file: predictions.csv
  score: score
baseline: {file: old.csv}
gates:
  - {metric: roc_auc, min: 0.75, max_drop: 0.01}
"""

TOTALS = """\
model: credit-risk
task: binary
predict: {metrics: metrics.json}
baseline: {ref: main}
gates:
  - {metric: val.auc, min: 93.5, max_drop: 1%}
"""


def edit(text, *changes):
    """Replace each (old, new) pair, once, and insist that the old text was there."""
    for old, new in changes:
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    return text
