"""Tables: files in, Parquet out, columns with exact types."""
