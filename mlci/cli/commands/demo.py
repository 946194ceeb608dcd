"""``mlci demo``, and ``mlci demo --lifecycle``: states of one repository, evaluated and promoted, then production."""

import contextlib
import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.demo.acts import act_text, acts, play_act
from mlci.cli.earlier_output import prepare_output
from mlci.cli.output_files import keep_out_of_git
from mlci.cli.registry.audit import audit_summary, audit_text
from mlci.cli.registry.outcomes import promotion_text
from mlci.cli.registry_factory import open_registry, runtime_environment
from mlci.cli.run_output import save_files, write_report
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.loader import CheckedConfig
from mlci.demo.project import Chapter, chapters, write_data
from mlci.demo.project import write as write_project
from mlci.errors import InputError
from mlci.git.git import Git
from mlci.operations import bundle
from mlci.operations.cost.records import record_asked_cost
from mlci.operations.holdout import holdout_uses
from mlci.operations.registry.promote import PromoteOptions, PromotionResult, promote
from mlci.operations.registry.rollback import roll_back
from mlci.operations.run import run_and_judge
from mlci.registry import ledger
from mlci.registry.registry import Registry
from mlci.registry.verification import verify_registry
from mlci.report.document import Candidate, Report
from mlci.report.serialization import dump_report
from mlci.report.terminal import render_terminal
from mlci.util.digests import sha256_of
from mlci.util.json_text import pretty_json

MARK = ".mlci-demo"
_WIDTH = 87
_AUTHOR = ("-c", "user.name=mlci demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Narrator:
    """Result of one chapter."""

    chapter: Chapter
    report: Report
    comment: Path
    lines: tuple[str, ...]
    outcome: PromotionResult | None


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the demo's project and report; by default .mlci/demo, or .mlci/lifecycle.",
)
@options.as_json
@click.option("--regress", is_flag=True, help="Plant a regression in the candidate and see it blocked (exit code 1).")
@click.option("--lifecycle", is_flag=True, help="See models promoted, blocked and rolled back, and what follows.")
def command(out: Path | None, *, as_json: bool, regress: bool, lifecycle: bool) -> int:
    """See all of it on real data: 442 patients, two models, five gates; no network, no configuration.

    \b
    Examples:
      mlci demo
      mlci demo --regress
      mlci demo --lifecycle
    """  # noqa: D301 (click's mark against rewrapping)
    if lifecycle:
        return play_lifecycle(out or Path(".mlci/lifecycle"), as_json=as_json)
    out = out or Path(".mlci/demo")
    prepare_output(out)
    try:
        path = write_project(out, regress=regress)
    except ImportError as error:
        raise InputError("the demo trains with scikit-learn: pip install 'mlci[metrics]'") from error
    with run_context(load_configuration(path)) as context:
        report = run_and_judge(context).report
    report = report.model_copy(update={"candidate": Candidate()})  # the repository around it has nothing to do with it
    return write_report(report, out, as_json=as_json)


def play_lifecycle(out: Path, *, as_json: bool) -> int:
    """Play all chapters in a separate folder and print them; the exit code is 0 although a candidate is blocked.

    Raises:
        InputError: if the folder contains something else than an earlier demo.
    """
    _fresh(out)
    played, models = [], {}
    for index, chapter in enumerate(chapters(), 1):
        played.append(_play(out, index, chapter, as_json=as_json))
        models[chapter.name] = (out / "model.json").read_text(encoding="utf-8")
    followed = _play_acts(out, models, len(played), as_json=as_json)
    loaded, registry = _at(out)
    whole = audit_summary(verify_registry(registry.store, contents=True), contents=True)
    if as_json:
        click.echo(pretty_json({**_document(played, registry, loaded), "acts": followed}))
        return 0
    click.echo("All decisions in the ledger (`mlci ledger log`):\n")
    for entry in ledger.iter_all(registry.store):
        click.echo(f"  {entry.number}  {audit_text(entry)}")
    click.echo(f"\n{whole}\n\ncomments: {out / 'comments'}\ngo on:    mlci versions --config {out / 'mlci.yml'}")
    return 0


def _play_acts(out: Path, models: dict[str, str], before: int, *, as_json: bool) -> list[dict[str, Any]]:
    """Play what follows a promotion and print it; return commands and exit codes."""
    followed = []
    for number, act in enumerate(acts(models), before + 1):
        played = play_act(act, out)
        followed += [{"act": act.name, "command": list(one.step.command), "exit_code": one.step.code} for one in played]
        if not as_json:
            click.echo(act_text(number, act, played))
    return followed


def _fresh(out: Path) -> None:
    """Make an empty folder with a new git repository and the data."""
    if out.exists() and any(out.iterdir()) and not (out / MARK).is_file():
        raise InputError(f"{out} is not empty and does not contain an earlier demo; choose another folder with --out")
    shutil.rmtree(out, ignore_errors=True)
    if out.parent.name == ".mlci":
        keep_out_of_git(out.parent)
    out.mkdir(parents=True)
    (out / MARK).touch()
    (out / "comments").mkdir()
    try:
        write_data(out)
    except ImportError as error:
        raise InputError("the demo's data ship with scikit-learn: pip install 'mlci[metrics]'") from error
    with contextlib.suppress(InputError):  # without git, versions have no commit
        _git(out).must("init", "--quiet")


def _git(out: Path) -> Git:
    return Git(folder=out, environment=dict(os.environ))


def _at(out: Path) -> tuple[CheckedConfig, Registry]:
    loaded = load_configuration(out / "mlci.yml")
    return loaded, open_registry(loaded, out, writes=True)


def _play(out: Path, index: int, chapter: Chapter, *, as_json: bool) -> Narrator:
    """Commit a state, evaluate it, and promote or roll back as the chapter describes."""
    for name, text in chapter.files.items():
        (out / name).write_text(text, encoding="utf-8")
    with contextlib.suppress(InputError):
        _git(out).must("add", "--all")
        _git(out).must(*_AUTHOR, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", chapter.title)
    loaded, registry = _at(out)
    lines = []
    if chapter.rolls_back:
        done = roll_back(registry, to=None, reason=chapter.rolls_back)
        lines.append(f"$ mlci rollback --reason '{chapter.rolls_back}'")
        lines.append(f"version {done.version} is in production again; version {done.replaced} is not")
    report = _judge(out, loaded, registry)
    comment = out / "comments" / f"{index}-{chapter.name}.md"
    shutil.copyfile(out / ".mlci/out/comment.md", comment)
    outcome = _promote(out, loaded, registry) if chapter.promotes else None
    narrator = Narrator(chapter, report, comment, tuple(lines), outcome)
    if not as_json:
        _print(index, narrator)
    return narrator


def _judge(out: Path, loaded: CheckedConfig, registry: Registry) -> Report:
    """Do what `mlci run --record` does."""
    into = out / ".mlci/out"
    prepare_output(into)
    with run_context(loaded, registry=registry, log=io.StringIO()) as context:
        ran = run_and_judge(context, keep=True, environment=runtime_environment())
        text = dump_report(ran.report)
        bundle.write_bundle(context, into, ran, text)
        save_files(ran.report, into)
        if ran.use is not None:
            digest = sha256_of(text.encode())
            holdout_uses.record_use(context, ran.use, ran.report, digest=digest, against=ran.comparison.against)
        record_asked_cost(context, ran.report, digest=sha256_of(text.encode()), path=into / "report.json")
    return ran.report


def _promote(out: Path, loaded: CheckedConfig, registry: Registry) -> PromotionResult:
    into = out / ".mlci/out"
    with run_context(loaded, registry=registry, log=io.StringIO()) as context:
        return promote(context, out=into, options=PromoteOptions(), save=lambda report: save_files(report, into))


def _print(index: int, narrator: Narrator) -> None:
    click.echo(f"{index}. {narrator.chapter.title}\n")
    for line in narrator.lines:
        click.echo(f"   {line}")
    click.echo("   $ mlci run --record\n")
    for line in render_terminal(narrator.report, colour=False, width=_WIDTH).splitlines():
        click.echo(f"   {line}".rstrip())
    if narrator.outcome is not None:
        click.echo(f"\n   $ mlci promote\n   {promotion_text(narrator.outcome, narrator.comment)}")
    click.echo("")


def _document(played: list[Narrator], registry: Registry, loaded: CheckedConfig) -> dict[str, Any]:
    parts = [
        {
            "chapter": item.chapter.name,
            "verdict": item.report.verdict,
            "against": item.report.baseline.version,
            "promoted": item.outcome.version if item.outcome else None,
            "comment": str(item.comment),
        }
        for item in played
    ]
    view = registry.view()
    return {
        "model": loaded.config.model,
        "chapters": parts,
        "entries": view.number,
        "champion": view.state.champion,
    }
