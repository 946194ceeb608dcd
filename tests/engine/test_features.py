"""What a prediction step is handed: everything but the label, in a format that its script knows."""

import pandas as pd
import pytest

from mlci.engine.features.write import write_features
from mlci.errors import InputError
from tests.engine.tables import people, text, write


def test_a_csv_keeps_its_cells(tmp_path):
    path = text(tmp_path, "t.csv", 'id,y,"a ""b""",z\n007,1,"x, y",\n8,0,"",1.50\n')
    out = write_features(path, "y", tmp_path / "out")
    assert out == tmp_path / "out" / "features.csv"
    assert out.read_text() == 'id,"a ""b""",z\n007,"x, y",\n8,"",1.50\n'


@pytest.mark.parametrize(
    ("form", "suffix"), [("parquet", "parquet"), ("shards", "parquet"), ("jsonl", "jsonl"), ("csv.gz", "csv")]
)
def test_formats(tmp_path, form, suffix):
    frame = people(30)
    out = write_features(write(frame, tmp_path, "t", form), "label", tmp_path)
    assert out.name == f"features.{suffix}"
    readers = {"parquet": pd.read_parquet, "csv": pd.read_csv, "jsonl": lambda path: pd.read_json(path, lines=True)}
    found = readers[suffix](out)
    assert sorted(found) == sorted(frame.drop(columns="label"))
    assert found.id.tolist() == frame.id.tolist()
    assert found.score.tolist() == pytest.approx(frame.score.tolist())


def test_a_label_that_is_not_there(tmp_path):
    path = text(tmp_path, "t.csv", "id,target\n1,2\n")
    with pytest.raises(InputError, match=r"t\.csv: has no column 'targt'; did you mean 'target'\?"):
        write_features(path, "targt", tmp_path)
