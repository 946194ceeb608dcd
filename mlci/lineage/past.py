"""A commit's origin with its evaluation set, as the cache of baselines keeps it. Pure."""

import json
from dataclasses import asdict, dataclass

from mlci.lineage.origin import Origin
from mlci.lineage.rows import Rows


@dataclass(frozen=True, kw_only=True)
class Past:
    """What a commit was made from.

    Attributes:
        origin: By its own files; the environment that its steps ran in is the run's, and is not in it.
        rows: Its own evaluation set by digests, where that is another one and small enough.
    """

    origin: Origin
    rows: Rows | None


def dump(origin: Origin) -> str:
    """Write an origin as JSON."""
    return json.dumps(asdict(origin), sort_keys=True)


def parse(text: str) -> Origin:
    """Read what :func:`dump` wrote."""
    return Origin(**json.loads(text))
