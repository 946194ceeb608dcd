"""``mlci scores``."""

from pathlib import Path
from typing import Any

import click

from mlci.cli import options
from mlci.cli.standard_output import terminal_style
from mlci.execution.sanitize import sanitize
from mlci.report.text.markup import Plain
from mlci.report.text.number_format import format_duration, number_style, pluralize
from mlci.report.text.tables import ReportColumn, build_table
from mlci.report.text.terminal_layout import lay_out, wrap_text
from mlci.scores.formats.detect import FORMATS, read_log
from mlci.scores.summary import summarize
from mlci.util.json_text import pretty_json

Summary = dict[str, Any]


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, type=click.Path(path_type=Path))
@options.as_json
def command(files: tuple[Path, ...], *, as_json: bool) -> int:
    """Show what an evaluation log holds: items, repeats, scorers with their means, errored items, cost.

    The content decides which format it is. Nothing is judged.

    \b
    Examples:
      mlci scores logs/2026-11-30_support.eval
      mlci scores --json samples_gsm8k_2026-11-30.jsonl
    """  # noqa: D301 (click's mark against rewrapping)
    if not files:
        raise click.UsageError(f"name the file of a log; known are those of {', '.join(one.NAME for one in FORMATS)}")
    summaries = [summarize(read_log(path)) for path in files]
    if as_json:
        click.echo(pretty_json(summaries[0] if len(files) == 1 else summaries))
        return 0
    width = terminal_style()[1]
    click.echo("\n\n".join(_text(path, one, width) for path, one in zip(files, summaries, strict=True)))
    return 0


def _text(path: Path, summary: Summary, width: int) -> str:
    head = f"{path}: {summary['task'] or 'no task named'}, by {summary['tool']}"
    counted = [
        pluralize(summary["items"], "item"),
        pluralize(summary["repeats"], "repeat") if summary["repeats"] > 1 else "one answer each",
        *_usage(summary["usage"]),
    ]
    lines = [head, ", ".join(counted), *_problems(summary), *summary["notes"]]
    wrapped = [part for line in lines for part in wrap_text(sanitize(line), width)]
    return "\n".join([*wrapped, "", lay_out(_table(summary["scores"]), width=width)])


def _usage(usage: dict[str, float | None]) -> list[str]:
    cost, latency = usage["cost_usd"], usage["latency_seconds_p95"]
    tokens = [usage["input_tokens"], usage["output_tokens"]]
    return [
        *([] if cost is None else [number_style([cost], unit="usd").value(cost)]),
        *([] if None in tokens else [f"{tokens[0]:,.0f} tokens in and {tokens[1]:,.0f} out"]),
        *([] if latency is None else [f"95 % of the answers within {format_duration(latency)}"]),
    ]


def _problems(summary: Summary) -> list[str]:
    lines = [f"not a whole run: {summary['incomplete']}"] if summary["incomplete"] else []
    for kind, words in (("errored", "errored"), ("not_scored", "without a score")):
        found = summary[kind]
        if found["answers"]:
            first = found["first"][0]
            counted = pluralize(found["answers"], "answer")
            lines.append(f"{counted} {words}, the first for {first['item']}: {first['reason']}")
    return lines


def _table(scores: dict[str, Summary]) -> Any:  # noqa: ANN401 (a report's table)
    d, style = Plain(), number_style([one["mean"] for one in scores.values()])
    words = {True: "higher", False: "lower"}
    directions = [words.get(one["higher_is_better"]) for one in scores.values()]
    columns = [
        ReportColumn(d.number("Scorer"), [d.text(name) for name in scores], name=True),
        ReportColumn(d.number("Mean"), [d.number(style.value(one["mean"])) for one in scores.values()], right=True),
        ReportColumn(d.number("Items"), [d.number(f"{one['items']:,}") for one in scores.values()], right=True),
        ReportColumn(d.number("Better"), [None if word is None else d.number(word) for word in directions]),
    ]
    return build_table(d, columns)
