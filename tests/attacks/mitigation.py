"""A mitigation: the product's function or limit that stops attacks, and its removal for a test."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import Any


@dataclass(frozen=True)
class Mitigation:
    """A part of the product that stops attacks.

    Attributes:
        does: What it does, for the table of threats.
        where: ``module:name``, or ``module:Class.name``.
        removed: What takes its place when it is removed.
        wrapped: Or a function from the real one to what takes its place.
    """

    does: str
    where: str
    removed: Any = None
    wrapped: Callable[[Any], Any] | None = None

    def remove(self, replace: Callable[[object, str, object], None]) -> None:
        """Put the replacement in its place, and wherever a function was imported to from its own module.

        Args:
            replace: ``monkeypatch.setattr`` of a test.
        """
        module, _, name = self.where.partition(":")
        owner_name, _, last = name.rpartition(".")
        owner = attrgetter(owner_name)(import_module(module)) if owner_name else import_module(module)
        real = getattr(owner, last)
        removed = self.removed if self.wrapped is None else self.wrapped(real)
        replace(owner, last, removed)
        if getattr(real, "__module__", None) != module or owner_name:
            return
        for place in [one for key, one in sys.modules.items() if key.startswith(("mlci.", "tests.attacks.families."))]:
            if place is not owner and vars(place).get(last) is real:
                replace(place, last, removed)
