"""Validation of rows of production by a team's own pandera schema, in a process of its own."""
