"""Acts of ``mlci demo --lifecycle`` that follow a promotion, played with the commands themselves in its folder."""

import contextlib
import io
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlci.cli.main import group
from mlci.demo.production import Weights, write_canary, write_visits

_WIDTH = 100
Prepare = Callable[[Path], None]


@dataclass(frozen=True)
class ActStep:
    """A command of an act.

    Attributes:
        command: Its words after `mlci`.
        code: Exit code that it ends with.
        before: What changes in the folder before it; ``None`` if nothing does.
        note: A line on that change.
    """

    command: tuple[str, ...]
    code: int = 0
    before: Prepare | None = None
    note: str = ""


@dataclass(frozen=True)
class Act:
    """Steps with one purpose, and its title."""

    name: str
    title: str
    steps: tuple[ActStep, ...]


@dataclass(frozen=True)
class PlayedStep:
    """A step with what its command printed."""

    step: ActStep
    output: str


def acts(models: Mapping[str, str]) -> tuple[Act, ...]:
    """Return the acts in order.

    Args:
        models: The text of ``model.json`` by chapter.
    """
    champion, candidate = Weights.read(models["first"]), Weights.read(models["rolled-back"])

    def canary(week: int, weeks: int) -> Prepare:
        return lambda folder: write_canary(folder, week=week, weeks=weeks, champion=champion, candidate=candidate)

    def visits(week: int, *, slip: bool) -> Prepare:
        return lambda folder: write_visits(folder, week=week, model=candidate, slip=slip)

    return (
        Act(
            "experiment",
            "A canary: half of the visits get the decision of this candidate, the others that of version 1.",
            (
                ActStep(("experiment",), 5, canary(1, 1), "The log of the first week is in canary/."),
                ActStep(("experiment", "--apply"), 0, canary(2, 3), "Three more weeks."),
            ),
        ),
        Act(
            "monitor",
            "Version 3 serves. Its log and the outcomes are compared with the evaluation set, week by week.",
            (
                ActStep(("monitor", "--now", "2026-12-07T00:00"), 0, visits(5, slip=False), "A first week."),
                ActStep(
                    ("monitor", "--now", "2026-12-14T00:00"),
                    1,
                    visits(6, slip=True),
                    "The next week, the clinic's new export has the body mass index in kg/m², not standardised.",
                ),
            ),
        ),
        Act(
            "cost",
            "The five runs had a price, here of 0.05 USD a minute of this machine, and the month has a budget.",
            (ActStep(("costs",)),),
        ),
        Act(
            "restore",
            "The registry is lost, and comes back from its backup.",
            (
                ActStep(("backup", "backup")),
                ActStep(("restore", "backup"), 0, _lose_registry, "The folder .mlci/registry is deleted."),
                ActStep(("ledger", "verify", "--files")),
            ),
        ),
    )


def _lose_registry(folder: Path) -> None:
    shutil.rmtree(folder / ".mlci" / "registry")


def play_act(act: Act, folder: Path) -> tuple[PlayedStep, ...]:
    """Carry the commands of an act out in the folder.

    Raises:
        ValueError: if a command ends with another code than the act expects.
    """
    return tuple(_play_step(step, folder) for step in act.steps)


def _play_step(step: ActStep, folder: Path) -> PlayedStep:
    if step.before is not None:
        step.before(folder)
    out = io.StringIO()
    with (
        _plain_environment(),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        code = group.main(args=list(step.command), prog_name="mlci", standalone_mode=False)
    if code != step.code:
        raise ValueError(f"mlci {shlex.join(step.command)} ended with {code}, not {step.code}:\n{out.getvalue()}")
    return PlayedStep(step, out.getvalue().replace(f"{folder.resolve()}{os.sep}", ""))


@contextlib.contextmanager
def _plain_environment() -> Iterator[None]:
    """Hide a workflow around the demo, whose outputs and summary are not the demo's; fix the terminal's width."""
    before = dict(os.environ)
    try:
        for name in [name for name in before if name.startswith("GITHUB_")]:
            del os.environ[name]
        os.environ.update(COLUMNS=str(_WIDTH), NO_COLOR="1")
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def act_text(number: int, act: Act, played: tuple[PlayedStep, ...]) -> str:
    """Return an act as the demo prints it."""
    lines = [f"{number}. {act.title}", ""]
    for one in played:
        lines += [f"   {one.step.note}"] if one.step.note else []
        lines += [f"   $ mlci {shlex.join(one.step.command)}", ""]
        lines += [f"   {line}".rstrip() for line in one.output.rstrip().splitlines()]
        lines += [""]
    return "\n".join(lines)
