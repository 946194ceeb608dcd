"""The block loop of mlci on the six columns, decoding only: texts as lengths, and no sums."""

import sys

import duckdb

from mlci.engine.blocks.arrow_stream import stream_columns

COLUMNS = ["length(s1)", "length(s2)", "length(s3)", "y", "p", "q"]
stream, rows = stream_columns(duckdb.connect(), COLUMNS, f"read_parquet('{sys.argv[1]}')"), 0
while (batch := stream.next()) is not None:
    rows += len(batch[0])
print(rows)
