"""The user's commands: a port, its adapter over real processes, and the stages that are built from it."""
