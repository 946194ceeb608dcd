"""Registry of promoted models: an append-only ledger and the files that it names by digest."""
