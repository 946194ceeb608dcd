"""Publishing for tests: a scene on the fake of GitHub, and GitHub in memory."""
