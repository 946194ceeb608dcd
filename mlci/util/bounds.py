"""Limits on bytes from outside: name, value, unit, what is counted, and what usually exceeds each of them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One limit.

    Attributes:
        name: Name in documentation and tests.
        value: The largest allowed number.
        unit: Unit of the number.
        of: What is counted.
        exceeds: What usually exceeds it.
    """

    name: str
    value: int
    unit: str
    of: str
    exceeds: str

    def __str__(self) -> str:
        """Write ``67,108,864 bytes``."""
        return f"{self.value:,} {self.unit}"


ARTIFACT_BYTES = Bound(
    name="artifact",
    value=64 << 20,
    unit="bytes",
    of="the artifact of sealed predictions, as it is downloaded",
    exceeds="files beside the two that `mlci sealed predict` writes, or more than two million rows",
)
INFLATED_BYTES = Bound(
    name="artifact-inflated",
    value=512 << 20,
    unit="bytes",
    of="both files of the artifact, uncompressed",
    exceeds="an archive that is made to expand",
)
ARCHIVE_ENTRIES = Bound(
    name="artifact-entries",
    value=2,
    unit="entries",
    of="files in the artifact",
    exceeds="an upload of another folder than the one that `mlci sealed predict` wrote",
)
MANIFEST_BYTES = Bound(
    name="sealed-manifest",
    value=64 << 10,
    unit="bytes",
    of="`manifest.json` of the artifact",
    exceeds="a file that another program wrote",
)
PREDICTION_ROWS = Bound(
    name="sealed-rows",
    value=10_000_000,
    unit="rows",
    of="`predictions.csv` of the artifact, and never more than the evaluation set has",
    exceeds="predictions for other rows than those of the evaluation set",
)
PREDICTION_CELL = Bound(
    name="sealed-cell",
    value=1 << 10,
    unit="bytes",
    of="one cell of `predictions.csv`",
    exceeds="keys or decisions that hold documents",
)
PREDICTION_COLUMNS = Bound(
    name="sealed-columns",
    value=103,
    unit="columns",
    of="`predictions.csv`: key, score, decision, and the probabilities of 100 classes",
    exceeds="another table than the one that `mlci sealed predict` wrote",
)
CHANGED_FILES = Bound(
    name="changed-files",
    value=3_000,
    unit="files",
    of="the files that a pull request changes; GitHub lists no more",
    exceeds="generated files in a pull request",
)
LISTED_ARTIFACTS = Bound(
    name="listed-artifacts",
    value=300,
    unit="artifacts",
    of="the artifacts of the training's workflow run that are listed",
    exceeds="a workflow that uploads an artifact for each item of a large matrix",
)
COMMAND_CHARACTERS = Bound(
    name="command",
    value=4_000,
    unit="characters",
    of="a comment with a command",
    exceeds="a text that begins with `/mlci` and is not a command",
)
COMMAND_ARGUMENTS = Bound(
    name="command-arguments", value=12, unit="arguments", of="a command in a comment", exceeds="a reason without quotes"
)
GATE_CHARACTERS = Bound(
    name="command-gate", value=500, unit="characters", of="the id of a gate in a command", exceeds="another text"
)
REASON_CHARACTERS = Bound(
    name="command-reason", value=500, unit="characters", of="the reason of a waiver", exceeds="a discussion"
)
REPORT_ARTIFACT_BYTES = Bound(
    name="report-artifact",
    value=16 << 20,
    unit="bytes",
    of="the artifact with the report that a command reads",
    exceeds="an artifact that holds the bundle with the model",
)
REPORT_INFLATED_BYTES = Bound(
    name="report-inflated",
    value=32 << 20,
    unit="bytes",
    of="`report.json` in that artifact, uncompressed",
    exceeds="a report of more than 10,000 gates",
)
REPORT_ENTRIES = Bound(
    name="report-entries",
    value=10_000,
    unit="entries",
    of="files in that artifact",
    exceeds="an upload of another folder than `.mlci/out`",
)

BOUNDS = (
    ARTIFACT_BYTES,
    INFLATED_BYTES,
    ARCHIVE_ENTRIES,
    MANIFEST_BYTES,
    PREDICTION_ROWS,
    PREDICTION_CELL,
    PREDICTION_COLUMNS,
    CHANGED_FILES,
    LISTED_ARTIFACTS,
    COMMAND_CHARACTERS,
    COMMAND_ARGUMENTS,
    GATE_CHARACTERS,
    REASON_CHARACTERS,
    REPORT_ARTIFACT_BYTES,
    REPORT_INFLATED_BYTES,
    REPORT_ENTRIES,
)
"""All of them, for the table in the documentation."""
