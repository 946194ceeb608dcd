"""Settings of the whole suite."""

import gc
import os

from hypothesis import settings

# The same examples in every run, so that a red test is red for everyone; `--hypothesis-profile=search` looks further.
settings.register_profile("suite", max_examples=40, derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile("suite")

# A runner's own variables would tell the suite which commit it is about and where to write; tests set what they need.
for name in [name for name in os.environ if name.startswith(("GITHUB_", "RUNNER_", "MLCI_"))]:
    if name != "MLCI_GOLDEN":
        del os.environ[name]


def pytest_collection_finish():
    """Freeze what was imported: garbage collection then walks the objects of the tests only."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    """Let the interpreter free what was frozen; DuckDB's binding reports leaks at its exit without this."""
    gc.unfreeze()
