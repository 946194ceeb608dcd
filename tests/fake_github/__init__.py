"""A fake of GitHub for tests: stateful, over a real bare git repository, held to GitHub's own description."""
