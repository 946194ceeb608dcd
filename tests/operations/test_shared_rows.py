"""Rows that two splits without a key share: matched by content if it identifies them, refused if not."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mlci.config.loader import parse_config
from mlci.engine.interface import Job, Source
from mlci.engine.row_comparison import row_digests, share_rows
from mlci.errors import InputError
from mlci.operations import evaluation_sets
from mlci.operations.models.model_predictions import OwnRows

CONFIG = """\
model: m
task: binary
evaluation: {data: mine.csv, label: y, min_group_size: 20}
predict: {file: mine-scores.csv, score: s}
baseline: {ref: main}
gates: [{metric: roc_auc, max_drop: 0.01}]
"""


def splits(columns, *, digits=6):
    """Return two splits of 300 rows, 120 rows each, with the columns that are written."""
    generator = np.random.default_rng(3)
    x = generator.normal(size=300).round(digits)
    data = pd.DataFrame({"x": x, "y": (x > 0).astype(int)})
    parts = [data.loc[generator.permutation(300)[:120]] for _ in range(2)]
    return [part[columns] for part in parts], len(set(parts[0].index) & set(parts[1].index))


def restrict_job(folder, parts):
    paths = {}
    for name, part in zip(("mine", "theirs"), parts, strict=True):
        for kind, frame in (("", part), ("-scores", pd.DataFrame({"s": part.index / 300}))):
            paths[name + kind] = str(folder / f"{name}{kind}.csv")
            frame.to_csv(paths[name + kind], index=False)
    sources = {
        "candidate": Source(path=paths["mine-scores"], score="s"),
        "baseline": Source(path=paths["theirs-scores"], score="s"),
    }
    job = Job(task="binary", data=paths["mine"], key=None, label="y", **sources)
    own = OwnRows(rows=row_digests(paths["theirs"], None, "y", in_order=True), of="main", in_order=True)
    config = parse_config(CONFIG.encode(), path="mlci.yml").config
    context = SimpleNamespace(config=config, share=share_rows, scratch=folder)
    return *evaluation_sets.restrict_to_shared(context, job, own), own


def test_restrict__content_that_identifies_rows(tmp_path):
    """A row's score is its number in the data, so both models have the same scores on rows that are the same."""
    parts, both = splits(["x", "y"])
    job, shared, own = restrict_job(tmp_path, parts)
    scores = [pd.read_parquet(source.path)["s"].astype(float).tolist() for source in (job.candidate, job.baseline)]
    assert scores[0] == scores[1]
    assert (shared.rows, shared.repeated) == (both, 0)
    note = f"{120 - both} rows added, {120 - both} removed since main; compared on {both} shared rows, matched by their"
    assert note in evaluation_sets.shared_rows_note(shared, own)


def test_note__rows_that_were_left_out(tmp_path):
    (mine, theirs), _ = splits(["x", "y"])
    repeated = pd.concat([mine, mine.head(1).set_axis([299])])
    _, shared, own = restrict_job(tmp_path, (repeated, pd.concat([theirs, mine.head(1)])))
    assert shared.repeated == 2
    assert evaluation_sets.shared_rows_note(shared, own).endswith(
        "by their content; 2 rows whose content repeats were left out"
    )


@pytest.mark.parametrize("columns", [["y"], ["x", "y"]])
def test_restrict__content_that_repeats(tmp_path, columns):
    parts, _ = splits(columns, digits=0)
    with pytest.raises(InputError, match=r"(?s)\d+ rows of both sets repeat.*    evaluation:\n      key: id\n"):
        restrict_job(tmp_path, parts)


@pytest.mark.parametrize("flipped", [0, 5])
def test_restrict__other_rows_of_equal_content(tmp_path, flipped):
    """Two digits of x: enough rows occur once in each split, but some of them are not the same row.

    Few labels that differ are explained by that; if most differ, they were changed.
    """
    parts, _ = splits(["x", "y"], digits=2)
    parts[1].loc[parts[1].index[:flipped], "y"] ^= 1
    with pytest.raises(InputError, match=r"about \d+ of \d+ matches are different rows.*\n    evaluation:\n      key"):
        restrict_job(tmp_path, parts)


def test_restrict__most_labels_differ(tmp_path):
    parts, _ = splits(["x", "y"], digits=2)
    with pytest.raises(InputError, match="Labels must not change together with the model"):
        restrict_job(tmp_path, (parts[0], parts[1].assign(y=1 - parts[1]["y"])))
