"""False blocks of gates on evaluation logs, by simulated runs of equal quality."""

import json

import numpy as np
import pytest

from mlci.cli.wiring import load_configuration
from mlci.errors import InputError
from mlci.operations.doctor.doctor import false_blocks_text
from mlci.operations.doctor.equal_runs import measure_blocks_of_log, simulate_runs
from mlci.scores.pairing import Acceptance, pair_items
from mlci.scores.score_log import ScoredItem, ScoreLog, Scorer, State
from tests.support.project import mlci

CONFIG = """\
model: support
task: scores
predict: {log: scores.csv}
baseline: {log: main.csv}
evaluation: {key: question, repeat: run, slices: [language], min_group_size: 5}
gates:
"""
ESTIMATE = "  - {metric: correct, max_drop: 0.02, judge: estimate}\n"
INTERVAL = "  - {metric: correct, max_drop: 0.02}\n"


def a_log(items, repeats, *, seed=4):
    random = np.random.default_rng(seed)
    chances = random.beta(1.4, 0.6, items)
    return ScoreLog(
        tool="test",
        task=None,
        items=tuple(
            ScoredItem(
                key=f"q{i}",
                repeat=str(k),
                scores={"correct": float(random.random() < chances[i])},
                metadata={"language": ("de", "en")[i % 2]},
            )
            for i in range(items)
            for k in range(repeats)
        ),
        scorers={"correct": Scorer(low=0, high=1)},
    )


def configured(folder, gates):
    (folder / "mlci.yml").write_text(CONFIG + gates, "utf-8")
    return load_configuration(folder / "mlci.yml").config


def changes(config, log, pairs, disagreement=0.05):
    items = pair_items(log, None, Acceptance())
    for paired in simulate_runs(config, items, pairs=pairs, disagreement=disagreement):
        sides = [
            np.array([np.mean([one.scores["correct"] for one in answers]) for answers in side])
            for side in (paired.candidate, paired.baseline)
        ]
        yield sides[0] - sides[1]


@pytest.mark.parametrize("repeats", [2, 4])
def test_simulate_runs__variance_of_the_repeats(tmp_path, repeats):
    """Equal in the mean, with the variance of two new runs: 2 within / repeats."""
    log, config = a_log(400, repeats), configured(tmp_path, INTERVAL)
    drawn = np.array(list(changes(config, log, 30)))
    answers = np.array([one.scores["correct"] for one in log.items]).reshape(400, repeats)
    within = answers.var(axis=1, ddof=1).mean()
    assert drawn.var() == pytest.approx(2 * within / repeats, rel=0.08)
    assert abs(drawn.mean()) < 4 * drawn.mean(axis=1).std() / np.sqrt(30)


def test_simulate_runs__one_answer_each(tmp_path):
    log, config = a_log(800, 1), configured(tmp_path, INTERVAL)
    drawn = np.array(list(changes(config, log, 30, disagreement=0.1)))
    assert (drawn != 0).mean() == pytest.approx(0.1, abs=0.01)
    assert abs(drawn.mean()) < 0.01


def test_simulate_runs__outages_stay(tmp_path):
    log, config = a_log(10, 2), configured(tmp_path, INTERVAL)
    lost = tuple(ScoredItem(key="q1", repeat=str(k), state=State.ERRORED, reason="429") for k in range(2))
    log = ScoreLog(tool="t", task=None, items=(*log.items[:2], *lost, *log.items[4:]), scorers=log.scorers)
    paired = next(simulate_runs(config, pair_items(log, None, Acceptance()), pairs=1, disagreement=0.05))
    assert [one.state for one in paired.candidate[1]] == [State.ERRORED] * 2


def test_measure_blocks_of_log__estimates_block_and_intervals_do_not(tmp_path):
    log = a_log(150, 3)
    tight = measure_blocks_of_log(configured(tmp_path, ESTIMATE), log, disagreement=None, pairs=40)
    (limit,) = tight.limits
    assert tight.in_hundred > 10
    assert limit.limit.startswith("max_drop: 0.0")
    assert limit.rows > 150
    wide = configured(tmp_path, ESTIMATE.replace("max_drop: 0.02", limit.limit))
    assert measure_blocks_of_log(wide, log, disagreement=None, pairs=40).in_hundred < 3
    proven = measure_blocks_of_log(configured(tmp_path, INTERVAL), log, disagreement=None, pairs=40)
    assert proven.in_hundred < 2
    assert proven.inconclusive > 20
    text = false_blocks_text(tight)
    assert "of 150 items differently" in text
    assert f"about {limit.rows:,} items" in text


def test_measure_blocks_of_log__gates_that_depend_on_repeats(tmp_path):
    both = INTERVAL + "  - {metric: pass_all(correct), max_drop: 0.05}\n"
    assert measure_blocks_of_log(configured(tmp_path, both), a_log(40, 2), disagreement=None, pairs=5).left_out == (
        "pass_all(correct)",
    )
    alone = configured(tmp_path, "  - {metric: pass_all(correct), max_drop: 0.05}\n")
    with pytest.raises(InputError, match="can simulate none of these gates"):
        measure_blocks_of_log(alone, a_log(40, 2), disagreement=None, pairs=5)
    with pytest.raises(InputError, match="leave `--disagreement` out"):
        measure_blocks_of_log(configured(tmp_path, INTERVAL), a_log(40, 2), disagreement=0.1, pairs=5)


def test_doctor__aa_on_a_table_of_scores(tmp_path):
    (tmp_path / "mlci.yml").write_text(CONFIG + ESTIMATE, "utf-8")
    rows = [(one.key, one.repeat, one.scores["correct"], one.metadata["language"]) for one in a_log(60, 2).items]
    text = "question,run,correct,language\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    for name in ("scores.csv", "main.csv"):
        (tmp_path / name).write_text(text, "utf-8")
    ended = mlci("doctor", "--aa", "--pairs", "20", "--json", cwd=tmp_path)
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)["false_blocks"]
    assert (found["unit"], found["rows"], found["pairs"]) == ("items", 60, 20)
