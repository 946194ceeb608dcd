"""`mlci run` on evaluation logs: gates, slices, errored items, refusals, baselines."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.support.project import mlci, run
from tests.support.repository import git, init

LOGS = Path(__file__).parent / "files/inspect_ai"
CONFIG = """\
model: support
task: scores
predict: {{log: {candidate}}}
baseline: {baseline}
evaluation:
  slices: [metadata.language]
  min_group_size: 3
{more}gates:
{gates}
"""
GATES = "  - {metric: includes, max_drop: 0.02}"


def project(folder, candidate="candidate.eval", baseline="{log: baseline.eval}", gates=GATES, more=""):
    for path in LOGS.glob("*.eval"):
        shutil.copy(path, folder)
    text = CONFIG.format(candidate=candidate, baseline=baseline, gates=gates, more=more)
    (folder / "mlci.yml").write_text(text, "utf-8")
    return folder


def gate(ended, metric):
    return next(one for one in ended.report["gates"] if one["metric"] == metric)


def value(ended, metric, group=None):
    return next(one for one in ended.report["metrics"] if (one["metric"], one["group"]) == (metric, group))


def test_run__means_over_items_and_repeats(tmp_path):
    ended = run(project(tmp_path))
    found = value(ended, "includes")
    assert (found["baseline"], found["candidate"]) == (pytest.approx(0.875), pytest.approx(7 / 12))
    assert found["method"] == "gaffke"
    assert ended.report["evaluation"]["rows"] == 12
    assert gate(ended, "includes")["outcome"] == "inconclusive"
    german = value(ended, "includes", "de")
    assert german["rows"] == 4


def test_run__identical_logs_are_no_proof(tmp_path):
    folder = project(tmp_path)
    shutil.copy(folder / "baseline.eval", folder / "candidate.eval")
    ended = run(folder)
    low, high = value(ended, "includes")["change_interval"]
    assert low == pytest.approx(-high)
    assert low < -0.2
    assert gate(ended, "includes")["outcome"] == "inconclusive"


def test_run__items_that_changed_most(tmp_path):
    changed = run(project(tmp_path)).report["items_changed"]
    assert (changed["lower"], changed["higher"], changed["equal"]) == (7, 1, 4)
    worst = changed["items"][0]
    assert (worst["key"], worst["baseline"], worst["candidate"]) == ("q05", 1.0, 0.0)
    assert "What is 5 times 7" in worst["input"]
    assert "The answer is 35" in worst["baseline_output"]
    assert (changed["unstable"], changed["baseline_unstable"]) == (8, 3)


def test_run__keys_only(tmp_path):
    worst = run(project(tmp_path, more="report: {items: keys}\n")).report["items_changed"]["items"][0]
    assert worst["key"] == "q05"
    assert worst["input"] is None


def test_run__public_repository_shows_keys_only(tmp_path):
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"repository": {"private": False}}))
    folder = tmp_path / "project"
    folder.mkdir()
    ended = run(project(folder), GITHUB_ACTIONS="true", GITHUB_EVENT_PATH=str(event))
    assert ended.report["items_changed"]["items"][0]["input"] is None


def test_run__all_and_any_of_the_repeats(tmp_path):
    gates = "  - {metric: pass_all(includes), min: 0.8}\n  - {metric: pass_any(includes), min: 0.5}"
    ended = run(project(tmp_path, gates=gates))
    assert value(ended, "pass_all(includes)")["candidate"] == pytest.approx(0.25)
    assert value(ended, "pass_any(includes)")["candidate"] == pytest.approx(11 / 12)
    assert gate(ended, "pass_all(includes)")["outcome"] == "failed"
    assert ended.code == 1


@pytest.mark.parametrize(("policy", "blocks"), [("", True), ("policy: {errored_items: warn}\n", False)])
def test_run__outage_is_no_regression(tmp_path, policy, blocks):
    gates = "  - {metric: includes, min: 0.8}"
    ended = run(project(tmp_path, candidate="outage.eval", baseline="none", gates=gates, more=policy))
    found = gate(ended, "includes")
    assert (found["outcome"], found["why"], found["blocks"]) == ("inconclusive", "errored_items", blocks)
    assert (ended.report["verdict"], ended.code) == (("block", 1) if blocks else ("warn", 0))
    assert "run again: q04, q08, q12" in found["reason"]
    assert "429 Too Many Requests" in found["reason"]


def test_run__errored_items_that_decide_nothing(tmp_path):
    gates = "  - {metric: includes, min: 0.5}\n  - {metric: errored_share, max: 0.1}"
    ended = run(project(tmp_path, candidate="outage.eval", baseline="none", gates=gates))
    assert gate(ended, "includes")["outcome"] == "passed"
    assert gate(ended, "errored_share")["outcome"] == "failed"
    assert value(ended, "errored_share")["candidate"] == 0.25


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"candidate": "stopped.eval"}, "the candidate's run is not whole: its status is error"),
        ({"candidate": "moved.eval"}, "12 items (q01, q02, q03, q04, q05 and 7 more) are not the same in both runs"),
        ({"candidate": "absent.eval"}, "no file matches `absent.eval`"),
        ({"baseline": "{log: candidate.eval}"}, "compared with itself"),
        ({"gates": "  - {metric: accuracy, max_drop: 0.1}"}, "there are includes, helpful.tone, helpful.length"),
        ({"more": "  cluster: metadata.absent\n"}, "which no item has; the log has metadata.language"),
        ({"gates": "  - {metric: includes, range: [0, 0.5], max_drop: 0.1}"}, "is beyond its range of 0 to 0.5"),
        ({"gates": "  - {metric: cost_usd, max_rise: 10%}"}, "log has no cost_usd for 24 of 24 answers"),
    ],
)
def test_run__refused_by_name(tmp_path, changes, words):
    ended = run(project(tmp_path, **changes))
    said = ended.err + "".join(one["reason"] or "" for one in json.loads(ended.out or '{"gates": []}')["gates"])
    assert words in said.replace("\n", " ")
    assert ended.code in {1, 2}


def test_run__partial_log_that_is_accepted(tmp_path):
    ended = run(project(tmp_path, candidate="stopped.eval", baseline="none", more="  partial: true\n"))
    assert "the candidate's run is not whole: its status is error" in ended.report["notes"]


def without_item(path, key):
    """Copy a log without the summaries of one item."""
    target = path.with_name("shorter.eval")
    from backports.zstd import zipfile as zstd_zipfile  # noqa: PLC0415 (only here)

    with zstd_zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "summaries.json":
                data = json.dumps([one for one in json.loads(data) if one["id"] != key]).encode()
            new.writestr(name, data)
    return target.name


def test_run__items_of_one_run_only(tmp_path):
    folder = project(tmp_path)
    shorter = without_item(folder / "candidate.eval", "q03")
    refused = run(project(folder, candidate=shorter, more="  partial: true\n"))
    assert "1 item (q03) is only in the baseline's run" in refused.err
    ended = run(project(folder, candidate=shorter, more="  partial: true\n  items: shared\n"))
    assert ended.report["evaluation"]["rows"] == 11
    assert any("compared on the 11 items that both runs have" in note for note in ended.report["notes"])


def test_run__clusters_widen_the_interval(tmp_path):
    plain = run(project(tmp_path))
    ended = run(project(tmp_path, more="  cluster: metadata.passage.id\n"))
    found = value(ended, "includes")
    assert found["method"] == "mixing score by cluster"
    assert found["change"] == value(plain, "includes")["change"]
    assert "only 6 clusters" in found["reason"]


def test_run__several_tasks_are_slices(tmp_path):
    folder = project(tmp_path, candidate="now/*.jsonl", baseline="{log: 'before/*.jsonl'}")
    for name in ("now", "before"):
        (folder / name).mkdir()
        for path in (LOGS.parent / "lm_eval").glob("*.json*"):
            shutil.copy(path, folder / name)
    text = CONFIG.format(
        candidate="now/samples_*.jsonl",
        baseline="{log: 'before/samples_*.jsonl'}",
        more="",
        gates="  - {metric: acc, max_drop: 0.5}\n  - {metric: acc, each: task, max_drop: 0.5}",
    )
    (folder / "mlci.yml").write_text(text.replace("metadata.language", "task"), "utf-8")
    ended = run(folder)
    assert value(ended, "acc", "choice")["candidate"] == pytest.approx(0.8)
    assert value(ended, "acc", "choice")["support"] == 10
    assert ended.report["evaluation"]["rows"] == 18


def test_run__baseline_from_a_reference(tmp_path):
    folder = project(init(tmp_path / "project"), candidate="log.eval", baseline="{ref: main}")
    shutil.copy(folder / "baseline.eval", folder / "log.eval")
    git(folder, "add", "--all")
    git(folder, "commit", "-m", "the baseline's log")
    shutil.copy(folder / "candidate.eval", folder / "log.eval")
    ended = run(folder)
    found = value(ended, "includes")
    assert (found["baseline"], found["candidate"]) == (pytest.approx(0.875), pytest.approx(7 / 12))
    assert "The answer is 35" in ended.report["items_changed"]["items"][0]["baseline_output"]


def test_run__against_the_version_in_production(tmp_path):
    folder = project(init(tmp_path / "project"), candidate="log.eval", baseline="production")
    shutil.copy(folder / "baseline.eval", folder / "log.eval")
    git(folder, "add", "--all")
    git(folder, "commit", "-m", "the first system")
    first = mlci("run", "--bundle", cwd=folder)
    assert "no baseline yet" in first.out
    done = mlci("promote", cwd=folder)
    assert done.code == 0, done.err
    shutil.copy(folder / "candidate.eval", folder / "log.eval")
    git(folder, "commit", "-am", "another prompt")
    ended = run(folder, "--bundle")
    found = value(ended, "includes")
    assert (found["baseline"], found["candidate"]) == (pytest.approx(0.875), pytest.approx(7 / 12))
    assert "The answer is 35" in ended.report["items_changed"]["items"][0]["baseline_output"]
    second = mlci("promote", cwd=folder)
    assert second.code == 0, second.err
    assert "version 2" in second.out + second.err


TABLE = """\
model: support
task: scores
predict: {log: now.csv}
baseline: {log: before.csv}
evaluation: {key: question, REPEATslices: [language]}
gates: [{metric: correct, max_drop: 0.5}, {metric: cost_usd, max_rise: 50%}]
"""


def scores_table(path, wrong, error="", first="1"):
    rows = ["question,run,language,correct,cost_usd,error"]
    for i in range(40):
        for repeat in ("1", "2"):
            bad = error if (i, repeat) == (0, "1") else ""
            score = "" if bad else first if (i, repeat) == (1, "1") else str(int(i >= wrong))
            rows.append(f"q{i},{repeat},{'en' if i % 2 else 'de'},{score},{0.01 + i / 1000},{bad}")
    path.write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("repeat", ["", "repeat: run, "])
def test_run__any_table(tmp_path, repeat):
    scores_table(tmp_path / "before.csv", 2)
    scores_table(tmp_path / "now.csv", 6, error="timeout")
    (tmp_path / "mlci.yml").write_text(TABLE.replace("REPEAT", repeat))
    ended = run(tmp_path)
    found = value(ended, "correct")
    assert (found["baseline"], found["candidate"]) == (pytest.approx(38.5 / 40), pytest.approx(34.5 / 40))
    assert value(ended, "cost_usd")["change"] == 0
    assert value(ended, "errored_share")["candidate"] == pytest.approx(1 / 80)
    assert gate(ended, "correct")["outcome"] == "passed"


def test_run__table_with_a_score_that_is_text(tmp_path):
    scores_table(tmp_path / "before.csv", 2)
    scores_table(tmp_path / "now.csv", 2, first="right")
    (tmp_path / "mlci.yml").write_text(TABLE.replace("REPEAT", ""))
    ended = run(tmp_path)
    assert "now.csv: row 3: correct is 'right', which is not a number" in ended.err
    assert ended.code == 2


def test_run__gain_of_a_scorer(tmp_path):
    """The means fall, so a gain of half the range is refuted; one of cost would be a fall."""
    gates = "  - {metric: includes, superior_by: 0.5}\n  - {metric: errored_share, superior_by: 0.01}"
    ended = run(project(tmp_path, gates=gates))
    assert [(gate(ended, name)["outcome"], gate(ended, name)["bound"]) for name in ("includes", "errored_share")] == [
        ("failed", 0.5),
        ("inconclusive", -0.01),
    ]
