"""The embedded engine: DuckDB reads tables, NumPy reduces them to statistics."""

import tempfile
from pathlib import Path

from mlci.engine import sql
from mlci.engine.bind import bind, needs_decision
from mlci.engine.counts import decisions
from mlci.engine.interface import Job, Observed
from mlci.engine.load import Frame, load
from mlci.metrics.statistics import WHOLE, Scope, Statistics


class DuckEngine:
    """Implements :class:`mlci.engine.interface.Engine` in this process."""

    def __init__(self, *, threads: int | None = None, memory_limit: str | None = None, exact_rows: int = 250_000) -> None:
        """Set limits.

        Args:
            threads: Threads of DuckDB and NumPy blocks; ``None`` takes what the machine has. No result depends on it.
            memory_limit: DuckDB's own limit, e.g. ``"1GB"``; beyond it, it spills to the temporary folder.
            exact_rows: Most rows for which scores are ranked exactly instead of in bins.
        """
        self.threads, self.memory_limit, self.exact_rows = threads, memory_limit, exact_rows

    def observe(self, job: Job) -> Observed:
        """Read, check and join the tables and reduce them.

        Raises:
            InputError: With every problem found.
        """
        with tempfile.TemporaryDirectory(prefix="mlci-", ignore_cleanup_errors=True) as scratch:
            connection = sql.connect(threads=self.threads, memory_limit=self.memory_limit, scratch=scratch)
            try:
                bound = bind(connection, job, Path(scratch))
                frame = load(bound)
                return Observed(statistics=_statistics(job, frame), rows=frame.rows, fingerprint="sha256:", notes=frame.notes)
            finally:
                connection.close()


def _statistics(job: Job, frame: Frame) -> tuple[Statistics, ...]:
    counted = decisions(frame) if needs_decision(job) and job.decisions else {}
    scopes = [((None, 0), WHOLE, frame.rows)]
    for index, spec in enumerate(job.slices):
        groups = zip(frame.partition.groups[index], frame.partition.counts[index], strict=True)
        scopes += [((index, i), Scope(spec.name, name), int(rows)) for i, (name, rows) in enumerate(groups)]
    return tuple(Statistics(scope, rows, decisions=counted.get(key)) for key, scope, rows in scopes)
