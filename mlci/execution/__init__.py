"""Execution of the user's commands: port, processes, and the train and predict stages."""
