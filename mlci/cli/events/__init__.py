"""Event stream of a command: who receives it, and the adapters that emit to it."""
