"""The pull request on the fake GitHub that commands are given on."""

from tests.support.comment_commands import hub, pull

__all__ = ["hub", "pull"]
