"""Join by key on the cluster: one row for each key of any table, with the number of its rows in each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from mlci.engine.spark.coded_rows import KeyedWork

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class JoinedRows:
    """Data frame with one row for each key.

    Attributes:
        frame: Columns ``n…`` (rows of each table), ``k0`` and the coded columns.
        sides: Number of tables.
        partitions: Most partitions of the frame.
    """

    frame: Any
    sides: int
    partitions: int


def join_by_key(parts: Sequence[tuple[Any, KeyedWork]]) -> JoinedRows:
    """Join data frames by the keys that their work computes.

    All tables are grouped in one shuffle, which also finds keys that are missing, repeated or in one table only.
    """
    from pyspark.sql import functions  # noqa: PLC0415 - the optional extra

    keyed = [frame.mapInArrow(work, work.schema) for frame, work in parts]
    together = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), keyed)
    keys = [f"k{i}" for i in range(len(parts[0][1].key))]
    columns = [name for name in together.columns if name not in {*keys, "side"}]
    counts = [
        functions.count(functions.when(functions.col("side") == side, 1)).alias(f"n{side}")
        for side in range(len(parts))
    ]
    values = [functions.max(name).alias(name) for name in columns]
    partitions = int(together.sparkSession.conf.get("spark.sql.shuffle.partitions"))
    return JoinedRows(together.groupBy(*keys).agg(*counts, *values), len(parts), partitions)


def unpaired_keys(joined: JoinedRows) -> Any:  # noqa: ANN401 - pyspark is optional
    """Return the data frame of the keys that are not in every table exactly once; a missing key is null."""
    from pyspark.sql import functions  # noqa: PLC0415 - the optional extra

    wrong = functions.col("k0").isNull()
    for side in range(joined.sides):
        wrong = wrong | (functions.col(f"n{side}") != 1)
    keys = [name for name in joined.frame.columns if name in {"k0", "k1"}]
    return joined.frame.filter(wrong).select(*keys)


def largest_errors(frame: Any, models: int) -> tuple[float, float]:  # noqa: ANN401 - pyspark is optional
    """Return the largest absolute error of a regression's models, and the largest share of the label."""
    from pyspark.sql import functions  # noqa: PLC0415 - the optional extra

    label = functions.col("y")
    size = functions.greatest(functions.abs(label), functions.lit(_EPS))
    errors = [functions.abs(functions.col(f"p{model}") - label) for model in range(models)]
    largest = frame.agg(*map(functions.max, errors), *(functions.max(error / size) for error in errors)).collect()[0]
    known = [0.0 if value is None else float(value) for value in largest]
    return max(known[:models]), max(known[models:])
