"""Adapters that turn tables into sufficient statistics; DuckDB and NumPy by default."""
