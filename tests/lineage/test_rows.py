"""Differences between two evaluation sets, from digests of their rows alone."""

from dataclasses import replace

import numpy as np
import pytest

from mlci.engine.row_comparison import row_digests
from mlci.lineage.rows import MOST, dump_rows, expected_coincidences, parse_rows, row_difference, unique_pairs
from tests.support.project import holdout


def digests(folder, text, *, key="id", label="y", name="d.csv"):
    path = folder / name
    path.write_text(text)
    return row_digests(str(path), key, label)


def table(rows, header="id,x,z,y"):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


ROWS = [(number, number / 7, "abc"[number % 3], number % 2) for number in range(40)]


def row_changes(before, after, folder, **more):
    return row_difference(digests(folder, table(before), **more), digests(folder, table(after), **more))


def counts(found):
    return found.added, found.removed, found.relabelled, found.changed


def test_difference__every_kind_of_change(tmp_path):
    after = [list(row) for row in ROWS]
    after[3][3] = 1 - after[3][3]  # relabelled
    after[4][3] = 1 - after[4][3]
    after[5][1] = 99.5  # another value
    after[6][1], after[6][3] = 98.5, 1 - after[6][3]  # both: a relabelled row
    after[7][0] = 1007  # another key: one row less and one more
    del after[10:15]
    after += [(2000 + number, 0.5, "a", 1) for number in range(3)]
    found = row_changes(ROWS, after, tmp_path)
    assert (found.before, found.after) == (40, 38)
    assert counts(found) == (4, 6, 3, 1)
    assert (found.columns_added, found.columns_removed, found.null_rates) == ((), (), ())


def test_difference__order_and_format(tmp_path):
    one = digests(tmp_path, table(ROWS))
    turned = [(z, y, x, number) for number, x, z, y in reversed(ROWS)]
    other = digests(tmp_path, table(turned, "z,y,x,id"))
    assert counts(row_difference(one, other)) == (0, 0, 0, 0)
    assert dump_rows(one).partition(b"\n")[2] == dump_rows(other).partition(b"\n")[2]


def test_difference__without_a_key(tmp_path):
    """Content that occurs once in each set identifies a row; equal rows are not known to be relabelled."""
    after = [list(row) for row in ROWS]
    after[3][3] = 1 - after[3][3]
    after[4][1] = 99.5
    unkeyed = [table([row[1:] for row in rows], "x,z,y") for rows in (ROWS, after)]
    before, now = (digests(tmp_path, text, key=None) for text in unkeyed)
    assert counts(row_difference(before, now)) == (1, 1, 1, 0)


@pytest.mark.parametrize("header", ["y", "x,y"])
def test_difference__rows_without_a_key_that_repeat(tmp_path, header):
    """Splits of 60 rows with few values: how many rows were relabelled or moved is not known."""
    rows = [(number % 3, number % 2)[-header.count(",") - 1 :] for number in range(60)]
    one, other = (digests(tmp_path, table(part, header), key=None) for part in (rows[:33], rows[20:]))
    found = row_difference(one, other)
    assert (counts(found), found.repeat, found.before, found.after) == ((None,) * 4, True, 33, 40)


def test_difference__other_rows_of_equal_columns(tmp_path):
    """Rows of which some have the same columns and other labels are not relabelled: the data has such rows itself."""
    before = [(number, 0) for number in range(50)] + [(90, 0), (90, 1)]
    after = [(number, number in {7, 8}) for number in range(8, 60)]
    one, other = (table(np.int64(rows).tolist(), "x,y") for rows in (before, after))
    found = row_difference(*(digests(tmp_path, text, key=None) for text in (one, other)))
    assert counts(found) == (11, 11, None, 0)


def test_expected_coincidences__against_splits_of_known_rows():
    """Random splits of 600 rows: the estimate is right on average, over contents of many and of few rows."""
    generator, errors, real = np.random.default_rng(8), [], []
    for _ in range(200):
        contents = (generator.pareto(3, 600) * 500).astype(np.uint64)
        one, other = (generator.permutation(600)[:size] for size in (240, 180))
        mine, theirs = unique_pairs(contents[one], contents[other])
        real.append(np.count_nonzero(one[mine] != other[theirs]))
        errors.append(expected_coincidences(contents[one], contents[other]) - real[-1])
    assert np.mean(real) > 5
    assert abs(np.mean(errors)) < 3 * np.std(errors) / 200**0.5


def test_expected_coincidences__contents_of_one_row():
    one = np.arange(50, dtype=np.uint64)
    assert expected_coincidences(one, one[20:] + np.uint64(3)) == 0


def test_difference__columns_and_null_rates(tmp_path):
    before = table([(1, 5, "", 0), (2, 6, "q", 1), (3, 7, "q", 1), (4, 8, "q", 1)])
    after = table([(1, 5, "", 0), (2, "", "q", 1), (3, "", "q", 0), (4, 8, "q", 1)], "id,x,w,y")
    found = row_difference(digests(tmp_path, before), digests(tmp_path, after))
    assert (found.columns_added, found.columns_removed) == (("w",), ("z",))
    assert found.null_rates == (("x", 0.0, 0.5),)
    assert counts(found) == (0, 0, 1, None)


@pytest.mark.parametrize("more", [{"key": "x"}, {"label": "z"}])
def test_difference__other_key_or_label(tmp_path, more):
    found = row_difference(digests(tmp_path, table(ROWS)), digests(tmp_path, table(ROWS), **more))
    assert counts(found) == (None, None, None, None)


def test_parse_rows__round_trip(tmp_path):
    one = digests(tmp_path, holdout(500))
    again = parse_rows(dump_rows(one))
    assert all(np.array_equal(getattr(one, name), getattr(again, name)) for name in ("keys", "labels", "contents"))
    assert (again.key, again.label, dict(again.nulls)) == ("id", "y", {"id": 0, "x": 0, "y": 0})
    assert [parse_rows(dump_rows(replace(one, in_order=flag))).in_order for flag in (False, True)] == [False, True]


@pytest.mark.parametrize(
    "broken",
    [
        lambda data: data[:-1],
        lambda data: data + b"x" * 24,
        lambda data: data.replace(b"mlci/rows/1", b"mlci/rows/9"),
        lambda data: data.replace(b'"rows": 40', b'"rows": -1'),
        lambda data: data.replace(b'"rows": 40', b'"rows": %d' % (MOST + 1)),
        lambda data: data.replace(b"{", b"[", 1),
        lambda data: data[:0],
        lambda data: data.replace(b'"x": 0', b'"x": "0"'),
    ],
)
def test_parse_rows__damaged(tmp_path, broken):
    data = dump_rows(digests(tmp_path, table(ROWS)))
    with pytest.raises(ValueError, match=r"it has no rows|its (number of rows|columns) differ"):
        parse_rows(broken(data))


def test_row_digests__too_many_rows(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text(table(ROWS))
    assert row_digests(str(path), "id", "y", most=39) is None
    assert len(row_digests(str(path), "id", "y", most=40)) == 40
