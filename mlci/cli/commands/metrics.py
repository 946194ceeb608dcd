"""``mlci metrics``."""

import json
from dataclasses import asdict

import click

from mlci.metrics import catalogue
from mlci.metrics.catalogue import ALIASES
from mlci.metrics.entries import ENTRIES, MetricInfo


@click.command()
@click.argument("name", required=False)
@click.option(
    "--task", type=click.Choice(["binary", "multiclass", "regression", "ranking"]), help="Only metrics of one task."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--markdown", is_flag=True, help="Print the documentation page.")
def command(name: str | None, task: str | None, *, as_json: bool, markdown: bool) -> int:
    """List the metrics that gates can name, or explain one.

    \b
    Examples:
      mlci metrics --task binary
      mlci metrics equalized_odds_difference
    """  # noqa: D301 (click's mark against rewrapping)
    metrics = _chosen(name, task)
    if markdown:
        click.echo(metrics_page(metrics), nl=False)
    elif as_json:
        click.echo(json.dumps([_plain(info) for info in metrics], indent=2, ensure_ascii=False))
    elif name is not None:
        click.echo(_card(metrics[0]))
    else:
        click.echo(_table(metrics))
        click.echo(
            "\nEvery rate, ratio and mean also has NAME_difference, NAME_ratio and NAME_shift across groups; so have\n"
            + ", ".join(f"{parity}_difference / _ratio / _shift" for parity in catalogue.PARITIES)
            + ".\nAny other scikit-learn metric name and module:function work too, by a row bootstrap."
        )
    return 0


def _chosen(name: str | None, task: str | None) -> list[MetricInfo]:
    if name is not None:
        info = catalogue.find(name)
        if info is None:
            near = catalogue.nearest_metric(name)
            raise click.UsageError(f"no metric is called {name!r}" + (f"; did you mean {near}?" if near else ""))
        return [info]
    return [info for info in ENTRIES if task is None or task in info.tasks]


def _plain(info: MetricInfo) -> dict[str, object]:
    return {**asdict(info), "tasks": sorted(info.tasks)}


def _card(info: MetricInfo) -> str:
    bounds = f"{'−∞' if info.low is None else f'{info.low:g}'} to {'∞' if info.high is None else f'{info.high:g}'}"
    rows = {
        "name": info.name,
        "what": info.title,
        "formula": info.formula,
        "better": info.direction,
        "range": bounds,
        "unit": info.unit,
        "tasks": ", ".join(sorted(info.tasks)),
        "interval": "yes" if info.interval else "no: judged on the estimate",
        "source": info.source,
    }
    return "\n".join(f"{key:>9}  {value}" for key, value in rows.items())


def _table(infos: list[MetricInfo]) -> str:
    from tabulate import tabulate  # noqa: PLC0415 (only for the table)

    rows = [[info.name, info.direction, ", ".join(sorted(info.tasks)), info.formula] for info in infos]
    return tabulate(rows, headers=["metric", "better", "task", "formula"], disable_numparse=True)


def metrics_page(infos: list[MetricInfo]) -> str:
    """Return the page of all metrics, ``docs/reference/metrics.md``."""
    from tabulate import tabulate  # noqa: PLC0415 (only for the table)

    rows = [
        [
            f"`{info.name}`",
            info.direction,
            ", ".join(sorted(info.tasks)),
            info.unit,
            info.formula.replace("|", "\\|"),
            "yes" if info.interval else "no",
            info.source,
        ]
        for info in infos
    ]
    headers = ["metric", "better", "task", "unit", "formula", "interval", "source"]
    aliases = ", ".join(f"`{alias}` = `{name}`" for alias, name in ALIASES.items())
    parities = "\n".join(
        f"| `{parity}_difference`, `{parity}_ratio`, `{parity}_shift` | {', '.join(f'`{base}`' for base in bases)} |"
        for parity, bases in catalogue.PARITIES.items()
    )
    return _PAGE.format(
        table=tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True),
        aliases=aliases,
        parities=parities,
    )


_PAGE = """\
# Metrics

Written by `mlci metrics --markdown`; do not edit. TP, FP, FN and TN are counts of decisions, e is prediction minus
label. 0/0 is undefined, never 0 or 1. A label of 0 under a percentage error is refused, by its row.

{table}

Aliases: {aliases}. `precision[x]`, `recall[x]` and `f1[x]` look at one class of a multiclass task.

## Functions of scores

Functions of binary labels and scores that scikit-learn does not have (calibration: Cox 1958), resampled like [its
own](configuration.md#intervals-of-functions):

| metric | better | value |
|:--|:--|:--|
| `recall_at_fpr`, `params: {{fpr: 0.05}}` | higher | best recall at this false-positive rate |
| `specificity_at_sensitivity`, `params: {{sensitivity: 0.9}}` | higher | best specificity at this sensitivity |
| `calibration_slope` | none | b of logit P(label) = a + b logit(score); 1 is best, less is too extreme |
| `calibration_intercept` | none | a of logit P(label) = a + logit(score); 0 is best, more is too low |

## Disparities

Over the groups of a slice: the largest difference, or the smallest ratio, between two of them; with a `reference`
group, between it and any other. The candidate's own is limited by `max` (ratios: `min`), its change against the
baseline by `max_rise` (`max_drop`).

With `params: {{method: to_overall}}`, as in fairlearn, each group of a rate or a mean is compared with the whole set
instead; `max` (ratios: `min`) limits the candidate's own, and its change has no interval.

A **shift** compares both models by itself: the largest change of a group minus the smallest, candidate minus baseline
on the same rows. It is limited by `max`, needs a baseline and has no value of one model. A group that was ahead and is
now behind counts in full, while the difference between the groups may be the same as before.
[Which one to use](../explanation/how-gates-decide.md#a-shift-or-the-change-of-a-disparity).

| disparity | of |
|:--|:--|
{parities}
| `NAME_difference`, `NAME_ratio` | any rate, ratio, rank metric or mean above; ratios only of what can't be negative |
| `NAME_shift` | the same, but for `prevalence` and `predicted_positive_share` |

## Anything else

A function of `sklearn.metrics`, a scikit-learn scorer or your own `module:function(labels, predictions)` is evaluated
on resamples of the rows, both models on the same ones, in a process of its own. Functions that take `sample_weight`
have an interval by the jackknife, others by the bootstrap; `method` beside the metric
[overrides that](configuration.md#intervals-of-functions). Your own functions get labels and predictions as they stand
in your tables; [the configuration](configuration.md#functions-of-your-own) describes how a function gets scores or
decisions.
"""
