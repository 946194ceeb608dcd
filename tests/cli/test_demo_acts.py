"""Acts of the demo after a promotion: the log of the canary, exit codes, and a workflow around the demo."""

import csv
import json

import pytest

from mlci.cli.demo.acts import Act, ActStep, act_text, play_act
from mlci.demo.production import VISITS, Weights, write_canary, write_visits
from tests.support.project import small_files, write

GOOD, BAD = (Weights.read(json.dumps({"weights": {"bmi": sign}, "bias": 0.0})) for sign in (1.0, -1.0))


@pytest.fixture
def folder(tmp_path):
    rows = [f"{number},{'fm'[number % 2]},{number % 7 - 3 or 0.5},{int(number % 7 >= 3)}" for number in range(70)]
    return write(tmp_path, {**small_files(), "holdout.csv": "\n".join(["patient,sex,bmi,progressed", *rows])})


def test_write_canary__decisions_of_both_models(folder):
    write_canary(folder, week=1, weeks=2, champion=GOOD, candidate=BAD)
    with (folder / "canary/week1.csv").open() as stream:
        visits = list(csv.DictReader(stream))
    assert len({visit["visit"] for visit in visits}) == len(visits) == 14 * VISITS
    assert {visit["right"] for visit in visits if visit["model"] == "champion"} == {"1"}
    assert {visit["right"] for visit in visits if visit["model"] == "candidate"} == {"0"}
    assert all(visit["missed"] <= "1" and (visit["right"], visit["missed"]) != ("1", "1") for visit in visits)


def test_write_visits__slip_of_one_feature(folder):
    logs = []
    for slip in (False, True):
        write_visits(folder, week=3, model=GOOD, slip=slip)
        with (folder / "visits/week3.csv").open() as stream:
            logs.append(list(csv.DictReader(stream)))
    well, slipped = logs
    assert [row["progressed"] for row in well] == [row["progressed"] for row in slipped]
    assert {row["at"][:10] for row in well} == {f"2026-11-{day}" for day in range(16, 23)}
    assert all((float(row["score"]) > 0.5) == (float(row["bmi"]) > 0) for row in well)
    assert all(float(row["bmi"]) > 10 and float(row["score"]) > 0.99 for row in slipped)


def test_play_act__outside_of_the_workflow_around_it(folder, monkeypatch):
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(folder / name))
    act = Act("look", "Look.", (ActStep(("metrics", "recall"), note="A note."),))
    (played,) = play_act(act, folder)
    text = act_text(6, act, (played,))
    assert text.startswith("6. Look.\n\n   A note.\n   $ mlci metrics recall\n\n   ")
    assert not (folder / "GITHUB_STEP_SUMMARY").exists()


def test_play_act__unexpected_exit_code(folder):
    with pytest.raises(ValueError, match="mlci metrics recall ended with 0, not 1"):
        play_act(Act("look", "Look.", (ActStep(("metrics", "recall"), 1),)), folder)
