"""The time of installation in a job: the actions' own script against pip, and against the client of another suite."""
