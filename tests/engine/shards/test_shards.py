"""Shards of one evaluation add up to the same result, whatever their number; what does not belong together is named."""

from dataclasses import replace

import numpy as np
import pytest

from mlci.engine import sql
from mlci.engine.blocks.finish import finish
from mlci.engine.blocks.score_range import ScoreSurvey
from mlci.engine.blocks.sums import PartialSums
from mlci.engine.encode.binder import bind_job
from mlci.engine.shards.rounds import ShardFacts, ShardReading, merge_shards, sum_shard, survey_shard
from mlci.engine.shards.shard_file import parse_shard_file
from mlci.engine.shards.split import Shard, parse_shard
from mlci.errors import InputError
from mlci.metrics.row_metrics import RowMetric
from mlci.metrics.worst_slices import SliceSearch
from tests.engine.tables import job, observe, people, slices, write

FACTS = ShardFacts(version="1", configuration="c", commit="a" * 40)


def asked(folder, *, rows=900, form="parquet", **more):
    """Write an evaluation set and two tables of predictions in another order, and return their job."""
    frame = people(rows, seed=3)
    own = write(frame[["id", "region", "sex", "age", "label"]], folder, "rows", form)
    shuffled = frame.sample(frac=1, random_state=1)
    now = write(shuffled[["id", "score"]], folder, "now", "csv")
    before = write(frame[["id", "old"]].iloc[::-1], folder, "before", form)
    wanted = job(
        own,
        key="id",
        scores=True,
        calibration=True,
        losses=("squared", "log"),
        slices=slices("region", ("sex", "region"), (["age", (30, 50)],)),
    )
    candidate = replace(wanted.candidate, path=now, score="score", decision=None)
    baseline = replace(wanted.baseline, path=before, score="old", decision=None)
    return replace(wanted, candidate=candidate, baseline=baseline, **more)


def survey(wanted, count, facts=FACTS, numbers=None):
    shards = [Shard(number, count) for number in numbers or range(1, count + 1)]
    return [parse_shard_file(survey_shard(wanted, one, facts), path=f"survey-{one.number}") for one in shards]


def add_up(wanted, surveys, count, facts=FACTS):
    shards = [Shard(number, count) for number in range(1, count + 1)]
    return [parse_shard_file(sum_shard(wanted, one, facts, surveys), path=f"sums-{one.number}") for one in shards]


def merged(wanted, count):
    surveys = survey(wanted, count)
    return merge_shards(wanted, FACTS, surveys[::-1], add_up(wanted, surveys, count))


def numbers(observed):
    """Return all numbers of all scopes in a form that compares."""
    return [
        (
            one.scope,
            one.rows,
            one.decisions.count.tolist(),
            one.scores.candidate.positives.tolist(),
            one.scores.joint.tolist(),
            {name: repr(each) for name, each in one.moments.items()},
            repr(one.calibration),
            one.differing,
        )
        for one in observed.statistics
    ]


def test_merge_shards__any_number_of_shards(tmp_path):
    """An evaluation set of several files, predictions in another order and another format."""
    wanted = asked(tmp_path, form="shards")
    one, many = merged(wanted, 1), merged(wanted, 5)
    assert numbers(many) == numbers(one)
    assert (many.rows, many.fingerprint, many.notes) == (one.rows, one.fingerprint, one.notes)
    _as_in_one_run(many, observe(wanted, exact_rows=10**6))


def test_shard_reading__fifty_shards(tmp_path):
    """Both rounds of fifty shards in one process, without their files."""
    wanted = replace(asked(tmp_path, rows=300), slices=slices("sex"))
    with sql.session() as (connection, scratch):
        bound = bind_job(connection, wanted, scratch)
        readings = [ShardReading(bound, Shard(number, 50), FACTS) for number in range(1, 51)]
        surveys = {model: ScoreSurvey() for model in (0, 1)}
        for model, survey_ in surveys.items():
            for reading in readings:
                survey_.add(reading.block.scores[model])
        plan = readings[0].plan(surveys)
        total = PartialSums(plan)
        for reading in readings:
            part = PartialSums(plan)
            part.add(reading.block)
            total.merge(part)
    one = merged(wanted, 1)
    found = [
        [(each.scope, repr(each.scores), repr(each.moments), repr(each.calibration)) for each in statistics]
        for statistics in (one.statistics, finish(plan, total))
    ]
    assert found[0] == found[1]


def _as_in_one_run(mine, whole):
    assert (mine.rows, mine.fingerprint, mine.undecided) == (whole.rows, whole.fingerprint, whole.undecided)
    assert [one.scope for one in mine.statistics] == [one.scope for one in whole.statistics]
    for one, other in zip(mine.statistics, whole.statistics, strict=True):
        assert (one.rows, one.differing) == (other.rows, other.differing)
        assert one.decisions.count.tolist() == other.decisions.count.tolist()
        assert one.moments["log"].sums == pytest.approx(other.moments["log"].sums, rel=1e-12)
        assert one.scores.candidate.positives.sum() == other.scores.candidate.positives.sum()


def test_parse_shard__not_a_part():
    assert parse_shard("2/5") == Shard(2, 5)
    for text in ("0/5", "6/5", "5", "1/0", "1/257", "a/b", "1/5/5", "-1/5", "1 / 5"):
        with pytest.raises(InputError, match="is not a part of at most 256"):
            parse_shard(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.iloc[[*range(9), 3]], "'k00003'"),
        (lambda frame: frame.iloc[1:], "'k00000'"),
    ],
)
def test_survey_shard__keys_that_do_not_match(tmp_path, change, message):
    """A key that occurs twice, or has no prediction, is in one shard, which names it."""
    wanted = asked(tmp_path, rows=40)
    write(change(people(40, seed=3)[["id", "score"]]), tmp_path, "now", "csv")
    with pytest.raises(InputError, match=message):
        survey(wanted, 3)


@pytest.mark.parametrize(
    ("numbers_", "message"),
    [
        ([1, 3], "shard 2/3 is missing from the round `survey`"),
        ([1, 2, 3, 2], "is shard 2, which survey-2 is, too"),
        ([], "files of the round `survey` are missing"),
    ],
)
def test_merge_shards__missing_or_twice(tmp_path, numbers_, message):
    wanted = asked(tmp_path, rows=60)
    with pytest.raises(InputError, match=message):
        sum_shard(wanted, Shard(1, 3), FACTS, survey(wanted, 3, numbers=numbers_) if numbers_ else [])


@pytest.mark.parametrize(
    ("facts", "more", "message"),
    [
        ({"commit": "b" * 40}, {}, "of another commit"),
        ({"configuration": "d"}, {}, "of another configuration"),
        ({"version": "2"}, {}, "of another version"),
        ({}, {"threshold": 0.4}, "of another configuration"),
    ],
)
def test_check_complete__shards_that_do_not_belong_together(tmp_path, facts, more, message):
    wanted = asked(tmp_path, rows=60)
    other = survey(replace(wanted, **more), 2, replace(FACTS, **facts), numbers=[2])
    mixed = [*survey(wanted, 2, numbers=[1]), *other]
    with pytest.raises(InputError, match=f"survey-2: is {message}"):
        sum_shard(wanted, Shard(1, 2), FACTS, mixed)
    alike = survey(replace(wanted, **more), 1, replace(FACTS, **facts))
    with pytest.raises(InputError, match=message):
        sum_shard(wanted, Shard(1, 1), FACTS, alike)


@pytest.mark.parametrize("table", ["rows", "now", "before"])
def test_sum_shard__data_that_changed_between_rounds(tmp_path, table):
    wanted = asked(tmp_path, rows=60)
    surveys = survey(wanted, 2)
    frame = people(60, seed=3)
    frame.loc[5, ["label", "score", "old"]] = [1 - frame.label[5], 0.123, 0.123]
    columns = {"rows": ["id", "region", "sex", "age", "label"], "now": ["id", "score"], "before": ["id", "old"]}
    write(frame[columns[table]], tmp_path, table, "csv" if table == "now" else "parquet")
    with pytest.raises(InputError, match="other data"):
        sum_shard(wanted, Shard(1, 2), FACTS, surveys)


def test_merge_shards__sums_of_other_surveys(tmp_path):
    wanted = asked(tmp_path, rows=60)
    first, second = survey(wanted, 2), survey(wanted, 3)
    with pytest.raises(InputError, match=r"another number of shards|other surveys"):
        merge_shards(wanted, FACTS, second, add_up(wanted, first, 2))


def test_parse_shard_file__damaged(tmp_path):
    wanted = asked(tmp_path, rows=60)
    data = survey_shard(wanted, Shard(1, 1), FACTS)
    assert parse_shard_file(data, path="x").heading.total == 60
    for wrong in (b"", b"x" + data, data[:-1], data[:40], data + b"1", data[:13] + b"\xff" * 8 + data[21:]):
        with pytest.raises(InputError, match="x: "):
            parse_shard_file(wrong, path="x")
    flipped = parse_shard_file(data[:-6] + bytes([data[-6] ^ 1]) + data[-5:], path="x")
    with pytest.raises(InputError):
        sum_shard(wanted, Shard(1, 1), FACTS, [flipped])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"row_metrics": (RowMetric(name="mine", function="m:f", on=None, params={}, line=None),)},
            "row bootstrap of mine",
        ),
        ({"task": "regression"}, "losses of a regression"),
        ({"class_ranks": ("ovr",)}, "name the `decision`"),
        ({"row_changes": 5}, "compares all rows"),
        ({"slice_search": SliceSearch()}, "searches all rows"),
    ],
)
def test_survey_shard__job_that_needs_all_rows(tmp_path, more, message):
    wanted = replace(asked(tmp_path, rows=60), **more)
    with pytest.raises(InputError, match=message):
        survey_shard(wanted, Shard(1, 2), FACTS)


def test_merge_shards__joined_by_position(tmp_path):
    """Without a key, rows are split by their number."""
    frame = people(300, seed=3)
    own = write(frame[["region", "label"]], tmp_path, "rows", "parquet")
    now = write(frame[["score"]], tmp_path, "now", "shards")
    wanted = job(own, scores=True, slices=slices("region"))
    wanted = replace(wanted, key=None, candidate=replace(wanted.candidate, path=now, decision=None), baseline=None)
    one, many = merged(wanted, 1), merged(wanted, 3)
    assert [repr(each.scores) for each in many.statistics] == [repr(each.scores) for each in one.statistics]
    assert "joined by position" in " ".join(many.notes)
    assert np.isclose(sum(each.rows for each in many.statistics[1:]), 300)
