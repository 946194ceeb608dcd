"""Metrics files of which one has a share as a fraction and the other in per cent."""

import json

import pytest

from tests.support.project import run

CONFIG = """\
model: m
task: binary
predict: {metrics: now.json}
baseline: {file: before.json}
gates: [{metric: NAME, max_drop: 2%}]
"""


@pytest.mark.parametrize("name", ["accuracy", "eval.test_accuracy"])
@pytest.mark.parametrize(("before", "now"), [(0.9, 62), (90, 0.89)])
def test_run__one_file_in_per_cent(tmp_path, name, before, now):
    (tmp_path / "mlci.yml").write_text(CONFIG.replace("NAME", name))
    for file, value in (("before.json", before), ("now.json", now)):
        (tmp_path / file).write_text(json.dumps({name: value}))
    ended = run(tmp_path)
    assert ended.report["gates"][0]["outcome"] == "error"
    assert "one of them is in per cent" in ended.report["gates"][0]["reason"]
    assert ended.code == 1


@pytest.mark.parametrize(("name", "before", "now"), [("accuracy", 90, 91), ("accuracy", 0.9, 0.9), ("loss", 0.9, 62)])
def test_run__same_units(tmp_path, name, before, now):
    (tmp_path / "mlci.yml").write_text(
        CONFIG.replace("NAME", name).replace("max_drop", "max_rise" if name == "loss" else "max_drop")
    )
    for file, value in (("before.json", before), ("now.json", now)):
        (tmp_path / file).write_text(json.dumps({name: value}))
    assert run(tmp_path).report["gates"][0]["outcome"] == ("failed" if name == "loss" else "passed")
