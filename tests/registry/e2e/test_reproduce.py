"""`mlci reproduce`: a version trained again is identical, within the training noise, or different."""

from statistics import stdev

import pytest

from mlci.operations.registry.reproduce import MOST_BYTES
from mlci.registry.entries import MetricSpread
from tests.registry.e2e.retraining import accuracy_of_seed, counter, promote_noisy, reproduce
from tests.support.project import BY_FILE, holdout, mlci, predictions, write
from tests.support.registry.lifecycle import bodies, champion, file_of, manifest, promote_run, repository, state
from tests.support.repository import commit, git


def spread(folder, body):
    return MetricSpread.model_validate_json(file_of(folder, body.spread).read_bytes())


def test_reproduce__same_bytes(tmp_path):
    champion(tmp_path, 2)
    commit(tmp_path, {"k.txt": "5"})  # the version's own commit counts, not what is checked out
    code, found = reproduce(tmp_path)
    assert (code, found["outcome"], found["identical"], found["runs"]) == (0, "identical", "bytes", 1)
    assert found["otherwise"] == {"rows": 0, "keys": []}
    (body,) = bodies(tmp_path)[1:]
    assert (body.kind, body.outcome, body.runs, state(tmp_path).reproduced) == ("reproduced", "identical", 1, {})
    assert git(tmp_path, "worktree", "list").count("\n") == 0
    assert mlci("ledger", "verify", "--files", cwd=tmp_path).code == 0


def test_reproduce__stored_seed_and_the_following_ones(tmp_path):
    code, found = reproduce(promote_noisy(tmp_path), "-k", 4)
    assert (code, found["outcome"], found["identical"]) == (0, "identical", "bytes")
    assert [rerun["seed"] for rerun in found["reruns"]] == [7, 8, 9, 10]
    values = [rerun["metrics"]["accuracy"] for rerun in found["reruns"]]
    assert values == pytest.approx([accuracy_of_seed(seed) for seed in (7, 8, 9, 10)])
    accuracy = next(row for row in found["metrics"] if row["metric"] == "accuracy")
    assert accuracy["sd"] == pytest.approx(stdev(values))
    assert accuracy["sd"] > 0
    kept_spread = spread(tmp_path, bodies(tmp_path)[1])
    assert [rerun.metrics["accuracy"] for rerun in kept_spread.reruns] == values
    assert kept_spread.original["accuracy"] == manifest(tmp_path)["metrics"]["accuracy"]
    assert state(tmp_path).reproduced == {"1": 2}


def test_reproduce__within_the_spread(tmp_path):
    chance = counter(tmp_path)
    code, found = reproduce(promote_noisy(tmp_path, **chance), "-k", 5, **chance)
    assert (code, found["outcome"], found["identical"]) == (0, "within", None)
    assert found["otherwise"]["rows"] > 0
    shown = mlci("reproduce", "-k", 2, cwd=tmp_path, **chance).out
    assert "The first rerun decides" in shown


def test_reproduce__one_rerun_has_no_spread(tmp_path):
    chance = counter(tmp_path)
    ended = mlci("reproduce", cwd=promote_noisy(tmp_path, **chance), **chance)
    assert ended.code == 1
    assert "one rerun has no spread to be within: `mlci reproduce 1 -k 5`" in " ".join(ended.out.split())


def test_reproduce__different(tmp_path):
    """Training depends on a file outside of git, which has changed since."""
    repository(tmp_path, 1)
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.write_text("1")
    commit(tmp_path, {"train.py": f'open("model.txt", "w").write(open({str(outside)!r}).read())\n'})
    assert promote_run(tmp_path) == 1
    outside.write_text("3")
    code, found = reproduce(tmp_path, "-k", 3)
    assert (code, found["outcome"]) == (1, "different")
    accuracy = next(row for row in found["metrics"] if row["metric"] == "accuracy")
    assert (accuracy["version"], accuracy["mean"], accuracy["inside"]) == (0.9, pytest.approx(0.7), False)
    assert (found["otherwise"]["rows"], found["otherwise"]["keys"][:3]) == (20, ["1", "11", "12"])
    shown = mlci("reproduce", 1, "--no-record", cwd=tmp_path).out
    assert any(line.split()[:1] + line.split()[-1:] == ["Accuracy", "different"] for line in shown.splitlines())
    assert len(bodies(tmp_path)) == 2  # --no-record


def test_reproduce__rows_moved(tmp_path):
    champion(tmp_path, 2)
    commit(tmp_path, {"holdout.csv": holdout(60, first=500)})
    code, found = reproduce(tmp_path, "-k", 2)
    assert (code, found["outcome"], found["identical"]) == (0, "identical", "bytes")
    assert spread(tmp_path, bodies(tmp_path)[1]).reruns[0].metrics["accuracy"] == 0.8


def test_reproduce__version_not_reproducible(tmp_path):
    (tmp_path / "dirty").mkdir()
    repository(tmp_path / "dirty", 1)
    (tmp_path / "dirty/k.txt").write_text("2")
    assert promote_run(tmp_path / "dirty") == 1
    ended = mlci("reproduce", cwd=tmp_path / "dirty")
    assert (ended.code, "with uncommitted changes, which were not kept" in ended.err) == (2, True)
    repository(tmp_path / "file", 0, **BY_FILE)
    commit(tmp_path / "file", {"preds.csv": predictions(1)})
    assert promote_run(tmp_path / "file") == 1
    ended = mlci("reproduce", cwd=tmp_path / "file")
    assert (ended.code, "it was not made by a `train.run`" in ended.err) == (2, True)
    assert mlci("reproduce", "3", cwd=tmp_path / "file").code == 2


def test_reproduce__training_fails(tmp_path):
    repository(tmp_path, 1)
    outside = write(tmp_path.parent, {f"{tmp_path.name}-there": ""}) / f"{tmp_path.name}-there"
    commit(tmp_path, {"train.py": f'open({str(outside)!r})\nopen("model.txt", "w").write("1")\n'})
    assert promote_run(tmp_path) == 1
    outside.unlink()
    ended = mlci("reproduce", cwd=tmp_path)
    assert (ended.code, ended.out) == (3, "")
    assert len(bodies(tmp_path)) == 1


def test_verify_ledger__recorded_spread_damaged(tmp_path):
    champion(tmp_path, 2)
    assert mlci("reproduce", cwd=tmp_path).code == 0
    file_of(tmp_path, bodies(tmp_path)[1].spread).write_text("x")
    ended = mlci("ledger", "verify", cwd=tmp_path)
    assert (ended.code, "the spread that entry 2 names" in ended.err) == (4, True)


class TestTwoJobs:
    """One that trains and may only read, and one that records and runs nothing of the user's."""

    def left(self, folder, k=3):
        ended = mlci(
            "reproduce", "-k", k, "--no-record", "--save", folder / "out/found.json", cwd=promote_noisy(folder)
        )
        assert ended.code == 0, ended.err
        assert len(bodies(folder)) == 1
        return folder / "out/found.json"

    def test_reproduce_record__saved_file(self, tmp_path):
        path = self.left(tmp_path)
        (tmp_path / "train.py").write_text("raise SystemExit(1)")
        for _ in range(2):  # the job may be run again
            done = mlci("reproduce", "--record", path, cwd=tmp_path)
            assert (done.code, done.out) == (0, "version 1, trained again: identical (3 trainings; entry 2)\n")
        assert len(bodies(tmp_path)) == 2
        assert state(tmp_path).reproduced == {"1": 2}
        reproduce(tmp_path, 1, "-k", 3)
        apart, at_once = bodies(tmp_path)[1:]
        assert apart == at_once
        assert mlci("ledger", "verify", "--files", cwd=tmp_path).code == 0

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda text: text.replace('"version": 1', '"version": 2'), "has no version 2"),
            (lambda text: text.replace('"seed": 8', '"seed": 9'), "its reruns begin with the seed 7"),
            (lambda text: text.replace('"outcome": "identical"', '"outcome": "fine"'), "can't be read"),
            (lambda text: text.replace("mlci/reproduction/1", "mlci/reproduction/2"), "can't be read"),
            (lambda text: text.replace('"accuracy": 0', '"accuracy": NaN, "x": 0', 1), "can't be read"),
            (lambda text: text + " " * MOST_BYTES, "has more than"),
            (lambda _: "[" * 100_000, "can't be read"),
            (lambda _: "", "can't be read"),
        ],
    )
    def test_reproduce_record__invalid_file(self, tmp_path, change, says):
        path = self.left(tmp_path)
        path.write_text(change(path.read_text()))
        ended = mlci("reproduce", "--record", path, cwd=tmp_path)
        assert (ended.code, ended.out) == (2, "")
        assert says in ended.err
        assert len(bodies(tmp_path)) == 1

    def test_reproduce_record__file_not_found(self, tmp_path):
        ended = mlci("reproduce", "--record", "none.json", cwd=champion(tmp_path, 2))
        assert (ended.code, "`mlci reproduce --save` writes it" in ended.err) == (2, True)

    @pytest.mark.parametrize("more", [["1"], ["--no-record"], ["--save", "x.json"]])
    def test_reproduce_record__other_arguments(self, tmp_path, more):
        ended = mlci("reproduce", "--record", "found.json", *more, cwd=champion(tmp_path, 2))
        assert (ended.code, "--record takes the version from its file" in ended.err) == (2, True)
