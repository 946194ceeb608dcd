"""Costs through the command line: runners of GitHub, self-hosted and none, gates that pass, fail and err."""

import json
import os

import pytest

from tests.support.project import config, files, mlci, repository, run, write

HOSTED = {"RUNNER_ENVIRONMENT": "github-hosted", "RUNNER_NAME": "GitHub Actions 3"}
LINUX = {"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64"}
LARGER = {**HOSTED, **LINUX, "RUNNER_NAME": "ml-16_e5be460c9b40"}
SELF_HOSTED = {**LINUX, "RUNNER_ENVIRONMENT": "self-hosted", "RUNNER_NAME": "gpu-box-1"}
GATES = "  - {metric: accuracy, min: 0.5}\n  - {metric: cost_usd, max: 2.00}\n"
RATES = "cost: {runners: {'gpu-*': 2.5}}\n"


@pytest.fixture
def cores(monkeypatch):
    """Return a function that sets the machine's cores."""
    return lambda number: monkeypatch.setattr(os, "cpu_count", lambda: number)


def project(folder, more=GATES, **changes):
    return write(folder, {**files(2), "mlci.yml": config(baseline="none", more=more, **changes)})


def job(folder, runner, *, private=True, minutes=0.0):
    """Return the environment of a job that began some minutes ago."""
    path = folder.with_name(f"{folder.name}-event.json")
    path.write_text(json.dumps({"repository": {"full_name": "o/r", "private": private}}))
    begun = path.stat().st_mtime - 60 * minutes
    os.utime(path, (begun, begun))
    event = {"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(path), "GITHUB_SHA": "a" * 40}
    return {"GITHUB_ACTIONS": "true", **event, **runner}


def gate(ended, metric="cost_usd"):
    return next(one for one in ended.report["gates"] if one["metric"] == metric)


@pytest.mark.parametrize(
    ("runner", "number", "private", "sku", "paid"),
    [
        ({**HOSTED, **LINUX}, 2, True, "linux", 0.006),
        (LARGER, 16, False, "linux_16_core", 0.042),
    ],
)
def test_run__runners_of_github(tmp_path, cores, runner, number, private, sku, paid):
    cores(number)
    ended = run(project(tmp_path), **job(tmp_path, runner, private=private))
    assert ended.code == 0, ended.err
    assert (gate(ended)["outcome"], gate(ended)["candidate"]) == ("passed", paid)
    cost = ended.report["cost"]
    assert (cost["runner"], cost["usd_per_minute"], cost["minutes"]) == (sku, paid, 1)
    assert (cost["usd"], cost["reason"], cost["asked"]) == (paid, None, True)


def test_run__self_hosted_without_a_price_is_a_gate_in_error(tmp_path):
    ended = run(project(tmp_path), **job(tmp_path, SELF_HOSTED))
    assert ended.code == 1
    found = gate(ended)
    assert (found["outcome"], found["candidate"]) == ("error", None)
    assert "the runner `gpu-box-1` is self-hosted; add your price" in found["reason"]
    assert "`cost: {runners: {self-hosted: 0.05}}`" in found["reason"]
    assert (ended.report["cost"]["usd"], ended.report["cost"]["usd_per_minute"]) == (None, None)
    text = (tmp_path / ".mlci/out/comment.md").read_text()
    assert "Of this run until the report: 1 minute, price unknown." in text


def test_run__no_runner(tmp_path):
    ended = run(project(tmp_path))
    assert (ended.code, gate(ended)["outcome"]) == (1, "error")
    assert "not a job of GitHub Actions; add your price" in gate(ended)["reason"]
    assert "add the price that the gate in error lacks" in (tmp_path / ".mlci/out/comment.md").read_text()
    quiet = run(project(tmp_path, more="  - {metric: accuracy, min: 0.5}\n"))
    assert quiet.code == 0
    assert quiet.report["cost"]["asked"] is False
    assert "price unknown" not in (tmp_path / ".mlci/out/comment.md").read_text()


def test_run__gate_on_the_cost_of_a_self_hosted_runner(tmp_path):
    ended = run(project(tmp_path, more=GATES + RATES), **job(tmp_path, SELF_HOSTED, minutes=2.5))
    assert (ended.code, gate(ended)["outcome"], gate(ended)["candidate"]) == (1, "failed", 2.5)
    assert (ended.report["cost"]["minutes"], ended.report["cost"]["usd"]) == (3, 7.5)
    text = (tmp_path / ".mlci/out/comment.md").read_text()
    assert "7.50 USD for 3 minutes on self-hosted at 2.50 USD a minute" in text
    assert "Of the model (candidate): training and prediction" in text
    assert "minutes on self-hosted" in (tmp_path / ".mlci/out/report.html").read_text()
    shown = mlci("report", ".mlci/out/report.json", cwd=tmp_path)
    assert "3 minutes on self-hosted" in " ".join(shown.out.split())


def test_run__change_of_both_models(tmp_path):
    more = "  - {metric: cost_usd, max_rise: 10%}\n  - {metric: predict_cost_usd_per_1k_rows, max: 100}\n" + RATES
    changes = {"mlci.yml": config(baseline="{ref: main}", more=more)}
    repository(tmp_path, {**files(2), **changes}, {"k.txt": "1"})
    ended = run(tmp_path, **job(tmp_path, SELF_HOSTED))
    assert ended.code == 0, ended.err
    found = gate(ended)
    assert (found["outcome"], found["baseline"], found["candidate"], found["value"]) == ("passed", 2.5, 2.5, 0.0)
    again = run(tmp_path, **job(tmp_path, SELF_HOSTED))  # the baseline's cost comes from the cache
    assert gate(again)["baseline"] == 2.5
    row = next(one for one in ended.report["metrics"] if one["metric"] == "predict_cost_usd_per_1k_rows")
    seconds = next(one for one in ended.report["metrics"] if one["metric"] == "predict_seconds_per_1k_rows")
    assert 0 < row["candidate"] == pytest.approx(seconds["candidate"] / 60 * 2.5)


def test_run__cost_without_a_step_is_refused(tmp_path):
    text = config(baseline="none", train="", predict="predict: {file: p.csv, decision: p}\n", more=GATES)
    write(tmp_path, {**files(2), "mlci.yml": text})
    ended = run(tmp_path)
    assert ended.code == 2
    assert "`gates[2]`: `cost_usd` needs `train.run` or `predict.run`; nothing is run here" in ended.err
