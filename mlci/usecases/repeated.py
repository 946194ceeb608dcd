"""Repeated invocations: find the decision that an earlier attempt of the same command wrote."""

from itertools import islice

from mlci.registry import versions
from mlci.registry.entries import Entry
from mlci.registry.interface import Store
from mlci.registry.ledger import Stamp, Tail

_FIRST = 2  # newest decisions that a first attempt reads: a step may be retried within one job
_REPEATED = 64  # newest decisions that a repeated one reads


def own_decision(store: Store, end: Tail, stamp: Stamp) -> Entry | None:
    """Return the newest decision that this invocation wrote in an earlier attempt.

    Raises:
        CorruptError: If a decision on the way is not what it was.
    """
    intent = stamp.intent
    if intent is None:
        return None
    recent = islice(versions.decisions(store, end), _REPEATED if intent.repeated else _FIRST)
    return next((entry for entry in recent if entry.intent == intent.id), None)
