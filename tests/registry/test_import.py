"""`mlci promote --import`: an existing model becomes version 1."""

import pytest

from tests.support.project import mlci, run
from tests.support.registry.lifecycle import bodies, champion, manifest, promote, repository, state

NEEDS = ("mlflow", "sqlalchemy", "alembic")


def import_model(folder, source, *more, **environment):
    return mlci("promote", "--json", "--import", source, *more, cwd=folder, **environment)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_import__a_model_from_before_mlci(tmp_path, kind):
    folder = repository(tmp_path / "project", 1)
    old = tmp_path / "old" / "model.txt"
    old.parent.mkdir()
    old.write_text("2")
    ended = import_model(folder, old if kind == "file" else old.parent)
    assert (ended.code, ended.report["version"], ended.report["replaced"]) == (0, 1, None), ended.err
    kept = manifest(folder)
    assert kept["metrics"]["accuracy"] == pytest.approx(0.8)
    assert kept["recipe"]["train"] is None
    assert kept["more"]["imported"]["source"] == str(old if kind == "file" else old.parent)
    assert mlci("ledger", "verify", "--files", cwd=folder).code == 0
    assert [body.kind for body in bodies(folder)] == ["promotion"]
    report = run(folder).report  # with the bundle that is promoted below
    assert report["baseline"]["version"] == "1"
    row = next(one for one in report["metrics"] if one["metric"] == "accuracy")
    assert (row["baseline"], row["candidate"]) == pytest.approx((0.8, 0.9))
    assert promote(folder).report["version"] == 2
    again = mlci("reproduce", 1, cwd=folder)
    assert (again.code, "can't be made again" in again.err) == (2, True)


def test_import__predictions_that_can_not_be_made(tmp_path):
    folder = repository(tmp_path / "project", 1)
    (tmp_path / "model.txt").write_text("not a number")
    ended = import_model(folder, tmp_path / "model.txt")
    assert (ended.code, ended.report["version"]) == (0, 1), ended.err
    assert "its predictions are missing" in ended.report["notes"][-1]
    assert manifest(folder)["more"]["predictions"].startswith("missing: ")
    assert run(folder).code in {2, 3}


def test_import__refused(tmp_path):
    folder = champion(tmp_path / "project", 3)
    for source, says in (
        (folder / "k.txt", "has 1 versions already; `--import` makes version 1 only"),
        ("nowhere", "the file or folder does not exist"),
        ("models:/churn", "write models:/NAME@ALIAS"),
        ("models:/churn@champion", "name MLflow's server by MLFLOW_TRACKING_URI"),
    ):
        ended = import_model(folder, source, MLFLOW_TRACKING_URI="")
        assert (ended.code, says in ended.err) == (2, True), ended.err
    assert state(folder).versions == 1


@pytest.mark.parametrize("option", [("--again",), ("--despite", "a reason")])
def test_import__options_of_a_promotion_are_refused(tmp_path, option):
    ended = import_model(repository(tmp_path, 1), "model.txt", *option)
    assert (ended.code, "leave --again and --despite out" in ended.err) == (2, True), ended.err
