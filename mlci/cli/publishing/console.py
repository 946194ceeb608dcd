"""Messages of `mlci publish`: lines or JSON, notices and warnings in GitHub's log."""

from dataclasses import dataclass, field

import click

from mlci.cli.error_handler import Level, annotation
from mlci.execution.sanitize import sanitize
from mlci.github.interface import PermissionRefused
from mlci.operations.publish.publish import PublishResult
from mlci.publish import permissions
from mlci.publish.event import DEPENDABOT
from mlci.publish.plan import NothingToPublish, Target
from mlci.publish.result import Finished, Result, unfinished_title
from mlci.report.headline import verdict_headline
from mlci.report.text.escape import plain_text
from mlci.util.json_text import pretty_json


@dataclass(kw_only=True)
class PublishConsole:
    """Messages of `mlci publish`, printed as lines or collected for JSON.

    Attributes:
        as_json: Whether standard output is for a program.
        in_actions: Whether GitHub's runner reads the log.
        early: Whether the evaluation has not started: notices are then plain lines of the log, because the final
            step repeats them as annotations.
        document: Content of ``--json``.
    """

    as_json: bool
    in_actions: bool
    early: bool = False
    document: dict[str, object] = field(default_factory=dict)
    _said: dict[str, list[str]] = field(default_factory=lambda: {"did": [], "notice": [], "warning": []})

    def line(self, text: str) -> None:
        """Print an action that was done."""
        harmless = sanitize(text)  # addresses come from GitHub
        self._said["did"].append(harmless)
        if not self.as_json:
            click.echo(harmless)

    def remark(self, level: Level, text: str) -> None:
        """Print a notice or a warning."""
        harmless = "\n".join(sanitize(line) for line in text.splitlines())
        self._said.setdefault(level, []).append(harmless)
        shown = self.in_actions and not self.early
        click.echo(annotation(level, harmless) if shown else f"{level}: {harmless}", err=True)

    def trouble(self, problem: str | None) -> None:
        """Print that a file of the runner could not be written."""
        if problem is not None:
            self.remark("warning", problem)

    def quiet(self, silent: NothingToPublish) -> None:
        """Print why nothing is published on GitHub."""
        self.remark("notice", f"nothing was published on GitHub: {silent.why}")

    def done(self, done: PublishResult, target: Target) -> None:
        """Print the actions on GitHub, and the refusals."""
        for line in done.did:
            self.line(line)
        for one in done.foreign:
            app = f"the app {plain_text(one.app or 'unknown')}" if one.app else "an unknown app"
            self.remark(
                "error",
                f"another check named `{target.name}` is on {target.head[:7]}, made by {app} and not by mlci: "
                f"{plain_text(one.url, longest=300)}. It could satisfy the required check, so mlci's own check fails. "
                "Give the job that has this name another one, and push; docs/reference/permissions.md explains how a "
                "ruleset tells the two apart.",
            )
        for comment in done.stale:
            self.remark(
                "warning",
                permissions.stale_advice(plain_text(comment.author, longest=100), plain_text(comment.url, longest=300)),
            )
        if target.reader is not None and done.refused:
            self._refused(done.refused, target.reader)
            return
        for refused in dict.fromkeys(done.refused):
            self.remark("warning", permissions.permission_advice(refused.permission, refused.message))
        self.document |= {
            "head": target.head,
            "pull": target.pull,
            "check_url": done.check.url if done.check else None,
            "comment_url": done.comment.url if done.comment else None,
        }

    def _refused(self, refused: list[PermissionRefused], reader: str) -> None:
        """Print once why a read-only token was refused."""
        if self.early:
            self.line(f"the check is not opened: {reader}")
        elif reader == DEPENDABOT and (lacking := [one for one in refused if "not accessible" in one.message]):
            self.remark("notice", permissions.dependabot_advice(one.permission for one in lacking))
        elif reader != DEPENDABOT:
            self.remark("notice", permissions.read_only_advice(reader))
        if reader == DEPENDABOT and not self.early:
            for one in dict.fromkeys(refused):
                if "not accessible" not in one.message:
                    self.remark("warning", permissions.permission_advice(one.permission, one.message))

    def verdict(self, found: Result, model: str | None) -> None:
        """Print the result in one line."""
        what = (
            verdict_headline(found.report) if isinstance(found, Finished) else f"{unfinished_title(found)}: {found.why}"
        )
        self.line(f"{model or 'mlci'}: {plain_text(what, longest=400)}")

    def end(self, *, verdict: str | None, code: int) -> None:
        """Print the JSON document if it was requested."""
        if self.as_json:
            lines = {"did": self._said["did"], "notices": self._said["notice"], "warnings": self._said["warning"]}
            click.echo(pretty_json({"verdict": verdict, "exit_code": code, **self.document, **lines}))
