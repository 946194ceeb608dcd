"""The embedded engine: DuckDB reads tables, NumPy reduces them to statistics."""

from pathlib import Path

import duckdb

from mlci.engine import sql
from mlci.engine.bind import bind
from mlci.engine.files import PARQUET, suffix_of
from mlci.engine.fingerprint import of_table
from mlci.engine.interface import Job, Observed
from mlci.engine.load import load
from mlci.engine.reduction import reduce
from mlci.engine.zero_labels import leave_out_percentages
from mlci.metrics.row_metrics import RowMetricEvaluator


class DuckEngine:
    """Implements :class:`mlci.engine.interface.Engine` in this process."""

    def __init__(
        self,
        *,
        threads: int | None = None,
        memory_limit: str | None = None,
        exact_rows: int = 250_000,
        row_metrics: RowMetricEvaluator | None = None,
    ) -> None:
        """Set limits.

        Args:
            threads: Threads of DuckDB and NumPy blocks; ``None`` takes what the machine has. No result depends on it.
            memory_limit: DuckDB's own limit, e.g. ``"1GB"``; beyond it, it spills to the temporary folder.
            exact_rows: Most rows for which scores are ranked exactly instead of in bins.
            row_metrics: Evaluates functions of rows; jobs that ask for none need none.
        """
        self.row_metrics = row_metrics
        self.threads, self.memory_limit, self.exact_rows = threads, memory_limit, exact_rows

    def observe(self, job: Job) -> Observed:
        """Read, check and join the tables and reduce them.

        Raises:
            InputError: With every problem found.
        """
        with (
            sql.session(threads=self.threads, memory_limit=self.memory_limit) as (connection, scratch),
            sql.reading(*_read_late(job)),
        ):
            return self._observe(connection, job, scratch)

    def _observe(self, connection: duckdb.DuckDBPyConnection, job: Job, scratch: Path) -> Observed:
        bound = bind(connection, job, scratch)
        frame = load(bound, threads=self.threads)
        left_out = bound.prediction_columns
        fingerprint = of_table(
            connection, bound.table, left_out, known=frame.known, weights=frame.each, threads=self.threads
        )
        job, left_out_notes = leave_out_percentages(bound, frame)
        statistics, notes = reduce(
            job, frame, exact_rows=self.exact_rows, threads=self.threads, evaluator=self.row_metrics
        )
        said = (*frame.notes, *notes, *left_out_notes)
        return Observed(
            statistics=statistics, rows=frame.rows, fingerprint=fingerprint, notes=said, undecided=frame.undecided
        )


def _read_late(job: Job) -> list[str]:
    """Return the tables that are read while they are reduced: Parquet, as text has been read whole before; or all."""
    paths = [job.data, *(side.path for side in (job.candidate, job.baseline) if side)]
    return [path for path in paths if suffix_of(path) in PARQUET] or paths
