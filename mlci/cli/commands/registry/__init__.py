"""Commands on a registry of promoted models."""
