"""The few places where GitHub itself does not keep to its description."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Deviation:
    """Errors of one operation that match a pattern are known, for the reason given."""

    operation: str
    pattern: str
    reason: str

    def allows(self, operation: str, error: str) -> bool:
        return operation == self.operation and re.search(self.pattern, error) is not None


DEVIATIONS: tuple[Deviation, ...] = ()
