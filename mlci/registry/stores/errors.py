"""Errors of stores that adapters share: absent, conflicting and unconfirmed writes."""

from mlci.errors import OutsideError


class NotFoundError(OutsideError):
    """The requested object or record does not exist."""


class ConflictError(OutsideError):
    """The object or record exists already, or is not in the state that a conditional write asked for."""


class UnconfirmedError(OutsideError):
    """A request without an answer: it may have been carried out, and may be repeated."""
