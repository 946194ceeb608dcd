"""Join three files by key with DuckDB, touch every value and keep nothing; the second argument limits its memory."""

import sys
from pathlib import Path

import duckdb

SUMS = "sum(strlen(s1)), sum(strlen(s2)), sum(strlen(s3)), sum(y), sum(c.p), sum(b.p)"
folder = Path(sys.argv[1])
limits = {"memory_limit": sys.argv[2], "temp_directory": str(folder)} if len(sys.argv) > 2 else {}
row = (
    duckdb.connect(config=limits)
    .execute(
        f"SELECT {SUMS} FROM read_parquet('{folder / 'rows.parquet'}') AS r "  # noqa: S608 - our own folder
        f"JOIN read_parquet('{folder / 'candidate.parquet'}') AS c USING (key) "
        f"JOIN read_parquet('{folder / 'baseline.parquet'}') AS b USING (key)"
    )
    .fetchone()
)
print(row)
