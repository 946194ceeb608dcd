"""Energy of the user's commands: a runner that reads it, and CodeCarbon as the meter."""
