"""Sums over blocks, against the reduction of all rows in memory."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from mlci.engine.blocks.finish import auc_bounds, finish
from mlci.engine.blocks.plan import LossPlan
from mlci.engine.blocks.sums import PartialSums
from mlci.engine.interface import Source
from mlci.errors import InputError
from tests.engine.blocks.tables import assert_close, block_of, cut, in_memory, plan_of, sums_of
from tests.engine.oracles import auc
from tests.engine.tables import everything, job, people, same, slices, write

ROWS = 3000


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    path = write(people(ROWS), tmp_path_factory.mktemp("blocks"), "t", "parquet")
    asked = job(path, **everything())
    frame, expected = in_memory(asked)
    return plan_of(asked, frame), block_of(frame), expected


def test_finish__equals_the_reduction_in_memory(case):
    plan, block, expected = case
    sums = sums_of(plan, [block])
    found = finish(plan, sums)
    assert_close(found, expected)
    bounds = auc_bounds(plan, sums)
    for one, exact in zip(found, expected, strict=True):
        for mine, theirs in (
            (one.scores.candidate, exact.scores.candidate),
            (one.scores.baseline, exact.scores.baseline),
        ):
            assert auc(mine) == pytest.approx(auc(theirs), abs=bounds[one.scope] + 1e-12, nan_ok=True)
        assert one.scores.differing == exact.scores.differing
        assert one.scores.joint[:, 2:].sum(axis=0).tolist() == exact.scores.joint[:, 2:].sum(axis=0).tolist()


@pytest.mark.parametrize(
    "more", [{"baseline": None}, {"slices": ()}, {"slices": slices(("region", "sex", ["age", (40.0,)]))}]
)
def test_finish__other_jobs(tmp_path, more):
    path = write(people(1000), tmp_path, "t", "parquet")
    asked = job(path, **everything(**more))
    frame, expected = in_memory(asked)
    plan = plan_of(asked, frame)
    assert_close(finish(plan, sums_of(plan, [block_of(frame)])), expected)


@pytest.mark.parametrize("name", ["squared", "variance", "absolute", "percentage", "signed"])
def test_finish__regression(tmp_path, name):
    frame = people(1000).assign(label=lambda rows: rows.age.fillna(30) + 3 * rows.score)
    frame = frame.assign(score=frame.label + frame.score, old=frame.label - 2 * frame.old)
    path = write(frame, tmp_path, "t", "parquet")
    asked = job(path, task="regression", losses=(name,))
    read, expected = in_memory(asked)
    centre = float(np.mean(read.labels)) if name == "variance" else 0.0
    powers = expected[0].moments[name].powers.get("candidate")
    units = {"unit": powers.unit if powers else 2.0, "label_unit": powers.other_unit if powers else 1.0}
    plan = replace(plan_of(asked, read), losses=(LossPlan(name=name, centre=centre, **units),))
    found = finish(plan, sums_of(plan, [block_of(read)]))
    assert_close([one.moments for one in found], [one.moments for one in expected], rel=1e-10)


@pytest.mark.parametrize("classes", [3, 300])
def test_finish__multiclass_decisions(tmp_path, classes):
    draw = np.random.default_rng(5)
    frame = people(1000).assign(label=draw.integers(0, classes, 1000))
    frame = frame.assign(score=draw.integers(0, classes, 1000) % (frame.label + 1), old=frame.label)
    path = write(frame, tmp_path, "t", "parquet")
    columns = {"candidate": Source(path=path, decision="score"), "baseline": Source(path=path, decision="old")}
    asked = job(path, task="multiclass", classes=tuple(range(classes)), **columns)
    read, expected = in_memory(asked)
    plan, block = plan_of(asked, read), block_of(read)
    data = sums_of(plan, list(cut(block, np.arange(1000), 300))).to_bytes()
    assert_close(finish(plan, PartialSums.from_bytes(plan, data)), expected)


def test_sums__order_blocks_and_parts(case):
    plan, block, _ = case
    copied = pickle.loads(pickle.dumps(plan))  # noqa: S301 - our own plan
    blocks = list(cut(block, np.random.default_rng(2).permutation(ROWS), 171))
    merged = sums_of(copied, blocks[::2])
    merged.merge(sums_of(copied, blocks[1::2]))
    data = sums_of(plan, [block]).to_bytes()
    assert merged.to_bytes() == data
    read = PartialSums.from_bytes(plan, data)
    assert read.to_bytes() == data
    assert same(finish(plan, read), finish(plan, merged))


def test_sums__nearly_equal_models_keep_their_digits(case):
    plan, block, _ = case
    first = block.scores[0]
    second = np.clip(first + 1e-9 * np.random.default_rng(4).normal(size=ROWS), 0, 1)
    found = finish(plan, sums_of(plan, [replace(block, scores=(first, second))]))[0].moments["squared"]
    change = (first - block.labels) ** 2 - (second - block.labels) ** 2
    expected = [[(change[block.labels == label] ** power).sum() for power in range(4)] for label in (0, 1)]
    np.testing.assert_allclose(found.by_class["change"], expected, rtol=1e-7)


def test_sums__other_plan(case):
    plan, block, _ = case
    other = sums_of(replace(plan, calibration=False), [block])
    with pytest.raises(InputError, match="different plans"):
        sums_of(plan, [block]).merge(other)
    with pytest.raises(InputError, match="another plan"):
        PartialSums.from_bytes(plan, other.to_bytes())


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: data[:-9] + b"123456789", lambda data: data + b"x"]
)
def test_sums_bytes__damaged(case, damage):
    plan, block, _ = case
    with pytest.raises(InputError, match="damaged"):
        PartialSums.from_bytes(plan, damage(sums_of(plan, [block]).to_bytes()))


def test_finish__too_many_groups(case):
    plan, block, _ = case
    few = replace(plan, max_groups=4)
    with pytest.raises(InputError) as error:
        finish(few, sums_of(few, [block]))
    assert [one.message.split(";")[0] for one in error.value.problems] == [
        "slice 'age' has 5 groups, more than 4",
        "slice 'region × sex' has 8 groups, more than 4",
    ]
