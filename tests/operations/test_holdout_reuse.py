"""`reuse` through the command line: looks of rows and of logs, stages, an unreadable ledger, a promotion."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.project import files, mlci, predictions, run, small_files, write

REUSE = "reuse: {budget: 2, adaptivity: first_change}\n"
LOGS = Path(__file__).parents[1] / "scores/files/inspect_ai"


def project(folder: Path, more=REUSE) -> Path:
    own = small_files()
    own["mlci.yml"] = own["mlci.yml"] + more
    return write(folder, own)


def look(ended) -> dict:
    return ended.report["evaluation"]["look"]


def candidate(folder: Path, k: int) -> None:
    (folder / "new.csv").write_text(predictions(k), "utf-8")


def test_run__look_is_read_and_recorded_only_with_record(tmp_path):
    folder = project(tmp_path)
    for _ in range(2):
        ended = run(folder)
        assert (look(ended)["looks"], look(ended)["recorded"]) == (1, False)
    recorded = run(folder, "--record")
    assert (look(recorded)["looks"], look(recorded)["recorded"]) == (1, True)
    assert recorded.report["policy"]["confidence"] == pytest.approx(0.975)
    assert look(recorded)["confidence"] == 0.95
    assert recorded.report["evaluation"]["uses"] == 1
    assert look(run(folder))["repeated"]


def test_run__worn_out_set_blocks_and_new_rows_have_all_looks(tmp_path):
    folder = project(tmp_path)
    for k in (1, 2):
        candidate(folder, k)
        run(folder, "--record")
    candidate(folder, 0)
    assert run(folder).report["verdict"] == "block"
    ended = run(folder, "--record")
    assert (ended.code, ended.report["verdict"], look(ended)["looks"]) == (1, "block", 3)
    worn = next(row for row in ended.report["gates"] if row["metric"] == "holdout_looks")
    assert (worn["outcome"], worn["why"], worn["waivable"]) == ("inconclusive", "worn_out", False)
    assert "evaluation set is worn out" in (folder / ".mlci/out/comment.md").read_text()
    assert "look 3 of 2: judged at 97.5 %" in (folder / ".mlci/out/report.html").read_text()
    text = (folder / "holdout.csv").read_text().splitlines()
    (folder / "holdout.csv").write_text("\n".join(text[:-1]) + "\n", "utf-8")
    for name in ("old.csv", "new.csv"):
        text = (folder / name).read_text().splitlines()
        (folder / name).write_text("\n".join(text[:-1]) + "\n", "utf-8")
    fresh = run(folder, "--record")
    assert (look(fresh)["looks"], look(fresh)["worn_out"]) == (1, None)


def test_gate__after_evaluate_has_the_look(tmp_path):
    folder = project(tmp_path)
    assert mlci("evaluate", cwd=folder).code == 0
    ended = mlci("gate", cwd=folder)
    report = json.loads((folder / ".mlci/out/report.json").read_text())
    assert (ended.code, report["evaluation"]["look"]["looks"]) == (1, 1)
    (folder / "mlci.yml").write_text((folder / "mlci.yml").read_text().replace("budget: 2", "budget: 5"), "utf-8")
    assert "by `policy` and `reuse`" in mlci("gate", cwd=folder).err


def test_gate__evaluation_without_a_look_is_refused(tmp_path):
    folder = project(tmp_path, more="")
    mlci("evaluate", cwd=folder)
    config = folder / "mlci.yml"
    config.write_text(config.read_text() + "reuse: {budget: 1, adaptivity: none}\n", "utf-8")
    ended = mlci("gate", cwd=folder)
    assert ended.code == 2
    assert "run `mlci evaluate` again" in ended.err


def test_run__unreadable_ledger_judges_nothing(tmp_path):
    folder = project(tmp_path)
    run(folder, "--record")
    entry = max((folder / ".mlci/registry").rglob("0000*.json"))
    entry.chmod(0o644)
    entry.write_bytes(entry.read_bytes()[:-9])
    ended = mlci("run", cwd=folder)
    assert ended.code == 4
    assert "is damaged" in ended.err or "rewritten" in ended.err


def test_run__scores_know_a_look_by_the_scores(tmp_path):
    for path in LOGS.glob("*.eval"):
        shutil.copy(path, tmp_path)
    text = "model: support\ntask: scores\npredict: {log: candidate.eval}\nbaseline: {log: baseline.eval}\n"
    text += "gates:\n  - {metric: includes, max_drop: 0.9}\n" + REUSE
    (tmp_path / "mlci.yml").write_text(text, "utf-8")
    assert [look(run(tmp_path, "--record"))["looks"] for _ in range(2)] == [1, 1]
    assert "look 1 of 2, the same predictions as before" in (tmp_path / ".mlci/out/comment.md").read_text()
    shutil.copy(tmp_path / "baseline.eval", tmp_path / "candidate.eval")
    assert look(run(tmp_path, "--record"))["looks"] == 2


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("reuse: {budget: 32, adaptivity: full}\n", "write `budget: 9` or less, or `adaptivity: first_change`"),
        ("reuse: {budget: 0, adaptivity: none}\n", "reuse.budget"),
        ("reuse: {budget: 3}\n", "adaptivity"),
    ],
)
def test_check_reuse__refused(tmp_path, more, found):
    ended = mlci("run", cwd=project(tmp_path, more))
    assert ended.code == 2
    assert found in ended.err


def test_check_reuse__metrics_file_has_no_evaluation_set(tmp_path):
    text = "model: m\ntask: binary\npredict: {metrics: m.json}\nbaseline: none\ngates:\n  - {metric: auc, min: 0.5}\n"
    (tmp_path / "mlci.yml").write_text(text + REUSE, "utf-8")
    ended = mlci("run", cwd=tmp_path)
    assert ended.code == 2
    assert "`predict.metrics` has none" in ended.err


def test_promote__records_the_look_and_ends_first_change(tmp_path):
    more = "reuse: {budget: 5, adaptivity: first_change}\n"
    folder = write(tmp_path, files(3, baseline="production", more=more))
    looks = []
    for k in (3, 2, 1):
        (folder / "k.txt").write_text(str(k))
        ended = run(folder)
        looks.append((look(ended)["looks"], look(ended)["worn_out"] is None))
        promoted = mlci("promote", "--json", cwd=folder)
    assert looks == [(1, True), (2, True), (3, False)]
    assert promoted.code == 1
    assert json.loads(promoted.out)["refused"] == "a gate blocks"
    log = mlci("ledger", "log", cwd=folder).out
    assert log.count("counted a look") == 3
    assert log.count("promoted version") == 2
    assert mlci("ledger", "verify", cwd=folder).code == 0


def test_promote__set_that_wore_out_after_the_run(tmp_path):
    more = "reuse: {budget: 1, adaptivity: none}\n"
    folder = write(tmp_path, files(3, baseline="production", more=more))
    assert run(folder).code == 0
    (tmp_path / "other").mkdir()
    other = write(tmp_path / "other", files(2, baseline="production", more=more))
    run(other, "--record")
    shutil.copytree(other / ".mlci/registry", folder / ".mlci/registry")
    promoted = mlci("promote", "--json", cwd=folder)
    assert promoted.code == 1
    assert "its 1 looks are used" in json.loads(promoted.out)["refused"]
