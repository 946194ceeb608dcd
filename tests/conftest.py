"""Settings of the whole suite."""

from hypothesis import settings

# The same examples in every run, so that a red test is red for everyone; `--hypothesis-profile=search` looks further.
settings.register_profile("suite", max_examples=40, derandomize=True, deadline=None)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile("suite")
