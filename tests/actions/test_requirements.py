"""The requirements that a job installs, and their compatibility."""

import re
from pathlib import Path

import pytest

from mlci.cli.extras import extras, main
from mlci.config.read import load_text
from mlci.metrics import catalogue

ROOT = Path(__file__).parents[2]
FILES = ("run", "github", "metrics", "remote", "objects", "mlflow", "deploy", "telemetry", "schema", "energy", "dev")
CONFIG = """\
model: m
task: binary
evaluation: {{data: {data}, key: k, label: y{more}}}
predict: {{{predict}}}
baseline: {{file: {baseline}, score: s}}
gates: [{{metric: {metric}, min: 0.5}}]
"""
PLAIN = {"data": "d.csv", "more": "", "predict": "file: p.csv, score: s", "baseline": "b.csv", "metric": "roc_auc"}
RATE = "metric: {rate: b, max_drop: 0.1}"


def pins(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    return {
        tuple(line.partition(" ;")[0].rstrip(" \\").split("=="))
        for line in re.findall(r"^\S+==.*$", text, re.MULTILINE)
    }


def test_requirements__files_agree():
    development = pins("dev")
    for name in FILES:
        assert pins(name)
        assert pins(name) <= development, f"{name}.txt and dev.txt differ; run `make lock`"


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        ({}, []),
        ({"metric": "recall_difference, across: g", "more": ", slices: [g]"}, []),
        ({"metric": "jaccard_score_of_mine:f"}, ["metrics"]),
        ({"metric": "hinge_loss"}, ["metrics"]),
        ({"more": ", metrics: [average_precision, zero_one_loss]"}, ["metrics"]),
        ({"predict": "model: m.skops"}, ["metrics"]),
        ({"data": "s3://bucket/d.parquet"}, ["remote"]),
        ({"baseline": "gs://bucket/b.csv", "metric": "hinge_loss"}, ["metrics", "remote"]),
        ({"more": "}\nregistry: github\npolicy: {seed: 7"}, ["github"]),
        ({"more": "}\nregistry: folder\nrequire_approval: [ada]\npolicy: {seed: 7"}, ["github"]),
        ({"more": "}\nregistry: s3://bucket/prefix\npolicy: {seed: 7"}, ["objects"]),
        ({"more": "}\nregistry: mlflow:https://mlflow.example.org\npolicy: {seed: 7"}, ["mlflow"]),
        (
            {"more": "}\nregistry: mlflow:sqlite:///mlflow.db\npolicy: {seed: 7", "metric": "hinge_loss"},
            ["metrics", "mlflow"],
        ),
        ({"more": "}\nregistry: folder\npolicy: {seed: 7"}, []),
        ({"more": "}\ncost: {energy: true}\npolicy: {seed: 7"}, ["energy"]),
        ({"more": "}\nmonitor: {data: l.csv, time: at, pandera: s.yaml}\npolicy: {seed: 7"}, ["schema"]),
        ({"more": f"}}\nexperiment: {{counts: 's3://b/c.csv', {RATE}}}\npolicy: {{seed: 7"}, ["remote"]),
        ({"more": f"}}\nexperiment: {{data: 'gs://b/*.csv', unit: u, {RATE}}}\npolicy: {{seed: 7"}, ["remote"]),
        ({"more": f"}}\nexperiment: {{data: c.csv, unit: u, {RATE}}}\npolicy: {{seed: 7"}, []),
    ],
)
def test_extras__of_a_configuration(change, needs):
    text = CONFIG.format(**{**PLAIN, **change})
    assert extras(load_text(text, catalogue, path="mlci.yml").config) == needs


def test_extras__invalid_configuration(tmp_path, capsys):
    (tmp_path / "mlci.yml").write_text("model: [", "utf-8")
    assert main([str(tmp_path / "mlci.yml")]) == 0
    assert main([str(tmp_path / "none.yml")]) == 0
    assert capsys.readouterr().out == ""
