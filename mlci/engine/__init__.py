"""Engine: tables to sufficient statistics, with DuckDB and NumPy."""
