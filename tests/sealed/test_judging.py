"""Files of a pull request that decide its own judging: found by the list of files, written in one line."""

import pytest

from mlci.config.read import load_text
from mlci.metrics import catalogue
from mlci.operations.judging import judging_changes
from mlci.report.comment import render_comment
from mlci.report.document import Judging
from mlci.report.page.page import render_page
from mlci.report.terminal import render_terminal
from mlci.report.text.markup import Links
from tests.support.reports import a_report, passed

CONFIG = """\
model: m
task: binary
evaluation: {data: data/h.csv, labels: ../labels.csv, key: id, label: y, positive: 1}
predict: {run: python predict.py, score: s}
baseline: {file: old.csv}
gates:
  - {metric: roc_auc, max_drop: 0.01}
  - {metric: "own.costs:total", max: 1}
"""


def changes(*paths, used=False, path="models/mlci.yml"):
    config = load_text(CONFIG, catalogue, path="mlci.yml").config
    return judging_changes(paths, config, path, used=used)


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("models/mlci.yml", "configuration"),
        ("models/data/h.csv", "evaluation data"),
        ("labels.csv", "evaluation data"),
        ("models/old.csv", "baseline"),
        ("models/own/costs.py", "metric code"),
        ("models/own/costs/__init__.py", "metric code"),
        (".github/workflows/mlci-train.yml", "workflow"),
        (".github/actions/x/action.yml", "workflow"),
        ("mlci.yml", None),
        ("models/train.py", None),
        ("models/data/h.csv.bak", None),
        ("docs/.github/workflows/x.yml", None),
    ],
)
def test_judging_changes__each_kind(path, what):
    assert [(one.path, one.what) for one in changes(path).changes] == ([(path, what)] if what else [])


def test_judging_changes__many():
    found = changes(*(f".github/workflows/{number}.yml" for number in range(60)))
    assert (len(found.changes), found.more) == (50, 10)


def rendered(judging):
    report = a_report(gates=[passed("roc_auc", was=0.8, now=0.81, low=0, high=0.02, max_drop=0.01)]).model_copy(
        update={"judging": judging}
    )
    return (
        render_comment(report, links=Links()),
        render_page(report, links=Links()),
        render_terminal(report, colour=False, width=400),
    )


@pytest.mark.parametrize("used", [True, False])
def test_judging_section__sentence(used):
    judging = changes("models/mlci.yml", "models/data/h.csv", used=used)
    words = "a maintainer has to look at them" if used else "They were ignored: configuration, labels"
    for text in rendered(judging):
        assert "models/mlci.yml" in text
        assert words in " ".join(text.split())


@pytest.mark.parametrize("judging", [None, Judging(used=True), Judging(used=False)])
def test_judging_section__nothing_changed(judging):
    assert not any("is judged by" in text for text in rendered(judging))


@pytest.mark.parametrize("paths", [(), ("models/mlci.yml",)])
def test_judging_section__files_that_are_not_listed(paths):
    judging = changes(*paths).model_copy(update={"unlisted": 2})
    for text in rendered(judging):
        assert "GitHub does not list 2 more files of this change" in " ".join(text.split())


def test_judging_section__hostile_path():
    text = rendered(changes(".github/workflows/a`](http://evil)<img>\n## passed.yml"))[0]
    assert "\n## passed" not in text
    assert "](http://evil)<img>`" not in text
