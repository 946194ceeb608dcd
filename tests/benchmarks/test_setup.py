"""The benchmark of installation: output for figures that are complete, missing, or too low."""

import pytest

from benchmarks.setup import measure, page
from benchmarks.setup.measure import Figures
from benchmarks.setup.subjects import SetupError, Way


def found(**changed):
    figures = {
        "action": Figures([2.0, 3.0, 4.0], [1.0] * 3, [1.5] * 3),
        "action_without_uv": Figures([5.0] * 3, [4.0] * 3, [1.5] * 3),
        "pip": Figures([42.0] * 3, [20.0] * 3, [0.5] * 3),
        "npm": Figures(missing="E404"),
    }
    return figures | changed


def test_ratios__fastest_and_sums_within_a_run():
    ratios = page.ratios(found())
    assert ratios["cold, uv on `PATH`, against pip"] == 21
    assert ratios["cold, uv on `PATH`, first run included, against pip"] == pytest.approx(42.5 / 3.5)
    assert not any("npm" in name for name in ratios)
    assert page.list_misses(found()) == []


def test_missed__too_low_or_not_measured():
    slow = page.list_misses(found(action_without_uv=Figures([10.0], [1.0], [1.0])))
    assert slow == ["missed: cold, uv installed first, against pip: 4.2×, target 8×"]
    assert "not measured" in page.list_misses(found(pip=Figures(missing="no network")))[0]


def test_section__names_missing_figures():
    text = page.section(found(), 3)
    assert "| our action, uv on `PATH` | 2.00 | 3.00 | 1.00 | 1.50 |" in text
    assert "- `npm install @dvcorg/cml`: not measured: E404" in text


def test_measure__failing_way_is_not_retried(monkeypatch):
    tried = []

    def fails(_folder, _cache):
        tried.append(1)
        raise SetupError("no such package")

    monkeypatch.setattr(measure, "WAYS", (Way("npm", "npm", fails, runs=False),))
    assert measure.everything(3, say=lambda _line: None)["npm"].missing == "no such package"
    assert tried == [1]
