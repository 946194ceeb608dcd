"""Cost of sealed mode against one job: seconds of mlci's commands, and requests to GitHub."""
