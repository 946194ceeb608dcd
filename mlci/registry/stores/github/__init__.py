"""Registry in a GitHub repository: a branch for the ledger, release assets for the files."""
