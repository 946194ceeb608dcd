"""Behavioural tests from run to promotion: a promotion takes their recorded outcomes, and runs nothing again."""

import json

import pytest

from tests.support.project import BY_TRAINING, config, files, mlci, repository, small_files, write

TESTS = """\
tests:
  run: |
    echo once >> ran.log
    printf '%s' '{results}' > "$(dirname "$MLCI_TESTS")/results-1.json"
  required: {required}
"""
RESULTS = {"status": 0, "tests": [{"name": "t.py::test_a", "outcome": "passed"}]}


def configure(folder, *, required, limit=0.5):
    more = TESTS.format(results=json.dumps(RESULTS), required=required)
    text = small_files(more=more, baseline="production")["mlci.yml"]
    (folder / "mlci.yml").write_text(text.replace("max_drop: 0.05", f"max_drop: {limit}"))


@pytest.fixture
def promoted(tmp_path):
    """A project whose first version is in production, and another candidate that was judged."""
    folder = write(tmp_path, small_files())
    configure(folder, required="[test_a]")
    for table in ("old.csv", "new.csv"):
        (folder / "new.csv").write_text(small_files()[table])
        assert mlci("run", cwd=folder).code == 0
        if table == "old.csv":
            assert mlci("promote", cwd=folder).code == 0
    return folder


@pytest.mark.parametrize(("required", "limit", "code"), [("[test_a]", 0.4, 0), ("[test_a, test_b]", 0.5, 1)])
def test_promote__takes_recorded_tests(promoted, required, limit, code):
    configure(promoted, required=required, limit=limit)
    ended = mlci("promote", cwd=promoted)
    assert ended.code == code, ended.err
    assert "re-evaluated because" in ended.out + ended.err
    report = json.loads((promoted / ".mlci/out/report.json").read_text())
    assert [row["outcome"] for row in report["tests"]] == ["passed"]
    outcomes = {gate["metric"]: gate["outcome"] for gate in report["gates"] if gate["test"]}
    assert outcomes == {"t.py::test_a": "passed", **({"test_b": "error"} if code else {})}
    assert (promoted / "ran.log").read_text() == "once\nonce\n"


SEEN = """\
tests:
  run: |
    cp "$MLCI_TESTS" seen.json
    cp "$(sed 's/.*"baseline_model":"\\([^"]*\\)".*/\\1/' "$MLCI_TESTS")" seen-model.txt
    echo '{"status": 0, "tests": []}' > "$(dirname "$MLCI_TESTS")/results-1.json"
  required: []
"""


def seen(folder):
    session = json.loads((folder / "seen.json").read_text())
    return (folder / "seen-model.txt").read_text(), session["baseline_model"] != session["model"]


def test_run__model_of_a_version_for_tests(tmp_path):
    """The champion's model, out of the registry, although training replaced its file."""
    folder = write(tmp_path, {**files(1), "mlci.yml": config(baseline="production", train=BY_TRAINING)})
    assert mlci("run", cwd=folder).code == 0
    assert mlci("promote", cwd=folder).code == 0
    write(folder, {"k.txt": "2", "mlci.yml": config(baseline="production", more=SEEN)})
    assert mlci("run", cwd=folder).code in {0, 1}
    assert ((folder / "model.txt").read_text(), seen(folder)) == ("2", ("1", True))


def test_run__model_of_another_commit_for_tests(tmp_path):
    """It is kept when the baseline is made, and comes out of the cache afterwards."""
    folder = repository(tmp_path, files(1), files(2, more=SEEN))
    for _ in range(2):
        assert mlci("run", cwd=folder).code in {0, 1}
        assert seen(folder) == ("1", True)
        (folder / "seen.json").unlink()
    assert (folder / "trained.log").read_text() == "2\n2\n"
