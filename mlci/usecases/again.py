"""A bundle judged again: the same model, on the current rows, under the current gates, against the current champion."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlci.config.load import Loaded
from mlci.config.models import Config
from mlci.engine.files import suffix_of
from mlci.engine.interface import Source
from mlci.errors import UserCodeError
from mlci.gates.rules import Judged
from mlci.inference.evaluation import EvaluationResult
from mlci.lineage.fingerprints import is_recorded
from mlci.lineage.rows import Rows
from mlci.registry import entries
from mlci.registry.ledger import Tail
from mlci.registry.manifest import File
from mlci.report.document import Report
from mlci.steps import metrics_file
from mlci.usecases import (
    bundle,
    by_training,
    datarows,
    held,
    history,
    lineage,
    metrics_only,
    noise,
    plan,
    production,
    scoring,
    uses,
)
from mlci.usecases.document import Facts, document
from mlci.usecases.held import Held, Piece
from mlci.usecases.history import Now
from mlci.usecases.opened import Opened
from mlci.usecases.origins import origins
from mlci.usecases.paths import located
from mlci.usecases.run import judged, verdicts
from mlci.usecases.sides import PER_ROWS, Side
from mlci.usecases.tools import Tools


def judge_again(
    loaded: Loaded,
    tools: Tools,
    opened: Opened,
    end: Tail,
    *,
    folder: Path,
    facts: Facts,
    rows: str,
    save: Callable[[Report], str],
) -> Opened:
    """Compare a bundle's model with the champion as things stand, and return it with the new report.

    Its own predictions are used where the rows are the same; where they moved, its own model scores them, nothing is
    trained. The bundle itself stays as it is.

    Args:
        loaded: The current configuration.
        tools: Effects, with the registry.
        opened: The bundle.
        end: The ledger's end.
        folder: Folder of the configuration.
        facts: What the command line knows.
        rows: What identifies the current rows.
        save: Writes a new report and everything rendered from it; returns the text of ``report.json``.

    Raises:
        UserCodeError: if user code would have to run in a job that must not run any.
    """
    _refuse_custom_metrics(loaded.config, tools)
    config = loaded.config.model_copy(update={"baseline": "production"})
    loaded = replace(loaded, config=config)
    if config.evaluation is None:
        baseline, result, gates = _numbers(loaded, tools, opened, end)
    else:
        data = located(config.evaluation.data, folder)
        opened = (
            opened
            if is_recorded(opened.content.predictions.fingerprint, rows)
            else _scored(loaded, tools, opened, data, rows)
        )
        candidate = _candidate(opened)
        baseline = production.baseline(loaded, tools, end, data=data, scored=opened.scored)
        measured = judged(config, candidate, baseline, tools, data=data)
        result, facts = measured.result, replace(facts, shared=measured.shared)
        against = baseline.version if baseline else None
        gates = verdicts(config, result, noise.noise(config, tools.registry, end, against=against, rows=rows))
    said = opened.content.predictions.file
    look = Held(digest=said.digest, predictions=None)
    use = uses.of(config, result.fingerprint, look, tools)
    facts = _facts(loaded, opened, baseline, replace(facts, uses=use.count if use else None))
    kept = datarows.kept(config, tools, folder)
    now = _now(opened, result, kept[1] if kept else None)
    if facts.made_by_training:
        result = replace(result, notes=(*result.notes, by_training.MADE))
    result, facts = history.told(config, tools, end, result=result, facts=facts, now=now)
    report = document(result, gates, facts)
    text = save(report).encode()
    if use is not None:
        against = baseline.version if baseline else None
        uses.record(tools, use, report, digest=entries.digest(text), against=against)
    return _with_report(opened, report, text, tools, kept[0] if kept else None)


def _refuse_custom_metrics(config: Config, tools: Tools) -> None:
    """Refuse custom metrics where user code must not run: the run's values are about another comparison."""
    own = [metric.function for metric in plan.needs(config).custom if metric.is_users] if config.evaluation else []
    if own and not tools.user_code:
        raise UserCodeError(f"the custom metric `{own[0]}` would have to be evaluated")


def _numbers(
    loaded: Loaded, tools: Tools, opened: Opened, end: Tail
) -> tuple[Side | None, EvaluationResult, tuple[Judged, ...]]:
    """Compare the numbers of two metrics files."""
    before = metrics_only.of_production(tools, end)
    path = opened.paths[opened.content.predictions.file.digest]
    now = metrics_file.read(path, shown=path.name).values
    result = metrics_only.compare(loaded, now, before.values if before else None, ())
    gates = metrics_only.judge_values(loaded, result, now, before.values if before else None)
    side = Side(source=Source(path=""), commit=before.commit, version=before.version) if before else None
    return side, result, gates


def _candidate(opened: Opened) -> Side:
    said = opened.content.predictions
    path = str(opened.paths[said.file.digest])
    return Side(
        source=Source(path=path, score=said.score, decision=said.decision, threshold=said.threshold),
        costs=opened.content.costs,
        measured_for=PER_ROWS,
    )


def _scored(loaded: Loaded, tools: Tools, opened: Opened, data: str, rows: str) -> Opened:
    """Return the bundle with its own model's predictions on the current rows.

    Raises:
        UserCodeError: if user code must not run here.
    """
    if not tools.user_code:
        raise UserCodeError("the bundle's own model would have to score the evaluation set")

    def fetch(file: File, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(opened.paths[file.digest], target)
        return target

    side = scoring.score(loaded, tools, opened.content, fetch, data=data, of="this bundle", name="candidate")
    path = Path(side.source.path)
    part = held.piece(path, f"predictions{suffix_of(str(path))}")
    columns = {"score": side.source.score, "decision": side.source.decision, "threshold": side.source.threshold}
    predictions = opened.content.predictions.model_copy(update={"fingerprint": rows, "file": part.file, **columns})
    content = opened.content.model_copy(update={"predictions": predictions})
    return replace(opened, content=content, paths={**opened.paths, part.file.digest: path})


def _facts(loaded: Loaded, opened: Opened, baseline: Side | None, known: Facts) -> Facts:
    """Return the facts of the new report: the candidate is still the one of the old."""
    seconds = opened.report.provenance.seconds.model_dump(exclude_none=True)
    found = origins(known, loaded.config, Side(source=Source(path="")), baseline, seconds=seconds, head=None, held=None)
    digest = f"sha256:{opened.content.predictions.file.digest}"
    candidate = opened.report.candidate.model_copy(update={"predictions": digest})
    return replace(found, candidate=candidate, made_by_training=opened.report.evaluation.made_by_training)


def _now(opened: Opened, result: EvaluationResult, rows: Rows | None) -> Now:
    own = (opened.content.recipe.config, *opened.content.environment.lock)
    texts = {file.digest: opened.paths[file.digest].read_bytes() for file in own}
    origin = lineage.of_content(opened.content, lambda file: texts[file.digest])
    known = replace(origin, fingerprint=result.fingerprint or uses.ON_NUMBERS)
    return Now(origin=known, texts=texts, rows=rows)


def _with_report(opened: Opened, report: Report, text: bytes, tools: Tools, rows: Piece | None) -> Opened:
    """Return the bundle with its new report, judged on the current rows."""
    path = tools.scratch / "report.json"
    path.write_bytes(text)
    file = File(name=bundle.REPORT, digest=entries.digest(text), bytes=len(text))
    judged_on = report.evaluation
    known = {"fingerprint": judged_on.fingerprint or uses.ON_NUMBERS, "rows": judged_on.rows or 0}
    data = opened.content.data.model_copy(update={**known, "keys": rows.file if rows else None})
    update = {"report": file, "metrics": bundle.whole_set(report), "data": data}
    content = opened.content.model_copy(update=update)
    paths = {**opened.paths, file.digest: path, **({rows.file.digest: rows.path} if rows else {})}
    return replace(opened, content=content, report=report, paths=paths)
