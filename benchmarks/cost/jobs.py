"""The job as a user writes it: an ``mlci.yml`` for each of its forms."""

from pathlib import Path

COUNTS = ("accuracy", "recall", "precision", "f1")
EVERYTHING = (*COUNTS, "roc_auc", "brier_score_loss")
_FORMS = {
    "one": ("one.parquet", "", "one.parquet", "one.parquet", "q"),
    "joined": ("rows.parquet", "key: key, ", "candidate.parquet", "baseline.parquet", "p"),
}
JOBS = ("counts-one", "all-one", "counts-joined", "all-joined")


def write(folder: Path) -> None:
    """Write ``counts-one.yml``, ``all-one.yml``, ``counts-joined.yml`` and ``all-joined.yml`` beside the data."""
    for name in JOBS:
        metrics, form = name.split("-")
        chosen = COUNTS if metrics == "counts" else EVERYTHING
        (folder / f"{name}.yml").write_text(_config(chosen, form), encoding="utf-8")


def _config(metrics: tuple[str, ...], form: str) -> str:
    data, key, candidate, baseline, score = _FORMS[form]
    return (
        "model: cost\n"
        "task: binary\n"
        f"evaluation: {{data: {data}, {key}label: y, slices: [s1, s2, s3], metrics: [{', '.join(metrics)}]}}\n"
        f"predict: {{file: {candidate}, score: p}}\n"
        f"baseline: {{file: {baseline}, score: {score}}}\n"
        "gates:\n"
        "  - {metric: accuracy, min: 0.5, max_drop: 0.05}\n"
        "  - {metric: recall, each: s1, max_drop: 0.05}\n"
    )
