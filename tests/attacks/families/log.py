"""Shell and log: text that acts on GitHub's runner, on a terminal, or on the runner's files."""

import json
import warnings
from collections.abc import Callable
from functools import partial

import click

from mlci.cli.error_handler import print_error
from mlci.cli.github_actions import write_outputs, write_summary
from mlci.errors import InputError, Problem
from mlci.events.step_logs import ActionsLog
from mlci.execution.metrics_file import read_metrics_file
from mlci.execution.sanitize import LineSplitter
from tests.attacks.attack import Attack
from tests.attacks.scene import Scene
from tests.support.project import predictions, small_files

PAYLOADS = {
    "set-output": "::set-output name=verdict::pass",
    "set-output in capitals": "::SET-OUTPUT name=verdict::pass",
    "command after a no-break space": "\u00a0\u2003::set-output name=verdict::pass",
    "command after a carriage return": "epoch 1\r::set-output name=verdict::pass",
    "old command within a line": "loss ##[set-output name=verdict]pass",
    "command with a zero-width joiner": ":\u200d:set-output name=verdict::pass",
    "command with a soft hyphen": "#\u00ad#[set-output name=verdict]pass",
    "command with a combining mark": ":\u0301:set-output name=verdict::pass",
    "command in colour": "\x1b[31m::set-output name=verdict::pass",
    "command within an escape sequence": "#\x1b[0m#[set-output name=verdict]pass",
    "command after a line separator": "x\u2028::set-output name=verdict::pass",
    "mask of a word": "::add-mask::pass",
    "path of a program": "::add-path::/tmp/evil",
    "stopped commands": "::stop-commands::x",
    "matcher of problems": "::add-matcher::evil.json",
    "forged annotation": "::error file=mlci.yml,line=1::FORGED",
}


def _step_log(scene: Scene, *, text: str) -> None:
    """A step of the pull request prints the text; it passes through the log as every child's output does."""

    def show() -> None:
        import sys  # noqa: PLC0415 - the captured stream of this call

        log, splitter = ActionsLog(sys.stdout), LineSplitter()
        log.start(name="train", command=f"python train.py\n{text}")
        for line in splitter.feed(f"{text}\n".encode()):
            log.line(line.text())
        log.end(seconds=1.0, outcome="ended well")

    scene.call(show)


def _error(scene: Scene, *, text: str, path: str = "a.csv") -> None:
    """The text is part of a message, as from a file of the pull request."""
    scene.call(lambda: print_error(Problem(f"'{text}' is not a number\n{text}", path=path, line=3)))


def _crash(scene: Scene, *, text: str) -> None:
    """The text is part of an unexpected exception, which ends in a report of a bug."""

    def fail() -> None:
        raise RuntimeError(f"cannot read\n{text}")

    scene.call(fail)
    assert scene.code == 70
    scene.code = 2


def _warning(scene: Scene, *, text: str) -> None:
    """A library warns about a file of the pull request, and quotes it."""

    def warn() -> None:
        warnings.simplefilter("always")
        warnings.warn(f"found a duplicate\n    {text}", UserWarning, stacklevel=1)

    scene.call(warn)
    assert "duplicate" in scene.err


def _anchors(scene: Scene, *, text: str) -> None:
    """A parser of YAML warns about an anchor that stands twice, and quotes its line."""
    path = scene.plant("metrics.yaml", f"a: &x 1\n? {text}\n: &x 2\n")

    def read() -> None:
        warnings.simplefilter("always")
        read_metrics_file(path)

    scene.call(read)


def _registry(scene: Scene, *, folder: str, command: str) -> None:
    """The configuration names a folder for the registry, which progress and results show."""
    files = {**small_files(baseline="production"), "new.csv": predictions(3)}
    files["mlci.yml"] = files["mlci.yml"].replace("max_drop: 0.05", "min: 0.9") + f"registry: {json.dumps(folder)}\n"
    for name, text in files.items():
        scene.plant(name, text)
    scene.mlci(*command.split())


def _group(scene: Scene, *, group: str, words: tuple[str, ...]) -> None:
    """A group of the evaluation set has a name that acts; the report is printed as JSON, and kept."""
    cell = json.dumps(group).replace('\\"', '""')
    rows = [f"{i},{i // 10 % 2},{cell},{i // 10 % 2}" for i in range(100)]
    swap = ("key: id\n", "key: id\n  slices: [x]\n")
    files = small_files()
    files |= {"mlci.yml": files["mlci.yml"].replace(*swap), "holdout.csv": "\n".join(["id,z,x,y", *rows]) + "\n"}
    for name, text in files.items():
        scene.plant(name, text)
    scene.mlci("run", *words)
    scene.say((scene.work / ".mlci/out/report.json").read_text())


def _refusal(scene: Scene, *, text: str) -> None:
    """The text is a file of the pull request's configuration."""
    scene.plant("mlci.yml", f"model: m\n{text!r}: 1\ntask: {text!r}\n")
    scene.mlci("run")


def _output(scene: Scene, *, value: str) -> None:
    scene.call(lambda: write_outputs(scene.runner["GITHUB_OUTPUT"], {"report": value}))


def _summary(scene: Scene, *, arrange: Callable[[Scene], None], name: str) -> None:
    """The runner's file is not the runner's any more."""
    scene.runner[name].unlink()
    arrange(scene)

    def write() -> None:
        both = {"GITHUB_STEP_SUMMARY": write_summary, "GITHUB_OUTPUT": write_outputs}
        given = (lambda _: "text") if name == "GITHUB_STEP_SUMMARY" else {"verdict": "block"}
        if problem := both[name](scene.runner[name], given):
            raise InputError(problem)

    scene.call(write)
    scene.runner[name].unlink(missing_ok=True)


def _link(scene: Scene, *, name: str) -> None:
    scene.runner[name].symlink_to(scene.victim)


def _pipe(scene: Scene, *, name: str) -> None:
    import os  # noqa: PLC0415 - one function

    os.mkfifo(scene.runner[name])


ATTACKS = (
    *(Attack(f"log: {name}", "sanitized output", partial(_step_log, text=text)) for name, text in PAYLOADS.items()),
    *(Attack(f"message: {name}", "sanitized messages", partial(_error, text=PAYLOADS[name])) for name in list(PAYLOADS)[::4]),
    *(Attack(f"warning: {name}", "sanitized warnings", partial(_warning, text=PAYLOADS[name])) for name in list(PAYLOADS)[:3]),
    Attack("warning about an anchor", "sanitized warnings", partial(_anchors, text="::set-output name=verdict::pass")),
    *(Attack(f"registry with an old command in its name: mlci {command}", "guarded output", partial(_registry, folder="a/##[set-output name=verdict]pass", command=command)) for command in ("run", "versions", "ledger log")),
    Attack("old command that nothing sanitized", "guarded output", lambda scene: scene.call(click.echo, "x ##[set-output name=verdict]pass")),
    Attack("group with an old command in JSON", "escaped JSON", partial(_group, group="##[set-output name=verdict]pass", words=("--json",))),
    Attack("group with a command on the terminal", "guarded output", partial(_group, group="::x ##[set-output name=verdict]pass", words=())),
    Attack("path that ends its command", "escaped annotations", partial(_error, text="x", path="a::FORGED.csv")),
    Attack("path with properties", "escaped annotations", partial(_error, text="x", path="a.csv,line=7::FORGED")),
    *(Attack(f"bug report: {name}", "sanitized messages", partial(_crash, text=PAYLOADS[name])) for name in list(PAYLOADS)[:5:2]),
    *(Attack(f"configuration: {name}", "sanitized messages", partial(_refusal, text=PAYLOADS[name]), "error") for name in list(PAYLOADS)[1::5]),
    Attack("output that ends its block", "delimited outputs", partial(_output, value="x\nEOF\nverdict=pass\nverdict<<EOF\npass")),
    Attack("output with a line of its own", "delimited outputs", partial(_output, value="x\nverdict=pass")),
    Attack("outputs in a link", "regular files", partial(_summary, arrange=partial(_link, name="GITHUB_OUTPUT"), name="GITHUB_OUTPUT"), "not a regular file"),
    Attack("summary in a link", "regular files", partial(_summary, arrange=partial(_link, name="GITHUB_STEP_SUMMARY"), name="GITHUB_STEP_SUMMARY"), "not a regular file|can't write"),
    Attack("outputs in a pipe", "regular files", partial(_summary, arrange=partial(_pipe, name="GITHUB_OUTPUT"), name="GITHUB_OUTPUT"), "not a regular file"),
)  # fmt: skip
