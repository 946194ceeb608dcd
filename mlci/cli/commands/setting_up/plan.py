"""``mlci plan``."""

import math
from pathlib import Path

import click

from mlci import __version__
from mlci.cli import options
from mlci.cli.earlier_output import read_report_file
from mlci.cli.output_files import write_files
from mlci.cli.standard_output import terminal_style
from mlci.cli.wiring import load_configuration, run_context
from mlci.config.loader import CheckedConfig
from mlci.config.models import ScoresConfig
from mlci.operations.planning.assumed import Assumptions, plan_assumed
from mlci.operations.planning.from_logs import MARGIN, LogQuestion, plan_logs
from mlci.operations.planning.from_report import plan_report
from mlci.operations.scores import logs
from mlci.planning.plan import Prices
from mlci.planning.result import EvaluationPlan
from mlci.report.plan.page import render_plan_page
from mlci.report.plan.text import render_plan_text
from mlci.scores.formats.detect import read_log
from mlci.scores.score_log import ScoreLog
from mlci.util.json_text import pretty_json

PAGE = "plan.html"
_GROUP = 30
_SHARE = click.FloatRange(0, 1)
_POSITIVE = click.FloatRange(0, min_open=True)


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@options.config
@click.option("--drop", type=_POSITIVE, help="Drop that each gate has to find; by default twice its margin.")
@click.option("--cost-per-item", type=_POSITIVE, help="US dollars for one answer to one item; by default the log's.")
@click.option("--cost-per-new-item", type=_POSITIVE, help="US dollars for writing or labelling one more item.")
@click.option("--disagreement", type=_SHARE, help="Share of rows on which two equally good models differ.")
@click.option("--margin", type=_POSITIVE, default=MARGIN, show_default=True, help="Margin without gates.")
@click.option("--rows", type=click.IntRange(1), help="Assume this number of rows or items, and read no files.")
@click.option("--accuracy", type=_SHARE, help="With --rows: share of right answers.")
@click.option("--sd", type=_POSITIVE, help="With --rows: standard deviation of a row's change, for other metrics.")
@click.option(
    "--within-variance", type=click.FloatRange(0), help="With --rows: variance of one answer around its item's mean."
)
@click.option(
    "--between-variance", type=click.FloatRange(0), help="With --rows: variance of an item's change between models."
)
@click.option("--repeats", type=click.IntRange(1), default=1, help="With --rows: answers of a model to each item.")
@click.option("--cluster-size", type=click.IntRange(1), help="With --rows: items that belong together.")
@click.option("--cluster-correlation", type=_SHARE, help="With --rows: correlation of two items' changes in a cluster.")
@click.option("--gates", type=click.IntRange(1), default=1, help="With --rows: gates, such as groups of a slice.")
@options.output_folder("Folder with the last run's report.json; plan.html is written there.")
@options.as_json
def command(files: tuple[Path, ...], *, config_path: Path, out: Path, as_json: bool, **figures: float | None) -> int:
    """Plan an evaluation: what its gates can decide, and the rows, items or repeats that they need.

    Figures come from the last run's report.json, from a FILE that is one, from one or two evaluation logs, or with
    `--rows` from assumptions. For each gate it shows the power now, the smallest drop that is found in 80 % of the pull
    requests, and the sizes with which it decides; plan.html has the power curves. Powers are those of the intervals
    that `mlci run` judges by.

    \b
    Examples:
      mlci plan
      mlci plan logs/main.eval logs/candidate.eval --drop 0.05
      mlci plan --rows 500 --accuracy 0.9 --disagreement 0.05 --margin 0.02
      mlci plan --rows 200 --accuracy 0.7 --within-variance 0.1 --repeats 3 --cost-per-item 0.02
    """  # noqa: D301 (click's mark against rewrapping)
    _refuse_unusable(figures)
    prices = Prices(answer=figures["cost_per_item"], new_item=figures["cost_per_new_item"])
    if figures["rows"] is not None:
        if files:
            raise click.UsageError("--rows assumes figures; leave it out to plan from files")
        plan = plan_assumed(_assumptions(figures, prices))
    else:
        _refuse_assumptions(figures)
        plan = _from_files(files, config_path, out, figures, prices)
    page = render_plan_page(plan, footer=f"mlci {__version__}")
    write_files(out, {PAGE: page})
    if as_json:
        click.echo(pretty_json(plan.as_document()))
        return 0
    click.echo(render_plan_text(plan, width=terminal_style()[1]), nl=False)
    click.echo(f"\nPage: {out / PAGE}", err=True)
    return 0


_ASSUMED = ("accuracy", "sd", "within_variance", "between_variance", "cluster_size", "cluster_correlation")


def _refuse_unusable(figures: dict[str, float | None]) -> None:
    """Refuse figures that are no number, and a correlation of clusters without their size."""
    for name, figure in figures.items():
        if figure is not None and not math.isfinite(figure):
            raise click.UsageError(f"--{name.replace('_', '-')} is {figure}, and has to be a finite number")
    if figures["cluster_correlation"] is not None and figures["cluster_size"] is None:
        raise click.UsageError("--cluster-correlation has no effect without --cluster-size; add it, such as 10")


def _refuse_assumptions(figures: dict[str, float | None]) -> None:
    """Refuse figures that nothing would use."""
    named = [f"--{name.replace('_', '-')}" for name in _ASSUMED if figures[name] is not None]
    named += [f"--{name}" for name in ("repeats", "gates") if figures[name] != 1]
    if named:
        raise click.UsageError(f"{', '.join(named)}: only with --rows; without it figures come from files")


def _assumptions(figures: dict[str, float | None], prices: Prices) -> Assumptions:
    return Assumptions(
        rows=int(figures["rows"] or 0),
        margin=figures["margin"] or MARGIN,
        drop=figures["drop"],
        accuracy=figures["accuracy"],
        disagreement=figures["disagreement"],
        sd=figures["sd"],
        within=figures["within_variance"],
        between=figures["between_variance"],
        repeats=int(figures["repeats"] or 1),
        cluster_size=None if figures["cluster_size"] is None else int(figures["cluster_size"]),
        cluster_correlation=figures["cluster_correlation"],
        gates=int(figures["gates"] or 1),
        prices=prices,
    )


def _from_files(
    files: tuple[Path, ...], config_path: Path, out: Path, figures: dict[str, float | None], prices: Prices
) -> EvaluationPlan:
    loaded = load_configuration(config_path) if config_path.exists() else None
    config = loaded.config if loaded else None
    scored = isinstance(config, ScoresConfig)
    if any(path.suffix == ".json" and path.stem.startswith("report") for path in files) or (not files and not scored):
        report = read_report_file(files[0] if files else out / "report.json")
        group = config.evaluation.min_group_size if config and config.evaluation else _GROUP
        return plan_report(
            report,
            min_group_size=group,
            disagreement=figures["disagreement"],
            drop=figures["drop"],
            prices=Prices(new_item=prices.new_item),
        )
    if len(files) > 2:
        raise click.UsageError("name one log, or those of two models")
    question = LogQuestion(
        config=config if isinstance(config, ScoresConfig) else None,
        margin=figures["margin"] or MARGIN,
        drop=figures["drop"],
        disagreement=figures["disagreement"],
        prices=prices,
        seed=config.policy.seed if config else 7,
    )
    log, other = _logs(files, loaded)
    return plan_logs(log, other, question)


def _logs(files: tuple[Path, ...], loaded: CheckedConfig | None) -> tuple[ScoreLog, ScoreLog | None]:
    """Return the logs that are named, or those of the configuration."""
    if loaded is None or not isinstance(loaded.config, ScoresConfig):
        found = [read_log(path) for path in files]
        return found[-1], found[0] if len(found) == 2 else None
    with run_context(loaded, cached=False, user_code=False) as run:
        context = run.with_config(loaded.config)
        if not files:
            return logs.configured_logs(context)
        read = [logs.read_logs([path], Path.cwd(), context) for path in files]
        return read[-1], read[0] if len(read) == 2 else None
