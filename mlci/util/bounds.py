"""Limits on bytes from outside: name, value, unit, what is counted, and what usually exceeds each of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """One limit.

    Attributes:
        name: Name in documentation and tests.
        value: The largest allowed number.
        unit: Unit of the number.
        of: What is counted.
        exceeds: What usually exceeds it.
        parser: ``module:function`` that enforces it.
    """

    name: str
    value: int
    unit: str
    of: str
    exceeds: str
    parser: str = ""

    def __str__(self) -> str:
        """Write ``67,108,864 bytes``."""
        return f"{self.value:,} {self.unit}"


ARTIFACT_BYTES = Bound(
    name="artifact",
    value=64 << 20,
    unit="bytes",
    of="the artifact of sealed predictions, as it is downloaded",
    exceeds="files beside the two that `mlci sealed predict` writes, or more than two million rows",
    parser="mlci.sealed.archive:read_archive",
)
INFLATED_BYTES = Bound(
    name="artifact-inflated",
    value=512 << 20,
    unit="bytes",
    of="both files of the artifact, uncompressed",
    exceeds="an archive that is made to expand",
    parser="mlci.sealed.archive:read_archive",
)
ARCHIVE_ENTRIES = Bound(
    name="artifact-entries",
    value=2,
    unit="entries",
    of="files in the artifact",
    exceeds="an upload of another folder than the one that `mlci sealed predict` wrote",
    parser="mlci.sealed.archive:read_archive",
)
MANIFEST_BYTES = Bound(
    name="sealed-manifest",
    value=64 << 10,
    unit="bytes",
    of="`manifest.json` of the artifact",
    exceeds="a file that another program wrote",
    parser="mlci.sealed.manifest:read_manifest",
)
PREDICTION_ROWS = Bound(
    name="sealed-rows",
    value=10_000_000,
    unit="rows",
    of="`predictions.csv` of the artifact, and never more than the evaluation set has",
    exceeds="predictions for other rows than those of the evaluation set",
    parser="mlci.sealed.predictions:parse_predictions",
)
PREDICTION_CELL = Bound(
    name="sealed-cell",
    value=1 << 10,
    unit="bytes",
    of="one cell of `predictions.csv`",
    exceeds="keys or decisions that hold documents",
    parser="mlci.sealed.predictions:parse_predictions",
)
PREDICTION_COLUMNS = Bound(
    name="sealed-columns",
    value=103,
    unit="columns",
    of="`predictions.csv`: key, score, decision, and the probabilities of 100 classes",
    exceeds="another table than the one that `mlci sealed predict` wrote",
    parser="mlci.sealed.predictions:parse_predictions",
)
CHANGED_FILES = Bound(
    name="changed-files",
    value=3_000,
    unit="files",
    of="the files that a pull request changes; GitHub lists no more",
    exceeds="generated files in a pull request",
    parser="mlci.github.workflow_runs:WorkflowRuns",
)
SEALED_LABEL_BYTES = Bound(
    name="sealed-labels",
    value=256 << 20,
    unit="bytes",
    of="a file of sealed labels",
    exceeds="labels of more rows than an evaluation set needs",
    parser="mlci.operations.sealed.labels:read_seal",
)
LISTED_ARTIFACTS = Bound(
    name="listed-artifacts",
    value=300,
    unit="artifacts",
    of="the artifacts of the training's workflow run that are listed",
    exceeds="a workflow that uploads an artifact for each item of a large matrix",
    parser="mlci.github.workflow_runs:WorkflowRuns",
)
COMMAND_CHARACTERS = Bound(
    name="command",
    value=4_000,
    unit="characters",
    of="a comment with a command",
    exceeds="a text that begins with `/mlci` and is not a command",
    parser="mlci.commands.grammar:parse_command",
)
COMMAND_ARGUMENTS = Bound(
    name="command-arguments",
    value=12,
    unit="arguments",
    of="a command in a comment",
    exceeds="a reason without quotes",
    parser="mlci.commands.grammar:parse_command",
)
GATE_CHARACTERS = Bound(
    name="command-gate",
    value=500,
    unit="characters",
    of="the id of a gate in a command",
    exceeds="another text",
    parser="mlci.commands.grammar:parse_command",
)
REASON_CHARACTERS = Bound(
    name="command-reason",
    value=500,
    unit="characters",
    of="the reason of a waiver",
    exceeds="a discussion",
    parser="mlci.commands.grammar:check_reason",
)
REPORT_ARTIFACT_BYTES = Bound(
    name="report-artifact",
    value=16 << 20,
    unit="bytes",
    of="the artifact with the report that a command reads",
    exceeds="an artifact that holds the bundle with the model",
    parser="mlci.github.collaboration:Collaboration.download",
)
REPORT_INFLATED_BYTES = Bound(
    name="report-inflated",
    value=32 << 20,
    unit="bytes",
    of="`report.json` in that artifact, uncompressed",
    exceeds="a report of more than 10,000 gates",
    parser="mlci.operations.commands.head_report:_member",
)
REPORT_ENTRIES = Bound(
    name="report-entries",
    value=10_000,
    unit="entries",
    of="files in that artifact",
    exceeds="an upload of another folder than `.mlci/out`",
    parser="mlci.operations.commands.head_report:_member",
)

CONFIG_BYTES = Bound(
    "configuration", 256 << 10, "bytes", "`mlci.yml`",
    "a table or a notebook in its place", "mlci.config.loader:decode_yaml",
)  # fmt: skip
CONFIG_DEPTH = Bound(
    "configuration-depth", 12, "levels", "lists and mappings inside each other in `mlci.yml`",
    "brackets that are not closed", "mlci.config.yaml_tree:parse_yaml",
)  # fmt: skip
CONFIG_VALUES = Bound(
    "configuration-values", 10_000, "values", "values in `mlci.yml`",
    "a generated list of gates; `each:` makes one for every group", "mlci.config.yaml_tree:parse_yaml",
)  # fmt: skip
EVENT_BYTES = Bound(
    "event", 25 << 20, "bytes", "the payload of the event that started a workflow",
    "a file that GitHub did not write; it caps payloads at 25 MB", "mlci.publish.event:parse_payload",
)  # fmt: skip
EVENT_DEPTH = Bound(
    "event-depth", 64, "levels", "objects and lists inside each other in an event",
    "a file that GitHub did not write", "mlci.publish.event:parse_payload",
)  # fmt: skip
EVENT_PARTS = Bound(
    "event-parts", 400_000, "objects and lists", "objects and lists in an event",
    "a file that GitHub did not write", "mlci.publish.event:parse_payload",
)  # fmt: skip
EVENT_VALUES = Bound(
    "event-values", 2_000_000, "values", "values in an event",
    "a file that GitHub did not write", "mlci.publish.event:parse_payload",
)  # fmt: skip
REPORT_BYTES = Bound(
    "report", 256 << 20, "bytes", "`report.json`",
    "far more than 100,000 gates", "mlci.report.serialization:parse_report",
)  # fmt: skip
REPORT_DEPTH = Bound(
    "report-depth", 20, "levels", "objects and lists inside each other in `report.json`",
    "a file that mlci did not write", "mlci.report.serialization:parse_report",
)  # fmt: skip
REPORT_PARTS = Bound(
    "report-parts", 1_500_000, "objects and lists", "objects and lists in `report.json`",
    "far more than 100,000 gates", "mlci.report.serialization:parse_report",
)  # fmt: skip
REPORT_VALUES = Bound(
    "report-values", 8_000_000, "values", "values in `report.json`",
    "far more than 100,000 gates", "mlci.report.serialization:parse_report",
)  # fmt: skip
REPORT_KEYS = Bound(
    "report-keys", 10_000, "keys", "keys of one object in `report.json`",
    "a file that mlci did not write", "mlci.report.serialization:parse_report",
)  # fmt: skip
METRICS_BYTES = Bound(
    "metrics-file", 16_000_000, "bytes", "a metrics file in JSON",
    "predictions or weights in its place", "mlci.execution.metrics_file:read_metrics_file",
)  # fmt: skip
METRICS_TEXT_BYTES = Bound(
    "metrics-file-yaml", 250_000, "bytes", "a metrics file in YAML or TOML, whose parsers take minutes for more",
    "a log of every step; write it as JSON", "mlci.execution.metrics_file:read_metrics_file",
)  # fmt: skip
METRICS_PARTS = Bound(
    "metrics-file-parts", 250_000, "objects and lists", "objects and lists in a metrics file",
    "predictions in its place", "mlci.execution.metrics_file:read_metrics_file",
)  # fmt: skip
METRICS_VALUES = Bound(
    "metrics-file-values", 1_000_000, "values", "values in a metrics file",
    "predictions in its place", "mlci.execution.metrics_file:read_metrics_file",
)  # fmt: skip
METRICS_DEPTH = Bound(
    "metrics-file-depth", 32, "levels", "names inside each other in a metrics file",
    "a file that another program wrote", "mlci.execution.metrics_file:read_metrics_file",
)  # fmt: skip
METRICS_NAMES = Bound(
    "metrics-file-names", 10_000, "names", "names in a metrics file, with every repetition of an alias",
    "a log of every step, or YAML that is made to expand", "mlci.execution.metrics_file:read_metrics_file",
)  # fmt: skip
TABLE_INFLATED_BYTES = Bound(
    "table-inflated", 8 << 30, "bytes", "a table that is unpacked",
    "a file that is made to expand; unpack it in a step before", "mlci.engine.tables.files:inflate",
)  # fmt: skip
TABLE_DOWNLOAD_BYTES = Bound(
    "table-download", 8 << 30, "bytes", "a table that is downloaded",
    "a data set instead of the evaluation set", "mlci.engine.tables.files:download",
)  # fmt: skip
TABLE_DOWNLOAD_SECONDS = Bound(
    "table-download-wait", 60, "seconds", "the wait for an answer while a table is downloaded",
    "a server that does not answer", "mlci.engine.tables.files:download",
)  # fmt: skip
TABLE_LINE_BYTES = Bound(
    "table-line", 2_000_000, "bytes", "a line of a CSV file",
    "a quote that is not closed", "mlci.engine.tables.csv_json:stage_csv",
)  # fmt: skip
TABLE_HEADER_BYTES = Bound(
    "table-header", 1 << 20, "bytes", "the header of a CSV file",
    "a file without a header", "mlci.engine.tables.csv_json:read_header",
)  # fmt: skip
MODEL_MEMBERS = Bound(
    "model-files", 100_000, "files", "files in a skops file",
    "an archive of data", "mlci.execution.skops_stage:require_skops",
)  # fmt: skip
MODEL_BYTES = Bound(
    "model-unpacked", 8 << 30, "bytes", "the files of a skops file, unpacked",
    "a file that is made to expand", "mlci.execution.skops_stage:require_skops",
)  # fmt: skip
MODEL_SCHEMA_BYTES = Bound(
    "model-schema", 64 << 20, "bytes", "`schema.json` of a skops file",
    "a file that skops did not write", "mlci.execution.skops_stage:require_skops",
)  # fmt: skip
OUTPUT_LINE_BYTES = Bound(
    "output-line", 16_384, "bytes", "what is kept of a line of a command",
    "a progress bar without line ends; the rest is dropped", "mlci.execution.sanitize:LineSplitter",
)  # fmt: skip
OUTPUT_SHOWN_CHARACTERS = Bound(
    "output-shown", 2_000, "characters", "what is shown of a line",
    "data in a log; the rest is counted", "mlci.execution.sanitize:sanitize",
)  # fmt: skip
TESTS_BYTES = Bound(
    "test-results", 50_000_000, "bytes", "the results of behavioural tests",
    "output of tests in their messages", "mlci.execution.behaviour_stage:run_behaviour_tests",
)  # fmt: skip
ANSWER_BYTES = Bound(
    "metric-answer", 1_000_000, "bytes", "the answer of custom metrics, and 2,000 more for each in each group",
    "output in the place of the answer", "mlci.execution.metric_stage:_read",
)  # fmt: skip
EVALUATION_BYTES = Bound(
    "evaluation", 256_000_000, "bytes", "`evaluation.json`, which one stage hands to the next",
    "a file that mlci did not write", "mlci.inference.serialization:parse_evaluation",
)  # fmt: skip
ENTRY_BYTES = Bound(
    "ledger-entry", 256 << 10, "bytes", "an entry of the ledger",
    "an entry that mlci did not write", "mlci.registry.ledger:parse_entry",
)  # fmt: skip
CHECKPOINT_BYTES = Bound(
    "checkpoint", 1024, "bytes", "the checkpoint of a ledger",
    "a file that mlci did not write", "mlci.registry.stores.interface:parse_checkpoint",
)  # fmt: skip
DESCRIPTION_BYTES = Bound(
    "version-manifest", 16 << 20, "bytes", "the manifest of a version or a bundle",
    "a model in many thousand files", "mlci.registry.stored_files:read_description",
)  # fmt: skip
COPY_BYTES = Bound(
    "registry-copy", 64 << 20, "bytes", "the index of the copy that `mlci fetch` makes",
    "a file that mlci did not write", "mlci.registry.stores.snapshot:SnapshotReader",
)  # fmt: skip
API_BYTES = Bound(
    "api-answer", 48 << 20, "bytes", "an answer of GitHub's API",
    "a server that is not GitHub", "mlci.github.transport:transport",
)  # fmt: skip
API_PAGES = Bound(
    "api-pages", 50, "pages", "pages of a list of GitHub's API, of 100 items each",
    "a pull request with more than 5,000 comments", "mlci.github.client:Client",
)  # fmt: skip
API_TEXT_BYTES = Bound(
    "api-text", 1 << 20, "bytes", "what is read of a comment or of a summary of a check",
    "a text that GitHub does not store", "mlci.github.client:Client",
)  # fmt: skip
REDIRECTS = Bound(
    "redirects", 3, "redirects", "redirects of a download from GitHub",
    "a proxy that redirects in a circle", "mlci.github.file_transfer:add_file_transfer",
)  # fmt: skip
COMMENT_BYTES = Bound(
    "comment", 60_000, "bytes", "the comment; GitHub refuses more than 65,536 characters",
    "many gates: details are left out, the verdict never", "mlci.report.comment:render_comment",
)  # fmt: skip
SUMMARY_BYTES = Bound(
    "summary", 1_000_000, "bytes", "the job's summary; GitHub takes 1 MiB for each step",
    "many gates: details are left out, the verdict never", "mlci.report.comment:render_summary",
)  # fmt: skip
GIT_SECONDS = Bound(
    "git", 900, "seconds", "a command of git",
    "a checkout of many large files", "mlci.git.git:Git.ask",
)  # fmt: skip

BOUNDS = tuple(one for one in list(globals().values()) if isinstance(one, Bound))
"""All of them, for the table in the documentation."""
