"""Rows with different decisions in two files of predictions."""

import pytest

from mlci.engine.interface import Source
from mlci.engine.row_comparison import MOST_NAMED, count_disagreements


def source(folder, name, text, **columns):
    (folder / name).write_text(text)
    return Source(path=str(folder / name), **columns)


def table(cells, header="id,p"):
    return "\n".join([header, *(f"{key},{cell}" for key, cell in enumerate(cells))]) + "\n"


@pytest.mark.parametrize(
    ("one", "other", "columns", "threshold", "found"),
    [
        ("abca", "abda", {"decision": "p"}, None, (1, ("2",))),
        ((0.1, 0.6, 0.5), (0.2, 0.4, 0.9), {"score": "p"}, 0.5, (1, ("1",))),
        ((0.1, 0.6, 0.5), (0.2, 0.4, 0.9), {"score": "p", "threshold": 0.15}, 0.5, (1, ("0",))),
        ((1.0, 2.0), (1.0, 2.5), {"score": "p"}, None, (1, ("1",))),
        ((1.0, 2.0), (1.0, 2.0), {"score": "p"}, None, (0, ())),
    ],
)
def test_count_disagreements__labels_scores_and_classes(tmp_path, one, other, columns, threshold, found):
    left = source(tmp_path, "a.csv", table(one), **columns)
    right = source(tmp_path, "b.csv", table(other), **columns)
    assert count_disagreements(left, right, "id", threshold) == found


def test_count_disagreements__most_probable_class(tmp_path):
    columns = {"probabilities": (("cat", "a"), ("dog", "b"))}
    left = source(tmp_path, "a.csv", "id,a,b\n0,0.5,0.5\n1,0.6,0.4\n2,0.4,0.6\n", **columns)
    right = source(tmp_path, "b.csv", "id,a,b\n0,0.7,0.3\n1,0.4,0.6\n2,0.1,0.9\n", **columns)
    assert count_disagreements(left, right, "id", None) == (1, ("1",))


def test_count_disagreements__rows_are_joined_by_key(tmp_path):
    left = source(tmp_path, "a.csv", table("x" * 50), decision="p")
    right = source(tmp_path, "b.csv", "id,p\n" + "".join(f"{key},y\n" for key in reversed(range(50))), decision="p")
    count, keys = count_disagreements(left, right, "id", None)
    assert (count, len(keys)) == (50, MOST_NAMED)
