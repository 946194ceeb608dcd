"""mlci: pull-request checks for machine-learning models.

A candidate model is compared with the production baseline on the same rows, every difference carries its interval,
and gates decide on those intervals whether a merge may go ahead.
"""

__version__ = "0.1.0"
