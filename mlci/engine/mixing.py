"""Several columns' codes as one: the place of a combination among all that could occur."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlci.engine.sql import Array
from mlci.engine.values import SEPARATOR

_PACKED = 1 << 16
Members = tuple[int, ...]
"""Bases that a slice crosses, by index."""


@dataclass(frozen=True)
class Base:
    """One column, or one binned number: its rows' codes and the names of the codes."""

    codes: Array
    names: tuple[str, ...]


@dataclass(frozen=True)
class Bases:
    """The columns that slices are made of."""

    each: tuple[Base, ...]

    @property
    def all(self) -> Members:
        """Every base."""
        return tuple(range(len(self.each)))

    @cached_property
    def packs(self) -> bool:
        """Whether combinations of all bases are few enough for tables over them."""
        return self.size(self.all) <= _PACKED

    @cached_property
    def packed(self) -> Array:
        """One code for every row's combination of all bases."""
        return self.mix(self.all)

    def sizes(self, members: Members) -> list[int]:
        """Return how many codes each member has."""
        return [len(self.each[member].names) for member in members]

    def size(self, members: Members) -> int:
        """Return how many combinations of the members' codes there could be."""
        return math.prod(self.sizes(members))

    def mix(self, members: Members) -> Array:
        """Return each row's place among all combinations of the members' codes."""
        size = self.size(members)
        dtype = np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.int64
        first, *rest = members
        codes: Array = self.each[first].codes.astype(dtype)
        for member in rest:
            np.multiply(codes, dtype(len(self.each[member].names)), out=codes)
            np.add(codes, self.each[member].codes.astype(dtype, copy=False), out=codes)
        return codes

    def unpack(self, members: Members) -> Array:
        """Return the members' mixed code of each packed code."""
        sizes = self.sizes(self.all)
        digits = np.unravel_index(np.arange(int(np.prod(sizes))), sizes)
        code = np.zeros(len(digits[0]), np.int64)
        for member in members:
            code = code * sizes[member] + digits[member]
        return code

    def digits(self, packed: Array) -> list[Array]:
        """Return each base's code of packed codes."""
        return list(np.unravel_index(packed, self.sizes(self.all))) if self.each else []

    def name(self, members: Members, code: int) -> str:
        """Return what a mixed code is called."""
        digits = np.unravel_index(code, self.sizes(members))
        names = (self.each[member].names[int(digit)] for member, digit in zip(members, digits, strict=True))
        return SEPARATOR.join(names)
