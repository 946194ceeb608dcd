"""Second round on the executors: a partition's rows to the tables of sums of the plan."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlci.engine.blocks.block import Block
from mlci.engine.blocks.plan import SumPlan
from mlci.engine.blocks.sums import PartialSums
from mlci.engine.spark.coded_rows import Coded, CodedTable
from mlci.engine.spark.executors.batches import BatchSource, open_reader

_COUNT = struct.Struct("<q")


@dataclass(frozen=True)
class Tallied:
    """Sums over some rows, and the number of keys that were left out, because they are not in every table once."""

    sums: PartialSums
    unpaired: int = 0

    def to_bytes(self) -> bytes:
        """Return both as bytes."""
        return _COUNT.pack(self.unpaired) + self.sums.to_bytes()

    @classmethod
    def from_bytes(cls, plan: SumPlan, data: bytes) -> "Tallied":
        """Read both."""
        return cls(PartialSums.from_bytes(plan, data[_COUNT.size :]), _COUNT.unpack_from(data)[0])


@dataclass(frozen=True)
class SharedPlan:
    """The plan, sent to each executor once: broadcast by Spark if the session can do that."""

    value: Any

    @cached_property
    def plan(self) -> SumPlan:
        """The plan."""
        plan: SumPlan = self.value if isinstance(self.value, SumPlan) else self.value.value
        return plan

    def __getstate__(self) -> dict[str, Any]:
        """Return the reference alone, without the plan that was read from it."""
        return {"value": self.value}


def share_plan(session: Any, plan: SumPlan) -> SharedPlan:  # noqa: ANN401 - pyspark is optional
    """Broadcast a plan; a session of Spark Connect, which has no context, sends it with the functions instead."""
    try:
        return SharedPlan(session.sparkContext.broadcast(plan))
    except Exception:  # noqa: BLE001 - the type depends on the version of Spark Connect
        return SharedPlan(plan)


@dataclass(frozen=True)
class OneTableWork:
    """Work for executors: sums of a table that has labels and predictions."""

    source: BatchSource
    columns: CodedTable
    shared: SharedPlan

    def __call__(self, batches: Iterator[Any]) -> bytes:
        """Return the sums of a partition."""
        plan = self.shared.plan
        sums = PartialSums(plan)
        with open_reader(self.source) as reader:
            for _ in reader.each(batches):
                sums.add(block_of(plan, self.columns.code(reader)))
        return Tallied(sums).to_bytes()


@dataclass(frozen=True)
class JoinedWork:
    """Work for executors: sums of rows that were joined by key from several tables."""

    shared: SharedPlan
    sides: int

    def __call__(self, batches: Iterator[Any]) -> bytes:
        """Return the sums of a partition's paired rows, and the number of unpaired keys."""
        plan, unpaired = self.shared.plan, 0
        sums = PartialSums(plan)
        for batch in batches:
            paired = _is_paired(batch, self.sides)
            unpaired += int(np.count_nonzero(~paired))
            if paired.any():
                sums.add(block_of(plan, _columns(batch, paired)))
        return Tallied(sums, unpaired).to_bytes()


def _is_paired(batch: Any, sides: int) -> Any:  # noqa: ANN401 - pyarrow ships no types
    paired = batch.column("k0").is_valid().to_numpy(zero_copy_only=False)
    for side in range(sides):
        paired &= batch.column(f"n{side}").to_numpy(zero_copy_only=False) == 1
    return paired


def _columns(batch: Any, paired: Any) -> Coded:  # noqa: ANN401 - pyarrow ships no types
    """Return the coded columns of the paired rows, which have no nulls."""
    import pyarrow as pa  # noqa: PLC0415 - executors have it

    kept = batch if paired.all() else batch.filter(pa.array(paired))
    names = [name for name in kept.schema.names if name[0] in "sypd"]
    return {name: kept.column(name).to_numpy(zero_copy_only=False) for name in names}


def block_of(plan: SumPlan, coded: Coded) -> Block:
    """Return coded columns as a block."""
    return Block(
        slices=tuple(coded[f"s{i}"] for i in range(len(plan.bases))),
        labels=coded["y"],
        scores=tuple(coded.get(f"p{model}") for model in range(plan.models)),
        decisions=tuple(coded.get(f"d{model}") for model in range(plan.models)),
    )


@dataclass(frozen=True)
class MergeTallies:
    """Merge of two partitions' sums."""

    shared: SharedPlan

    def __call__(self, first: bytes, second: bytes) -> bytes:
        """Return the sums of both."""
        one, other = (Tallied.from_bytes(self.shared.plan, data) for data in (first, second))
        one.sums.merge(other.sums)
        return Tallied(one.sums, one.unpaired + other.unpaired).to_bytes()
