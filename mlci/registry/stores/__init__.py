"""Port of the stores that hold a registry, and its adapters."""
