"""The cost of a promotion, a rollback and loading a baseline, over a plain copy of the same bytes."""
