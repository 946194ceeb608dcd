"""A fake of GitHub for tests: stateful, over a real bare git repository, checked against GitHub's own description."""
