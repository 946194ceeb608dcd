<<<<<<< HEAD
"""Publishing for tests: a scene on the fake of GitHub, and GitHub in memory."""
=======
"""Scenes of publishing: a pull request with its runs, and GitHub in memory."""
>>>>>>> 2a3fcae3 (engine: what is written from an evaluation set in a folder of its own; tests: scenes of publishing and sealed mode among the builders)
