"""Read the six columns into memory with pyarrow; ``dictionary`` leaves texts as codes, the least a reader can do."""

import sys

import pyarrow.parquet as pq

COLUMNS = ["s1", "s2", "s3", "y", "p", "q"]
table = pq.read_table(sys.argv[1], columns=COLUMNS, read_dictionary=COLUMNS[:3] if "dictionary" in sys.argv else None)
print(table.num_rows)
