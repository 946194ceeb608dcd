"""Changes that do not affect the model, without an evaluation set in the checkout or with a metrics file."""

import json

import pytest

from mlci.cli.wiring import load_configuration, run_context
from mlci.config.loader import load_unchecked
from mlci.operations.models.relevant_changes import reason_to_train
from mlci.operations.registry.fetch import fetch_for_run
from mlci.registry.registry import Registry
from mlci.registry.stores.snapshot import SnapshotWriter
from tests.support.project import PYTHON, config, mlci, run
from tests.support.registry.lifecycle import promote_run, store
from tests.support.repository import commit, git, init, open_git, start_branch
from tests.support.training import LEFT, SCRIPT, fresh

README = {"README.md": "# Better words\n"}
LISTED = "paths: [script.py, '*.txt']\n"
SLICED = "  slices: [x]\n"
GATES = "  - {metric: accuracy, min: 0.7}\n  - {metric: accuracy, each: x, min: 0.6, max_drop: 0.1}\n"
LOG = 'open("trained.log", "a").write("x")\n'
IGNORED = ".mlci/\nholdout.csv\npredictions.csv\nmodel.txt\nmetrics.json\ntrained.log\n"
TRAIN = f"train: {{run: {PYTHON} script.py}}\n"
WRITES_METRICS = 'import json\njson.dump({"auc": float(open("k.txt").read())}, open("metrics.json", "w"))\n' + LOG
METRICS = "model: m\ntask: binary\n{train}predict: {{metrics: metrics.json}}\nbaseline: {baseline}\n{paths}gates:\n"
METRICS += "  - {{metric: auc, min: 0.7, max_drop: 0.05}}\n"


def splits_inside(folder, *, baseline, train=TRAIN, paths=LISTED, k=1):
    text = config(baseline=baseline, train=train, predict=LEFT, more=GATES) + paths
    text = text.replace("  positive: 1\n", f"  positive: 1\n{SLICED}")
    files = {"script.py": LOG + SCRIPT, "start.txt": "0", "k.txt": str(k), "turned.txt": "", "mlci.yml": text}
    init(folder)
    commit(folder, {".gitignore": IGNORED, **files})
    return folder


def leaves_metrics(folder, *, baseline, paths=LISTED, train=TRAIN, **more):
    init(folder)
    text = METRICS.format(baseline=baseline, paths=paths, train=train)
    commit(folder, {".gitignore": IGNORED, "mlci.yml": text, "script.py": WRITES_METRICS, "k.txt": "0.8", **more})
    return folder


def branch(folder, files=README):
    """Commit a change on a branch in what is like a fresh checkout; return how many trainings there were."""
    start_branch(folder, "change")
    commit(fresh(folder), files)
    (folder / "metrics.json").unlink(missing_ok=True) if not git(folder, "ls-files", "metrics.json") else None
    return trainings(folder)


def trainings(folder):
    path = folder / "trained.log"
    return len(path.read_text()) if path.exists() else 0


def assert_skipped(folder, before, *words):
    ended = run(folder, "--changed-since", "main", *words)
    assert trainings(folder) == before, ended.err
    assert ended.report["unchanged_since"] == git(folder, "rev-parse", "main"), ended.err
    return ended


def assert_trained(folder, before):
    ended = run(folder, "--changed-since", "main")
    assert trainings(folder) > before
    assert ended.report["unchanged_since"] is None
    return ended


def copy_registry(folder):
    """Copy what `mlci fetch` copies; return the copy's digest."""
    copying = SnapshotWriter(store(folder), folder / ".mlci/fetched")
    with run_context(load_configuration(folder / "mlci.yml"), registry=Registry(copying)) as context:
        assert fetch_for_run(context) == 1
    return copying.seal()


def test_run__training_makes_the_rows_against_production(tmp_path):
    folder = splits_inside(tmp_path, baseline="production")
    assert promote_run(folder) == 1
    recorded = json.loads((folder / ".mlci/out/report.json").read_text())
    ended = assert_skipped(folder, branch(folder))
    report = ended.report
    assert (ended.code, report["verdict"], report["baseline"]["version"]) == (0, "pass", "1")
    assert {gate["outcome"] for gate in report["gates"]} == {"passed"}
    for name in ("rows", "fingerprint"):
        assert report["evaluation"][name] == recorded["evaluation"][name]
    for now, then in zip(report["metrics"], recorded["metrics"], strict=True):
        for name in ("metric", "slice", "group", "rows", "support", "candidate", "candidate_interval"):
            assert now[name] == then[name], name
        assert now["baseline"] == now["candidate"]
        assert now["change"] in {0.0, None}
    assert "the numbers are those of version 1, as recorded when it was judged" in report["notes"]
    assert "nothing relevant changed" in (folder / ".mlci/out/comment.md").read_text()
    assert not (folder / ".mlci/out/bundle").exists()
    # two jobs come to the same from a copy of the registry, and so does training again
    digest = copy_registry(fresh(folder))
    assert mlci("evaluate", "--changed-since", "main", "--fetched", digest, cwd=folder).code == 0
    judged = mlci("gate", "--json", cwd=folder).report
    assert trainings(folder) == 1
    for name in ("verdict", "gates", "metrics", "unchanged_since", "baseline", "evaluation"):
        assert judged[name] == report[name], name
    full = run(fresh(folder)).report
    for now, then in zip(report["gates"], full["gates"], strict=True):
        assert {**now, "p": None} == {**then, "p": None}
    assert [row["change_interval"] for row in report["disparities"]] == [
        row["change_interval"] for row in full["disparities"]
    ]


def test_run__training_makes_the_rows_against_a_reference(tmp_path):
    folder = splits_inside(tmp_path, baseline="{ref: main}")
    ended = assert_skipped(folder, branch(folder))
    assert (ended.code, ended.report["verdict"], ended.report["metrics"]) == (0, "pass", [])


def test_run__training_makes_the_rows_and_paths_are_not_listed(tmp_path):
    folder = splits_inside(tmp_path, baseline="{ref: main}", paths="")
    ended = assert_trained(folder, branch(folder))
    assert "list all of them to skip it for such changes:\n    paths: [" in ended.err


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("python script.py --data s3://bucket/rows", "an address (s3://…)"),
        ("python script.py --data=/srv/rows.csv", "names /srv/rows.csv, which is outside"),
        ("python script.py ../rows.csv", "rows.csv, which is outside"),
        ("python script.py /dev/shm/rows.csv", "names /dev/shm/rows.csv, which is outside"),
        ("python script.py ${ROWS}", "reads $ROWS"),
        ("python script.py ~daemon/rows.csv", "names ~daemon/rows.csv"),
        ("OUT=a python script.py $OUT $PWD/rows.csv", None),
        (f'{PYTHON} script.py --model "$MLCI_MODEL" a/../rows.csv > /dev/null', None),
    ],
)
def test_reason_to_train__command(tmp_path, command, reason):
    train = f"train:\n  run: |\n    {command}\n"
    (init(tmp_path) / "mlci.yml").write_text(config(baseline="none", train=train) + LISTED)
    found = reason_to_train(load_unchecked(tmp_path / "mlci.yml").config, open_git(tmp_path), shown=False)
    assert (reason in found) if reason else found is None


def test_run__champion_of_uncommitted_changes(tmp_path):
    """No commit contains its code."""
    folder = leaves_metrics(tmp_path, baseline="production")
    (folder / "k.txt").write_text("0.9")
    assert promote_run(folder) == 1
    git(folder, "checkout", "--quiet", "k.txt")
    ended = assert_trained(folder, branch(folder))
    assert "no commit holds what version 1 was made from" in ended.err


@pytest.mark.parametrize("baseline", ["production", "{ref: main}", "{file: old.json}"])
def test_run__metrics_file(tmp_path, baseline):
    more = {"old.json": '{"auc": 0.75}'} if "file" in baseline else {}
    folder = leaves_metrics(tmp_path, baseline=baseline, **more)
    if baseline == "production":
        assert promote_run(folder) == 1
    ended = assert_skipped(folder, branch(folder))
    assert (ended.code, ended.report["verdict"]) == (0, "pass")
    value = {"production": 0.8, "{file: old.json}": 0.75}.get(baseline)
    found = [(row["baseline"], row["candidate"], row["change"]) for row in ended.report["metrics"]]
    assert found == ([] if value is None else [(value, value, 0.0)])


def test_run__metrics_file_that_git_tracks(tmp_path):
    folder = leaves_metrics(tmp_path, baseline="{ref: main}", train="", paths="", **{"metrics.json": '{"auc": 0.6}'})
    ended = assert_skipped(folder, branch(folder))
    assert (ended.code, ended.report["verdict"]) == (1, "block")  # the reference is below the floor, too
    assert "nothing relevant changed; blocked, 1 of 2 gates failed" in (folder / ".mlci/out/comment.md").read_text()


def test_run__metrics_file_of_an_earlier_step(tmp_path):
    """mlci's training does not make it and git does not track it, so it may differ each time."""
    folder = leaves_metrics(tmp_path, baseline="{file: old.json}", train="", paths="", **{"old.json": '{"auc": 0.8}'})
    branch(folder)
    (folder / "metrics.json").write_text('{"auc": 0.5}')
    ended = run(folder, "--changed-since", "main")
    assert (ended.code, ended.report["unchanged_since"]) == (1, None)
    assert "git does not track metrics.json" in ended.err
