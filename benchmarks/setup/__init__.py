"""What setting up costs in a job: the actions' own script against pip, and against the client of another suite."""
