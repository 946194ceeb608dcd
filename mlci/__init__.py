"""mlci: pull-request checks for machine-learning models.

A candidate model is compared with the production baseline on the same rows, every difference carries its interval,
and gates decide on those intervals whether a merge may go ahead.
"""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import :func:`mlci.api.compare.compare` when it is first used, so that ``import mlci`` stays cheap."""
    if name != "compare":
        raise AttributeError(f"module 'mlci' has no attribute {name!r}")
    from mlci.api.compare import compare  # noqa: PLC0415 (see above)

    return compare
