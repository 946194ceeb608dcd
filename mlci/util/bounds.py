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
    "artifact", 64 << 20, "bytes", "the artifact of sealed predictions, as it is downloaded",
    "files beside the two that `mlci sealed predict` writes, or more than two million rows",
    "mlci.sealed.archive:read_archive",
)  # fmt: skip
INFLATED_BYTES = Bound(
    "artifact-inflated", 512 << 20, "bytes", "both files of the artifact, uncompressed",
    "an archive that is made to expand", "mlci.sealed.archive:read_archive",
)  # fmt: skip
ARCHIVE_ENTRIES = Bound(
    "artifact-entries", 2, "entries", "files in the artifact",
    "an upload of another folder than the one that `mlci sealed predict` wrote", "mlci.sealed.archive:read_archive",
)  # fmt: skip
MANIFEST_BYTES = Bound(
    "sealed-manifest", 64 << 10, "bytes", "`manifest.json` of the artifact",
    "a file that another program wrote", "mlci.sealed.manifest:read_manifest",
)  # fmt: skip
PREDICTION_ROWS = Bound(
    "sealed-rows", 10_000_000, "rows", "`predictions.csv` of the artifact, and never more than the evaluation set has",
    "predictions for other rows than those of the evaluation set", "mlci.sealed.predictions:parse_predictions",
)  # fmt: skip
PREDICTION_CELL = Bound(
    "sealed-cell", 1 << 10, "bytes", "one cell of `predictions.csv`",
    "keys or decisions that hold documents", "mlci.sealed.predictions:parse_predictions",
)  # fmt: skip
PREDICTION_COLUMNS = Bound(
    "sealed-columns", 103, "columns", "`predictions.csv`: key, score, decision, and the probabilities of 100 classes",
    "another table than the one that `mlci sealed predict` wrote", "mlci.sealed.predictions:parse_predictions",
)  # fmt: skip
CHANGED_FILES = Bound(
    "changed-files", 3_000, "files", "the files that a pull request changes; GitHub lists no more",
    "generated files in a pull request", "mlci.github.workflow_runs:WorkflowRuns",
)  # fmt: skip
COMPARED_FILES = Bound(
    "compared-files", 300, "files", "the files that differ between two commits; GitHub lists no more",
    "a version in production that is many merges old", "mlci.github.workflow_runs:WorkflowRuns",
)  # fmt: skip
SEALED_LABEL_BYTES = Bound(
    "sealed-labels", 256 << 20, "bytes", "a file of sealed labels",
    "labels of more rows than an evaluation set needs", "mlci.operations.sealed.labels:read_seal",
)  # fmt: skip
LISTED_ARTIFACTS = Bound(
    "listed-artifacts", 300, "artifacts", "the artifacts of the training's workflow run that are listed",
    "a workflow that uploads an artifact for each item of a large matrix", "mlci.github.workflow_runs:WorkflowRuns",
)  # fmt: skip
COMMAND_CHARACTERS = Bound(
    "command", 4_000, "characters", "a comment with a command",
    "a text that begins with `/mlci` and is not a command", "mlci.commands.grammar:parse_command",
)  # fmt: skip
COMMAND_ARGUMENTS = Bound(
    "command-arguments", 12, "arguments", "a command in a comment",
    "a reason without quotes", "mlci.commands.grammar:parse_command",
)  # fmt: skip
GATE_CHARACTERS = Bound(
    "command-gate", 500, "characters", "the id of a gate in a command",
    "another text", "mlci.commands.grammar:parse_command",
)  # fmt: skip
REASON_CHARACTERS = Bound(
    "command-reason", 500, "characters", "the reason of a waiver",
    "a discussion", "mlci.commands.grammar:check_reason",
)  # fmt: skip
REPORT_ARTIFACT_BYTES = Bound(
    "report-artifact", 16 << 20, "bytes", "the artifact with the report that a command reads",
    "an artifact that holds the bundle with the model", "mlci.github.collaboration:Collaboration.download",
)  # fmt: skip
REPORT_INFLATED_BYTES = Bound(
    "report-inflated", 32 << 20, "bytes", "`report.json` in that artifact, uncompressed",
    "a report of more than 10,000 gates", "mlci.operations.commands.head_report:_member",
)  # fmt: skip
REPORT_ENTRIES = Bound(
    "report-entries", 10_000, "entries", "files in that artifact",
    "an upload of another folder than `.mlci/out`", "mlci.operations.commands.head_report:_member",
)  # fmt: skip
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
TABLE_COLUMNS = Bound(
    "table-columns", 10_000, "columns", "a table in CSV",
    "a matrix of features in the place of predictions; Parquet has no such limit",
    "mlci.engine.tables.csv_json:check_names",
)  # fmt: skip
TABLE_KEYS = Bound(
    "table-keys", 1_000, "keys", "the objects of a table in JSON, all of their keys together",
    "names that hold data, such as a key for each customer; Parquet has no such limit",
    "mlci.engine.tables.csv_json:check_names",
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
SCHEMA_ANSWER_BYTES = Bound(
    "schema-answer", 8_000_000, "bytes", "the answers of a pandera schema about windows of production",
    "output in the place of the answers", "mlci.execution.schemas.stage:_answers",
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
MODELS_PLAN_BYTES = Bound(
    "models-plan", 1 << 20, "bytes", "the plan of `mlci models plan`, as one job hands it to the next",
    "an output of another step", "mlci.publish.models_plan:parse_models_plan",
)  # fmt: skip
MODELS_REPORTS = Bound(
    "models-reports", 1_000, "files", "the reports that `mlci models publish` reads",
    "a folder with artifacts of other runs", "mlci.operations.monorepo.collect:collect_reports",
)  # fmt: skip
SHARD_BYTES = Bound(
    "shard", 512 << 20, "bytes", "a file that one shard of an evaluation wrote",
    "a file of another program", "mlci.operations.shards.shard_rounds:read_shard_files",
)  # fmt: skip
GIT_SECONDS = Bound(
    "git", 900, "seconds", "a command of git",
    "a checkout of many large files", "mlci.git.git:Git.ask",
)  # fmt: skip

BOUNDS = tuple(one for one in list(globals().values()) if isinstance(one, Bound))
"""All of them, for the table in the documentation."""
